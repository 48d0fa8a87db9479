"""Mutants of semaphores."""

from __future__ import annotations

from typing import Any

from accord import Semaphore, WouldBlock

from .making import Broken, around, mutant, replace
from .waiting import (
    ACQUIRE,
    around_getter,
    binds_to_a_loop,
    checks_again,
    counts_the_cancelled,
    counts_until_they_resume,
    is_up_for_grabs,
    needs_a_loop,
    needs_a_task,
    never_yields,
    refuses_the_cancelled,
    takes_before_it_checks,
    trusts_unpark,
    yields_at_exit,
)


@mutant("SEM-1")
def semaphore_takes_bools(_: Broken) -> None:
    """True is 1."""

    def init(original: Any, semaphore: Any, initial: Any, *, max_value: Any = None) -> None:
        initial, max_value = (int(value) if isinstance(value, bool) else value for value in (initial, max_value))
        original(semaphore, initial, max_value=max_value)

    around(Semaphore, "__init__", init)


@mutant("SEM-1")
def semaphore_takes_any_maximum(_: Broken) -> None:
    """A maximum that is no number or is below the initial value is accepted."""

    def init(original: Any, semaphore: Any, initial: Any, *, max_value: Any = None) -> None:
        try:
            original(semaphore, initial, max_value=max_value)
        except (TypeError, ValueError):
            original(semaphore, initial)

    around(Semaphore, "__init__", init)


@mutant("SEM-1")
def semaphore_takes_whole_floats(_: Broken) -> None:
    """1.0 is 1."""

    def init(original: Any, semaphore: Any, initial: Any, *, max_value: Any = None) -> None:
        whole = isinstance(initial, float) and initial.is_integer()
        original(semaphore, int(initial) if whole else initial, max_value=max_value)

    around(Semaphore, "__init__", init)


@mutant("SEM-1")
def semaphore_has_one_error_for_all(_: Broken) -> None:
    """What is no number is a ValueError too."""

    def init(original: Any, semaphore: Any, *args: Any, **keywords: Any) -> None:
        try:
            original(semaphore, *args, **keywords)
        except TypeError as error:
            raise ValueError(*error.args) from None

    around(Semaphore, "__init__", init)


@mutant("SEM-2")
def semaphore_is_up_for_grabs(_: Broken) -> None:
    """release() raises the value, and whoever comes next takes it."""
    is_up_for_grabs(Semaphore)


@mutant("SEM-2")
def semaphore_serves_the_newest(_: Broken) -> None:
    """The waiter that came last is served first."""

    def release(original: Any, semaphore: Any) -> None:
        if semaphore.statistics().tasks_waiting:
            semaphore._waiters.rotate(1)
        original(semaphore)

    around(Semaphore, "release", release)


@mutant("SEM-2")
def semaphore_counts_what_it_hands_over(_: Broken) -> None:
    """release() raises the value although it has woken a waiter."""

    def release(original: Any, semaphore: Any) -> None:
        waiting = semaphore.statistics().tasks_waiting
        original(semaphore)
        if semaphore.statistics().tasks_waiting < waiting:
            original(semaphore)

    around(Semaphore, "release", release)


@mutant("SEM-3")
def semaphore_is_released_by_tasks_only(_: Broken) -> None:
    """release() asks for the current task."""
    needs_a_task(Semaphore, "release")


@mutant("SEM-3")
def semaphore_stays_at_its_maximum(_: Broken) -> None:
    """A release too many does nothing, silently."""

    def release(original: Any, semaphore: Any) -> None:
        if semaphore.value != semaphore.max_value:
            original(semaphore)

    around(Semaphore, "release", release)


@mutant("SEM-3")
def semaphore_counts_before_it_checks(_: Broken) -> None:
    """A release too many raises, and is counted."""
    excess = 0

    def release(original: Any, semaphore: Any) -> None:
        nonlocal excess
        try:
            original(semaphore)
        except ValueError:
            excess += 1
            raise

    around(Semaphore, "release", release)
    around_getter(Semaphore, "value", lambda get, semaphore: get(semaphore) + excess)


@mutant("SEM-4")
def semaphore_nowait_refuses_the_cancelled(_: Broken) -> None:
    """acquire_nowait() raises in a cancelled scope."""
    refuses_the_cancelled(Semaphore, "acquire_nowait")


@mutant("SEM-4")
def semaphore_nowait_says_no(_: Broken) -> None:
    """acquire_nowait() returns False where it should raise WouldBlock."""

    def acquire_nowait(original: Any, semaphore: Any) -> bool:
        try:
            original(semaphore)
        except WouldBlock:
            return False
        return True

    around(Semaphore, "acquire_nowait", acquire_nowait)


@mutant("SEM-5")
def semaphore_serves_the_cancelled(broken: Broken) -> None:
    """release() gives the unit to a waiter that was cancelled."""
    trusts_unpark(broken, Semaphore, "release")


@mutant("SEM-5")
def semaphore_acquire_checks_again(_: Broken) -> None:
    """A waiter that has got a unit raises if it is cancelled before it resumes."""
    checks_again(Semaphore, "acquire")


@mutant("SEM-5")
def semaphore_is_taken_before_the_check(_: Broken) -> None:
    """acquire() in a cancelled scope takes a unit and raises."""
    takes_before_it_checks(Semaphore, "acquire_nowait", *ACQUIRE)


@mutant("SEM-6")
def semaphore_never_yields(_: Broken) -> None:
    """acquire() of a free unit only looks for a cancellation."""
    never_yields(Semaphore, "acquire_nowait", *ACQUIRE)


@mutant("SEM-6")
def semaphore_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""
    yields_at_exit(Semaphore)


@mutant("SEM-6")
def semaphore_counts_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(Semaphore, *ACQUIRE)


@mutant("SEM-6")
def semaphore_counts_waiters_until_they_resume(_: Broken) -> None:
    """Waiters that have got a unit are counted until they have run."""
    counts_until_they_resume(Semaphore, *ACQUIRE)


@mutant("SEM-6")
def semaphore_statistics_need_a_loop(_: Broken) -> None:
    """statistics() asks for the loop."""
    needs_a_loop(Semaphore, "statistics")


@mutant("SEM-6")
def semaphore_value_is_negative_while_tasks_wait(_: Broken) -> None:
    """The value is the balance of units and waiters."""
    around_getter(Semaphore, "value", lambda get, semaphore: get(semaphore) - semaphore.statistics().tasks_waiting)


@mutant("SEM-6")
def semaphore_forgets_its_maximum(_: Broken) -> None:
    """max_value is None."""
    replace(Semaphore, max_value=None)


@mutant("SEM-7")
def semaphore_binds_to_its_first_loop(_: Broken) -> None:
    """A semaphore works only in the loop in which it was first used."""
    binds_to_a_loop(Semaphore, *ACQUIRE)


@mutant("SEM-7")
def semaphore_is_made_in_a_loop(_: Broken) -> None:
    """A semaphore can't be made outside a loop."""
    needs_a_loop(Semaphore, "__init__")
