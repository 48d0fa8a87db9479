"""The model: a backend that is nothing but the rules, to compare others with and to show that the waist suffices.

It is written from the Protocols and the rules alone and stays below 500 lines. One thread runs coroutines in rounds: a
round takes a step of each task that was runnable when it began. There is no I/O, and time is simulated: when nothing is
runnable the clock jumps to the next timer. In between it follows real time, or stands still (option ``frozen``). The
option ``seed`` shuffles each round, so that one program can be seen under many schedules, each of them repeatable.

Cancellation is not sent to anybody. It is a state, computed from the chain of scopes each time that somebody asks
(CANCEL-1), deadlines included. A checkpoint asks before and after it yields; a task that is parked can't ask, so whatever
changes the state is followed by a ``sweep`` that asks for it. A task is always resumed normally and raises by itself:
no exception is thrown into a coroutine, so none can carry another task's context along (ERR-4).

References are cut as soon as they have served, because tracebacks hold the frames, and so the locals, of all that is
written here: a parker forgets its task, a scope its parent, a task its group (TASK-36, ERR-8).
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from contextvars import Context, copy_context
from itertools import count
from math import inf
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic
from types import TracebackType, coroutine
from typing import Any, NoReturn, Self, TypeVar
from weakref import WeakSet

from typing_extensions import TypeVarTuple, Unpack

from accord import NoEventLoopError, RunFinishedError
from accord.protocols import CancelReason, HandleStatus
from accord.toolkit import (
    HandleMixin,
    StartStatus,
    call_for_coroutine,
    check_budget,
    check_coroutine,
    check_deadline,
    check_flag,
    check_options,
    check_shield,
    exit_exception,
    group_error,
    note_task,
    prune,
    split,
    task_name,
)
from accord.toolkit.coroutines import call_for_awaitable
from accord.toolkit.handles import UNSET

from . import __version__

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_FAR = 1e10
_NEW, _ACTIVE, _LEFT = range(3)  # the life of a scope
_EMPTY, _WOKEN, _REFUSED = range(3)  # the life of a parker
_PAUSE = object()
_ids = count(1)


class Cancelled(BaseException):
    """Delivers a cancellation."""

    def __init__(self, text: str = "the task was cancelled") -> None:
        super().__init__(text)


class _Here(threading.local):
    loop: _Loop | None = None


_here = _Here()


def _loop() -> _Loop:
    if _here.loop is None:
        raise NoEventLoopError("no loop of the model is running in this thread")
    return _here.loop


@coroutine
def _pause() -> Generator[object, None, None]:
    yield _PAUSE


def _raise(error: BaseException, context: BaseException | None = None) -> NoReturn:
    """Raise with this context and not with what is being handled."""
    try:
        raise error
    finally:
        error.__context__ = context
        del error


class _Scope:
    """``protocols.CancelScope``."""

    __slots__ = ("_caught", "_deadline", "_delay", "_loop", "_own", "_parent", "_shield", "_shown", "_state", "_task")

    def __init__(self, loop: _Loop, deadline: float = inf, delay: float | None = None, shield: bool = False) -> None:
        self._loop = loop
        self._deadline = deadline
        self._delay = delay
        self._shield = shield
        self._state = _NEW
        self._task: _Task | None = None
        self._parent: _Scope | None = None
        self._own: CancelReason | None = None  # why this very scope was cancelled
        self._shown: CancelReason | None = None  # why it was first effectively cancelled
        self._caught = False

    def look(self) -> CancelReason | None:
        """Return why this very scope was cancelled, if it was; a deadline that has passed counts from now on."""
        if self._own is None and self._state == _ACTIVE and self._loop.has_passed(self._deadline):
            self._own = CancelReason("deadline")
        return self._own

    def cause(self) -> CancelReason | None:
        """Return why the scope is effectively cancelled, if it is (CANCEL-1)."""
        if self.look() is not None:
            return self._own
        scope = self
        while not scope._shield and scope._parent is not None:
            scope = scope._parent
            if (reason := scope.look()) is not None:
                return CancelReason("parent", reason.message, reason.source)
        return None

    def above(self) -> CancelReason | None:
        """Return why the parent is effectively cancelled, if it is and the shield does not hide it."""
        return None if self._shield or self._parent is None else self._parent.cause()

    def update(self) -> None:
        """Bring the reason that is shown up to date: the first, unless that is gone behind a shield (CANCEL-24)."""
        if self._shown is None or (self._shown.kind == "parent" and self.above() is None):
            self._shown = self.cause()

    def stop(self, reason: CancelReason) -> None:
        """Cancel this very scope, at once, unless it is cancelled already."""
        if self.look() is None:
            self._own = reason
            self._loop.timers.pop(self, None)
            self.update()
            self._loop.sweep()

    def begin(self, task: _Task, parent: _Scope | None) -> None:
        """Become the innermost scope of a task."""
        if self._state != _NEW:
            raise RuntimeError("this cancel scope was entered before; a scope can be used once")
        self._state, self._task, self._parent = _ACTIVE, task, parent
        if self._delay is not None:
            self._deadline = self._loop.time() + self._delay
        task.scope = self
        self._loop.scopes[self] = None
        self._arm()

    def move(self, parent: _Scope) -> None:
        """Get another parent."""
        self._parent = parent
        self._loop.sweep()

    def _arm(self) -> None:
        self._loop.timers.pop(self, None)
        self.update()
        if self._own is not None:
            self._loop.sweep()
        elif self._deadline != inf:
            self._loop.timers[self] = self._deadline

    def check_exit(self) -> None:
        """Raise ``RuntimeError`` if the current code may not leave the scope now (CANCEL-8, CANCEL-9)."""
        if self._task is None:
            raise RuntimeError("this cancel scope can't be left: it is not active")
        if self._task is not self._loop.current:
            raise RuntimeError("this cancel scope was left in another task than the one that entered it")
        if self._task.scope is not self:
            raise RuntimeError("this cancel scope is not the innermost one of its task: leave the inner ones first")

    def end(self, cancelled: bool) -> bool:
        """Leave the scope, with a cancellation or without; return whether it catches that (CANCEL-10)."""
        assert self._task is not None
        self.update()
        self._caught = cancelled and self.look() is not None and self.above() is None
        self._loop.timers.pop(self, None)
        self._loop.scopes.pop(self)
        self._task.scope = self._parent
        self._state, self._task, self._parent = _LEFT, None, None
        return self._caught

    @property
    def deadline(self) -> float:
        """See the Protocol."""
        return self._deadline

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        value = check_deadline(value)
        self.look()
        self._deadline, self._delay = value, None
        if self._state == _ACTIVE:
            self._arm()

    @property
    def shield(self) -> bool:
        """See the Protocol."""
        return self._shield

    @shield.setter
    def shield(self, value: bool, /) -> None:
        self._shield = check_shield(value)
        self._loop.sweep()

    @property
    def cancel_called(self) -> bool:
        """See the Protocol."""
        passed = self._state == _NEW and self._delay is None and self._loop.has_passed(self._deadline)
        return passed or self.look() is not None

    @property
    def cancelled_caught(self) -> bool:
        """See the Protocol."""
        return self._caught

    @property
    def cancel_reason(self) -> CancelReason | None:
        """See the Protocol."""
        self.update()
        return self._shown

    def cancel(self, reason: str | None = None) -> None:
        """See the Protocol."""
        current = self._loop.current
        self.stop(CancelReason("explicit", reason, None if current is None else current.name))

    def __enter__(self) -> Self:
        task = self._loop.task()
        self.begin(task, task.scope)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        self.check_exit()
        cancelled, rest = (None, None) if exc is None else split(exc, Cancelled)
        if not self.end(cancelled is not None) or rest is None:
            return self._caught
        try:
            _raise(rest, rest.__context__)
        finally:
            del exc, cancelled, rest


class _Parker:
    """``protocols.Parker``."""

    __slots__ = ("_parked", "_state", "_task", "_value")

    def __init__(self, task: _Task) -> None:
        self._task: _Task | None = task
        self._parked = False
        self._state = _EMPTY
        self._value: Any = None

    async def wait(self, shielded: bool = False) -> bool:
        """Wait; return whether a value came, and not a cancellation."""
        if self._state == _EMPTY:
            assert self._task is not None
            self._parked = True
            if not shielded:
                self._task.parker = self
                if self._task.has_pending_cancellation():
                    self.refuse()
            await _pause()
        return self._state == _WOKEN

    async def park(self) -> Any:
        """See the Protocol."""
        if not await self.wait():
            raise Cancelled
        return self._value

    async def park_shielded(self) -> Any:
        """See the Protocol."""
        await self.wait(shielded=True)
        return self._value

    def unpark(self, value: Any, /) -> bool:
        """See the Protocol."""
        if self._state != _EMPTY:
            return False
        self._value = value
        self._resume(_WOKEN)
        return True

    def refuse(self) -> None:
        """Let the task go without a value: it was cancelled."""
        self._resume(_REFUSED)

    def _resume(self, state: int) -> None:
        task, self._task, self._state = self._task, None, state
        if task is not None and self._parked:
            task.parker = None
            task.loop.ready.append(task)


class _Task(HandleMixin[Any]):
    """``protocols.TaskHandle`` and ``protocols.TaskInfo``."""

    __slots__ = (
        *("__weakref__", "_base", "_context", "_coro", "_error", "_group", "_id", "_name", "_parent_id"),
        *("_start_value", "_status", "_value", "_waiters"),
        *("caller", "loop", "parker", "scope", "skipped", "starting", "watchers"),
    )

    def __init__(
        self, loop: _Loop, coro: Any, name: str, context: Context | None, group: _Group | None, parent: _Scope | None
    ) -> None:
        self.loop = loop
        self._coro = coro
        self._name = name
        self._context = copy_context() if context is None else context
        self._group = group
        self._id = next(_ids)
        self._parent_id = None if group is None or group.host is None else group.host.id
        self._status = HandleStatus.PENDING
        self._value = self._start_value = UNSET
        self._error = None
        self._waiters = None
        self.starting: StartStatus | None = None
        self.caller: _Parker | None = None  # where the caller of start() waits for started()
        self.parker: _Parker | None = None  # where the task waits, if that can be cancelled
        self.skipped = 0
        self.watchers: list[Callable[[], object]] = []
        self.scope: _Scope | None = None
        self._base = _Scope(loop)
        self._base.begin(self, parent)
        loop.tasks[self] = None
        loop.ready.append(self)

    @property
    def id(self) -> int:
        """See the Protocol."""
        return self._id

    @property
    def parent_id(self) -> int | None:
        """See the Protocol."""
        return self._parent_id

    @property
    def name(self) -> str:
        """See the Protocol."""
        return self._name

    def has_pending_cancellation(self) -> bool:
        """See the Protocol."""
        return self.scope is not None and self.scope.cause() is not None

    def cancel(self, reason: str | None = None) -> None:
        """See the Protocol."""
        if not self.finished:
            self._status = HandleStatus.CANCELLING
            self._base.cancel(reason)

    def started(self, value: Any) -> None:
        """Move from the scope of the caller of ``start()`` to that of the group, if the caller still waits."""
        if self.caller is not None and self._group is not None and self.caller.unpark(True):
            self.caller, self._start_value = None, value
            self._base.move(self._group.cancel_scope)

    def stop(self) -> None:
        """Cancel the task because nobody waits for it any more."""
        self._base.stop(CancelReason("parent"))

    def step(self) -> None:
        """Run the task until it yields."""
        self.loop.current, self.skipped = self, 0
        value: Any = UNSET
        error: BaseException | None = None
        try:
            command = self._context.run(self._coro.send, None)
            while command is not _PAUSE:
                text = f"task {self._name!r} awaited something that does not belong to this loop"
                command = self._context.run(self._coro.throw, RuntimeError(text))
            return
        except StopIteration as stop:
            value = stop.value
        except BaseException as exc:
            error = exc.with_traceback(exc.__traceback__ and exc.__traceback__.tb_next)
        finally:
            self.loop.current = None
        self._end(value, error)

    def _end(self, value: Any, error: BaseException | None) -> None:
        del self.loop.tasks[self]
        if self.scope is not self._base and error is None:
            error = RuntimeError(f"task {self._name!r} ended inside a cancel scope that it had entered")
        while self.scope is not None and self.scope is not self._base:
            self.scope.stop(CancelReason("failure", None, self._name))
            self.scope.end(cancelled=False)
        cancelled, rest = (None, None) if error is None else split(error, Cancelled)
        if self._base.end(cancelled is not None):
            error = rest
        self.scope = None
        if self.starting is not None:
            self.starting.disconnect()
        if error is not None:
            prune(error)
        if rest is not None and self._group is not None:
            note_task(rest, self._name)
        status = HandleStatus.FAILED if rest is not None else HandleStatus.FINISHED
        if status is HandleStatus.FINISHED and cancelled is not None:
            status = HandleStatus.CANCELLED
        self._value, self._error = value, None if rest is None else error
        if self._group is None:
            self.loop.outcome = error
        else:
            self._group.ended(self, error)
        self._group = None
        self._settle(status)
        watchers, self.watchers = self.watchers, []
        for watcher in watchers:
            self.loop.call(watcher)


class _Group:
    """``protocols.TaskGroup``."""

    __slots__ = ("__weakref__", "_cut", "_errors", "_exit", "_loop", "_name", "_scope", "_tasks", "host")

    def __init__(self, loop: _Loop, name: str | None) -> None:
        self._loop = loop
        self._name = name
        self._scope = _Scope(loop)
        self._tasks: set[_Task] = set()
        self._errors: list[BaseException] = []
        self._cut = False  # whether body or tasks ended by a cancellation
        self._exit: _Parker | None = None  # where the host waits for the tasks
        self.host: _Task | None = None  # while the group is open

    @property
    def cancel_scope(self) -> _Scope:
        """See the Protocol."""
        return self._scope

    def cancel(self, reason: str | None = None) -> None:
        """See the Protocol."""
        self._scope.cancel(reason)

    def _check_open(self) -> None:
        if self.host is None:
            raise RuntimeError("this task group is not open: tasks can be started only inside its block")

    def _spawn(self, coro: Any, name: str, context: Context | None = None, parent: _Scope | None = None) -> _Task:
        task = _Task(self._loop, coro, name, context, self, self._scope if parent is None else parent)
        self._tasks.add(task)
        return task

    def start_soon(
        self, func: Callable[[Unpack[Ts]], Coroutine[Any, Any, T]], /, *args: *Ts, name: object = None
    ) -> _Task:
        """See the Protocol."""
        self._check_open()
        return self._spawn(call_for_coroutine(func, args), task_name(func, name))

    def create_task(
        self, coro: Coroutine[Any, Any, T], /, *, name: object = None, context: Context | None = None
    ) -> _Task:
        """See the Protocol."""
        check_coroutine(coro)
        try:
            self._check_open()
        except RuntimeError:
            coro.close()
            raise
        return self._spawn(coro, task_name(coro, name), context)

    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, object]],
        /,
        *args: object,
        name: object = None,
        return_handle: bool = False,
    ) -> Any:
        """See the Protocol."""
        self._check_open()
        if not callable(func):
            call_for_coroutine(func, args)
        await backend.checkpoint_if_cancelled()
        caller = self._loop.task()
        started: list[Callable[[Any], None]] = []
        status = StartStatus(lambda value: started[0](value))
        coro = call_for_coroutine(func, args, {"task_status": status})
        task = self._spawn(coro, task_name(func, name), parent=caller.scope)
        started.append(task.started)
        task.starting, task.caller = status, _Parker(caller)
