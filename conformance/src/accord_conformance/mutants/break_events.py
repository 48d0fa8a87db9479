"""Mutants of events and resource guards."""

from __future__ import annotations

from typing import Any

from accord import BusyResourceError, Event, ResourceGuard
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, add, around, mutant
from .waiting import (
    binds_to_a_loop,
    checks_again,
    counts_the_cancelled,
    counts_until_they_resume,
    needs_a_loop,
    needs_a_task,
    refuses_the_cancelled,
    wakes_only,
)


@mutant("EVENT-1")
def event_wakes_one(broken: Broken) -> None:
    """set() wakes the first waiter only."""
    wakes_only(broken, 1, Event, "set")


@mutant("EVENT-1")
def event_is_set_by_tasks_only(_: Broken) -> None:
    """set() asks for the current task."""
    needs_a_task(Event, "set")


@mutant("EVENT-1")
def event_is_not_set_by_the_cancelled(_: Broken) -> None:
    """set() raises in a cancelled scope."""
    refuses_the_cancelled(Event, "set")


@mutant("EVENT-1")
def event_can_be_cleared(_: Broken) -> None:
    """There is a way back."""

    def clear(event: Any) -> None:
        event.__init__()

    add(Event, clear=clear)


@mutant("EVENT-1")
def event_is_set_only_once(_: Broken) -> None:
    """A second set() is an error."""

    def set_once(original: Any, event: Any) -> None:
        if event.is_set():
            raise RuntimeError("the event is set already")
        original(event)

    around(Event, "set", set_once)


@mutant("EVENT-2")
def set_event_ignores_cancellation(_: Broken) -> None:
    """wait() for an event that is set returns in a cancelled scope."""

    async def wait(original: Any, event: Any) -> None:
        if not event.is_set():
            await original(event)

    around(Event, "wait", wait)


@mutant("EVENT-2")
def set_event_never_yields(_: Broken) -> None:
    """wait() for an event that is set only looks for a cancellation."""

    async def wait(original: Any, event: Any) -> None:
        await checkpoint_if_cancelled()
        if not event.is_set():
            await original(event)

    around(Event, "wait", wait)


@mutant("EVENT-3")
def event_wait_checks_again(_: Broken) -> None:
    """A waiter that was woken raises if it is cancelled before it resumes."""
    checks_again(Event, "wait")


@mutant("EVENT-3")
def event_wait_looks_at_the_event_again(_: Broken) -> None:
    """A waiter that was cancelled returns if the event is set before it resumes."""

    async def wait(original: Any, event: Any) -> None:
        was_set = event.is_set()
        try:
            await original(event)
        except BaseException:
            if was_set or not event.is_set():
                raise

    around(Event, "wait", wait)


@mutant("EVENT-4")
def event_binds_to_its_first_loop(_: Broken) -> None:
    """An event works only in the loop in which it was first awaited."""
    binds_to_a_loop(Event, "wait")


@mutant("EVENT-4")
def event_is_made_in_a_loop(_: Broken) -> None:
    """An event can't be made outside a loop."""
    needs_a_loop(Event, "__init__")


@mutant("EVENT-4")
def event_is_set_in_a_loop(_: Broken) -> None:
    """An event can't be set outside a loop."""
    needs_a_loop(Event, "set")


@mutant("EVENT-5")
def event_counts_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(Event, "wait")


@mutant("EVENT-5")
def event_counts_waiters_until_they_resume(_: Broken) -> None:
    """Waiters that were woken are counted until they have run."""
    counts_until_they_resume(Event, "wait")


@mutant("GUARD-1")
def guard_is_freed_by_the_refused(_: Broken) -> None:
    """Who was refused frees the guard for the next one."""

    def enter(original: Any, guard: Any) -> None:
        try:
            original(guard)
        except BusyResourceError:
            guard.__exit__(None, None, None)
            raise

    around(ResourceGuard, "__enter__", enter)


@mutant("GUARD-1")
def guard_stays_after_an_exception(_: Broken) -> None:
    """A guard whose user raised can't be entered again."""

    def leave(original: Any, guard: Any, kind: object, *rest: Any) -> None:
        if kind is None:
            original(guard, kind, *rest)

    around(ResourceGuard, "__exit__", leave)


@mutant("GUARD-1")
def guard_forgets_the_action(_: Broken) -> None:
    """The error does not say what the other task does."""

    def enter(original: Any, guard: Any) -> None:
        try:
            original(guard)
        except BusyResourceError:
            raise BusyResourceError("working on") from None

    around(ResourceGuard, "__enter__", enter)


@mutant("GUARD-1")
def guard_is_reentrant(_: Broken) -> None:
    """A guard that is entered can be entered again."""

    def enter(original: Any, guard: Any) -> None:
        try:
            original(guard)
        except BusyResourceError:
            pass

    around(ResourceGuard, "__enter__", enter)
