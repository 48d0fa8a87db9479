"""Mutants of task groups: what their exit waits for and raises, and when they are cancelled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from accord import get_current_task
from accord.protocols import CancelReason
from accord_conformance.helpers import leaves

from .making import Broken, around, mutant, replace


def _changes_the_error(broken: Broken, change: Callable[[Any, Any, Any], Any]) -> None:
    """Let the exit raise ``change(error, group, what the body raised)`` in place of the exception group."""

    async def leave(original: Any, group: Any, kind: Any, exc: Any, tb: Any) -> Any:
        try:
            return await original(group, kind, exc, tb)
        except BaseExceptionGroup as raised:
            error: Any = change(raised, group, exc)
        if error is None:
            return True
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context
            del error

    around(broken.group, "__aexit__", leave)


@mutant("TASK-1")
def exit_counts_its_tasks_once(broken: Broken) -> None:
    """The exit does not wait for tasks that are started while it waits."""

    def spawn(original: Any, group: Any, *args: Any) -> Any:
        handle = original(group, *args)
        if group._exit is not None:
            del group._scope._tasks[handle]
        return handle

    around(broken.group, "_spawn", spawn)


@mutant("TASK-1")
def exit_of_a_failed_body_waits_for_nobody(broken: Broken) -> None:
    """If the body raised, its tasks are cancelled but not waited for."""

    async def leave(original: Any, group: Any, kind: Any, exc: Any, tb: Any) -> Any:
        if exc is not None:
            group.cancel()
            await broken.cancel_shielded_checkpoint()
            group._scope._tasks = None
        return await original(group, kind, exc, tb)

    around(broken.group, "__aexit__", leave)


@mutant("TASK-2")
def failure_cancels_in_a_callback(broken: Broken) -> None:
    """The group is cancelled a turn of the loop after the task has failed."""

    def note_error(group: Any, error: BaseException, name: str) -> None:
        group._errors = [*(group._errors or ()), error]
        broken.current_token().call_soon(group._scope.cancel_for, CancelReason("failure", None, name))

    replace(broken.group, note_error=note_error)


@mutant("TASK-2")
def failure_cancels_only_what_is_not_cancelled(broken: Broken) -> None:
    """A group under a cancelled scope is not cancelled by the failure of its tasks."""

    def note_error(original: Any, group: Any, error: BaseException, name: str) -> None:
        if group._scope._effective:
            group._errors = [*(group._errors or ()), error]
        else:
            original(group, error, name)

    around(broken.group, "note_error", note_error)


@mutant("TASK-2")
def failure_has_no_source(broken: Broken) -> None:
    """The reason of the cancellation does not name the task that failed."""

    def note_error(original: Any, group: Any, error: BaseException, _: str) -> None:
        original(group, error, None)

    around(broken.group, "note_error", note_error)


@mutant("TASK-3")
def single_error_is_raised_bare(broken: Broken) -> None:
    """A group with one error raises that."""
    _changes_the_error(broken, lambda error, _, __: error.exceptions[0] if len(error.exceptions) == 1 else error)


@mutant("TASK-3")
def error_of_the_body_is_raised_bare(broken: Broken) -> None:
    """If only the body failed, its error comes as it is."""
    _changes_the_error(broken, lambda error, _, exc: exc if error.exceptions == (exc,) else error)


@mutant("TASK-3")
def nested_groups_are_flattened(broken: Broken) -> None:
    """The errors of inner task groups are members of the outer group's error."""

    def flatten(error: Any, *_: Any) -> Any:
        members: list[BaseException] = []
        for member in error.exceptions:
            members += leaves(member) if "task group" in str(member) else [member]
        return error.derive(members)

    _changes_the_error(broken, flatten)


@mutant("TASK-3")
def only_the_first_error_is_raised(broken: Broken) -> None:
    """Later errors are dropped."""

    def note_error(original: Any, group: Any, error: BaseException, name: str) -> None:
        if group._errors is None:
            original(group, error, name)

    around(broken.group, "note_error", note_error)


