"""The model: a backend that is nothing but the rules, to compare others with and to show that the waist suffices.

One thread runs coroutines in rounds: a round takes one step of each task that was runnable when it began. There is no
I/O, and time is simulated: when nothing is runnable the clock jumps to the next deadline. In between it follows real
time, or stands still (option ``frozen``). The option ``seed`` shuffles each round, so that a program can be seen under
many schedules, each of them repeatable.

A cancellation is not sent to anybody. It is a state, computed from the chain of scopes and the clock each time that
somebody asks (CANCEL-1). A checkpoint asks before and after it yields. A parked task can't ask, so whatever changes the
state is followed by a ``sweep``, which asks for it. To sleep is to wait for nothing in a scope with a deadline.

Tasks are only ever resumed, and raise by themselves, so no exception brings another task's context along (ERR-4).
Tracebacks hold frames, so references are cut as soon as they have served (TASK-36).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import count
from math import inf
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic
from types import coroutine
from typing import Any, Self
from weakref import WeakSet

from accord import NoEventLoopError, RunFinishedError, toolkit
from accord.protocols import CancelReason, HandleStatus
from accord.toolkit.coroutines import call_for_awaitable
from accord.toolkit.handles import UNSET

from . import __version__

_FAR = 1e10  # a deadline so many seconds away is as good as none (TIME-5)
_PAUSE = object()
_here = threading.local()
_ids = count(1)


class Cancelled(BaseException):
    """Delivers a cancellation."""

    def __str__(self) -> str:
        return "the task was cancelled"


def _loop() -> _Loop:
    loop: _Loop | None = getattr(_here, "loop", None)
    if loop is None:
        raise NoEventLoopError
    return loop


@coroutine
def _pause() -> Generator[object, None, None]:
    yield _PAUSE


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Scope:
    """Satisfies ``protocols.CancelScope``."""

    loop: _Loop
    _deadline: float = inf
    delay: float | None = None
    _shield: bool = False
    task: _Task | None = None  # while it is active
    parent: _Scope | None = None
    left: bool = False
    own: CancelReason | None = None  # why this very scope is cancelled
    shown: CancelReason | None = None  # why it was first effectively cancelled
    cancelled_caught: bool = False

    def look(self) -> CancelReason | None:
        """Return why this very scope is cancelled; a deadline counts from when somebody looks."""
        if self.own is None and self.task is not None and self.loop.time() >= self._deadline:
            self.own, self.loop.changed = CancelReason("deadline"), True
        return self.own

    def chain(self) -> list[_Scope]:
        chain = [self]
        while not (scope := chain[-1])._shield and scope.parent is not None:
            chain.append(scope.parent)
        return chain

    def cause(self, skip: int = 0) -> CancelReason | None:
        """Return why the scope, or with ``skip=1`` its parent, is effectively cancelled (CANCEL-1)."""
        causes = ((scope, scope.look()) for scope in self.chain()[skip:])
        scope, reason = next((found for found in causes if found[1] is not None), (self, None))
        return reason if scope is self or reason is None else reason._replace(kind="parent")

    def update(self) -> None:
        """Bring the reason that is shown up to date: the first cause, unless a shield has hidden it since."""
        if self.shown is None or (self.shown.kind == "parent" and self.cause(skip=1) is None):
            self.shown = self.cause()

    def stop(self, reason: CancelReason | None) -> None:
        """Cancel this very scope."""
        self.own = self.look() or reason
        self.update()
        self.loop.sweep()

    def begin(self, task: _Task, parent: _Scope | None) -> None:
        if self.left or self.task is not None:
            raise RuntimeError("a cancel scope can be entered only once")
        if self.delay is not None:
            self._deadline = self.loop.time() + self.delay
        self.task, self.parent, task.scope, self.loop.scopes[self] = task, parent, self, None
        self.update()

    def check_exit(self) -> None:
        if self.task is None or self.task is not self.loop.current or self.task.scope is not self:
            raise RuntimeError("a cancel scope can be left only in the task that entered it, after those inside it")

    def end(self, cancelled: bool) -> bool:
        """Leave the scope, with a cancellation or not; return whether it is caught (CANCEL-10)."""
        self.update()
        self.cancelled_caught = cancelled and self.look() is not None and self.cause(skip=1) is None
        del self.loop.scopes[self]
        if self.task is not None:
            self.task.scope = self.parent
        self.task, self.parent, self.left = None, None, True
        return self.cancelled_caught

    @property
    def deadline(self) -> float:
        return self._deadline

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        value, _ = toolkit.check_deadline(value), self.look()
        self._deadline, self.delay = value, None
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
        unused = self.task is None and not self.left and self.delay is None
        return self.look() is not None or (unused and self.loop.time() >= self._deadline)

    @property
    def cancel_reason(self) -> CancelReason | None:
        self.update()
        return self.shown

    def cancel(self, reason: str | None = None) -> None:
        self.stop(CancelReason("explicit", reason, None if (task := self.loop.current) is None else task.name))

    def __enter__(self) -> Self:
        self.begin(backend.current_task(), backend.current_task().scope)
        return self

    def __exit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self.check_exit()
        cancelled, rest = toolkit.split(exc, Cancelled) if exc is not None else (None, None)
        if not self.end(cancelled is not None) or rest is None:
            return self.cancelled_caught
        context = rest.__context__
        try:
            raise rest
        finally:
            rest.__context__ = context
            del exc, rest, cancelled


@dataclass(slots=True, eq=False, repr=False)
class _Parker:
    """Satisfies ``protocols.Parker``."""

    task: _Task | None
    parked: bool = False
    woken: bool | None = None  # False: the task was cancelled
    value: Any = None

    async def park(self, shielded: bool = False) -> Any:
        if self.woken is None and self.task is not None:
            self.parked = True
            self.task.parker = None if shielded else self
            if not shielded and self.task.has_pending_cancellation():
                self.unpark(None, woken=False)
            await _pause()
        if not self.woken:
            raise Cancelled
        return self.value

    async def park_shielded(self) -> Any:
        return await self.park(shielded=True)

    def unpark(self, value: Any, /, woken: bool = True) -> bool:
        """Decide what the task gets, if that is still open (PARK-2): a value or a cancellation."""
        if self.woken is not None:
            return False
        task, self.task, self.woken, self.value = self.task, None, woken, value
        if self.parked and task is not None:
            task.parker = None
            task.loop.ready.append(task)
        return True


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Task(toolkit.HandleMixin[Any]):
    """Satisfies ``protocols.TaskHandle`` and ``protocols.TaskInfo``."""

    loop: _Loop
    _coro: Any
    name: str = field()  # pyright: ignore[reportIncompatibleMethodOverride]
    context: Context
    group: _Group | None
    parent_id: int | None
    base: _Scope  # around all of the task
    caller: _Parker | None = None  # where start() waits for started()
    starting: toolkit.StartStatus | None = None
    id: int = field(default_factory=lambda: next(_ids))
    scope: _Scope | None = None  # the innermost one
    parker: _Parker | None = None  # where a cancellation can interrupt it
    skipped: int = 0
    watchers: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    _status: HandleStatus = HandleStatus.PENDING
    _value: Any = None
    _error: BaseException | None = None
    _start_value: Any = UNSET
    _waiters: list[Any] | None = None

    def has_pending_cancellation(self) -> bool:
        return self.scope is not None and self.scope.cause() is not None

    def cancel(self, reason: str | None = None) -> None:
        if not self.finished:
            self._status = HandleStatus.CANCELLING
            self.base.cancel(reason)

    def started(self, value: Any) -> None:
        """Move from the scope of the caller of ``start()`` to that of the group, unless the caller was cancelled."""
        if self.group is not None and self.caller is not None and self.base.cause(skip=1) is None:
            self.caller.unpark(True)
            self.caller, self._start_value, self.base.parent = None, value, self.group.cancel_scope
            self.loop.sweep()

    def end(self, value: Any, error: BaseException | None) -> None:
        del self.loop.tasks[self]
        while self.scope is not None and self.scope is not self.base:
            error = error or RuntimeError(f"task {self.name!r} ended inside a cancel scope that it had entered")
            self.scope.stop(CancelReason("failure", None, self.name))
            self.scope.end(cancelled=False)
        cancelled, rest = toolkit.split(error, Cancelled) if error is not None else (None, None)
        if self.base.end(cancelled is not None):
            error = rest
        self.scope, group, self.group = None, self.group, None
        self._value, self._error = value, error if rest is not None or group is None else None
        if group is not None:
            group.ended(self, error)
        if self.starting is not None:
            self.starting.disconnect()
        ended = HandleStatus.FINISHED if cancelled is None else HandleStatus.CANCELLED
        self._settle(ended if rest is None else HandleStatus.FAILED)
        while self.watchers:
            self.loop.call(self.watchers.pop(0))


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Group:
    """Satisfies ``protocols.TaskGroup``."""

    loop: _Loop
    name: str | None
    cancel_scope: _Scope
    tasks: set[_Task] = field(default_factory=set[_Task])
    errors: list[BaseException] = field(default_factory=list[BaseException])
    cut: bool = False  # whether a cancellation ended the body or a task
    host: _Task | None = None  # while the group is open
    exit: _Parker | None = None  # where the host waits for the tasks

    def cancel(self, reason: str | None = None) -> None:
        self.cancel_scope.cancel(reason)

    def check_open(self) -> int:
        if self.host is None:
            raise RuntimeError("a task group can start tasks only inside its block")
        return self.host.id

    def start_soon(self, func: Any, /, *args: Any, name: object = None) -> _Task:
        self.check_open()
        coro = toolkit.call_for_coroutine(func, args)
        return self.loop.spawn(coro, toolkit.task_name(func, name), self, self.cancel_scope)

    def create_task(self, coro: Any, /, *, name: object = None, context: Context | None = None) -> _Task:
        toolkit.check_coroutine(coro)
        if self.host is None:
            coro.close()
        return self.loop.spawn(coro, toolkit.task_name(coro, name), self, self.cancel_scope, context)

    async def start(self, func: Any, /, *args: Any, name: object = None, return_handle: bool = False) -> Any:
        self.check_open()
        if not callable(func):
            toolkit.call_for_coroutine(func, args)
        await backend.checkpoint_if_cancelled()
        status = toolkit.StartStatus(lambda value: task.started(value))  # noqa: PLW0108 - the task comes later
        coro, scope = toolkit.call_for_coroutine(func, args, {"task_status": status}), backend.current_task().scope
        caller = backend.create_parker()
        task = self.loop.spawn(coro, toolkit.task_name(func, name), self, scope, None, caller, status)
        if await caller.park_shielded():
            return task if return_handle else task.start_value
        error, task._error = task._error, None
        if error is None and (
            task.status is HandleStatus.CANCELLED or backend.current_task().has_pending_cancellation()
        ):
            error = Cancelled()
        error = error or RuntimeError(f"task {task.name!r} ended without calling started()")
        context = error.__context__
        try:
            raise error
        finally:
            error.__context__ = context
            del error, context

    def ended(self, task: _Task, error: BaseException | None) -> None:
        self.tasks.discard(task)
        if error is not None:
            toolkit.prune(error)
            toolkit.note_task(error, task.name)
        if task.caller is not None:
            task.caller.unpark(False)
        elif error is not None:
            self.take(error, task.name)
        if not self.tasks and self.exit is not None:
            self.exit.unpark(None)

    def take(self, error: BaseException, source: str) -> None:
        """Take note of what the body or a task raised (TASK-2, TASK-5, TASK-45)."""
        cancelled, rest = toolkit.split(error, Cancelled)
        if cancelled is not None and self.cancel_scope.parent is not None:
            self.cut, reason = True, self.cancel_scope.parent.cause()
            self.cancel_scope.stop(reason and reason._replace(kind="parent"))
        if rest is not None:
            self.errors.append(rest)
            self.cancel_scope.stop(CancelReason("failure", None, source))

    async def __aenter__(self) -> Self:
        self.cancel_scope.__enter__()
        self.host = self.loop.current
        return self

    async def __aexit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self.cancel_scope.check_exit()
        if exc is not None:
            self.take(exc, backend.current_task().name)
        await backend.cancel_shielded_checkpoint()
        while self.tasks:
            self.exit = backend.create_parker()
            await self.exit.park_shielded()
        cut = not self.cancel_scope.end(self.cut) and self.cut
        self.host, errors, self.errors = None, self.errors, []
        if not errors and (not cut or isinstance(exc, Cancelled)):
            return not cut
        error = toolkit.group_error(errors, self.name) if errors else Cancelled()
        if cut and isinstance(error, BaseExceptionGroup):
            error = error.derive([*errors, Cancelled()])
        toolkit.prune(error)
        try:
            raise error
        finally:
            error.__context__ = None
            del exc, errors, error


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Loop:
    """One run: the scheduler and the clock. Satisfies ``protocols.LoopToken``."""

    clock: Callable[[], float]
    random: Random | None
    budget: int
    backend_name: str = "model"
    offset: float = 0.0
    holds: list[None] = field(default_factory=list[None])
    inbox: SimpleQueue[Any] = field(default_factory=SimpleQueue[Any])  # its put() may interrupt itself, in a signal
    guard: Any = field(default_factory=threading.RLock)
    generators: WeakSet[AsyncGenerator[Any, Any]] = field(default_factory=WeakSet[AsyncGenerator[Any, Any]])
    orphans: list[AsyncGenerator[Any, Any]] = field(default_factory=list[AsyncGenerator[Any, Any]])
    root: _Task | None = None
    failure: BaseException | None = None
    current: _Task | None = None
    ready: list[_Task] = field(default_factory=list[_Task])
    blocked: list[_Parker] = field(default_factory=list[_Parker])  # those who wait for all others to wait
    tasks: dict[_Task, None] = field(default_factory=dict[_Task, None])
    scopes: dict[_Scope, None] = field(default_factory=dict[_Scope, None])
    changed: bool = False  # whether a deadline was found to have passed since the last sweep

    def call_soon(self, func: Callable[..., object], /, *args: Any) -> None:
        with self.guard:
            if self.root is None:
                raise RunFinishedError
            self.inbox.put((func, args))

    def hold_clock(self) -> None:
        self.holds.append(None)

    def release_clock(self) -> None:
        self.holds.pop()

    def time(self) -> float:
        return self.offset + self.clock()

    def sweep(self) -> None:
        """After a change of any scope: cancel what waits and has become cancelled."""
        self.changed = False
        for scope in self.scopes:
            scope.update()
        for task in self.tasks:
            if task.parker is not None and task.has_pending_cancellation():
                task.parker.unpark(None, woken=False)

    def spawn(
        self,
        coro: Any,
        name: str,
        group: _Group | None,
        parent: _Scope | None,
        context: Context | None = None,
        *start: Any,
    ) -> _Task:
        host, context = group and group.check_open(), copy_context() if context is None else context
        task = _Task(self, coro, name, context, group, host, _Scope(self), *start)
        task.base.begin(task, parent)
        self.tasks[task] = None
        self.ready.append(task)
        if group is not None:
            group.tasks.add(task)
        return task

    def call(self, func: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        try:
            func(*args)
        except BaseException as exc:
            self.fail(exc)

    def fail(self, error: BaseException) -> None:
        """End the run with an error that is no task's (RUN-6, RUN-19)."""
        self.failure = self.failure or error
        if self.root is not None:
            self.root.base.stop(CancelReason("shutdown"))

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(self.generators.add, self.orphans.append)
        _here.loop = self
        try:
            self.root = root = self.spawn(self.main(main, args), toolkit.task_name(main), None, None)
            while self.tasks:
                self.turn()
            with self.guard:
                self.root = None
            if not self.inbox.empty():
                self.turn()
        finally:
            _here.loop = None
            sys.set_asyncgen_hooks(*hooks)
        error = self.failure or root._error
        self.failure = root._error = None
        try:
            if error is not None:
                raise toolkit.exit_exception(error)
        finally:
            del error
        return root.return_value

    async def main(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        try:
            return await call_for_awaitable(main, args)
        finally:
            for generator in [*self.generators, *self.orphans]:
                with _Scope(self, -inf):
                    await generator.aclose()

    def turn(self) -> None:
        if not self.ready and self.inbox.empty():
            self.idle()
        for _ in range(self.inbox.qsize()):
            self.call(*self.inbox.get())
        if any([scope.own is None and scope.look() for scope in self.scopes]) or self.changed:
            self.sweep()
        tasks, self.ready = self.ready[::-1], []
        if self.random is not None:
            self.random.shuffle(tasks)
        while tasks:
            self.step(tasks.pop())

    def idle(self) -> None:
        """Nothing is runnable: say so, or let the clock jump, or wait for a call from outside."""
        when = min((scope.deadline for scope in self.scopes if scope.own is None), default=inf)
        left = when - self.time()
        if self.blocked:
            while self.blocked:
                self.blocked.pop(0).unpark(None)
        elif left < _FAR and not self.holds:
            self.offset = max(self.offset, when - self.clock())
        else:
            try:
                self.call(*self.inbox.get(timeout=None if left >= _FAR or self.clock is float else max(left, 0)))
            except Empty:
                pass
            except KeyboardInterrupt as exc:
                self.fail(exc)

    def step(self, task: _Task) -> None:
        self.current, task.skipped = task, 0
        try:
            command = task.context.run(task.coro.send, None)
            while command is not _PAUSE:
                error = RuntimeError(f"task {task.name!r} awaited something that does not belong to this loop")
                command = task.context.run(task.coro.throw, error)
        except StopIteration as stop:
            self.current = None
            task.end(stop.value, None)
        except BaseException as exc:
            self.current = None
            task.end(None, exc.with_traceback(exc.__traceback__ and exc.__traceback__.tb_next))
        finally:
            self.current = None
            del task  # the task's frames lead to this one


class _Backend:
    """Satisfies ``protocols.Backend`` and ``protocols.Testing``."""

    __slots__ = ()

    name = "model"
    version = __version__
    spec_version = "0.1"
    capabilities = frozenset({"testing"})
    variants: Mapping[str, Mapping[str, object]] = {"frozen": {"frozen": True}, "shuffled": {"seed": 1}}
    cancelled_exc_class = Cancelled
    readiness = None
    current_token = staticmethod(_loop)

    @property
    def testing(self) -> Self:
        return self

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        toolkit.check_options(self.name, options, ("checkpoint_budget", "frozen", "seed"))
        frozen, seed = toolkit.check_flag(options, "frozen"), options.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int | None):
            raise TypeError(f"seed must be an int or None, not {type(seed).__name__}")
        random = None if seed is None else Random(seed)
        loop = _Loop(float if frozen else monotonic, random, toolkit.check_budget(options))
        return copy_context().run(loop.run, main, args)

    def is_running_here(self) -> object:
        return getattr(_here, "loop", None)

    def current_time(self) -> float:
        return _loop().time()

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> _Scope:
        return _Scope(_loop(), deadline, delay, shield)

    def current_effective_deadline(self) -> float:
        scope = self.current_task().scope
        assert scope is not None
        return -inf if scope.cause() else min(above.deadline for above in scope.chain())

    async def checkpoint(self) -> None:
        cancelled = self.current_task().has_pending_cancellation()
        await self.cancel_shielded_checkpoint()
        if cancelled or self.current_task().has_pending_cancellation():
            raise Cancelled

    async def checkpoint_if_cancelled(self) -> None:
        if self.current_task().has_pending_cancellation():
            await self.cancel_shielded_checkpoint()
            raise Cancelled

    async def cancel_shielded_checkpoint(self) -> None:
        _loop().ready.append(self.current_task())
        await _pause()

    def checkpoint_due(self) -> bool:
        task = self.current_task()
        task.skipped += 1
        return task.skipped >= task.loop.budget or task.has_pending_cancellation()

    async def sleep_until(self, deadline: float, /) -> None:
        with _Scope(_loop(), deadline):
            await self.create_parker().park()

    def create_task_group(self, name: str | None, /) -> _Group:
        return _Group(_loop(), name, _Scope(_loop()))

    def current_task(self) -> _Task:
        task = _loop().current
        if task is None:
            raise RuntimeError("no task is running here: this is a callback of the loop")
        return task

    def running_tasks(self) -> list[_Task]:
        return list(_loop().tasks)

    def watch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        task.watchers.append(callback)

    def unwatch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        if callback in task.watchers:
            task.watchers.remove(callback)

    def create_parker(self) -> _Parker:
        return _Parker(self.current_task())

    async def wait_all_tasks_blocked(self) -> None:
        parker = self.create_parker()
        _loop().blocked.append(parker)
        await parker.park()


backend = _Backend()
