"""Task groups on Trio's nurseries.

Errors do not go through the nursery: a task that fails tells its group, which cancels the rest and raises the errors at
the end, with accord's text. What goes through the nursery are cancellations, so that Trio decides which scope they
belong to.

A scope around each task, for the sake of ``handle.cancel()``, would nearly double the price of a task. Most callers
throw the handle away. So a task that begins looks whether anybody still has its handle: if nobody does nobody can
cancel it, and it runs without a scope of its own. (What a count of references means without a holder is measured and
not assumed. A higher count costs a scope that was not needed, and nothing else.)
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from contextvars import Context
from math import inf
from sys import getrefcount
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple

import trio

from accord.protocols import CancelReason, HandleStatus
from accord.toolkit import (
    StartStatus,
    TaskGroupMixin,
    call_for_coroutine,
    group_error,
    note_task,
    prune,
    split,
    task_name,
)
from accord.toolkit.errors import members
from accord.toolkit.groups import ENDED, NEW, OPEN

from .parking import with_own_context
from .records import TaskRecord, attach, current_record, detach
from .scopes import CancelScope

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


_NO_SCOPE = nullcontext()


async def _count_references(record: object) -> int:
    return getrefcount(record)


def _count_without_holder() -> int:
    try:
        _count_references(object()).send(None)
    except StopIteration as stop:
        count: int = stop.value
        return count
    raise AssertionError("a coroutine that awaits nothing has waited")


_UNSHARED = _count_without_holder()


class Starter:
    """The caller's side of ``start()``, until the task is started or has ended."""

    __slots__ = ("cut", "error", "group", "native", "record", "started", "status", "task", "value")

    def __init__(self, group: TaskGroup) -> None:
        self.group = group
        self.status = StartStatus(self.on_started)
        self.record: TaskRecord | None = None
        self.native: trio.TaskStatus[None] | None = None
        self.task: trio.lowlevel.Task | None = None
        self.started = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.cut: BaseException | None = None

    def on_started(self, value: Any) -> None:
        """Move the task into its group and let the caller of ``start()`` go on, unless that was cancelled."""
        record = self.record
        if record is not None:  # None: called by the function before it returned its coroutine
            assert self.native is not None
            assert self.task is not None
            self.native.started()
            if self.task.parent_nursery is not self.group._nursery:
                return
            record.starter = None
            record.outer = self.group._scope
            record._start_value = value
        self.value = value
        self.started = True


