"""Tokens: how threads and callbacks reach the loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import LoopToken, current_token
from accord_conformance.helpers import PATIENCE, in_thread, rule

Run = Callable[..., Any]


@rule("RUN-13")
async def test_from_thread() -> None:
    """A call from another thread reaches the loop's thread, with its arguments, while every task waits."""
    seen: list[tuple[int, object]] = []
    done = accord.Event()
    token = current_token()

    def callback(argument: object) -> None:
        seen.append((threading.get_ident(), argument))
        done.set()

    def target() -> None:
        time.sleep(0.05)
        token.call_soon(callback, "argument")

    thread = threading.Thread(target=target)
    thread.start()
    await done.wait()
    thread.join(PATIENCE)
    assert seen == [(threading.get_ident(), "argument")]


@rule("RUN-13")
async def test_order_and_number() -> None:
    """The calls of one thread are carried out in order, each once."""
    seen: list[int] = []
    done = accord.Event()
    token = current_token()

    def target() -> None:
        for number in range(1000):
            token.call_soon(seen.append, number)
        token.call_soon(done.set)

    in_thread(target)
    await done.wait()
    assert seen == list(range(1000))


@rule("RUN-13")
async def test_not_before_it_returns() -> None:
    """On the loop's own thread the function is called after the current step, from a task and from a callback."""
    events: list[str] = []
    done = accord.Event()
    token = current_token()

    def last() -> None:
        events.append("last")
        done.set()

    def first() -> None:
        token.call_soon(last)
        events.append("first")

    token.call_soon(first)
    events.append("task")
    await done.wait()
    assert events == ["task", "first", "last"]


@rule("RUN-13")
async def test_many_threads() -> None:
    """No call is lost when several threads make them at the same time."""
    counts = [0, 0, 0, 0]
    done = accord.Event()
    token = current_token()

    def count(index: int) -> None:
        counts[index] += 1
        if sum(counts) == 2000:
            done.set()

    def target(index: int) -> None:
        for _ in range(500):
            token.call_soon(count, index)

    threads = [threading.Thread(target=target, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    await done.wait()
    for thread in threads:
        thread.join(PATIENCE)
    assert counts == [500] * 4


@rule("RUN-13")
def test_after_the_run(run: Run) -> None:
    """Once the run has ended the token refuses calls, in any thread."""

    async def main() -> Any:
        return current_token()

    token = run(main)
    with pytest.raises(accord.RunFinishedError):
        token.call_soon(print)

    def target() -> None:
        with pytest.raises(accord.RunFinishedError):
            token.call_soon(print)

    in_thread(target)


@rule("RUN-13")
def test_race_with_the_end(run: Run) -> None:
    """Around the end of a run a call is either refused or carried out; it never fails and is never forgotten."""
    errors: list[BaseException] = []
    taken = 0
    carried_out: list[object] = []

    for _ in range(20):
        tokens: list[Any] = []
        refused = threading.Event()

        def target(tokens: list[Any] = tokens, refused: threading.Event = refused) -> None:
            nonlocal taken
            ends_at = time.monotonic() + PATIENCE
            while time.monotonic() < ends_at:
                try:
                    tokens[0].call_soon(carried_out.append, True)
                    taken += 1
                except accord.RunFinishedError:
                    refused.set()
                    return
                except BaseException as error:
                    errors.append(error)
                    return

        async def main(tokens: list[Any] = tokens, target: Callable[[], None] = target) -> threading.Thread:
            tokens.append(current_token())
            thread = threading.Thread(target=target, daemon=True)
            thread.start()
            await accord.sleep(0.002)
            return thread

        run(main).join(PATIENCE)
        assert errors == []
        assert refused.is_set()
        assert len(carried_out) == taken


@rule("RUN-13")
def test_calls_that_make_calls_around_the_end(run: Run) -> None:
    """A call that was taken during the last turn of the loop is carried out as well."""
    taken = 0
    carried_out = 0
    left = -1

    def call(token: LoopToken) -> None:
        nonlocal taken, carried_out, left
        carried_out += 1
        left -= 1
        if left != 0:  # a loop that carries out everything before it refuses anything would never end
            try:
                token.call_soon(call, token)
                taken += 1
            except accord.RunFinishedError:
                pass

    async def main() -> None:
        nonlocal taken, left
        taken += 1
        current_token().call_soon(call, current_token())
        for _ in range(5):
            await accord.lowlevel.checkpoint()
        left = 1000

    run(main)
    assert carried_out > 1
    assert carried_out == taken


@rule("RUN-13")
async def test_from_signal_handler_like_interruption() -> None:
    """A call made while a task is at work is carried out when the task next yields, not in the middle."""
    events: list[str] = []
    token = current_token()
    in_thread(lambda: token.call_soon(events.append, "called"))
    time.sleep(0.01)
    events.append("task")
    while len(events) < 2:
        await accord.lowlevel.checkpoint()
    assert events == ["task", "called"]


@rule("RUN-14")
async def test_clock_can_be_held() -> None:
    """Holding and releasing the clock is accepted, in pairs, nested too."""
    token = current_token()
    token.hold_clock()
    token.hold_clock()
    token.release_clock()
    in_thread(token.hold_clock)
    token.release_clock()
    token.release_clock()
    await accord.sleep(0.001)
