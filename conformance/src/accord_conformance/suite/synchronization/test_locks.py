"""Locks: ownership, order, cancellation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.attempts import GAPS, Attempt, blocked, race, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle


@rule("LOCK-1")
async def test_one_owner_at_a_time() -> None:
    """Two tasks are never inside at once, though they yield there."""
    lock = accord.Lock()
    inside: list[int] = []

    async def work(number: int) -> None:
        for _ in range(3):
            async with lock:
                inside.append(number)
                await checkpoint()
                assert inside == [number]
                inside.remove(number)

    async with accord.create_task_group() as group:
        for number in range(4):
            group.start_soon(work, number)
    assert not lock.locked()


@rule("LOCK-1", "LOCK-10")
async def test_block_releases_however_it_ends() -> None:
    """Leaving the block releases the lock after an exception, and in a cancelled scope, without a checkpoint."""
    lock = accord.Lock()
    with pytest.raises(KeyError):
        async with lock:
            assert lock.locked()
            raise KeyError
    assert not lock.locked()
    steps: list[str] = []
    with accord.CancelScope() as scope:
        async with lock:
            scope.cancel()
        steps.append("after the block")
    assert steps == ["after the block"]
    assert not lock.locked()
    await lock.acquire()
    await assert_never_yields(lambda: lock.__aexit__(None, None, None))


@rule("LOCK-2")
async def test_waiters_are_served_in_order() -> None:
    """The lock goes to the tasks in the order in which they came."""
    lock = accord.Lock()
    order: list[int] = []

    async def work(number: int) -> None:
        async with lock:
            order.append(number)
            await cancel_shielded_checkpoint()

    async with accord.create_task_group() as group:
        await lock.acquire()
        for number in range(5):
            await blocked(group, partial(work, number))
        lock.release()
    assert order == [0, 1, 2, 3, 4]


@rule("LOCK-2", "LOCK-5")
async def test_release_hands_the_lock_over() -> None:
    """After release() the first waiter owns the lock already; nobody can take it before that one resumes."""
    lock = accord.Lock()

    async def take() -> None:
        async with lock:
            await checkpoint()

    async with accord.create_task_group() as group:
        await lock.acquire()
        first = await blocked(group, take)
        lock.release()
        assert lock.locked()
        owner = lock.statistics().owner
        assert owner is not None
        assert owner is not accord.get_current_task()
        with pytest.raises(accord.WouldBlock):
            lock.acquire_nowait()
        await lock.acquire()
        assert first.outcome == "returned"
        lock.release()


@rule("LOCK-2")
async def test_the_one_who_releases_does_not_starve_others() -> None:
    """A task that takes a lock again and again does not keep it from one that waits."""
    lock = accord.Lock()
    async with accord.create_task_group() as group:
        await lock.acquire()
        attempt = await blocked(group, lock.acquire)
        lock.release()
        other = Attempt(group, lock.acquire)
        await attempt.handle.wait()
        assert attempt.outcome == "returned"
        assert other.outcome in ("blocked", "raised")


@rule("LOCK-3")
async def test_acquiring_twice() -> None:
    """The owner can't acquire again: RuntimeError, and it goes on to be the owner."""
    lock = accord.Lock()
    await lock.acquire()
    with pytest.raises(RuntimeError):
        await lock.acquire()
    with pytest.raises(RuntimeError):
        lock.acquire_nowait()
    assert lock.statistics() == accord.LockStatistics(locked=True, owner=accord.get_current_task(), tasks_waiting=0)
    lock.release()
    assert not lock.locked()


@rule("LOCK-4", "LOCK-10")
async def test_acquire_in_a_cancelled_scope() -> None:
    """Cancellation comes first, whatever state the lock is in, and leaves it as it is."""
    lock = accord.Lock()
    assert await is_cancelled_by(lock.acquire)
    assert not lock.locked()
    await lock.acquire()
    assert await is_cancelled_by(lock.acquire)
    before = lock.statistics()

    async def attempt() -> bool:
        return await is_cancelled_by(lock.acquire)

    async with accord.create_task_group() as group:
        assert await group.start_soon(attempt)
    assert lock.statistics() == before
    assert before.owner is accord.get_current_task()
    lock.release()


@rule("LOCK-4", "LOCK-8")
async def test_acquire_of_a_broken_lock_in_a_cancelled_scope() -> None:
    """Cancellation also comes before the error for a lock whose owner has ended."""
    lock = accord.Lock()
    async with accord.create_task_group() as group:
        group.start_soon(lock.acquire)
    assert await is_cancelled_by(lock.acquire)


