"""Portals: an object inside a loop through which threads call functions there, each call a task of the portal's group.

What a task raises goes to whoever called, and nowhere else. An exception that is no ``Exception`` and no cancellation
(``KeyboardInterrupt``, ``SystemExit``) goes to the caller too, and ends the portal: its other tasks are cancelled,
later calls are refused, and the block that holds the portal raises it. asyncio would let it fall out of the loop
instead, with every caller left waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple, Unpack, cast, overload

from ._backends import current_backend
from ._portal_calls import CANCELLED, Elsewhere, PortalCall, PortalTaskStatus, Promise, Receiver, Waiting
from ._tasks import create_task_group
from .exceptions import RunFinishedError
from .protocols import LoopToken, TaskGroup
from .sync import Event
from .toolkit.coroutines import task_name
from .toolkit.errors import prune

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class BlockingPortal:
    """A way into the loop for other threads; an asynchronous, single-use context manager (area PORTAL).

    Leaving the block refuses new calls and waits for the tasks; leaving it with an exception cancels them.
    """

    __slots__ = ("__weakref__", "_fatal", "_group", "_state", "_stopped", "_thread", "_token")

    def __init__(self) -> None:
        self._state = "was not entered"
        self._group: TaskGroup | None = None
        self._token: LoopToken | None = None
        self._stopped = Event()
        self._thread = 0
        self._fatal: BaseException | None = None

    async def __aenter__(self) -> Self:
        if self._group is not None:
            raise RuntimeError("a portal can be entered only once")
        backend = current_backend()
        self._group = create_task_group(name="portal")
        await self._group.__aenter__()
        self._token = backend.current_token()
        self._thread = threading.get_ident()
        self._state = ""
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        assert self._group is not None
        self._stop("was stopped")
        if isinstance(exc, Exception):
            # No task of the portal raises into the group: there is nothing that the error could be grouped with.
            self._group.cancel("the portal's block has raised")
            await self._group.__aexit__(None, None, None)
            suppress = False
        else:
            suppress = await self._group.__aexit__(exc_type, exc, tb)
        fatal, self._fatal = self._fatal, None
        if fatal is not None and fatal is not exc:
            try:
                raise fatal
            finally:
                del fatal
        return suppress

    def _stop(self, state: str) -> None:
        self._state = self._state or state
        self._stopped.set()

    def end_with(self, fatal: BaseException) -> None:
        """Stop because of an exception that must not be lost; on the loop."""
        assert self._group is not None
        self._fatal = self._fatal or fatal
        self._stop(f"was ended by {type(fatal).__name__}")
        self._group.cancel()

    async def sleep_until_stopped(self) -> None:
        """Wait until ``stop`` is called; a checkpoint."""
        await self._stopped.wait()

    async def stop(self, cancel_remaining: bool = False) -> None:
        """Refuse new calls, so that the portal's block can be left; idempotent, no checkpoint.

        :param cancel_remaining: cancel the tasks that are still running, the one that calls this included.
        """
        self.stop_now(cancel_remaining)

    def stop_now(self, cancel_remaining: bool = False) -> None:
        """Do what ``stop`` does; on the loop's thread, also in a callback."""
        self._stop("was stopped")
        if cancel_remaining and self._group is not None:
            self._group.cancel("the portal was stopped")

    def _check_running(self) -> LoopToken:
        state, token = self._state, self._token
        if state or token is None:
            raise RuntimeError(f"this portal takes no calls: it {state}")
        return token

    def _submit(self, receiver: Receiver, func: Callable[..., Any], args: tuple[Any, ...]) -> PortalCall:
        if not callable(func):
            raise TypeError(f"func must be callable, not {type(func).__name__}")
        self._check_running()
        return PortalCall(self, receiver, func, args)

    def _send(self, call: PortalCall, name: object = None) -> None:
        token = self._check_running()
        if threading.get_ident() == self._thread:
            # At once: the portal may be stopped before the loop's next turn.
            self._begin(call, name)
        else:
            token.call_soon(self._begin, call, name)

    def _begin(self, call: PortalCall, name: object) -> None:
        if call.clock is not None:
            call.clock.release_clock()
        try:
            assert self._group is not None
            self._check_running()
            call.begin(self._group, name)
        except BaseException as exc:
            # Also what create_task says of a group that has ended meanwhile.
            call.receiver.fail(exc)

    def _check_thread(self) -> None:
        if threading.get_ident() == self._thread and not self._state:
            raise RuntimeError(
                "this is the thread of the portal's loop, which would wait for itself for ever: await the function"
            )

    @overload
    def call(self, func: Callable[[Unpack[Ts]], Awaitable[T]], /, *args: *Ts) -> T: ...
    @overload
    def call(self, func: Callable[[Unpack[Ts]], T], /, *args: *Ts) -> T: ...
    def call(self, func: Callable[[Unpack[Ts]], Any], /, *args: *Ts) -> Any:
        """Call ``func(*args)`` in a task of the portal, await what it returns if that can be awaited, and return it.

        Blocks the thread. Raises what the function raises, ``concurrent.futures.CancelledError`` if its task is
        cancelled, and ``RuntimeError`` in the thread of the portal's loop or if the portal takes no calls. If the
        waiting thread is interrupted, the task is cancelled.
        """
        self._check_thread()
        waiting = Waiting(self._token)
        call = self._submit(waiting, func, args)
        call.clock = waiting.clock
        self._send(call)
        try:
            return waiting.wait()
        except BaseException:
            if not waiting.answered:
                self._cancel(call)
            raise

    def _cancel(self, call: PortalCall) -> None:
        try:
            assert self._token is not None
            self._token.call_soon(call.cancel)
        except RunFinishedError:
            pass

    @overload
    async def call_async(
        self, func: Callable[[Unpack[Ts]], Awaitable[T]], /, *args: *Ts, abandon_on_cancel: bool = False
    ) -> T: ...
    @overload
    async def call_async(
        self, func: Callable[[Unpack[Ts]], T], /, *args: *Ts, abandon_on_cancel: bool = False
    ) -> T: ...
    async def call_async(
        self, func: Callable[[Unpack[Ts]], Any], /, *args: *Ts, abandon_on_cancel: bool = False
    ) -> Any:
        """Call ``func(*args)`` as ``call`` does, from a task of any loop, whose other tasks go on meanwhile.

        :param abandon_on_cancel: leave the portal's task to itself on cancellation. By default that task is cancelled
            too and waited for, and if it has come to an end nevertheless, with what it returns or raises.

        Raises as ``call`` does, but for the thread. A checkpoint.
        """
        await current_backend().checkpoint_if_cancelled()
        waiting = Elsewhere()
        try:
            call = self._submit(waiting, func, args)
            self._send(call)
        except BaseException:
            waiting.give_up()
            raise
        try:
            await waiting.wait_here()
        except BaseException as exc:
            if abandon_on_cancel or isinstance(exc, GeneratorExit):
                raise
            self._cancel(call)
            await waiting.wait_on()
            # A cancellation of a scope comes again at the next checkpoint; one of the host's is delivered only once.
            comes_again = current_backend().current_task().has_pending_cancellation()
            if isinstance(waiting.error, CancelledError) or not comes_again:
                raise
        return waiting.take()

    @overload
    def start_task_soon(
        self, func: Callable[[Unpack[Ts]], Awaitable[T]], /, *args: *Ts, name: object = None
    ) -> Future[T]: ...
    @overload
    def start_task_soon(self, func: Callable[[Unpack[Ts]], T], /, *args: *Ts, name: object = None) -> Future[T]: ...
    def start_task_soon(self, func: Callable[[Unpack[Ts]], Any], /, *args: *Ts, name: object = None) -> Future[Any]:
        """Begin to call ``func(*args)`` in a task of the portal, and return a future of what comes of it.

        :param name: the task's name; by default taken from ``func``.

        Cancelling the future cancels the task, and the other way round. Can be called in any thread, also the
        loop's. Raises ``RuntimeError`` if the portal takes no calls.
        """
        future: Future[Any] = Future()
        call = self._submit(Promise(future), func, args)
        self._send(call, name)
        self._follow(future, call)
        return future

    def _follow(self, future: Future[Any], call: PortalCall) -> None:
        def cancel(future: Future[Any]) -> None:
            if future.cancelled():
                self._cancel(call)

        future.add_done_callback(cancel)

    def start_task(
        self, func: Callable[..., Awaitable[T]], /, *args: object, name: object = None
    ) -> tuple[Future[T], Any]:
        """Begin ``func(*args, task_status=...)`` in a task of the portal and wait for ``task_status.started(value)``.

        :param name: the task's name; by default taken from ``func``.

        Returns a future as ``start_task_soon`` does, and the value. Blocks the thread. Raises what the function raises
        before that, ``RuntimeError`` if it returns before that, and otherwise as ``call`` does.
        """
        self._check_thread()
        future: Future[T] = Future()
        started: Future[Any] = Future()
        call = self._submit(Promise(future), func, args)
        call.with_status(PortalTaskStatus(started))
        self._send(call, name)
        self._follow(future, call)

        def ended(future: Future[T]) -> None:
            error = CancelledError(CANCELLED) if future.cancelled() else future.exception()
            if error is None:
                error = RuntimeError(f"task {task_name(func, name)!r} ended without calling started()")
            try:
                started.set_exception(error)
            except InvalidStateError:
                pass  # it was started, or nobody waits any more

        future.add_done_callback(ended)
        try:
            return future, started.result()
        except BaseException as exc:
            if not started.done():
                future.cancel()
            prune(exc)
            raise

    def wrap_async_context_manager(self, cm: AbstractAsyncContextManager[T]) -> AbstractContextManager[T]:
        """Return a synchronous context manager that enters and leaves ``cm``, both in one task of the portal.

        Entering and leaving block the thread, and raise as ``call`` does; leaving works also after ``stop()``.
        """
        return _Wrapped(self, cm)

    def call_soon(self, func: Callable[[Unpack[Ts]], object], *args: *Ts) -> None:
        """Have ``func(*args)`` called on the loop though the portal may be stopped; nothing if the run has ended."""
        try:
            assert self._token is not None
            self._token.call_soon(func, *args)
        except RunFinishedError:
            pass

    def __repr__(self) -> str:
        return f"<BlockingPortal that {self._state or 'takes calls'}>"


class _Wrapped(AbstractContextManager[T]):
    """An asynchronous context manager whose block is elsewhere."""

    def __init__(self, portal: BlockingPortal, cm: AbstractAsyncContextManager[T]) -> None:
        self._portal = portal
        self._cm = cm
        self._left = Event()
        self._error: tuple[Any, Any, Any] = (None, None, None)
        self._future: Future[bool | None] | None = None

    async def _run(self, *, task_status: Any) -> bool | None:
        value = await self._cm.__aenter__()
        try:
            task_status.started(value)
            await self._left.wait()
        except BaseException as exc:
            # The task was cancelled while the block was at work.
            if not await self._cm.__aexit__(type(exc), exc, exc.__traceback__):
                raise
            return None
        return await self._cm.__aexit__(*self._error)

    def __enter__(self) -> T:
        if self._future is not None:
            raise RuntimeError("this context manager can be entered only once")
        name = f"{type(self._cm).__module__}.{type(self._cm).__qualname__}"
        self._future, value = self._portal.start_task(self._run, name=name)
        return cast(T, value)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        assert self._future is not None
        self._error = (exc_type, exc, tb)
        self._portal.call_soon(self._left.set)
        try:
            return self._future.result()
        finally:
            self._error = (None, None, None)
