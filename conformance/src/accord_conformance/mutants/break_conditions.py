"""Mutants of conditions."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    BrokenResourceError,
    CancelScope,
    Condition,
    Event,
    Lock,
    WouldBlock,
    get_cancelled_exc_class,
    get_current_task,
)
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import (
    binds_to_a_loop,
    checks_again,
    counts_the_cancelled,
    counts_until_they_resume,
    needs_a_loop,
    wakes_only,
)


def _owned(condition: Any) -> bool:
    return condition.statistics().lock_statistics.owner is get_current_task()


@mutant("COND-1")
def condition_ignores_its_lock(_: Broken) -> None:
    """Each condition has a lock of its own, whatever it was given."""

    def init(original: Any, condition: Any, lock: Any = None) -> None:
        original(condition)

    around(Condition, "__init__", init)


@mutant("COND-1")
def condition_remembers_who_entered(_: Broken) -> None:
    """Only a lock that was acquired through the condition counts."""
    inside: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def enter(original: Any, condition: Any) -> None:
        await original(condition)
        inside[condition] = 1

    async def leave(original: Any, condition: Any, *args: Any) -> None:
        inside[condition] = 0
        await original(condition, *args)

    def notify(original: Any, condition: Any, n: int = 1) -> None:
        if not inside.get(condition):
            raise RuntimeError("the condition was not acquired")
        original(condition, n)

    around(Condition, "__aenter__", enter)
    around(Condition, "__aexit__", leave)
    around(Condition, "notify", notify)


@mutant("COND-2")
def condition_is_notified_by_anybody(_: Broken) -> None:
    """notify() needs no lock."""

    def notify(original: Any, condition: Any, *args: Any) -> None:
        try:
            original(condition, *args)
        except RuntimeError:
            pass

    around(Condition, "notify", notify)


@mutant("COND-2")
def condition_is_notified_under_anybodys_lock(_: Broken) -> None:
    """notify_all() is content if some task holds the lock."""

    def notify_all(original: Any, condition: Any) -> None:
        if _owned(condition) or not condition.locked():
            original(condition)

    around(Condition, "notify_all", notify_all)


@mutant("COND-2")
def condition_wait_looks_at_the_owner_first(_: Broken) -> None:
    """RuntimeError comes before the cancellation from wait()."""

    async def wait(original: Any, condition: Any) -> None:
        if not _owned(condition):
            raise RuntimeError("the lock is not held")
        await original(condition)

    around(Condition, "wait", wait)


@mutant("COND-2")
def condition_wait_acquires_if_need_be(_: Broken) -> None:
    """wait() without the lock takes it."""

    async def wait(original: Any, condition: Any) -> None:
        if not _owned(condition):
            await condition.acquire()
        await original(condition)

    around(Condition, "wait", wait)


def _waits_naively(finish: Any) -> None:
    """Let a condition wait for an event, and call ``finish`` with itself and what was raised or None."""
    waiting: WeakKeyDictionary[Any, list[Event]] = WeakKeyDictionary()

    async def wait(condition: Any) -> None:
        await checkpoint_if_cancelled()
        if not _owned(condition):
            raise RuntimeError("the lock is not held")
        event = Event()
        waiting.setdefault(condition, []).append(event)
        condition.release()
        try:
            await event.wait()
        except BaseException as error:
            await finish(condition, error)
            raise
        else:
            await finish(condition, None)
        finally:
            if event in waiting[condition]:
                waiting[condition].remove(event)

    def notify(original: Any, condition: Any, n: int = 1) -> None:
        original(condition, n)
        queue = waiting.setdefault(condition, [])
        for event in queue[:n]:
            queue.remove(event)
            event.set()

    def notify_all(condition: Any) -> None:
        condition.notify(len(waiting.get(condition, [])))

    replace(Condition, wait=wait, notify_all=notify_all)
    around(Condition, "notify", notify)


@mutant("COND-3")
def condition_lock_is_not_taken_again_when_cancelled(_: Broken) -> None:
    """A wait that is cancelled raises without the lock."""

    async def finish(condition: Any, error: object) -> None:
        if error is None:
            await condition.acquire()

    _waits_naively(finish)


@mutant("COND-3")
def condition_takes_the_lock_as_a_cancelled_task(_: Broken) -> None:
    """The acquisition after the wait is interrupted by a cancellation."""

    async def finish(condition: Any, error: object) -> None:
        await condition.acquire()

    _waits_naively(finish)


@mutant("COND-3")
def condition_takes_the_lock_only_if_it_is_free(_: Broken) -> None:
    """A cancelled wait takes the lock again if nobody else has it, and else raises without."""

    async def finish(condition: Any, error: object) -> None:
        if error is None:
            await condition.acquire()
            return
        try:
            condition.acquire_nowait()
        except WouldBlock:
            pass

    _waits_naively(finish)


@mutant("COND-3")
def condition_returns_without_a_broken_lock(_: Broken) -> None:
    """wait() returns as if it had the lock, though that was broken in the meantime."""

    async def wait(original: Any, condition: Any) -> None:
        try:
            await original(condition)
        except BrokenResourceError:
            pass

    around(Condition, "wait", wait)


@mutant("COND-4")
def condition_notify_wakes_all(_: Broken) -> None:
    """notify() wakes all."""

    def notify(original: Any, condition: Any, n: int = 1) -> None:
        original(condition, n and n + 1000)

    around(Condition, "notify", notify)


@mutant("COND-4")
def condition_notify_wakes_one(broken: Broken) -> None:
    """notify() wakes one task at most, whatever its argument."""
    wakes_only(broken, 1, Condition, "notify")


@mutant("COND-4")
def condition_notify_all_wakes_one(_: Broken) -> None:
    """notify_all() wakes one."""

    def notify_all(condition: Any) -> None:
        condition.notify()

    replace(Condition, notify_all=notify_all)


@mutant("COND-4")
def condition_keeps_notifications(_: Broken) -> None:
    """A notification without waiters is there for the next."""
    kept: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    def notify(original: Any, condition: Any, n: int = 1) -> None:
        kept[condition] = kept.get(condition, 0) + max(0, n - condition.statistics().tasks_waiting)
        original(condition, n)

    async def wait(original: Any, condition: Any) -> None:
        if kept.get(condition):
            kept[condition] -= 1
            await checkpoint()
        else:
            await original(condition)

    around(Condition, "notify", notify)
    around(Condition, "wait", wait)


@mutant("COND-4")
def condition_notify_takes_bools(_: Broken) -> None:
    """True is 1."""

    def notify(original: Any, condition: Any, n: Any = 1) -> None:
        original(condition, int(n) if isinstance(n, bool) else n)

    around(Condition, "notify", notify)


@mutant("COND-4")
def condition_notify_takes_negative_numbers(_: Broken) -> None:
    """A negative number is 0."""

    def notify(original: Any, condition: Any, n: Any = 1) -> None:
        original(condition, max(n, 0) if type(n) is int else n)

    around(Condition, "notify", notify)


@mutant("COND-5")
def condition_notifies_the_cancelled(_: Broken) -> None:
    """A notification goes to a task that was cancelled."""

    async def finish(condition: Any, error: object) -> None:
        with CancelScope(shield=True):
            await condition.acquire()

    _waits_naively(finish)


@mutant("COND-5")
def condition_wait_checks_again(_: Broken) -> None:
    """A task that was notified raises if it is cancelled before it resumes."""
    checks_again(Condition, "wait")


@mutant("COND-6")
def condition_wait_for_asks_once(_: Broken) -> None:
    """wait_for() takes it that after a notification the predicate is true."""

    async def wait_for(condition: Any, predicate: Any) -> Any:
        if not predicate():
            await condition.wait()
        return predicate()

    replace(Condition, wait_for=wait_for)


@mutant("COND-6")
def condition_wait_for_returns_true(_: Broken) -> None:
    """wait_for() returns True for each true value."""

    async def wait_for(original: Any, condition: Any, predicate: Any) -> Any:
        return bool(await original(condition, predicate))

    around(Condition, "wait_for", wait_for)


@mutant("COND-6")
def condition_wait_for_waits_first(_: Broken) -> None:
    """wait_for() waits before it asks for the first time."""

    async def wait_for(condition: Any, predicate: Any) -> Any:
        while True:
            await condition.wait()
            if result := predicate():
                return result

    replace(Condition, wait_for=wait_for)


@mutant("COND-6")
def condition_wait_for_is_a_checkpoint(_: Broken) -> None:
    """wait_for() raises in a cancelled scope also if the predicate is true."""

    async def wait_for(original: Any, condition: Any, predicate: Any) -> Any:
        await checkpoint_if_cancelled()
        return await original(condition, predicate)

    around(Condition, "wait_for", wait_for)


@mutant("COND-6")
def condition_wait_for_yields(_: Broken) -> None:
    """wait_for() yields also if the predicate is true."""

    async def wait_for(original: Any, condition: Any, predicate: Any) -> Any:
        result = await original(condition, predicate)
        try:
            await checkpoint()
        except get_cancelled_exc_class():
            pass
        return result

    around(Condition, "wait_for", wait_for)


@mutant("COND-6")
def condition_asks_without_the_lock(_: Broken) -> None:
    """wait_for() asks the predicate while another task has the lock."""

    async def wait_for(condition: Any, predicate: Any) -> Any:
        while not (result := predicate()):
            condition.release()
            try:
                await checkpoint()
                predicate()
            finally:
                condition.acquire_nowait()
            await condition.wait()
        return result

    replace(Condition, wait_for=wait_for)


@mutant("COND-7")
def condition_counts_waiters_until_they_resume(_: Broken) -> None:
    """Tasks that were notified are counted until they have the lock."""
    counts_until_they_resume(Condition, "wait")


@mutant("COND-7")
def condition_counts_the_cancelled(_: Broken) -> None:
    """Tasks that were cancelled are counted for ever."""
    counts_the_cancelled(Condition, "wait")


@mutant("COND-7")
def condition_statistics_need_a_loop(_: Broken) -> None:
    """statistics() asks for the loop."""
    needs_a_loop(Condition, "statistics")


@mutant("COND-7")
def condition_binds_to_its_first_loop(_: Broken) -> None:
    """A condition works only in the loop in which it was first used."""
    binds_to_a_loop(Condition, "wait")


@mutant("COND-3")
def cancelled_waiter_queues_for_a_broken_lock(_: Broken) -> None:
    """A waiter that is cancelled queues for its lock without asking whether the owner has ended."""

    class Alive:
        finished = False

    def statistics(original: Any, lock: Any) -> Any:
        found = original(lock)
        return found if found.owner is None else found._replace(owner=Alive())

    around(Lock, "statistics", statistics)
