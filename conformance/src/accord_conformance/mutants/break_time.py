"""Mutants of the clock, of sleeping, and of deadlines and timeouts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import inf
from typing import Any

from accord import sleep

from .making import Broken, around, mutant, replace
from .waiting import around_getter, around_setter, replace_everywhere

ACTIVE = 1
time: Any = sys.modules["accord._time"]


def _time_of_the_turn(broken: Broken) -> Callable[[], float]:
    """Return a clock that is read once in each turn of the loop."""
    readings: dict[Any, float] = {}

    def reading() -> float:
        token = broken.current_token()
        if token not in readings:
            readings[token] = broken.base.current_time()
            token.call_soon(readings.pop, token, None)
        return readings[token]

    return reading


def _state(broken: Broken) -> Any:
    """Return the class of what the backend keeps for each loop."""
    return broken.in_run(lambda: broken.base.current_task().state.__class__)


def _task_runs(broken: Broken) -> bool:
    """Return whether a task is running."""
    try:
        broken.base.current_task()
    except RuntimeError:
        return False
    return True


@mutant("TIME-1")
def clock_is_read_once_in_a_turn(broken: Broken) -> None:
    """The clock stands still while the thread is blocked."""
    broken.current_time = _time_of_the_turn(broken)


@mutant("TIME-1")
def clock_counts_whole_milliseconds(broken: Broken) -> None:
    """The clock is an int."""

    def current_time() -> int:
        return int(broken.base.current_time() * 1000)

    broken.current_time = current_time


@mutant("TIME-2")
def sleep_ends_early(broken: Broken) -> None:
    """A sleep ends some milliseconds too soon."""

    async def sleep_until(deadline: float) -> None:
        await broken.base.sleep_until(deadline - 0.01)

    broken.sleep_until = sleep_until


@mutant("TIME-2")
def sleep_counts_from_the_turn(broken: Broken) -> None:
    """A sleep counts from when the loop last read its clock."""
    now = _time_of_the_turn(broken)

    async def sleep_from(_: object, delay: float) -> None:
        await broken.sleep_until(now() + delay)

    async def checkpoint() -> None:
        await broken.base.checkpoint()
        now()

    replace(time, _sleep=sleep_from)
    broken.checkpoint = checkpoint


@mutant("TIME-2")
def sleep_zero_does_not_yield(broken: Broken) -> None:
    """sleep(0) only looks for a cancellation."""
    original = sleep

    def sleep_or_not(delay: Any) -> Any:
        return broken.checkpoint_if_cancelled() if delay == 0 else original(delay)

    replace_everywhere(sleep, sleep_or_not)


@mutant("TIME-3")
def sleep_until_the_past_returns(broken: Broken) -> None:
    """Where the time has passed already, sleep_until does nothing."""

    async def sleep_until(deadline: float) -> None:
        if deadline > broken.current_time():
            await broken.base.sleep_until(deadline)

    broken.sleep_until = sleep_until


@mutant("TIME-3")
def sleep_until_the_past_cannot_be_cancelled(broken: Broken) -> None:
    """Where the time has passed already, sleep_until only yields."""

    async def sleep_until(deadline: float) -> None:
        if deadline > broken.current_time():
            await broken.base.sleep_until(deadline)
        else:
            await broken.cancel_shielded_checkpoint()

    broken.sleep_until = sleep_until


@mutant("TIME-3")
def sleep_for_ever_ends(broken: Broken) -> None:
    """An endless sleep is one of some milliseconds."""

    async def sleep_until(deadline: float) -> None:
        await broken.base.sleep_until(min(deadline, broken.current_time() + 0.01))

    broken.sleep_until = sleep_until


@mutant("TIME-4")
def negative_sleep_is_a_short_one(_: Broken) -> None:
    """A negative delay counts as 0."""
    original = sleep

    def lenient(delay: Any) -> Any:
        return original(0 if isinstance(delay, int | float) and delay < 0 else delay)

    replace_everywhere(sleep, lenient)


@mutant("TIME-4")
def cancelled_sleep_takes_anything(broken: Broken) -> None:
    """The cancellation comes before the arguments are looked at."""
    original = sleep

    async def late(delay: Any) -> None:
        await broken.checkpoint_if_cancelled()
        await original(delay)

    replace_everywhere(sleep, late)


@mutant("TIME-5")
def far_deadlines_overflow(broken: Broken) -> None:
    """A deadline must fit into 64 bits of milliseconds."""

    def create_cancel_scope(deadline: float, delay: float | None, shield: bool) -> Any:
        far = max(deadline, delay or 0)
        if far != inf and far * 1000 > 2**63:
            raise OverflowError("the deadline is too far away")
        return broken.base.create_cancel_scope(deadline, delay, shield)

    broken.create_cancel_scope = create_cancel_scope


@mutant("TIME-5")
def past_deadlines_take_a_turn(broken: Broken) -> None:
    """A deadline that has passed at the entry counts from the loop's next turn."""

    def create_cancel_scope(deadline: float, delay: float | None, shield: bool) -> Any:
        scope = broken.base.create_cancel_scope(inf, None, shield)
        if deadline == inf and delay is None:
            return scope
        if deadline <= broken.current_time() or (delay is not None and delay <= 0):
            broken.current_token().call_soon(scope.cancel)
            return scope
        return broken.base.create_cancel_scope(deadline, delay, shield)

    broken.create_cancel_scope = create_cancel_scope


