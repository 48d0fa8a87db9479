"""Locks for readers and writers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import GAPS, blocked, race, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle

WAYS = ("read", "write")


def acquire(lock: accord.RWLock, way: str) -> Callable[[], Any]:
    """The method that acquires the lock in this way."""
    return lock.acquire_read if way == "read" else lock.acquire_write


def acquire_nowait(lock: accord.RWLock, way: str) -> None:
    """Acquire the lock in this way without waiting."""
    (lock.acquire_read_nowait if way == "read" else lock.acquire_write_nowait)()


def release(lock: accord.RWLock, way: str) -> None:
    """Release the lock that is held in this way."""
    (lock.release_read if way == "read" else lock.release_write)()


class Holder:
    """A task that holds a lock until it is told to release it."""

    def __init__(self, lock: accord.RWLock, way: str) -> None:
        self.lock = lock
        self.way = way
        self.holds = False
        self.go = accord.Event()

    async def __call__(self) -> None:
        """Hold the lock."""
        async with self.lock.read() if self.way == "read" else self.lock.write():
            self.holds = True
            await self.go.wait()
        self.holds = False

    async def end(self) -> None:
        """Let it release the lock."""
        self.go.set()
        await settle()


async def holders(group: accord.TaskGroup, lock: accord.RWLock, ways: str) -> list[Holder]:
    """Start tasks that want the lock, one after the other: ``r`` to read, ``w`` to write."""
    started = [Holder(lock, "read" if way == "r" else "write") for way in ways]
    for holder in started:
        group.start_soon(holder)
        await settle()
    return started


def holding(started: list[Holder]) -> str:
    """Who holds the lock: a letter for each that does, and a dot for others."""
    return "".join(holder.way[0] if holder.holds else "." for holder in started)


@rule("RWLOCK-1")
async def test_readers_and_writers() -> None:
    """Readers are inside together, a writer is alone."""
    lock = accord.RWLock()
    readers = writers = most = 0

    async def read() -> None:
        nonlocal readers, most
        for _ in range(5):
            async with lock.read():
                readers += 1
                most = max(most, readers)
                assert not writers
                await checkpoint()
                assert not writers
                readers -= 1

    async def write() -> None:
        nonlocal writers
        for _ in range(5):
            async with lock.write():
                writers += 1
                assert (writers, readers) == (1, 0)
                await checkpoint()
                assert (writers, readers) == (1, 0)
                writers -= 1

    async with accord.create_task_group() as group:
        for _ in range(4):
            group.start_soon(read)
            group.start_soon(write)
    async with accord.create_task_group() as group:
        started = await holders(group, lock, "rrr")
        assert holding(started) == "rrr"
        for holder in started:
            holder.go.set()
    assert lock.statistics() == accord.RWLockStatistics((), None, 0, 0)


@rule("RWLOCK-1")
@pytest.mark.parametrize("way", WAYS)
async def test_released_however_the_block_ends(way: str) -> None:
    """An exception in the block releases the lock; the context manager can be used again."""
    lock = accord.RWLock()
    manager = lock.read() if way == "read" else lock.write()
    for _ in range(2):
        with pytest.raises(KeyError):
            async with manager:
                assert lock.statistics() != accord.RWLockStatistics((), None, 0, 0)
                raise KeyError
        assert lock.statistics() == accord.RWLockStatistics((), None, 0, 0)


@rule("RWLOCK-2")
async def test_order() -> None:
    """The queue is served in order: one writer, or all readers up to the next writer."""
    lock = accord.RWLock()
    async with accord.create_task_group() as group:
        started = await holders(group, lock, "rrwrrwwr")
        assert holding(started) == "rr......"
        await started[0].end()
        assert holding(started) == ".r......"
        await started[1].end()
        assert holding(started) == "..w....."
        await started[2].end()
        assert holding(started) == "...rr..."
        await started[4].end()
        assert holding(started) == "...r...."
        await started[3].end()
        assert holding(started) == ".....w.."
        await started[5].end()
        assert holding(started) == "......w."
        await started[6].end()
        assert holding(started) == ".......r"
        await started[7].end()


@rule("RWLOCK-2")
@pytest.mark.parametrize("way", WAYS)
async def test_handed_over_at_once(way: str) -> None:
    """When release returns, the first waiter holds the lock, and nobody else can take it."""
    lock = accord.RWLock()
    await lock.acquire_write()
    async with accord.create_task_group() as group:
        attempt = await blocked(group, acquire(lock, way))
        lock.release_write()
        statistics = lock.statistics()
        assert len(statistics.readers) + (statistics.writer is not None) == 1
        assert statistics[2:] == (0, 0)
        with pytest.raises(accord.WouldBlock):
            lock.acquire_write_nowait()
        await attempt.handle.wait()


@rule("RWLOCK-3")
@pytest.mark.parametrize("held", WAYS)
@pytest.mark.parametrize("wanted", WAYS)
async def test_not_twice(held: str, wanted: str) -> None:
    """Who holds the lock can't acquire it, in the same way or the other."""
    lock = accord.RWLock()
    await acquire(lock, held)()
    before = lock.statistics()
    with pytest.raises(RuntimeError, match="for reading" if held == "read" else "for writing"):
        await acquire(lock, wanted)()
    with pytest.raises(RuntimeError):
        acquire_nowait(lock, wanted)
    assert lock.statistics() == before
    assert await is_cancelled_by(acquire(lock, wanted))
    release(lock, held)
    await acquire(lock, wanted)()


