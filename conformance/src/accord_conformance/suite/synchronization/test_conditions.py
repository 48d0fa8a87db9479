"""Conditions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.attempts import GAPS, Attempt, blocked, race, run_everywhere
from accord_conformance.helpers import assert_never_yields, is_cancelled_by, rule, settle


async def _wait(condition: accord.Condition) -> None:
    async with condition:
        await condition.wait()


async def _acquire_and_wait(condition: accord.Condition) -> None:
    await condition.acquire()
    await condition.wait()


@rule("COND-1")
async def test_condition_stands_on_a_lock() -> None:
    """A condition acquires and releases the lock that it was given, and needs that lock only to be owned."""
    lock = accord.Lock()
    condition = accord.Condition(lock)
    async with condition:
        assert lock.locked()
        assert condition.locked()
        assert lock.statistics().owner is accord.get_current_task()
    assert not lock.locked()
    async with lock:
        assert condition.locked()
        condition.notify()
    condition.acquire_nowait()
    assert lock.locked()
    condition.release()
    await condition.acquire()
    assert condition.locked()
    condition.release()
    assert not accord.Condition().locked()


@rule("COND-2")
async def test_ownership_is_required() -> None:
    """wait(), notify() and notify_all() without the lock raise RuntimeError, also if another task owns it."""
    condition = accord.Condition()

    async def misuse() -> None:
        with pytest.raises(RuntimeError):
            await condition.wait()
        with pytest.raises(RuntimeError):
            condition.notify()
        with pytest.raises(RuntimeError):
            condition.notify_all()

    await misuse()
    async with condition:
        async with accord.create_task_group() as group:
            group.start_soon(misuse)
        assert condition.locked()
    assert condition.statistics().tasks_waiting == 0


@rule("COND-2")
async def test_cancellation_comes_before_the_error() -> None:
    """wait() in a cancelled scope raises the cancellation, with the lock and without it."""
    condition = accord.Condition()
    assert await is_cancelled_by(condition.wait)
    async with condition:
        assert await is_cancelled_by(condition.wait)
        assert condition.locked()
    assert condition.statistics().tasks_waiting == 0


@rule("COND-3")
async def test_wait_releases_the_lock_and_takes_it_again() -> None:
    """While a task waits the lock is free; when wait() returns, the task owns it."""
    condition = accord.Condition()

    async def work() -> bool:
        async with condition:
            await condition.wait()
            return condition.statistics().lock_statistics.owner is accord.get_current_task()

    async with accord.create_task_group() as group:
        attempt = await blocked(group, work)
        assert not condition.locked()
        async with condition:
            condition.notify()
            await settle()
            assert attempt.outcome == "blocked"
        await attempt.handle.wait()
    assert attempt.value
    assert not condition.locked()


@rule("COND-3")
@pytest.mark.parametrize("held", [True, False])
async def test_lock_is_held_after_a_cancelled_wait(held: bool) -> None:
    """When wait() raises a cancellation the task owns the lock, also if another task has it at that moment."""
    condition = accord.Condition()
    owned: list[bool] = []

    async def work() -> None:
        async with condition:
            try:
                await condition.wait()
            finally:
                owned.append(condition.statistics().lock_statistics.owner is accord.get_current_task())

    async with accord.create_task_group() as group:
        attempt = await blocked(group, work)
        if held:
            await condition.acquire()
        attempt.cancel()
        if held:
            await settle()
            assert owned == []
            condition.release()
        await attempt.handle.wait()
    assert owned == [True]
    assert attempt.outcome == "cancelled"
    assert not condition.locked()


@rule("COND-3", "LOCK-8")
async def test_lock_breaks_before_a_notified_waiter_has_it() -> None:
    """A waiter that was notified, and whose lock is broken before it has that, gets BrokenResourceError."""
    condition = accord.Condition()

    async def notify_and_end() -> None:
        await condition.acquire()
        condition.notify()

    async with accord.create_task_group() as group:
        waiting = await blocked(group, partial(_acquire_and_wait, condition))
        await group.start_soon(notify_and_end, name="the forgetful")
        await waiting.handle.wait()
    assert waiting.outcome == "raised"
    assert type(waiting.error) is accord.BrokenResourceError
    assert "the forgetful" in str(waiting.error)
    assert condition.statistics().lock_statistics.tasks_waiting == 0


@rule("COND-3", "LOCK-8")
async def test_lock_breaks_before_a_waiter_is_cancelled() -> None:
    """A waiter that is cancelled after its lock was broken gets BrokenResourceError and does not wait for the lock."""
    condition = accord.Condition()
    async with accord.create_task_group() as group:
        waiting = await blocked(group, partial(_acquire_and_wait, condition))
        await group.start_soon(condition.acquire, name="the forgetful")
        waiting.cancel()
        await waiting.handle.wait()
    assert waiting.outcome == "raised"
    assert type(waiting.error) is accord.BrokenResourceError
    assert "the forgetful" in str(waiting.error)


@rule("COND-4")
async def test_notify_wakes_the_longest_waiters() -> None:
    """notify(n) wakes the n tasks that wait longest, and notify_all() the rest."""
    condition = accord.Condition()
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, lambda: _wait(condition)) for _ in range(6)]
        for count, woken in ((0, 0), (1, 1), (2, 3)):
            async with condition:
                condition.notify(count)
            await settle()
            assert [attempt.outcome for attempt in attempts] == ["returned"] * woken + ["blocked"] * (6 - woken)
        async with condition:
            condition.notify()
        await settle()
        assert [attempt.outcome for attempt in attempts].count("returned") == 4
        async with condition:
            condition.notify_all()
        await settle()
        assert [attempt.outcome for attempt in attempts] == ["returned"] * 6
        async with condition:
            condition.notify(100)


@rule("COND-4")
async def test_notification_without_waiters_is_not_kept() -> None:
    """A notification that finds nobody has no effect later."""
    condition = accord.Condition()
    async with condition:
        condition.notify(5)
        condition.notify_all()
    async with accord.create_task_group() as group:
        attempt = await blocked(group, lambda: _wait(condition))
        attempt.cancel()


@rule("COND-4")
@pytest.mark.parametrize(
    ("count", "error"), [(-1, ValueError), (True, TypeError), (1.0, TypeError), ("1", TypeError), (None, TypeError)]
)
async def test_wrong_counts_are_refused(count: Any, error: type[Exception]) -> None:
    """notify() takes integers that are not negative."""
    condition = accord.Condition()
    async with condition:
        with pytest.raises(error):
            condition.notify(count)


@rule("COND-5", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_notify(gap: str) -> None:
    """A waiter that was cancelled first is passed over for the next; one that was notified first returns."""
    condition = accord.Condition()
    async with accord.create_task_group() as group:
        first, second = (
            await blocked(group, lambda: _wait(condition)),
            await blocked(group, lambda: _wait(condition)),
        )

        def notify() -> None:
            condition.acquire_nowait()
            condition.notify()
            condition.release()

        served = await race(gap, first, notify)
        await settle()
        assert second.outcome == ("blocked" if served else "returned")
        second.cancel()
    assert condition.statistics().tasks_waiting == 0
    assert not condition.locked()


@rule("COND-5", "COND-3")
async def test_notified_waiter_is_cancelled_while_it_takes_the_lock() -> None:
    """A waiter that was notified, and is cancelled while it waits for the lock, returns normally as its owner."""
    condition = accord.Condition()
    async with accord.create_task_group() as group:
        first = await blocked(group, lambda: _wait(condition))
        async with condition:
            condition.notify()
            await settle()
            first.cancel()
            await settle()
            assert first.outcome == "blocked"
        await first.handle.wait()
    assert first.outcome == "returned"
    assert not condition.locked()


@rule("COND-6")
async def test_wait_for_checks_again() -> None:
    """wait_for() calls the predicate with the lock held at first and after each wake-up, and returns its value."""
    condition = accord.Condition()
    values: list[str] = []
    calls: list[bool] = []

    def predicate() -> str:
        calls.append(condition.statistics().lock_statistics.owner is not None)
        return values[0] if values else ""

    async def work() -> str:
        async with condition:
            return await condition.wait_for(predicate)

    async with accord.create_task_group() as group:
        attempt = await blocked(group, work)
        async with condition:
            condition.notify()
        await settle()
        assert attempt.outcome == "blocked"
        assert len(calls) == 2
        async with condition:
            values.append("here")
            condition.notify()
    assert attempt.value == "here"
    assert calls == [True, True, True]


@rule("COND-6")
async def test_wait_for_what_is_true() -> None:
    """wait_for() returns at once if the predicate is true, and is no checkpoint then."""
    condition = accord.Condition()
    async with condition:
        await assert_never_yields(lambda: condition.wait_for(lambda: True))
        with accord.CancelScope() as scope:
            scope.cancel()
            assert await condition.wait_for(lambda: 5) == 5
        assert not scope.cancelled_caught


@rule("COND-6", "COND-3")
async def test_predicate_that_raises() -> None:
    """What the predicate raises comes out of wait_for(), and the lock is held."""
    condition = accord.Condition()
    async with condition:
        with pytest.raises(ZeroDivisionError):
            await condition.wait_for(lambda: 1 / 0)
        assert condition.locked()


@rule("COND-7")
async def test_statistics() -> None:
    """The number of tasks that wait for a notification is exact, and the lock's statistics are there."""
    condition = accord.Condition()
    free = accord.LockStatistics(locked=False, owner=None, tasks_waiting=0)
    assert condition.statistics() == accord.ConditionStatistics(tasks_waiting=0, lock_statistics=free)
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, lambda: _wait(condition)) for _ in range(3)]
        assert condition.statistics() == accord.ConditionStatistics(tasks_waiting=3, lock_statistics=free)
        attempts[0].cancel()
        await attempts[0].handle.wait()
        assert condition.statistics().tasks_waiting == 2
        async with condition:
            condition.notify()
            assert condition.statistics().tasks_waiting == 1
            await settle()
            assert condition.statistics().lock_statistics.tasks_waiting == 1
        group.cancel()
    assert condition.statistics() == accord.ConditionStatistics(tasks_waiting=0, lock_statistics=free)


@rule("COND-7")
def test_condition_outside_a_loop(run: Callable[..., Any]) -> None:
    """A condition that was made outside a loop works in several runs, on each backend that is installed."""
    condition = accord.Condition()

    async def main() -> str:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, lambda: _wait(condition))
            async with condition:
                condition.notify()
                await cancel_shielded_checkpoint()
        return attempt.outcome

    assert condition.statistics().tasks_waiting == 0
    results = run_everywhere(run, main)
    assert results == ["returned"] * len(results)


@rule("COND-5")
async def test_queue_with_two_consumers() -> None:
    """One notification for each item serves both consumers, though a third one is cancelled in between."""
    condition = accord.Condition()
    items: list[int] = []
    taken: list[int] = []

    async def consume() -> None:
        async with condition:
            await condition.wait_for(lambda: bool(items))
            taken.append(items.pop())

    async with accord.create_task_group() as group:
        consumers: list[Attempt[None]] = [await blocked(group, consume) for _ in range(3)]
        async with condition:
            for number in (1, 2):
                items.append(number)
                consumers[0].cancel()
                condition.notify()
            await checkpoint()
    assert sorted(taken) == [1, 2]
