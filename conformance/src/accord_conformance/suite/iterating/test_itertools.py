"""accord.itertools against itertools."""

from __future__ import annotations

import gc
import itertools
import warnings
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, count_yields, is_cancelled_by, rule, settle

from .cases import MANY, Feed, Interruptions, Patient, at_once, cases, do_nothing, ours


async def _generate(items: Iterable[Any]) -> AsyncGenerator[Any]:
    for item in items:
        yield item


CASES = list(cases())
FEEDS: dict[str, Feed] = {"list": list, "prompt": partial(Patient, wait=do_nothing), "waiting": Patient}


async def _first(iterator: Any) -> list[Any]:
    found: list[Any] = []
    async for item in iterator:
        found.append(item)
        if len(found) == MANY:
            break
    return found


@rule("ITER-1")
@pytest.mark.parametrize("feed", FEEDS.values(), ids=list(FEEDS))
async def test_same_items(feed: Feed) -> None:
    """Each function gives what the standard library's gives, for iterables of each kind."""
    for case in CASES:
        found = await _first(case.make(feed, at_once))
        assert found == case.expected, str(case)
        if case.name.startswith("groupby"):
            assert all(type(group) is list for _, group in found)


@rule("ITER-1")
async def test_all_names() -> None:
    """There is a function for each one of itertools, apart from those of which another does the same."""
    theirs = {name for name in dir(itertools) if name[0] != "_"}
    # zip_longest has no strict sibling in itertools, and zip isn't there either.
    assert theirs - set(ours.__all__) == set()
    assert set(ours.__all__) - theirs <= {"AnyIter", "batched"}


@rule("ITER-1")
async def test_strict_batches() -> None:
    """A strict batch that is incomplete is an error, and complete ones come before it."""
    batches = ours.batched(range(5), 2, strict=True)
    assert [await anext(batches), await anext(batches)] == [(0, 1), (2, 3)]
    with pytest.raises(ValueError, match="1 of 2"):
        await anext(batches)
    assert await _first(ours.batched(range(4), 2, strict=True)) == [(0, 1), (2, 3)]


@rule("ITER-1")
async def test_what_is_left() -> None:
    """islice, takewhile and batched take as much from their iterable as those of the standard library do."""

    async def small(item: int) -> bool:
        return item < 3

    takes: list[tuple[Callable[[Any], Any], Callable[[Any], Any]]] = [
        (lambda items: ours.islice(items, 2), lambda items: itertools.islice(items, 2)),
        (lambda items: ours.islice(items, 0, 4, 3), lambda items: itertools.islice(items, 0, 4, 3)),
        (lambda items: ours.islice(items, 3, 1), lambda items: itertools.islice(items, 3, 1)),
        (lambda items: ours.takewhile(small, items), lambda items: itertools.takewhile(lambda i: i < 3, items)),
    ]
    for make, theirs in takes:
        left, expected = iter(range(10)), iter(range(10))
        assert await _first(make(left)) == list(theirs(expected))
        assert list(left) == list(expected)


@rule("ITER-2")
async def test_steps_are_checkpoints() -> None:
    """Each step raises in a cancelled scope, also the one that finds the end, and nothing is lost by it."""
    for case in CASES:
        iterator = case.make(list, at_once)
        found: list[Any] = []
        for _ in range(MANY):
            assert await is_cancelled_by(partial(anext, iterator, None)), str(case)
            try:
                found.append(await anext(iterator))
            except StopAsyncIteration:
                break
        assert found == case.expected, str(case)
        if len(found) < MANY:
            assert await is_cancelled_by(partial(anext, iterator, None)), str(case)


@rule("ITER-2")
@pytest.mark.parametrize("feed", [iter, FEEDS["prompt"]])
async def test_long_steps_let_others_run(feed: Feed) -> None:
    """A step that uses up very many items lets other tasks run meanwhile."""

    async def never(item: object) -> bool:
        return True

    makes: list[Callable[[Any], Any]] = [
        lambda items: ours.filterfalse(never, items),
        lambda items: ours.batched(items, 100_000),
        lambda items: ours.islice(items, 9_999, None),
        lambda items: ours.compress(items, ours.repeat(0)),
        lambda items: ours.combinations(items, 0),
    ]
    for make in makes:
        iterator = make(feed(range(10_000)))
        assert await count_yields(anext(iterator, None)) > 3


