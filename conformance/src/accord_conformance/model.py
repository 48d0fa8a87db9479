"""The model: a backend that is nothing but the rules, to compare others with and to show that the waist suffices.

One thread runs coroutines in rounds: a round takes one step of each task that was runnable when it began. There is no
I/O, and time is simulated: when nothing is runnable the clock jumps to the next timer. In between it follows real time,
or stands still (option ``frozen``). The option ``seed`` shuffles each round, so that a program can be seen under many
schedules, each of them repeatable.

A cancellation is not sent to anybody. It is a state, computed from the chain of scopes and the clock each time that
somebody asks (CANCEL-1). A checkpoint asks before and after it yields. A parked task can't ask, so whatever changes the
state is followed by a ``sweep``, which asks for it. Tasks are only ever resumed, and raise by themselves: no exception
is thrown into a coroutine, so none brings another task's context along (ERR-4).

Tracebacks hold the frames, and so the locals, of what is written here. So references are cut as soon as they have
served: a parker forgets its task, a scope its parent, a task its group (TASK-36, ERR-8).
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import count
from math import inf
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic
from types import FrameType, coroutine
from typing import Any, NoReturn, Self
from weakref import WeakSet

from accord import NoEventLoopError, RunFinishedError, toolkit
from accord.protocols import CancelReason, HandleStatus
from accord.toolkit.coroutines import call_for_awaitable
from accord.toolkit.handles import UNSET

from . import __version__

_FAR = 1e10  # seconds after which a timer is as good as none (TIME-5)
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


def _raise(error: BaseException, context: BaseException | None) -> NoReturn:
    try:
        raise error
    finally:
        error.__context__ = context  # and not what is being handled
        del error


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
        if self.own is None and self.task is not None and self.loop.has_passed(self._deadline):
            self.own = CancelReason("deadline")
        return self.own

    def chain(self) -> Iterator[_Scope]:
        scope: _Scope | None = self
        while scope is not None:
            yield scope
            scope = None if scope._shield else scope.parent

    def cause(self) -> CancelReason | None:
        """Return why the scope is effectively cancelled (CANCEL-1)."""
        for scope in self.chain():
            if (reason := scope.look()) is not None:
                return reason if scope is self else reason._replace(kind="parent")
        return None

    def above(self) -> CancelReason | None:
        return None if self._shield or self.parent is None else self.parent.cause()

    def update(self) -> None:
        """Bring the reason that is shown up to date: the first cause, unless a shield has hidden it since."""
        if self.shown is None or (self.shown.kind == "parent" and self.above() is None):
            self.shown = self.cause()

    def stop(self, reason: CancelReason | None) -> None:
        """Cancel this very scope."""
        if reason is not None and self.look() is None:
            self.own = reason
            self.loop.timers.pop(self, None)
            self.update()
            self.loop.sweep()

    def begin(self, task: _Task, parent: _Scope | None) -> None:
        if self.left or self.task is not None:
            raise RuntimeError("this cancel scope was entered before; it can be used only once")
        self.task, self.parent, task.scope = task, parent, self
        self.loop.scopes[self] = None
        self.arm(self._deadline if self.delay is None else self.loop.time() + self.delay)
        self.update()

    def arm(self, deadline: float) -> None:
        self.look()
        self._deadline, self.delay = deadline, None
        if self.task is not None:
            self.loop.timers.pop(self, None)
            if self.look() is None and deadline != inf:
                self.loop.timers[self] = deadline

    def check_exit(self) -> None:
        if self.task is None:
            raise RuntimeError("this cancel scope can't be left: it is not active")
        if self.task is not self.loop.current:
            raise RuntimeError("this cancel scope can't be left here: another task entered it")
        if self.task.scope is not self:
            raise RuntimeError("this cancel scope can't be left yet: it is not the innermost one of its task")

    def end(self, cancelled: bool) -> bool:
        """Leave the scope, with a cancellation or not; return whether it is caught (CANCEL-10)."""
        self.update()
        self.cancelled_caught = cancelled and self.look() is not None and self.above() is None
        self.loop.timers.pop(self, None)
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
        self.arm(toolkit.check_deadline(value))
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
        return self.look() is not None or (unused and self.loop.has_passed(self._deadline))

    @property
    def cancel_reason(self) -> CancelReason | None:
        self.update()
        return self.shown

    def cancel(self, reason: str | None = None) -> None:
        self.stop(CancelReason("explicit", reason, None if (task := self.loop.current) is None else task.name))

    def __enter__(self) -> Self:
        self.begin(self.loop.task(), self.loop.task().scope)
        return self

    def __exit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self.check_exit()
        cancelled, rest = toolkit.split(exc, Cancelled) if exc is not None else (None, None)
        if not self.end(cancelled is not None) or rest is None:
            return self.cancelled_caught
        try:
            _raise(rest, rest.__context__)
        finally:
            del exc, rest, cancelled


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Parker:
    """Satisfies ``protocols.Parker``."""

    task: _Task | None
    parked: bool = False
    woken: bool | None = None  # False: the task was cancelled
    value: Any = None

    async def wait(self, shielded: bool = False) -> bool:
        """Wait, and return whether it was for a value and not a cancellation."""
        if self.woken is None and self.task is not None:
            self.parked = True
            if not shielded:
                self.task.parker = self
                if self.task.has_pending_cancellation():
                    self.decide(False)
            await _pause()
        return self.woken is True

    def decide(self, woken: bool, value: object = None) -> bool:
        """Decide what the task gets, if that is still open (PARK-2)."""
        if self.woken is not None:
            return False
        task, self.task, self.woken, self.value = self.task, None, woken, value
        if self.parked and task is not None:
            task.parker = None
            task.loop.ready.append(task)
        return True

    async def park(self) -> Any:
        if not await self.wait():
            raise Cancelled
        return self.value

    async def park_shielded(self) -> Any:
        await self.wait(shielded=True)
        return self.value

    def unpark(self, value: Any, /) -> bool:
        return self.decide(True, value)


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Task(toolkit.HandleMixin[Any]):
    """Satisfies ``protocols.TaskHandle`` and ``protocols.TaskInfo``."""

    loop: _Loop
    _coro: Any
    _name: str
    context: Context
    group: _Group | None
    parent_id: int | None
    caller: _Parker | None = None  # where start() waits for started()
    starting: toolkit.StartStatus | None = None
    id: int = field(default_factory=lambda: next(_ids))
    scope: _Scope | None = None  # the innermost one
    base: _Scope = field(init=False)  # around all of the task
    parker: _Parker | None = None  # where a cancellation can interrupt it
    skipped: int = 0
    watchers: list[Callable[[], object]] = field(default_factory=list[Callable[[], object]])
    _status: HandleStatus = HandleStatus.PENDING
    _value: Any = UNSET
    _error: BaseException | None = None
    _start_value: Any = UNSET
    _waiters: list[Any] | None = None

    def begin(self, parent: _Scope | None) -> _Task:
        self.base = _Scope(self.loop)
        self.base.begin(self, parent)
        self.loop.tasks[self] = None
        self.loop.ready.append(self)
        return self

    @property
    def name(self) -> str:
        return self._name

    def has_pending_cancellation(self) -> bool:
        return self.scope is not None and self.scope.cause() is not None

    def cancel(self, reason: str | None = None) -> None:
        if not self.finished:
            self._status = HandleStatus.CANCELLING
            self.base.cancel(reason)

    def started(self, value: Any) -> None:
        """Move from the scope of the caller of ``start()`` to that of the group, if the caller still waits."""
        if self.caller is not None and self.group is not None and self.caller.unpark(True):
            self.caller, self._start_value, self.base.parent = None, value, self.group.cancel_scope
            self.loop.sweep()

    def step(self) -> None:
        """Run the task until it yields."""
        self.loop.current, self.skipped = self, 0
        value, error = UNSET, None
        try:
            command = self.context.run(self._coro.send, None)
            while command is not _PAUSE:
                text = f"task {self.name!r} awaited something that does not belong to this loop"
                command = self.context.run(self._coro.throw, RuntimeError(text))
        except StopIteration as stop:
            value = stop.value
        except BaseException as exc:
            error = exc.with_traceback(exc.__traceback__ and exc.__traceback__.tb_next)
        else:
            return
        finally:
            self.loop.current = None
        self.end(value, error)

    def end(self, value: Any, error: BaseException | None) -> None:
        del self.loop.tasks[self]
        if self.scope is not self.base:
            error = error or RuntimeError(f"task {self.name!r} ended inside a cancel scope that it had entered")
            while self.scope is not None and self.scope is not self.base:
                self.scope.stop(CancelReason("failure", None, self.name))
                self.scope.end(cancelled=False)
        cancelled, rest = toolkit.split(error, Cancelled) if error is not None else (None, None)
        if self.base.end(cancelled is not None):
            error = rest
        self.scope, group, self.group = None, self.group, None
        if error is not None:
            toolkit.prune(error)
        if rest is not None and group is not None:
            toolkit.note_task(rest, self.name)
        if self.starting is not None:
            self.starting.disconnect()
        self._value = value
        if group is None:
            self.loop.outcome = error
        else:
            group.ended(self, error)
        if rest is not None:
            self._error = error
        ended = HandleStatus.FINISHED if cancelled is None else HandleStatus.CANCELLED
        self._settle(ended if rest is None else HandleStatus.FAILED)
        for watcher in self.watchers:
            self.loop.call(watcher)


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

    def check_open(self) -> _Task:
        if self.host is None:
            raise RuntimeError("this task group is not open: it can start tasks only inside its block")
        return self.host

    def spawn(self, coro: Any, name: str, parent: _Scope | None, context: Context | None = None, *start: Any) -> _Task:
        context = copy_context() if context is None else context
        task = _Task(self.loop, coro, name, context, self, self.check_open().id, *start).begin(parent)
        self.tasks.add(task)
        return task

    def start_soon(self, func: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any, name: object = None) -> _Task:
        self.check_open()
        return self.spawn(toolkit.call_for_coroutine(func, args), toolkit.task_name(func, name), self.cancel_scope)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], /, *, name: object = None, context: Context | None = None
    ) -> _Task:
        toolkit.check_coroutine(coro)
        if self.host is None:
            coro.close()
        return self.spawn(coro, toolkit.task_name(coro, name), self.cancel_scope, context)

    async def start(
        self, func: Callable[..., Any], /, *args: Any, name: object = None, return_handle: bool = False
    ) -> Any:
        self.check_open()
        if not callable(func):
            toolkit.call_for_coroutine(func, args)
        await backend.checkpoint_if_cancelled()
        status = toolkit.StartStatus(lambda value: task.started(value))
        coro = toolkit.call_for_coroutine(func, args, {"task_status": status})
        caller, scope = backend.create_parker(), self.loop.task().scope
        task = self.spawn(coro, toolkit.task_name(func, name), scope, None, caller, status)
        cancelled = not await caller.wait()
        if caller.value:
            return task if return_handle else task.start_value
        if cancelled:
            task.base.stop(CancelReason("parent"))
            while not task.finished:
                task._waiters = [*(task._waiters or ()), parker := backend.create_parker()]
                await parker.park_shielded()
        error, task._error = task._error, None
        try:
            if error is not None:
                _raise(error, error.__context__)
            if cancelled or task.status is HandleStatus.CANCELLED:
                raise Cancelled
            raise RuntimeError(f"task {task.name!r} ended without calling started()")
        finally:
            del error

    def ended(self, task: _Task, error: BaseException | None) -> None:
        self.tasks.discard(task)
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
        self.host = self.loop.task()
        return self

    async def __aexit__(self, kind: object, exc: BaseException | None, tb: object, /) -> bool:
        self.cancel_scope.check_exit()
        if exc is not None:
            self.take(exc, self.loop.task().name)
        await self.loop.pause()
        while self.tasks:
            self.exit = backend.create_parker()
            await self.exit.park_shielded()
        cut = not self.cancel_scope.end(self.cut) and self.cut
        self.host, errors, self.errors = None, self.errors, []
        if not errors and (not cut or isinstance(exc, Cancelled)):
            return not cut
        error: BaseException = Cancelled()
        if errors:
            cancelled, error = error, toolkit.group_error(errors, self.name)
            error = error.derive([*errors, cancelled]) if cut else error
            toolkit.prune(error)
        try:
            _raise(error, None)
        finally:
            del exc, errors, error


@dataclass(slots=True, eq=False, repr=False, weakref_slot=True)
class _Loop:
    """One run: the scheduler and the clock. Satisfies ``protocols.LoopToken``."""

    frozen: bool
    random: Random | None
    budget: int
    offset: float = field(default_factory=lambda: -monotonic())
    held: int = 0
    closed: bool = False
    context: Context = field(default_factory=copy_context)
    # What a signal handler uses must bear being interrupted by it: put() of a SimpleQueue, and a reentrant lock.
    inbox: SimpleQueue[Any] = field(default_factory=SimpleQueue[Any])
    guard: Any = field(default_factory=threading.RLock)
    generators: WeakSet[AsyncGenerator[Any, Any]] = field(default_factory=WeakSet[AsyncGenerator[Any, Any]])
    orphans: list[AsyncGenerator[Any, Any]] = field(default_factory=list[AsyncGenerator[Any, Any]])
    root: _Task | None = None
    outcome: BaseException | None = None
    failure: BaseException | None = None
    current: _Task | None = None
    ready: list[_Task] = field(default_factory=list[_Task])
    blocked: list[_Parker] = field(default_factory=list[_Parker])  # those who wait for all others to wait
    tasks: dict[_Task, None] = field(default_factory=dict[_Task, None])
    scopes: dict[_Scope, None] = field(default_factory=dict[_Scope, None])
    timers: dict[_Scope | _Parker, float] = field(default_factory=dict[_Scope | _Parker, float])

    @property
    def backend_name(self) -> str:
        return backend.name

    def call_soon(self, func: Callable[..., object], /, *args: Any) -> None:
        with self.guard:
            if self.closed:
                raise RunFinishedError
            self.inbox.put((func, args))

    def hold_clock(self) -> None:
        with self.guard:
            self.held += 1

    def release_clock(self) -> None:
        with self.guard:
            self.held -= 1

    def time(self) -> float:
        return self.offset if self.frozen else self.offset + monotonic()

    def has_passed(self, deadline: float) -> bool:
        return deadline != inf and self.time() >= deadline

    def task(self) -> _Task:
        if self.current is None:
            raise RuntimeError("no task is running here: this is a callback of the loop")
        return self.current

    @coroutine
    def pause(self) -> Generator[object, None, None]:
        self.ready.append(self.task())
        yield _PAUSE

    def sweep(self) -> None:
        """After a change of any scope: cancel what waits and has become cancelled."""
        for scope in self.scopes:
            scope.update()
        for task in self.tasks:
            if task.parker is not None and task.has_pending_cancellation():
                task.parker.decide(False)

    def call(self, func: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        try:
            self.context.run(func, *args)
        except BaseException as exc:
            self.fail(exc.with_traceback(exc.__traceback__ and exc.__traceback__.tb_next))

    def fail(self, error: BaseException) -> None:
        """End the run with an error that is no task's (RUN-19)."""
        if self.failure is None and self.root is not None:
            self.failure = error
            self.root.base.stop(CancelReason("shutdown"))

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT: as usual in the code of a task, but let no exception into the scheduler."""
        if self.current is None or frame is None or frame.f_globals is globals():
            self.call_soon(self.fail, KeyboardInterrupt())
        else:
            signal.default_int_handler(number, frame)

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        hooks, handler = sys.get_asyncgen_hooks(), signal.getsignal(signal.SIGINT)
        handles = handler is signal.default_int_handler and threading.current_thread() is threading.main_thread()
        if handles:
            signal.signal(signal.SIGINT, self.interrupt)
        sys.set_asyncgen_hooks(self.generators.add, self.orphans.append)
        _here.loop = self
        try:
            name, coro = toolkit.task_name(main), self.main(main, args)
            self.root = root = _Task(self, coro, name, copy_context(), None, None).begin(None)
            while self.tasks:
                self.turn()
            with self.guard:
                self.closed = True
            self.make_calls()
        finally:
            _here.loop = None
            sys.set_asyncgen_hooks(*hooks)
            if handles:
                signal.signal(signal.SIGINT, handler)
        error, failure = self.outcome, self.failure
        self.outcome = self.failure = self.root = None
        if failure is not None:
            failure.__cause__ = None if error is None else toolkit.split(error, Cancelled)[1]
            error = failure
        try:
            if error is not None:
                raise toolkit.exit_exception(error)
        finally:
            del error, failure
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
        self.make_calls()
        self.fire()
        tasks, self.ready = self.ready, []
        if self.random is not None:
            self.random.shuffle(tasks)
        for task in tasks:
            task.step()

    def make_calls(self) -> None:
        for _ in range(self.inbox.qsize()):
            self.call(*self.inbox.get())

    def idle(self) -> None:
        """Nothing is runnable: say so, or let the clock jump, or wait for a call from outside."""
        left = min(self.timers.values(), default=inf) - self.time()
        if self.blocked:
            blocked, self.blocked = self.blocked, []
            for parker in blocked:
                parker.unpark(None)
        elif left < _FAR and not self.held:
            self.offset += max(left, 0)
        else:
            try:
                self.call(*self.inbox.get(timeout=None if self.frozen or left >= _FAR else max(left, 0)))
            except Empty:
                pass

    def fire(self) -> None:
        now = self.time()
        due = sorted((timer for timer, when in self.timers.items() if when <= now), key=self.timers.__getitem__)
        if self.random is not None:
            self.random.shuffle(due)
        for timer in due:
            del self.timers[timer]
            if isinstance(timer, _Parker):
                timer.unpark(None)
        if due:
            self.sweep()


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

    @property
    def testing(self) -> Self:
        return self

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        toolkit.check_options(self.name, options, ("checkpoint_budget", "frozen", "seed"))
        budget, frozen, seed = toolkit.check_budget(options), toolkit.check_flag(options, "frozen"), options.get("seed")
        if isinstance(seed, bool) or not isinstance(seed, int | None):
            raise TypeError(f"seed must be an int or None, not {type(seed).__name__}")
        return _Loop(frozen, None if seed is None else Random(seed), budget).run(main, args)

    def is_running_here(self) -> object:
        return _here.loop

    def current_token(self) -> _Loop:
        return _loop()

    def current_time(self) -> float:
        return _loop().time()

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> _Scope:
        return _Scope(_loop(), deadline, delay, shield)

    def current_effective_deadline(self) -> float:
        scope = _loop().task().scope
        assert scope is not None
        return min(scope.deadline for scope in scope.chain()) if scope.cause() is None else -inf

    async def checkpoint(self) -> None:
        loop = _loop()
        cancelled = loop.task().has_pending_cancellation()
        await loop.pause()
        if cancelled or loop.task().has_pending_cancellation():
            raise Cancelled

    async def checkpoint_if_cancelled(self) -> None:
        if _loop().task().has_pending_cancellation():
            await _loop().pause()
            raise Cancelled

    async def cancel_shielded_checkpoint(self) -> None:
        await _loop().pause()

    def checkpoint_due(self) -> bool:
        task = _loop().task()
        task.skipped += 1
        return task.skipped >= task.loop.budget or task.has_pending_cancellation()

    async def sleep_until(self, deadline: float, /) -> None:
        loop = _loop()
        if loop.has_passed(deadline):
            return await self.checkpoint()
        parker = self.create_parker()
        loop.timers[parker] = deadline
        try:
            await parker.park()
        finally:
            loop.timers.pop(parker, None)

    def create_task_group(self, name: str | None, /) -> _Group:
        return _Group(_loop(), name, _Scope(_loop()))

    def current_task(self) -> _Task:
        return _loop().task()

    def running_tasks(self) -> list[_Task]:
        return list(_loop().tasks)

    def watch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        task.watchers.append(callback)

    def unwatch_task(self, task: Any, callback: Callable[[], object], /) -> None:
        if callback in task.watchers:
            task.watchers.remove(callback)

    def create_parker(self) -> _Parker:
        return _Parker(_loop().task())

    async def wait_all_tasks_blocked(self) -> None:
        parker = self.create_parker()
        _loop().blocked.append(parker)
        await parker.park()


backend = _Backend()
