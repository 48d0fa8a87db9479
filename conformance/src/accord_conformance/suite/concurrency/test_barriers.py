"""Barriers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord_conformance.attempts import Attempt, blocked, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle


@rule("BARRIER-1")
def test_arguments() -> None:
    """The number of parties is an int of at least 1."""
    assert accord.Barrier(3).parties == 3
    assert not accord.Barrier(1).broken
    wrong: Any
    for wrong in (0, -1):
        with pytest.raises(ValueError):
            accord.Barrier(wrong)
    for wrong in (1.0, True, "1", None):
        with pytest.raises(TypeError):
            accord.Barrier(wrong)


@rule("BARRIER-2")
async def test_rounds() -> None:
    """Nobody goes on before all have come; the numbers are those of arrival; the next round begins at once."""
    barrier = accord.Barrier(3)
    for _ in range(3):
        async with accord.create_task_group() as group:
            waiting = [await blocked(group, barrier.wait) for _ in range(2)]
            assert await barrier.wait() == 2
            assert barrier.statistics().tasks_waiting == 0
            later: list[Attempt[int]] = [await blocked(group, barrier.wait)]
            assert [attempt.value for attempt in waiting] == [0, 1]
            later[0].cancel()


@rule("BARRIER-2")
async def test_next_round_before_the_first_has_run() -> None:
    """Tasks of the next round neither wait for those of the last one nor are taken for them."""
    barrier = accord.Barrier(2)
    numbers: list[int] = []

    async def work() -> None:
        numbers.append(await barrier.wait())

    for _ in range(10):
        async with accord.create_task_group() as group:
            for _ in range(4):
                group.start_soon(work)
    assert sorted(numbers) == [0] * 20 + [1] * 20
    assert barrier.statistics().tasks_waiting == 0


@rule("BARRIER-2")
async def test_block() -> None:
    """The block is entered with the number when all have come."""
    barrier = accord.Barrier(2)
    numbers: list[int] = []

    async def work() -> None:
        async with barrier as number:
            numbers.append(number)

    async with accord.create_task_group() as group:
        await blocked(group, work)
        assert numbers == []
        group.start_soon(work)
    assert sorted(numbers) == [0, 1]
    alone = accord.Barrier(1)
    assert [await alone.wait() for _ in range(3)] == [0, 0, 0]


@rule("BARRIER-3")
@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_cancelled_around_the_last_arrival(cancelled_first: bool) -> None:
    """A task that was cancelled first is not counted, and all wait for another; one that was served first returns."""
    barrier = accord.Barrier(3)
    async with accord.create_task_group() as group:
        first, second = await blocked(group, barrier.wait), await blocked(group, barrier.wait)
        third = Attempt(group, barrier.wait)
        if cancelled_first:
            # The third comes in the same turn in which the first leaves, whatever the order of tasks.
            first.cancel()
            await settle()
            assert (first.outcome, second.outcome, third.outcome) == ("cancelled", "blocked", "blocked")
            assert barrier.statistics().tasks_waiting == 2
            assert await barrier.wait() == 2
            await settle()
            assert sorted([second.value, third.value]) == [0, 1]
        else:
            await settle()
            assert third.outcome == "returned"
            first.cancel()
            await settle()
            assert [first.value, second.value, third.value] == [0, 1, 2]


@rule("BARRIER-3")
async def test_woken_in_vain() -> None:
    """Tasks that were woken for a round that is not complete wait on, can be cancelled, and are part of the next."""
    barrier = accord.Barrier(4)
    async with accord.create_task_group() as group:
        waiting = [await blocked(group, barrier.wait) for _ in range(3)]
        waiting[2].cancel()
        last = Attempt(group, barrier.wait)
        await settle()
        assert [attempt.outcome for attempt in waiting] == ["blocked", "blocked", "cancelled"]
        assert last.outcome == "blocked"
        assert barrier.statistics().tasks_waiting == 3
        waiting[0].cancel()
        await settle()
        assert waiting[0].outcome == "cancelled"
        more = await blocked(group, barrier.wait)
        assert await barrier.wait() == 3
        await settle()
        assert (waiting[1].value, last.value, more.value) == (0, 1, 2)


@rule("BARRIER-3")
async def test_cancelled_and_complete_in_one_step() -> None:
    """A callback-like step: cancel one of two, and let two more come before anybody has run."""
    barrier = accord.Barrier(3)
    async with accord.create_task_group() as group:
        waiting = [await blocked(group, barrier.wait) for _ in range(2)]
        waiting[0].cancel()
        with accord.move_on_after(0.05):
            await barrier.wait()
        later = [Attempt(group, barrier.wait) for _ in range(2)]
        await settle()
        assert waiting[0].outcome == "cancelled"
        assert sorted([waiting[1].value, *[attempt.value for attempt in later]]) == [0, 1, 2]


@rule("BARRIER-4")
async def test_abort() -> None:
    """After abort() everybody gets the error, until reset()."""
    barrier = accord.Barrier(3)
    async with accord.create_task_group() as group:
        waiting = [await blocked(group, barrier.wait) for _ in range(2)]
        barrier.abort()
        assert barrier.broken
        await settle()
        assert [type(attempt.error) for attempt in waiting] == [accord.BrokenBarrierError] * 2
        assert waiting[0].error is not waiting[1].error
        assert all(str(attempt.error) for attempt in waiting)
        for _ in range(4):
            with pytest.raises(accord.BrokenResourceError):
                await barrier.wait()
        barrier.abort()
        assert barrier.statistics() == accord.BarrierStatistics(3, 0, True)
        barrier.reset()
        assert not barrier.broken
        waiting = [await blocked(group, barrier.wait) for _ in range(2)]
        assert await barrier.wait() == 2


@rule("BARRIER-5")
async def test_reset() -> None:
    """reset() sends away those who wait, and whoever comes then is the first."""
    barrier = accord.Barrier(3)
    async with accord.create_task_group() as group:
        waiting = [await blocked(group, barrier.wait) for _ in range(2)]
        barrier.reset()
        assert barrier.statistics() == accord.BarrierStatistics(3, 0, False)
        later = [Attempt(group, barrier.wait) for _ in range(2)]
        await settle()
        assert [type(attempt.error) for attempt in waiting] == [accord.BrokenBarrierError] * 2
        assert [attempt.outcome for attempt in later] == ["blocked"] * 2
        assert await barrier.wait() == 2


@rule("BARRIER-4", "BARRIER-5", "BARRIER-3")
@pytest.mark.parametrize("abort", [True, False])
async def test_cancelled_before_the_end(abort: bool) -> None:
    """A task that was cancelled before abort() or reset() raises the cancellation."""
    barrier = accord.Barrier(3)
    async with accord.create_task_group() as group:
        first, second = await blocked(group, barrier.wait), await blocked(group, barrier.wait)
        first.cancel()
        if abort:
            barrier.abort()
        else:
            barrier.reset()
        second.cancel()
        await settle()
        assert (first.outcome, second.outcome) == ("cancelled", "raised")


@rule("BARRIER-6")
async def test_in_a_cancelled_scope() -> None:
    """wait() raises the cancellation in each state; abort() and reset() work."""
    barrier = accord.Barrier(1)
    assert await is_cancelled_by(barrier.wait)
    barrier.abort()
    assert await is_cancelled_by(barrier.wait)
    barrier = accord.Barrier(2)
    assert await is_cancelled_by(barrier.wait)
    assert barrier.statistics() == accord.BarrierStatistics(2, 0, False)
    with accord.CancelScope() as scope:
        scope.cancel()
        barrier.abort()
        assert barrier.broken
        barrier.reset()
    async with accord.create_task_group() as group:
        attempt = await blocked(group, barrier.wait)
        current_token().call_soon(barrier.abort)
        await attempt.handle.wait()
        assert attempt.outcome == "raised"


@rule("BARRIER-6", "CKPT-5")
async def test_checkpoints() -> None:
    """wait() of the last of a round yields at least once in sixteen times; the exit of the block does not."""
    barrier = accord.Barrier(1)

    async def wait_repeatedly() -> None:
        for _ in range(16):
            await barrier.wait()

    assert await count_yields(wait_repeatedly()) > 0
    await assert_never_yields(lambda: barrier.__aexit__(None, None, None))


@rule("BARRIER-7")
def test_outside_a_loop(run: Callable[..., Any]) -> None:
    """A barrier that was made outside a loop works in several runs, on each backend that is installed."""
    barrier = accord.Barrier(2)

    async def main() -> int:
        async with accord.create_task_group() as group:
            await blocked(group, barrier.wait)
            number = await barrier.wait()
            await checkpoint()
        return number

    assert barrier.statistics().tasks_waiting == 0
    results = run_everywhere(run, main)
    assert results == [1] * len(results)
