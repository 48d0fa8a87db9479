"""The waist on AnyIO's public API, as thin as it can be: nothing that AnyIO does is put right.

AnyIO's own:
    run, the clock, scopes, deadlines, checkpoints, sleeping, task groups, ``start()``, handles and their states, task
    names and ids, ``has_pending_cancellation()``, the list of running tasks, waiting for readiness, waiting until all
    tasks are blocked, the runner of its pytest plugin. AnyIO's exceptions come out as accord's of the same name, with
    AnyIO's text if it has one.

Ours, because AnyIO has no public equivalent:
    - the option ``checkpoint_budget``, and ``checkpoint_due()``, which always says yes: most operations of AnyIO yield
      each time;
    - ``cancel_reason``: what can be seen from outside: an explicit ``cancel()``, a deadline that has passed, else a
      failure; the task that failed is not known, and causes in ancestors aren't seen;
    - the name of a task group, which AnyIO does not take and so drops;
    - one object for each task (AnyIO makes a new one at each question), whether the task has ended, and the watchers
      of its end, which hear of it when the task's coroutine is freed (on Trio, where AnyIO leaves some in reference
      cycles, when an instrument says so);
    - the token: one object for each run, kept in a ``RunVar``. It calls ``run_sync_soon`` of the backend class that
      AnyIO's own token names: ``from_thread.run_sync`` would wait for the call;
    - tasks that belong to no group, which are the host's;
    - the parker: an ``anyio.Event`` and a value. Whether a waiter was cancelled before it was woken is asked of
      ``has_pending_cancellation()``, as AnyIO's memory streams do;
    - the poller: the loop of attempt and ``wait_readable`` around AnyIO's ``ResourceGuard``, after a checkpoint.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

import anyio
import anyio.lowlevel
from anyio._core._eventloop import get_async_backend

import accord
from accord.toolkit import Outcome, check_budget

from .anyio_tasks import CancelScope, TaskGroup, TaskInfo, find_info, translated

_UNSET: Any = object()
_NO_VARIANTS: Mapping[str, Mapping[str, object]] = MappingProxyType({})


class LoopToken:
    """One run of a loop; refers to AnyIO's token weakly, because the run variable that keeps this refers to that."""

    def __init__(self, backend_name: str) -> None:
        token = anyio.lowlevel.current_token()
        self.backend_name = backend_name
        self._backend_class = token.backend_class
        self._native = weakref.ref(token.native_token)
        self._tasks: set[asyncio.Future[None]] = set()

    def call_soon(self, func: Callable[..., object], /, *args: Any) -> None:
        """AnyIO's."""
        native = self._native()
        if native is None:
            raise accord.RunFinishedError
        try:
            self._backend_class.run_sync_soon(func, args, native)
        except anyio.RunFinishedError:
            raise accord.RunFinishedError from None

    def start_task(self, func: Callable[[], Coroutine[Any, Any, None]], /) -> None:
        """The host's: AnyIO has no task outside of a group."""
        if self.backend_name == "anyio-asyncio":
            task = asyncio.ensure_future(func())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        import trio

        try:
            trio.lowlevel.spawn_system_task(func)
        except RuntimeError:
            raise accord.RunFinishedError from None

    def hold_clock(self) -> None:
        """Nothing: AnyIO's clock is never simulated here."""

    def release_clock(self) -> None:
        """Nothing."""


class Parker:
    """A place to wait once, made of an event."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._value: Any = _UNSET
        self._waiter: anyio.TaskInfo | None = None
        self._dead = False

    async def park(self) -> Any:
        """Wait for the event, unless it came first."""
        if self._value is _UNSET:
            self._waiter = anyio.get_current_task()
            try:
                await self._event.wait()
            except BaseException:
                self._dead = True
                raise
            finally:
                self._waiter = None
        return self._value

    async def park_shielded(self) -> Any:
        """Wait in a shielded scope."""
        with anyio.CancelScope(shield=True):
            return await self.park()

    def unpark(self, value: Any, /) -> bool:
        """Set the event, unless the waiter was cancelled or the event set."""
        if self._dead or self._value is not _UNSET:
            return False
        if self._waiter is not None and self._waiter.has_pending_cancellation():
            return False
        self._value = value
        self._event.set()
        return True


class Poller:
    """Attempts, and AnyIO's waits between them."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._reading = anyio.ResourceGuard("reading from")
        self._writing = anyio.ResourceGuard("writing to")
        self._closed = False

    async def readable(self, attempt: Callable[[], Any], /) -> Any:
        """Attempt to read until it works."""
        return await self._until(attempt, self._reading, anyio.wait_readable)

    async def writable(self, attempt: Callable[[], Any], /) -> Any:
        """Attempt to write until it works."""
        return await self._until(attempt, self._writing, anyio.wait_writable)

    async def _until(
        self, attempt: Callable[[], Any], guard: anyio.ResourceGuard, wait: Callable[[int], Awaitable[None]]
    ) -> Any:
        if self._closed:
            raise accord.ClosedResourceError
        try:
            with guard:
                await anyio.lowlevel.checkpoint()
                while not self._closed:
                    try:
                        return attempt()
                    except BlockingIOError:
                        pass
                    await wait(self._fd)
        except (anyio.BusyResourceError, anyio.ClosedResourceError) as exc:
            error = translated(exc)
        else:
            raise accord.ClosedResourceError
        raise error

    def close(self) -> None:
        """Tell AnyIO that the descriptor will be closed."""
        if not self._closed:
            self._closed = True
            anyio.notify_closing(self._fd)


