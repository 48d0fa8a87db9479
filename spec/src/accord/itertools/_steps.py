"""What the iterators of this package are made of.

They are classes and not asynchronous generators. A generator is finished by the first exception that leaves it, so that
a timeout around one step would end the iteration and lose what the step had taken so far. These iterators keep what a
step has taken until the step has something to show for it: after a cancelled step one can iterate on, and nothing is
missing (ITER-3). They hold nothing that would have to be closed, either.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterable, Iterable
from typing import Any, Final, Generic, Self, TypeVar, final

from .._backends import current_backend
from ..exceptions import BusyResourceError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

AnyIter = Iterable[T] | AsyncIterable[T]
"""What the functions of this package take: an iterable of either kind."""


@final
class Nothing:
    """The type of ``NOTHING``."""

    __slots__ = ()


NOTHING: Final = Nothing()
"""Stands for no item."""

END: Final = Nothing()
"""What a source returns at its end."""


async def pause() -> None:
    """Be a checkpoint where nothing has to be waited for."""
    backend = current_backend()
    if backend.checkpoint_due():
        await backend.checkpoint()


class Source(Generic[T]):
    """The items of an iterable of either kind; each of its steps is a checkpoint."""

    __slots__ = ("_aiter", "_ended", "_iter")

    def __init__(self, iterable: AnyIter[T], name: str = "iterable") -> None:
        self._ended = False
        if isinstance(iterable, AsyncIterable):
            self._aiter = iterable.__aiter__()
            self._iter = None
        elif isinstance(iterable, Iterable) or hasattr(iterable, "__getitem__"):
            self._iter = iter(iterable)
        else:
            raise TypeError(f"{name} must be iterable or asynchronously iterable, not {type(iterable).__name__}")

    async def next(self) -> Any:
        """Return the next item, or ``END``, which the iterable is not asked for twice."""
        await pause()
        if self._ended:
            return END
        if self._iter is not None:
            item = next(self._iter, END)
            self._ended = item is END
            return item
        try:
            return await self._aiter.__anext__()
        except StopAsyncIteration:
            self._ended = True
            return END


class Steps(Generic[T_co]):
    """An asynchronous iterator; its items come from ``_step``."""

    __slots__ = ("_ended", "_running")

    def __init__(self) -> None:
        self._ended = False
        self._running = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        if self._running:
            raise BusyResourceError("iterating over")
        self._running = True
        try:
            await pause()
            if self._ended:
                raise StopAsyncIteration
            item = await self._step()
            if item is END:
                self._ended = True
                raise StopAsyncIteration
        finally:
            self._running = False
        result: T_co = item
        return result

    @abstractmethod
    async def _step(self) -> Any:
        """Return the next item, or ``END``; may be called again after it has raised."""


class Plain(Steps[T]):
    """The items of one source as they are."""

    __slots__ = ("_source",)

    def __init__(self, iterable: AnyIter[T]) -> None:
        super().__init__()
        self._source = Source(iterable)

    async def _step(self) -> Any:
        return await self._source.next()
