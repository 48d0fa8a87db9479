"""The lives of portals: how they start, stop, fail, are interrupted and shared."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

import pytest

import accord
from accord.from_thread import BlockingPortal, BlockingPortalProvider, start_blocking_portal
from accord.lowlevel import checkpoint
from accord.protocols import Backend, TaskStatus
from accord.to_thread import run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, in_thread, leaves, rule

from .starting import Sleeper, Start, add, starter, until


@pytest.fixture
def start(backend: Backend, run_options: dict[str, object]) -> Start:
    """Starts portals on the backend under test."""
    return starter(backend, run_options)


class CustomBaseException(BaseException):
    """Neither an Exception nor one of Python's own."""


def raises(error: BaseException) -> None:
    """Raise."""
    raise error


async def raises_later(error: BaseException) -> None:
    """Raise after a turn of the loop."""
    await checkpoint()
    raise error


async def never(*, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
    """A service that should not begin."""


@rule("PORTAL-5")
async def test_stop_and_leave() -> None:
    """Leaving waits for the tasks; calls are refused from then on."""
    release, left = accord.Event(), accord.Event()

    async def host(portal: BlockingPortal) -> None:
        async with portal:
            portal.start_task_soon(release.wait)
        left.set()

    portal = BlockingPortal()
    async with accord.create_task_group() as group:
        attempt = Attempt(group, partial(host, portal))
        await accord.sleep(0.01)
        assert attempt.outcome == "blocked"
        with pytest.raises(RuntimeError, match="stopped"):
            await run_sync(portal.call, add, 1, 2)
        with pytest.raises(RuntimeError, match="stopped"):
            portal.start_task_soon(add, 1, 2)
        release.set()
    assert left.is_set()


@rule("PORTAL-5")
async def test_stop_and_cancel() -> None:
    """``stop(cancel_remaining=True)`` cancels what runs, also when it is called through the portal."""
    for through in (True, False):
        sleeper = Sleeper()
        with accord.fail_after(PATIENCE):
            async with BlockingPortal() as portal:
                future = portal.start_task_soon(sleeper)
                await run_sync(sleeper.begun.wait, PATIENCE)
                if through:
                    await run_sync(portal.call, portal.stop, True)
                else:
                    await portal.stop(cancel_remaining=True)
        assert future.cancelled()
        assert sleeper.ended.is_set()


@rule("PORTAL-5")
async def test_block_that_raises() -> None:
    """The block's exception cancels the tasks and comes out as it is."""
    sleeper = Sleeper()
    error = ValueError("from the block")
    with accord.fail_after(PATIENCE):
        with pytest.raises(ValueError, match="from the block") as caught:
            async with BlockingPortal() as portal:
                portal.start_task_soon(sleeper)
                await run_sync(sleeper.begun.wait, PATIENCE)
                raise error
    assert caught.value is error
    assert sleeper.ended.is_set()


@rule("PORTAL-5")
async def test_block_that_is_cancelled() -> None:
    """A cancellation of the block cancels the tasks and goes on to its scope."""
    sleeper = Sleeper()
    with accord.CancelScope() as scope:
        async with BlockingPortal() as portal:
            portal.start_task_soon(sleeper)
            await run_sync(sleeper.begun.wait, PATIENCE)
            scope.cancel()
            await portal.sleep_until_stopped()
    assert scope.cancelled_caught
    assert sleeper.ended.is_set()


@rule("PORTAL-6")
async def test_own_thread() -> None:
    """In the thread of the portal's loop there is nothing to wait with."""
    async with BlockingPortal() as portal:
        with pytest.raises(RuntimeError, match="itself"):
            portal.call(add, 1, 2)
        with pytest.raises(RuntimeError, match="itself"):
            portal.start_task(never)


@rule("PORTAL-6")
def test_no_calls(run: Callable[..., Any]) -> None:
    """A portal that was not entered, or that is over, refuses every kind of call."""

    async def main() -> BlockingPortal:
        async with BlockingPortal() as portal:
            for call in (portal.call, portal.start_task_soon, portal.start_task):
                function: Any = 5
                with pytest.raises((TypeError, RuntimeError)):
                    call(function)
                with pytest.raises(TypeError, match="callable"):
                    await run_sync(call, function)
        with pytest.raises(RuntimeError, match="once"):
            await portal.__aenter__()
        return portal

    portals: list[Any] = [BlockingPortal(), run(main)]
    for portal in portals:
        for call in (portal.call, portal.start_task_soon, portal.start_task):
            with pytest.raises(RuntimeError):
                call(never)
            with pytest.raises(RuntimeError):
                in_thread(partial(call, never))


@rule("PORTAL-7")
def test_calls_around_the_end(start: Start) -> None:
    """Threads that call while the portal stops are all answered."""
    for round_number in range(10):
        wrong: list[BaseException] = []

        def work(portal: BlockingPortal, wrong: list[BaseException] = wrong) -> None:
            try:
                while True:
                    portal.call(add, 1, 2)
                    portal.start_task_soon(add, 1, 2).result(PATIENCE)
                    portal.call(int)
            except (RuntimeError, CancelledError):
                pass
            except BaseException as error:
                wrong.append(error)

        with start() as portal:
            threads = [threading.Thread(target=work, args=(portal,), daemon=True) for _ in range(3)]
            for thread in threads:
                thread.start()
            time.sleep(0.002)
            if round_number % 2:
                portal.call(portal.stop, True)
        end = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        assert not any(thread.is_alive() for thread in threads), "a caller waits for a portal that is gone"
        assert wrong == []


@rule("PORTAL-8")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, CustomBaseException])
@pytest.mark.parametrize("function", [raises, raises_later])
def test_exception_that_means_the_program(start: Start, kind: type[BaseException], function: Any) -> None:
    """It reaches its caller, ends the portal, and is raised by the block; nobody is left waiting."""
    error = kind("the end")
    sleeper = Sleeper()
    answers: list[BaseException] = []

    def wait_in_call() -> None:
        try:
            portal.call(accord.sleep_forever)
        except BaseException as exc:
            answers.append(exc)

    with pytest.raises(kind) as caught:
        with start() as portal:
            future = portal.start_task_soon(sleeper)
            thread = threading.Thread(target=wait_in_call, daemon=True)
            thread.start()
            assert sleeper.begun.wait(PATIENCE)
            with pytest.raises(kind) as inner:
                portal.call(function, error)
            assert inner.value is error
            thread.join(PATIENCE)
            assert not thread.is_alive()
            with pytest.raises(CancelledError):
                future.result(PATIENCE)
            for call in (portal.call, portal.start_task_soon):
                with pytest.raises(RuntimeError):
                    call(add, 1, 2)
    assert caught.value is error
    assert [type(answer) for answer in answers] in ([CancelledError], [RuntimeError])


