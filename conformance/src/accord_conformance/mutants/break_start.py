"""Mutants of ``TaskGroup.start``."""

from __future__ import annotations

import sys
from typing import Any

import accord_conformance.model
from accord import CancelScope, get_current_task
from accord.toolkit import HandleMixin, StartStatus

from .making import Broken, around, mutant, replace
from .waiting import around_getter, needs_a_task

MODEL = "accord_conformance.model:backend"
model: Any = accord_conformance.model


@mutant("TASK-22")
def start_waits_for_the_end(broken: Broken) -> None:
    """start() returns the value only when the task has ended."""

    async def start(original: Any, *args: Any, return_handle: bool = False, **keywords: Any) -> Any:
        handle = await original(*args, return_handle=True, **keywords)
        await handle.wait()
        return handle if return_handle else handle.start_value

    around(broken.group, "start", start)


@mutant("TASK-23")
def failed_start_fails_the_group(broken: Broken) -> None:
    """An error before started() is raised by start() and by the group."""

    async def start(original: Any, group: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(group, *args, **keywords)
        except Exception as error:
            group.note_error(error, "starting")
            raise

    around(broken.group, "start", start)


@mutant("TASK-23")
def failed_start_raises_a_group(broken: Broken) -> None:
    """An error before started() comes in an exception group."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(*args, **keywords)
        except ValueError as error:
            raise ExceptionGroup("start() failed", [error]) from None

    around(broken.group, "start", start)


@mutant("TASK-23")
def silent_task_counts_as_started(broken: Broken) -> None:
    """start() returns None for a task that ends without started()."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(*args, **keywords)
        except RuntimeError as error:
            if "without calling" not in str(error):
                raise

    around(broken.group, "start", start)


@mutant("TASK-24")
def second_started_is_ignored(_: Broken) -> None:
    """started() can be called any number of times."""

    def started(original: Any, status: Any, value: Any = None) -> None:
        if not status._called:
            original(status, value)

    around(StartStatus, "started", started)


@mutant("TASK-24")
def started_too_late_raises(broken: Broken) -> None:
    """started() raises if the caller of start() was cancelled."""

    def on_started(original: Any, starter: Any, value: Any) -> None:
        if starter.holder._effective:
            raise RuntimeError("nobody waits for this task any more")
        original(starter, value)

    around(sys.modules[broken.group.__module__].__dict__["Starter"], "on_started", on_started)


@mutant("TASK-25")
def starting_task_belongs_to_the_group(broken: Broken) -> None:
    """A task that is starting is cancelled with the group, and not with the caller of start()."""

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any, _: object = None) -> Any:
        return original(group, coro, name, context)

    around(broken.group, "_spawn", spawn)


@mutant("TASK-25", MODEL)
def started_task_belongs_to_the_caller(_: Broken) -> None:
    """A task stays in the scope in which start() was called."""

    def started(task: Any, value: Any) -> None:
        if task.base.cause(skip=1) is None and task.caller and task.caller.unpark(True):
            task.caller, task._start_value = None, value

    replace(model._Task, started=started)


@mutant("TASK-26")
def cancelled_start_cancels_the_group(broken: Broken) -> None:
    """A caller of start() that is cancelled brings the whole group down."""

    async def start(original: Any, group: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(group, *args, **keywords)
        except broken.cancelled_exc_class:
            group.cancel()
            raise

    around(broken.group, "start", start)


@mutant("TASK-26")
def cancelled_start_hides_the_failure(broken: Broken) -> None:
    """start() raises the cancellation though the task failed in its clean-up."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return await original(*args, **keywords)
        except Exception:
            await broken.checkpoint_if_cancelled()
            raise

    around(broken.group, "start", start)


@mutant("TASK-27")
def started_is_for_tasks_only(_: Broken) -> None:
    """started() fails in a callback."""
    needs_a_task(StartStatus, "started")


@mutant("TASK-27")
def started_moves_the_current_task(_: Broken) -> None:
    """started() gives the task that calls it another parent."""

    def started(original: Any, status: Any, *args: Any) -> None:
        starter = status._on_started and status._on_started.__self__
        original(status, *args)
        me: Any = get_current_task()
        if starter is not None and starter.record is not None:
            me.parent_id = starter.record.parent_id

    around(StartStatus, "started", started)


@mutant("TASK-28")
def start_ignores_the_cancelled_scope(broken: Broken) -> None:
    """start() in a cancelled scope starts the task all the same."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        with CancelScope(shield=get_current_task().has_pending_cancellation()):
            return await original(*args, **keywords)

    around(broken.group, "start", start)


@mutant("TASK-29")
def start_value_none_is_missing(_: Broken) -> None:
    """A start value that is None counts as none."""

    def start_value(get: Any, handle: Any) -> Any:
        if get(handle) is None:
            raise RuntimeError("this task was not begun by start()")
        return get(handle)

    around_getter(HandleMixin, "start_value", start_value)


@mutant("TASK-29")
def every_handle_has_a_start_value(_: Broken) -> None:
    """start_value of a task that was not begun by start() is None."""

    def start_value(get: Any, handle: Any) -> Any:
        try:
            return get(handle)
        except RuntimeError:
            return None

    around_getter(HandleMixin, "start_value", start_value)
