"""What portals do with calls: values, errors, tasks, futures, context managers, other loops."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import CancelledError, Future, wait
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

import accord
from accord.from_thread import BlockingPortal
from accord.lowlevel import checkpoint
from accord.protocols import Backend, TaskStatus
from accord.to_thread import run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle

from .starting import Sleeper, add, starter, until


@pytest.fixture
def portal(backend: Backend, run_options: dict[str, object]) -> Generator[BlockingPortal, None, None]:
    """A portal with a loop of its own."""
    with starter(backend, run_options)() as portal:
        yield portal


@rule("PORTAL-1")
def test_call(portal: BlockingPortal) -> None:
    """Functions of both kinds run on the loop's thread, in a task, and give their value."""
    thing = object()

    async def task_of(argument: object) -> tuple[int, str, object]:
        await checkpoint()
        return threading.get_ident(), accord.get_current_task().name, argument

    ident, name, argument = portal.call(task_of, thing)
    assert ident != threading.get_ident()
    assert "task_of" in name
    assert argument is thing
    assert portal.call(threading.get_ident) == ident
    assert portal.call(lambda: accord.get_current_task().id) != portal.call(lambda: accord.get_current_task().id)
    assert portal.call(partial(add, 1), 2) == 3


@rule("PORTAL-1")
async def test_portal_of_the_own_loop() -> None:
    """Workers of a loop can use a portal of the same loop, and wait in it for time to pass."""
    async with BlockingPortal() as portal:

        def work() -> int:
            portal.call(accord.sleep, 0.01)
            return portal.call(add, 1, 2)

        assert await run_sync(work) == 3
        async with accord.create_task_group() as group:
            call: Any = portal.call
            handles = [group.start_soon(partial(run_sync, call, add, number, 1)) for number in range(10)]
    assert [handle.return_value for handle in handles] == [*range(1, 11)]


@rule("PORTAL-1")
@pytest.mark.parametrize("kind", [ValueError, StopAsyncIteration, TimeoutError])
def test_exceptions_go_to_the_caller(portal: BlockingPortal, kind: type[Exception]) -> None:
    """An exception is raised in the thread that called, the same object; the portal goes on."""

    async def fail_later(error: Exception) -> None:
        await checkpoint()
        raise error

    def fail(error: Exception) -> None:
        raise error

    sleeper = Sleeper()
    future = portal.start_task_soon(sleeper)
    for function in (fail, fail_later):
        error = kind("in the portal")
        with pytest.raises(kind) as caught:
            portal.call(function, error)
        assert caught.value is error
        with pytest.raises(kind):
            portal.start_task_soon(function, kind("in a future")).result(PATIENCE)
    assert not future.done()
    assert portal.call(add, 1, 2) == 3
    future.cancel()


@rule("PORTAL-2")
def test_futures(portal: BlockingPortal) -> None:
    """Several calls at once, each with a future and a name."""
    futures = [portal.start_task_soon(add, number, 1) for number in range(20)]
    assert [future.result(PATIENCE) for future in futures] == list(range(1, 21))
    name = portal.start_task_soon(lambda: accord.get_current_task().name, name="a name")
    assert name.result(PATIENCE) == "a name"

    async def from_inside() -> Future[int]:
        return portal.start_task_soon(add, 3, 4)

    assert portal.call(from_inside).result(PATIENCE) == 7


@rule("PORTAL-2")
def test_cancelled_future(portal: BlockingPortal) -> None:
    """Cancelling the future cancels the task, before it has begun and later, and ``wait`` takes notice."""
    sleeper = Sleeper()
    future = portal.start_task_soon(sleeper)
    assert sleeper.begun.wait(PATIENCE)
    assert future.cancel()
    assert sleeper.ended.wait(PATIENCE)
    assert wait([future], PATIENCE).done == {future}
    calls: list[str] = []

    def cancel_at_once() -> None:
        assert portal.start_task_soon(accord.sleep_forever).cancel()

    for _ in range(20):
        cancel_at_once()
    portal.call(cancel_at_once)
    portal.call(calls.append, "still there")
    assert calls == ["still there"]


@rule("PORTAL-2")
def test_cancelled_task(portal: BlockingPortal) -> None:
    """A task that is cancelled with its portal cancels its future."""
    sleeper = Sleeper()
    future = portal.start_task_soon(sleeper)
    assert sleeper.begun.wait(PATIENCE)
    portal.call(portal.stop, True)
    with pytest.raises(CancelledError):
        future.result(PATIENCE)
    assert wait([future], PATIENCE).done == {future}


