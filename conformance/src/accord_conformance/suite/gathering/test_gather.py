"""gather, amap and as_completed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import assert_yields, is_cancelled_by, leaves, rule, settle

from .coroutines import fail, give, hang


@rule("GATHER-1")
async def test_gather_returns_values_in_order() -> None:
    """The values come as a tuple in the order of the arguments, whichever ends first."""
    event = accord.Event()

    async def first() -> str:
        await event.wait()
        return "first"

    async def second() -> str:
        event.set()
        return "second"

    assert await accord.gather(first(), second()) == ("first", "second")
    assert await accord.gather(give(1)) == (1,)
    assert await accord.gather() == ()
    assert await accord.gather(*[give(number) for number in range(20)]) == tuple(range(20))


def _gather(log: list[str], error: Exception) -> Any:
    return accord.gather(hang(log), fail(error), hang(log))


def _amap(log: list[str], error: Exception) -> Any:
    async def work(number: int) -> int:
        return await (fail(error) if number == 1 else hang(log))

    return accord.amap(work, range(3))


def _amap_with_limit(log: list[str], error: Exception) -> Any:
    async def work(number: int) -> int:
        return await (fail(error) if number == 1 else hang(log))

    return accord.amap(work, range(30), limit=3)


async def _as_completed(log: list[str], error: Exception) -> None:
    async with accord.as_completed(hang(log), fail(error), hang(log)) as handles:
        async for handle in handles:
            await handle.wait()


WAYS = [_gather, _amap, _amap_with_limit, _as_completed]


@rule("GATHER-2")
@pytest.mark.parametrize("way", WAYS)
async def test_failure_cancels_the_others(way: Callable[[list[str], Exception], Any]) -> None:
    """If one fails the others are cancelled and waited for, and the error comes in an exception group."""
    log: list[str] = []
    error = ValueError("no luck")
    with pytest.raises(ExceptionGroup) as caught:
        await way(log, error)
    assert leaves(caught.value) == [error]
    assert log == ["cleaned up"] * 2


@rule("GATHER-3")
@pytest.mark.parametrize("way", WAYS)
async def test_cancelling_the_caller(way: Callable[[list[str], Exception], Any]) -> None:
    """If the caller is cancelled all are cancelled and waited for."""
    log: list[str] = []

    async def gather() -> None:
        if way is _gather:
            await accord.gather(hang(log), hang(log))
        elif way is _as_completed:
            async with accord.as_completed(hang(log), hang(log)) as handles:
                _ = await handles.receive()
        else:
            await accord.amap(hang, [log, log], limit=None if way is _amap else 5)

    async with accord.create_task_group() as group:
        attempt = await blocked(group, gather)
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "cancelled"
    assert log == ["cleaned up"] * 2


@rule("GATHER-4")
async def test_cancelled_scope() -> None:
    """In a cancelled scope nothing is started, not even what needs no checkpoint, and the coroutines are closed."""
    calls: list[int] = []

    async def note(number: int) -> None:
        calls.append(number)

    coroutines = [note(number) for number in range(3)]
    assert await is_cancelled_by(lambda: accord.gather(*coroutines))
    assert [inspect.getcoroutinestate(coroutine) for coroutine in coroutines] == [inspect.CORO_CLOSED] * 3

    def begin(number: int) -> Coroutine[Any, Any, None]:
        calls.append(number)
        return note(number)

    for limit in (None, 2):
        assert await is_cancelled_by(partial(accord.amap, note, range(3), limit=limit))
        assert await is_cancelled_by(partial(accord.amap, begin, range(3), limit=limit))
        assert await is_cancelled_by(partial(accord.amap, note, (), limit=limit))
    assert await is_cancelled_by(_gather_nothing)
    assert calls == []


@rule("GATHER-4")
async def test_gathering_yields() -> None:
    """gather() and amap() yield, also with nothing to do."""
    await assert_yields(_gather_nothing)
    await assert_yields(lambda: accord.gather(give(1)))
    for limit in (None, 2):
        await assert_yields(partial(accord.amap, give, (), limit=limit))
        await assert_yields(partial(accord.amap, give, (1, 2), limit=limit))


async def _gather_nothing() -> None:
    none: list[Coroutine[Any, Any, int]] = []
    assert await accord.gather(*none) == ()


@rule("GATHER-4")
@pytest.mark.parametrize("wrong", [None, 5, give])
async def test_wrong_arguments_are_refused(wrong: Any) -> None:
    """What is no coroutine object is a TypeError, and the coroutines beside it are closed."""
    before, after = give(1), give(2)
    with pytest.raises(TypeError):
        await accord.gather(before, wrong, after)
    assert [inspect.getcoroutinestate(coroutine) for coroutine in (before, after)] == [inspect.CORO_CLOSED] * 2
    before, after = give(1), give(2)
    with pytest.raises(TypeError):
        async with accord.as_completed(before, wrong, after):
            raise AssertionError
    assert [inspect.getcoroutinestate(coroutine) for coroutine in (before, after)] == [inspect.CORO_CLOSED] * 2


@rule("GATHER-5")
@pytest.mark.parametrize("limit", [None, 1, 3, 100])
async def test_amap_returns_results_in_order(limit: int | None) -> None:
    """The results come as a list in the order of the items; no more calls run at once than the limit says."""
    running = most = 0

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(10 - number):
            await checkpoint()
        running -= 1
        return number * number

    assert await accord.amap(work, range(10), limit=limit) == [number * number for number in range(10)]
    assert most == min(limit or 10, 10)
    assert await accord.amap(work, [], limit=limit) == []


@rule("GATHER-5")
@pytest.mark.parametrize(
    ("limit", "error"), [(0, ValueError), (-1, ValueError), (True, TypeError), (1.0, TypeError), ("1", TypeError)]
)
async def test_wrong_limits_are_refused(limit: Any, error: type[Exception]) -> None:
    """A limit is an integer of at least 1; others are refused before the first item is taken."""
    items = iter([1, 2])
    with pytest.raises(error):
        await accord.amap(give, items, limit=limit)
    assert list(items) == [1, 2]


@rule("GATHER-6")
async def test_amap_takes_items_as_it_can_use_them() -> None:
    """With a limit, items are taken from the iterable only as calls can begin."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    go = accord.Event()
    ended: list[int] = []

    async def work(number: int) -> None:
        if number >= 10:
            await go.wait()
        ended.append(number)

    async with accord.create_task_group() as group:
        attempt = await blocked(group, lambda: accord.amap(work, items(), limit=3))
        assert len(taken) <= len(ended) + 3
        assert len(ended) == 10
        attempt.cancel()
    assert len(taken) <= 13