@rule("LOCK-5")
async def test_acquire_nowait() -> None:
    """acquire_nowait() takes a free lock, also in a cancelled scope, and raises WouldBlock for one that is held."""
    lock = accord.Lock()

    async def attempt() -> None:
        with pytest.raises(accord.WouldBlock):
            lock.acquire_nowait()

    with accord.CancelScope() as scope:
        scope.cancel()
        lock.acquire_nowait()
    assert lock.statistics().owner is accord.get_current_task()
    async with accord.create_task_group() as group:
        group.start_soon(attempt)
    lock.release()
    assert not lock.locked()


@rule("LOCK-6", "ERR-2")
async def test_release_by_others() -> None:
    """Only the owner can release; the error names the owner, and the lock stays as it is."""
    lock = accord.Lock()
    with pytest.raises(RuntimeError):
        lock.release()

    async def hold() -> None:
        async with lock:
            await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(hold, name="the holder")
        await settle()
        with pytest.raises(RuntimeError, match="the holder") as caught:
            lock.release()
        assert "0x" not in str(caught.value)
        owner = lock.statistics().owner
        assert owner is not None
        assert owner.name == "the holder"
        group.cancel()
    assert not lock.locked()


@rule("LOCK-7", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_release(gap: str) -> None:
    """A waiter that was cancelled first is passed over; one that was served first owns the lock."""
    lock = accord.Lock()
    owners: list[str] = []

    async def take(name: str) -> None:
        await lock.acquire()
        owners.append(name)
        lock.release()

    async with accord.create_task_group() as group:
        await lock.acquire()
        first = await blocked(group, lambda: take("first"))
        second = await blocked(group, lambda: take("second"))
        served = await race(gap, first, lock.release)
        await second.handle.wait()
    assert owners == (["first", "second"] if served else ["second"])
    assert lock.statistics() == accord.LockStatistics(locked=False, owner=None, tasks_waiting=0)


@rule("LOCK-7")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_only_waiter_is_cancelled_around_release(gap: str) -> None:
    """If the only waiter was cancelled, the lock becomes free."""
    lock = accord.Lock()
    async with accord.create_task_group() as group:
        await lock.acquire()
        attempt = await blocked(group, lock.acquire)
        await race(gap, attempt, lock.release)
        lock.acquire_nowait()
        lock.release()


@rule("LOCK-7")
async def test_all_cancelled_but_the_last() -> None:
    """release() finds the last waiter behind many that were cancelled in the same moment."""
    lock = accord.Lock()
    async with accord.create_task_group() as group:
        await lock.acquire()
        attempts = [await blocked(group, lock.acquire) for _ in range(4)]
        for attempt in attempts[:3]:
            attempt.cancel()
        lock.release()
        await settle()
        assert [attempt.outcome for attempt in attempts] == ["cancelled"] * 3 + ["returned"]


@rule("LOCK-9")
async def test_statistics() -> None:
    """Owner and number of waiters are exact after each step."""
    lock = accord.Lock()
    assert lock.statistics() == accord.LockStatistics(locked=False, owner=None, tasks_waiting=0)
    async with accord.create_task_group() as group:
        await lock.acquire()
        attempts = [await blocked(group, lock.acquire) for _ in range(2)]
        assert lock.statistics() == accord.LockStatistics(locked=True, owner=accord.get_current_task(), tasks_waiting=2)
        attempts[0].cancel()
        await attempts[0].handle.wait()
        assert lock.statistics().tasks_waiting == 1
        lock.release()
        assert lock.statistics().tasks_waiting == 0
        assert lock.statistics().locked


@rule("LOCK-9", "LOCK-11")
def test_lock_outside_a_loop(run: Callable[..., Any]) -> None:
    """A lock that was made outside a loop can be asked there, and works in several runs, on each installed backend."""
    lock = accord.Lock()

    async def use() -> bool:
        async def take() -> None:
            async with lock:
                await checkpoint()

        async with accord.create_task_group() as group:
            await lock.acquire()
            attempt = await blocked(group, take)
            lock.release()
        return attempt.outcome == "returned" and not lock.locked()

    assert not lock.locked()
    assert lock.statistics() == accord.LockStatistics(locked=False, owner=None, tasks_waiting=0)
    results = run_everywhere(run, use)
    assert results == [True] * len(results)
    run(lock.acquire)
    assert lock.locked()
    assert lock.statistics().tasks_waiting == 0


@rule("LOCK-10", "CKPT-5")
async def test_taking_a_free_lock_yields_now_and_then() -> None:
    """acquire() of a free lock yields at least once in sixteen times; there is no option to change that."""
    lock = accord.Lock()

    async def take_repeatedly() -> None:
        for _ in range(16):
            async with lock:
                pass

    assert await count_yields(take_repeatedly()) > 0
    assert list(inspect.signature(accord.Lock).parameters) == []
