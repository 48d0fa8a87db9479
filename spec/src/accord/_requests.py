"""What a thread asks of a loop: to call a function, or to run one in a task, and to wait for what comes of it.

The thread waits on a plain lock, which the loop releases: a ``concurrent.futures.Future`` costs more than all the rest.
An asynchronous function is run by the task that waits for the thread, where there is one. So it is cancelled when that
task is, belongs where that task belongs, and costs no task of its own; but its steps run in the context of the thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from copy import copy
from types import coroutine
from typing import TYPE_CHECKING, Any

from ._backends import current_backend, running_backend
from ._scopes import CancelScope
from .exceptions import RunFinishedError
from .protocols import LoopToken
from .toolkit.coroutines import call_for_coroutine, close_quietly, is_coroutine
from .toolkit.errors import prune

if TYPE_CHECKING:
    from .to_thread import ThreadCall


class _Here(threading.local):
    call: ThreadCall | None = None


here = _Here()
"""The call that this thread is at work on."""


def copied(error: BaseException) -> BaseException:
    """Return an equal exception without traceback, for another thread to raise; the same one if it can't be copied."""
    try:
        return copy(error)
    except Exception:
        return error


def in_loop_of(token: LoopToken) -> bool:
    """Return whether this thread is inside the loop of ``token``."""
    backend = running_backend()
    return backend is not None and backend.current_token() is token


class Answer:
    """What came of a request; one thread waits for it."""

    __slots__ = ("answered", "bell", "error", "value")

    def __init__(self) -> None:
        self.answered = False
        self.bell = threading.Lock()
        self.bell.acquire()
        self.value: Any = None
        self.error: BaseException | None = None

    def reply(self) -> None:
        """Let the waiting thread go on, with what has been noted."""
        self.answered = True
        self.bell.release()

    def fail(self, error: BaseException) -> None:
        """Let the waiting thread raise ``error``."""
        self.error = error
        self.reply()

    def take(self) -> Any:
        """Return the value or raise the error."""
        error, self.error = self.error, None
        if error is None:
            return self.value
        try:
            raise error
        finally:
            del error  # its traceback leads to this frame

    def wait(self) -> Any:
        """Wait for the answer, and return or raise it; blocks the thread."""
        self.bell.acquire()
        return self.take()


class SyncRequest(Answer):
    """To call a function on the loop's thread, outside of tasks."""

    __slots__ = ("_args", "_context", "_func")

    def __init__(self, func: Callable[..., Any], args: tuple[Any, ...]) -> None:
        super().__init__()
        self._func = func
        self._args = args
        self._context = copy_context()

    def carry_out(self) -> None:
        """Call it; on the loop. Whatever it raises is for the thread alone."""
        try:
            value = self._context.run(self._func, *self._args)
            if is_coroutine(value):
                close_quietly(value)
                raise TypeError(
                    f"{self._func!r} returned a coroutine: an async function is run by from_thread.run, not run_sync"
                )
            self.value = value
        except BaseException as exc:
            prune(exc)
            self.error = exc
        self.reply()


class AsyncRequest(Answer):
    """To run an asynchronous function on the loop's thread."""

    __slots__ = ("_args", "_context", "_func", "_scope")

    def __init__(self, func: Callable[..., Coroutine[Any, Any, Any]], args: tuple[Any, ...]) -> None:
        super().__init__()
        self._func = func
        self._args = args
        self._context = copy_context()
        self._scope: CancelScope | None = None

    async def serve(self) -> None:
        """Run it in the current task; raises only if that task is closed."""
        try:
            await self._steps()
        finally:
            self.reply()

    @coroutine
    def _steps(self) -> Generator[Any, Any, None]:
        """Do each step of the function in the thread's context, and note what comes of it."""
        run = self._context.run
        value: Any = None
        try:
            coro = run(call_for_coroutine, self._func, self._args)
            step: Any = coro.send
            while True:
                try:
                    command = run(step, value)
                except StopIteration as stop:
                    self.value = stop.value
                    return
                finally:
                    value = None  # the traceback of an exception leads to this frame
                try:
                    value = yield command
                    step = coro.send
                except GeneratorExit:
                    self.error = RunFinishedError("the task that was to run the function has been dropped")
                    run(coro.close)
                    raise
                except BaseException as exc:
                    step, value = coro.throw, exc
        except BaseException as exc:
            if self.error is not None:
                raise
            prune(exc)
            self.error = exc

    def start(self, token: LoopToken) -> None:
        """Run it in a task that belongs to nobody, with ``token`` of the loop; on the loop."""
        try:
            self._scope = CancelScope()
            token.start_task(self._serve_alone)
        except BaseException as exc:
            self.fail(exc)

    async def _serve_alone(self) -> None:
        assert self._scope is not None
        try:
            with self._scope:
                await self._steps()
            if isinstance(self.error, current_backend().cancelled_exc_class):
                # Nobody else has this task, so it is the run that ends.
                self.error = RunFinishedError("the run ended before the function had")
        finally:
            self.reply()

    def cancel(self) -> None:
        """Cancel the function that ``start`` began; on the loop."""
        if self._scope is not None:
            self._scope.cancel("the thread that waited for it was interrupted")
