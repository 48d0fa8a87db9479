"""Task groups.

A task of a group is a native task around one wrapper coroutine, ``_run``, which is *primed*: it has been advanced to
its first ``yield`` before the native task is made. So it is inside its ``try`` whatever happens to the task, also if it
is cancelled natively before its first step, and no done-callback is needed. The user's function is called at
``start_soon`` but its coroutine takes its first step in the task.

A task that ends tells its group before anything else can see it: an error cancels the group's scope at once (TASK-2),
and a task that was cut short by a scope outside of itself leaves the note ``_cut``, by which the exit knows that a
cancellation has to go on outward if an outer scope is responsible (TASK-5, CANCEL-22), and that none has to if no work
was cut short (TASK-6).
"""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Callable, Coroutine
from contextvars import Context
from functools import partial
from math import inf
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple

from accord.protocols import CancelReason, HandleStatus
from accord.toolkit import (
    TaskGroupMixin,
    call_for_coroutine,
    group_error,
    note_task,
    prune,
    split,
    task_name,
)
from accord.toolkit.coroutines import close_quietly
from accord.toolkit.errors import members
from accord.toolkit.groups import ENDED, NEW, OPEN

from .current import current_record, current_task
from .parking import bare_yield, cancel_shielded_checkpoint, checkpoint
from .records import PARENT, Task, TaskRecord, attach
from .scopes import CancelScope
from .starting import NATIVE, Starter, next_wait

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _is_running(record: TaskRecord) -> bool:
    try:
        return current_task() is record.task
    except RuntimeError:
        return False


def _reason_outside(scope: CancelScope) -> CancelReason | None:
    """Why a scope outside of ``scope`` was cancelled, the nearest one, whatever shields there are by now."""
    outer = scope._parent
    while outer is not None and outer._reason is None:
        outer = outer._parent
    return None if outer is None else outer._reason


def _was_cut(inner: CancelScope, cancelled: BaseException, scope: CancelScope) -> bool:
    """Whether a cancellation that left ``inner`` came from outside of ``scope``, where a shield hides it by now."""
    while inner_ones := members(cancelled):
        cancelled = inner_ones[0]
    assert isinstance(cancelled, CancelledError)
    ours = cancelled.args and isinstance(cancelled.args[0], CancelReason)
    return bool(ours) and _reason_outside(scope) is not None and not inner._native_outstanding(cancelled)


async def _run(record: TaskRecord, group: TaskGroup) -> None:
    coro = record._coro
    try:
        # The first yield is where a primed coroutine waits for its task. Later ones: an eager task factory got here
        # before the group has the task, and nothing of the user's may run yet.
        while record.task is None:
            await bare_yield()
        record.stepped = True
        value = await coro
        if record.scope is not record:
            raise RuntimeError(f"task {record.name!r} ended with a cancel scope or task group still open")
    except BaseException as exc:
        if not record.stepped:
            close_quietly(coro)
        if isinstance(exc, GeneratorExit) and not _is_running(record):
            raise  # this coroutine is being closed: its loop is gone
        if group._task_raised(record, exc):
            raise  # a native cancellation is the native task's outcome too
    else:
        record._value = value
        group._task_ended(record, HandleStatus.FINISHED)
    finally:
        # The traceback of an error leads to this frame, and the record leads to the error (TASK-36).
        del record, group, coro


