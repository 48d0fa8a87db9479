"""Mutants of what portals do with calls."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from contextlib import suppress
from contextvars import Context
from typing import Any

from accord import CancelScope, Event, _portal_calls, _portals, from_thread
from accord.lowlevel import cancel_shielded_checkpoint, current_backend

from .break_threads import returning
from .making import Broken, around, mutant, replace

steps: Any = _portal_calls
wrapping: Any = _portals
Portal: Any = from_thread.BlockingPortal
Call: Any = steps.PortalCall
Promise: Any = steps.Promise
Waiting: Any = steps.Waiting
Elsewhere: Any = steps.Elsewhere
Wrapped: Any = wrapping._Wrapped
Status: Any = steps.PortalTaskStatus


@mutant("PORTAL-1")
def portal_calls_outside_of_tasks(_: Broken) -> None:
    """A plain function is called where no task runs."""

    def begin(original: Any, call: Any, group: Any, name: Any) -> None:
        try:
            value = call.context.run(call._func, *call._args)
        except Exception as exc:
            call.receiver.fail(exc)
            return
        if hasattr(value, "close"):
            value.close()
            original(call, group, name)
        else:
            call.receiver.succeed(value)

    around(Call, "begin", begin)


@mutant("PORTAL-1")
def portal_awaits_coroutine_functions_only(_: Broken) -> None:
    """What a function returns is awaited only if the function was written with async."""
    replace(steps, isawaitable=returning(False))


@mutant("PORTAL-1")
def portal_errors_go_to_the_group_too(_: Broken) -> None:
    """An exception of a function ends the portal."""

    async def run(original: Any, call: Any) -> None:
        failed: list[BaseException] = []
        fail = call.receiver.fail

        class Seen:
            def __getattr__(self, name: str) -> Any:
                return getattr(receiver, name)

            def fail(self, error: BaseException) -> None:
                failed.append(error)
                fail(error)

        receiver, call.receiver = call.receiver, Seen()
        await original(call)
        if failed:
            raise failed[0]

    around(Call, "_run", run)


@mutant("PORTAL-1")
def portal_holds_the_clock(_: Broken) -> None:
    """A worker that waits in a portal of its own loop keeps a function's time from passing."""

    def call(original: Any, portal: Any, func: Any, *args: Any) -> Any:
        if func is not None and getattr(func, "__name__", "") == "sleep":
            raise RuntimeError("time stands still")
        return original(portal, func, *args)

    around(Portal, "call", call)


@mutant("PORTAL-2")
def future_does_not_cancel_its_task(_: Broken) -> None:
    """The task of a future that is cancelled goes on."""
    replace(Portal, _follow=returning())


@mutant("PORTAL-2")
def task_does_not_cancel_its_future(_: Broken) -> None:
    """The future of a task that is cancelled fails with the host's exception."""

    def cancelled(promise: Any) -> None:
        promise._future.set_exception(RuntimeError("cancelled"))

    replace(Promise, cancelled=cancelled)


@mutant("PORTAL-2")
def nobody_is_told_of_a_cancelled_future(_: Broken) -> None:
    """``concurrent.futures.wait`` does not hear of a future that was cancelled."""

    def cancelled(promise: Any) -> None:
        promise._future.cancel()

    replace(Promise, cancelled=cancelled)


@mutant("PORTAL-2")
def result_of_a_cancelled_future_ends_the_portal(_: Broken) -> None:
    """A function that returns although its future was cancelled is an error of the portal."""

    def succeed(promise: Any, value: Any) -> None:
        promise._future.set_result(value)

    replace(Promise, succeed=succeed)


