"""Futures and resource guards."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord import FutureStatus
from accord.lowlevel import current_token
from accord.protocols import TaskGroup
from accord_conformance.attempts import GAPS, Attempt, blocked, race, run_everywhere
from accord_conformance.helpers import count_yields, is_cancelled_by, rule, settle


def _failed(error: BaseException) -> accord.Future[Any]:
    future: accord.Future[Any] = accord.Future()
    future.exception = error
    return future


def _set(future: accord.Future[Any], outcome: str) -> None:
    match outcome:
        case "value":
            future.return_value = "value"
        case "error":
            future.exception = ValueError("error")
        case _:
            future.cancel()


async def _awaited(future: accord.Future[Any]) -> object:
    return await future


def _await(group: TaskGroup, future: accord.Future[Any]) -> Attempt[object]:
    return Attempt(group, lambda: _awaited(future))


@rule("FUTURE-1")
async def test_pending_future() -> None:
    """A future without outcome is PENDING, and its value and exception raise FutureNotFinished."""
    future: accord.Future[int] = accord.Future()
    assert future.status is FutureStatus.PENDING
    with pytest.raises(accord.FutureNotFinished):
        _ = future.return_value
    with pytest.raises(accord.FutureNotFinished):
        _ = future.exception


@rule("FUTURE-1")
async def test_outcomes() -> None:
    """The properties give the outcome: a value, an exception, or a cancellation."""
    future: accord.Future[Any] = accord.Future()
    future.return_value = None
    assert future.status is FutureStatus.FINISHED
    assert future.return_value is None
    assert future.exception is None
    error = ValueError("no luck")
    future = _failed(error)
    assert future.status is FutureStatus.FAILED
    assert future.exception is error
    with pytest.raises(accord.FutureFailed) as caught:
        _ = future.return_value
    assert caught.value.__cause__ is error
    assert not isinstance(caught.value, accord.FutureCancelled)
    future = accord.Future()
    future.cancel()
    assert future.status is FutureStatus.CANCELLED
    with pytest.raises(accord.FutureCancelled):
        _ = future.return_value
    with pytest.raises(accord.FutureCancelled):
        _ = future.exception


@rule("FUTURE-1")
async def test_outcome_set_by_a_callback_and_in_a_cancelled_scope() -> None:
    """An outcome can be set where no task runs, and in a cancelled scope."""
    future: accord.Future[str] = accord.Future()
    current_token().call_soon(setattr, future, "return_value", "by a callback")
    assert await future == "by a callback"
    other: accord.Future[str] = accord.Future()
    with accord.CancelScope() as scope:
        scope.cancel()
        other.return_value = "value"
    assert other.return_value == "value"


@rule("FUTURE-2")
@pytest.mark.parametrize("first", ["value", "error", "cancelled"])
@pytest.mark.parametrize("second", ["value", "error", "cancelled"])
async def test_only_one_outcome(first: str, second: str) -> None:
    """A second outcome is refused, with the error that tells whether it was cancelled, and changes nothing."""
    future: accord.Future[Any] = accord.Future()
    _set(future, first)
    status = future.status
    if second == "cancelled":
        future.cancel()
    else:
        error = accord.FutureCancelled if first == "cancelled" else accord.FutureAlreadyFinished
        with pytest.raises(error):
            _set(future, second)
    assert future.status is status
    if first == "value":
        assert future.return_value == "value"


@rule("FUTURE-3")
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize("outcome", ["value", "error", "cancelled"])
async def test_awaiting(early: bool, outcome: str) -> None:
    """All tasks that wait, before or after the outcome is set, get it; wait() returns None in each case."""
    future: accord.Future[Any] = accord.Future()
    async with accord.create_task_group() as group:
        if early:
            _set(future, outcome)
            await future.wait()
        attempts = [_await(group, future) for _ in range(2)]
        waiting = group.start_soon(future.wait)
        await settle()
        if not early:
            assert [attempt.outcome for attempt in attempts] == ["blocked"] * 2
            _set(future, outcome)
    assert waiting.return_value is None
    for attempt in attempts:
        if outcome == "value":
            assert (attempt.outcome, attempt.value) == ("returned", "value")
        else:
            assert attempt.outcome == "raised"
            assert type(attempt.error) is (accord.FutureFailed if outcome == "error" else accord.FutureCancelled)
            assert type(attempt.error.__cause__) is (ValueError if outcome == "error" else type(None))


@rule("FUTURE-3")
async def test_awaiting_checks_for_cancellation() -> None:
    """Both ways to wait raise in a cancelled scope, whether or not there is an outcome."""
    future: accord.Future[int] = accord.Future()
    assert await is_cancelled_by(future.wait)
    future.return_value = 1
    assert await is_cancelled_by(future.wait)
    assert await is_cancelled_by(lambda: future)


@rule("FUTURE-3", "CKPT-5")
async def test_awaiting_an_outcome_yields_now_and_then() -> None:
    """Both ways to wait for a future that has an outcome yield at least once in sixteen times."""
    future: accord.Future[int] = accord.Future()
    future.return_value = 1

    async def await_repeatedly() -> None:
        for _ in range(16):
            await future

    async def wait_repeatedly() -> None:
        for _ in range(16):
            await future.wait()

    assert await count_yields(await_repeatedly()) > 0
    assert await count_yields(wait_repeatedly()) > 0


@rule("FUTURE-4", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_around_the_outcome(gap: str) -> None:
    """Cancelling a waiter concerns neither the future nor other waiters; one that was served first gets the value."""
    future: accord.Future[Any] = accord.Future()
    async with accord.create_task_group() as group:
        first, second = [await blocked(group, lambda: _awaited(future)) for _ in range(2)]
        await race(gap, first, lambda: _set(future, "value"))
    assert (second.outcome, second.value) == ("returned", "value")
    assert future.status is FutureStatus.FINISHED


@rule("FUTURE-5")
async def test_each_waiter_gets_an_exception_of_its_own() -> None:
    """Waiters get different FutureFailed objects from one cause, which stays as it was set."""
    try:
        raise ValueError("no luck")
    except ValueError as raised:
        error = raised
    error.add_note("mine")
    before = traceback.format_exception(error)
    future = _failed(error)
    caught: list[BaseException] = []
    for _ in range(3):
        with pytest.raises(accord.FutureFailed) as info:
            await future
        caught.append(info.value)
    async with accord.create_task_group() as group:
        attempts = [_await(group, future) for _ in range(2)]
    caught += [attempt.error for attempt in attempts]
    assert len(set(map(id, caught))) == 5
    assert [failed.__cause__ for failed in caught] == [error] * 5
    assert traceback.format_exception(error) == before
    assert error.__context__ is None


@rule("FUTURE-5")
async def test_each_waiter_of_a_cancelled_future_gets_an_exception_of_its_own() -> None:
    """Waiters, and accesses to the properties, get different FutureCancelled objects."""
    future: accord.Future[Any] = accord.Future()
    future.cancel()
    caught: list[BaseException] = []
    for name in ("return_value", "exception") * 2:
        with pytest.raises(accord.FutureCancelled) as info:
            getattr(future, name)
        caught.append(info.value)
    async with accord.create_task_group() as group:
        attempts = [_await(group, future) for _ in range(2)]
    caught += [attempt.error for attempt in attempts]
    assert len(set(map(id, caught))) == 6


@rule("FUTURE-6")
async def test_failed_with_a_cancellation() -> None:
    """A future that is given a cancellation exception is FAILED, and its waiters are not cancelled."""
    future: accord.Future[Any] = accord.Future()
    with accord.CancelScope() as scope:
        scope.cancel()
        try:
            await accord.sleep_forever()
        except accord.get_cancelled_exc_class() as cancellation:
            future.exception = cancellation
            raise
    assert future.status is FutureStatus.FAILED
    with pytest.raises(accord.FutureFailed) as caught:
        await future
    assert not isinstance(caught.value, accord.FutureCancelled)
    assert isinstance(caught.value.__cause__, accord.get_cancelled_exc_class())


@rule("FUTURE-6")
@pytest.mark.parametrize("value", [ValueError, "error", None, 5])
async def test_what_is_no_exception_is_refused(value: Any) -> None:
    """Setting what is no exception object raises TypeError, and the future stays PENDING."""
    future: accord.Future[int] = accord.Future()
    with pytest.raises(TypeError):
        future.exception = value
    assert future.status is FutureStatus.PENDING


@rule("FUTURE-7")
def test_future_outside_a_loop(run: Callable[..., Any]) -> None:
    """A future can get its outcome outside a loop, and be awaited in several runs, on each installed backend."""
    future: accord.Future[str] = accord.Future(name="config")
    assert "config" in repr(future)
    assert "pending" in repr(future).lower()
    future.return_value = "value"

    async def main() -> str:
        return await future

    results = run_everywhere(run, main)
    assert results == ["value"] * len(results)
    assert "finished" in repr(future).lower()
    assert "0x" not in repr(future)


@rule("GUARD-1")
async def test_resource_guard() -> None:
    """A second entry raises BusyResourceError with the action; the first user keeps it, and its exit frees it."""
    guard = accord.ResourceGuard("reading from")
    with guard:
        for _ in range(2):
            with pytest.raises(accord.BusyResourceError, match="reading from"):
                with guard:
                    pass
    with guard:
        pass
    with pytest.raises(KeyError):
        with guard:
            raise KeyError
    with guard:
        pass


@rule("GUARD-1", "ERR-2")
async def test_resource_guard_without_an_action() -> None:
    """The default action makes a readable text as well."""
    guard = accord.ResourceGuard()
    with guard, pytest.raises(accord.BusyResourceError, match="using"):
        guard.__enter__()
