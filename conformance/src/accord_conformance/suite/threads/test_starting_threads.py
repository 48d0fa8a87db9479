"""to_thread.run_sync: tokens that are waited for, threads that can't be started, forks, and several loops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import current_token
from accord.to_thread import run_sync
from accord_conformance.attempts import GAPS, Attempt
from accord_conformance.helpers import PATIENCE, in_thread, rule, settle


@rule("THREAD-12")
@pytest.mark.parametrize("abandon", [True, False])
@pytest.mark.parametrize("gap", GAPS[:3])
async def test_cancelled_while_waiting_for_a_token(gap: str, abandon: bool) -> None:
    """Whether it comes before the token or right after, a cancellation keeps the function from being called."""
    limiter = accord.CapacityLimiter(1)
    calls: list[str] = []
    call: Any = partial(run_sync, calls.append, "called", limiter=limiter, abandon_on_cancel=abandon)
    async with accord.create_task_group() as group:
        await limiter.acquire_on_behalf_of("somebody")
        attempt = Attempt(group, call)
        await settle()
        if gap == GAPS[2]:
            limiter.release_on_behalf_of("somebody")
            attempt.cancel()
        else:
            attempt.cancel()
            if gap == GAPS[0]:
                await settle()
            limiter.release_on_behalf_of("somebody")
        await attempt.handle.wait()
    assert attempt.outcome == "cancelled"
    assert calls == []
    assert limiter.borrowed_tokens == 0
    assert limiter.statistics().tasks_waiting == 0


@rule("THREAD-14")
async def test_no_thread_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls for which no thread can be started raise and give their tokens back; the others are not affected."""
    limiter = accord.CapacityLimiter(100)
    release = threading.Event()
    begun: list[int] = []

    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    def func() -> str:
        begun.append(1)
        release.wait(PATIENCE)
        return "done"

    async with accord.create_task_group() as group:
        attempts = [Attempt(group, partial(run_sync, func, limiter=limiter)) for _ in range(3)]
        end = time.monotonic() + PATIENCE
        while len(begun) < 3 and time.monotonic() < end:
            await accord.sleep(0.005)
        monkeypatch.setattr(threading.Thread, "start", refuse)
        # More than there can be idle threads of earlier calls.
        more = [Attempt(group, partial(run_sync, func, limiter=limiter)) for _ in range(90)]
        while not any(attempt.outcome == "raised" for attempt in more) and time.monotonic() < end:
            await accord.sleep(0.005)
        monkeypatch.undo()
        release.set()
    assert {attempt.outcome for attempt in attempts} == {"returned"}
    assert {attempt.outcome for attempt in more} <= {"returned", "raised"}
    refused = [attempt.error for attempt in more if attempt.outcome == "raised"]
    assert refused
    assert {str(error) for error in refused} == {"can't start new thread"}
    assert limiter.borrowed_tokens == 0


class Noting(accord.CapacityLimiter):
    """Notes in which threads it is used."""

    __slots__ = ("idents",)

    def __init__(self, total_tokens: float) -> None:
        super().__init__(total_tokens)
        self.idents: list[int] = []

    def release_on_behalf_of(self, borrower: object) -> None:
        """Note the thread."""
        self.idents.append(threading.get_ident())
        super().release_on_behalf_of(borrower)


@rule("THREAD-15")
def test_token_comes_back_in_a_later_run(run: Callable[..., Any]) -> None:
    """A call that waits for the token of a call abandoned in an earlier run goes on when that has ended."""
    limiter = Noting(1)
    release = threading.Event()

    async def first() -> None:
        with accord.move_on_after(0.02):
            await run_sync(release.wait, PATIENCE, abandon_on_cancel=True, limiter=limiter)

    async def second() -> None:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, partial(run_sync, threading.get_ident, limiter=limiter))
            await settle()
            assert limiter.borrowed_tokens == 1
            # Nothing else wakes the loop: the token alone must do that.
            timer = threading.Timer(0.05, release.set)
            timer.start()
            current_token().hold_clock()
            with accord.move_on_after(PATIENCE):
                await attempt.handle.wait()
            current_token().release_clock()
            timer.join(PATIENCE)
            attempt.cancel()
        assert attempt.outcome == "returned"

    run(first)
    run(second)
    assert set(limiter.idents) == {threading.get_ident()}, "a limiter was used outside of its loop's thread"
    assert limiter.borrowed_tokens == 0


@rule("THREAD-16")
def test_several_loops(run: Callable[..., Any]) -> None:
    """Loops in several threads make calls at the same time, and each gets its own results."""
    errors: list[object] = []

    async def main(base: int) -> None:
        async def work(number: int) -> None:
            for step in range(30):
                expected = base + number * 100 + step
                if await run_sync(int, str(expected)) != expected:
                    errors.append(expected)

        async with accord.create_task_group() as group:
            for number in range(5):
                group.start_soon(work, number)

    threads = [threading.Thread(target=run, args=(main, base * 10000), daemon=True) for base in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads), "a loop waits for a call for ever"
    assert errors == []


@rule("THREAD-16")
def test_loops_end_while_threads_run(run: Callable[..., Any]) -> None:
    """A loop that ends while its abandoned functions run disturbs neither them nor the loops after it."""
    release = threading.Event()
    ended: list[int] = []

    def func(number: int) -> None:
        release.wait(PATIENCE)
        ended.append(number)

    async def main(number: int) -> int:
        with accord.move_on_after(0.01):
            await run_sync(func, number, abandon_on_cancel=True)
        return await run_sync(int, number)

    for number in range(5):
        assert in_thread(partial(run, main, number)) == number
    release.set()
    end = time.monotonic() + PATIENCE
    while len(ended) < 5 and time.monotonic() < end:
        time.sleep(0.005)
    assert sorted(ended) == [0, 1, 2, 3, 4]
    assert run(run_sync, int, "5") == 5


@rule("THREAD-17")
def test_fork(script: Callable[..., Any]) -> None:
    """A forked child makes calls though its parent had idle threads."""
    result = script(
        """
import os, sys, warnings
warnings.simplefilter("ignore")
if not hasattr(os, "fork"):
    print("5")
    sys.exit()
async def main():
    return await accord.to_thread.run_sync(int, "5")
run(main)
child = os.fork()
if child == 0:
    print(run(main), flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "5\n", "")
