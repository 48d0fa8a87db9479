"""Locks whose owner has ended without releasing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import rule


async def _take_and_end(lock: accord.Lock, go: accord.Event | None = None, outcome: str = "finished") -> None:
    await lock.acquire()
    if go is not None:
        await go.wait()
    if outcome == "failed":
        raise ValueError
    if outcome == "cancelled":
        await accord.sleep_forever()


@rule("LOCK-8")
@pytest.mark.parametrize("outcome", ["finished", "failed", "cancelled"])
async def test_waiters_learn_that_the_owner_has_ended(outcome: str) -> None:
    """Every waiter gets BrokenResourceError, which names the owner, however the owner ended."""
    lock, go = accord.Lock(), accord.Event()
    attempts: list[Attempt[None]] = []
    async with accord.create_task_group() as group:
        try:
            async with accord.create_task_group() as inner:
                owner = inner.start_soon(_take_and_end, lock, go, outcome, name="the forgetful")
                await checkpoint()
                attempts += [await blocked(group, lock.acquire) for _ in range(2)]
                go.set()
                if outcome == "cancelled":
                    owner.cancel()
        except* ValueError:
            pass
        for attempt in attempts:
            await attempt.handle.wait()
            assert attempt.outcome == "raised"
            assert type(attempt.error) is accord.BrokenResourceError
            assert "the forgetful" in str(attempt.error)
    assert attempts[0].error is not attempts[1].error
    assert lock.statistics().tasks_waiting == 0


@rule("LOCK-8")
async def test_later_acquirers_learn_that_the_owner_has_ended() -> None:
    """Later calls of acquire() and acquire_nowait() raise BrokenResourceError, again and again."""
    lock = accord.Lock()
    async with accord.create_task_group() as group:
        group.start_soon(_take_and_end, lock, name="the forgetful")
    for _ in range(2):
        with pytest.raises(accord.BrokenResourceError, match="the forgetful"):
            await lock.acquire()
        with pytest.raises(accord.BrokenResourceError, match="the forgetful"):
            lock.acquire_nowait()
        with pytest.raises(accord.BrokenResourceError, match="the forgetful"):
            async with lock:
                pass


@rule("LOCK-8")
async def test_lock_that_changed_hands() -> None:
    """A lock that was released in time is not broken by the end of a former owner, but by that of the later one."""
    lock, go, again = accord.Lock(), accord.Event(), accord.Event()

    async def take_and_release() -> None:
        async with lock:
            await go.wait()

    async with accord.create_task_group() as group:
        group.start_soon(take_and_release, name="the careful")
        await checkpoint()
        second = await blocked(group, lambda: _take_and_end(lock, again))
        third = await blocked(group, lock.acquire)
        go.set()
        await checkpoint()
        assert third.outcome == "blocked"
        again.set()
        await third.handle.wait()
        assert second.outcome == "returned"
        assert type(third.error) is accord.BrokenResourceError


@rule("LOCK-8")
def test_lock_held_by_a_run_that_has_ended(run: Callable[..., Any]) -> None:
    """A lock that was held when a run ended raises BrokenResourceError in the next run, instead of blocking it."""
    lock = accord.Lock()

    async def crash() -> None:
        await lock.acquire()
        raise KeyError

    async def take() -> None:
        with pytest.raises(accord.BrokenResourceError):
            await lock.acquire()
        with pytest.raises(accord.BrokenResourceError):
            lock.acquire_nowait()

    with pytest.raises(KeyError):
        run(crash)
    run(take)