@mutant("TASK-4")
def group_error_has_another_text(broken: Broken) -> None:
    """The text counts exceptions, as that of ``asyncio.TaskGroup`` does."""

    def group_error(errors: Any, _: object) -> Any:
        return BaseExceptionGroup(f"unhandled errors in a TaskGroup ({len(errors)} sub-exceptions)", list(errors))

    replace(sys.modules[broken.group.__module__], group_error=group_error)


@mutant("TASK-4")
def each_task_adds_a_note(broken: Broken) -> None:
    """An error gets a note of every task that it passes."""

    def note_task(error: BaseException, name: str) -> None:
        for leaf in leaves(error):
            leaf.add_note(f"in task {name!r}")

    replace(sys.modules[broken.group.__module__], note_task=note_task)


@mutant("TASK-4")
def error_of_the_body_is_the_context(broken: Broken) -> None:
    """The exception group is raised while the body's error is being handled."""

    def chain(error: Any, _: Any, exc: Any) -> Any:
        error.__context__ = exc
        return error

    _changes_the_error(broken, chain)


@mutant("TASK-5")
def group_forgets_tasks_that_were_cut_short(broken: Broken) -> None:
    """Only a cancellation of the body goes on outward."""

    def cut_short(original: Any, group: Any, record: Any) -> None:
        if record is group._scope._host:
            original(group, record)

    around(broken.group, "_cut_short", cut_short)


@mutant("TASK-5")
def errors_hide_the_cancellation(broken: Broken) -> None:
    """If a task failed, the cancellation of the others is dropped."""
    _changes_the_error(broken, lambda error, _, __: error.split(broken.cancelled_exc_class)[1] or error)


@mutant("TASK-5")
def cancellations_come_in_a_group(broken: Broken) -> None:
    """A group that is cancelled from outside raises an exception group of cancellations."""

    async def leave(original: Any, *args: Any) -> Any:
        try:
            swallowed = await original(*args)
        except broken.cancelled_exc_class as error:
            raise BaseExceptionGroup("cancelled", [error]) from None
        if isinstance(args[2], broken.cancelled_exc_class) and not swallowed:
            raise BaseExceptionGroup("cancelled", [args[2]])
        return swallowed

    around(broken.group, "__aexit__", leave)


@mutant("TASK-6")
def exit_looks_for_a_cancellation(broken: Broken) -> None:
    """The exit of a group is a checkpoint of the outer scope."""

    async def leave(original: Any, *args: Any) -> Any:
        result = await original(*args)
        await broken.checkpoint_if_cancelled()
        return result

    around(broken.group, "__aexit__", leave)


@mutant("TASK-7")
def empty_groups_do_not_yield(broken: Broken) -> None:
    """The exit of a group without tasks returns at once."""

    async def stay() -> None:
        pass

    replace(sys.modules[broken.group.__module__], cancel_shielded_checkpoint=stay)


@mutant("TASK-7")
def waiting_in_the_exit_is_interrupted(broken: Broken) -> None:
    """A cancellation while the host waits for its tasks is raised in the host."""

    async def leave(original: Any, group: Any, kind: Any, exc: Any, tb: Any) -> Any:
        try:
            tasks: list[Any] = list(group._scope._tasks or ()) if exc is None else []
            for task in tasks:
                await task.wait()
        except broken.cancelled_exc_class as error:
            if not await original(group, type(error), error, error.__traceback__):
                raise
            return True
        return await original(group, kind, exc, tb)

    around(broken.group, "__aexit__", leave)


@mutant("TASK-8")
def errors_of_cancelled_tasks_are_dropped(broken: Broken) -> None:
    """A task that was cancelled counts as cancelled, whatever it raised."""

    def task_raised(original: Any, group: Any, record: Any, exc: BaseException) -> Any:
        return original(group, record, broken.cancelled_exc_class() if record._effective else exc)

    around(broken.group, "_task_raised", task_raised)


