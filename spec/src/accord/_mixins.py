"""What every resource and every stream does in the same way: its block, and iterating over what it receives."""

from __future__ import annotations

import warnings
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


class ClosingAtOnce(Closing):
    """Closing waits for nothing: blocks of both kinds close."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """Close the resource."""

    async def aclose(self) -> None:
        """Close it, as ``close``; no checkpoint."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()


class MustBeClosed(ClosingAtOnce):
    """What was never closed is warned of."""

    __slots__ = ()

    def _is_open(self) -> bool:
        """Whether it still has to be closed; its ``__init__`` may have failed."""
        return not getattr(self, "_closed", True)

    def __del__(self) -> None:
        if self._is_open():
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)


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
