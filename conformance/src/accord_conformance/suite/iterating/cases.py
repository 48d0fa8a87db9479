"""What each function of ``accord.itertools`` has to give, beside what ``itertools`` gives for the same items."""

from __future__ import annotations

import operator
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import (
    accumulate,
    combinations,
    combinations_with_replacement,
    compress,
    count,
    cycle,
    dropwhile,
    filterfalse,
    groupby,
    islice,
    pairwise,
    permutations,
    product,
    repeat,
    takewhile,
    zip_longest,
)
from typing import Any, NamedTuple

import accord
import accord.itertools
from accord.lowlevel import checkpoint

ours: Any = accord.itertools

MANY = 20
"""How many items of an iterator without end are looked at."""

Feed = Callable[[Iterable[Any]], Any]
"""Makes an iterable, of the kind that a test is about, of an ordinary one."""

Ask = Callable[[Any], Awaitable[Any]]
"""Returns its argument after what a test wants to happen in a function of the caller."""


class Fed(NamedTuple):
    """Stands for an iterable among the arguments of a case."""

    items: Sequence[Any]


class Asking(NamedTuple):
    """Stands for an asynchronous function that does what this one does."""

    function: Callable[..., Any]


class Case(NamedTuple):
    """A call of a function with some arguments, and the first items that the standard library gives for them."""

    name: str
    arguments: tuple[Any, ...]
    expected: list[Any]
    keywords: dict[str, Any]

    def make(self, feed: Feed, ask: Ask) -> Any:
        """Return the iterator of ours."""

        def real(argument: Any) -> Any:
            if isinstance(argument, Fed):
                return feed([real(item) for item in argument.items])
            if not isinstance(argument, Asking):
                return argument

            async def later(*args: Any) -> Any:
                await ask(args[-1])
                return argument.function(*args)

            return later

        found = ours
        for part in self.name.split("."):
            found = getattr(found, part)
        made = found(*map(real, self.arguments), **self.keywords)
        return made[1] if self.name == "tee" else made

    def __str__(self) -> str:
        return f"{self.name}{self.arguments}"


def _case(name: str, expected: Iterable[Any], *arguments: Any, **keywords: Any) -> Case:
    return Case(name, arguments, list(islice(expected, MANY)), keywords)


def _grouped(items: Iterable[Any], key: Callable[[Any], Any] | None = None) -> list[Any]:
    return [(found, list(group)) for found, group in groupby(items, key)]


def _is_small(item: Any) -> bool:
    return bool(item < 3)


def _append_digit(left: int, right: int) -> int:
    return left * 10 + right


def cases() -> Iterator[Case]:
    """All of them, of which most are for several lists of items."""
    for items in ([], [1], [3, 1, 2, 2], [1, 2, 3, 4, 1, 1, 5]):
        yield from _cases_with_functions(items)
        yield from _cases_with_numbers(items)
        yield from _cases_of_several(items)
    yield _case("count", count(5, 3), 5, 3)
    yield _case("count", count(0.5, 0.5), 0.5, 0.5)
    yield _case("count", count())
    yield _case("repeat", repeat("x"), "x")
    yield _case("repeat", [], "x", 0)
    yield _case("repeat", ["x"] * 3, "x", 3)


def _cases_with_functions(items: list[Any]) -> Iterator[Case]:
    fed, small = Fed(items), Asking(_is_small)
    yield _case("accumulate", accumulate(items), fed)
    yield _case("accumulate", accumulate(items), fed, Asking(operator.add))
    yield _case("accumulate", accumulate(items, _append_digit, initial=100), fed, Asking(_append_digit), initial=100)
    yield _case("dropwhile", dropwhile(_is_small, items), small, fed)
    yield _case("takewhile", takewhile(_is_small, items), small, fed)
    yield _case("filterfalse", filterfalse(_is_small, items), small, fed)
    yield _case("groupby", _grouped(items), fed)
    yield _case("groupby", _grouped(items, _is_small), fed, small)
    yield _case("starmap", [item + 1 for item in items], Asking(operator.add), Fed([Fed((item, 1)) for item in items]))


def _cases_with_numbers(items: list[Any]) -> Iterator[Case]:
    fed = Fed(items)
    for n in (1, 2, 3, 10):
        yield _case("batched", [tuple(items[at : at + n]) for at in range(0, len(items), n)], fed, n)
    for r in (0, 2, 3):
        yield _case("combinations", combinations(items, r), fed, r)
        yield _case("combinations_with_replacement", combinations_with_replacement(items, r), fed, r)
        yield _case("permutations", permutations(items, r), fed, r)
    yield _case("permutations", permutations(items), fed)
    for places in [(0,), (3,), (None,), (1, None), (1, 3), (2, 2), (3, 1), (None, None, 2), (1, 6, 3), (0, 4, None)]:
        yield _case("islice", islice(items, *places), fed, *places)


def _cases_of_several(items: list[Any]) -> Iterator[Case]:
    fed, letters = Fed(items), "abc"
    yield _case("chain", [*items, *letters], fed, Fed([]), Fed(letters))
    yield _case("chain.from_iterable", [*items, *letters], Fed([fed, Fed(letters)]))
    for selectors in ([1, 0, 1], [0, 1, 0, 1, 1, 1, 1, 1, 1]):
        yield _case("compress", compress(items, selectors), fed, Fed(selectors))
    for times in (0, 1, 2):
        yield _case("product", product(items, letters, repeat=times), fed, Fed(letters), repeat=times)
    yield _case("zip_longest", zip_longest(items, letters, fillvalue=0), fed, Fed(letters), fillvalue=0)
    yield _case("zip_longest", zip_longest(items), fed)
    yield _case("pairwise", pairwise(items), fed)
    yield _case("cycle", cycle(items), fed)
    yield _case("tee", items, fed)


class Patient:
    """An asynchronous iterator that waits before each of its steps, and loses nothing if that is cancelled."""

    def __init__(self, items: Iterable[Any], wait: Callable[[], Awaitable[object]] = checkpoint) -> None:
        self._items = iter(items)
        self._wait = wait

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        await self._wait()
        for item in self._items:
            return item
        raise StopAsyncIteration


async def do_nothing() -> None:
    """Wait for nothing, and be no checkpoint."""


async def at_once(item: Any) -> Any:
    """Return the item without waiting."""
    return item


class Interruptions:
    """Cancels the scope that it was given at each second point."""

    def __init__(self) -> None:
        self.scope = accord.CancelScope()
        self._is_due = False
        self.count = 0

    async def point(self) -> None:
        """Be cancelled, or be a checkpoint."""
        self._is_due = not self._is_due
        if self._is_due:
            self.count += 1
            self.scope.cancel()
        await checkpoint()

    async def ask(self, item: Any) -> Any:
        """Return the item after such a point."""
        await self.point()
        return item

    def feed(self, items: Iterable[Any]) -> Patient:
        """Return an iterator with such a point before each step."""
        return Patient(items, self.point)
