"""Iterators that pass on some of the items of an iterable, changed or not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ._steps import END, NOTHING, AnyIter, Nothing, Source, Steps

T = TypeVar("T")
R = TypeVar("R")

Predicate = Callable[[T], Awaitable[object]]


class Held(Steps[R]):
    """One that keeps an item of its source until something has become of it."""

    __slots__ = ("_held", "_source")

    def __init__(self, iterable: AnyIter[Any]) -> None:
        super().__init__()
        self._source: Source[Any] = Source(iterable)
        self._held: Any = NOTHING

    async def _hold(self) -> Any:
        """Return the item that is held, or else the next one, which is held from now on."""
        if self._held is NOTHING:
            self._held = await self._source.next()
        return self._held

    def _release(self) -> Any:
        item, self._held = self._held, NOTHING
        return item

    async def _ask(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Call the user's function; if it fails the item is gone, and if it is cancelled it will be asked again."""
        try:
            return await function(*args)
        except Exception:
            self._release()
            raise


class Accumulate(Held[T]):
    """The running totals."""

    __slots__ = ("_function", "_initial", "_total")

    def __init__(self, iterable: AnyIter[T], function: Callable[[T, T], Awaitable[T]], initial: T | Nothing) -> None:
        super().__init__(iterable)
        self._function = function
        self._initial: Any = initial
        self._total: Any = NOTHING

    async def _step(self) -> Any:
        if self._total is NOTHING:
            first = await self._source.next() if self._initial is NOTHING else self._initial
            if first is not END:
                self._total = first
            return first
        item = await self._hold()
        if item is END:
            return END
        self._total = await self._ask(self._function, self._total, item)
        self._release()
        return self._total


class Filter(Held[T]):
    """The items for which a predicate is false."""

    __slots__ = ("_predicate",)

    def __init__(self, predicate: Predicate[T], iterable: AnyIter[T]) -> None:
        super().__init__(iterable)
        self._predicate = predicate

    async def _step(self) -> Any:
        while (item := await self._hold()) is not END:
            passes = not await self._ask(self._predicate, item)
            self._release()
            if passes:
                return item
        return END


class DropWhile(Filter[T]):
    """The items from the first one on for which a predicate is false."""

    __slots__ = ("_dropping",)

    def __init__(self, predicate: Predicate[T], iterable: AnyIter[T]) -> None:
        super().__init__(predicate, iterable)
        self._dropping = True

    async def _step(self) -> Any:
        if not self._dropping:
            return await self._source.next()
        first = await super()._step()
        self._dropping = False
        return first


class TakeWhile(Held[T]):
    """The items up to the first one for which a predicate is false."""

    __slots__ = ("_predicate",)

    def __init__(self, predicate: Predicate[T], iterable: AnyIter[T]) -> None:
        super().__init__(iterable)
        self._predicate = predicate

    async def _step(self) -> Any:
        item = await self._hold()
        if item is END or not await self._ask(self._predicate, item):
            return END
        return self._release()


class Compress(Held[T]):
    """The items whose selector is true."""

    __slots__ = ("_selectors",)

    def __init__(self, data: AnyIter[T], selectors: AnyIter[object]) -> None:
        super().__init__(data)
        self._selectors: Source[object] = Source(selectors, "selectors")

    async def _step(self) -> Any:
        while await self._hold() is not END:
            selector = await self._selectors.next()
            if selector is END:
                return END
            item = self._release()
            if selector:
                return item
        return END


class StarMap(Held[R]):
    """What a function returns for each of the items, which are its arguments."""

    __slots__ = ("_arguments", "_function", "_reading")

    def __init__(self, function: Callable[..., Awaitable[R]], iterable: AnyIter[AnyIter[Any]]) -> None:
        super().__init__(iterable)
        self._function = function
        self._reading: Source[Any] | None = None
        self._arguments: list[Any] = []

    async def _step(self) -> Any:
        item = await self._hold()
        if item is END:
            return END
        if self._reading is None:
            self._reading = Source(item, "an item")
        while (argument := await self._reading.next()) is not END:
            self._arguments.append(argument)
        result = await self._ask(self._function, *self._arguments)
        self._release()
        return result

    def _release(self) -> Any:
        self._reading = None
        self._arguments = []
        return super()._release()


class Slice(Steps[T]):
    """The items at the places of a ``range``, which may have no end."""

    __slots__ = ("_at", "_next", "_source", "_step_size", "_stop")

    def __init__(self, iterable: AnyIter[T], start: int, stop: int | None, step: int) -> None:
        super().__init__()
        self._source = Source(iterable)
        self._at = 0
        self._next = start
        self._stop = None if stop is None else max(start, stop)
        self._step_size = step

    async def _step(self) -> Any:
        stop = self._stop
        while stop is None or self._next < stop:
            item = await self._source.next()
            if item is END:
                return END
            self._at += 1
            if self._at > self._next:
                self._next += self._step_size
                return item
        # As itertools does, take what is skipped at the end, too.
        while stop is not None and self._at < stop and await self._source.next() is not END:
            self._at += 1
        return END
