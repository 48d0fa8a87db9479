"""Capacity limiters."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint
from accord_conformance.attempts import GAPS, Attempt, blocked, race, run_everywhere
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle


@rule("LIMIT-1")
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1, ValueError),
        (nan, ValueError),
        (-inf, ValueError),
        (1.0, TypeError),
        (2.5, TypeError),
        (True, TypeError),
        (False, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
)
async def test_wrong_numbers_are_refused(value: Any, error: type[Exception]) -> None:
    """Wrong values raise the same error from the constructor and the setter, and change nothing."""
    with pytest.raises(error):
        accord.CapacityLimiter(value)
    limiter = accord.CapacityLimiter(3)
    with pytest.raises(error):
        limiter.total_tokens = value
    assert limiter.total_tokens == 3


@rule("LIMIT-1")
async def test_right_numbers() -> None:
    """Zero, positive integers and infinity are accepted, by the constructor and the setter."""
    for value in (0, 1, 1000, inf):
        limiter = accord.CapacityLimiter(value)
        assert limiter.total_tokens == value
        assert limiter.available_tokens == value
        limiter.total_tokens = 5
        limiter.total_tokens = value
        assert limiter.total_tokens == value


@rule("LIMIT-2")
async def test_one_token_for_each_borrower() -> None:
    """A borrower that has a token gets a RuntimeError for a second one."""
    limiter = accord.CapacityLimiter(5)
    await limiter.acquire()
    with pytest.raises(RuntimeError):
        await limiter.acquire()
    with pytest.raises(RuntimeError):
        limiter.acquire_nowait()
    await limiter.acquire_on_behalf_of("somebody")
    with pytest.raises(RuntimeError):
        await limiter.acquire_on_behalf_of("somebody")
    with pytest.raises(RuntimeError):
        limiter.acquire_on_behalf_of_nowait("somebody")
    assert limiter.borrowed_tokens == 2
    limiter.release()
    limiter.release_on_behalf_of("somebody")
    assert limiter.borrowed_tokens == 0


@rule("LIMIT-2", "LIMIT-8")
async def test_one_waiter_for_each_borrower() -> None:
    """While a task waits for a borrower, another wait for it raises RuntimeError at once, and the first is served."""
    limiter = accord.CapacityLimiter(1)
    await limiter.acquire()
    async with accord.create_task_group() as group:
        attempt = await blocked(group, partial(limiter.acquire_on_behalf_of, "somebody"))
        with pytest.raises(RuntimeError):
            await limiter.acquire_on_behalf_of("somebody")
        with pytest.raises(RuntimeError):
            limiter.acquire_on_behalf_of_nowait("somebody")
        assert limiter.statistics().tasks_waiting == 1
        limiter.release()
    assert attempt.outcome == "returned"
    assert limiter.statistics().borrowers == ("somebody",)


@rule("LIMIT-2")
async def test_borrowers_are_objects_or_tasks() -> None:
    """acquire() borrows for the task, so that another task can't release; other borrowers are any hashable objects."""
    limiter = accord.CapacityLimiter(3)
    async with limiter:
        borrowers = limiter.statistics().borrowers
        assert len(borrowers) == 1

        async def other() -> None:
            with pytest.raises(RuntimeError):
                limiter.release()
            async with limiter:
                assert limiter.borrowed_tokens == 2

        async with accord.create_task_group() as group:
            group.start_soon(other)
        limiter.acquire_on_behalf_of_nowait(("a", 1))
        assert set(limiter.statistics().borrowers) == {*borrowers, ("a", 1)}
    with pytest.raises(TypeError):
        limiter.acquire_on_behalf_of_nowait([])
    assert limiter.borrowed_tokens == 1


@rule("LIMIT-3")
async def test_waiters_are_served_in_order() -> None:
    """Tokens go to the waiters in the order in which they came, and nobody overtakes them."""
    limiter = accord.CapacityLimiter(1)
    limiter.acquire_on_behalf_of_nowait("holder 0")
    async with accord.create_task_group() as group:
        attempts = [
            await blocked(group, partial(limiter.acquire_on_behalf_of, f"holder {number}")) for number in (1, 2, 3)
        ]
        for number, attempt in enumerate(attempts):
            limiter.release_on_behalf_of(f"holder {number}")
            assert limiter.statistics().borrowers == (f"holder {number + 1}",)
            with pytest.raises(accord.WouldBlock):
                limiter.acquire_nowait()
            await settle()
            assert attempt.outcome == "returned"


