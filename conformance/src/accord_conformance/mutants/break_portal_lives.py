"""Mutants of how portals start, stop, fail, and are interrupted and shared."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any

from accord import RunFinishedError, _portal_calls, _portal_threads, from_thread

from .break_threads import returning
from .making import Broken, around, mutant, replace

steps: Any = _portal_calls
starting: Any = _portal_threads
Portal: Any = from_thread.BlockingPortal
Provider: Any = from_thread.BlockingPortalProvider
Call: Any = steps.PortalCall
Waiting: Any = steps.Waiting
Thread: Any = starting._PortalThread


@mutant("PORTAL-5")
def leaving_cancels_the_tasks(_: Broken) -> None:
    """Leaving the block cancels what runs."""

    async def leave(original: Any, portal: Any, *error: Any) -> Any:
        await portal.stop(cancel_remaining=True)
        return await original(portal, *error)

    around(Portal, "__aexit__", leave)


def _token(portal: Any) -> Any:
    return portal._token


@mutant("PORTAL-5")
def stopped_portal_takes_calls(_: Broken) -> None:
    """Calls are taken as long as tasks run."""
    replace(Portal, _check_running=_token)


@mutant("PORTAL-5")
def stop_never_cancels(_: Broken) -> None:
    """``cancel_remaining`` is ignored."""

    def stop_now(original: Any, portal: Any, cancel_remaining: bool = False) -> None:
        original(portal)

    around(Portal, "stop_now", stop_now)


@mutant("PORTAL-5")
def block_error_comes_in_a_group(_: Broken) -> None:
    """The block's exception is wrapped as a task group does it."""

    async def leave(original: Any, portal: Any, kind: Any, exc: Any, tb: Any) -> Any:
        result = await original(portal, kind, exc, tb)
        if isinstance(exc, Exception):
            raise ExceptionGroup("1 error in a portal", [exc])
        return result

    around(Portal, "__aexit__", leave)


@mutant("PORTAL-5")
def accepted_call_is_refused_later(_: Broken) -> None:
    """A call that the loop's own thread has made is begun at its next turn, if the portal is not stopped by then."""

    def send(portal: Any, call: Any, name: Any = None) -> None:
        portal._check_running().call_soon(portal._begin, call, name)

    replace(Portal, _send=send)


@mutant("PORTAL-6")
def portal_waits_for_its_own_thread(_: Broken) -> None:
    """Nobody looks whether it is the thread of the portal's loop that calls."""
    replace(Portal, _check_thread=returning())


@mutant("PORTAL-6")
def portal_is_entered_twice(_: Broken) -> None:
    """A portal can be entered again."""

    async def enter(original: Any, portal: Any) -> Any:
        portal._group = None
        return await original(portal)

    around(Portal, "__aenter__", enter)


@mutant("PORTAL-6")
def portal_calls_what_is_not_callable(_: Broken) -> None:
    """What is not callable fails as a call, with Python's text."""

    def submit(portal: Any, receiver: Any, func: Any, args: Any) -> Any:
        portal._check_running()
        return Call(portal, receiver, func if callable(func) else lambda: None, args)

    replace(Portal, _submit=submit)


@mutant("PORTAL-7")
def late_call_is_forgotten(_: Broken) -> None:
    """A call that the loop comes to when the portal has stopped is dropped."""

    def begin(original: Any, portal: Any, call: Any, name: Any) -> None:
        if not portal._state:
            original(portal, call, name)

    around(Portal, "_begin", begin)


@mutant("PORTAL-7")
def cancelled_call_is_forgotten(_: Broken) -> None:
    """A thread whose task is cancelled is not told."""
    replace(Waiting, cancelled=returning())


def fatal(error: BaseException) -> bool:
    """Whether an exception means the program."""
    return not isinstance(error, Exception | CancelledError)


@mutant("PORTAL-8")
def portal_survives_everything(_: Broken) -> None:
    """A KeyboardInterrupt is for its caller alone, like any other exception."""
    replace(Portal, end_with=returning())


@mutant("PORTAL-8")
def portal_ends_in_silence(_: Broken) -> None:
    """After a KeyboardInterrupt the portal is over, and its block says nothing about it."""

    def end_with(original: Any, portal: Any, error: Any) -> None:
        original(portal, error)
        portal._fatal = None

    around(Portal, "end_with", end_with)


@mutant("PORTAL-8")
def portal_leaves_callers_waiting(_: Broken) -> None:
    """After a KeyboardInterrupt nobody cancels the other tasks."""

    def end_with(portal: Any, error: Any) -> None:
        portal._fatal = portal._fatal or error
        portal._stop("was ended")

    replace(Portal, end_with=end_with)


@mutant("PORTAL-8")
def caller_is_not_told_of_the_end(_: Broken) -> None:
    """A KeyboardInterrupt goes to the block only; its caller gets a cancellation."""

    def fail(original: Any, waiting: Any, error: Any) -> None:
        original(waiting, CancelledError("the portal has ended") if fatal(error) else error)

    around(Waiting, "fail", fail)


