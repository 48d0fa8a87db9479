"""race."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import assert_yields, is_cancelled_by, leaves, rule, settle
from accord_conformance.suite.gathering.coroutines import fail, give, hang


@rule("RACE-1")
async def test_first_wins() -> None:
    """The value of the first that returns is returned, after the others have ended."""
    log: list[str] = []
    event = accord.Event()

    async def second() -> str:
        await event.wait()
        return "second"

    async def first() -> str:
        await checkpoint()
        return "first"

    assert await accord.race(hang(log), second(), first(), hang(log)) == "first"
    assert log == ["cleaned up"] * 2
    assert await accord.race(first()) == "first"


@rule("RACE-1")
@pytest.mark.parametrize("value", [None, False, ValueError("a value")], ids=repr)
async def test_any_value_wins(value: object) -> None:
    """None and an exception are values; those that return in the same moment, or though cancelled, don't matter."""
    assert await accord.race(give(value), give(value)) is value

    async def stubborn() -> object:
        try:
            await accord.sleep_forever()
        except accord.get_cancelled_exc_class():
            return "too late"
        return "never"

    assert await accord.race(stubborn(), give(value)) is value


@rule("RACE-1")
async def test_they_run_concurrently() -> None:
    """Each runs while the others wait."""
    here, there = accord.Event(), accord.Event()

    async def ask(mine: accord.Event, other: accord.Event) -> int:
        mine.set()
        await other.wait()
        return 1

    with accord.fail_after(10):
        assert await accord.race(ask(here, there), ask(there, here)) == 1


@rule("RACE-2")
async def test_failure_ends_the_race() -> None:
    """An error before there is a winner cancels the others and comes in an exception group."""
    log: list[str] = []
    error = ValueError("no luck")
    with pytest.raises(ExceptionGroup) as caught:
        await accord.race(hang(log), fail(error), hang(log))
    assert leaves(caught.value) == [error]
    assert log == ["cleaned up"] * 2


@rule("RACE-2")
async def test_error_of_a_loser() -> None:
    """An error that a loser raises in its clean-up is raised, with those of others."""
    errors = [ValueError("not closed"), KeyError("not closed either")]

    async def bad_loser(error: Exception) -> int:
        try:
            await accord.sleep_forever()
        finally:
            raise error

    with pytest.raises(ExceptionGroup) as caught:
        await accord.race(bad_loser(errors[0]), give(1), bad_loser(errors[1]))
    assert set(leaves(caught.value)) == set(errors)


@rule("RACE-3")
async def test_cancelling_the_caller() -> None:
    """If the caller is cancelled all are cancelled and waited for."""
    log: list[str] = []
    async with accord.create_task_group() as group:
        attempt = await blocked(group, lambda: accord.race(hang(log), hang(log)))
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "cancelled"
        assert log == ["cleaned up"] * 2


@rule("RACE-4")
async def test_cancelled_while_the_losers_clean_up() -> None:
    """A cancellation that comes after the race was decided takes nothing away."""
    go, cleaning, on = accord.Event(), accord.Event(), accord.Event()

    async def slow_loser() -> str:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                cleaning.set()
                await on.wait()
            await checkpoint()
        return "never"

    async def winner() -> str:
        await go.wait()
        return "won"

    async with accord.create_task_group() as group:
        attempt = await blocked(group, lambda: accord.race(slow_loser(), winner(), slow_loser()))
        go.set()
        await cleaning.wait()
        attempt.cancel()
        await settle()
        on.set()
        await attempt.handle.wait()
        assert (attempt.outcome, attempt.value) == ("returned", "won")


@rule("RACE-4")
async def test_cancelled_by_the_winner() -> None:
    """Also a scope that the winner itself cancels before it returns takes nothing away."""
    with accord.CancelScope() as scope:

        async def winner() -> str:
            await checkpoint()
            scope.cancel()
            return "won"

        assert await accord.race(winner(), hang([])) == "won"
        with pytest.raises(accord.get_cancelled_exc_class()):
            await checkpoint()


@rule("RACE-5")
async def test_race_in_a_cancelled_scope() -> None:
    """In a cancelled scope nothing is started and the coroutines are closed."""
    calls: list[int] = []

    async def note(number: int) -> int:
        calls.append(number)
        return number

    coroutines = [note(number) for number in range(3)]
    assert await is_cancelled_by(lambda: accord.race(*coroutines))
    assert [inspect.getcoroutinestate(coroutine) for coroutine in coroutines] == [inspect.CORO_CLOSED] * 3
    assert calls == []
    await assert_yields(lambda: accord.race(note(1)))


@rule("RACE-5")
async def test_wrong_arguments() -> None:
    """Without arguments it is a ValueError, with what is no coroutine object a TypeError and the others are closed."""
    wrong: Any
    none: list[Any] = []
    with pytest.raises(ValueError):
        await accord.race(*none)
    for wrong in (None, 5, give):
        coroutine = give(1)
        with pytest.raises(TypeError):
            await accord.race(coroutine, wrong)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


@rule("RACE-6")
async def test_coroutines_that_cancel_themselves() -> None:
    """Who ends by a cancellation of its own is out; if all are, nothing is returned."""
    cancellations: list[BaseException] = []

    async def give_up() -> Any:
        with accord.CancelScope() as scope:
            scope.cancel()
            try:
                await checkpoint()
            except accord.get_cancelled_exc_class() as error:
                cancellations.append(error)
        raise cancellations[-1]

    assert await accord.race(give_up(), give(1)) == 1
    with pytest.raises((accord.TaskCancelled, accord.get_cancelled_exc_class())):
        await accord.race(give_up(), give_up())