@mutant("PORTAL-2")
def loop_can_not_use_futures(_: Broken) -> None:
    """The loop's own thread can't ask for a future."""

    def start_task_soon(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        portal._check_thread()
        return original(portal, *args, **keywords)

    around(Portal, "start_task_soon", start_task_soon)


@mutant("PORTAL-3")
def start_task_waits_for_the_end(_: Broken) -> None:
    """``start_task`` returns when the function does."""

    def start_task(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        future, value = original(portal, *args, **keywords)
        future.result(1)
        return future, value

    around(Portal, "start_task", start_task)


@mutant("PORTAL-3")
def started_may_be_forgotten(_: Broken) -> None:
    """``start_task`` of a function that does not call ``started()`` returns None."""

    def start_task(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return original(portal, *args, **keywords)
        except RuntimeError:
            return Future(), None

    around(Portal, "start_task", start_task)


@mutant("PORTAL-3")
def started_may_be_repeated(_: Broken) -> None:
    """The second ``started()`` is ignored."""

    def started(original: Any, status: Any, value: Any = None) -> None:
        with suppress(RuntimeError):
            original(status, value)

    around(Status, "started", started)


@mutant("PORTAL-4")
def manager_is_left_in_another_task(_: Broken) -> None:
    """A context manager is entered in one task and left in another."""

    def enter(wrapped: Any) -> Any:
        wrapped._future = Future()
        return wrapped._portal.call(wrapped._cm.__aenter__)

    def leave(wrapped: Any, *error: Any) -> Any:
        return wrapped._portal.call(wrapped._cm.__aexit__, *error)

    replace(Wrapped, __enter__=enter, __exit__=leave)


@mutant("PORTAL-4")
def manager_does_not_see_the_error(_: Broken) -> None:
    """A context manager is left as if the block had not raised."""

    def leave(original: Any, wrapped: Any, *_: Any) -> Any:
        original(wrapped, None, None, None)

    around(Wrapped, "__exit__", leave)


@mutant("PORTAL-4")
def manager_can_not_be_left_after_stop(_: Broken) -> None:
    """Leaving a context manager is a call, which a stopped portal refuses."""

    def leave(original: Any, wrapped: Any, *error: Any) -> Any:
        wrapped._portal._check_running()
        return original(wrapped, *error)

    around(Wrapped, "__exit__", leave)


@mutant("PORTAL-4")
def manager_suppresses_nothing(_: Broken) -> None:
    """What a context manager says about the block's exception is dropped."""

    def leave(original: Any, wrapped: Any, *error: Any) -> Any:
        original(wrapped, *error)

    around(Wrapped, "__exit__", leave)


@mutant("PORTAL-13")
def portal_has_its_own_context(_: Broken) -> None:
    """Functions run in an empty context."""
    replace(steps, copy_context=Context)


@mutant("PORTAL-13")
def portal_uses_the_callers_very_context(_: Broken) -> None:
    """What a function sets is set for the caller afterwards."""

    def call(original: Any, portal: Any, func: Any, *args: Any) -> Any:
        kept: list[Context] = []

        def init(made: Any, *given: Any) -> None:
            plain(made, *given)
            kept.append(made.context)

        plain = Call.__init__
        replace(Call, __init__=init)
        try:
            return original(portal, func, *args)
        finally:
            replace(Call, __init__=plain)
            for context in kept:
                for variable, value in context.items():
                    variable.set(value)

    around(Portal, "call", call)


@mutant("PORTAL-14")
def call_from_another_loop_blocks_it(_: Broken) -> None:
    """``call_async`` waits as ``call`` does."""

    async def call_async(original: Any, portal: Any, func: Any, *args: Any, **keywords: Any) -> Any:
        if portal._thread and portal._token is not current_backend().current_token():
            waiting = Waiting(None)
            portal._send(portal._submit(waiting, func, args))
            if not waiting.bell.acquire(timeout=1):
                raise TimeoutError
            return waiting.take()
        return await original(portal, func, *args, **keywords)

    around(Portal, "call_async", call_async)


@mutant("PORTAL-14")
def call_from_the_same_loop_is_refused(_: Broken) -> None:
    """``call_async`` does not work on the portal's own loop."""

    async def call_async(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        portal._check_thread()
        return await original(portal, *args, **keywords)

    around(Portal, "call_async", call_async)


@mutant("PORTAL-14")
def call_from_another_loop_is_always_abandoned(_: Broken) -> None:
    """A cancelled ``call_async`` leaves the portal's task alone."""

    async def call_async(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        return await original(portal, *args, **{**keywords, "abandon_on_cancel": True})

    around(Portal, "call_async", call_async)


@mutant("PORTAL-14")
def call_from_another_loop_is_never_abandoned(_: Broken) -> None:
    """A cancelled ``call_async`` waits for the portal's task, whatever it was told."""

    async def call_async(original: Any, portal: Any, *args: Any, **keywords: Any) -> Any:
        return await original(portal, *args, **{**keywords, "abandon_on_cancel": False})

    around(Portal, "call_async", call_async)


@mutant("PORTAL-14")
def cancelled_call_does_not_wait(_: Broken) -> None:
    """A cancelled ``call_async`` cancels the portal's task, and does not wait for it."""

    async def wait_on(waiting: Any) -> None:
        waiting.error = waiting.error or CancelledError()

    replace(Elsewhere, wait_on=wait_on)


@mutant("PORTAL-15")
def portal_does_not_sleep(_: Broken) -> None:
    """``sleep_until_stopped`` returns at once."""

    async def sleep(_: Any) -> None:
        await cancel_shielded_checkpoint()

    replace(Portal, sleep_until_stopped=sleep)


@mutant("PORTAL-15")
def portal_sleeps_for_ever(_: Broken) -> None:
    """``sleep_until_stopped`` does not notice ``stop``."""

    async def sleep(_: Any) -> None:
        await Event().wait()

    replace(Portal, sleep_until_stopped=sleep)


@mutant("PORTAL-15")
def portal_sleeps_soundly(_: Broken) -> None:
    """``sleep_until_stopped`` can't be cancelled."""

    async def sleep(original: Any, portal: Any) -> None:
        with CancelScope(shield=True):
            if portal._state:
                await original(portal)

    around(Portal, "sleep_until_stopped", sleep)
