"""One record for each task: its handle and what users may ask about it, in one object.

Tasks that accord started are in a plain dictionary for as long as they run. Others get a record when they first use
accord, which goes away with the task.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import trio

from accord.protocols import CancelReason, HandleStatus
from accord.protocols.parking import AnyParker
from accord.toolkit import HandleMixin
from accord.toolkit.handles import UNSET

from .loops import LoopState, current_state

if TYPE_CHECKING:
    from .groups import Starter
    from .scopes import CancelScope

_ids = count(1)

NO_TASK = "no task is running: this is a callback of the event loop, and the call needs a task"


class TaskRecord(HandleMixin[Any]):
    """Handle and ``TaskInfo`` of one task."""

    __slots__ = (
        "__weakref__",
        "_coro",
        "_error",
        "_name",
        "_start_value",
        "_status",
        "_value",
        "_waiters",
        "_watchers",
        "id",
        "native",
        "outer",
        "parent_id",
        "reason",
        "scope",
        "starter",
        "state",
    )

    def __init__(
        self, state: LoopState, coro: Any, name: str, outer: CancelScope | TaskRecord | None, parent_id: int | None
    ) -> None:
        self.state = state
        self.id = next(_ids)
        self.parent_id = parent_id
        self.outer = outer  # the scope that it was started in, or the caller of start() if that has none
        self.scope: CancelScope | None = None  # its innermost own scope
        self.native: trio.CancelScope | None = None  # the scope of the whole task, once it runs
        self.reason: CancelReason | None = None  # set if it was cancelled through its handle
        self.starter: Starter | None = None
        self._name = name
        self._coro = coro
        self._status = HandleStatus.PENDING
        self._value: Any = UNSET
        self._error: BaseException | None = None
        self._start_value: Any = UNSET
        self._waiters: list[AnyParker] | None = None
        self._watchers: list[Callable[[], object]] | None = None

    @property
    def name(self) -> str:
        """See ``accord.protocols.TaskInfo``."""
        return self._name

    def has_pending_cancellation(self) -> bool:
        """See ``accord.protocols.TaskInfo``; of scopes that are not accord's, only the current task's are seen."""
        if self.finished:
            return False
        if _running.get(trio.lowlevel.current_task()) is self:
            return trio.current_effective_deadline() <= trio.current_time()
        return self.effective_reason() is not None

    def effective_reason(self) -> CancelReason | None:
        """Why the task is effectively cancelled, as far as accord's scopes tell; None if it is not."""
        if self.scope is not None:
            return self.scope.effective_reason()
        return self.outer_reason()

    def outer_reason(self) -> CancelReason | None:
        """Why the task as a whole is effectively cancelled, or None."""
        if self.reason is not None or self.outer is None:
            return self.reason
        return self.outer.effective_reason()

    def nearest_reason(self) -> CancelReason | None:
        """As ``outer_reason``, whatever shields there are by now."""
        if self.reason is not None or self.outer is None:
            return self.reason
        return self.outer.nearest_reason()

    def cancel(self, reason: str | None = None) -> None:
        """See ``accord.protocols.TaskHandle``."""
        if not self.finished and self.reason is None:
            self._status = HandleStatus.CANCELLING
            self.reason = CancelReason("explicit", reason, name_of_current_task())
            if self.native is not None:
                self.native.cancel()

    def end(self, status: HandleStatus) -> None:
        """Enter the final status; the task runs no more code of its user."""
        self.native = None
        self._settle(status)

    def end_foreign(self) -> None:
        """End the record of a task that was not started by accord."""
        self.end(HandleStatus.FINISHED)


_running: dict[trio.lowlevel.Task, TaskRecord] = {}
_foreign: WeakKeyDictionary[trio.lowlevel.Task, TaskRecord] = WeakKeyDictionary()


def attach(record: TaskRecord) -> trio.lowlevel.Task:
    """Make ``record`` the record of the running task, until ``detach``."""
    task = trio.lowlevel.current_task()
    _running[task] = record
    return task


def detach(task: trio.lowlevel.Task) -> None:
    """Forget the record of a task that is about to end."""
    _running.pop(task, None)


def _is_callback(task: trio.lowlevel.Task) -> bool:
    """Whether this is the task in which Trio runs what ``call_soon`` was given: the first below the root task."""
    root = trio.lowlevel.current_root_task()
    return root is not None and bool(root.child_nurseries) and task.parent_nursery is root.child_nurseries[0]


def known(task: trio.lowlevel.Task) -> TaskRecord | None:
    """Return the record of ``task`` if it has one; before the task's first step it is an argument of its coroutine."""
    record = _running.get(task) or _foreign.get(task)
    if (
        record is None
        and inspect.iscoroutine(task.coro)
        and inspect.getcoroutinestate(task.coro) == inspect.CORO_CREATED
    ):
        found = inspect.getcoroutinelocals(task.coro).get("record")
        record = found if isinstance(found, TaskRecord) else None
    return record


def find(task: trio.lowlevel.Task) -> TaskRecord:
    """Return the record of ``task``, and make one if it was started by somebody else."""
    record = known(task)
    if record is None:
        if _is_callback(task):
            raise RuntimeError(NO_TASK)
        state = current_state()
        record = _foreign[task] = TaskRecord(state, task.coro, task.name, None, None)
        state.watch_exit(task, record)
    return record


def current_record() -> TaskRecord:
    """Return the record of the running task; ``RuntimeError`` in a callback."""
    try:
        task = trio.lowlevel.current_task()
    except RuntimeError:
        raise RuntimeError(NO_TASK) from None
    record = _running.get(task)
    return record if record is not None else find(task)


def name_of_current_task() -> str | None:
    """Return the name of the running task, or None in a callback."""
    if not trio.lowlevel.in_trio_task():
        return None
    task = trio.lowlevel.current_task()
    return None if task not in _running and _is_callback(task) else find(task).name