@rule("LIMIT-4")
async def test_lowering_takes_nothing_away() -> None:
    """After lowering, tokens stay where they are, and none is given out until the balance is positive again."""
    limiter = accord.CapacityLimiter(3)
    for name in "abc":
        limiter.acquire_on_behalf_of_nowait(name)
    limiter.total_tokens = 1
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (3, -2)
    async with accord.create_task_group() as group:
        attempt = await blocked(group, limiter.acquire)
        for name in "ab":
            limiter.release_on_behalf_of(name)
            await settle()
            assert attempt.outcome == "blocked"
        assert limiter.available_tokens == 0
        limiter.release_on_behalf_of("c")
        await settle()
        assert attempt.outcome == "returned"
    assert limiter.borrowed_tokens == 1


@rule("LIMIT-4")
async def test_raising_serves_as_many_as_fit() -> None:
    """After raising, as many waiters as there are new tokens are served at once, in order."""
    limiter = accord.CapacityLimiter(0)
    attempts: list[Attempt[None]] = []
    async with accord.create_task_group() as group:
        attempts += [await blocked(group, partial(limiter.acquire_on_behalf_of, number)) for number in range(5)]
        limiter.total_tokens = 2
        assert limiter.statistics().borrowers == (0, 1)
        assert limiter.statistics().tasks_waiting == 3
        limiter.total_tokens = 1
        await settle()
        assert [attempt.outcome for attempt in attempts] == ["returned"] * 2 + ["blocked"] * 3
        limiter.total_tokens = 4
        await settle()
        assert [attempt.outcome for attempt in attempts] == ["returned"] * 4 + ["blocked"]
        limiter.total_tokens = inf
    assert attempts[4].outcome == "returned"
    assert limiter.borrowed_tokens == 5


@rule("LIMIT-5")
async def test_release_without_a_token() -> None:
    """A release for somebody who has no token raises RuntimeError and changes nothing."""
    limiter = accord.CapacityLimiter(1)
    with pytest.raises(RuntimeError):
        limiter.release()
    with pytest.raises(RuntimeError):
        limiter.release_on_behalf_of("nobody")
    await limiter.acquire()
    with pytest.raises(RuntimeError):
        limiter.release_on_behalf_of("nobody")
    assert (limiter.borrowed_tokens, limiter.available_tokens) == (1, 0)


