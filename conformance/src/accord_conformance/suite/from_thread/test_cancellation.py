"""from_thread under cancellation: check_cancelled, functions that are cancelled with their host, abandoned workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import from_thread
from accord.lowlevel import checkpoint, current_token
from accord.to_thread import run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, block, rule, settle


def spin(ended: list[str]) -> None:
    """Work until cancelled."""
    end = time.monotonic() + PATIENCE
    try:
        while time.monotonic() < end:
            from_thread.check_cancelled()
            time.sleep(0.001)
        ended.append("never cancelled")
    except BaseException as error:
        ended.append(type(error).__name__)
        raise


@rule("FROM-7")
async def test_not_cancelled() -> None:
    """Nothing happens while the host is not cancelled, also if something else is."""

    def work() -> str:
        from_thread.check_cancelled()
        return "not cancelled"

    with accord.CancelScope(shield=True), accord.CancelScope() as outer, accord.CancelScope(shield=True):
        outer.cancel()
        assert await run_sync(work) == "not cancelled"


@rule("FROM-7", "FROM-8")
@pytest.mark.parametrize("abandon", [True, False])
async def test_scope(abandon: bool) -> None:
    """A cancellation of the host's scope reaches the worker, and is caught by that scope when it comes out."""
    name = accord.get_cancelled_exc_class().__name__
    ended: list[str] = []
    with accord.CancelScope() as outer:
        with accord.CancelScope() as scope:
            timer = threading.Timer(0.05, partial(current_token().call_soon, scope.cancel))
            timer.start()
            await run_sync(spin, ended, abandon_on_cancel=abandon)
    assert scope.cancelled_caught
    assert not outer.cancelled_caught
    end = time.monotonic() + PATIENCE
    while not ended and time.monotonic() < end:
        await accord.sleep(0.005)
    assert ended == [name]
    timer.join(PATIENCE)


@rule("FROM-7")
async def test_deadline_of_a_busy_loop() -> None:
    """A deadline that has passed while the loop was too busy to notice counts."""
    seen: list[str] = []

    def work() -> None:
        # On the loop, where it keeps everything else from running until the deadline has passed.
        from_thread.run(busy)
        try:
            from_thread.check_cancelled()
        except BaseException:
            seen.append("cancelled")
            raise
        seen.append("not cancelled")

    async def busy() -> None:
        block(0.05)

    with accord.move_on_after(0.02) as scope:
        await run_sync(work)
    assert seen == ["cancelled"]
    assert scope.cancelled_caught


@rule("FROM-7")
def test_check_in_a_thread_of_nobody() -> None:
    """A thread that nobody waits for has nothing to check."""
    with pytest.raises(accord.NoEventLoopError):
        from_thread.check_cancelled()


@rule("FROM-8")
@pytest.mark.parametrize("abandon", [True, False])
async def test_function_is_cancelled(abandon: bool) -> None:
    """A function that waits on the loop is cancelled with the host, and the thread is told."""
    steps: list[str] = []

    async def wait() -> None:
        try:
            await accord.sleep_forever()
        finally:
            steps.append("function")

    def work() -> None:
        try:
            from_thread.run(wait)
        except accord_cancelled:
            steps.append("thread")
            raise

    accord_cancelled = accord.get_cancelled_exc_class()
    with accord.move_on_after(0.02) as scope:
        await run_sync(work, abandon_on_cancel=abandon)
    assert scope.cancelled_caught
    end = time.monotonic() + PATIENCE
    while len(steps) < 2 and time.monotonic() < end:
        await accord.sleep(0.005)
    assert steps == ["function", "thread"]


