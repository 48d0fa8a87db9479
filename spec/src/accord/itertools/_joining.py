"""Iterators that put several iterables, or several items, together or that repeat them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle
from typing import Any, TypeVar

from ..sync import Lock
from ._selecting import Held
from ._steps import END, NOTHING, AnyIter, Source, Steps

T = TypeVar("T")


class Batched(Steps[tuple[T, ...]]):
    """Tuples of ``n`` items each."""

    __slots__ = ("_batch", "_n", "_source", "_strict")

    def __init__(self, iterable: AnyIter[T], n: int, strict: bool) -> None:
        super().__init__()
        self._source = Source(iterable)
        self._batch: list[Any] = []
        self._n = n
        self._strict = strict

    async def _step(self) -> Any:
        while len(self._batch) < self._n:
            item = await self._source.next()
            if item is END:
                break
            self._batch.append(item)
        batch, self._batch = self._batch, []
        if not batch:
            return END
        if self._strict and len(batch) < self._n:
            raise ValueError(f"batched(): the last batch is incomplete: {len(batch)} of {self._n} items")
        return tuple(batch)


class Chain(Steps[T]):
    """The items of several iterables, one iterable after the other."""

    __slots__ = ("_current", "_iterables")

    def __init__(self, iterables: AnyIter[AnyIter[T]]) -> None:
        super().__init__()
        self._iterables: Source[AnyIter[T]] = Source(iterables, "iterables")
        self._current: Source[T] | None = None

    async def _step(self) -> Any:
        while True:
            if self._current is None:
                following: Any = await self._iterables.next()
                if following is END:
                    return END
                self._current = Source(following, "an item of iterables")
            item = await self._current.next()
            if item is not END:
                return item
            self._current = None


class Cycle(Steps[T]):
    """The items again and again."""

    __slots__ = ("_saved", "_source")

    def __init__(self, iterable: AnyIter[T]) -> None:
        super().__init__()
        self._source = Source(iterable)
        self._saved: list[Any] | None = []

    async def _step(self) -> Any:
        item = await self._source.next()
        if item is not END:
            if self._saved is not None:
                self._saved.append(item)
            return item
        if self._saved:
            self._source = Source(cycle(self._saved))
            self._saved = None
            return await self._source.next()
        return END


class GroupBy(Held[tuple[Any, list[T]]]):
    """Pairs of a key and the list of the items in a row that have it."""

    __slots__ = ("_found", "_group", "_key")

    def __init__(self, iterable: AnyIter[T], key: Callable[[T], Awaitable[object]] | None) -> None:
        super().__init__(iterable)
        self._key = key
        self._group: list[Any] = []
        self._found: Any = NOTHING

    async def _step(self) -> Any:
        while (item := await self._hold()) is not END:
            key: Any = item if self._key is None else await self._ask(self._key, item)
            if self._group and key != self._found:
                return self._finish(key, [self._release()])
            if not self._group:
                self._found = key
            self._group.append(self._release())
        if self._group:
            return self._finish(NOTHING, [])
        return END

    def _finish(self, key: Any, group: list[Any]) -> tuple[Any, list[T]]:
        finished = self._found, self._group
        self._found, self._group = key, group
        return finished


class Pairwise(Held[tuple[T, T]]):
    """Each two items that follow each other."""

    __slots__ = ()

    async def _step(self) -> Any:
        before = await self._hold()
        after = END if before is END else await self._source.next()
        if after is END:
            return END
        self._held = after
        return before, after


class Rows(Steps[tuple[Any, ...]]):
    """A tuple of an item of each iterable, until the longest has ended."""

    __slots__ = ("_fillvalue", "_row", "_sources")

    def __init__(self, iterables: Iterable[AnyIter[Any]], fillvalue: object) -> None:
        super().__init__()
        self._sources: list[Source[Any] | None] = [Source(iterable, "an iterable") for iterable in iterables]
        self._fillvalue = fillvalue
        self._row: list[Any] = []

    async def _step(self) -> Any:
        while len(self._row) < len(self._sources):
            source = self._sources[len(self._row)]
            item = END if source is None else await source.next()
            if item is END:
                self._sources[len(self._row)] = None
                item = self._fillvalue
            self._row.append(item)
        row, self._row = self._row, []
        if any(source is not None for source in self._sources):
            return tuple(row)
        return END


class Pooled(Steps[tuple[Any, ...]]):
    """What a function of ``itertools`` makes of iterables that it needs whole."""

    __slots__ = ("_made", "_make", "_pools", "_reading")

    def __init__(self, iterables: Iterable[AnyIter[Any]], make: Callable[..., Iterable[tuple[Any, ...]]]) -> None:
        super().__init__()
        self._reading: list[Source[Any]] = [Source(iterable) for iterable in iterables]
        self._pools: list[list[Any]] = [[] for _ in self._reading]
        self._make = make
        self._made: Source[tuple[Any, ...]] | None = None

    async def _step(self) -> Any:
        if self._made is None:
            for source, pool in zip(self._reading, self._pools, strict=True):
                while (item := await source.next()) is not END:
                    pool.append(item)
            self._made = Source(self._make(*self._pools))
            self._pools.clear()
        return await self._made.next()


class _Link:
    """An item of an iterable that several iterators share, and the way to the next."""

    __slots__ = ("following", "item")

    def __init__(self) -> None:
        self.item: Any = NOTHING
        self.following: _Link | None = None


class Shared:
    """The iterable of ``tee``: one of its iterators at a time takes the next item from it."""

    __slots__ = ("_lock", "_source")

    def __init__(self, iterable: AnyIter[Any]) -> None:
        self._source: Source[Any] = Source(iterable)
        self._lock = Lock()

    async def fill(self, link: _Link) -> None:
        """See to it that a link has an item."""
        async with self._lock:
            if link.item is NOTHING:
                link.item = await self._source.next()
                link.following = _Link()


class Branch(Steps[T]):
    """One of the iterators of ``tee``."""

    __slots__ = ("_link", "_shared")

    def __init__(self, shared: Shared, link: _Link) -> None:
        super().__init__()
        self._shared = shared
        self._link = link

    async def _step(self) -> Any:
        link = self._link
        if link.item is NOTHING:
            await self._shared.fill(link)
        if link.item is not END:
            assert link.following is not None
            self._link = link.following
        return link.item


def branches(iterable: AnyIter[T], n: int) -> tuple[Branch[T], ...]:
    """Return ``n`` iterators over one iterable."""
    shared, link = Shared(iterable), _Link()
    return tuple(Branch[T](shared, link) for _ in range(n))
