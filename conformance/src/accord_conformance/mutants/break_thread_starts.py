"""Mutants of how threads begin and end: exit, tokens, executors, missing threads, several loops, forks."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from typing import Any

from accord import _workers, to_thread
from accord.lowlevel import checkpoint_if_cancelled

from .break_threads import Call, Pool, Side, Worker, calls_are, calls_with, returning, run_sync, threads
from .making import Broken, around, mutant, replace


@mutant("THREAD-10")
def exit_waits_for_abandoned_threads(_: Broken) -> None:
    """Workers are no daemons."""

    def init(original: Any, worker: Any) -> None:
        original(worker)
        worker.thread.daemon = False

    around(Worker, "__init__", init)


@mutant("THREAD-10")
def exit_waits_for_idle_threads(_: Broken) -> None:
    """Idle workers are joined when the interpreter exits."""
    idle: Any = _workers.pool
    atexit.register(lambda: [worker.thread.join() for worker in tuple(idle._idle)])


@mutant("THREAD-12")
def token_obliges_to_begin(_: Broken) -> None:
    """A call that has just been given a token begins though it has been cancelled."""

    async def borrow(_: Any, call: Any, limiter: Any) -> None:
        await limiter.acquire_on_behalf_of(call)

    replace(threads, _borrow=borrow)


@mutant("THREAD-12")
def token_is_lost_to_a_cancellation(_: Broken) -> None:
    """A call that was cancelled when it was given a token does not begin, and keeps the token."""

    async def borrow(_: Any, call: Any, limiter: Any) -> None:
        await limiter.acquire_on_behalf_of(call)
        await checkpoint_if_cancelled()

    replace(threads, _borrow=borrow)


def with_executor(wrapper: Callable[..., Any]) -> None:
    """Let something else happen to calls with an executor."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        if keywords.get("executor") is None:
            return await run_sync(func, *args, **keywords)
        return await wrapper(func, args, keywords)

    calls_are(call)


@mutant("THREAD-13")
def executor_is_ignored(_: Broken) -> None:
    """The function runs in a thread of the library's."""
    calls_with(executor=None)


@mutant("THREAD-13")
def executor_has_no_context(_: Broken) -> None:
    """In an executor the function runs in an empty context."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        return await run_sync(Context().run, func, *args, **keywords)

    with_executor(call)


@mutant("THREAD-13")
def executor_needs_tokens(_: Broken) -> None:
    """A call in an executor takes a token of the default limiter."""

    async def call(func: Any, args: Any, keywords: Any) -> Any:
        limiter = keywords.pop("limiter", None) or to_thread.current_default_thread_limiter()
        return await run_sync(func, *args, limiter=limiter, **keywords)

    with_executor(call)


@mutant("THREAD-13")
def executor_keeps_abandoned_calls(_: Broken) -> None:
    """What was abandoned in the queue of an executor is called nevertheless."""

    def leave(original: Any, call: Any, error: Any) -> None:
        call.future = None
        original(call, error)

    around(Call, "leave", leave)


@mutant("THREAD-13")
def executor_must_take_the_context(_: Broken) -> None:
    """What an executor is given can't be sent to another process."""
    given: Any = threads._InExecutor
    del given.__reduce__


@mutant("THREAD-14")
def missing_thread_keeps_the_token(_: Broken) -> None:
    """The token of a call for which no thread could be started is lost."""

    def submit(original: Any, pool: Any, call: Any) -> None:
        try:
            original(pool, call)
        except RuntimeError:
            call.limiter = None
            raise

    def refuse(call: Any, error: Any) -> None:
        call.limiter = None
        call.error = error
        call.answer()

    around(Pool, "submit", submit)
    replace(Call, refuse=refuse)


@mutant("THREAD-14")
def queued_calls_wait_for_missing_threads(_: Broken) -> None:
    """Calls for which no thread could be started wait, and the threads that are there are stuck after that."""

    def submit(pool: Any, call: Any) -> None:
        pool._jobs.append(call)
        with suppress(RuntimeError):
            pool._wake()

    def take(pool: Any) -> Any:
        return pool._jobs.popleft() if pool._jobs else None

    replace(Pool, submit=submit, _refuse_all=returning(), take=take)


@mutant("THREAD-15")
def late_token_comes_back_in_the_thread(_: Broken) -> None:
    """A worker gives the token of a finished run's call back itself, whoever uses the limiter now."""

    def finish_late(call: Any) -> None:
        call.limiter.release_on_behalf_of(call)

    replace(Call, finish_late=finish_late)


@mutant("THREAD-16")
def loops_share_the_way_back(_: Broken) -> None:
    """All loops have one queue of answers, and whichever loop looks first takes them."""
    side = Side()
    replace(threads, _side_of=returning(side))


@mutant("THREAD-16")
def only_one_loop_has_threads(_: Broken) -> None:
    """Worker threads belong to the thread that used them first."""
    first: list[int] = []

    def submit(original: Any, pool: Any, call: Any) -> None:
        first.append(threading.get_ident())
        if first[0] != threading.get_ident():
            raise RuntimeError("worker threads belong to another thread")
        original(pool, call)

    around(Pool, "submit", submit)


@mutant("THREAD-17")
def child_believes_in_its_parents_threads(_: Broken) -> None:
    """A forked child takes the idle threads that its parent had for its own."""
    idle: Any = _workers.pool

    def restore() -> None:
        idle._idle, idle._jobs, idle._waking = kept.copy(), deque(), False

    def keep() -> None:
        kept.clear()
        kept.extend(idle._idle)

    kept: deque[Any] = deque()
    os.register_at_fork(before=keep, after_in_child=restore)