class TaskGroup(TaskGroupMixin[CancelScope]):
    """See ``accord.protocols.TaskGroup``."""

    __slots__ = ("_errors", "_manager", "_name", "_nursery", "_phase", "_scope")

    _nursery: trio.Nursery

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._scope = CancelScope(inf, None, False)
        self._phase = NEW
        self._errors: list[BaseException] | None = None
        self._manager = trio.open_nursery()

    def _record(self, coro: Any, name: str, outer: CancelScope | TaskRecord) -> TaskRecord:
        host = self._scope._host
        return TaskRecord(host.state, coro, name, outer, host.id)

    def _spawn(self, coro: Any, name: str, context: Context | None) -> TaskRecord:
        record = self._record(coro, name, self._scope)
        try:
            self._nursery.start_soon(self._run, record, context, name=name)
        except RuntimeError:
            # All tasks have ended, and the host is just about to notice.
            self._phase = ENDED
            self.refuse_task(coro)
        return record

    async def _run(
        self, record: TaskRecord, context: Context | None, *, task_status: trio.TaskStatus[None] | None = None
    ) -> None:
        own_scope = getrefcount(record) > _UNSHARED or record.reason is not None or record.starter is not None
        task = attach(record)
        if context is not None:
            # Trio runs each step of a task in the context that the task has then.
            task.context = context
            await trio.lowlevel.cancel_shielded_checkpoint()
        if record.starter is not None:
            record.starter.native = task_status
            record.starter.task = task
        native: AbstractContextManager[object] = _NO_SCOPE
        if own_scope:
            record.native = native = trio.CancelScope()
            if record.reason is not None:
                record.native.cancel()
        status = HandleStatus.CANCELLED
        error: BaseException | None
        cancelled: BaseException | None = None
        try:
            with native:
                try:
                    record._value = await record._coro
                finally:
                    left_open = leave_scopes(record)
                if left_open:
                    raise RuntimeError(f"task {record.name!r} ended with a cancel scope or task group still open")
                status = HandleStatus.FINISHED
        except BaseException as exc:
            cancelled, error = (exc, None) if isinstance(exc, trio.Cancelled) else _split(exc)
            if cancelled is not None:
                if record.starter is None:
                    self._cut_short()
                else:
                    record.starter.cut = cancelled
            if error is not None:
                status = HandleStatus.FAILED
                self._task_failed(record, error, exc)
            if cancelled is not None and (error is None or record.starter is None):
                if cancelled is exc:
                    raise
                raise cancelled from None
        finally:
            detach(task)
            record.end(status)
            # The traceback of an error leads to this frame, and the record leads to the error (TASK-36).
            error = cancelled = None
            del self, record, task, native, task_status

    def _task_failed(self, record: TaskRecord, error: BaseException, raised: BaseException) -> None:
        prune(error)
        note_task(error, record.name)
        record._error = error
        if record.starter is None:
            self.note_error(error, record.name)
        else:
            record.starter.error = raised  # as it is, with the cancellations of a group

    def _cut_short(self) -> None:
        """Note that body or a task was ended by a scope outside of it, which ends the group (TASK-45)."""
        reason = self._scope.reason_outside() or CancelReason("native")
        self._scope.cancel_for(reason._replace(kind="parent"))

    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, object]],
        /,
        *args: object,
        name: object = None,
        return_handle: bool = False,
    ) -> Any:
        """See ``accord.protocols.TaskGroup``."""
        if self._phase != OPEN:
            self.refuse_task(func)
        if not callable(func):
            call_for_coroutine(func, args)  # refuses it, cancelled or not (CKPT-6)
        await trio.lowlevel.checkpoint_if_cancelled()
        host = current_record()
        starter = Starter(self)
        record: TaskRecord | None = None
        coro: Coroutine[Any, Any, object] | None = None
        try:
            coro = call_for_coroutine(func, args, {"task_status": starter.status})
            title = task_name(func, name)
            if starter.started:
                record = self._spawn(coro, title, None)
                record._start_value = starter.value
                await trio.lowlevel.checkpoint()
            else:
                starter.record = record = self._record(coro, title, host.scope or host)
                record.starter = starter
                await with_own_context(self._start_native, record, title)
            if starter.started:
                return record if return_handle else starter.value
            if starter.error is not None:
                raise starter.error
            await trio.lowlevel.checkpoint_if_cancelled()
            if starter.cut is not None:
                raise starter.cut  # a shield hides by now what has cancelled it
            raise RuntimeError(f"task {record.name!r} ended without calling task_status.started()")
        finally:
            starter.status.disconnect()
            # An error's traceback leads to this frame, from where it should not be found again.
            starter.error = starter.cut = starter.record = record = coro = None
            del starter

    async def _start_native(self, record: TaskRecord, name: str) -> None:
        try:
            await self._nursery.start(self._run, record, None, name=name)
        except RuntimeError:
            if not record.finished:
                self._phase = ENDED
                self.refuse_task(record.coro)
            # Otherwise it ended without started(), and our caller knows more about it.

    async def __aenter__(self) -> Self:
        """See ``accord.protocols.TaskGroup``."""
        self.check_new()
        self._scope.check_new()
        self._nursery = await self._manager.__aenter__()
        self._scope.bind(self._nursery.cancel_scope)
        self._phase = OPEN
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        """See ``accord.protocols.TaskGroup``."""
        scope = self._scope
        self.check_open()
        host = scope._host
        if current_record() is not host:
            scope.refuse_exit(host, current_record())
        cancelled = None
        if exc is not None:
            cancelled, error = (exc, None) if isinstance(exc, trio.Cancelled) else _split(exc)
            if cancelled is not None:
                self._cut_short()
            if error is not None:
                prune(error)
                self.note_error(error, host.name)
        if leave_scopes(host, scope):
            self.note_open_scope(host.name)
        try:
            return self._report(exc, await self._leave_nursery(cancelled))
        finally:
            del exc, cancelled

    async def _leave_nursery(self, cancelled: BaseException | None) -> BaseException | None:
        """Wait for the tasks; return the cancellation that belongs to an outer scope, if there is one."""
        try:
            if cancelled is None:
                await self._manager.__aexit__(None, None, None)
            else:
                await self._manager.__aexit__(type(cancelled), cancelled, cancelled.__traceback__)
        except trio.Cancelled as exc:
            return exc
        except BaseException as exc:
            outward, error = _split(exc)
            if error is not None:
                self.note_error(error, self._scope._host.name)
            return outward
        else:
            return None
        finally:
            self._phase = ENDED
            self._scope.leave(cancelled)
            del cancelled

    def _report(self, exc: BaseException | None, outward: BaseException | None) -> bool:
        """Raise what the group has to report; true to swallow ``exc``."""
        errors, self._errors = self._errors, None
        if errors is not None:
            if outward is not None:
                errors.append(outward)
            error = group_error(errors, self._name)
            try:
                raise error
            finally:
                error.__context__ = None
                del error, errors, exc, outward
        if outward is None:
            return exc is not None
        if outward is exc:
            return False
        try:
            raise outward
        finally:
            del exc, outward


def leave_scopes(record: TaskRecord, outermost: CancelScope | None = None) -> bool:
    """Leave the scopes of the running task inside ``outermost`` that were forgotten; whether there were any."""
    forgotten = False
    while record.scope is not None and record.scope is not outermost:
        record.scope.__exit__(None, None, None)
        forgotten = True
    return forgotten


def _split(exc: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Return one cancellation of an exception group, and the group without cancellations; either may be None."""
    cancelled, rest = split(exc, trio.Cancelled)
    while cancelled is not None and (inner := members(cancelled)):
        cancelled = inner[0]
    return cancelled, rest
