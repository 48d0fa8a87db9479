"""RateLimiter, and amap with a rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import inf, nan
from typing import Any

import pytest

import accord
from accord_conformance.attempts import blocked, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle

INTERVAL = 0.02
SLACK = 1e-6
"""For the rounding of clock values."""


def _limiter(burst: int = 1) -> accord.RateLimiter:
    return accord.RateLimiter(1, per=INTERVAL, burst=burst)


def check_spans(times: list[float], burst: int = 1) -> None:
    """Assert RATE-2 for the times at which operations began, or a little later, since the clock was read after that."""
    for first in range(len(times)):
        for last in range(first, len(times)):
            assert last - first + 1 <= burst + (times[last] - times[first]) / INTERVAL + 0.9


@rule("RATE-1")
def test_arguments() -> None:
    """Rates are positive numbers and the burst is an int; they can be read."""
    limiter = accord.RateLimiter(5, 2.5, 3)
    assert (limiter.rate, limiter.per, limiter.burst) == (5, 2.5, 3)
    limiter = accord.RateLimiter(0.5)
    assert (limiter.rate, limiter.per, limiter.burst) == (0.5, 1, 1)
    wrong: Any
    for wrong in (0, -1, -0.5, inf, nan):
        with pytest.raises(ValueError):
            accord.RateLimiter(wrong)
        with pytest.raises(ValueError):
            accord.RateLimiter(1, wrong)
    for wrong in ("1", None, True, 1j):
        with pytest.raises(TypeError):
            accord.RateLimiter(wrong)
        with pytest.raises(TypeError):
            accord.RateLimiter(1, wrong)
    for wrong in (0, -1):
        with pytest.raises(ValueError):
            accord.RateLimiter(1, burst=wrong)
    for wrong in (1.0, inf, "1", None, True):
        with pytest.raises(TypeError):
            accord.RateLimiter(1, burst=wrong)


@rule("RATE-2")
@pytest.mark.parametrize("burst", [1, 3])
async def test_spans(burst: int) -> None:
    """There are never more operations in a span of time than the rate and the burst allow."""
    limiter = _limiter(burst)
    times: list[float] = []

    async def work() -> None:
        await limiter.acquire()
        times.append(accord.current_time())

    async with accord.create_task_group() as group:
        for _ in range(8):
            group.start_soon(work)
    await accord.sleep(1.5 * INTERVAL)
    for _ in range(4):
        await work()
    check_spans(times, burst)
    assert limiter.statistics().tasks_waiting == 0


@rule("RATE-2")
async def test_burst_after_a_pause() -> None:
    """At the beginning, and after a pause, as many operations as the burst are possible at once, and no more."""
    limiter = accord.RateLimiter(1, per=50, burst=3)
    for _ in range(3):
        limiter.acquire_nowait()
    with pytest.raises(accord.WouldBlock):
        limiter.acquire_nowait()
    limiter = _limiter(burst=3)
    for _ in range(2):
        for _ in range(3):
            await limiter.acquire()
        await accord.sleep(10 * INTERVAL)
    for _ in range(3):
        with accord.CancelScope() as scope:
            scope.cancel()
            limiter.acquire_nowait()


@rule("RATE-3")
async def test_served_as_soon_as_possible() -> None:
    """Waiting takes as many intervals as there are operations before, and not much more."""
    limiter = _limiter()
    began_at = accord.current_time()
    with accord.fail_after(10):
        for _ in range(6):
            await limiter.acquire()
    assert accord.current_time() - began_at >= 5 * INTERVAL - SLACK


@rule("RATE-3", "RATE-5")
async def test_nobody_overtakes() -> None:
    """A task that comes later waits behind those that wait, also at the moment when the first of them is due."""
    limiter = _limiter()
    limiter.acquire_nowait()
    due_at = accord.current_time() + INTERVAL
    order: list[int] = []

    async def work(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    async with accord.create_task_group() as group:
        for number in range(3):
            await blocked(group, partial(work, number))
        while accord.current_time() < due_at + INTERVAL:
            await accord.sleep_until(due_at)
            if limiter.statistics().tasks_waiting:
                with pytest.raises(accord.WouldBlock):
                    limiter.acquire_nowait()
            await accord.sleep(INTERVAL / 10)
        await work(3)
    assert order == [0, 1, 2, 3]


@rule("RATE-4")
@pytest.mark.parametrize("cancelled", [[0], [1], [0, 1], [2], [0, 2], [1, 0]])
async def test_cancelled_waiters(cancelled: list[int]) -> None:
    """Who is cancelled counts for nothing, wherever it stands in the queue, and the others are served."""
    limiter = accord.RateLimiter(1, per=0.2)
    began_at = accord.current_time()
    limiter.acquire_nowait()
    times: list[float] = []

    async def work() -> None:
        await limiter.acquire()
        times.append(accord.current_time())

    async def watch_the_clock() -> None:
        for count in range(1, 4):
            await accord.sleep_until(began_at + 0.2 * count)
            ticks.append(accord.current_time())

    ticks: list[float] = []
    async with accord.create_task_group() as group:
        group.start_soon(watch_the_clock)
        attempts = [await blocked(group, work) for _ in range(3)]
        assert limiter.statistics().tasks_waiting == 3
        for index in cancelled:
            attempts[index].cancel()
        await settle()
        assert limiter.statistics().tasks_waiting == 3 - len(cancelled)
        with accord.fail_after(10):
            for attempt in attempts:
                await attempt.handle.wait()
    assert len(times) == 3 - len(cancelled)
    assert limiter.statistics().tasks_waiting == 0
    for count, time in enumerate(times, 1):
        assert time - began_at >= 0.2 * count - SLACK
        # Less than an interval later than a task that only sleeps: nothing was counted for those that were cancelled.
        assert time - ticks[count - 1] < 0.2 - SLACK


@rule("RATE-4")
async def test_the_next_is_cancelled_as_well() -> None:
    """The head of the queue and the one that it wakes are cancelled in the same moment."""
    limiter = _limiter()
    limiter.acquire_nowait()
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, limiter.acquire) for _ in range(4)]
        attempts[0].cancel()
        await attempts[0].handle.wait()
        attempts[1].cancel()
        attempts[2].cancel()
        with accord.fail_after(10):
            await attempts[3].handle.wait()
        assert attempts[3].outcome == "returned"


@rule("RATE-4", "RATE-6")
async def test_acquire_in_a_cancelled_scope() -> None:
    """acquire() in a cancelled scope raises the cancellation and counts nothing."""
    limiter = accord.RateLimiter(1, per=50)
    assert await is_cancelled_by(limiter.acquire)
    limiter.acquire_nowait()
    assert await is_cancelled_by(limiter.acquire)
    assert limiter.statistics().tasks_waiting == 0


@rule("RATE-5")
async def test_acquire_nowait() -> None:
    """acquire_nowait() begins an operation or raises WouldBlock, which counts for nothing."""
    slow, limiter = accord.RateLimiter(1, per=1000), _limiter()
    assert limiter.statistics() == accord.RateLimiterStatistics(tasks_waiting=0)
    slow.acquire_nowait()
    limiter.acquire_nowait()
    due_at = accord.current_time() + INTERVAL
    for _ in range(10):
        with pytest.raises(accord.WouldBlock):
            slow.acquire_nowait()
        try:
            limiter.acquire_nowait()
        except accord.WouldBlock:
            continue
        due_at = accord.current_time() + INTERVAL  # the thread was held up for as long as that
    await accord.sleep_until(due_at)
    with accord.CancelScope() as scope:
        scope.cancel()
        limiter.acquire_nowait()


@rule("RATE-6", "CKPT-5")
async def test_checkpoints() -> None:
    """Taking what is free yields at least once in sixteen times; the exit of the block does not."""
    limiter = accord.RateLimiter(1e6, burst=100)

    async def take_repeatedly() -> None:
        for _ in range(16):
            await limiter.acquire()

    assert await count_yields(take_repeatedly()) > 0
    await assert_never_yields(lambda: limiter.__aexit__(None, None, None))
    with accord.CancelScope() as scope:
        async with limiter:
            scope.cancel()
    assert not scope.cancelled_caught


@rule("RATE-7")
def test_limiter_outside_a_loop(run: Callable[..., Any]) -> None:
    """A limiter that was made outside a loop begins anew in each run, on each backend that is installed."""
    limiter = accord.RateLimiter(1, per=1000)

    async def main() -> bool:
        await limiter.acquire()
        async with accord.create_task_group() as group:
            attempt = await blocked(group, limiter.acquire)
            attempt.cancel()
        return True

    assert limiter.statistics().tasks_waiting == 0
    assert all(run_everywhere(run, main))
    assert "RateLimiter" in repr(limiter)


@rule("GATHER-9")
@pytest.mark.parametrize("limit", [None, 1, 3])
async def test_amap_with_a_rate(limit: int | None) -> None:
    """Calls begin in order and at the rate, and items are taken as they are needed."""
    limiter = _limiter()
    times: list[float] = []
    begun: list[int] = []
    taken = ahead = 0

    def items() -> Iterator[int]:
        nonlocal taken, ahead
        for item in range(6):
            taken += 1
            ahead = max(ahead, taken - len(begun))
            yield item

    async def work(item: int) -> int:
        times.append(accord.current_time())
        begun.append(item)
        await accord.sleep(INTERVAL / 2)
        return -item

    async def last_of_all() -> None:
        assert await accord.amap(work, items(), limit=limit, rate=limiter) == [0, -1, -2, -3, -4, -5]

    await last_of_all()
    check_spans(times)
    assert begun == [0, 1, 2, 3, 4, 5]
    # One waits for the limiter, and one has been called and has not begun to run.
    assert ahead <= 2
    slow = accord.RateLimiter(1, per=1000)
    with accord.fail_after(10):
        assert await accord.amap(work, [1], limit=limit, rate=slow) == [-1]


@rule("GATHER-9")
async def test_amap_with_a_number_as_rate() -> None:
    """A number is a rate per second; wrong ones are refused before anything is done."""

    async def work(item: int) -> float:
        return accord.current_time() - item

    began_at, later_at = await accord.amap(work, [0, 0], rate=1 / INTERVAL)
    assert later_at - began_at >= INTERVAL / 2
    wrong: Any
    for wrong, error in ((0, ValueError), (-1, ValueError), ("fast", TypeError), (True, TypeError)):
        with accord.CancelScope() as scope, pytest.raises(error):
            scope.cancel()
            await accord.amap(work, [0], rate=wrong)
