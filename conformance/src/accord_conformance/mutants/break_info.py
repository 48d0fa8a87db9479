"""Mutants of what can be asked about tasks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from accord import TASK_STATUS_IGNORED, HandleStatus, NoEventLoopError, get_current_task
from accord.toolkit import HandleMixin

from .making import Broken, around, mutant, replace


@mutant("TASK-38")
def ids_are_addresses(broken: Broken) -> None:
    """The id of a task is used again when the task is freed."""

    def init(original: Any, record: Any, *args: Any) -> None:
        original(record, *args)
        record.id = id(record)

    around(broken.task, "__init__", init)


@mutant("TASK-38")
def ids_count_in_each_run(broken: Broken) -> None:
    """The first task of each run has the id 1."""
    counts: dict[Any, int] = {}

    def init(original: Any, record: Any, state: Any, *args: Any) -> None:
        original(record, state, *args)
        counts[state] = record.id = counts.get(state, 0) + 1

    around(broken.task, "__init__", init)


@mutant("TASK-38")
def current_task_is_made_anew(broken: Broken) -> None:
    """Who asks twice for the current task gets two objects."""

    class View:
        def __init__(self, task: Any) -> None:
            self.task = task

        def __getattr__(self, name: str) -> Any:
            return getattr(self.task, name)

    broken.current_task = lambda: View(broken.base.current_task())


@mutant("TASK-39")
def parent_is_the_caller(broken: Broken) -> None:
    """A task's parent is the task that has started it."""

    def spawn(original: Any, *args: Any) -> Any:
        handle = original(*args)
        handle.parent_id = get_current_task().id
        return handle

    around(broken.group, "_spawn", spawn)


@mutant("TASK-40")
def callbacks_run_in_no_task(broken: Broken) -> None:
    """get_current_task() returns None in a callback."""

    def current_task() -> Any:
        try:
            return broken.base.current_task()
        except RuntimeError:
            return None

    broken.current_task = current_task


@mutant("TASK-40")
def callbacks_run_in_no_loop(broken: Broken) -> None:
    """get_current_task() raises NoEventLoopError in a callback."""

    def current_task() -> Any:
        try:
            return broken.base.current_task()
        except RuntimeError:
            raise NoEventLoopError from None

    broken.current_task = current_task


@mutant("TASK-41")
def shields_do_not_hide_what_is_pending(broken: Broken) -> None:
    """has_pending_cancellation() is true if any scope above is cancelled."""

    def has_pending_cancellation(task: Any) -> bool:
        scope = task.scope
        while scope is not None and scope._reason is None:
            scope = scope._parent
        return scope is not None

    replace(broken.task, has_pending_cancellation=has_pending_cancellation)


@mutant("TASK-41")
def finished_tasks_are_still_being_cancelled(broken: Broken) -> None:
    """has_pending_cancellation() stays true when the task has ended."""

    def has_pending_cancellation(original: Any, task: Any) -> Any:
        return task._effective if task.finished else original(task)

    around(broken.task, "has_pending_cancellation", has_pending_cancellation)


@mutant("TASK-42")
def finished_tasks_are_listed(broken: Broken) -> None:
    """get_running_tasks() lists those that have ended too."""
    seen: dict[Any, list[Any]] = {}

    def spawn(original: Any, *args: Any) -> Any:
        handle = original(*args)
        seen.setdefault(broken.current_token(), []).append(handle)
        return handle

    around(broken.group, "_spawn", spawn)
    broken.running_tasks = lambda: [
        *broken.base.running_tasks(),
        *(task for task in seen.get(broken.current_token(), ()) if task.finished),
    ]


@mutant("TASK-42")
def root_task_is_not_listed(broken: Broken) -> None:
    """get_running_tasks() lists the tasks of groups only."""
    broken.running_tasks = lambda: [task for task in broken.base.running_tasks() if task.parent_id is not None]


@mutant("TASK-42")
def new_tasks_are_not_listed(broken: Broken) -> None:
    """get_running_tasks() lists no task that has not begun."""
    broken.running_tasks = lambda: [
        task
        for task in broken.base.running_tasks()
        if inspect.getcoroutinestate(getattr(task, "coro")) != inspect.CORO_CREATED  # noqa: B009 - not in the Protocol
    ]


@mutant("TASK-43")
def watchers_come_too_early(_: Broken) -> None:
    """Callbacks of watch_task are called before the task has its outcome."""

    def settle(original: Any, handle: Any, status: HandleStatus) -> None:
        watchers, handle._watchers = handle._watchers, None
        for callback in watchers or ():
            callback()
        original(handle, status)

    around(HandleMixin, "_settle", settle)


@mutant("TASK-43")
def cancelled_tasks_tell_nobody(_: Broken) -> None:
    """Callbacks of watch_task are not called for a task that was cancelled."""

    def settle(original: Any, handle: Any, status: HandleStatus) -> None:
        if status is HandleStatus.CANCELLED:
            handle._watchers = None
        original(handle, status)

    around(HandleMixin, "_settle", settle)


@mutant("TASK-43")
def watchers_are_compared_by_identity(broken: Broken) -> None:
    """unwatch_task takes back only the very object that watch_task was given."""

    def unwatch_task(task: Any, callback: Callable[[], object]) -> None:
        task._watchers = [watcher for watcher in task._watchers or () if watcher is not callback]

    broken.unwatch_task = unwatch_task


@mutant("TASK-44")
def ignored_status_is_used_up(_: Broken) -> None:
    """TASK_STATUS_IGNORED accepts one call."""
    calls: list[object] = []

    def started(_: object, value: object = None) -> None:
        calls.append(value)
        if len(calls) > 1:
            raise RuntimeError("started() was called twice")

    replace(type(TASK_STATUS_IGNORED), started=started)