@mutant("TASK-9")
def group_keeps_its_handles(broken: Broken) -> None:
    """The handles of finished tasks are kept until the group ends."""
    handles: dict[Any, list[Any]] = {}

    def spawn(original: Any, group: Any, *args: Any) -> Any:
        handle = original(group, *args)
        handles.setdefault(group, []).append(handle)
        return handle

    async def leave(original: Any, group: Any, *args: Any) -> Any:
        try:
            return await original(group, *args)
        finally:
            handles.pop(group, None)

    around(broken.group, "_spawn", spawn)
    around(broken.group, "__aexit__", leave)


@mutant("TASK-13")
def group_can_be_entered_again(broken: Broken) -> None:
    """A group that has ended begins anew."""

    async def enter(original: Any, group: Any) -> Any:
        if group._phase == 2:
            group.__init__(group._name)
        return await original(group)

    around(broken.group, "__aenter__", enter)


@mutant("TASK-13")
def exit_in_another_task_ends_the_group(broken: Broken) -> None:
    """A wrong exit raises, but the group takes no more tasks then."""

    async def leave(original: Any, group: Any, *args: Any) -> Any:
        if get_current_task() is not group._scope._host:
            group._phase = 2
        return await original(group, *args)

    around(broken.group, "__aexit__", leave)


@mutant("TASK-13")
def exit_in_another_task_cancels(broken: Broken) -> None:
    """A wrong exit raises and cancels the group."""

    async def leave(original: Any, group: Any, *args: Any) -> Any:
        if get_current_task() is not group._scope._host:
            group.cancel()
        return await original(group, *args)

    around(broken.group, "__aexit__", leave)


@mutant("TASK-14")
def group_makes_its_scope_at_entry(broken: Broken) -> None:
    """What was set in the group's scope before is lost."""

    async def enter(original: Any, group: Any) -> Any:
        if group._phase == 0:
            group._scope = broken.scope(float("inf"), None, False)
        return await original(group)

    around(broken.group, "__aenter__", enter)


@mutant("TASK-14")
def new_group_cannot_be_cancelled(broken: Broken) -> None:
    """cancel() before the entry does nothing."""

    def cancel(original: Any, group: Any, *args: Any) -> None:
        if group._phase != 0:
            original(group, *args)

    around(broken.group, "cancel", cancel)


@mutant("TASK-18")
def foreign_groups_are_rebuilt(broken: Broken) -> None:
    """An exception group of the user is split and put together again."""

    def note_error(original: Any, group: Any, error: Any, name: str) -> None:
        if hasattr(error, "exceptions"):
            error = error.derive(error.exceptions)
        original(group, error, name)

    around(broken.group, "note_error", note_error)


@mutant("TASK-19")
def interrupts_are_raised_bare(broken: Broken) -> None:
    """What is no ``Exception`` leaves the group alone, and the other errors are lost."""

    def choose(error: Any, *_: Any) -> Any:
        serious = [member for member in error.exceptions if not isinstance(member, Exception)]
        return error if not serious or isinstance(serious[0], BaseExceptionGroup) else serious[0]

    _changes_the_error(broken, choose)


@mutant("TASK-45")
def group_that_is_cut_short_goes_on(broken: Broken) -> None:
    """The group's scope is not cancelled when an outer one ends a task."""

    def cut_short(group: Any, _: object) -> None:
        group._cut = True

    replace(broken.group, _cut_short=cut_short)


@mutant("TASK-45")
def cancelled_task_cancels_its_group(broken: Broken) -> None:
    """The group is cancelled also if a task was cancelled by its handle."""

    def task_raised(original: Any, group: Any, record: Any, exc: BaseException) -> Any:
        if isinstance(exc, broken.cancelled_exc_class):
            group.cancel()
        return original(group, record, exc)

    around(broken.group, "_task_raised", task_raised)