@rule("RWLOCK-4")
async def test_release_by_others() -> None:
    """Who does not hold the lock in that way can't release it."""
    lock = accord.RWLock()

    def refused(*ways: str) -> None:
        before = lock.statistics()
        for way in ways:
            with pytest.raises(RuntimeError):
                release(lock, way)
        assert lock.statistics() == before

    refused("read", "write")
    async with accord.create_task_group() as group:
        [reader] = await holders(group, lock, "r")
        refused("read", "write")
        await lock.acquire_read()
        refused("write")
        lock.release_read()
        await reader.end()
        [writer] = await holders(group, lock, "w")
        refused("read", "write")
        await writer.end()
    await lock.acquire_write()
    refused("read")


@rule("RWLOCK-5")
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_around_release(gap: str, way: str) -> None:
    """A waiter that was cancelled first is passed over; one that was served first holds the lock."""
    lock = accord.RWLock()
    await lock.acquire_write()
    async with accord.create_task_group() as group:
        first, second = await blocked(group, acquire(lock, way)), await blocked(group, lock.acquire_write)
        served = await race(gap, first, lock.release_write)
        await settle()
        # The task has ended without release, and who waits for it is told so.
        assert second.outcome == ("raised" if served else "returned")
    assert lock.statistics()[2:] == (0, 0)


@rule("RWLOCK-5")
async def test_writer_that_gives_up() -> None:
    """If a waiting writer is cancelled, the readers that waited only for it are served."""
    lock = accord.RWLock()
    async with accord.create_task_group() as group:
        [reader] = await holders(group, lock, "r")
        writer = await blocked(group, lock.acquire_write)
        behind = await holders(group, lock, "rrwr")
        assert holding(behind) == "...."
        writer.cancel()
        await settle()
        assert (writer.outcome, holding(behind)) == ("cancelled", "rr..")
        for holder in (reader, *behind):
            await holder.end()


@rule("RWLOCK-5", "RWLOCK-8")
@pytest.mark.parametrize("way", WAYS)
async def test_acquire_in_a_cancelled_scope(way: str) -> None:
    """To acquire raises the cancellation in a cancelled scope and changes nothing."""
    lock = accord.RWLock()
    assert await is_cancelled_by(acquire(lock, way))
    assert lock.statistics() == accord.RWLockStatistics((), None, 0, 0)
    async with accord.create_task_group() as group:
        [holder] = await holders(group, lock, "w")
        assert await is_cancelled_by(acquire(lock, way))
        assert lock.statistics()[2:] == (0, 0)
        await holder.end()


@rule("RWLOCK-6")
async def test_nowait() -> None:
    """The forms without waiting take the lock, also in a cancelled scope, or raise WouldBlock."""
    lock = accord.RWLock()
    with accord.CancelScope() as scope:
        scope.cancel()
        lock.acquire_read_nowait()
        lock.release_read()
        lock.acquire_write_nowait()
        lock.release_write()
    async with accord.create_task_group() as group:
        started = await holders(group, lock, "r")
        with pytest.raises(accord.WouldBlock):
            lock.acquire_write_nowait()
        lock.acquire_read_nowait()
        lock.release_read()
        started += await holders(group, lock, "w")
        for way in WAYS:
            with pytest.raises(accord.WouldBlock):
                acquire_nowait(lock, way)
        await started[0].end()
        for way in WAYS:
            with pytest.raises(accord.WouldBlock):
                acquire_nowait(lock, way)
        await started[1].end()


async def _take_and_end(lock: accord.RWLock, way: str, go: accord.Event | None = None) -> None:
    await acquire(lock, way)()
    if go is not None:
        await go.wait()


