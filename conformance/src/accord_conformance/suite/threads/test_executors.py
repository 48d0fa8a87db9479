"""to_thread.run_sync in an executor of the caller's."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import get_context
from typing import Any

import pytest

import accord
from accord import from_thread
from accord.to_thread import current_default_thread_limiter, run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle


@contextmanager
def one_thread() -> Generator[ThreadPoolExecutor, None, None]:
    """An executor with one thread, whose name is known."""
    executor = ThreadPoolExecutor(1, thread_name_prefix="my own")
    try:
        yield executor
    finally:
        executor.shutdown(wait=False)


@rule("THREAD-13")
async def test_runs_in_the_executor() -> None:
    """The function runs in a thread of the executor, in a copy of the context; its value or error comes back."""
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    variable.set("mine")
    error = ValueError("from the executor")

    def func(argument: int) -> tuple[int, str, str]:
        seen = variable.get()
        variable.set("by the thread")
        return argument, threading.current_thread().name, seen

    def fail() -> None:
        raise error

    with one_thread() as executor:
        argument, name, seen = await run_sync(func, 5, executor=executor)
        assert (argument, seen) == (5, "mine")
        assert name.startswith("my own")
        assert variable.get() == "mine"
        with pytest.raises(ValueError, match="from the executor") as caught:
            await run_sync(fail, executor=executor)
        assert caught.value is error
        assert await run_sync(from_thread.run_sync, threading.get_ident, executor=executor) == threading.get_ident()


@rule("THREAD-13")
async def test_tokens() -> None:
    """No token is taken, except of a limiter that is given."""
    limiter = accord.CapacityLimiter(1)
    default = current_default_thread_limiter()
    with one_thread() as executor:
        assert await run_sync(lambda: default.borrowed_tokens, executor=executor) == 0
        assert await run_sync(lambda: limiter.borrowed_tokens, executor=executor, limiter=limiter) == 1
    assert limiter.borrowed_tokens == 0


@rule("THREAD-13")
async def test_cancellation() -> None:
    """A cancellation is put off, or the call abandoned; what the executor has not begun it need not do then."""
    release = threading.Event()
    calls: list[str] = []
    with one_thread() as executor:
        assert await is_cancelled_by(lambda: run_sync(calls.append, "cancelled scope", executor=executor))
        async with accord.create_task_group() as group:
            busy = Attempt(group, lambda: run_sync(release.wait, PATIENCE, executor=executor))
            await settle()
            with accord.move_on_after(0.02) as scope:
                await run_sync(calls.append, "abandoned", executor=executor, abandon_on_cancel=True)
            assert scope.cancelled_caught
            busy.cancel()
            await accord.sleep(0.02)
            assert busy.outcome == "blocked"
            release.set()
        assert busy.outcome == "returned"
        await run_sync(calls.append, "last", executor=executor)
    assert calls == ["last"]


@rule("THREAD-13")
async def test_shut_down() -> None:
    """An executor that was shut down is a RuntimeError, also if the call waited in its queue."""
    release = threading.Event()
    limiter = accord.CapacityLimiter(5)
    with one_thread() as executor:
        async with accord.create_task_group() as group:
            busy = Attempt(group, lambda: run_sync(release.wait, PATIENCE, executor=executor, limiter=limiter))
            await settle()
            queued = Attempt(group, lambda: run_sync(int, executor=executor, limiter=limiter))
            await settle()
            executor.shutdown(wait=False, cancel_futures=True)
            await queued.handle.wait()
            assert queued.outcome == "raised"
            assert type(queued.error) is RuntimeError
            release.set()
        assert busy.outcome == "returned"
        with pytest.raises(RuntimeError, match="shutdown"):
            await run_sync(int, executor=executor, limiter=limiter)
    assert limiter.borrowed_tokens == 0


class InPlace(Executor):
    """An executor without threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call at once."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@rule("THREAD-13", "FROM-6")
async def test_executor_without_threads() -> None:
    """An executor that calls at once gives its value; calling the loop from there is an error."""
    assert await run_sync(int, "5", executor=InPlace()) == 5

    def ask() -> str:
        with pytest.raises(RuntimeError, match="own thread"):
            from_thread.run_sync(int)
        with pytest.raises(RuntimeError, match="own thread"):
            from_thread.check_cancelled()
        return "not allowed"

    assert await run_sync(ask, executor=InPlace()) == "not allowed"


@rule("THREAD-13")
async def test_process_pool() -> None:
    """A pool of processes can be given the function."""
    executor = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    try:
        assert await run_sync(os.getpid, executor=executor) != os.getpid()
        with pytest.raises(ValueError, match="invalid literal"):
            await run_sync(int, "x", executor=executor)
    finally:
        executor.shutdown()
