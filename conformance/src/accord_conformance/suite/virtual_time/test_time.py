"""Reading a virtual clock, and jumping."""

from __future__ import annotations

import random
import threading
import time
from math import inf, nan

import pytest

import accord
from accord.testing import VirtualClock
from accord_conformance.helpers import PATIENCE, rule

from .clocks import Run, Sleepers, check_options, run_on

HOURS = 1000 * 3600.0


async def _nothing() -> None:
    pass


@rule("VCLOCK-1")
@pytest.mark.parametrize("wrong", [1, "yes", None, 0.0, VirtualClock])
def test_option_is_checked(run: Run, wrong: object) -> None:
    """What is neither a bool nor a clock is refused, by name, before main is called."""
    called: list[None] = []

    async def main() -> None:
        called.append(None)

    check_options(run)
    with pytest.raises(TypeError, match="virtual_time"):
        run(main, virtual_time=wrong)
    assert not called


@rule("VCLOCK-1")
def test_option_as_bool(run: Run) -> None:
    """True means a clock of its own for each run, which begins at 0; False means real time."""

    async def main() -> tuple[float, float]:
        begin = accord.current_time()
        await accord.sleep(HOURS)
        return begin, accord.current_time()

    assert run_on(run, main, True) == (0.0, HOURS)
    assert run_on(run, main, True) == (0.0, HOURS)

    async def short() -> float:
        begun = time.monotonic()
        await accord.sleep(0.05)
        return time.monotonic() - begun

    assert run(short, virtual_time=False) >= 0.04


@rule("VCLOCK-2")
@pytest.mark.parametrize("start", [0.0, 17.25, -5, 1e9])
def test_readings_agree(run: Run, start: float) -> None:
    """``current_time()`` and ``now`` are the same, begin at ``start``, and stand still while tasks compute."""
    clock = VirtualClock(start=start)

    async def main() -> None:
        assert accord.current_time() == clock.now == start
        for _ in range(50):
            await accord.lowlevel.checkpoint()
        time.sleep(0.02)
        assert accord.current_time() == clock.now == start
        with accord.fail_after(0.001):  # not yet over, though the computer has taken longer
            time.sleep(0.02)
            await accord.lowlevel.checkpoint()
        await accord.sleep(0.5)
        assert accord.current_time() == clock.now == start + 0.5

    run_on(run, main, clock)
    assert clock.now == start + 0.5


@rule("VCLOCK-2")
def test_arguments_are_checked(run: Run) -> None:
    """Wrong arguments are refused."""
    run_on(run, _nothing, True)
    for value in (nan, inf, -inf, 10**400):
        with pytest.raises(ValueError, match="start"):
            VirtualClock(start=value)
    for value in (nan, inf, 0, -1.0):
        with pytest.raises(ValueError, match="io_grace"):
            VirtualClock(io_grace=value)
    wrong: object
    for wrong in ("1", None, True):
        with pytest.raises(TypeError, match="start"):
            VirtualClock(start=wrong)  # type: ignore[arg-type]
    for wrong in ("1", True):
        with pytest.raises(TypeError, match="io_grace"):
            VirtualClock(io_grace=wrong)  # type: ignore[arg-type]
    for wrong in (1, None):
        with pytest.raises(TypeError, match="autojump"):
            VirtualClock(autojump=wrong)  # type: ignore[arg-type]


@rule("VCLOCK-3")
def test_thousand_hours(run: Run) -> None:
    """A timeout, a sleep and a far deadline of a thousand hours take no real time, and end exactly then."""
    clock = VirtualClock()

    async def main() -> None:
        with accord.move_on_after(HOURS) as scope:
            await accord.sleep_forever()
        assert scope.cancelled_caught
        assert clock.now == HOURS
        await accord.sleep(HOURS)
        assert clock.now == 2 * HOURS
        with pytest.raises(TimeoutError), accord.fail_at(3 * HOURS):
            await accord.Event().wait()
        assert clock.now == 3 * HOURS

    begun = time.monotonic()
    run_on(run, main, clock)
    assert time.monotonic() - begun < PATIENCE


@rule("VCLOCK-3")
def test_ten_thousand_timers(run: Run) -> None:
    """Timers fire in order, whatever order they were set in, each at exactly its own time."""
    clock = VirtualClock()
    sleepers = Sleepers(clock)
    delays = [number * 0.1 for number in range(1, 10001)]
    shuffled = random.Random(7).sample(delays, len(delays))

    async def main() -> None:
        async with accord.create_task_group() as group:
            for delay in shuffled:
                group.start_soon(sleepers.sleep, delay)

    run_on(run, main, clock)
    assert sleepers.woken == [(delay, delay) for delay in delays]


