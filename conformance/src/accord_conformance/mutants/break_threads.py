"""Mutants of calls in worker threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from math import inf
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    CancelScope,
    CapacityLimiter,
    WouldBlock,
    _workers,
    get_cancelled_exc_class,
    get_current_task,
    to_thread,
)
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

threads: Any = to_thread
Call: Any = to_thread.ThreadCall
Pool: Any = _workers.Pool
Worker: Any = _workers.Worker
Side: Any = threads._Side
run_sync: Any = to_thread.run_sync


def returning(value: Any = None) -> Callable[..., Any]:
    """A function that takes anything and returns one thing."""

    def function(*_: Any, **__: Any) -> Any:
        return value

    return function


class Limiter:
    """What a call sees of its limiter: to be broken by overriding."""

    def __init__(self, real: CapacityLimiter) -> None:
        self.real = real

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """Leave it all to the other one."""
        raise WouldBlock

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """See ``CapacityLimiter``."""
        await self.real.acquire_on_behalf_of(borrower)

    def release_on_behalf_of(self, borrower: object) -> None:
        """See ``CapacityLimiter``."""
        self.real.release_on_behalf_of(borrower)


def calls_see(kind: Callable[[CapacityLimiter], Limiter]) -> None:
    """Let calls use their limiters through a ``Limiter``."""

    async def seen(func: Any, /, *args: Any, limiter: Any = None, **keywords: Any) -> Any:
        limiter = kind(limiter or to_thread.current_default_thread_limiter())
        return await run_sync(func, *args, limiter=limiter, **keywords)

    replace_everywhere(run_sync, seen)


def calls_are(wrapper: Callable[..., Any]) -> None:
    """Replace the function; ``wrapper`` gets the function and its arguments, and the keywords as a dictionary."""

    async def wrapped(func: Any, /, *args: Any, **keywords: Any) -> Any:
        return await wrapper(func, args, keywords)

    replace_everywhere(run_sync, wrapped)


def calls_with(**always: Any) -> None:
    """Replace keywords of every call."""

    async def call(func: Any, /, *args: Any, **keywords: Any) -> Any:
        return await run_sync(func, *args, **{**keywords, **always})

    replace_everywhere(run_sync, call)


@mutant("THREAD-1")
def thread_call_blocks_the_loop(_: Broken) -> None:
    """The function is called in the loop's thread."""

    def submit(_: Any, call: Any) -> None:
        call.perform()
        call.answer()

    replace(Pool, submit=submit)


@mutant("THREAD-1")
def thread_calls_wait_for_each_other(_: Broken) -> None:
    """There is one worker."""
    lock = threading.Lock()

    def perform(original: Any, call: Any) -> None:
        with lock:
            original(call)

    around(Call, "perform", perform)


@mutant("THREAD-1")
def thread_errors_are_copied(_: Broken) -> None:
    """The call raises another exception of the same class."""

    def perform(original: Any, call: Any) -> None:
        original(call)
        if call.error is not None:
            call.error = type(call.error)(*call.error.args)

    around(Call, "perform", perform)


@mutant("THREAD-1")
def thread_survives_exceptions_only(_: Broken) -> None:
    """An exception that is no Exception ends the worker, and nobody answers."""

    def perform(original: Any, call: Any) -> None:
        original(call)
        if not isinstance(call.error, Exception | None):
            raise SystemExit

    around(Call, "perform", perform)


def stop_iteration_becomes(error: BaseException) -> None:
    """Let another exception take the place of StopIteration."""

    def perform(original: Any, call: Any) -> None:
        original(call)
        if isinstance(call.error, StopIteration):
            call.error = error

    around(Call, "perform", perform)


@mutant("THREAD-2")
def stop_iteration_becomes_the_value(_: Broken) -> None:
    """StopIteration of the function is taken for the end of a coroutine, whose value it carries."""

    def perform(original: Any, call: Any) -> None:
        original(call)
        if isinstance(call.error, StopIteration):
            call.value, call.error = call.error.value, None

    around(Call, "perform", perform)


@mutant("THREAD-2")
def stop_iteration_becomes_a_type_error(_: Broken) -> None:
    """StopIteration becomes what a future says to it."""
    stop_iteration_becomes(TypeError("StopIteration interacts badly with generators"))


@mutant("THREAD-2")
def stop_iteration_is_not_the_cause(_: Broken) -> None:
    """The RuntimeError that replaces StopIteration has no cause."""
    stop_iteration_becomes(RuntimeError("the function raised StopIteration"))


@mutant("THREAD-3")
def thread_has_no_context(_: Broken) -> None:
    """The function runs in an empty context."""
    replace(threads, copy_context=Context)


@mutant("THREAD-3")
def thread_context_is_that_of_the_first_call(_: Broken) -> None:
    """All calls of a task run in one copy of its context."""
    contexts: WeakKeyDictionary[Any, Context] = WeakKeyDictionary()
    replace(threads, copy_context=lambda: contexts.setdefault(get_current_task(), copy_context()))


@mutant("THREAD-3")
def thread_changes_the_callers_context(_: Broken) -> None:
    """What the function sets is set for the caller afterwards."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        changed: list[tuple[ContextVar[Any], Any]] = []

        def watched() -> Any:
            try:
                return func(*args)
            finally:
                changed.extend(copy_context().items())

        result = await run_sync(watched, **keywords)
        for variable, value in changed:
            variable.set(value)
        return result

    calls_are(call)


@mutant("THREAD-4")
def thread_calls_are_all_abandoned(_: Broken) -> None:
    """A cancelled call never waits for the function."""
    calls_with(abandon_on_cancel=True)


@mutant("THREAD-4")
def thread_value_is_lost_to_a_cancellation(_: Broken) -> None:
    """A cancelled call waits for the function, and then raises the cancellation instead of giving the value."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        result = await run_sync(func, *args, **keywords)
        await checkpoint_if_cancelled()
        return result

    calls_are(call)