@rule("GATHER-7")
async def test_as_completed_gives_handles_as_they_end() -> None:
    """Each task's handle comes once, in the order in which the tasks end, and then the stream ends."""
    events = [accord.Event() for _ in range(3)]

    async def work(number: int) -> int:
        await events[number].wait()
        return number

    order: list[int] = []
    async with accord.as_completed(*[work(number) for number in range(3)]) as handles:
        for number in (1, 2, 0):
            events[number].set()
            handle = await handles.receive()
            assert handle.status is accord.HandleStatus.FINISHED
            order.append(handle.return_value)
        with pytest.raises(accord.EndOfStream):
            await handles.receive()
    assert order == [1, 2, 0]


@rule("GATHER-7")
async def test_as_completed_by_iteration() -> None:
    """The stream can be iterated over, and is empty without coroutines."""
    async with accord.as_completed(*[give(number) for number in range(5)]) as handles:
        assert sorted([await handle async for handle in handles]) == [0, 1, 2, 3, 4]
    none: list[Coroutine[Any, Any, int]] = []
    async with accord.as_completed(*none) as nothing:
        assert [handle async for handle in nothing] == []


@rule("GATHER-8")
async def test_leaving_as_completed_early() -> None:
    """Leaving the block cancels the tasks that are left and waits for them; that is no error."""
    log: list[str] = []
    async with accord.as_completed(hang(log), give(1), hang(log)) as handles:
        async for handle in handles:
            assert handle.return_value == 1
            break
    assert log == ["cleaned up"] * 2

    async def first() -> int:
        async with accord.as_completed(hang(log), give(2)) as handles:
            handle = await handles.receive()
            return handle.return_value
        raise AssertionError

    assert await first() == 2
    assert len(log) == 3


@rule("GATHER-8", "GATHER-2")
async def test_error_in_the_body_of_as_completed() -> None:
    """An exception of the body cancels the tasks and comes in an exception group."""
    log: list[str] = []
    error = KeyError("body")
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.as_completed(hang(log), hang(log)):
            await settle()
            raise error
    assert leaves(caught.value) == [error]
    assert log == ["cleaned up"] * 2