@rule("VCLOCK-3")
def test_nested_deadlines(run: Run) -> None:
    """Deadlines of scopes and sleeps in several tasks interleave; periods do not drift."""
    clock = VirtualClock(start=100)
    seen: list[tuple[str, float]] = []

    async def ticks() -> None:
        with accord.move_on_after(3.5):
            while True:
                await accord.sleep(1)
                seen.append(("tick", clock.now))

    async def timeout() -> None:
        with accord.move_on_after(2.5):
            await accord.sleep_forever()
        seen.append(("timeout", clock.now))

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(ticks)
            group.start_soon(timeout)

    run_on(run, main, clock)
    assert seen == [("tick", 101), ("tick", 102), ("timeout", 102.5), ("tick", 103)]
    assert clock.now == 103.5


@rule("VCLOCK-4")
def test_waiting_for_all_blocked_comes_first(run: Run) -> None:
    """Time has not moved when ``wait_all_tasks_blocked`` returns, though others sleep."""
    clock = VirtualClock()

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 5)
            for _ in range(20):
                await accord.wait_all_tasks_blocked()
                assert clock.now == 0
            await accord.sleep(1)
            await accord.wait_all_tasks_blocked()
            assert clock.now == 1

    run_on(run, main, clock)
    assert clock.now == 5


@rule("VCLOCK-4")
def test_several_wait_for_all_blocked(run: Run) -> None:
    """Several tasks that wait for the others to be blocked return at the time at which they called."""
    clock = VirtualClock()
    times: list[float] = []

    async def look(delay: float) -> None:
        await accord.sleep(delay)
        await accord.wait_all_tasks_blocked()
        times.append(clock.now)

    async def main() -> None:
        async with accord.create_task_group() as group:
            for delay in (0, 0, 1, 1, 2):
                group.start_soon(look, delay)
            group.start_soon(accord.sleep, 9)

    run_on(run, main, clock)
    assert times == [0, 0, 1, 1, 2]


@rule("VCLOCK-7")
def test_by_hand_only(run: Run) -> None:
    """Without ``autojump`` nothing fires until somebody advances the clock; it can be switched on."""
    clock = VirtualClock(autojump=False)
    sleepers = Sleepers(clock)

    async def main() -> None:
        token = accord.lowlevel.current_token()
        async with accord.create_task_group() as group:
            group.start_soon(sleepers.sleep, 1)
            group.start_soon(sleepers.sleep, 2)
            passed = accord.Event()
            timer = threading.Timer(0.05, token.call_soon, (passed.set,))  # a thread that the clock doesn't know of
            timer.start()
            await passed.wait()
            timer.join(PATIENCE)
            assert clock.now == 0
            assert sleepers.woken == []
            await clock.advance(1)
            assert sleepers.woken == [(1, 1)]
            await accord.to_thread.run_sync(lambda: token.call_soon(setattr, clock, "autojump", True))
        assert sleepers.woken == [(1, 1), (2, 2)]

    run_on(run, main, clock)


@rule("VCLOCK-13")
def test_one_run_at_a_time(run: Run) -> None:
    """A clock in use is refused, and the run that uses it goes on."""
    clock = VirtualClock()
    called: list[None] = []

    async def inner() -> None:
        called.append(None)

    def second() -> None:
        with pytest.raises(RuntimeError, match="one run"):
            run(inner, virtual_time=clock)

    async def main() -> None:
        assert clock.running
        await accord.to_thread.run_sync(second)
        await accord.sleep(1)

    assert not clock.running
    run_on(run, main, clock)
    assert not called
    assert not clock.running


@rule("VCLOCK-13")
def test_used_again(run: Run) -> None:
    """The next run goes on where the clock stands, also after an error."""
    clock = VirtualClock()

    async def fail() -> None:
        clock.advance(100)  # never begins
        raise KeyError("planned")

    async def main() -> float:
        await accord.sleep(1)
        return accord.current_time()

    assert run_on(run, main, clock) == 1
    with pytest.raises(KeyError, match="planned"):
        run(fail, virtual_time=clock)
    assert run(main, virtual_time=clock) == 2
