"""The model: a backend that is nothing but the rules, to compare others with and to show that the waist suffices.

It is one file of at most 500 lines, which is what it is to show, and which authors of backends copy to begin with.
One thread runs coroutines in rounds, in each a step of every task that is runnable. There is no I/O, and time is
simulated: when nothing is runnable the clock jumps to the next deadline. In between it follows real time, or stands
still (option ``frozen``). The option ``seed`` shuffles each round, and delays some cancellations by a round.

A cancellation is not sent. It is a state, computed from the chain of scopes and the clock when somebody asks
(CANCEL-1). A parked task can't ask, so whatever changes the state is followed by a ``sweep``, which asks for it. To
sleep is to wait for nothing in a scope with a deadline; a checkpoint is a sleep whose time has come.

Tasks are only ever resumed, and raise by themselves, so that no exception brings another task's context along (ERR-4).
Tracebacks hold frames, so references to tasks and errors are cut as soon as they have served (TASK-36).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import count
from math import inf
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic
from types import coroutine
from typing import Any, NoReturn, Self, cast

from accord import RunFinishedError, toolkit
from accord.protocols import CancelReason, HandleStatus, Testing
from accord.toolkit import coroutines, groups, handles
from accord_conformance import __version__, model_testing

_PAUSE = object()
_here: Any = threading.local()  # its attribute ``loop`` is the loop of this thread
toolkit.hide_frames_of(__name__)  # from tracebacks (ERR-6)


class Cancelled(BaseException):
    """Delivers a cancellation."""


def _task() -> _Task:
    if _here.loop.current is None:
        raise RuntimeError("no task is running here: this is a callback of the loop")
    return cast("_Task", _here.loop.current)


@coroutine
def _pause() -> Generator[object, None, None]:
    yield _PAUSE


def _raise(errors: list[BaseException]) -> NoReturn:
    """Raise what a list holds, with its own context and not with what is being handled."""
    context = errors[0].__context__
    try:
        raise errors[0]
    finally:
        errors.pop().__context__ = context


@dataclass(slots=True, eq=False, repr=False)
class _Scope:
    """Satisfies ``protocols.CancelScope``."""

    _deadline: float = inf
    delay: float | None = None
    _shield: bool = False
    loop: _Loop = field(default_factory=lambda: _here.loop)
    task: _Task | None = None  # while it is active
    parent: _Scope | None = None
    left: bool = False
    own: CancelReason | None = None  # why this very scope is cancelled
    cancelled_caught: bool = False
    hidden: bool = False  # made by this module, not by the program

    def look(self) -> CancelReason | None:
        """Return why this very scope is cancelled; a deadline counts from when somebody looks."""
        if self.own is None and self.task is not None and self.loop.time() >= self._deadline:
            self.own = CancelReason("deadline")
            self.loop.sweep()
        return self.own

    def up(self) -> list[_Scope]:
        scopes: list[_Scope] = [self]
        while not (scope := scopes[-1])._shield and scope.parent is not None:
            scopes.append(scope.parent)
        return scopes

    def cause(self, skip: int = 0) -> CancelReason | None:
        """Return why the scope, or with ``skip=1`` its parent, is effectively cancelled (CANCEL-1)."""
        for scope in self.up()[skip:]:
            if (reason := scope.look()) is not None:
                return reason if scope is self else reason._replace(kind="parent")
        return None

    def cancel_for(self, reason: CancelReason | None) -> None:
        self.own = self.look() or reason
        self.loop.sweep()

    def check_exit(self) -> None:
        if self.task is None or self.task is not self.loop.current or self.task.scope is not self:
            raise RuntimeError(f"only {self.task and self.task.name!r} leaves this scope, and inner ones first")

    def end(self, task: _Task, cancelled: bool) -> bool:
        """Leave the scope, with a cancellation or not; return whether it is caught (CANCEL-10)."""
        self.cancelled_caught = self.look() is not None and cancelled and self.cause(skip=1) is None
        del self.loop.scopes[self]
        task.scope = self.parent or self
        self.task, self.parent, self.left = None, None, True
        return self.cancelled_caught

    @property
    def deadline(self) -> float:
        return self._deadline

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        self._deadline, self.delay, _ = toolkit.check_deadline(value), None, self.look()
        self.loop.sweep()

    @property
    def shield(self) -> bool:
        return self._shield

    @shield.setter
    def shield(self, value: bool, /) -> None:
        self._shield = toolkit.check_shield(value)
        self.loop.sweep()

    @property
    def cancel_called(self) -> bool:
        return self.look() is not None or (not self.left and not self.delay and self.loop.time() >= self._deadline)

    @property
    def cancel_reason(self) -> CancelReason | None:
        return self.cause()

    def cancel(self, reason: str | None = None) -> None:
        self.cancel_for(CancelReason("explicit", reason, None if (task := self.loop.current) is None else task.name))

    def __enter__(self, task: _Task | None = None) -> Self:
        if self.left or self.task is not None:
            raise RuntimeError("a cancel scope can be entered only once")
        self.task = task = _task() if task is None else task
        if self.delay is not None:
            self._deadline = self.loop.time() + self.delay
        self.parent, task.scope, self.loop.scopes[self] = None if task.scope is self else task.scope, self, None
        self.look()
        return self

    def __exit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self.check_exit()
        parts: list[Any] = [None, None] if exc is None else [*toolkit.split(exc, Cancelled)]
        if self.end(_task(), parts.pop(0) is not None) and parts[0] is not None:
            _raise(parts)
        return self.cancelled_caught


@dataclass(slots=True, eq=False, repr=False)
class _Parker:
    """Satisfies ``protocols.Parker``."""

    task: _Task | None = field(default_factory=_task)
    shielded: bool = False
    woken: bool | None = None  # False: the task was cancelled
    value: Any = None

    async def park(self, shielded: bool = False) -> Any:
        if self.woken is None and self.task is not None:
            self.task.parker, self.shielded = self, shielded
            if self.task.scope.cause() is not None:
                self.unpark(None, woken=False)
            await _pause()
        if not self.woken:
            if _task().has_pending_cancellation() and _here.loop.hesitates():
                await backend.cancel_shielded_checkpoint()
            raise Cancelled("cancelled")
        return self.value

    async def park_shielded(self) -> Any:
        return await self.park(shielded=True)

    def unpark(self, value: Any, /, woken: bool = True) -> bool:
        """Decide what the task gets, if that is still open (PARK-2): a value or a cancellation."""
        if self.woken is not None or (self.shielded and not woken):
            return False
        task, self.task, self.woken, self.value = self.task, None, woken, value
        if task is not None and task.parker is self:
            task.parker = None
            _here.loop.ready.append(task)
        return True


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Task(toolkit.HandleMixin[Any]):
    """Satisfies ``protocols.TaskHandle`` and ``protocols.TaskInfo``."""

    _coro: Any
    name: str = field()  # pyright: ignore[reportIncompatibleMethodOverride]
    group: _Group | None = None
    context: Context = field(default_factory=copy_context)
    caller: _Parker | None = None  # where start() waits for started()
    id: int = field(default_factory=count(1).__next__)
    parent_id: int | None = None
    base: _Scope = field(default_factory=_Scope)  # around all of the task
    scope: _Scope = field(init=False)  # the innermost one
    parker: _Parker | None = None  # where it waits
    _status: HandleStatus = HandleStatus.PENDING
    _value: Any = None
    _error: BaseException | None = None
    _start_value: Any = handles.UNSET
    _waiters: list[Any] | None = None
    _watchers: list[Callable[[], object]] | None = None

    def __post_init__(self) -> None:
        self.scope = self.base if self.group is None else self.group._scope
        self.parent_id = None if self.scope.task is None else self.scope.task.id
        self.base.__enter__(self)
        _here.loop.tasks[self] = None
        _here.loop.ready.append(self)

    def has_pending_cancellation(self) -> bool:
        scope = self.scope.parent if self.scope.hidden else self.scope
        return not self.finished and scope is not None and scope.cause() is not None

    def cancel(self, reason: str | None = None) -> None:
        if not self.finished:
            self._status = HandleStatus.CANCELLING
            self.base.cancel(reason)

    def started(self, value: Any) -> None:
        """Move from the scope of the caller of ``start()`` to that of the group, unless the caller was cancelled."""
        if self.group is not None and self.base.cause(skip=1) is None and self.caller and self.caller.unpark(True):
            self.caller, self._start_value, self.base.parent = None, value, self.group._scope
            self.base.loop.sweep()

    def end(self, value: Any, error: BaseException | None) -> None:
        _here.loop.current, self._value = _here.loop.tasks.pop(self), value
        while self.scope is not self.base:
            error = error or RuntimeError(f"task {self.name!r} ended inside a cancel scope that it had entered")
            self.scope.cancel_for(CancelReason("failure", None, self.name))
            self.scope.end(self, cancelled=False)
        cancelled, rest = toolkit.split(error, Cancelled) if error is not None else (None, None)
        status = HandleStatus("failed" if rest is not None else "finished" if cancelled is None else "cancelled")
        if self.base.end(self, cancelled is not None):
            cancelled, error = None, rest
        if rest is not None or self.group is None:
            self._error = self._error or error
        if error is not None and self.group is not None:
            toolkit.prune(error)
            toolkit.note_task(error, self.name)
        if self.caller is not None:
            self.caller.unpark(False)
        elif self.group is not None:
            self.group.take(cancelled, rest, self.name)
        self._settle(status)


@dataclass(slots=True, eq=False, repr=False)
class _Group(toolkit.TaskGroupMixin[_Scope]):
    """Satisfies ``protocols.TaskGroup``."""

    _name: str | None
    _scope: _Scope = field(default_factory=_Scope)
    _phase: int = groups.NEW
    _errors: list[BaseException] | None = None
    cut: bool = False  # whether a cancellation ended the body or a task

    def _spawn(self, coro: Any, name: str, context: Context | None) -> _Task:
        return _Task(coro, name, self, copy_context() if context is None else context)

    async def start(self, func: Any, /, *args: Any, name: object = None, return_handle: bool = False) -> Any:
        if self._phase != groups.OPEN:
            self.refuse_task(func)
        if not callable(cast("object", func)):
            await toolkit.call_for_coroutine(func, args)
        await backend.checkpoint_if_cancelled()
        status = toolkit.StartStatus(lambda value: task.started(value))  # noqa: PLW0108 - the task comes later
        coro: Any = toolkit.call_for_coroutine(func, args, {"task_status": status})
        task, scope, parker = self._spawn(coro, toolkit.task_name(func, name), None), _task().scope, _Parker()
        task.base.parent, task.caller = scope, parker
        if await parker.park_shielded():
            return task if return_handle else task.start_value
        if task._error is None and (task.status is HandleStatus.CANCELLED or scope.cause() is not None):
            task._error = Cancelled("cancelled")
        errors, task._error = [task._error or RuntimeError(f"task {task.name!r} ended without calling started()")], None
        _raise(errors)

    def take(self, cancelled: BaseException | None, rest: BaseException | None, source: str) -> None:
        """Take note of how the body or a task ended (TASK-2, TASK-5, TASK-45)."""
        if cancelled is not None and self._scope.parent is not None:
            self.cut, outer = True, self._scope.parent
            while outer.look() is None and outer.parent is not None:  # shields may have gone up meanwhile
                outer = outer.parent
            self._scope.cancel_for(outer.own and outer.own._replace(kind="parent"))
        if rest is not None:
            self.note_error(rest, source)

    async def __aenter__(self) -> Self:
        self.check_new()
        self._scope.__enter__()
        self._phase = groups.OPEN
        return self

    async def __aexit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self._scope.check_exit()
        if exc is not None:
            self.take(*toolkit.split(exc, Cancelled), _task().name)
        await backend.cancel_shielded_checkpoint()
        with _Scope(_shield=True, hidden=True):
            while tasks := [task for task in _here.loop.tasks if task.group is self]:
                await tasks.pop().wait()
        cut = not self._scope.end(_task(), self.cut) and self.cut
        self._phase, members, self._errors = groups.ENDED, self._errors, None
        if not members and (not cut or isinstance(exc, Cancelled)):
            return not cut
        errors: list[Any] = [toolkit.group_error(members, self._name) if members else Cancelled("cancelled")]
        if members and cut:
            errors.append(errors.pop().derive([*members, Cancelled("cancelled")]))
        toolkit.prune(errors[0])
        _raise(errors)


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Loop:
    """One run: the scheduler and the clock. Satisfies ``protocols.LoopToken``."""

    clock: Callable[[], float]
    order: Callable[[list[_Task]], int]  # puts runnable tasks in order, and tells how many of them take a step
    random: Random | None
    budget: int
    backend_name: str = "model"
    offset: float = 0.0
    holds: list[None] = field(default_factory=list[None])
    inbox: SimpleQueue[Any] = field(default_factory=SimpleQueue[Any])  # its put() may interrupt itself, in a signal
    guard: Any = field(default_factory=threading.RLock)
    generators: list[AsyncGenerator[Any, Any]] = field(default_factory=list[AsyncGenerator[Any, Any]])
    closed: bool = False
    root: _Task = field(init=False)
    current: Any = None  # the running task
    skipped: int = 0  # how many times it has not yielded though it might
    ready: list[_Task] = field(default_factory=list[_Task])
    blocked: list[_Parker] = field(default_factory=list[_Parker])  # those who wait for all others to wait
    tasks: dict[_Task, None] = field(default_factory=dict[_Task, None])
    scopes: dict[_Scope, None] = field(default_factory=dict[_Scope, None])

    def call_soon(self, func: Callable[..., object], /, *args: object) -> None:
        with self.guard:
            if self.closed:
                raise RunFinishedError
            self.inbox.put((func, args))

    def start_task(self, func: Callable[[], Coroutine[Any, Any, None]], /) -> None:
        if self.root.finished:
            raise RunFinishedError
        _Task(func(), toolkit.task_name(func))

    def hold_clock(self) -> None:
        self.holds.append(None)

    def release_clock(self) -> None:
        self.holds.pop()

    def time(self) -> float:
        return self.offset + self.clock()

    def sweep(self) -> None:
        """After a change of any scope: cancel what waits and has become cancelled."""
        for task in self.tasks:
            if (parker := task.parker) is not None and task.scope.cause() is not None:
                parker.unpark(None, woken=False)

    def call(self, func: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        """Call a function outside of tasks; what it raises ends the run (RUN-6, RUN-19)."""
        try:
            func(*args)
        except BaseException as exc:
            self.root._error = self.root._error or exc
            self.root.base.cancel_for(CancelReason("shutdown"))

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        hooks, _here.loop = sys.get_asyncgen_hooks(), self
        sys.set_asyncgen_hooks(self.generators.append, None)
        try:
            self.root = _Task(self.main(main, args), toolkit.task_name(main))
            while self.tasks:
                self.call(self.turn)
                for task in self.tasks if self.root.finished else ():
                    task.base.cancel_for(CancelReason("shutdown"))
            with self.guard:
                self.closed = True
            self.turn()
        finally:
            del _here.loop
            sys.set_asyncgen_hooks(*hooks)
        root, errors = self.root, [self.root._error]
        del self.root, root._error
        if errors[0] is not None:
            raise toolkit.exit_exception(cast("BaseException", errors.pop()))
        return root._value

    async def main(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        try:
            return await coroutines.call_for_awaitable(main, args)
        finally:
            for generator in self.generators:
                with _Scope(-inf):
                    await generator.aclose()

    def hesitates(self) -> bool:
        return self.random is not None and self.random.random() < 0.5

    def turn(self) -> None:
        """Let every runnable task take a step; if there is none, say so, or let the clock jump, or wait for a call."""
        if self.tasks and not self.ready and self.inbox.empty():
            when = min((scope.deadline for scope in self.scopes if scope.own is None), default=inf)
            left = when - self.time()  # a deadline that is centuries away is as good as none (TIME-5)
            if self.blocked:
                while self.blocked:
                    self.blocked.pop(0).unpark(None)
            elif left < 1e10 and not self.holds:
                self.offset = max(self.offset, when - self.clock())
            else:
                with suppress(Empty):
                    self.call(*self.inbox.get(timeout=None if left >= 1e10 or self.clock is float else max(left, 0)))
        for _ in range(self.inbox.qsize()):
            self.call(*self.inbox.get())
        for scope in self.scopes:
            scope.look()
        for _ in range(self.order(self.ready)):
            self.current, self.skipped = self.ready.pop(0), 0
            try:
                command = self.current.context.run(self.current.coro.send, None)
                while command is not _PAUSE:
                    command = self.current.context.run(self.current.coro.throw, RuntimeError("not awaitable here"))
            except StopIteration as stop:
                self.current.end(stop.value, None)
            except BaseException as exc:
                self.current.end(None, exc)
            self.current = None


def _settings(options: Any) -> tuple[Callable[[], float], Callable[[list[_Task]], int], Random | None, int]:
    toolkit.check_options("model", options, ("checkpoint_budget", "frozen", "schedule", "seed"))
    schedule, random = toolkit.check_schedule(options), None if (seed := options.get("seed")) is None else Random(seed)
    clock = float if schedule or toolkit.check_flag(options, "frozen") else monotonic  # float() is always 0.0
    return clock, model_testing.order_by(schedule, random), random, toolkit.check_budget(options)


class _Backend:
    """Satisfies ``protocols.Backend``."""

    __slots__ = ()
    name, version, spec_version = "model", __version__, "0.1"
    variants = {"shuffled": {"seed": 1}}  # noqa: RUF012
    capabilities, readiness, cancelled_exc_class = frozenset({"testing"}), None, Cancelled
    testing: Testing
    create_cancel_scope, create_task_group, create_parker = _Scope, _Group, _Parker
    current_token, current_task = staticmethod(lambda: _here.loop), staticmethod(_task)
    current_time = staticmethod(lambda: _here.loop.offset + _here.loop.clock())
    current_effective_deadline = staticmethod(lambda: min(-inf if s.look() else s.deadline for s in _task().scope.up()))
    is_running_here = staticmethod(lambda: getattr(_here, "loop", None))
    running_tasks = staticmethod(lambda: list(_here.loop.tasks))

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Any, /) -> Any:
        return copy_context().run(_Loop(*_settings(options)).run, main, args)

    async def checkpoint(self) -> None:
        await self.sleep_until(-inf)

    async def checkpoint_if_cancelled(self) -> None:
        if _task().has_pending_cancellation():
            await self.checkpoint()

    async def cancel_shielded_checkpoint(self) -> None:
        _here.loop.ready.append(_task())
        await _pause()

    def checkpoint_due(self) -> bool:
        _here.loop.skipped += 1
        return _here.loop.skipped >= _here.loop.budget or _task().has_pending_cancellation()

    async def sleep_until(self, deadline: float, /) -> None:
        with _Scope(deadline, hidden=True):
            await _Parker().park()

    def watch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        task.watch(callback)

    def unwatch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        task.unwatch(callback)


backend = _Backend()
_Backend.testing = model_testing.Testing(sys.modules[__name__])
