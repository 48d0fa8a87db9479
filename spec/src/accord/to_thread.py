"""Calling blocking functions in worker threads, without blocking the loop.

A thread is reached and answers by two primitives of the waist only: the answer comes back through the loop's token,
and the task waits on a parker. While it waits, the task serves the function's requests (``from_thread``). Answers that
come at about the same time wake the loop once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextvars import Context, copy_context
from functools import partial
from typing import Any, TypeVar, TypeVarTuple, Unpack
from weakref import WeakKeyDictionary, ref

from . import _requests
from ._backends import current_backend, here
from ._requests import AsyncRequest, copied
from ._workers import pool
from .exceptions import RunFinishedError, WouldBlock
from .protocols import Backend, LoopToken
from .protocols.parking import AnyParker
from .sync import CapacityLimiter
from .toolkit.errors import prune

__all__ = ["current_default_thread_limiter", "run_sync"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

DEFAULT_THREADS = 40


class _Side:
    """What a run keeps: its default limiter, and the answers that its loop has not taken yet."""

    __slots__ = ("_answers", "_on_its_way", "limiter")

    def __init__(self) -> None:
        self.limiter = CapacityLimiter(DEFAULT_THREADS)
        self._answers: deque[ThreadCall] = deque()
        self._on_its_way = False

    def answer(self, call: ThreadCall) -> None:
        """Have ``call.finish()`` called on the loop; from any thread."""
        self._answers.append(call)
        # As in _workers: an answer is in the queue before the flag is read, and deliver() clears the flag before it
        # reads the queue.
        if not self._on_its_way:
            self._on_its_way = True
            try:
                call.token.call_soon(self.deliver)
            except RunFinishedError:
                # These calls were abandoned, and their run is over.
                self._on_its_way = False
                while self._answers:
                    try:
                        self._answers.popleft().finish_late()
                    except IndexError:
                        return

    def deliver(self) -> None:
        """Finish the calls that have been answered; on the loop."""
        self._on_its_way = False
        answers = self._answers
        while answers:
            answers.popleft().finish()


# A side must not refer to its token, or the entry would never go.
_sides: WeakKeyDictionary[LoopToken, _Side] = WeakKeyDictionary()

# Where a limiter that somebody has passed was used last: it may outlive runs, and belongs to one at a time.
_homes: WeakKeyDictionary[CapacityLimiter, ref[LoopToken]] = WeakKeyDictionary()


def _side_of(token: LoopToken) -> _Side:
    side = _sides.get(token)
    if side is None:
        side = _sides[token] = _Side()
    return side


class ThreadCall:
    """One call on its way through a thread; it is the borrower of its token of the limiter."""

    __slots__ = (
        "__weakref__",
        "_args",
        "_context",
        "_func",
        "_unheard",
        "backend",
        "error",
        "future",
        "left",
        "limiter",
        "parker",
        "side",
        "token",
        "value",
    )

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], backend: Backend, limiter: CapacityLimiter | None
    ) -> None:
        self._func: Callable[..., Any] | None = func
        self._args = args
        self._context: Context | None = copy_context()
        self.backend = backend
        self.token = backend.current_token()
        self.side = _side_of(self.token)
        self.limiter = limiter
        self.parker: AnyParker | None = None
        self.future: Future[Any] | None = None
        self.value: Any = None
        self.error: BaseException | None = None
        self.left: BaseException | None = None
        """Why the task waits no more; for the function to raise if it asks for the task."""
        self._unheard: AsyncRequest | None = None

    def invoke(self) -> Any:
        """Call the function; in the thread."""
        func, args, context = self._func, self._args, self._context
        self._func, self._args, self._context = None, (), None
        assert func is not None
        assert context is not None
        at_work = _requests.here
        outer, at_work.call = at_work.call, self
        try:
            return context.run(func, *args)
        finally:
            at_work.call = outer

    def perform(self) -> None:
        """Make the call; in a worker thread."""
        try:
            self.value = self.invoke()
        except BaseException as exc:
            prune(exc)
            self.error = exc

    def answer(self) -> None:
        """Send the answer to the loop; in a thread."""
        self.side.answer(self)

    def refuse(self, error: BaseException) -> None:
        """Let the call raise ``error``: there is no thread for it."""
        self.error = error
        self.answer()

    def adopt(self, future: Future[Any]) -> None:
        """Take over what came of ``future``, which made the call in an executor; in any thread."""
        self.future = None
        if future.cancelled():
            self.error = RuntimeError("the executor was shut down before it called the function")
        else:
            self.error = future.exception()
            if self.error is None:
                self.value = future.result()
            else:
                prune(self.error)
        self.answer()

    def ask(self, request: AsyncRequest) -> None:
        """Have the waiting task serve ``request``; on the loop."""
        if self.left is not None:
            request.fail(copied(self.left))
            return
        assert self.parker is not None
        self._unheard = request
        try:
            self.parker.unpark(request)
        except Exception:  # the loop has been closed over a task that had not ended
            self.leave(RunFinishedError("the run has ended"))

    def heard(self) -> None:
        """Note that the task has got its request."""
        self._unheard = None

    def leave(self, error: BaseException) -> None:
        """Note that the task waits no more, because of ``error``."""
        self.parker = None
        self.left = copied(error)
        unheard, self._unheard = self._unheard, None
        if unheard is not None:
            unheard.fail(copied(error))
        if self.future is not None:
            self.future.cancel()

    def finish(self) -> None:
        """Give the token back and wake the task; on the loop."""
        self.token.release_clock()
        if self.limiter is not None:
            self.limiter.release_on_behalf_of(self)
        if self.parker is not None:
            self.parker.unpark(None)
        else:
            self.value = self.error = None

    def finish_late(self) -> None:
        """Give the token back to a limiter that outlives the run; in a thread."""
        limiter = self.limiter
        if limiter is None or limiter is self.side.limiter:
            return
        home = _homes.get(limiter)
        token = None if home is None else home()
        if token is not None and token is not self.token:
            try:
                token.call_soon(limiter.release_on_behalf_of, self)
            except RunFinishedError:
                pass
            else:
                return
        limiter.release_on_behalf_of(self)

    def __repr__(self) -> str:
        return "<call in a worker thread>"


class _InExecutor:
    """What an executor is given: the call in a thread; in another process, where no context can go, the function."""

    __slots__ = ("_call", "_plain")

    def __init__(self, call: ThreadCall, plain: Callable[[], Any]) -> None:
        self._call = call
        self._plain = plain

    def __call__(self) -> Any:
        return self._call.invoke()

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return partial, (self._plain,)


async def run_sync(
    func: Callable[[Unpack[Ts]], T],
    /,
    *args: *Ts,
    abandon_on_cancel: bool = False,
    limiter: CapacityLimiter | None = None,
    executor: Executor | None = None,
) -> T:
    """Call ``func(*args)`` in a worker thread and return what it returns, or raise what it raises.

    :param abandon_on_cancel: on cancellation, leave the thread to itself and drop its result. By default cancellation
        is put off until the call has ended.
    :param limiter: where to take a token for as long as the thread runs; by default one with 40 tokens, per run, and
        with ``executor`` none.
    :param executor: a ``concurrent.futures.Executor`` of the caller's to make the call, in place of accord's threads.

    The call sees a copy of the caller's context, and can use ``accord.from_thread``. Raises ``RuntimeError`` if no
    thread can be started or the executor is shut down. A checkpoint (area THREAD).
    """
    if not callable(func):
        raise TypeError(f"func must be callable, not {type(func).__name__}")
    backend = here.backend or current_backend()
    call = ThreadCall(func, args, backend, limiter)
    await backend.checkpoint_if_cancelled()
    if limiter is not None:
        _homes[limiter] = ref(call.token)
    elif executor is None:
        limiter = call.limiter = call.side.limiter
    if limiter is not None:
        try:
            limiter.acquire_on_behalf_of_nowait(call)
            waits = False
        except WouldBlock:
            waits = True
        if waits:
            await _borrow(call, limiter)
    parker = call.parker = backend.create_parker()
    call.token.hold_clock()
    try:
        if executor is None:
            pool.submit(call)
        else:
            call.future = executor.submit(_InExecutor(call, partial(func, *args)))
            call.future.add_done_callback(call.adopt)
    except BaseException:
        call.parker = None
        call.finish()
        raise
    wait = parker.park if abandon_on_cancel else parker.park_shielded
    try:
        while (request := await wait()) is not None:
            call.heard()
            # First a place for what comes next.
            parker = call.parker = backend.create_parker()
            wait = parker.park if abandon_on_cancel else parker.park_shielded
            # The function waits for time to pass now, and not the other way round.
            call.token.release_clock()
            try:
                await request.serve()
            finally:
                call.token.hold_clock()
    except BaseException as exc:
        call.leave(exc)
        raise
    if call.error is not None:
        error, call.error = call.error, None
        try:
            raise error
        finally:
            # The error's traceback leads to this frame.
            del error, call, parker, wait
    value: T = call.value
    return value


async def _borrow(call: ThreadCall, limiter: CapacityLimiter) -> None:
    """Wait for a token."""
    await limiter.acquire_on_behalf_of(call)
    try:
        # It may have been cancelled after it was given the token, and then the function need not begin.
        await call.backend.checkpoint_if_cancelled()
    except BaseException:
        limiter.release_on_behalf_of(call)
        raise


def current_default_thread_limiter() -> CapacityLimiter:
    """Return the limiter that ``run_sync`` uses by default in this run; its ``total_tokens`` may be changed."""
    return _side_of(current_backend().current_token()).limiter
