"""Deadlocks: found where there is one, and nowhere else."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

import accord
from accord.testing import DeadlockError, VirtualClock
from accord_conformance.helpers import PATIENCE, rule

from .clocks import Run, run_on


@rule("VCLOCK-11")
def test_deadlock(run: Run) -> None:
    """If nothing can wake a task main is cancelled, and the run raises an error that shows who waits where."""
    ended: list[str] = []

    async def forgotten(event: accord.Event) -> None:
        try:
            await event.wait()
        finally:
            ended.append("task")

    async def main() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(forgotten, accord.Event(), name="the forgotten one")
        finally:
            ended.append("main")

    begun = time.monotonic()
    with pytest.raises(DeadlockError, match="deadlock") as caught:
        run_on(run, main, VirtualClock())
    assert time.monotonic() - begun < PATIENCE
    assert ended == ["task", "main"]
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.__cause__ is None
    text = str(caught.value)
    assert "the forgotten one" in text
    assert "Event.wait" in text
    assert "2 tasks" in text


@rule("VCLOCK-11")
def test_after_the_last_deadline(run: Run) -> None:
    """It is one only after the last deadline, also if another one is centuries away."""
    clock = VirtualClock()

    async def main() -> None:
        with accord.move_on_after(100):
            await accord.sleep_forever()
        with accord.move_on_after(1e300):
            await accord.sleep_forever()

    with pytest.raises(DeadlockError):
        run_on(run, main, clock)
    assert clock.now == 100


@rule("VCLOCK-11")
def test_error_of_main(run: Run) -> None:
    """What main raises in place of the cancellation is the cause; a value that it returns is dropped."""

    async def fails() -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise KeyError("planned")

    with pytest.raises(DeadlockError) as caught:
        run_on(run, fails, VirtualClock())
    assert isinstance(caught.value.__cause__, KeyError)

    async def swallows() -> str:
        try:
            await accord.sleep_forever()
        except accord.get_cancelled_exc_class():
            pass
        return "fine"

    with pytest.raises(DeadlockError):
        run_on(run, swallows, VirtualClock())


@rule("VCLOCK-11")
def test_threads_of_the_run(run: Run) -> None:
    """As long as a thread lives that was started during the run, it may wake a task."""

    async def main() -> str:
        token = accord.lowlevel.current_token()
        event = accord.Event()

        def wake() -> None:
            time.sleep(1.5)
            token.call_soon(event.set)

        thread = threading.Thread(target=wake)
        thread.start()
        await event.wait()
        thread.join(PATIENCE)
        return "woken"

    assert run_on(run, main, VirtualClock()) == "woken"


@asynccontextmanager
async def _listening() -> AsyncGenerator[None, None]:
    listener = await accord.create_tcp_listener(local_host="127.0.0.1")

    async def handle(_: object) -> None:
        raise AssertionError("nobody connects")

    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, handle)
        yield
        group.cancel()


@asynccontextmanager
async def _reading() -> AsyncGenerator[None, None]:
    here, there = socket.socketpair()
    with here, there:
        async with accord.create_task_group() as group:
            group.start_soon(accord.wait_readable, here)
            yield
            group.cancel()


@asynccontextmanager
async def _receiving_signals() -> AsyncGenerator[None, None]:
    with accord.open_signal_receiver(signal.SIGUSR1):
        yield


@asynccontextmanager
async def _held() -> AsyncGenerator[None, None]:
    token = accord.lowlevel.current_token()
    token.hold_clock()
    yield
    token.release_clock()


@asynccontextmanager
async def _by_hand() -> AsyncGenerator[None, None]:
    yield


@rule("VCLOCK-12", needs=["readiness"])
@pytest.mark.parametrize("still", [_listening, _reading, _receiving_signals, _held, _by_hand])
def test_what_may_still_come(run: Run, still: Callable[[], AbstractAsyncContextManager[None]]) -> None:
    """Where something may still come from outside the loop waits for it."""
    by_hand: object = _by_hand
    clock = VirtualClock(autojump=still is not by_hand)
    woken: list[None] = []
    tokens: list[accord.lowlevel.LoopToken] = []
    scopes: list[accord.CancelScope] = []
    # From before the run, so that it does not count by itself; later than such a thread is waited for.
    ready = threading.Event()

    def wake() -> None:
        ready.wait(PATIENCE)
        time.sleep(1.5)
        woken.append(None)
        if tokens:
            tokens[0].call_soon(scopes[0].cancel)

    async def main() -> None:
        async with still():
            with accord.CancelScope() as scope:
                scopes.append(scope)
                tokens.append(accord.lowlevel.current_token())
                ready.set()
                await accord.sleep_forever()

    thread = threading.Thread(target=wake)
    thread.start()
    try:
        run_on(run, main, clock)
    finally:
        ready.set()
        thread.join(PATIENCE)
    assert woken
