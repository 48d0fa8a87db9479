"""Mutants of cancellation: which scope catches it, and which tasks it reaches."""

from __future__ import annotations

import sys
from typing import Any

import accord_conformance.model
from accord import get_current_task
from accord_conformance.helpers import leaves

from .making import Broken, around, mutant
from .waiting import around_getter

MODEL = "accord_conformance.model:backend"
ACTIVE, LEFT = 1, 2
model: Any = accord_conformance.model


@mutant("CANCEL-10")
def innermost_scope_catches(broken: Broken) -> None:
    """A cancelled scope catches though an outer one is cancelled too."""

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        shield, scope._shield = scope._shield, True
        try:
            return original(scope, exc)
        finally:
            scope._shield = shield

    around(broken.scope, "_catch", catch)


@mutant("CANCEL-10")
def shield_does_not_count_at_the_exit(broken: Broken) -> None:
    """A shielded scope lets its own cancellation pass if an outer scope is cancelled."""

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        shield, scope._shield = scope._shield, False
        try:
            return original(scope, exc)
        finally:
            scope._shield = shield

    around(broken.scope, "_catch", catch)


@mutant("CANCEL-11")
def cancelled_scopes_have_caught(broken: Broken) -> None:
    """``cancelled_caught`` is true of each scope that was cancelled before it was left."""

    def caught(get: Any, scope: Any) -> bool:
        return bool(get(scope)) or (scope._phase == LEFT and scope._reason is not None and not scope._parent._effective)

    around_getter(broken.scope, "cancelled_caught", caught)


def _replaces_the_rest(broken: Broken, change: Any) -> None:
    """Let ``change`` make the rest of a group out of the whole group and the rest."""

    def split(original: Any, exc: BaseException, kind: Any) -> Any:
        matching, rest = original(exc, kind)
        if matching is not None and rest is not None:
            rest = change(exc, rest)
        return matching, rest

    around(sys.modules[broken.scope.__module__], "split", split)


@mutant("CANCEL-12")
def rest_of_a_group_is_flat(broken: Broken) -> None:
    """What is left of a group is a group of its leaves."""

    def flatten(exc: Any, rest: Any) -> Any:
        return exc.derive(leaves(rest))

    _replaces_the_rest(broken, flatten)


@mutant("CANCEL-12")
def rest_of_a_group_is_new(broken: Broken) -> None:
    """What is left of a group has neither cause nor notes."""

    def renew(exc: Any, rest: Any) -> Any:
        return exc.derive(rest.exceptions)

    _replaces_the_rest(broken, renew)


@mutant("CANCEL-12")
def rest_of_a_group_has_the_group_as_context(broken: Broken) -> None:
    """What is left of a group is raised while the group is being handled."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        try:
            return original(scope, kind, exc, tb)
        except BaseExceptionGroup as rest:
            rest.__context__ = exc
            raise

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-12")
def groups_are_not_looked_into(broken: Broken) -> None:
    """A scope lets its cancellation pass if it comes in a group."""

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        return isinstance(exc, broken.cancelled_exc_class) and original(scope, exc)

    around(broken.scope, "_catch", catch)


@mutant("CANCEL-13")
def every_scope_catches(broken: Broken) -> None:
    """A scope catches what looks like a cancellation where nothing is cancelled."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        effective = scope._effective
        caught = original(scope, kind, exc, tb)
        return caught or (not effective and isinstance(exc, broken.cancelled_exc_class))

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-14")
def errors_of_clean_up_are_caught(broken: Broken) -> None:
    """A scope catches an error that was raised while its cancellation was being handled."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        caught = original(scope, kind, exc, tb)
        during = exc is not None and isinstance(exc.__context__, broken.cancelled_exc_class)
        return caught or (during and scope._reason is not None)

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-20", MODEL)
def tasks_belong_to_the_callers_scope(_: Broken) -> None:
    """A task is cancelled with the scope in which start_soon was called."""

    def spawn(original: Any, group: Any, *args: Any) -> Any:
        task = original(group, *args)
        caller = model._here.loop.current
        if caller is not None:
            task.base.parent = caller.scope
        return task

    around(model._Group, "_spawn", spawn)


@mutant("CANCEL-21", MODEL)
def scopes_nest_across_tasks(_: Broken) -> None:
    """A scope is entered inside the one that was entered last, by whatever task."""

    def enter(original: Any, scope: Any, task: Any = None) -> Any:
        others = [other for other in model._here.loop.scopes if not other.hidden and other is not scope]
        original(scope, task)
        if task is None and others and not scope.hidden:
            scope.parent = others[-1]
        return scope

    around(model._Scope, "__enter__", enter)


@mutant("CANCEL-22")
def group_swallows_what_the_body_did_not_feel(broken: Broken) -> None:
    """A group whose body ended normally or was shielded raises no cancellation."""

    async def leave(original: Any, group: Any, kind: Any, exc: Any, tb: Any) -> Any:
        try:
            return await original(group, kind, exc, tb)
        except broken.cancelled_exc_class:
            if exc is None:
                return None
            raise

    around(broken.group, "__aexit__", leave)


@mutant("CANCEL-23")
def redelivery_is_a_busy_loop(broken: Broken) -> None:
    """A cancelled task is looked at in each turn of the loop until it has ended."""

    def recheck(original: Any, task: Any) -> bool:
        return bool(original(task)) or (task._phase == ACTIVE and task._effective)

    around(broken.task, "recheck", recheck)


@mutant("CANCEL-24")
def parents_reason_is_taken_over(broken: Broken) -> None:
    """A scope that is cancelled through an ancestor has the ancestor's kind of reason."""

    def cancel_reason(get: Any, scope: Any) -> Any:
        reason = get(scope)
        while reason is not None and scope._reason is None:
            scope = scope._parent
        return reason and scope._reason

    around_getter(broken.scope, "cancel_reason", cancel_reason)


