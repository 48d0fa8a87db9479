"""Calling functions on a loop from other threads, and portals: a way into a loop for synchronous code.

``run`` and ``run_sync`` call one function and wait for it, from a thread that ``to_thread.run_sync`` started or, with a
token, from any other. A portal is for synchronous programs that use asynchronous code all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple, Unpack, cast

from ._backends import running_backend
from ._portal_threads import BlockingPortalProvider, start_blocking_portal
from ._portals import BlockingPortal
from ._requests import AsyncRequest, SyncRequest, copied, here, in_loop_of
from .exceptions import NoEventLoopError
from .protocols import LoopToken

if TYPE_CHECKING:
    from .to_thread import ThreadCall

__all__ = ["BlockingPortal", "BlockingPortalProvider", "check_cancelled", "run", "run_sync", "start_blocking_portal"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _host() -> ThreadCall:
    call = here.call
    if call is None:
        if running_backend() is not None:
            raise RuntimeError(_OWN_THREAD)
        raise NoEventLoopError(
            "this thread was not started by accord.to_thread.run_sync, so there is no loop to call: pass "
            "token=accord.lowlevel.current_token() of the loop"
        )
    return call


def _check(func: object, token: LoopToken | None) -> LoopToken:
    if not callable(func):
        raise TypeError(f"func must be callable, not {type(func).__name__}")
    if token is None:
        token = _host().token
    elif not callable(getattr(token, "call_soon", None)):
        raise TypeError(f"token must be a LoopToken, not {type(token).__name__}")
    if in_loop_of(token):
        raise RuntimeError(_OWN_THREAD)
    return token


_OWN_THREAD = "this is the loop's own thread, which would wait for itself for ever: call or await the function directly"


def run(func: Callable[[Unpack[Ts]], Coroutine[Any, Any, T]], /, *args: *Ts, token: LoopToken | None = None) -> T:
    """Run ``func(*args)`` on a loop, from another thread, and return what it returns or raise what it raises.

    :param token: the loop's token; by default the loop whose ``to_thread.run_sync`` this thread works for. Then
        the function runs in the task that waits there, and is cancelled when that task is.

    Blocks the thread. Raises ``NoEventLoopError`` without a token in a foreign thread, ``RunFinishedError`` if the run
    ends first, ``RuntimeError`` in the loop's own thread, and the backend's cancellation exception if the waiting
    task is cancelled, or has been, with ``abandon_on_cancel`` (area FROM).
    """
    target = _check(func, token)
    request = AsyncRequest(func, args)
    if token is None:
        _ask(_host(), request)
        return cast(T, request.wait())
    target.call_soon(request.start, target)
    try:
        return cast(T, request.wait())
    except BaseException:
        if not request.answered:
            # This thread was interrupted.
            target.call_soon(request.cancel)
        raise


def _ask(call: ThreadCall, request: AsyncRequest) -> None:
    if call.left is not None:
        raise copied(call.left)
    call.token.call_soon(call.ask, request)


def run_sync(func: Callable[[Unpack[Ts]], T], /, *args: *Ts, token: LoopToken | None = None) -> T:
    """Call ``func(*args)`` in a loop's thread, from another, and return what it returns or raise what it raises.

    :param token: the loop's token; by default the loop whose ``to_thread.run_sync`` this thread works for.

    The function is called outside of tasks. Blocks the thread. Raises ``NoEventLoopError`` without a token in a foreign
    thread, ``RunFinishedError`` if the run has ended, ``RuntimeError`` in the loop's own thread (area FROM).
    """
    target = _check(func, token)
    request = SyncRequest(func, args)
    target.call_soon(request.carry_out)
    return cast(T, request.wait())


def check_cancelled() -> None:
    """Raise the backend's cancellation exception if the task that waits for this thread is cancelled.

    Asks the loop, so it takes one of its turns. Raises ``NoEventLoopError`` where ``to_thread.run_sync`` did not start
    the thread (FROM-7).
    """
    call = _host()
    # A checkpoint that yields: what the host loop's own cancellation has put off is delivered where a task yields.
    request = AsyncRequest(call.backend.checkpoint, ())
    if call.left is None and in_loop_of(call.token):
        raise RuntimeError(_OWN_THREAD)
    _ask(call, request)
    request.wait()