@mutant("THREAD-4")
def thread_error_is_lost_to_a_cancellation(_: Broken) -> None:
    """A cancelled call waits for the function, and then raises the cancellation instead of the function's error."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        try:
            return await run_sync(func, *args, **keywords)
        except Exception:
            await checkpoint_if_cancelled()
            raise

    calls_are(call)


@mutant("THREAD-5")
def thread_calls_are_never_abandoned(_: Broken) -> None:
    """A cancelled call waits for the function, whatever it was told."""
    calls_with(abandon_on_cancel=False)


@mutant("THREAD-5")
def abandoned_thread_reports_to_a_dead_loop(_: Broken) -> None:
    """A worker whose run has ended complains about it."""

    def answer(side: Any, call: Any) -> None:
        call.token.call_soon(call.finish)

    replace(Side, answer=answer)


@mutant("THREAD-5")
def abandoned_errors_are_printed(_: Broken) -> None:
    """An error that nobody has taken when the worker is done with it is printed."""

    def answer(original: Any, call: Any) -> None:
        original(call)
        if call.error is not None:
            sys.stderr.write(f"lost: {call.error!r}\n")

    around(Call, "answer", answer)


def calls_do_not_look() -> None:
    """Let calls begin without looking for a cancellation."""
    find = threads.current_backend

    class Blind:
        def __getattr__(self, name: str) -> Any:
            return getattr(find(), name)

        async def checkpoint_if_cancelled(self) -> None:
            """Do nothing."""

    replace(threads, current_backend=Blind, here=SimpleNamespace(backend=None))


@mutant("THREAD-6")
def thread_starts_in_a_cancelled_scope(_: Broken) -> None:
    """A call in a cancelled scope starts the function if a token is free."""
    calls_do_not_look()


@mutant("THREAD-6")
def thread_token_is_lost_in_a_cancelled_scope(_: Broken) -> None:
    """A call takes its token, looks for a cancellation then, and keeps the token if there is one."""

    class Forgetful(Limiter):
        async def acquire_on_behalf_of(self, borrower: object) -> None:
            with CancelScope(shield=True):
                await super().acquire_on_behalf_of(borrower)
            await checkpoint_if_cancelled()

    calls_see(Forgetful)
    calls_do_not_look()


@mutant("THREAD-7")
def thread_calls_need_no_token(_: Broken) -> None:
    """Calls take their tokens from a limiter without a limit, whichever they are given."""
    calls_see(lambda real: Limiter(CapacityLimiter(inf)))


@mutant("THREAD-7")
def abandoned_thread_holds_no_token(_: Broken) -> None:
    """A call that is abandoned gives its token back, while its worker goes on."""

    class Generous(Limiter):
        held: object = None

        async def acquire_on_behalf_of(self, borrower: object) -> None:
            await super().acquire_on_behalf_of(borrower)
            self.held = borrower

        def release_on_behalf_of(self, borrower: object) -> None:
            if self.held is not None:
                super().release_on_behalf_of(self.held)
            self.held = None

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        limiter = Generous(keywords.pop("limiter", None) or to_thread.current_default_thread_limiter())
        try:
            return await run_sync(func, *args, limiter=limiter, **keywords)
        except get_cancelled_exc_class():
            limiter.release_on_behalf_of(None)
            raise

    calls_are(call)


@mutant("THREAD-7")
def abandoned_token_is_lost_with_the_run(_: Broken) -> None:
    """The token of an abandoned call that ends after its run is never given back."""
    replace(Call, finish_late=returning())


@mutant("THREAD-7")
def default_thread_limiter_is_shared_by_runs(_: Broken) -> None:
    """There is one default limiter for the process."""
    limiter = CapacityLimiter(40)
    replace_everywhere(to_thread.current_default_thread_limiter, lambda: limiter)


@mutant("THREAD-7")
def default_thread_limiter_is_for_a_small_machine(_: Broken) -> None:
    """By default there are as many threads as a ThreadPoolExecutor has with two processors."""
    replace(threads, DEFAULT_THREADS=6)


@mutant("THREAD-8")
def thread_token_is_borrowed_by_the_task(_: Broken) -> None:
    """The task is the borrower, so that it can't hold a token itself."""

    class OfTheTask(Limiter):
        async def acquire_on_behalf_of(self, borrower: object) -> None:
            self.task = get_current_task()
            await self.real.acquire_on_behalf_of(self.task)

        def release_on_behalf_of(self, borrower: object) -> None:
            self.real.release_on_behalf_of(self.task)

    calls_see(OfTheTask)


@mutant("THREAD-9")
def each_thread_makes_one_call(_: Broken) -> None:
    """A new thread is started for each call."""
    replace(Pool, rest=returning())


def keeps(choose: Callable[[Any, Any], object]) -> None:
    """Let each worker keep something of its last call: what ``choose(call, func)`` returns."""
    kept = threading.local()

    def perform(original: Any, call: Any) -> None:
        func = call._func, call._args
        original(call)
        kept.it = choose(call, func)

    around(Call, "perform", perform)


@mutant("THREAD-9")
def idle_thread_keeps_the_function(_: Broken) -> None:
    """An idle worker still has the function of its last call, and the arguments."""
    keeps(lambda call, func: func)


@mutant("THREAD-9")
def idle_thread_keeps_the_result(_: Broken) -> None:
    """An idle worker still has the result of its last call."""
    keeps(lambda call, func: call.value)


@mutant("THREAD-9")
def idle_thread_keeps_the_exception(_: Broken) -> None:
    """An idle worker still has the exception of its last call."""
    keeps(lambda call, func: call.error)
