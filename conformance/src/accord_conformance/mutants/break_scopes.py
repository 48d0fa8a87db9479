"""Mutants of cancel scopes: when they are cancelled, how they are used, and what their shields do."""

from __future__ import annotations

import sys
from typing import Any

import accord_conformance.model
from accord import get_current_task
from accord.protocols import CancelReason

from .making import Broken, around, mutant, replace
from .waiting import around_setter, needs_a_task

MODEL = "accord_conformance.model:backend"
NEW, ACTIVE, LEFT = 0, 1, 2
model: Any = accord_conformance.model


@mutant("CANCEL-1", MODEL)
def scopes_know_only_their_parents(_: Broken) -> None:
    """A scope does not feel what was cancelled further out than its parent."""

    def up(original: Any, scope: Any) -> Any:
        return original(scope)[:2]

    around(model._Scope, "up", up)


@mutant("CANCEL-1", MODEL)
def shields_hide_the_scope_itself(_: Broken) -> None:
    """What is above a shielded scope is hidden from it, and it from what is below."""

    def up(original: Any, scope: Any) -> Any:
        scopes = original(scope)
        return scopes[:-1] if len(scopes) > 1 and scopes[-1].shield else scopes

    around(model._Scope, "up", up)


@mutant("CANCEL-2")
def checkpoint_raises_once(broken: Broken) -> None:
    """A checkpoint does not raise again in a scope in which one has raised."""
    scopes: set[Any] = set()

    async def checkpoint() -> None:
        task: Any = get_current_task()
        if task.scope in scopes:
            await broken.base.cancel_shielded_checkpoint()
        else:
            if task.has_pending_cancellation():
                scopes.add(task.scope)
            await broken.base.checkpoint()

    broken.checkpoint = checkpoint


@mutant("CANCEL-2")
def waiting_is_cancelled_once(broken: Broken) -> None:
    """A task that goes on after its cancellation waits as if nothing had been cancelled."""
    tasks: set[Any] = set()

    async def park(original: Any, parker: Any) -> Any:
        task = get_current_task()
        if task in tasks:
            return await parker.park_shielded()
        try:
            return await original(parker)
        except broken.cancelled_exc_class:
            tasks.add(task)
            raise

    around(broken.parker, "park", park)


@mutant("CANCEL-3")
def cancel_raises_in_its_own_scope(broken: Broken) -> None:
    """Whoever cancels a scope that it is in is interrupted there and then."""

    def cancel(original: Any, scope: Any, *args: Any) -> None:
        original(scope, *args)
        try:
            cancelled = get_current_task().has_pending_cancellation()
        except RuntimeError:
            return
        if cancelled:
            raise broken.cancelled_exc_class

    around(broken.scope, "cancel", cancel)


@mutant("CANCEL-4")
def cancel_is_for_tasks_only(broken: Broken) -> None:
    """cancel() fails in a callback."""
    needs_a_task(broken.scope, "cancel")


@mutant("CANCEL-5")
def last_reason_stays(broken: Broken) -> None:
    """A second cancel() replaces the reason of the first."""

    def cancel(original: Any, scope: Any, reason: str | None = None) -> None:
        original(scope, reason)
        scope._reason = scope._reason._replace(message=reason)

    around(broken.scope, "cancel", cancel)


@mutant("CANCEL-6")
def cancel_before_the_entry_is_lost(broken: Broken) -> None:
    """A scope begins uncancelled."""

    def enter(original: Any, scope: Any) -> Any:
        if scope._phase == NEW:
            scope._reason = None
        return original(scope)

    around(broken.scope, "__enter__", enter)


@mutant("CANCEL-6")
def cancel_after_the_exit_does_not_count(broken: Broken) -> None:
    """cancel() of a scope that was left does not set ``cancel_called``."""

    def cancel(original: Any, scope: Any, *args: Any) -> None:
        if scope._phase != LEFT:
            original(scope, *args)

    around(broken.scope, "cancel", cancel)


@mutant("CANCEL-6")
def cancel_after_the_exit_hits_the_task(broken: Broken) -> None:
    """cancel() of a scope that was left cancels the task that had entered it."""

    def cancel(original: Any, scope: Any, *args: Any) -> None:
        original(scope, *args)
        if scope._phase == LEFT and scope._host.scope is not None:
            scope._host.scope.cancel()

    around(broken.scope, "cancel", cancel)


@mutant("CANCEL-7")
def scope_can_be_used_again(broken: Broken) -> None:
    """A scope that was left can be entered once more."""

    def enter(original: Any, scope: Any) -> Any:
        if scope._phase == LEFT:
            scope._phase = NEW
        return original(scope)

    around(broken.scope, "__enter__", enter)


@mutant("CANCEL-7")
def exit_without_entry_is_fine(broken: Broken) -> None:
    """Leaving a scope that is not active does nothing."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        return original(scope, *args) if scope._phase == ACTIVE else False

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-7")
def second_entry_spoils_the_first(broken: Broken) -> None:
    """A second entry is refused, but the scope can't be left then."""

    def enter(original: Any, scope: Any) -> Any:
        phase, scope._phase = scope._phase, ACTIVE
        if phase == ACTIVE:
            scope._phase = LEFT
        if phase != NEW:
            raise RuntimeError("this cancel scope was entered before")
        scope._phase = NEW
        return original(scope)

    around(broken.scope, "__enter__", enter)


def _is_elsewhere(scope: Any) -> bool:
    return scope._phase == ACTIVE and get_current_task() is not scope._host


