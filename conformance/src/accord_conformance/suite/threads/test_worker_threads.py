"""to_thread.run_sync: values, errors, context, cancellation, tokens, and what is left of threads."""

from __future__ import annotations

import gc
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.to_thread import current_default_thread_limiter, run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle


class CustomBaseException(BaseException):
    """Neither an Exception nor one of Python's own."""


class Thing:
    """Something that can be referred to weakly."""


async def _until(condition: Callable[[], object]) -> None:
    """Wait for what threads do in their own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await accord.sleep(0.005)


@rule("THREAD-1")
async def test_value_comes_back_from_another_thread() -> None:
    """The function runs in another thread with its arguments, and its value is returned."""
    value = Thing()

    def func(*args: object) -> tuple[object, ...]:
        return threading.get_ident(), value, *args

    ident, returned, *args = await run_sync(func, 1, "x")
    assert ident != threading.get_ident()
    assert returned is value
    assert args == [1, "x"]


@rule("THREAD-1")
async def test_loop_goes_on() -> None:
    """Other tasks run while the function does, and several functions run at once."""
    gate = threading.Barrier(3)
    async with accord.create_task_group() as group:
        handles = [group.start_soon(run_sync, gate.wait, PATIENCE) for _ in range(2)]
        await accord.sleep(0.01)
        await checkpoint()
        await run_sync(gate.wait, PATIENCE)
    assert all(handle.status is accord.HandleStatus.FINISHED for handle in handles)


@rule("THREAD-1", "ERR-11")
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, CustomBaseException])
async def test_exceptions_come_back(kind: type[BaseException]) -> None:
    """Any exception that the function raises is raised by the call, the same object."""
    error = kind("from the thread")

    def func() -> None:
        raise error

    with pytest.raises(kind) as caught:
        await run_sync(func)
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None


@rule("THREAD-2")
async def test_stop_iteration_becomes_runtime_error() -> None:
    """StopIteration is raised as a RuntimeError from it."""

    def func() -> None:
        raise StopIteration(5)

    with pytest.raises(RuntimeError) as caught:
        await run_sync(func)
    assert isinstance(caught.value.__cause__, StopIteration)


@rule("THREAD-3")
async def test_function_has_a_copy_of_the_context() -> None:
    """The function sees the caller's context, and its changes are seen by nobody else."""
    variable: ContextVar[str] = ContextVar("variable", default="nothing")

    def func() -> str:
        seen = variable.get()
        variable.set("by the thread")
        return seen

    variable.set("mine")
    assert await run_sync(func) == "mine"
    assert variable.get() == "mine"
    assert await run_sync(func) == "mine"


@rule("THREAD-4")
@pytest.mark.parametrize("fails", [True, False])
async def test_cancellation_is_put_off(fails: bool) -> None:
    """A cancelled call waits for the function and gives its value or error; the next checkpoint raises."""
    release = threading.Event()
    steps: list[str] = []

    def func() -> str:
        release.wait(PATIENCE)
        if fails:
            raise ValueError
        return "value"

    async def call() -> None:
        try:
            steps.append(await run_sync(func))
        except ValueError:
            steps.append("error")
        steps.append("no checkpoint yet")
        await checkpoint()
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as group:
        attempt = Attempt(group, call)
        await settle()
        attempt.cancel()
        await accord.sleep(0.02)
        assert attempt.outcome == "blocked"
        release.set()
    assert steps == ["error" if fails else "value", "no checkpoint yet"]
    assert attempt.outcome == "cancelled"


@rule("THREAD-5", "THREAD-7")
async def test_abandoned_call() -> None:
    """An abandoned call raises the cancellation at once; its token is held until the function has ended."""
    release, ended = threading.Event(), threading.Event()
    limiter = accord.CapacityLimiter(1)

    def func() -> None:
        release.wait(PATIENCE)
        ended.set()

    with accord.move_on_after(0.02) as scope:
        await run_sync(func, abandon_on_cancel=True, limiter=limiter)
    assert scope.cancelled_caught
    assert not ended.is_set()
    assert limiter.borrowed_tokens == 1
    release.set()
    await _until(lambda: limiter.borrowed_tokens == 0)
    assert ended.is_set()