@rule("PORTAL-8")
def test_block_raises_the_same(start: Start) -> None:
    """If the caller lets it pass, the block raises it once."""
    error = KeyboardInterrupt("the end")
    with pytest.raises(KeyboardInterrupt) as caught, start() as portal:
        portal.call(raises, error)
    assert caught.value is error
    assert caught.value.__context__ is None


@rule("PORTAL-8")
async def test_in_a_portal_of_the_own_loop() -> None:
    """The block of a portal that was entered on a loop raises it there."""
    error = CustomBaseException("the end")
    with pytest.raises(BaseException) as caught:
        async with BlockingPortal() as portal:
            future = portal.start_task_soon(raises, error)
            await portal.sleep_until_stopped()
    assert leaves(caught.value) == [error]
    assert future.exception(PATIENCE) is error


@rule("PORTAL-9")
def test_start(start: Start, backend: Backend) -> None:
    """The portal's loop runs in a thread of its own, of the given name, on the given backend."""
    with start(name="my portal") as portal:
        assert portal.call(lambda: accord.lowlevel.current_backend().name) == backend.name
        assert portal.call(lambda: threading.current_thread().name) == "my portal"
        thread = portal.call(threading.current_thread)
        assert thread is not threading.current_thread()
        with start() as second:
            assert second.call(threading.get_ident) != portal.call(threading.get_ident)
            assert portal.call(partial(second.call, add), 1, 2) == 3
    assert not thread.is_alive()


@rule("PORTAL-9")
def test_start_fails(backend: Backend, run_options: dict[str, object]) -> None:
    """An error at the start is raised, and the thread is gone."""
    threads = threading.active_count()
    with pytest.raises(TypeError, match="nonsense"):
        with start_blocking_portal(backend, {**run_options, "nonsense": 1}):
            raise AssertionError("it has started")
    with pytest.raises(accord.BackendNotFound):
        with start_blocking_portal("there is no such backend"):
            raise AssertionError("it has started")
    assert threading.active_count() <= threads


