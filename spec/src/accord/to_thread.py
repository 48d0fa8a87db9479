"""Calling blocking functions in worker threads, without blocking the loop.

A thread is reached and answers by two primitives of the waist only: the answer comes back through the loop's token,
and the task waits on a parker. Idle threads are kept for the next call and end after a while. They are daemons, so
that an abandoned call does not keep the interpreter from exiting.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, TypeVarTuple, Unpack

from ._backends import current_backend
from .exceptions import RunFinishedError
from .lowlevel import RunVar
from .protocols import LoopToken
from .protocols.parking import AnyParker
from .sync import CapacityLimiter

__all__ = ["current_default_thread_limiter", "run_sync"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DEFAULT_THREADS = 40
IDLE_SECONDS = 10.0

_default_limiter: RunVar[CapacityLimiter] = RunVar("accord.to_thread.limiter")


class _Call:
    """One call on its way through a thread; it is the borrower of its token of the limiter."""

    __slots__ = ("error", "func", "limiter", "parker", "token", "value")

    def __init__(self, func: Callable[[], Any], limiter: CapacityLimiter, token: LoopToken) -> None:
        self.func: Callable[[], Any] | None = func
        self.limiter = limiter
        self.token = token
        self.parker: AnyParker | None = None
        self.value: Any = None
        self.error: BaseException | None = None

    def perform(self) -> None:
        """Make the call; in the thread."""
        func, self.func = self.func, None
        assert func is not None
        try:
            self.value = func()
        except BaseException as exc:
            self.error = exc

    def answer(self) -> None:
        """Send the answer to the loop; in the thread."""
        try:
            self.token.call_soon(self.finish)
        except RunFinishedError:
            # The call was abandoned and its run is over: nobody wants the answer, but a limiter may outlive runs.
            self.limiter.release_on_behalf_of(self)

    def finish(self) -> None:
        """Give the token back and wake the task; on the loop."""
        self.token.release_clock()
        self.limiter.release_on_behalf_of(self)
        if self.parker is not None:
            self.parker.unpark(None)

    def __repr__(self) -> str:
        return "<call in a worker thread>"


class _Worker:
    """One thread, which makes the calls that it finds in its queue."""

    __slots__ = ("calls", "thread")

    def __init__(self) -> None:
        self.calls: SimpleQueue[_Call] = SimpleQueue()
        self.thread = threading.Thread(target=self._work, name="accord worker thread", daemon=True)

    def _work(self) -> None:
        while True:
            try:
                call = self.calls.get(timeout=IDLE_SECONDS)
            except Empty:
                if _retire(self):
                    return
                call = self.calls.get()
            call.perform()
            # Idle before the answer is sent: the task may make its next call at once, and should find this thread.
            _idle.append(self)
            call.answer()
            del call


# Appending, popping and removing are atomic; a worker is given a call by whoever popped it, and by nobody else.
_idle: deque[_Worker] = deque()


def _retire(worker: _Worker) -> bool:
    """Let an idle thread end; false if it has just been given a call."""
    try:
        _idle.remove(worker)
    except ValueError:
        return False
    return True


def _start(call: _Call) -> None:
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
        worker.thread.start()
    worker.calls.put(call)


async def run_sync(
    func: Callable[[Unpack[Ts]], T],
    /,
    *args: *Ts,
    abandon_on_cancel: bool = False,
    limiter: CapacityLimiter | None = None,
) -> T:
    """Call ``func(*args)`` in a worker thread and return what it returns, or raise what it raises.

    :param abandon_on_cancel: on cancellation, leave the thread to itself and drop its result. By default cancellation
        is put off until the call has ended.
    :param limiter: where to take a token for as long as the thread runs; by default one with 40 tokens, per run.

    The call sees a copy of the caller's context. A checkpoint (area THREAD).
    """
    if not callable(func):
        raise TypeError(f"func must be callable, not {type(func).__name__}")
    backend = current_backend()
    if limiter is None:
        limiter = current_default_thread_limiter()
    context = copy_context()
    token = backend.current_token()
    call = _Call(lambda: context.run(func, *args), limiter, token)
    await limiter.acquire_on_behalf_of(call)
    parker = call.parker = backend.create_parker()
    token.hold_clock()
    try:
        _start(call)
    except BaseException:
        call.parker = None
        call.finish()
        raise
    if abandon_on_cancel:
        await parker.park()
    else:
        await parker.park_shielded()
    if call.error is not None:
        error, call.error = call.error, None
        try:
            raise error
        finally:
            # The error's traceback leads to this frame.
            del error, call, parker
    value: T = call.value
    return value


def current_default_thread_limiter() -> CapacityLimiter:
    """Return the limiter that ``run_sync`` uses by default in this run; its ``total_tokens`` may be changed."""
    limiter = _default_limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(DEFAULT_THREADS)
        _default_limiter.set(limiter)
    return limiter
