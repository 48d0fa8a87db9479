"""Mutants of ``fail_after`` and its kin, of nested timeouts, and of waiting until all tasks wait."""

from __future__ import annotations

import sys
from typing import Any

import accord

from .making import Broken, around, mutant, replace
from .waiting import around_getter

time: Any = sys.modules["accord._time"]


@mutant("TIME-12")
def timeout_is_decided_by_the_clock(_: Broken) -> None:
    """Whatever has cancelled the block, it is a timeout if the deadline has passed."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        caught = original(scope, *args)
        if caught and scope._scope.deadline <= accord.current_time():
            raise TimeoutError("the deadline passed") from None
        return caught

    around(time._FailScope, "__exit__", leave)


@mutant("TIME-12")
def lateness_is_a_timeout(_: Broken) -> None:
    """A block that ends by itself after its deadline raises TimeoutError."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        caught = original(scope, *args)
        if not caught and args[1] is None and scope._scope.deadline <= accord.current_time():
            raise TimeoutError(f"timed out after {scope._delay} seconds")
        return caught

    around(time._FailScope, "__exit__", leave)


@mutant("TIME-12")
def timeout_shows_the_cancellation(_: Broken) -> None:
    """The cancellation is the context of the TimeoutError."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        try:
            return original(scope, kind, exc, tb)
        except TimeoutError as error:
            error.__context__ = exc
            raise

    around(time._FailScope, "__exit__", leave)


@mutant("TIME-12")
def timeout_does_not_tell_the_reason(_: Broken) -> None:
    """The text of the TimeoutError leaves the reason out."""

    def init(original: Any, scope: Any, inner: Any, delay: Any, _reason: object) -> None:
        original(scope, inner, delay, None)

    around(time._FailScope, "__init__", init)


@mutant("TIME-12")
def explicit_cancel_is_a_timeout(_: Broken) -> None:
    """Each cancellation that the scope of fail_after catches becomes a TimeoutError."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        caught = original(scope, *args)
        if caught:
            raise TimeoutError(f"timed out after {scope._delay} seconds") from None
        return caught

    around(time._FailScope, "__exit__", leave)


@mutant("TIME-13")
def move_on_at_raises(_: Broken) -> None:
    """The scope of move_on_at raises TimeoutError."""
    replace(accord, move_on_at=accord.fail_at)


@mutant("TIME-13")
def deadline_is_not_caught(broken: Broken) -> None:
    """``cancelled_caught`` is true for explicit cancellations only."""

    def caught(get: Any, scope: Any) -> bool:
        return bool(get(scope)) and scope._reason.kind != "deadline"

    around_getter(broken.scope, "cancelled_caught", caught)


class _Testing:
    def __init__(self, wait: Any) -> None:
        self.wait_all_tasks_blocked = wait


@mutant("TIME-14")
def some_turns_are_enough(broken: Broken) -> None:
    """wait_all_tasks_blocked() waits for a fixed number of turns."""

    async def wait() -> None:
        for _ in range(20):
            await broken.checkpoint()

    broken.testing = _Testing(wait)


@mutant("TIME-14")
def one_look_is_enough(broken: Broken) -> None:
    """wait_all_tasks_blocked() does not see callbacks that are about to wake a task."""

    def look(original: Any, watch: Any) -> None:
        watch.agreed = True
        original(watch)

    around(sys.modules[type(broken.base.testing).__module__].__dict__["_Watch"], "look", look)


@mutant("TIME-14")
def sleepers_are_busy(broken: Broken) -> None:
    """wait_all_tasks_blocked() waits until nobody sleeps."""
    sleeping: list[object] = []

    async def sleep_until(deadline: float) -> None:
        sleeping.append(deadline)
        try:
            await broken.base.sleep_until(deadline)
        finally:
            sleeping.remove(deadline)

    async def wait() -> None:
        await broken.base.testing.wait_all_tasks_blocked()
        while any(deadline != float("inf") for deadline in sleeping):
            await broken.base.sleep_until(broken.current_time() + 0.01)

    broken.sleep_until = sleep_until
    broken.testing = _Testing(wait)


@mutant("TIME-15")
def timers_decide_which_deadline_has_passed(broken: Broken) -> None:
    """A scope catches if no timer has told yet that an outer deadline has passed as well."""
    state = broken.in_run(lambda: broken.base.current_task().state.__class__)
    catching: list[object] = []

    def look_at_clock(original: Any, self: Any) -> None:
        if not catching:
            original(self)

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        catching.append(exc)
        try:
            return original(scope, exc)
        finally:
            catching.pop()

    around(state, "look_at_clock", look_at_clock)
    around(broken.scope, "_catch", catch)
