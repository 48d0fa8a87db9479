"""Moving time by hand."""

from __future__ import annotations

import socket
from collections.abc import Callable
from math import inf, nan

import pytest

import accord
from accord.testing import VirtualClock
from accord_conformance.helpers import in_thread, rule

from .clocks import Run, Sleepers, run_on


@rule("VCLOCK-5")
def test_in_steps(run: Run) -> None:
    """What is due during an advance fires in order, each at its own time, and so does what it sets off."""
    clock = VirtualClock(autojump=False, start=10)
    sleepers = Sleepers(clock)
    ticks: list[float] = []

    async def tick() -> None:
        while True:
            await accord.sleep(0.75)
            ticks.append(clock.now)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(tick)
            for delay in (3, 1, 2):
                group.start_soon(sleepers.sleep, delay)
            await accord.wait_all_tasks_blocked()
            await clock.advance(2.5)
            assert clock.now == 12.5
            assert sleepers.woken == [(1, 11), (2, 12)]
            assert ticks == [10.75, 11.5, 12.25]
            group.cancel()

    run_on(run, main, clock)


@rule("VCLOCK-5")
@pytest.mark.parametrize("autojump", [False, True])
def test_returns_at_once(run: Run, autojump: bool) -> None:
    """The call itself moves nothing; time moves when all wait, and then by the sum of the calls."""
    clock = VirtualClock(autojump=autojump)
    sleepers = Sleepers(clock)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(sleepers.sleep, 1)
            group.start_soon(sleepers.sleep, 2)
            await accord.wait_all_tasks_blocked()
            clock.advance(0.5)
            clock.advance(0.75)
            clock.advance(0)
            assert clock.now == 0
            for _ in range(5):
                await accord.lowlevel.checkpoint()
                assert clock.now == 0
            await accord.wait_all_tasks_blocked()
            assert clock.now == 1.25
            assert sleepers.woken == [(1, 1)]
            group.cancel()

    run_on(run, main, clock)


@rule("VCLOCK-5")
def test_deadline_at_the_end(run: Run) -> None:
    """What is due exactly at the end of the advance has fired when it is over; what is due later has not."""
    clock = VirtualClock(autojump=False)
    sleepers = Sleepers(clock)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(sleepers.sleep, 1)
            group.start_soon(sleepers.sleep, 1.001)
            await accord.wait_all_tasks_blocked()
            await clock.advance(1)
            assert sleepers.woken == [(1, 1)]
            group.cancel()

    run_on(run, main, clock)


@rule("VCLOCK-5", needs=["readiness"])
def test_past_holds_and_waits(run: Run) -> None:
    """An advance moves time though the clock is held and a task waits for I/O."""
    clock = VirtualClock()

    async def main() -> bool:
        here, there = socket.socketpair()
        token = accord.lowlevel.current_token()
        with here, there:
            async with accord.create_task_group() as group:
                group.start_soon(accord.wait_readable, here)
                await accord.wait_all_tasks_blocked()
                token.hold_clock()
                with accord.move_on_after(60) as scope:
                    clock.advance(61)
                    await accord.sleep_forever()
                assert clock.now == 60
                await accord.wait_all_tasks_blocked()
                assert clock.now == 61
                token.release_clock()
                group.cancel()
        return scope.cancelled_caught

    assert run_on(run, main, clock)


@rule("VCLOCK-6")
def test_from_callbacks_and_threads(run: Run) -> None:
    """A callback can advance the clock, and so can a thread by the token; a thread itself can't."""
    clock = VirtualClock(autojump=False)

    async def main() -> None:
        token = accord.lowlevel.current_token()
        token.call_soon(clock.advance, 5)
        await accord.sleep(5)
        assert clock.now == 5

        def outside() -> None:
            with pytest.raises(RuntimeError, match="call_soon"):
                clock.advance(1)
            token.call_soon(clock.advance, 7)

        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 7)
            await accord.wait_all_tasks_blocked()
            await accord.to_thread.run_sync(outside)
        assert clock.now == 12

    run_on(run, main, clock)


@rule("VCLOCK-6")
def test_arguments_are_checked(run: Run) -> None:
    """What is no span of time is refused, and moves nothing."""
    clock = VirtualClock()

    def refused() -> None:
        for value in (-1, -0.001, nan, inf, 10**400):
            with pytest.raises(ValueError, match="seconds"):
                clock.advance(value)
        for wrong in ("1", None, True):
            with pytest.raises(TypeError, match="seconds"):
                clock.advance(wrong)  # type: ignore[arg-type]

    async def main() -> None:
        refused()
        await accord.wait_all_tasks_blocked()
        assert clock.now == 0

    run_on(run, main, clock)
    refused()
    assert clock.now == 0


@rule("VCLOCK-6")
@pytest.mark.parametrize("where", ["this thread", "another thread"])
def test_outside_of_a_run(run: Run, where: str) -> None:
    """Before and after a run the clock is set forward at once."""
    clock = VirtualClock(start=1)

    def advance() -> None:
        call: Callable[[], object] = lambda: clock.advance(4)  # noqa: E731
        in_thread(call) if where == "another thread" else call()

    async def main() -> float:
        return accord.current_time()

    advance()
    assert clock.now == 5
    assert run_on(run, main, clock) == 5
    advance()
    assert clock.now == 9