class TaskGroup(TaskGroupMixin[CancelScope]):
    """See ``accord.protocols.TaskGroup``."""

    __slots__ = ("_cut", "_errors", "_exit", "_name", "_phase", "_scope", "_starting")

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._scope = CancelScope(inf, None, False)
        self._phase = NEW
        self._errors: list[BaseException] | None = None
        self._cut = False
        self._exit: Future[Any] | None = None
        self._starting = 0

    def _spawn(self, coro: Any, name: str, context: Context | None, parent: CancelScope | None = None) -> TaskRecord:
        if parent is None:
            parent = self._scope
        host = self._scope._host
        state = host.state
        record = TaskRecord(state, coro, name, parent, host.id)
        record.group = self
        if parent._tasks is None:
            parent._tasks = {record: None}
        else:
            parent._tasks[record] = None
        wrapper = _run(record, self)
        loop = state.loop
        task: Any
        try:
            if loop.get_task_factory() is None:
                wrapper.send(None)
                task = Task(wrapper, loop=loop, name=name, context=context)
            else:
                # A factory of the application may await the coroutine in one of its own, which needs a fresh one.
                task = loop.create_task(wrapper, name=name, context=context)
                task.add_done_callback(record.end_unstarted)
                # A task that ended by itself needs it no more; the callback would keep its error for one more turn.
                record.watch(partial(task.remove_done_callback, record.end_unstarted))
        except BaseException:
            parent.remove_task(record)
            wrapper.close()
            close_quietly(coro)
            raise
        record.task = task
        try:
            task._accord_record = record
        except AttributeError:
            attach(task, record)
        if record._effective:
            state.observe(record)
        return record

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
        host = current_record()
        if host.state.heap:
            host.state.look_at_clock()
        if host.scope._effective:
            await checkpoint()
        holder = CancelScope(inf, None, False)
        starter = Starter(next_wait(host, None), holder)
        self._starting += 1
        record: TaskRecord | None = None
        before = host.requests_delivered()
        try:
            with holder:
                coro = call_for_coroutine(func, args, {"task_status": starter.status})
                record = self._spawn(coro, task_name(func, name), None, self._scope if starter.started else holder)
                if starter.started:
                    starter.move(record)
                else:
                    starter.record = record
                    record.starter = starter
                request = await starter.wait(host)
                if request is not None:
                    if not starter.started:
                        raise request
                    host.put_off(request, before)
                if holder._effective:
                    starter.cut = True
            return self._start_result(starter, record, return_handle)
        finally:
            self._starting -= 1
            starter.status.disconnect()
            if self._exit is not None:
                self._wake_exit()
            # An error's traceback leads here, and both lead to the error.
            starter.error = request = None
            del starter, record

    def _start_result(self, starter: Starter, record: TaskRecord | None, return_handle: bool) -> Any:
        assert record is not None
        if starter.started:
            return record if return_handle else starter.value
        if starter.error is not None:
            try:
                raise starter.error
            finally:
                del starter, record
        if starter.cut:
            current_record().note_delivery()
            raise CancelledError(current_record().reason())
        raise RuntimeError(f"task {record.name!r} ended without calling task_status.started()")

    def _task_raised(self, record: TaskRecord, exc: BaseException) -> bool:
        """Take note of how a task failed; true for a cancellation that no scope caused."""
        parent = record._parent
        assert parent is not None
        starter: Starter | None = record.starter
        cancelled: BaseException | None
        error: BaseException | None
        cancelled, error = (exc, None) if isinstance(exc, CancelledError) else split(exc, CancelledError)
        cut = cancelled is not None and (
            parent._effective or (record._reason is None and _was_cut(record, cancelled, parent))
        )
        if cut:
            if starter is not None:
                starter.cut = True
            elif not self._cut:
                self._cut_short()
        if error is None:
            native = not cut and record._reason is None
            self._task_ended(record, HandleStatus.CANCELLED)
            return native
        prune(error)
        note_task(error, record.name)
        record._error = error
        if starter is None:
            self.note_error(error, record.name)
        else:
            starter.error = exc  # as it is, with the cancellations of a group
        self._task_ended(record, HandleStatus.FAILED)
        return False

    def _cut_short(self) -> None:
        """Note that body or a task was ended by a scope outside of it, which ends the group (TASK-45)."""
        self._cut = True
        if self._scope._reason is None:
            reason = _reason_outside(self._scope)
            self._scope.cancel_for(PARENT if reason is None else reason._replace(kind="parent"))

    def _task_ended(self, record: TaskRecord, status: HandleStatus) -> None:
        parent: Any = record._parent
        parent._tasks.pop(record, None)
        starter: Starter | None = record.starter
        record.end(status)
        if starter is not None:
            record.starter = None
            starter.wake()
        elif self._exit is not None and not self._scope._tasks:
            self._wake_exit()

    def _wake_exit(self) -> None:
        future = self._exit
        if future is not None and not self._scope._tasks and not self._starting and not future.done():
            future.set_result(None)

    async def __aenter__(self) -> Self:
        """See ``accord.protocols.TaskGroup``."""
        if self._phase != NEW:
            self.check_new()
        self._scope.__enter__()
        self._phase = OPEN
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        """See ``accord.protocols.TaskGroup``."""
        if self._phase != OPEN:
            self.check_open()
        scope = self._scope
        host = scope._host
        if current_record() is not host:
            scope.refuse_exit(host, current_record())
        native = None if exc is None else self._body_raised(exc, host)
        if host.scope is not scope:
            self.note_open_scope(host.name)
            host.scope = scope
        if scope._tasks or self._starting:
            host.sheltered = True
            while scope._tasks or self._starting:
                self._exit = future = next_wait(host, native)
                try:
                    await future
                except CancelledError as request:
                    native = request
                    if future.cancelled():
                        scope.cancel_for(NATIVE)
            host.sheltered = False
            self._exit = None
        else:
            await cancel_shielded_checkpoint()
        self._phase = ENDED
        scope.__exit__(None, None, None)
        if native is None and self._errors is None and not self._cut:
            return exc is not None
        try:
            return self._report(exc, native, host)
        finally:
            del exc, native

    def _body_raised(self, exc: BaseException, host: TaskRecord) -> CancelledError | None:
        """Take note of what the body raised; return it if it is a native cancellation."""
        scope = self._scope
        cancelled, error = split(exc, CancelledError)
        if cancelled is exc and isinstance(exc, CancelledError):
            if scope._effective or _was_cut(scope, exc, scope):
                self._cut_short()
                return exc if scope._native_outstanding(exc) else None
            scope.cancel_for(NATIVE)
            return exc
        if cancelled is not None and (scope._effective or _was_cut(scope, cancelled, scope)):
            scope.put_off_swallowed()
            self._cut_short()
        if error is not None:
            prune(error)
            self.note_error(error, host.name)
        return None

    def _report(self, exc: BaseException | None, native: CancelledError | None, host: TaskRecord) -> bool:
        """Raise what the group has to report; true to swallow ``exc``."""
        scope = self._scope
        parent = scope._parent
        assert parent is not None
        outward = self._cut and parent._effective and not scope._shield
        if self._cut and not outward:
            scope._caught = True
        errors, self._errors = self._errors, None
        if errors is not None:
            if native is not None:
                host.put_off(native, scope._native)
            if outward:
                host.note_delivery()
                errors.append(CancelledError(host.reason()))
            error = group_error(errors, self._name)
            try:
                raise error
            finally:
                error.__context__ = None
                del error, errors, exc, native
        if native is not None:
            if native is exc:
                return False
            try:
                raise native
            finally:
                del exc, native
        if outward:
            if isinstance(exc, CancelledError):
                return False
            host.note_delivery()
            raise CancelledError(host.reason())
        return exc is not None
