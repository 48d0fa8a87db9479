"""The functions of ``itertools`` for asynchronous iterables, ordinary ones too (area ITER).

Each returns an asynchronous iterator, whose steps are checkpoints. Functions that the caller gives are asynchronous.
A step that is cancelled loses nothing: one can iterate on. The iterables are not closed; they are the caller's.
"""

from __future__ import annotations

import itertools as _itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial as _partial
from typing import Any, TypeVar, overload

from ..streams.checking import check_size as _check
from . import _joining, _selecting
from ._steps import NOTHING as _NOTHING
from ._steps import AnyIter, Plain

__all__ = [
    "AnyIter",
    "accumulate",
    "batched",
    "chain",
    "combinations",
    "combinations_with_replacement",
    "compress",
    "count",
    "cycle",
    "dropwhile",
    "filterfalse",
    "groupby",
    "islice",
    "pairwise",
    "permutations",
    "product",
    "repeat",
    "starmap",
    "takewhile",
    "tee",
    "zip_longest",
]

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K")
N = TypeVar("N", int, float)
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")


async def _add(left: Any, right: Any) -> Any:
    return left + right


def _check_function(function: object, name: str = "function") -> None:
    if not callable(function):
        raise TypeError(f"{name} must be callable, not {type(function).__name__}")


def accumulate(
    iterable: AnyIter[T], function: Callable[[T, T], Awaitable[T]] = _add, *, initial: T | None = None
) -> AsyncIterator[T]:
    """Iterate over running totals.

    :param function: makes the next total of the last one and an item; by default their sum.
    :param initial: the first total, if it is not None; else the first item is.
    """
    _check_function(function)
    return _selecting.Accumulate(iterable, function, _NOTHING if initial is None else initial)


def batched(iterable: AnyIter[T], n: int, *, strict: bool = False) -> AsyncIterator[tuple[T, ...]]:
    """Iterate over tuples of ``n`` items each, the last of which may be shorter.

    :param n: at least 1.
    :param strict: raise ``ValueError`` in place of a shorter tuple; its items are lost.
    """
    return _joining.Batched(iterable, _check(n, "n"), strict)


class _Chain:
    __slots__ = ()

    def __call__(self, *iterables: AnyIter[T]) -> AsyncIterator[T]:
        """Iterate over the items of several iterables, one iterable after the other."""
        return _joining.Chain(iterables)

    def from_iterable(self, iterables: AnyIter[AnyIter[T]]) -> AsyncIterator[T]:
        """Iterate over the items of iterables that come from an iterable."""
        return _joining.Chain(iterables)


chain = _Chain()
"""Iterates over the items of several iterables, one iterable after the other; see also ``chain.from_iterable``."""


def combinations(iterable: AnyIter[T], r: int) -> AsyncIterator[tuple[T, ...]]:
    """Iterate over the subsets of ``r`` items, in order; the first step takes all items."""
    _check(r, "r", 0)
    return _joining.Pooled([iterable], _partial(_itertools.combinations, r=r))


def combinations_with_replacement(iterable: AnyIter[T], r: int) -> AsyncIterator[tuple[T, ...]]:
    """Iterate over the choices of ``r`` items, each of which may be chosen again; the first step takes all items."""
    _check(r, "r", 0)
    return _joining.Pooled([iterable], _partial(_itertools.combinations_with_replacement, r=r))


def permutations(iterable: AnyIter[T], r: int | None = None) -> AsyncIterator[tuple[T, ...]]:
    """Iterate over the orders of ``r`` items, by default of all; the first step takes all items."""
    if r is not None:
        _check(r, "r", 0)
    return _joining.Pooled([iterable], _partial(_itertools.permutations, r=r))


def compress(data: AnyIter[T], selectors: AnyIter[object]) -> AsyncIterator[T]:
    """Iterate over the items of ``data`` whose selector is true, until either ends."""
    return _selecting.Compress(data, selectors)


def count(start: N = 0, step: N = 1) -> AsyncIterator[N]:
    """Iterate over numbers, evenly spaced, without end."""
    return Plain(_itertools.count(start, step))


def cycle(iterable: AnyIter[T]) -> AsyncIterator[T]:
    """Iterate over the items, then again and again over what was kept of them."""
    return _joining.Cycle(iterable)


def dropwhile(predicate: Callable[[T], Awaitable[object]], iterable: AnyIter[T]) -> AsyncIterator[T]:
    """Iterate over the items from the first one on for which the predicate is false."""
    _check_function(predicate, "predicate")
    return _selecting.DropWhile(predicate, iterable)


def filterfalse(predicate: Callable[[T], Awaitable[object]], iterable: AnyIter[T]) -> AsyncIterator[T]:
    """Iterate over the items for which the predicate is false."""
    _check_function(predicate, "predicate")
    return _selecting.Filter(predicate, iterable)


