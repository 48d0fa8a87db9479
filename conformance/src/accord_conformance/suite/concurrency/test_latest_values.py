"""Latest values."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord.lowlevel import current_token
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import count_yields, cyclic_garbage, is_cancelled_by, rule, settle


@rule("LATEST-1")
async def test_value() -> None:
    """The value is what it was set to last, by whomever."""
    latest = accord.LatestValue("first")
    assert latest.value == "first"
    with accord.CancelScope() as scope:
        scope.cancel()
        latest.value = "second"
    assert latest.value == "second"
    current_token().call_soon(setattr, latest, "value", "third")
    assert await latest.wait_for(lambda value: value == "third") == "third"


@rule("LATEST-2")
async def test_subscribers() -> None:
    """Each gets the newest value, and none twice."""
    latest = accord.LatestValue(0)
    early, late = latest.subscribe(), latest.subscribe()
    assert await early.receive() == 0
    latest.value = 1
    latest.value = 2
    assert await early.receive() == 2
    assert await late.receive() == 2
    async with accord.create_task_group() as group:
        attempt = await blocked(group, early.receive)
        latest.value = 3
        latest.value = 4
        await attempt.handle.wait()
        assert attempt.value == 4
        attempt = await blocked(group, early.receive)
        latest.value = 4
        await attempt.handle.wait()
        assert attempt.value == 4


@rule("LATEST-2")
async def test_two_tasks_of_one_subscriber() -> None:
    """A value is received once by a subscriber, though two tasks wait in it."""
    latest = accord.LatestValue(0)
    stream = latest.subscribe()
    await stream.receive()
    async with accord.create_task_group() as group:
        attempts = [await blocked(group, stream.receive) for _ in range(2)]
        latest.value = 1
        await settle()
        assert sorted(attempt.outcome for attempt in attempts) == ["blocked", "returned"]
        latest.value = 2
        await settle()
        assert sorted(attempt.value for attempt in attempts) == [1, 2]


@rule("LATEST-3")
async def test_wait_for() -> None:
    """The first value that fits is returned, also if it lasted for a moment only."""
    latest = accord.LatestValue(0)
    assert await latest.wait_for(lambda value: value == 0) == 0
    async with accord.create_task_group() as group:
        attempt = await blocked(group, lambda: latest.wait_for(lambda value: value % 5 == 4))
        for value in range(10):
            latest.value = value
        await attempt.handle.wait()
        assert attempt.value == 4
        latest.value = 10
        wrong = await blocked(group, lambda: latest.wait_for(lambda value: 5 // (11 - value) > 5))
        latest.value = 11
        await settle()
        assert type(wrong.error) is ZeroDivisionError
        assert latest.value == 11
    with pytest.raises(ZeroDivisionError):
        await latest.wait_for(lambda value: value // 0)


@rule("LATEST-4")
async def test_close() -> None:
    """Those who wait are told; subscribers get the last value, and then the end."""
    latest = accord.LatestValue(0)
    early, late = latest.subscribe(), latest.subscribe()
    await early.receive()
    async with accord.create_task_group() as group:
        receiving = await blocked(group, early.receive)
        waiting = await blocked(group, lambda: latest.wait_for(lambda value: value == 5))
        with latest:
            pass
        latest.close()
        await latest.aclose()
        await settle()
        assert type(receiving.error) is accord.EndOfStream
        assert type(waiting.error) is accord.ClosedResourceError
    assert await late.receive() == 0
    for _ in range(2):
        with pytest.raises(accord.EndOfStream):
            await late.receive()
    assert [value async for value in latest.subscribe()] == [0]
    with pytest.raises(accord.ClosedResourceError):
        latest.value = 1
    assert latest.value == 0
    assert await latest.wait_for(lambda value: value == 0) == 0
    with pytest.raises(accord.ClosedResourceError):
        await latest.wait_for(lambda value: value == 5)


@rule("LATEST-4")
async def test_closing_a_subscriber() -> None:
    """Those who wait in it are told."""
    latest = accord.LatestValue(0)
    async with latest.subscribe() as stream:
        await stream.receive()
        async with accord.create_task_group() as group:
            receiving = await blocked(group, stream.receive)
            await stream.aclose()
            await settle()
            assert type(receiving.error) is accord.ClosedResourceError
    latest.value = 1
    with pytest.raises(accord.ClosedResourceError):
        await stream.receive()
    assert latest.statistics().tasks_waiting == 0


@rule("LATEST-5")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled(gap: str) -> None:
    """A receive that was cancelled has taken nothing; the value is received next."""
    latest = accord.LatestValue(0)
    stream = latest.subscribe()
    await stream.receive()

    def put() -> None:
        latest.value = 1

    async with accord.create_task_group() as group:
        attempt: Any = await blocked(group, stream.receive)
        if not await race(gap, attempt, put):
            assert await stream.receive() == 1
        attempt = await blocked(group, lambda: latest.wait_for(lambda value: value == 2))
        await race(gap, attempt, lambda: setattr(latest, "value", 2))
        assert latest.statistics().tasks_waiting == 0


@rule("LATEST-5", "CKPT-5")
async def test_checkpoints() -> None:
    """What need not wait checks each time and yields at least once in sixteen times."""
    latest = accord.LatestValue(0)
    stream = latest.subscribe()
    assert await is_cancelled_by(stream.receive)
    assert await is_cancelled_by(lambda: latest.wait_for(lambda value: value == 0))

    async def repeatedly() -> None:
        for value in range(1, 17):
            latest.value = value
            assert await stream.receive() == value

    async def wait_repeatedly() -> None:
        for _ in range(16):
            await latest.wait_for(lambda value: value == 16)

    assert await count_yields(repeatedly()) > 0
    assert await count_yields(wait_repeatedly()) > 0
    assert await is_cancelled_by(stream.receive)
    latest.close()
    assert await is_cancelled_by(stream.receive)
    assert await is_cancelled_by(lambda: latest.wait_for(lambda value: value == 5))


@rule("LATEST-5")
async def test_statistics() -> None:
    """The number of waiting tasks is exact."""
    latest = accord.LatestValue(0)
    stream = latest.subscribe()
    await stream.receive()
    async with accord.create_task_group() as group:
        first = await blocked(group, stream.receive)
        await blocked(group, lambda: latest.wait_for(lambda value: value == 5))
        assert latest.statistics() == accord.LatestValueStatistics(2)
        first.cancel()
        await settle()
        assert latest.statistics() == accord.LatestValueStatistics(1)
        latest.value = 5
        assert latest.statistics() == accord.LatestValueStatistics(0)
    assert "version 1" in repr(latest)
    assert "open" in repr(stream)


@rule("LATEST-3", "ERR-8")
async def test_errors_leave_no_cycles() -> None:
    """An error of a predicate leaves nothing to the cycle collector."""

    async def ask() -> None:
        latest = accord.LatestValue(0)

        async def wait() -> None:
            try:
                await latest.wait_for(lambda value: 1 // (1 - value) > 1)
            except ZeroDivisionError:
                pass

        async with accord.create_task_group() as group:
            group.start_soon(wait)
            await settle()
            latest.value = 1

    assert await cyclic_garbage(ask) == []