def _is_too_early(scope: Any) -> bool:
    return scope._phase == ACTIVE and not _is_elsewhere(scope) and scope._host.scope is not scope


@mutant("CANCEL-8")
def exit_in_another_task_is_ignored(broken: Broken) -> None:
    """Leaving a scope in another task does nothing, silently."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        return False if _is_elsewhere(scope) else original(scope, *args)

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-8")
def exit_in_another_task_ends_the_scope(broken: Broken) -> None:
    """Leaving a scope in another task raises, and its owner can't leave it any more."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        if _is_elsewhere(scope):
            scope._phase = LEFT
        return original(scope, *args)

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-9")
def scopes_can_be_left_in_any_order(broken: Broken) -> None:
    """Leaving an outer scope leaves those inside it as well."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        if _is_too_early(scope):
            scope._host.scope = scope
        return original(scope, *args)

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-9")
def wrong_order_ends_the_scope(broken: Broken) -> None:
    """Leaving an outer scope first raises, and it can't be left any more."""

    def leave(original: Any, scope: Any, *args: Any) -> Any:
        if _is_too_early(scope):
            scope._phase = LEFT
            raise RuntimeError("this cancel scope is not the innermost one")
        return original(scope, *args)

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-14")
def entry_is_a_checkpoint(broken: Broken) -> None:
    """Entering a scope raises if the task is cancelled."""

    def enter(original: Any, scope: Any) -> Any:
        if get_current_task().has_pending_cancellation():
            raise broken.cancelled_exc_class
        return original(scope)

    around(broken.scope, "__enter__", enter)


@mutant("CANCEL-14")
def exit_is_a_checkpoint(broken: Broken) -> None:
    """Leaving a scope raises if the task is cancelled."""

    def leave(original: Any, scope: Any, kind: Any, exc: Any, tb: Any) -> Any:
        caught = original(scope, kind, exc, tb)
        if exc is None and get_current_task().has_pending_cancellation():
            raise broken.cancelled_exc_class
        return caught

    around(broken.scope, "__exit__", leave)


@mutant("CANCEL-15")
def shield_stops_its_own_cancellation(broken: Broken) -> None:
    """A scope can't be cancelled while it is shielded."""

    def cancel(original: Any, scope: Any, *args: Any) -> None:
        if not scope.shield:
            original(scope, *args)

    around(broken.scope, "cancel", cancel)


@mutant("CANCEL-15")
def shield_comes_too_late_when_all_is_cancelled(broken: Broken) -> None:
    """A shielded scope that is entered in a cancelled one is cancelled."""

    def enter(original: Any, scope: Any) -> Any:
        cancelled = get_current_task().has_pending_cancellation()
        original(scope)
        scope._effective = scope._effective or cancelled
        return scope

    around(broken.scope, "__enter__", enter)


@mutant("CANCEL-16")
def late_shield_has_no_effect(broken: Broken) -> None:
    """A shield can't be raised any more when the cancellation is there."""

    def shield(assign: Any, scope: Any, value: bool) -> None:
        if scope._phase != ACTIVE or not scope._effective:
            assign(scope, value)

    around_setter(broken.scope, "shield", shield)


@mutant("CANCEL-17")
def late_shield_catches_nothing(broken: Broken) -> None:
    """A scope that has felt an outer cancellation lets its own one pass."""
    spoiled: set[Any] = set()

    def shield(assign: Any, scope: Any, value: bool) -> None:
        if scope._phase == ACTIVE and scope._effective:
            spoiled.add(scope)
        assign(scope, value)

    def catch(original: Any, scope: Any, exc: BaseException) -> Any:
        return scope not in spoiled and original(scope, exc)

    around_setter(broken.scope, "shield", shield)
    around(broken.scope, "_catch", catch)


@mutant("CANCEL-18", MODEL)
def lowered_shield_wakes_nobody(_: Broken) -> None:
    """When a shield is lowered a task that waits behind it goes on waiting."""

    def shield(_assign: Any, scope: Any, value: bool) -> None:
        scope._shield = value

    around_setter(model._Scope, "shield", shield)


@mutant("CANCEL-18")
def shield_can_only_be_raised(broken: Broken) -> None:
    """A shield that is lowered while something is cancelled stays up."""

    def shield(assign: Any, scope: Any, value: bool) -> None:
        if value or scope._phase != ACTIVE or not scope._parent._effective:
            assign(scope, value)

    around_setter(broken.scope, "shield", shield)


@mutant("CANCEL-19")
def any_shield_will_do(broken: Broken) -> None:
    """The setter takes everything for true or false."""
    replace(sys.modules[broken.scope.__module__], check_shield=bool)


@mutant("CANCEL-19")
def refused_shield_is_down(broken: Broken) -> None:
    """The setter lowers the shield before it looks at the value."""

    def shield(assign: Any, scope: Any, value: bool) -> None:
        assign(scope, False)
        assign(scope, value)

    around_setter(broken.scope, "shield", shield)


@mutant("CANCEL-24")
def deadlines_are_explicit(broken: Broken) -> None:
    """The reason of a deadline is of the wrong kind."""
    for module in (broken.scope.__module__, type(broken.in_run(broken.current_token)).__module__):
        replace(sys.modules[module], DEADLINE=CancelReason("explicit", "timeout"))


@mutant("CANCEL-24")
def nobody_is_the_source(broken: Broken) -> None:
    """The reason does not tell which task has cancelled."""
    replace(sys.modules[broken.scope.__module__], name_of_current_task=lambda: None)
