"""Semaphores."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, current_token
from accord_conformance.attempts import GAPS, blocked, race, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle


@rule("SEM-1")
@pytest.mark.parametrize("value", [-1, -100])
async def test_negative_numbers_are_refused(value: int) -> None:
    """A negative initial or maximal value is a ValueError."""
    with pytest.raises(ValueError):
        accord.Semaphore(value)
    with pytest.raises(ValueError):
        accord.Semaphore(0, max_value=value)


@rule("SEM-1")
@pytest.mark.parametrize("value", [True, False, 1.0, 2.5, float("inf"), "1", None])
async def test_what_is_no_integer_is_refused(value: Any) -> None:
    """An initial or maximal value that is no integer, or a bool, is a TypeError."""
    with pytest.raises(TypeError):
        accord.Semaphore(value)
    if value is not None:
        with pytest.raises(TypeError):
            accord.Semaphore(0, max_value=value)


@rule("SEM-1", "SEM-6")
async def test_bounds() -> None:
    """The initial value may equal the maximum and may not exceed it; both can be read."""
    with pytest.raises(ValueError):
        accord.Semaphore(2, max_value=1)
    semaphore = accord.Semaphore(2, max_value=2)
    assert (semaphore.value, semaphore.max_value) == (2, 2)
    semaphore = accord.Semaphore(0)
    assert (semaphore.value, semaphore.max_value) == (0, None)
    assert "fast_acquire" not in inspect.signature(accord.Semaphore).parameters


@rule("SEM-2")
async def test_limits_how_many_are_inside() -> None:
    """As many tasks as the value says are inside at once, and no more."""
    semaphore = accord.Semaphore(2)
    inside = most = 0

    async def work() -> None:
        nonlocal inside, most
        async with semaphore:
            inside += 1
            most = max(most, inside)
            await settle()
            inside -= 1

    async with accord.create_task_group() as group:
        for _ in range(5):
            group.start_soon(work)
    assert most == 2
    assert semaphore.value == 2


@rule("SEM-2")
async def test_waiters_are_served_in_order() -> None:
    """Units go to the waiters in the order in which they came, and nobody overtakes them."""
    semaphore = accord.Semaphore(0)
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, semaphore.acquire) for _ in range(3)]
        for number in range(3):
            semaphore.release()
            assert semaphore.value == 0
            with pytest.raises(accord.WouldBlock):
                semaphore.acquire_nowait()
            await settle()
            assert [attempt.outcome for attempt in attempts].count("returned") == number + 1
            assert attempts[number].outcome == "returned"


@rule("SEM-3")
async def test_release_by_anybody() -> None:
    """A task that holds nothing, and a callback, may release."""
    semaphore = accord.Semaphore(0)
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, semaphore.acquire) for _ in range(2)]
        semaphore.release()
        current_token().call_soon(semaphore.release)
    assert [attempt.outcome for attempt in attempts] == ["returned"] * 2


@rule("SEM-3")
async def test_release_too_many() -> None:
    """A release beyond the maximum raises ValueError and changes nothing; without a maximum there is no bound."""
    semaphore = accord.Semaphore(1, max_value=1)
    with pytest.raises(ValueError):
        semaphore.release()
    assert semaphore.value == 1
    await semaphore.acquire()
    semaphore.release()
    free = accord.Semaphore(0)
    free.release()
    free.release()
    assert free.value == 2


@rule("SEM-4")
async def test_acquire_nowait() -> None:
    """acquire_nowait() takes a unit, also in a cancelled scope, and raises WouldBlock if there is none."""
    semaphore = accord.Semaphore(1)
    with accord.CancelScope() as scope:
        scope.cancel()
        semaphore.acquire_nowait()
    assert semaphore.value == 0
    with pytest.raises(accord.WouldBlock):
        semaphore.acquire_nowait()
    assert semaphore.value == 0


@rule("SEM-5", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_release(gap: str) -> None:
    """A waiter that was cancelled first is passed over; one that was served first has its unit."""
    semaphore = accord.Semaphore(0)
    async with accord.create_task_group() as group:
        first, second = await blocked(group, semaphore.acquire), await blocked(group, semaphore.acquire)
        served = await race(gap, first, semaphore.release)
        await settle()
        assert second.outcome == ("blocked" if served else "returned")
        second.cancel()
    assert semaphore.value == 0
    assert semaphore.statistics().tasks_waiting == 0


@rule("SEM-5")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_only_waiter_is_cancelled_around_release(gap: str) -> None:
    """If the only waiter was cancelled, the unit stays."""
    semaphore = accord.Semaphore(0)
    async with accord.create_task_group() as group:
        attempt = await blocked(group, semaphore.acquire)
        await race(gap, attempt, semaphore.release)
    assert semaphore.value == 1


@rule("SEM-5", "SEM-6")
async def test_acquire_in_a_cancelled_scope() -> None:
    """acquire() in a cancelled scope raises the cancellation and takes nothing."""
    semaphore = accord.Semaphore(1)
    assert await is_cancelled_by(semaphore.acquire)
    assert semaphore.value == 1
    await semaphore.acquire()
    assert await is_cancelled_by(semaphore.acquire)
    assert semaphore.statistics().tasks_waiting == 0


@rule("SEM-6")
async def test_statistics() -> None:
    """The number of waiters is exact after each step, and not part of the value."""
    semaphore = accord.Semaphore(0)
    assert semaphore.statistics() == accord.SemaphoreStatistics(tasks_waiting=0)
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, semaphore.acquire) for _ in range(3)]
        assert semaphore.statistics().tasks_waiting == 3
        assert semaphore.value == 0
        attempts[1].cancel()
        await attempts[1].handle.wait()
        assert semaphore.statistics().tasks_waiting == 2
        semaphore.release()
        assert semaphore.statistics().tasks_waiting == 1
        group.cancel()
    assert semaphore.statistics().tasks_waiting == 0


@rule("SEM-6", "CKPT-5")
async def test_checkpoints() -> None:
    """Taking a free unit yields at least once in sixteen times; the exit of the block does not."""
    semaphore = accord.Semaphore(1)

    async def take_repeatedly() -> None:
        for _ in range(16):
            await semaphore.acquire()
            semaphore.release()

    assert await count_yields(take_repeatedly()) > 0
    await semaphore.acquire()
    await assert_never_yields(lambda: semaphore.__aexit__(None, None, None))
    with accord.CancelScope() as scope:
        async with semaphore:
            scope.cancel()
    assert not scope.cancelled_caught
    assert semaphore.value == 1


@rule("SEM-7", "SEM-6")
def test_semaphore_outside_a_loop(run: Callable[..., Any]) -> None:
    """A semaphore that was made outside a loop works in several runs, on each backend that is installed."""
    semaphore = accord.Semaphore(1)

    async def main() -> int:
        async def take() -> None:
            async with semaphore:
                await cancel_shielded_checkpoint()

        async with accord.create_task_group() as group:
            await semaphore.acquire()
            await blocked(group, take)
            semaphore.release()
        return semaphore.value

    assert semaphore.value == 1
    results = run_everywhere(run, main)
    assert results == [1] * len(results)
    assert semaphore.statistics().tasks_waiting == 0
    semaphore.release()
    assert semaphore.value == 2
