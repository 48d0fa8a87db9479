"""What type checkers infer for accord.itertools, accord.functools and the mixins; checked, never run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, assert_type

import accord.itertools as it
from accord import AsyncContextManagerMixin, ContextManagerMixin
from accord.abc import ObjectReceiveStream
from accord.functools import AsyncCacheInfo, AsyncLRUCacheWrapper, cache, lru_cache, reduce


async def longer(left: str, right: str) -> str:
    """Return the longer one."""
    return max(left, right, key=len)


async def is_long(text: str) -> bool:
    """Tell whether a text is long."""
    return len(text) > 10


async def repeated(text: str, times: int) -> bytes:
    """Return it that often."""
    return text.encode() * times


async def iterators(texts: ObjectReceiveStream[str], numbers: list[int]) -> None:
    assert_type(it.accumulate(numbers), AsyncIterator[int])
    assert_type(it.accumulate(texts, longer, initial=""), AsyncIterator[str])
    assert_type(it.batched(texts, 3), AsyncIterator[tuple[str, ...]])
    assert_type(it.chain(texts, ["more"]), AsyncIterator[str])
    assert_type(it.chain.from_iterable([numbers, numbers]), AsyncIterator[int])
    assert_type(it.combinations(numbers, 2), AsyncIterator[tuple[int, ...]])
    assert_type(it.combinations_with_replacement(numbers, 2), AsyncIterator[tuple[int, ...]])
    assert_type(it.compress(texts, numbers), AsyncIterator[str])
    assert_type(it.count(), AsyncIterator[int])
    assert_type(it.count(0.5, 0.5), AsyncIterator[float])
    assert_type(it.cycle(texts), AsyncIterator[str])
    assert_type(it.dropwhile(is_long, texts), AsyncIterator[str])
    assert_type(it.filterfalse(is_long, texts), AsyncIterator[str])
    assert_type(it.groupby(texts), AsyncIterator[tuple[str, list[str]]])
    assert_type(it.groupby(texts, is_long), AsyncIterator[tuple[bool, list[str]]])
    assert_type(it.islice(texts, 5), AsyncIterator[str])
    assert_type(it.islice(texts, 2, None, 3), AsyncIterator[str])
    assert_type(it.pairwise(texts), AsyncIterator[tuple[str, str]])
    assert_type(it.permutations(texts), AsyncIterator[tuple[str, ...]])
    assert_type(it.product(texts, numbers), AsyncIterator[tuple[str, int]])
    assert_type(it.product(texts, repeat=2), AsyncIterator[tuple[str, ...]])
    assert_type(it.repeat("x", 3), AsyncIterator[str])
    assert_type(it.starmap(repeated, [("x", 3)]), AsyncIterator[bytes])
    assert_type(it.takewhile(is_long, texts), AsyncIterator[str])
    assert_type(it.tee(texts, 3), tuple[AsyncIterator[str], ...])
    assert_type(it.zip_longest(texts), AsyncIterator[tuple[str]])
    assert_type(it.zip_longest(texts, numbers), AsyncIterator[tuple[str | None, int | None]])
    assert_type(it.zip_longest(texts, ["a"], fillvalue=""), AsyncIterator[tuple[str, str]])
    assert_type(it.zip_longest(texts, texts, texts, fillvalue=0), AsyncIterator[tuple[str | int, ...]])
    async for number, text in it.product(numbers, texts):
        assert_type(number, int)
        assert_type(text, str)


@lru_cache
async def fetched(url: str, *, retries: int = 3) -> bytes:
    """Fetch something."""
    return url.encode() * retries


@cache
def ordinary(number: int) -> str:
    """Return a text."""
    return str(number)


class Service:
    """Has cached methods."""

    @lru_cache(maxsize=5, ttl=1.5)
    async def method(self, number: int) -> list[int]:
        """Return a list."""
        return [number]

    @lru_cache(typed=True)
    def plain(self, number: int) -> str:
        """Return a text."""
        return str(number)


async def cached(service: Service, texts: ObjectReceiveStream[str]) -> None:
    assert_type(await fetched("x", retries=5), bytes)
    assert_type(fetched.cache_info(), AsyncCacheInfo)
    assert_type(ordinary(5), str)
    ordinary.cache_clear()
    call: Coroutine[Any, Any, list[int]] = service.method(5)
    assert_type(await call, list[int])
    assert_type(await Service.method(service, 5), list[int])
    assert_type(Service.method.cache_info().ttl, float | None)
    assert_type(service.plain(5), str)
    wrapper: AsyncLRUCacheWrapper[[int], bool] = cache(is_even)
    assert_type(await wrapper(5), bool)
    assert_type(await reduce(longer, texts), str)
    assert_type(await reduce(count_letters, texts, 0), int)
    await fetched(5)  # type: ignore[arg-type]
    await service.method("5")  # type: ignore[arg-type]
    lru_cache(maxsize="5")  # type: ignore[call-overload]


async def is_even(number: int) -> bool:
    """Tell whether a number is even."""
    return number % 2 == 0


async def count_letters(count: int, text: str) -> int:
    """Add the length of a text."""
    return count + len(text)


def refused(texts: list[str]) -> None:
    it.batched(texts)  # type: ignore[call-arg]
    it.accumulate(texts, max)  # type: ignore[arg-type]
    it.batched(5, 1)  # type: ignore[arg-type]


class Resource(AsyncContextManagerMixin, ContextManagerMixin):
    """Can be entered in both ways."""

    @contextmanager
    def __contextmanager__(self) -> Generator[int, None, None]:
        yield 5

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        yield self


class Child(Resource):
    """Extends it."""

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
        async with super().__asynccontextmanager__():
            yield self


async def context_managers(resource: Resource, child: Child) -> None:
    with resource as number:
        assert_type(number, int)
    async with resource as entered:
        assert_type(entered, Resource)
    async with child as entered_child:
        assert_type(entered_child, Child)