@mutant("CANCEL-24")
def parents_reason_is_kept(broken: Broken) -> None:
    """A scope that was cancelled through an ancestor still says so when it has been left."""
    reasons: dict[Any, Any] = {}

    def cancel_reason(get: Any, scope: Any) -> Any:
        reason = get(scope) or reasons.get(scope)
        if reason is not None:
            reasons[scope] = reason
        return reason

    around_getter(broken.scope, "cancel_reason", cancel_reason)


@mutant("CANCEL-25")
def woken_tasks_can_be_cancelled(broken: Broken) -> None:
    """A task that was woken, and then cancelled before it ran, loses what it was woken for."""

    async def park(original: Any, parker: Any) -> Any:
        value = await original(parker)
        await broken.checkpoint_if_cancelled()
        return value

    around(broken.parker, "park", park)


@mutant("CANCEL-26", MODEL)
def cancellation_does_not_reach_far(_: Broken) -> None:
    """A task feels only the eight scopes that are nearest to it."""

    def up(original: Any, scope: Any) -> Any:
        return original(scope)[:8]

    around(model._Scope, "up", up)


@mutant("CANCEL-26")
def latecomers_are_not_cancelled(broken: Broken) -> None:
    """A task that is started in a cancelled group is not cancelled."""

    def spawn(original: Any, *args: Any) -> Any:
        task = original(*args)
        task._effective = False
        return task

    around(broken.group, "_spawn", spawn)


@mutant("CANCEL-27")
def only_marked_exceptions_are_caught(broken: Broken) -> None:
    """A scope does not catch a cancellation that the program has made."""

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        return (not isinstance(exc, broken.cancelled_exc_class) or bool(exc.args)) and original(scope, exc)

    around(broken.scope, "_catch", catch)


@mutant("CANCEL-28")
def scopes_keep_what_they_catch(broken: Broken) -> None:
    """A scope refers to the exception that it has caught, whose frames refer to it."""

    def leave(self: Any, kind: Any, exc: Any, tb: Any, /) -> Any:
        self.exception = exc
        return broken.scope.__exit__(self, kind, exc, tb)

    # A subclass, since its instances have room for an attribute more.
    broken.create_cancel_scope = type("CancelScope", (broken.scope,), {"__exit__": leave})


@mutant("CANCEL-29")
def open_scopes_are_closed_silently(broken: Broken) -> None:
    """A task that ends inside a scope ends well."""

    async def tidy(coro: Any) -> Any:
        task: Any = get_current_task()
        value = await coro
        task.scope = task
        return value

    def spawn(original: Any, group: Any, coro: Any, *args: Any) -> Any:
        return original(group, tidy(coro), *args)

    around(broken.group, "_spawn", spawn)


@mutant("CANCEL-29")
def open_scope_hides_the_error(broken: Broken) -> None:
    """The error about an open scope replaces that of the task."""

    async def strict(coro: Any) -> Any:
        task: Any = get_current_task()
        try:
            return await coro
        except Exception:
            if task.scope is task:
                raise
        raise RuntimeError(f"task {task.name!r} ended inside a cancel scope")

    def spawn(original: Any, group: Any, coro: Any, *args: Any) -> Any:
        return original(group, strict(coro), *args)

    around(broken.group, "_spawn", spawn)


@mutant("CANCEL-30")
def cancellation_comes_after_the_exit(broken: Broken) -> None:
    """A scope that was cancelled and whose body has finished leaves a request with the host."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        caught = original(scope, kind, exc, tb)
        if exc is None and scope._reason is not None:
            scope._host.task.cancel()
        return caught

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-30")
def level_does_not_end(broken: Broken) -> None:
    """What follows a cancelled scope in its task is cancelled too."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        caught = original(scope, kind, exc, tb)
        if exc is None and scope._reason is not None:
            scope._parent._effective = True
        return caught

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-16")
def late_shield_lets_a_sleep_go_on(broken: Broken) -> None:
    """A sleep that began in a cancelled scope goes on if a shield goes up before it raises."""
    base = broken.base

    async def sleep_until(deadline: float) -> None:
        if base.current_task().has_pending_cancellation():
            await base.checkpoint()
        await base.sleep_until(deadline)

    broken.sleep_until = sleep_until