@rule("RWLOCK-7")
@pytest.mark.parametrize("way", WAYS)
async def test_holder_ends_while_others_wait(way: str) -> None:
    """Those who wait for the dead task learn it; readers don't wait for readers."""
    lock, go = accord.RWLock(), accord.Event()
    async with accord.create_task_group() as group:
        group.start_soon(_take_and_end, lock, way, go, name="the forgetful")
        await settle()
        writers = [await blocked(group, lock.acquire_write) for _ in range(2)]
        reader = await blocked(group, lock.acquire_read)
        go.set()
        await settle()
        for attempt in writers if way == "read" else [*writers, reader]:
            assert type(attempt.error) is accord.BrokenResourceError
            assert "the forgetful" in str(attempt.error)
        assert writers[0].error is not writers[1].error
        if way == "read":
            assert reader.outcome == "returned"
    assert lock.statistics()[2:] == (0, 0)


@rule("RWLOCK-7")
@pytest.mark.parametrize("way", WAYS)
async def test_holder_has_ended(way: str) -> None:
    """Those who come later learn it, again and again."""
    lock = accord.RWLock()
    async with accord.create_task_group() as group:
        group.start_soon(_take_and_end, lock, way, name="the forgetful")
    for _ in range(2):
        for wanted in WAYS:
            if wanted == way == "read":
                async with lock.read():
                    lock.statistics()
                continue
            with pytest.raises(accord.BrokenResourceError, match="the forgetful"):
                await acquire(lock, wanted)()
            with pytest.raises(accord.BrokenResourceError, match="the forgetful"):
                acquire_nowait(lock, wanted)
            assert await is_cancelled_by(acquire(lock, wanted))


@rule("RWLOCK-7")
@pytest.mark.parametrize("way", WAYS)
async def test_lock_that_changed_hands(way: str) -> None:
    """A task that released the lock in time disturbs nobody by its end; one that got it later does."""
    lock, again = accord.RWLock(), accord.Event()
    async with accord.create_task_group() as group:
        [careful] = await holders(group, lock, way[0])
        second = await blocked(group, lambda: _take_and_end(lock, "write", again))
        third = await blocked(group, lock.acquire_read)
        await careful.end()
        assert third.outcome == "blocked"
        again.set()
        await third.handle.wait()
        assert second.outcome == "returned"
        assert type(third.error) is accord.BrokenResourceError


@rule("RWLOCK-8")
async def test_statistics() -> None:
    """Holders and numbers of waiters are exact after each step."""
    lock = accord.RWLock()
    me = accord.get_current_task()
    await lock.acquire_read()
    assert lock.statistics() == accord.RWLockStatistics(
        readers=(me,), writer=None, tasks_waiting_read=0, tasks_waiting_write=0
    )
    lock.release_read()
    await lock.acquire_write()
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, acquire(lock, way)) for way in ("read", "write", "read")]
        assert lock.statistics() == accord.RWLockStatistics((), me, 2, 1)
        attempts[1].cancel()
        await settle()
        assert lock.statistics() == accord.RWLockStatistics((), me, 2, 0)
        attempts[0].cancel()
        attempts[2].cancel()
    assert lock.statistics() == accord.RWLockStatistics((), me, 0, 0)
    assert "writing" in repr(lock)


@rule("RWLOCK-8", "CKPT-5")
@pytest.mark.parametrize("way", WAYS)
async def test_checkpoints(way: str) -> None:
    """Taking a free lock yields at least once in sixteen times; the exit of the block does not."""
    lock = accord.RWLock()

    async def take_repeatedly() -> None:
        for _ in range(16):
            await acquire(lock, way)()
            release(lock, way)

    assert await count_yields(take_repeatedly()) > 0
    manager = lock.read() if way == "read" else lock.write()
    await manager.__aenter__()
    await assert_never_yields(lambda: manager.__aexit__(None, None, None))
    with accord.CancelScope() as scope:
        async with manager:
            scope.cancel()
    assert not scope.cancelled_caught


@rule("RWLOCK-9")
def test_outside_a_loop(run: Callable[..., Any]) -> None:
    """A lock that was made outside a loop works in several runs, on each backend that is installed."""
    lock = accord.RWLock()

    async def main() -> bool:
        async with accord.create_task_group() as group:
            started = await holders(group, lock, "rwr")
            for holder in started:
                await holder.end()
        return lock.statistics() == (empty, None, 0, 0)

    empty: tuple[object, ...] = ()
    assert lock.statistics().writer is None
    assert all(run_everywhere(run, main))