@mutant("PORTAL-8")
def same_exception_is_raised_twice(_: Broken) -> None:
    """The block raises the portal's exception again, also if it raises that already."""

    def leave(original: Any, thread: Any, kind: Any, exc: Any, tb: Any) -> Any:
        original(thread, kind, exc, tb)
        if exc is not None and fatal(exc):
            raise type(exc)(*exc.args)

    around(Thread, "__exit__", leave)


@mutant("PORTAL-9")
def portal_backend_is_the_default(_: Broken) -> None:
    """Backend and options are ignored."""

    def init(original: Any, thread: Any, backend: Any, options: Any, name: Any) -> None:
        original(thread, None, None, name)

    around(Thread, "__init__", init)


@mutant("PORTAL-9")
def portal_thread_has_no_name(_: Broken) -> None:
    """The name is ignored."""

    def init(original: Any, thread: Any, backend: Any, options: Any, name: Any) -> None:
        original(thread, backend, options, None)

    around(Thread, "__init__", init)


@mutant("PORTAL-9")
def failed_start_is_waited_for(_: Broken) -> None:
    """A run that does not start does not say so."""

    def work(thread: Any) -> None:
        with suppress(BaseException):
            starting.run(thread._main, backend=thread._backend, backend_options=thread._options)

    replace(Thread, _work=work)


@mutant("PORTAL-10")
def leaving_does_not_wait(_: Broken) -> None:
    """Leaving the block stops the portal and goes on."""

    def leave(thread: Any, _: Any, exc: Any, __: Any) -> None:
        thread._portal.call_soon(thread._stop, exc is not None)

    replace(Thread, __exit__=leave)


@mutant("PORTAL-10")
def leaving_always_cancels(_: Broken) -> None:
    """Leaving the block cancels the tasks."""

    def stop(original: Any, thread: Any, _: bool) -> None:
        original(thread, True)

    around(Thread, "_stop", stop)


@mutant("PORTAL-10")
def leaving_never_cancels(_: Broken) -> None:
    """A block that raises waits for the tasks."""

    def stop(original: Any, thread: Any, _: bool) -> None:
        original(thread, False)

    around(Thread, "_stop", stop)


@mutant("PORTAL-10")
def stopped_portal_can_not_be_left(_: Broken) -> None:
    """Leaving the block of a portal whose run is over is an error."""

    def leave(original: Any, thread: Any, *error: Any) -> None:
        thread._portal.call(int)
        original(thread, *error)

    around(Thread, "__exit__", leave)


@mutant("PORTAL-11")
def interrupted_caller_leaves_its_task(_: Broken) -> None:
    """The task of a thread that was interrupted in a call goes on until the end."""

    def stop(thread: Any, _: bool) -> None:
        thread._portal.stop_now(False)

    replace(Portal, _cancel=returning())
    replace(Thread, _stop=stop)


@mutant("PORTAL-11")
def interrupted_exit_leaves_its_thread(_: Broken) -> None:
    """An interruption while the block is left goes on at once, and so does the loop."""

    def leave(thread: Any, kind: Any, exc: Any, _: Any) -> None:
        thread._portal.call_soon(thread._stop, exc is not None)
        thread._join()
        thread._report(exc)

    replace(Thread, __exit__=leave)


@mutant("PORTAL-12")
def each_user_has_a_portal(_: Broken) -> None:
    """The provider starts a portal for each user."""

    def enter(provider: Any) -> Any:
        cm = starting.start_blocking_portal(provider.backend, provider.backend_options)
        open_ones.append(cm)
        return cm.__enter__()

    def leave(_: Any, *error: Any) -> None:
        open_ones.pop().__exit__(*error)

    open_ones: list[Any] = []
    replace(Provider, __enter__=enter, __exit__=leave)


@mutant("PORTAL-12")
def provider_keeps_its_portal(_: Broken) -> None:
    """The portal goes on after the last user."""

    def leave(provider: Any, *_: Any) -> None:
        provider._users -= 1

    replace(Provider, __exit__=leave)


@mutant("PORTAL-12")
def provider_counts_failed_starts(_: Broken) -> None:
    """A start that fails counts as a user who never leaves."""

    def enter(original: Any, provider: Any) -> Any:
        try:
            return original(provider)
        except Exception:
            provider._users += 1
            raise

    around(Provider, "__enter__", enter)


@mutant("PORTAL-12")
def provider_is_not_safe_between_threads(_: Broken) -> None:
    """Users are counted without a lock, so that one gets a portal that another is about to end."""

    def enter(provider: Any) -> Any:
        portal = provider._portal
        if portal is None:
            cm = starting.start_blocking_portal(provider.backend, provider.backend_options)
            portal = provider._portal = cm.__enter__()
            provider._cm = cm
        threading.Event().wait(0.001)
        provider._users += 1
        return portal

    replace(Provider, __enter__=enter)


@mutant("PORTAL-12")
def one_users_error_is_everybodys(_: Broken) -> None:
    """The exception of the last user cancels what others have begun."""

    def leave(original: Any, provider: Any, kind: Any, exc: Any, tb: Any) -> None:
        if exc is not None and provider._portal is not None:
            with suppress(RunFinishedError):
                provider._portal.call_soon(provider._portal.stop_now, True)
        original(provider, kind, exc, tb)

    around(Provider, "__exit__", leave)