@rule("ITER-3")
async def test_cancelled_steps_lose_nothing() -> None:
    """With a cancellation at each point where an iterator waits, all items come nevertheless."""
    for case in CASES:
        points = Interruptions()
        iterator = case.make(points.feed, points.ask)
        found: list[Any] = []
        ended = False
        with accord.fail_after(PATIENCE):
            while not ended and len(found) < MANY:
                with accord.CancelScope() as points.scope:
                    try:
                        found.append(await anext(iterator))
                    except StopAsyncIteration:
                        ended = True
        assert found == case.expected, str(case)
        waits = case.name not in ("count", "repeat") and found
        assert points.count or not waits, f"{case} never waited"


class _Failing:
    """An iterable some of whose steps fail."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> _Failing:
        return self

    async def __anext__(self) -> Any:
        await checkpoint()
        for item in self._items:
            if item == "fail":
                raise LookupError(item)
            return item
        raise StopAsyncIteration


@rule("ITER-4")
async def test_failing_iterables() -> None:
    """The error of an iterable's step comes out of the iterator's, which can be used further."""
    chunks = ours.batched(_Failing([1, 2, 3, "fail", 4, 5]), 2)
    assert await anext(chunks) == (1, 2)
    with pytest.raises(LookupError, match="fail"):
        await anext(chunks)
    assert await _first(chunks) == [(3, 4), (5,)]


@rule("ITER-4")
async def test_failing_functions() -> None:
    """The error of the caller's function comes out as it is; its item is used up, and the iteration goes on."""

    async def check(item: Any, *_: Any) -> Any:
        await checkpoint()
        if item == 2:
            raise LookupError(item)
        return item

    async def total(left: Any, right: Any) -> Any:
        await check(right)
        return left + right

    async def no(item: Any) -> bool:
        await check(item)
        return False

    async def yes(item: Any) -> bool:
        await check(item)
        return True

    calls: list[tuple[Callable[[], Any], list[Any]]] = [
        (lambda: ours.accumulate([1, 2, 3], total), [1, "error", 4]),
        (lambda: ours.filterfalse(no, [1, 2, 3]), [1, "error", 3]),
        (lambda: ours.dropwhile(no, [2, 2, 3]), ["error", "error", 3]),
        (lambda: ours.takewhile(yes, [1, 2, 3]), [1, "error", 3]),
        (lambda: ours.starmap(check, [(1, 0), (2, 0), (3, 0)]), [1, "error", 3]),
        (lambda: ours.groupby([1, 2, 3], check), ["error", (1, [1]), (3, [3])]),
    ]
    for make, expected in calls:
        iterator = make()
        found: list[Any] = []
        with accord.fail_after(PATIENCE):
            while len(found) <= len(expected):
                try:
                    found.append(await anext(iterator))
                except LookupError:
                    found.append("error")
                except StopAsyncIteration:
                    break
        assert found == expected


