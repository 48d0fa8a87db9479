"""What every resource and every stream does in the same way: its block, and iterating over what it receives."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Generic, Self, TypeVar

from .exceptions import EndOfStream

T_co = TypeVar("T_co", covariant=True)


class Closing:
    """Leaving the block of a resource closes it."""

    __slots__ = ()

    @abstractmethod
    async def aclose(self) -> None:
        """Close the resource."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()


class Receiving(Closing, Generic[T_co]):
    """Iterating over a stream receives until its end."""

    __slots__ = ()

    @abstractmethod
    async def receive(self) -> T_co:
        """Return what came next; ``EndOfStream`` at the end."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None
