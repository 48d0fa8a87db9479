"""Mutants of locks."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakKeyDictionary

from accord import BrokenResourceError, Lock, WouldBlock, get_current_task, sleep_forever
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import (
    ACQUIRE,
    binds_to_a_loop,
    checks_again,
    counts_the_cancelled,
    counts_until_they_resume,
    is_up_for_grabs,
    needs_a_loop,
    never_yields,
    refuses_the_cancelled,
    takes_before_it_checks,
    trusts_unpark,
    yields_at_exit,
)


@mutant("LOCK-1")
def lock_that_never_waits(_: Broken) -> None:
    """Everybody gets the lock."""

    async def acquire(lock: Any) -> None:
        lock._owner = None
        lock.acquire_nowait()

    replace(Lock, acquire=acquire, __aenter__=acquire)


@mutant("LOCK-1")
def lock_is_kept_after_an_exception(_: Broken) -> None:
    """The block releases the lock only if it ends well."""

    async def leave(lock: Any, kind: object, *_: object) -> None:
        if kind is None:
            lock.release()

    replace(Lock, __aexit__=leave)


@mutant("LOCK-1")
def lock_is_owned_by_the_thread(_: Broken) -> None:
    """Any task of the thread that has the lock may enter."""
    depth: WeakKeyDictionary[Any, list[int]] = WeakKeyDictionary()

    async def enter(original: Any, lock: Any) -> None:
        await checkpoint_if_cancelled()
        stack = depth.setdefault(lock, [])
        if not stack or stack[-1] != threading.get_ident():
            await original(lock)
        stack.append(threading.get_ident())

    async def leave(original: Any, lock: Any, *args: Any) -> None:
        depth[lock].pop()
        if not depth[lock]:
            await original(lock, *args)

    around(Lock, "__aenter__", enter)
    around(Lock, "__aexit__", leave)


@mutant("LOCK-2")
def lock_is_up_for_grabs(_: Broken) -> None:
    """release() frees the lock, and whoever comes next has it."""
    is_up_for_grabs(Lock)


@mutant("LOCK-2")
def lock_goes_to_the_newest_waiter(_: Broken) -> None:
    """The waiter that came last is served first."""

    def release(original: Any, lock: Any) -> None:
        if lock.statistics().tasks_waiting:
            lock._waiters.rotate(1)
        original(lock)

    around(Lock, "release", release)


@mutant("LOCK-3")
def lock_acquire_waits_for_oneself(_: Broken) -> None:
    """acquire() by the owner blocks."""

    async def acquire(original: Any, lock: Any) -> None:
        if lock.statistics().owner is get_current_task():
            await sleep_forever()
        await original(lock)

    around(Lock, "acquire", acquire)


@mutant("LOCK-3")
def lock_acquire_is_reentrant(_: Broken) -> None:
    """acquire() by the owner returns at once."""

    async def acquire(original: Any, lock: Any) -> None:
        if lock.statistics().owner is not get_current_task():
            await original(lock)

    around(Lock, "acquire", acquire)


@mutant("LOCK-3")
def lock_acquire_nowait_takes_the_owner_for_another(_: Broken) -> None:
    """acquire_nowait() by the owner raises WouldBlock."""

    def acquire_nowait(original: Any, lock: Any) -> None:
        if lock.statistics().owner is get_current_task():
            raise WouldBlock
        original(lock)

    around(Lock, "acquire_nowait", acquire_nowait)


@mutant("LOCK-4")
def lock_looks_at_the_owner_first(_: Broken) -> None:
    """RuntimeError comes before the cancellation."""

    async def acquire(original: Any, lock: Any) -> None:
        if lock.statistics().owner is get_current_task():
            raise RuntimeError("you have it already")
        await original(lock)

    around(Lock, "acquire", acquire)


@mutant("LOCK-4")
def broken_lock_looks_at_the_owner_first(_: Broken) -> None:
    """BrokenResourceError comes before the cancellation."""

    async def acquire(original: Any, lock: Any) -> None:
        owner = lock.statistics().owner
        if owner is not None and owner.finished:
            lock.acquire_nowait()
        await original(lock)

    around(Lock, "acquire", acquire)


@mutant("LOCK-4")
def lock_is_taken_before_the_check(_: Broken) -> None:
    """acquire() in a cancelled scope raises with the lock in its hands."""
    takes_before_it_checks(Lock, "acquire_nowait", *ACQUIRE)


@mutant("LOCK-4")
def free_lock_ignores_cancellation(_: Broken) -> None:
    """acquire() of a free lock succeeds in a cancelled scope."""

    async def acquire(original: Any, lock: Any) -> None:
        if lock.locked():
            await original(lock)
        else:
            lock.acquire_nowait()

    around(Lock, "acquire", acquire)


@mutant("LOCK-5")
def lock_nowait_refuses_the_cancelled(_: Broken) -> None:
    """acquire_nowait() raises in a cancelled scope."""
    refuses_the_cancelled(Lock, "acquire_nowait")


@mutant("LOCK-5")
def lock_nowait_says_no(_: Broken) -> None:
    """acquire_nowait() returns False where it should raise WouldBlock."""

    def acquire_nowait(original: Any, lock: Any) -> bool:
        try:
            original(lock)
        except WouldBlock:
            return False
        return True

    around(Lock, "acquire_nowait", acquire_nowait)


@mutant("LOCK-5")
def lock_nowait_takes_what_is_promised(_: Broken) -> None:
    """acquire_nowait() takes a lock whose new owner has not resumed yet."""
    is_up_for_grabs(Lock)


@mutant("LOCK-6")
def lock_is_released_by_anybody(_: Broken) -> None:
    """release() by another task succeeds."""

    def release(original: Any, lock: Any) -> None:
        if lock.statistics().owner is not get_current_task():
            lock._owner = None
        else:
            original(lock)

    around(Lock, "release", release)


@mutant("LOCK-6")
def lock_release_by_others_is_ignored(_: Broken) -> None:
    """release() by another task does nothing, silently."""

    def release(original: Any, lock: Any) -> None:
        if lock.statistics().owner is get_current_task():
            original(lock)

    around(Lock, "release", release)


@mutant("LOCK-6")
def lock_release_frees_before_it_complains(_: Broken) -> None:
    """release() by another task raises, but the lock is free then."""

    def release(original: Any, lock: Any) -> None:
        try:
            original(lock)
        except RuntimeError:
            lock._owner = None
            raise

    around(Lock, "release", release)


@mutant("LOCK-6")
def lock_release_does_not_name_the_owner(_: Broken) -> None:
    """The error about a wrong release() leaves the owner out."""

    def release(original: Any, lock: Any) -> None:
        try:
            original(lock)
        except RuntimeError:
            raise RuntimeError("the current task doesn't own this lock") from None

    around(Lock, "release", release)


@mutant("LOCK-7")
def lock_is_handed_to_the_cancelled(broken: Broken) -> None:
    """release() hands the lock to a waiter that was cancelled."""
    trusts_unpark(broken, Lock, "release")


@mutant("LOCK-7")
def lock_acquire_checks_again(_: Broken) -> None:
    """A waiter that has got the lock raises if it is cancelled before it resumes."""
    checks_again(Lock, "acquire")


@mutant("LOCK-8")
def lock_waiters_wait_for_the_dead(broken: Broken) -> None:
    """Nobody looks whether the owner ends while others wait."""

    def ignore(task: Any, callback: Any) -> None:
        return None

    broken.watch_task = broken.unwatch_task = ignore


@mutant("LOCK-8")
def lock_of_a_dead_task_blocks(_: Broken) -> None:
    """Nobody looks whether the owner has ended before."""

    def acquire_nowait(original: Any, lock: Any) -> None:
        try:
            original(lock)
        except BrokenResourceError:
            raise WouldBlock from None

    async def acquire(original: Any, lock: Any) -> None:
        await checkpoint_if_cancelled()
        owner = lock.statistics().owner
        if owner is not None and owner.finished:
            await sleep_forever()
        await original(lock)

    around(Lock, "acquire_nowait", acquire_nowait)
    around(Lock, "acquire", acquire)


@mutant("LOCK-8")
def lock_nowait_does_not_look_for_dead_owners(_: Broken) -> None:
    """acquire_nowait() raises WouldBlock for a lock whose owner has ended."""

    def acquire_nowait(original: Any, lock: Any) -> None:
        try:
            original(lock)
        except BrokenResourceError:
            raise WouldBlock from None

    around(Lock, "acquire_nowait", acquire_nowait)


@mutant("LOCK-8")
def lock_of_a_dead_task_is_free(_: Broken) -> None:
    """A lock whose owner has ended is taken as if it had been released."""

    def take_over(original: Any, lock: Any) -> Any:
        owner = lock.statistics().owner
        if owner is not None and owner.finished:
            lock._owner = None
        return original(lock)

    for name in (*ACQUIRE, "acquire_nowait"):
        around(Lock, name, take_over)


@mutant("LOCK-8")
def broken_lock_does_not_name_the_dead(_: Broken) -> None:
    """The error about a lock whose owner has ended leaves the owner out."""

    async def acquire(original: Any, lock: Any) -> None:
        try:
            await original(lock)
        except BrokenResourceError:
            raise BrokenResourceError("the owner of this lock has ended") from None

    for name in ACQUIRE:
        around(Lock, name, acquire)


@mutant("LOCK-9")
def lock_statistics_need_a_loop(_: Broken) -> None:
    """locked() and statistics() ask a backend."""
    needs_a_loop(Lock, "locked", "statistics")


@mutant("LOCK-9")
def lock_counts_waiters_until_they_resume(_: Broken) -> None:
    """A waiter that has got the lock is counted as one that waits."""
    counts_until_they_resume(Lock, *ACQUIRE)


@mutant("LOCK-9")
def lock_counts_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(Lock, *ACQUIRE)


@mutant("LOCK-9")
def lock_statistics_name_the_owner(_: Broken) -> None:
    """The statistics have the name of the owner instead of its information."""

    def statistics(original: Any, lock: Any) -> Any:
        truth = original(lock)
        return truth._replace(owner=truth.owner and truth.owner.name)

    around(Lock, "statistics", statistics)


@mutant("LOCK-10")
def lock_never_yields(_: Broken) -> None:
    """acquire() of a free lock only looks for a cancellation."""
    never_yields(Lock, "acquire_nowait", *ACQUIRE)


@mutant("LOCK-10")
def lock_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""
    yields_at_exit(Lock)


@mutant("LOCK-10")
def lock_has_an_option(_: Broken) -> None:
    """The lock can be made fast."""
    make = Lock.__init__

    def init(lock: Any, *, fast_acquire: bool = False) -> None:
        make(lock)

    replace(Lock, __init__=init)


@mutant("LOCK-11")
def lock_binds_to_its_first_loop(_: Broken) -> None:
    """A lock works only in the loop in which it was first used."""
    binds_to_a_loop(Lock, *ACQUIRE)


@mutant("LOCK-11")
def lock_is_made_in_a_loop(_: Broken) -> None:
    """A lock can't be made outside a loop."""
    needs_a_loop(Lock, "__init__")