@rule("PORTAL-2", "PORTAL-7")
def test_races_of_end_and_cancellation(portal: BlockingPortal) -> None:
    """Futures that are cancelled while their tasks end never harm the portal."""

    async def end_soon(turns: int) -> int:
        for _ in range(turns):
            await checkpoint()
        return turns

    for step in range(200):
        future = portal.start_task_soon(end_soon, step % 4)
        if step % 3:
            time.sleep(step % 5 * 0.00005)
        if not future.cancel():
            assert future.result(PATIENCE) == step % 4
    assert portal.call(add, 1, 2) == 3


@rule("PORTAL-3")
def test_start_task(portal: BlockingPortal) -> None:
    """``start_task`` returns what ``started()`` was given, while the task goes on."""
    release = accord.Event()

    async def service(first: int, *, task_status: TaskStatus[int]) -> str:
        await checkpoint()
        task_status.started(first + 1)
        with pytest.raises(RuntimeError, match="once"):
            task_status.started(0)
        await release.wait()
        return accord.get_current_task().name

    future, value = portal.start_task(service, 4, name="service")
    assert value == 5
    assert not future.done()
    portal.call(release.set)
    assert future.result(PATIENCE) == "service"


@rule("PORTAL-3")
def test_start_task_fails(portal: BlockingPortal) -> None:
    """What happens before ``started()`` is raised by ``start_task``."""
    error = ValueError("too early")

    async def fail(*, task_status: TaskStatus[int]) -> None:
        await checkpoint()
        raise error

    async def forget(*, task_status: TaskStatus[int]) -> None:
        await checkpoint()

    async def stop(*, task_status: TaskStatus[int]) -> None:
        await portal.stop(cancel_remaining=True)
        await checkpoint()

    with pytest.raises(ValueError, match="too early") as caught:
        portal.start_task(fail)
    assert caught.value is error
    with pytest.raises(RuntimeError, match="started"):
        portal.start_task(forget)
    with pytest.raises(CancelledError):
        portal.start_task(stop)


@asynccontextmanager
async def manager(steps: list[str], suppress: bool = False) -> AsyncGenerator[str, None]:
    """An asynchronous context manager that must be left by the task that entered it."""
    with accord.CancelScope():
        await checkpoint()
        steps.append("entered")
        try:
            yield "value"
        except ValueError as error:
            steps.append(str(error))
            if not suppress:
                raise
        except BaseException as error:
            steps.append(type(error).__name__)
            raise
        finally:
            with accord.CancelScope(shield=True):
                await checkpoint()
            steps.append("left")


@rule("PORTAL-4")
def test_context_manager(portal: BlockingPortal) -> None:
    """Value, exception and suppression go through, and enter and exit are in one task."""
    steps: list[str] = []
    with portal.wrap_async_context_manager(manager(steps)) as value:
        assert value == "value"
        assert steps == ["entered"]
    assert steps == ["entered", "left"]
    error = ValueError("from the block")
    with pytest.raises(ValueError, match="from the block") as caught:
        with portal.wrap_async_context_manager(manager(steps)):
            raise error
    assert caught.value is error
    assert steps[2:] == ["entered", "from the block", "left"]
    with portal.wrap_async_context_manager(manager(steps, True)):
        raise ValueError("suppressed")
    assert steps[5:] == ["entered", "suppressed", "left"]

    @asynccontextmanager
    async def failing() -> AsyncGenerator[None, None]:
        await checkpoint()
        raise OSError("can't enter")
        yield

    with pytest.raises(OSError, match="can't enter"):
        portal.wrap_async_context_manager(failing()).__enter__()


@rule("PORTAL-4")
@pytest.mark.parametrize("cancel", [True, False])
def test_context_manager_and_stop(backend: Backend, run_options: dict[str, object], cancel: bool) -> None:
    """A portal that is stopped inside the block still leaves the context manager, at once if tasks are cancelled."""
    steps: list[str] = []
    name = ""
    with starter(backend, run_options)() as portal:
        name = portal.call(accord.get_cancelled_exc_class).__name__
        wrapped = portal.wrap_async_context_manager(manager(steps))
        wrapped.__enter__()
        portal.call(portal.stop, cancel)
        if cancel:
            until(lambda: "left" in steps)
            with pytest.raises(CancelledError):
                wrapped.__exit__(None, None, None)
        else:
            assert not wrapped.__exit__(None, None, None)
    assert steps == ["entered", name, "left"] if cancel else ["entered", "left"]