@rule("THREAD-5", "THREAD-7", "ERR-5")
def test_abandoned_call_outlives_the_run(run: Callable[..., Any], capfd: pytest.CaptureFixture[str]) -> None:
    """A result that comes after the end of the run makes no noise, and the token is given back then too."""
    release = threading.Event()
    limiter = accord.CapacityLimiter(1)

    def func() -> None:
        release.wait(PATIENCE)
        raise ValueError("nobody wants to know")

    async def main() -> None:
        with accord.move_on_after(0.02):
            await run_sync(func, abandon_on_cancel=True, limiter=limiter)

    run(main)
    assert limiter.borrowed_tokens == 1
    release.set()
    end = time.monotonic() + 1
    while limiter.borrowed_tokens and time.monotonic() < end:
        time.sleep(0.005)
    assert limiter.borrowed_tokens == 0
    gc.collect()
    assert capfd.readouterr() == ("", "")


@rule("THREAD-6")
async def test_call_in_a_cancelled_scope() -> None:
    """In a cancelled scope the function isn't called, and no token is taken."""
    calls: list[str] = []
    limiter = accord.CapacityLimiter(1)
    for abandon in (True, False):
        call: Any = partial(run_sync, calls.append, "called", abandon_on_cancel=abandon, limiter=limiter)
        assert await is_cancelled_by(call)
    await accord.sleep(0.02)
    assert calls == []
    assert limiter.borrowed_tokens == 0


@rule("THREAD-7")
async def test_limiter_limits() -> None:
    """No more functions run at once than the limiter has tokens, and the tokens are given back."""
    limiter = accord.CapacityLimiter(2)
    lock = threading.Lock()
    running = most = 0

    def func() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1

    async with accord.create_task_group() as group:
        for _ in range(6):
            group.start_soon(lambda: run_sync(func, limiter=limiter))
    assert most == 2
    assert limiter.borrowed_tokens == 0


@rule("THREAD-7")
def test_default_limiter(run: Callable[..., Any]) -> None:
    """By default the tokens come from a limiter of the run, with 40 of them, which can be changed for that run."""

    async def main() -> accord.CapacityLimiter:
        limiter = current_default_thread_limiter()
        assert current_default_thread_limiter() is limiter
        assert limiter.total_tokens == 40
        borrowed = await run_sync(lambda: limiter.borrowed_tokens)
        assert borrowed == 1
        limiter.total_tokens = 1
        return limiter

    assert run(main) is not run(main)


@rule("THREAD-8")
async def test_caller_may_hold_a_token_itself() -> None:
    """A task that holds a token of the limiter can make a call with it."""
    limiter = accord.CapacityLimiter(2)
    async with limiter:
        assert await run_sync(lambda: limiter.borrowed_tokens, limiter=limiter) == 2
    assert limiter.borrowed_tokens == 0


@rule("THREAD-9")
async def test_threads_are_used_again() -> None:
    """Calls one after the other use the same thread."""
    idents = {await run_sync(threading.get_ident) for _ in range(10)}
    assert len(idents) == 1


@rule("THREAD-9")
async def test_nothing_of_a_call_is_kept() -> None:
    """Function, arguments, result and exception of a call are freed though its thread lives on."""
    references: list[weakref.ref[object]] = []

    def func(thing: Thing) -> Thing:
        result = Thing()
        references.extend([weakref.ref(thing), weakref.ref(result)])
        return result

    class OwnError(Exception):
        pass

    def fail(thing: Thing) -> None:
        error = OwnError()
        references.extend([weakref.ref(thing), weakref.ref(error)])
        raise error

    def freed() -> bool:
        gc.collect()
        return all(reference() is None for reference in references)

    await run_sync(func, Thing())
    await _until(freed)
    with pytest.raises(OwnError) as caught:
        await run_sync(fail, Thing())
    del caught
    await _until(freed)
    assert len(references) == 4


@rule("THREAD-10")
def test_abandoned_threads_do_not_delay_the_exit(script: Callable[..., Any]) -> None:
    """The interpreter exits at once though an abandoned function still runs."""
    result = script(
        """
import time
async def main():
    with accord.move_on_after(0.05):
        await accord.to_thread.run_sync(time.sleep, 60, abandon_on_cancel=True)
    print("done")
run(main)
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


@rule("THREAD-10")
def test_idle_threads_do_not_delay_the_exit(script: Callable[..., Any]) -> None:
    """The interpreter exits at once though threads wait for the next call."""
    result = script(
        """
async def main():
    print(await accord.to_thread.run_sync(str, "done"))
run(main)
""",
        timeout=8,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "done\n", "")


@rule("THREAD-1", "CKPT-6")
async def test_what_is_not_callable_is_refused() -> None:
    """Something that can't be called is a TypeError."""
    value: Any = 5
    with pytest.raises(TypeError):
        await run_sync(value)
    assert sys.exc_info() == (None, None, None)
