"""Events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import current_token
from accord_conformance.attempts import GAPS, blocked, race, run_everywhere
from accord_conformance.helpers import count_yields, is_cancelled_by, rule


@rule("EVENT-1")
async def test_set_wakes_all_waiters() -> None:
    """set() wakes every waiter, and later waits return."""
    event = accord.Event()
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, event.wait) for _ in range(3)]
        assert not event.is_set()
        event.set()
        assert event.is_set()
    assert [attempt.outcome for attempt in attempts] == ["returned"] * 3
    await event.wait()


@rule("EVENT-1")
async def test_set_twice() -> None:
    """A second set() does nothing, and there is no way back."""
    event = accord.Event()
    event.set()
    event.set()
    assert event.is_set()
    await event.wait()
    assert not hasattr(event, "clear")


@rule("EVENT-1")
async def test_set_in_a_callback_and_in_a_cancelled_scope() -> None:
    """set() is synchronous: it works where no task runs, and in a cancelled scope."""
    first, second = accord.Event(), accord.Event()
    current_token().call_soon(first.set)
    await first.wait()
    with accord.CancelScope() as scope:
        scope.cancel()
        second.set()
    assert second.is_set()


@rule("EVENT-2")
async def test_wait_checks_for_cancellation() -> None:
    """wait() in a cancelled scope raises the cancellation, whether or not the event is set."""
    event = accord.Event()
    assert await is_cancelled_by(event.wait)
    assert event.statistics().tasks_waiting == 0
    event.set()
    assert await is_cancelled_by(event.wait)


@rule("EVENT-2", "CKPT-5")
async def test_waiting_for_a_set_event_yields_now_and_then() -> None:
    """wait() for an event that is set yields at least once in sixteen times."""
    event = accord.Event()
    event.set()

    async def wait_repeatedly() -> None:
        for _ in range(16):
            await event.wait()

    assert await count_yields(wait_repeatedly()) > 0


@rule("EVENT-3", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_set(gap: str) -> None:
    """A waiter that was cancelled first raises that, one whose event was set first returns."""
    event = accord.Event()
    async with accord.create_task_group() as group:
        attempt, other = await blocked(group, event.wait), await blocked(group, event.wait)
        await race(gap, attempt, event.set)
        await other.handle.wait()
        assert other.outcome == "returned"


@rule("EVENT-4")
def test_event_outside_a_loop(run: Callable[..., Any]) -> None:
    """An event that was made outside a loop works in several runs, on each backend that is installed."""
    event, never = accord.Event(), accord.Event()

    async def main() -> int:
        async with accord.create_task_group() as group:
            fresh = accord.Event()
            attempt, other = await blocked(group, fresh.wait), await blocked(group, never.wait)
            fresh.set()
            await attempt.handle.wait()
            await event.wait()
            waiting = never.statistics().tasks_waiting
            other.cancel()
        return waiting

    assert not event.is_set()
    assert event.statistics().tasks_waiting == 0
    event.set()
    results = run_everywhere(run, main)
    assert results == [1] * len(results)
    assert event.is_set()
    assert not never.is_set()
    assert never.statistics().tasks_waiting == 0


@rule("EVENT-5")
async def test_statistics() -> None:
    """The number of waiters is exact after waiters have come, been cancelled, and been served."""
    event = accord.Event()
    assert event.statistics() == accord.EventStatistics(tasks_waiting=0)
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, event.wait) for _ in range(3)]
        assert event.statistics().tasks_waiting == 3
        attempts[1].cancel()
        await attempts[1].handle.wait()
        assert event.statistics().tasks_waiting == 2
        event.set()
        assert event.statistics().tasks_waiting == 0