@rule("PORTAL-13")
def test_context(portal: BlockingPortal) -> None:
    """Each function runs in a copy of the caller's context."""
    variable: ContextVar[str] = ContextVar("variable", default="nothing")

    async def func(*, task_status: TaskStatus[str] = accord.TASK_STATUS_IGNORED) -> str:
        await checkpoint()
        seen = variable.get()
        variable.set("the function")
        task_status.started(seen)
        return seen

    variable.set("the thread")
    assert portal.call(func) == "the thread"
    assert portal.call(variable.get) == "the thread"
    assert portal.start_task_soon(func).result(PATIENCE) == "the thread"
    assert portal.start_task(func)[1] == "the thread"
    assert variable.get() == "the thread"


@rule("PORTAL-14")
def test_call_from_another_loop(portal: BlockingPortal, run: Callable[..., Any]) -> None:
    """A task of another loop calls without blocking that loop, and gets value or exception."""
    gate = accord.Event()
    error = ValueError("in the portal")

    async def blocked() -> int:
        await gate.wait()
        return threading.get_ident()

    def fail() -> None:
        raise error

    async def main() -> None:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, partial(portal.call_async, blocked))
            await accord.sleep(0.01)
            assert attempt.outcome == "blocked"
            assert await portal.call_async(add, 1, 2) == 3
            await portal.call_async(gate.set)
        assert attempt.value != threading.get_ident()
        with pytest.raises(ValueError, match="in the portal") as caught:
            await portal.call_async(fail)
        assert caught.value is error
        assert await is_cancelled_by(lambda: portal.call_async(add, 1, 2))

    run(main)


@rule("PORTAL-14")
async def test_call_from_the_same_loop() -> None:
    """A task of the portal's own loop can call too, and a portal that takes no calls refuses."""
    async with BlockingPortal() as portal:
        assert await portal.call_async(add, 1, 2) == 3
        await portal.stop()
        with pytest.raises(RuntimeError, match="stopped"):
            await portal.call_async(add, 1, 2)


@rule("PORTAL-14")
@pytest.mark.parametrize("abandon", [True, False])
def test_cancelled_call_from_another_loop(portal: BlockingPortal, run: Callable[..., Any], abandon: bool) -> None:
    """A cancelled caller cancels the portal's task and waits for it, or leaves it alone."""
    sleeper = Sleeper()
    release = accord.Event()

    async def stubborn() -> str:
        with accord.CancelScope(shield=True):
            await sleeper_or(release)
        return "value"

    async def sleeper_or(event: accord.Event) -> None:
        sleeper.begun.set()
        await event.wait()
        sleeper.ended.set()

    async def main() -> Any:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, partial(portal.call_async, stubborn, abandon_on_cancel=abandon))
            while not sleeper.begun.is_set():
                await accord.sleep(0.001)
            attempt.cancel()
            await accord.sleep(0.02)
            assert attempt.outcome == ("cancelled" if abandon else "blocked")
            assert not sleeper.ended.is_set()
            await portal.call_async(release.set)
        return attempt

    attempt = run(main)
    assert sleeper.ended.wait(PATIENCE)
    if not abandon:
        assert (attempt.outcome, attempt.value) == ("returned", "value")
    quick = Sleeper()

    async def again() -> bool:
        with accord.move_on_after(0.05) as scope:
            await portal.call_async(quick)
        return scope.cancelled_caught and quick.ended.is_set()

    if not abandon:
        assert run(again)


@rule("PORTAL-15")
async def test_sleep_until_stopped() -> None:
    """The wait lasts until the portal is stopped, and not longer."""
    async with BlockingPortal() as portal:
        assert await is_cancelled_by(portal.sleep_until_stopped)
        async with accord.create_task_group() as group:
            attempt = Attempt(group, portal.sleep_until_stopped)
            await settle()
            assert attempt.outcome == "blocked"
            await run_sync(lambda: portal.call(portal.stop))
    assert attempt.outcome == "returned"
    await portal.sleep_until_stopped()
