"""The clock and sleeping."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from itertools import count
from math import inf, nan
from typing import Any

import pytest

import accord
from accord_conformance.helpers import PATIENCE, assert_yields, block, is_cancelled_by, rule, settle, untestable

TOLERANCE = 0.001


@rule("TIME-1")
async def test_clock_is_monotonic() -> None:
    """The clock is a float that never goes backwards, in any task."""
    readings: list[float] = []

    async def read() -> None:
        for _ in range(100):
            readings.append(accord.current_time())
            await accord.lowlevel.checkpoint()

    async with accord.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(read)
    assert all(type(reading) is float for reading in readings)
    assert readings == sorted(readings)


@rule("TIME-1")
async def test_clock_advances_in_sleep() -> None:
    """The clock advances by the time slept, and not by far more."""
    before = accord.current_time()
    await accord.sleep(0.05)
    assert 0.05 - TOLERANCE <= accord.current_time() - before < PATIENCE


@rule("TIME-1")
async def test_clock_advances_while_blocked() -> None:
    """A clock of real time advances while the thread is blocked, without any turn of the loop."""
    slept: list[float] = []
    for _ in range(3):
        begun = time.monotonic()
        await accord.sleep(0.05)
        slept.append(time.monotonic() - begun)
    if min(slept) < 0.045:
        untestable("the clock is simulated: it advances when nothing is runnable")
    before = accord.current_time()
    time.sleep(0.03)
    assert accord.current_time() - before >= 0.02  # some clocks tick in milliseconds


@rule("TIME-2")
@pytest.mark.parametrize("delay", [0.001, 0.01, 0.05])
async def test_sleep_is_long_enough(delay: float) -> None:
    """A sleep is not shorter than asked for, whether one task sleeps or several."""

    async def sleep() -> None:
        before = accord.current_time()
        await accord.sleep(delay)
        assert accord.current_time() - before >= delay - TOLERANCE

    async with accord.create_task_group() as group:
        for _ in range(5):
            group.start_soon(sleep)


@rule("TIME-2")
async def test_sleep_after_blocking() -> None:
    """A sleep that begins after blocking code counts from its own begin."""
    await accord.lowlevel.checkpoint()
    block(0.03)
    before = accord.current_time()
    await accord.sleep(0.03)
    assert accord.current_time() - before >= 0.03 - TOLERANCE


@rule("TIME-2")
async def test_sleep_of_an_int() -> None:
    """The delay may be an int."""
    with accord.move_on_after(0.01) as scope:
        await accord.sleep(1000)
    assert scope.cancelled_caught


@rule("TIME-2", "CKPT-1")
@pytest.mark.parametrize("zero", [0, 0.0, -0.0])
async def test_sleep_zero(zero: float) -> None:
    """``sleep(0)`` is a full checkpoint."""
    await assert_yields(lambda: accord.sleep(zero))
    assert await is_cancelled_by(lambda: accord.sleep(zero))


@rule("TIME-3")
@pytest.mark.parametrize("past", [-inf, -1.0, 0, None])
async def test_sleep_until_past(past: float | None) -> None:
    """``sleep_until`` a time that has passed, or is now, is a full checkpoint."""

    def sleep() -> Awaitable[None]:
        # Some clocks begin at zero: a negative time has passed on each of them.
        return accord.sleep_until(accord.current_time() if past is None else past)

    await assert_yields(sleep)
    assert await is_cancelled_by(sleep)


@rule("TIME-3")
async def test_sleep_until_future() -> None:
    """``sleep_until`` waits until the clock reads the time."""
    deadline = accord.current_time() + 0.03
    await accord.sleep_until(deadline)
    assert deadline - TOLERANCE <= accord.current_time() < deadline + PATIENCE


@rule("TIME-3")
@pytest.mark.parametrize("sleep", [accord.sleep_forever, lambda: accord.sleep_until(inf), lambda: accord.sleep(inf)])
async def test_sleep_for_ever(sleep: Callable[[], Any]) -> None:
    """An endless sleep ends when it is cancelled, and not before."""
    events: list[str] = []

    async def sleeper() -> None:
        try:
            await sleep()
        finally:
            events.append("ends")

    async with accord.create_task_group() as group:
        group.start_soon(sleeper)
        await accord.sleep(0.02)
        assert events == []
        group.cancel()
    assert events == ["ends"]


BAD_VALUES: list[tuple[Any, type[Exception]]] = [
    (-1, ValueError),
    (-0.001, ValueError),
    (-inf, ValueError),
    (nan, ValueError),
]
BAD_TYPES: list[tuple[Any, type[Exception]]] = [("1", TypeError), (None, TypeError), (True, TypeError), (1j, TypeError)]


@rule("TIME-4", "CKPT-6")
@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize(("bad", "error"), BAD_VALUES + BAD_TYPES)
async def test_sleep_refuses(bad: Any, error: type[Exception], cancelled: bool) -> None:
    """A delay that makes no sense is refused, in a cancelled scope too."""
    with pytest.raises(error), accord.CancelScope() as scope:
        if cancelled:
            scope.cancel()
        await accord.sleep(bad)


@rule("TIME-4", "CKPT-6")
@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize(("bad", "error"), [(nan, ValueError), *BAD_TYPES])
async def test_sleep_until_refuses(bad: Any, error: type[Exception], cancelled: bool) -> None:
    """A time that makes no sense is refused, in a cancelled scope too."""
    with pytest.raises(error), accord.CancelScope() as scope:
        if cancelled:
            scope.cancel()
        await accord.sleep_until(bad)


@rule("TIME-14")
async def test_all_tasks_blocked_at_once() -> None:
    """With no other task, and with one that waits already, it returns soon."""
    before = accord.current_time()
    await accord.wait_all_tasks_blocked()
    async with accord.create_task_group() as group:
        group.start_soon(accord.sleep_forever)
        group.start_soon(accord.sleep, 1000)
        for _ in range(5):
            await accord.wait_all_tasks_blocked()
        group.cancel()
    assert accord.current_time() - before < 1


@rule("TIME-14")
async def test_all_tasks_blocked_after_work() -> None:
    """It does not return while a task has something to do, however many turns of the loop that takes."""
    events: list[str] = []

    async def work() -> None:
        for _ in range(50):
            await accord.lowlevel.checkpoint()
        events.append("done")
        await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(work)
        await accord.wait_all_tasks_blocked()
        assert events == ["done"]
        group.cancel()


@rule("TIME-14")
async def test_all_tasks_blocked_after_a_cancellation() -> None:
    """A task that has just been cancelled is not blocked until it has dealt with that."""
    events: list[str] = []

    async def work() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("cancelled")
            with accord.CancelScope(shield=True):
                await accord.lowlevel.checkpoint()
            events.append("cleaned up")

    async with accord.create_task_group() as group:
        handle = group.start_soon(work)
        await accord.wait_all_tasks_blocked()
        handle.cancel()
        await accord.wait_all_tasks_blocked()
        assert events == ["cancelled", "cleaned up"]


@rule("TIME-14")
async def test_all_tasks_blocked_after_chain() -> None:
    """Tasks that wake one another are not blocked until the last of them waits."""
    links = [accord.Event() for _ in range(10)]
    token = accord.lowlevel.current_token()

    async def wait(index: int) -> None:
        await links[index].wait()
        if index + 1 < len(links):
            # In turn at once and by way of a callback.
            if index % 2:
                token.call_soon(links[index + 1].set)
            else:
                links[index + 1].set()
        await accord.sleep_forever()

    async with accord.create_task_group() as group:
        for index in range(len(links)):
            group.start_soon(wait, index)
        await accord.wait_all_tasks_blocked()
        assert not links[0].is_set()
        links[0].set()
        await accord.wait_all_tasks_blocked()
        assert links[-1].is_set()
        group.cancel()


@rule("TIME-14")
async def test_all_tasks_blocked_twice() -> None:
    """Two tasks may wait for it at the same time, and it can be cancelled."""
    events: list[str] = []

    async def wait() -> None:
        await accord.wait_all_tasks_blocked()
        events.append("returned")

    async with accord.create_task_group() as group:
        group.start_soon(wait)
        group.start_soon(wait)
    assert events == ["returned"] * 2

    async def busy(scope: accord.CancelScope) -> None:
        for turn in count():
            await accord.lowlevel.checkpoint()
            if turn == 50:
                scope.cancel()

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            group.start_soon(busy, scope)
            await accord.wait_all_tasks_blocked()
        assert scope.cancelled_caught
        group.cancel()


@rule("TIME-14")
async def test_all_tasks_blocked_after_cancellation() -> None:
    """A task that was cancelled counts as busy until it waits again."""
    events: list[str] = []
    may_end = accord.Event()

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                for _ in range(5):
                    await accord.lowlevel.checkpoint()
                events.append("cleans up")
                await may_end.wait()

    async with accord.create_task_group() as group:
        handle = group.start_soon(child)
        await settle()
        handle.cancel()
        await accord.wait_all_tasks_blocked()
        assert events == ["cleans up"]
        may_end.set()