@rule("FROM-8")
async def test_call_in_a_cancelled_host() -> None:
    """A function that is run after the cancellation meets it at its first checkpoint; shielded, it does its work."""
    release = threading.Event()
    steps: list[str] = []

    async def clean_up() -> str:
        steps.append("begun")
        with accord.CancelScope(shield=True):
            await accord.sleep(0.001)
            steps.append("cleaned up")
        await checkpoint()
        return "not cancelled"

    def work() -> str:
        release.wait(PATIENCE)
        try:
            return from_thread.run(clean_up)
        except BaseException:
            steps.append("cancelled")
            from_thread.run_sync(steps.append, "callback")
            return "value"

    values: list[str] = []

    async def host() -> None:
        values.append(await run_sync(work))
        steps.append("host")
        await checkpoint()
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as group:
        attempt = Attempt(group, host)
        await settle()
        attempt.cancel()
        await settle()
        assert attempt.outcome == "blocked"
        release.set()
    assert steps == ["begun", "cleaned up", "cancelled", "callback", "host"]
    assert values == ["value"]
    assert attempt.outcome == "cancelled"


@rule("FROM-9", "FROM-7")
async def test_abandoned_worker() -> None:
    """Nobody is there to run a function for an abandoned worker; callbacks, and functions with a token, work."""
    release, ended = threading.Event(), threading.Event()
    cancelled = accord.get_cancelled_exc_class()
    token = current_token()
    seen: list[object] = []

    async def func(steps: list[str]) -> str:
        steps.append("begun")
        return "run with a token"

    def work() -> None:
        steps: list[str] = []
        release.wait(PATIENCE)
        try:
            calls: list[Callable[[], object]] = [lambda: from_thread.run(func, steps), from_thread.check_cancelled]
            for call in calls:
                with pytest.raises(cancelled):
                    call()
            seen.append(steps == [])
            seen.append(from_thread.run_sync(threading.get_ident))
            seen.append(from_thread.run(func, steps, token=token))
        except BaseException as error:
            seen.append(error)
        ended.set()

    with accord.move_on_after(0.02) as scope:
        await run_sync(work, abandon_on_cancel=True)
    assert scope.cancelled_caught
    release.set()
    await run_sync(ended.wait, PATIENCE)
    assert seen == [True, threading.get_ident(), "run with a token"]


@rule("FROM-9", "FROM-5")
def test_abandoned_worker_of_a_finished_run(run: Callable[..., Any]) -> None:
    """The worker of a run that is over is told that, or that it was cancelled; it never waits for ever."""
    release, ended = threading.Event(), threading.Event()
    seen: list[type[BaseException]] = []

    def work() -> None:
        release.wait(PATIENCE)
        calls: list[Callable[[], object]] = [
            partial(from_thread.run, checkpoint),
            partial(from_thread.run_sync, int),
            from_thread.check_cancelled,
        ]
        for call in calls:
            try:
                call()
            except BaseException as error:
                seen.append(type(error))
        ended.set()

    async def main() -> type[BaseException]:
        with accord.move_on_after(0.02):
            await run_sync(work, abandon_on_cancel=True)
        return accord.get_cancelled_exc_class()

    cancelled = run(main)
    release.set()
    assert ended.wait(PATIENCE)
    assert seen == [cancelled, accord.RunFinishedError, cancelled]


@rule("FROM-8", "THREAD-5")
async def test_races() -> None:
    """Wherever the cancellation hits, every function that has begun comes to its end and every thread is answered."""
    balance = 0

    async def func(seconds: float) -> None:
        nonlocal balance
        balance += 1
        try:
            await accord.sleep(seconds)
        finally:
            balance -= 1

    def work(step: int, ended: list[int]) -> None:
        try:
            for _ in range(5):
                from_thread.run(func, step % 3 * 0.0005)
                from_thread.run_sync(int)
                from_thread.check_cancelled()
        finally:
            ended.append(step)

    ended: list[int] = []
    for step in range(40):
        with accord.move_on_after(step * 0.00025):
            await run_sync(work, step, ended, abandon_on_cancel=bool(step % 2))
    limiter = accord.to_thread.current_default_thread_limiter()
    end = time.monotonic() + PATIENCE
    while limiter.borrowed_tokens and time.monotonic() < end:
        await accord.sleep(0.005)
    assert limiter.borrowed_tokens == 0, "a thread waits for ever"
    assert balance == 0