@rule("LIMIT-6", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_release(gap: str) -> None:
    """A waiter that was cancelled first is passed over and may wait again; one served first has the token."""
    limiter = accord.CapacityLimiter(1)
    await limiter.acquire()
    async with accord.create_task_group() as group:
        first = await blocked(group, partial(limiter.acquire_on_behalf_of, "first"))
        second = await blocked(group, partial(limiter.acquire_on_behalf_of, "second"))
        served = await race(gap, first, limiter.release)
        await settle()
        assert second.outcome == ("blocked" if served else "returned")
        assert limiter.statistics().borrowers == (("first",) if served else ("second",))
        if not served:
            again = await blocked(group, partial(limiter.acquire_on_behalf_of, "first"))
            limiter.release_on_behalf_of("second")
            await again.handle.wait()
            assert again.outcome == "returned"
        second.cancel()
    assert limiter.borrowed_tokens == 1
    assert limiter.statistics().tasks_waiting == 0


@rule("LIMIT-6")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_raising(gap: str) -> None:
    """The same holds if the token comes from a higher limit."""
    limiter = accord.CapacityLimiter(0)
    async with accord.create_task_group() as group:
        attempt = await blocked(group, partial(limiter.acquire_on_behalf_of, "somebody"))
        served = await race(gap, attempt, lambda: setattr(limiter, "total_tokens", 1))
    assert limiter.available_tokens == (0 if served else 1)


@rule("LIMIT-6", "LIMIT-9")
async def test_acquire_in_a_cancelled_scope() -> None:
    """Acquiring in a cancelled scope raises the cancellation and takes nothing, also where it would be an error."""
    limiter = accord.CapacityLimiter(1)
    assert await is_cancelled_by(limiter.acquire)
    assert await is_cancelled_by(partial(limiter.acquire_on_behalf_of, "somebody"))
    assert limiter.borrowed_tokens == 0
    await limiter.acquire()
    assert await is_cancelled_by(limiter.acquire)
    assert limiter.borrowed_tokens == 1
    assert limiter.statistics().tasks_waiting == 0
    limiter.total_tokens = 2
    assert await is_cancelled_by(limiter.acquire)
    limiter.acquire_on_behalf_of_nowait("somebody")
    assert await is_cancelled_by(partial(limiter.acquire_on_behalf_of, "somebody"))
    async with accord.create_task_group() as group:
        waiting = await blocked(group, partial(limiter.acquire_on_behalf_of, "waiting"))
        assert await is_cancelled_by(partial(limiter.acquire_on_behalf_of, "waiting"))
        assert limiter.statistics().tasks_waiting == 1
        waiting.cancel()
    assert limiter.borrowed_tokens == 2


@rule("LIMIT-7")
async def test_nowait() -> None:
    """The nowait methods take a token, also in a cancelled scope, and raise WouldBlock if none is available."""
    limiter = accord.CapacityLimiter(2)
    with accord.CancelScope() as scope:
        scope.cancel()
        limiter.acquire_nowait()
        limiter.acquire_on_behalf_of_nowait("somebody")
    assert limiter.borrowed_tokens == 2
    with pytest.raises(accord.WouldBlock):
        limiter.acquire_on_behalf_of_nowait("another")
    assert limiter.borrowed_tokens == 2


@rule("LIMIT-8")
async def test_statistics() -> None:
    """Tokens, borrowers and the number of waiting tasks are exact after each step."""
    limiter = accord.CapacityLimiter(1)
    limiter.acquire_on_behalf_of_nowait("a")
    async with accord.create_task_group() as group:
        waiting = [await blocked(group, partial(limiter.acquire_on_behalf_of, name)) for name in "bcd"]
        assert limiter.statistics() == accord.CapacityLimiterStatistics(
            borrowed_tokens=1, total_tokens=1, borrowers=("a",), tasks_waiting=3
        )
        waiting[0].cancel()
        await waiting[0].handle.wait()
        assert limiter.statistics().tasks_waiting == 2
        limiter.release_on_behalf_of("a")
        assert limiter.statistics() == accord.CapacityLimiterStatistics(
            borrowed_tokens=1, total_tokens=1, borrowers=("c",), tasks_waiting=1
        )
        group.cancel()
    assert limiter.statistics().tasks_waiting == 0


@rule("LIMIT-9", "CKPT-5")
async def test_taking_free_tokens_yields_now_and_then() -> None:
    """Acquiring a token that is there yields at least once in sixteen times, for the task and for others."""
    limiter = accord.CapacityLimiter(1)

    async def take_repeatedly() -> None:
        for _ in range(16):
            await limiter.acquire()
            limiter.release()

    async def take_for_somebody() -> None:
        for _ in range(16):
            await limiter.acquire_on_behalf_of("somebody")
            limiter.release_on_behalf_of("somebody")

    assert await count_yields(take_repeatedly()) > 0
    assert await count_yields(take_for_somebody()) > 0


@rule("LIMIT-9")
async def test_release_is_no_checkpoint() -> None:
    """Leaving the block neither yields nor raises a cancellation."""
    limiter = accord.CapacityLimiter(1)
    await limiter.acquire()
    await assert_never_yields(lambda: limiter.__aexit__(None, None, None))
    with accord.CancelScope() as scope:
        async with limiter:
            scope.cancel()
    assert not scope.cancelled_caught
    assert limiter.borrowed_tokens == 0


@rule("LIMIT-10", "LIMIT-8")
def test_limiter_outside_a_loop(run: Callable[..., Any]) -> None:
    """A limiter that was made outside a loop works in several runs, on each backend that is installed."""
    limiter = accord.CapacityLimiter(1)

    async def main() -> int:
        async def take() -> None:
            async with limiter:
                await cancel_shielded_checkpoint()

        async with accord.create_task_group() as group:
            await limiter.acquire()
            await blocked(group, take)
            limiter.release()
        return limiter.borrowed_tokens

    assert (limiter.total_tokens, limiter.borrowed_tokens, limiter.available_tokens) == (1, 0, 1)
    results = run_everywhere(run, main)
    assert results == [0] * len(results)
    limiter.total_tokens = 2
    assert limiter.statistics() == accord.CapacityLimiterStatistics(
        borrowed_tokens=0, total_tokens=2, borrowers=(), tasks_waiting=0
    )