@overload
def groupby(iterable: AnyIter[T], key: None = None) -> AsyncIterator[tuple[T, list[T]]]: ...
@overload
def groupby(iterable: AnyIter[T], key: Callable[[T], Awaitable[K]]) -> AsyncIterator[tuple[K, list[T]]]: ...
def groupby(iterable: AnyIter[Any], key: Callable[[Any], Awaitable[Any]] | None = None) -> AsyncIterator[Any]:
    """Iterate over pairs of a key and the list of those items in a row that have it.

    :param key: what to compare of an item; by default the item itself.
    """
    if key is not None:
        _check_function(key, "key")
    return _joining.GroupBy(iterable, key)


@overload
def islice(iterable: AnyIter[T], stop: int | None, /) -> AsyncIterator[T]: ...
@overload
def islice(iterable: AnyIter[T], start: int | None, stop: int | None, step: int | None = 1, /) -> AsyncIterator[T]: ...
def islice(iterable: AnyIter[T], /, *args: int | None) -> AsyncIterator[T]:
    """Iterate over the items of a slice: ``islice(iterable, stop)``, or ``start, stop`` and perhaps ``step``.

    None stands for 0, no end and 1. Raises ``ValueError`` for negative numbers and a ``step`` of 0.
    """
    if not 1 <= len(args) <= 3:
        raise TypeError(f"islice() takes an iterable and 1 to 3 numbers, not {len(args)}")
    start, stop, step = (None, args[0], None) if len(args) == 1 else (*args, None)[:3]
    return _selecting.Slice(
        iterable,
        0 if start is None else _check(start, "start", 0),
        None if stop is None else _check(stop, "stop", 0),
        1 if step is None else _check(step, "step"),
    )


def pairwise(iterable: AnyIter[T]) -> AsyncIterator[tuple[T, T]]:
    """Iterate over each two items that follow each other."""
    return _joining.Pairwise[T](iterable)


@overload
def product(iterable1: AnyIter[T1], /) -> AsyncIterator[tuple[T1]]: ...
@overload
def product(iterable1: AnyIter[T1], iterable2: AnyIter[T2], /) -> AsyncIterator[tuple[T1, T2]]: ...
@overload
def product(
    iterable1: AnyIter[T1], iterable2: AnyIter[T2], iterable3: AnyIter[T3], /
) -> AsyncIterator[tuple[T1, T2, T3]]: ...
@overload
def product(*iterables: AnyIter[T], repeat: int = 1) -> AsyncIterator[tuple[T, ...]]: ...
def product(*iterables: AnyIter[Any], repeat: int = 1) -> AsyncIterator[Any]:
    """Iterate over the tuples of an item of each iterable; the first step takes all items.

    :param repeat: how often the iterables are repeated.
    """
    _check(repeat, "repeat", 0)
    return _joining.Pooled(iterables, _partial(_itertools.product, repeat=repeat))


def repeat(element: T, times: int | None = None) -> AsyncIterator[T]:
    """Iterate over one element, ``times`` times or without end."""
    if times is None:
        return Plain(_itertools.repeat(element))
    return Plain(_itertools.repeat(element, _check(times, "times", 0)))


def starmap(function: Callable[..., Awaitable[R]], iterable: AnyIter[AnyIter[Any]]) -> AsyncIterator[R]:
    """Iterate over what a function returns for each of the items, which are its arguments."""
    _check_function(function)
    return _selecting.StarMap(function, iterable)


def takewhile(predicate: Callable[[T], Awaitable[object]], iterable: AnyIter[T]) -> AsyncIterator[T]:
    """Iterate over the items up to the first one for which the predicate is false, which is taken and lost."""
    _check_function(predicate, "predicate")
    return _selecting.TakeWhile(predicate, iterable)


def tee(iterable: AnyIter[T], n: int = 2) -> tuple[AsyncIterator[T], ...]:
    """Return ``n`` iterators over the same items, which may be in different tasks.

    What one of them has had is kept until all have had it.
    """
    return _joining.branches(iterable, _check(n, "n", 0))


@overload
def zip_longest(iterable1: AnyIter[T1], /, *, fillvalue: object = None) -> AsyncIterator[tuple[T1]]: ...
@overload
def zip_longest(iterable1: AnyIter[T1], iterable2: AnyIter[T2], /) -> AsyncIterator[tuple[T1 | None, T2 | None]]: ...
@overload
def zip_longest(
    iterable1: AnyIter[T1], iterable2: AnyIter[T2], /, *, fillvalue: T
) -> AsyncIterator[tuple[T1 | T, T2 | T]]: ...
@overload
def zip_longest(*iterables: AnyIter[T], fillvalue: R) -> AsyncIterator[tuple[T | R, ...]]: ...
@overload
def zip_longest(*iterables: AnyIter[T]) -> AsyncIterator[tuple[T | None, ...]]: ...
def zip_longest(*iterables: AnyIter[Any], fillvalue: Any = None) -> AsyncIterator[Any]:
    """Iterate over tuples of an item of each iterable, until the longest has ended.

    :param fillvalue: what takes the place of the items of those that have ended.
    """
    return _joining.Rows(iterables, fillvalue)