class Readiness:
    """Makes pollers."""

    def create_poller(self, fd: int, /) -> Poller:
        """Return a poller."""
        return Poller(fd)


class Runner:
    """What AnyIO's pytest plugin runs tests with, which has no public name; ours is a task for each call."""

    def __init__(self, host: str, options: Mapping[str, object]) -> None:
        check_budget(options)
        native = {name: value for name, value in options.items() if name != "checkpoint_budget"}
        self._runner: Any = get_async_backend(host).create_test_runner(native)
        self._runner.__enter__()

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], /) -> Any:
        """AnyIO's ``run_fixture``, of a function that starts a task and waits for it."""
        outcome = Outcome()
        context = copy_context()

        async def root() -> None:
            try:
                outcome.value = await main(*args)
            except BaseException as exc:
                outcome.error = exc

        async def call() -> None:
            async with anyio.create_task_group() as group:
                context.run(group.start_soon, root)

        self._runner.run_fixture(call, {})
        return outcome.unwrap()

    def close(self) -> None:
        """AnyIO's."""
        self._runner.__exit__(None, None, None)


class Testing:
    """AnyIO's help for tests."""

    wait_all_tasks_blocked = staticmethod(anyio.wait_all_tasks_blocked)

    def __init__(self, host: str) -> None:
        self._host = host

    def create_runner(self, options: Mapping[str, object], /) -> Runner:
        """Return a runner."""
        return Runner(self._host, options)


class AnyIOBackend:
    """One of AnyIO's two backends."""

    spec_version = "0.1"
    version = version("anyio")
    capabilities = frozenset({"readiness", "testing"})
    readiness = Readiness()
    current_time = staticmethod(anyio.current_time)
    current_effective_deadline = staticmethod(anyio.current_effective_deadline)
    checkpoint = staticmethod(anyio.lowlevel.checkpoint)
    checkpoint_if_cancelled = staticmethod(anyio.lowlevel.checkpoint_if_cancelled)
    cancel_shielded_checkpoint = staticmethod(anyio.lowlevel.cancel_shielded_checkpoint)
    sleep_until = staticmethod(anyio.sleep_until)
    create_parker = staticmethod(Parker)

    def __init__(self, host: str, variants: Mapping[str, Mapping[str, object]] = _NO_VARIANTS) -> None:
        self._host = host
        self.testing = Testing(host)
        self.name = f"anyio-{host}"
        self.variants = variants
        self._token: anyio.lowlevel.RunVar[LoopToken] = anyio.lowlevel.RunVar(self.name)

    @property
    def cancelled_exc_class(self) -> type[BaseException]:
        """The host's; AnyIO tells it only inside a loop."""
        if self._host == "asyncio":
            return asyncio.CancelledError
        import trio

        return trio.Cancelled

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        """AnyIO's, with the option ``checkpoint_budget`` checked and taken away."""
        check_budget(options)
        native = {name: value for name, value in options.items() if name != "checkpoint_budget"}
        return anyio.run(main, *args, backend=self._host, backend_options=native)

    def is_running_here(self) -> object:
        """Whether AnyIO finds the host's loop."""
        try:
            return anyio.get_cancelled_exc_class() is self.cancelled_exc_class
        except anyio.NoEventLoopError:
            return False

    def current_token(self) -> LoopToken:
        """Ours."""
        token = self._token.get(None)
        if token is None:
            token = LoopToken(self.name)
            self._token.set(token)
        return token

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> CancelScope:
        """AnyIO's ``CancelScope`` or, with a delay, ``move_on_after``."""
        if delay is not None:
            return CancelScope(anyio.move_on_after(delay, shield))
        return CancelScope(anyio.CancelScope(deadline=deadline, shield=shield))

    def checkpoint_due(self) -> bool:
        """Ours: always."""
        return True

    def create_task_group(self, name: str | None, /) -> TaskGroup:
        """AnyIO's, which has no name."""
        return TaskGroup()

    def current_task(self) -> TaskInfo:
        """AnyIO's."""
        return find_info(anyio.get_current_task())

    def running_tasks(self) -> Sequence[TaskInfo]:
        """AnyIO's."""
        return [find_info(info) for info in anyio.get_running_tasks()]

    def watch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """Ours."""
        task.watch(callback)

    def unwatch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """Ours."""
        task.unwatch(callback)