@rule("PORTAL-10")
def test_leaving(start: Start) -> None:
    """Leaving the block waits for the tasks and for the thread; a block that raises cancels them."""
    sleeper, release = Sleeper(), accord.Event()
    with start() as portal:
        thread = portal.call(threading.current_thread)
        future = portal.start_task_soon(release.wait)
        threading.Timer(0.05, portal.call, (release.set,)).start()
        until(future.done)
        later = portal.start_task_soon(accord.sleep, 0.05)
    assert later.done()
    assert not later.cancelled()
    assert not thread.is_alive()
    error = ValueError("from the block")
    with pytest.raises(ValueError, match="from the block") as caught, start() as portal:
        thread = portal.call(threading.current_thread)
        future = portal.start_task_soon(sleeper)
        assert sleeper.begun.wait(PATIENCE)
        raise error
    assert caught.value is error
    assert future.cancelled()
    assert sleeper.ended.is_set()
    assert not thread.is_alive()


@rule("PORTAL-10")
def test_leaving_after_stop(start: Start) -> None:
    """A portal that was stopped from inside, and whose run is over, is left like any other."""
    for cancel in (True, False):
        with start() as portal:
            thread = portal.call(threading.current_thread)
            portal.call(portal.stop, cancel)
            thread.join(PATIENCE)
            assert not thread.is_alive()
            with pytest.raises(RuntimeError):
                portal.call(add, 1, 2)


@rule("PORTAL-10")
def test_many_portals(start: Start) -> None:
    """Portals that are started and stopped in many threads leave no thread."""
    threads = threading.active_count()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for _ in range(3):
                with start() as portal:
                    assert portal.call(add, number, 1) == number + 1
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert errors == []
    until(lambda: threading.active_count() <= threads)


@rule("PORTAL-11")
@pytest.mark.parametrize("where", ["call", "exit"])
def test_interrupted(script: Callable[..., Any], where: str) -> None:
    """A main thread that is interrupted while it waits cancels what it waits for, and goes on."""
    result = script(
        f"""
import os, signal, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
from accord.from_thread import start_blocking_portal
cancelled = threading.Event()
async def func():
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await accord.sleep_forever()
    finally:
        cancelled.set()
try:
    with start_blocking_portal(backend, options) as portal:
        if {where!r} == "call":
            portal.call(func)
        else:
            portal.start_task_soon(func)
except KeyboardInterrupt:
    print("interrupted", cancelled.wait(10), threading.active_count())
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "interrupted True 1\n", "")


@rule("PORTAL-12")
def test_provider(backend: Backend, run_options: dict[str, object]) -> None:
    """Users share a portal; the first starts it and the last ends it, with whatever exception."""
    provider = BlockingPortalProvider(backend, run_options)
    with provider as first:
        thread = first.call(threading.current_thread)
        with pytest.raises(ValueError, match="a user's"), provider as second:
            assert second is first
            raise ValueError("a user's")
        assert first.call(add, 1, 2) == 3
        later = first.start_task_soon(accord.sleep, 0.02)
    assert later.done()
    assert not later.cancelled()
    assert not thread.is_alive()
    with provider as third:
        assert third is not first
        assert third.call(add, 1, 2) == 3


@rule("PORTAL-12")
def test_provider_recovers(backend: Backend, run_options: dict[str, object]) -> None:
    """A start that fails fails for its user only."""
    provider = BlockingPortalProvider(backend, {"nonsense": 1})
    for _ in range(2):
        with pytest.raises(TypeError, match="nonsense"), provider:
            raise AssertionError("it has started")
    provider.backend_options = run_options
    with provider as portal:
        assert portal.call(add, 1, 2) == 3
        thread = portal.call(threading.current_thread)
    assert not thread.is_alive()


@rule("PORTAL-12")
def test_provider_in_many_threads(backend: Backend, run_options: dict[str, object]) -> None:
    """Users that come and go in several threads always have a portal that works."""
    provider = BlockingPortalProvider(backend, run_options)
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                with provider as portal:
                    assert portal.call(add, number, step) == number + step
                if step % 3 == number % 3:
                    time.sleep(0.001)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
    assert errors == []