@mutant("TIME-6")
def deadline_setter_takes_anything(broken: Broken) -> None:
    """The setter makes a float of what it is given."""
    replace(sys.modules[broken.scope.__module__], check_deadline=float)


@mutant("TIME-6")
def refused_deadline_is_none(broken: Broken) -> None:
    """The setter forgets the old deadline before it looks at the new one."""

    def deadline(assign: Any, scope: Any, value: Any) -> None:
        assign(scope, inf)
        assign(scope, value)

    around_setter(broken.scope, "deadline", deadline)


@mutant("TIME-6")
def true_is_a_second(_: Broken) -> None:
    """A bool passes for a number."""

    def check_real(original: Any, value: Any, name: str) -> Any:
        return original(int(value) if isinstance(value, bool) else value, name)

    around(sys.modules["accord.toolkit.checks"], "_check_real", check_real)


@mutant("TIME-7")
def deadlines_need_a_timer(broken: Broken) -> None:
    """A deadline counts only when the loop has had a chance to notice."""

    def look_at_clock(_: object) -> None:
        pass

    replace(_state(broken), look_at_clock=look_at_clock)


@mutant("TIME-7")
def deadlines_wake_nobody(broken: Broken) -> None:
    """A deadline counts at the next checkpoint, and interrupts none."""

    def expire(original: Any, state: Any, now: float) -> None:
        if _task_runs(broken):
            original(state, now)

    around(_state(broken), "expire", expire)


@mutant("TIME-8")
def cancel_called_waits_for_the_loop(broken: Broken) -> None:
    """``cancel_called`` does not look at the clock."""

    def cancel_called(_get: Any, scope: Any) -> bool:
        return scope._reason is not None

    around_getter(broken.scope, "cancel_called", cancel_called)


@mutant("TIME-8")
def deadlines_count_after_the_exit(broken: Broken) -> None:
    """``cancel_called`` becomes true when the deadline of a scope passes that was left in time."""

    def cancel_called(get: Any, scope: Any) -> bool:
        return bool(get(scope)) or scope.deadline <= broken.current_time()

    around_getter(broken.scope, "cancel_called", cancel_called)


@mutant("TIME-9")
def delays_count_from_the_call(broken: Broken) -> None:
    """The deadline of move_on_after is computed when the scope is made."""

    def create_cancel_scope(deadline: float, delay: float | None, shield: bool) -> Any:
        if delay is not None:
            deadline = broken.current_time() + delay
        return broken.base.create_cancel_scope(deadline, None, shield)

    broken.create_cancel_scope = create_cancel_scope


@mutant("TIME-10")
def effective_deadline_ignores_shields(broken: Broken) -> None:
    """The effective deadline is the earliest of all scopes."""

    def current_effective_deadline() -> float:
        task: Any = broken.base.current_task()
        scope = task.scope
        deadline: float = broken.base.current_effective_deadline()
        while scope is not None:
            scope, deadline = scope._parent, min(deadline, scope._deadline)
        return deadline

    broken.current_effective_deadline = current_effective_deadline


@mutant("TIME-10")
def effective_deadline_is_that_of_the_innermost_scope(broken: Broken) -> None:
    """The effective deadline does not look further out."""

    def current_effective_deadline() -> float:
        deadline: float = broken.base.current_task().scope._deadline
        return deadline if broken.base.current_effective_deadline() > -inf else -inf

    broken.current_effective_deadline = current_effective_deadline


@mutant("TIME-10")
def effective_deadline_of_the_cancelled_is_in_the_future(broken: Broken) -> None:
    """The effective deadline does not tell that the task is cancelled."""

    def current_effective_deadline() -> float:
        scope: Any = broken.base.current_task().scope
        deadline = inf
        while scope is not None:
            deadline = min(deadline, scope._deadline)
            scope = None if scope.shield else scope._parent
        return deadline

    broken.current_effective_deadline = current_effective_deadline


@mutant("TIME-11")
def deadlines_only_become_earlier(broken: Broken) -> None:
    """A later deadline does not replace the one that is armed."""

    def deadline(assign: Any, scope: Any, value: float) -> None:
        if scope._phase != ACTIVE or value < scope._deadline:
            assign(scope, value)

    around_setter(broken.scope, "deadline", deadline)


@mutant("TIME-11")
def new_deadlines_take_back(broken: Broken) -> None:
    """A new deadline takes the cancellation of an old one back."""

    def deadline(assign: Any, scope: Any, value: float) -> None:
        assign(scope, value)
        if scope._reason is not None and value > broken.current_time():
            scope._reason = None
            scope._effective = scope._phase == ACTIVE and not scope.shield and scope._parent._effective

    around_setter(broken.scope, "deadline", deadline)


@mutant("TIME-11")
def delay_wins_over_the_deadline(broken: Broken) -> None:
    """A deadline that is set before the entry is replaced by the delay."""

    def deadline(assign: Any, scope: Any, value: float) -> None:
        delay = scope._delay
        assign(scope, value)
        scope._delay = delay

    around_setter(broken.scope, "deadline", deadline)