@rule("ITER-5")
async def test_wrong_arguments() -> None:
    """Wrong arguments are refused at the call, by their names."""

    async def same(item: Any) -> Any:
        return item

    not_functions: Any = 1
    wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: ours.batched([], 0), ValueError, "n must"),
        (lambda: ours.batched([], True), TypeError, "n must"),
        (lambda: ours.combinations([], -1), ValueError, "r must"),
        (lambda: ours.combinations_with_replacement([], -1), ValueError, "r must"),
        (lambda: ours.permutations([], -1), ValueError, "r must"),
        (lambda: ours.islice([], -1), ValueError, "stop must"),
        (lambda: ours.islice([], -1, 3), ValueError, "start must"),
        (lambda: ours.islice([], 0, 3, 0), ValueError, "step must"),
        (lambda: ours.islice([]), TypeError, "islice"),
        (lambda: ours.product([], repeat=-1), ValueError, "repeat must"),
        (lambda: ours.repeat(1, -1), ValueError, "times must"),
        (lambda: ours.tee([], -1), ValueError, "n must"),
        (lambda: ours.accumulate([], not_functions), TypeError, "function must"),
        (lambda: ours.starmap(not_functions, []), TypeError, "function must"),
        (lambda: ours.dropwhile(not_functions, []), TypeError, "predicate must"),
        (lambda: ours.takewhile(not_functions, []), TypeError, "predicate must"),
        (lambda: ours.filterfalse(not_functions, []), TypeError, "predicate must"),
        (lambda: ours.groupby([], not_functions), TypeError, "key must"),
        (lambda: ours.compress([], not_functions), TypeError, "selectors must"),
    ]
    for name, before, after in [
        ("accumulate", (), ()),
        ("batched", (), (1,)),
        ("combinations", (), (1,)),
        ("cycle", (), ()),
        ("dropwhile", (same,), ()),
        ("groupby", (), ()),
        ("islice", (), (1,)),
        ("pairwise", (), ()),
        ("product", (), ()),
        ("starmap", (same,), ()),
        ("tee", (), ()),
        ("zip_longest", (), ()),
    ]:
        wrong.append((partial(getattr(ours, name), *before, not_functions, *after), TypeError, "iterable"))
    wrong.append((partial(ours.chain.from_iterable, not_functions), TypeError, "iterables"))
    for call, error, text in wrong:
        with pytest.raises(error, match=text):
            call()


@rule("ITER-6")
async def test_after_the_end() -> None:
    """An iterator that has ended stays so."""
    for case in CASES:
        iterator = case.make(list, at_once)
        for _ in range(200):
            try:
                await anext(iterator)
            except StopAsyncIteration:
                break
        else:
            continue  # it has no end
        for _ in range(2):
            with pytest.raises(StopAsyncIteration):
                await anext(iterator)


@rule("ITER-6")
async def test_two_tasks_in_one_iterator() -> None:
    """A step during another task's is refused, and doesn't disturb that."""
    send, receive = accord.create_memory_object_stream[int](5)
    with send, receive:
        batches = ours.batched(receive, 2)
        async with accord.create_task_group() as group:
            first = Attempt(group, lambda: anext(batches))
            await settle()
            with pytest.raises(accord.BusyResourceError):
                await anext(batches)
            send.send_nowait(1)
            send.send_nowait(2)
        assert first.value == (1, 2)


@rule("ITER-6")
async def test_tee_in_several_tasks() -> None:
    """Each of the tasks gets all items, each item is taken once, and a task that is cancelled takes none with it."""
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    async def collect(iterator: Any) -> list[int]:
        return [item async for item in iterator]

    iterators: list[Any] = list(ours.tee(Patient(numbers()), 4))
    handles: list[accord.TaskHandle[list[int]]] = []
    async with accord.create_task_group() as group:
        handles += [group.start_soon(collect, iterator) for iterator in iterators]
        await checkpoint()
        await checkpoint()
        handles[0].cancel()
    assert [handle.return_value for handle in handles[1:]] == [list(range(20))] * 3
    assert taken == list(range(20))
    rest = await collect(iterators[0])
    assert rest == list(range(20))[-len(rest) :]
    assert ours.tee([], 0) == ()


@rule("ITER-7")
async def test_iterables_stay_the_callers() -> None:
    """Nothing is taken before the first step, nothing is closed, and an iterator that is dropped leaves nothing."""

    async def small(item: int) -> bool:
        return item < 0

    makes: list[Callable[[Any], Any]] = [
        ours.accumulate,
        lambda items: ours.batched(items, 1),
        ours.chain,
        ours.cycle,
        lambda items: ours.filterfalse(small, items),
        lambda items: ours.islice(items, 5),
        lambda items: ours.tee(items)[0],
        ours.zip_longest,
    ]
    for make in makes:
        generator = _generate(range(10))
        iterator: Any = make(generator)
        async for item in generator:
            assert item == 0
            break
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            await anext(iterator)
            del iterator
            gc.collect()
            await settle()
        assert not caught
        assert [item async for item in generator] == list(range(2, 10))
