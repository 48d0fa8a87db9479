"""Broadcast streams."""

from __future__ import annotations

import gc
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

import accord
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import assert_never_yields, count_yields, is_cancelled_by, rule, settle


def stream(size: float = 2, on_lag: Any = "block") -> accord.BroadcastSendStream[int]:
    """A new stream."""
    return accord.create_broadcast_stream[int](size, on_lag)


def items_of(subscriber: accord.BroadcastReceiveStream[int]) -> list[int]:
    """The items that a subscriber can take without waiting."""
    items: list[int] = []
    while True:
        try:
            items.append(subscriber.receive_nowait())
        except (accord.WouldBlock, accord.EndOfStream):
            return items


@rule("BCAST-1")
def test_arguments() -> None:
    """The size is an int of at least 1 or infinite; the ways to lag are three."""
    wrong: Any
    for right in (1, 10, inf):
        stream(right).close()
    for wrong in (0, -1, float("nan")):
        with pytest.raises(ValueError):
            stream(wrong)
    for wrong in (1.5, True, "1", None):
        with pytest.raises(TypeError):
            stream(wrong)
    for wrong in ("drop", "", "BLOCK"):
        with pytest.raises(ValueError):
            stream(1, wrong)


@rule("BCAST-2")
async def test_everybody_gets_everything() -> None:
    """Each subscriber gets what is sent while it is one, in order."""
    with stream(10) as send:
        await send.send(0)
        with send.subscribe() as first:
            await send.send(1)
            send.send_nowait(2)
            with send.subscribe() as second:
                await send.send(3)
                assert items_of(second) == [3]
                assert items_of(first) == [1, 2, 3]
            await send.send(4)
            assert await first.receive() == 4


@rule("BCAST-2", "BCAST-3")
async def test_many_tasks() -> None:
    """Several senders and subscribers, some of which wait: all get the same items in the same order."""
    results: list[list[int]] = []

    async def listen(subscriber: accord.BroadcastReceiveStream[int]) -> None:
        results.append([])
        mine = results[-1]
        async with subscriber:
            async for item in subscriber:
                mine.append(item)
                if item % 3 == len(results) % 3:
                    await accord.lowlevel.checkpoint()

    async def produce(send: accord.BroadcastSendStream[int], first: int) -> None:
        for item in range(first, first + 20):
            await send.send(item)

    async with accord.create_task_group() as group:
        with stream(1) as send:
            for _ in range(3):
                group.start_soon(listen, send.subscribe())
            async with accord.create_task_group() as producers:
                producers.start_soon(produce, send, 0)
                producers.start_soon(produce, send, 100)
    assert results[0] == results[1] == results[2]
    assert sorted(results[0]) == [*range(20), *range(100, 120)]
    assert [item for item in results[0] if item < 100] == [*range(20)]


@rule("BCAST-3")
async def test_back_pressure() -> None:
    """A sender waits for the slowest, in order; one that is closed is not waited for."""
    with stream(1) as send, send.subscribe() as quick, send.subscribe() as slow:
        await send.send(1)
        assert await quick.receive() == 1
        async with accord.create_task_group() as group:
            second = await blocked(group, lambda: send.send(2))
            third = await blocked(group, lambda: send.send(3))
            assert send.statistics().tasks_waiting_send == 2
            with pytest.raises(accord.WouldBlock):
                send.send_nowait(4)
            assert items_of(quick) == []
            assert await slow.receive() == 1
            await settle()
            assert (second.outcome, third.outcome) == ("returned", "blocked")
            assert await quick.receive() == 2
            slow.close()
            await settle()
            assert third.outcome == "returned"
            assert await quick.receive() == 3
        send.send_nowait(5)
        with pytest.raises(accord.WouldBlock):
            send.send_nowait(6)


@rule("BCAST-3")
async def test_nobody_overtakes() -> None:
    """While senders wait nobody else's item goes first, though there is room for those of a subscriber."""
    with stream(1) as send, send.subscribe() as slow:
        await send.send(1)
        async with accord.create_task_group() as group:
            await blocked(group, lambda: send.send(2))
            assert slow.receive_nowait() == 1
            with pytest.raises(accord.WouldBlock):
                send.send_nowait(3)
            assert slow.receive_nowait() == 2


@rule("BCAST-4")
async def test_drop_oldest() -> None:
    """The oldest items of a subscriber that lags are dropped and counted; senders don't wait."""
    with stream(2, "drop_oldest") as send, send.subscribe() as slow, send.subscribe() as quick:
        for item in range(5):
            await send.send(item)
            assert items_of(quick) == [item]
        assert slow.statistics() == accord.SubscriptionStatistics(2, 2, 3, 0)
        assert items_of(slow) == [3, 4]
        assert quick.statistics().lost == 0


@rule("BCAST-4")
async def test_error() -> None:
    """A subscriber that lags is broken, and stays so; the others go on."""
    with stream(2, "error") as send, send.subscribe() as slow, send.subscribe() as quick:
        for item in range(2):
            await send.send(item)
        assert items_of(quick) == [0, 1]
        assert send.statistics().subscribers == 2
        send.send_nowait(2)
        assert send.statistics().subscribers == 1
        for _ in range(3):
            with pytest.raises(accord.BrokenResourceError, match="2 items"):
                await slow.receive()
            await send.send(3)
            assert quick.receive_nowait() in (2, 3)
        slow.close()
        with pytest.raises(accord.ClosedResourceError):
            await slow.receive()


@rule("BCAST-5")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_send(gap: str) -> None:
    """A send that was cancelled reached nobody; one that was served first reached all."""
    with stream(1) as send, send.subscribe() as first, send.subscribe() as second:
        await send.send(1)
        await first.receive()
        async with accord.create_task_group() as group:
            attempt = await blocked(group, lambda: send.send(2))
            served = await race(gap, attempt, second.receive_nowait)
            assert items_of(first) == items_of(second) == ([2] if served else [])
            assert send.statistics().tasks_waiting_send == 0


@rule("BCAST-5")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_receive(gap: str) -> None:
    """A receive that was cancelled has taken nothing; one that was served first returns its item."""
    with stream(1) as send, send.subscribe() as first, send.subscribe() as second:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, first.receive)
            served = await race(gap, attempt, lambda: send.send_nowait(1))
            assert items_of(first) == ([] if served else [1])
            assert items_of(second) == [1]


@rule("BCAST-5", "BCAST-7")
async def test_in_a_cancelled_scope() -> None:
    """In a cancelled scope nothing is sent and nothing is taken."""
    with stream(1) as send, send.subscribe() as subscriber:
        assert await is_cancelled_by(lambda: send.send(1))
        assert items_of(subscriber) == []
        await send.send(2)
        assert await is_cancelled_by(subscriber.receive)
        assert await is_cancelled_by(lambda: send.send(3))
        assert items_of(subscriber) == [2]
        send.close()
        assert await is_cancelled_by(subscriber.receive)
        assert await is_cancelled_by(lambda: send.send(3))


@rule("BCAST-6")
async def test_closing_the_sender() -> None:
    """Those who wait are told; what is in the buffers is received, and then the end."""
    with stream(1) as send, send.subscribe() as first, send.subscribe() as second:
        await send.send(1)
        await first.receive()
        async with accord.create_task_group() as group:
            sending = await blocked(group, lambda: send.send(2))
            receiving = await blocked(group, first.receive)
            send.close()
            send.close()
            await settle()
            assert type(sending.error) is accord.ClosedResourceError
            assert type(receiving.error) is accord.EndOfStream
        assert await second.receive() == 1
        for subscriber in (first, second):
            for _ in range(2):
                with pytest.raises(accord.EndOfStream):
                    await subscriber.receive()
            assert [item async for item in subscriber] == []
        for wrong in (lambda: send.send_nowait(3), send.subscribe):
            with pytest.raises(accord.ClosedResourceError):
                wrong()
        with pytest.raises(accord.ClosedResourceError):
            await send.send(3)


@rule("BCAST-6")
@pytest.mark.parametrize("how", ["close", "aclose", "with", "async with"])
async def test_closing_a_subscriber(how: str) -> None:
    """Those who wait in it are told; it is no subscriber any more."""

    async def close(end: Any) -> None:
        if how == "close":
            end.close()
        elif how == "aclose":
            await end.aclose()
        elif how == "with":
            with end:
                pass
        else:
            async with end:
                pass

    send = stream(1)
    subscriber = send.subscribe()
    async with accord.create_task_group() as group:
        receiving = await blocked(group, subscriber.receive)
        await close(subscriber)
        await settle()
        assert type(receiving.error) is accord.ClosedResourceError
    assert send.statistics().subscribers == 0
    for _ in range(2):
        await close(subscriber)
        with pytest.raises(accord.ClosedResourceError):
            await subscriber.receive()
        with pytest.raises(accord.ClosedResourceError):
            subscriber.receive_nowait()
    await close(send)
    with pytest.raises(accord.ClosedResourceError):
        await send.send(1)


@rule("BCAST-6")
def test_unclosed() -> None:
    """What was never closed is a ResourceWarning."""

    def forget() -> None:
        stream().subscribe()
        gc.collect()

    with pytest.warns(ResourceWarning) as warned:
        forget()
    assert {type(warning.source) for warning in warned} == {accord.BroadcastSendStream, accord.BroadcastReceiveStream}


@rule("BCAST-7")
async def test_statistics() -> None:
    """The numbers are exact after each step."""
    with stream(2) as send, send.subscribe() as subscriber:
        assert send.statistics() == accord.BroadcastStatistics(2, 1, 0)
        async with accord.create_task_group() as group:
            attempts = [await blocked(group, subscriber.receive) for _ in range(2)]
            assert subscriber.statistics() == accord.SubscriptionStatistics(0, 2, 0, 2)
            attempts[0].cancel()
            await settle()
            assert subscriber.statistics().tasks_waiting_receive == 1
            send.send_nowait(1)
            assert subscriber.statistics() == accord.SubscriptionStatistics(0, 2, 0, 0)
        send.send_nowait(2)
        assert subscriber.statistics().current_buffer_used == 1
        assert "1 subscribers" in repr(send)
        assert "1 items" in repr(subscriber)


@rule("BCAST-7", "CKPT-5")
async def test_checkpoints() -> None:
    """What need not wait yields at least once in sixteen times, and closing never."""
    with stream(inf) as send, send.subscribe() as subscriber:

        def repeatedly(operation: Callable[[], Any]) -> Any:
            async def run() -> None:
                for _ in range(16):
                    await operation()

            return run()

        assert await count_yields(repeatedly(lambda: send.send(1))) > 0
        assert await count_yields(repeatedly(subscriber.receive)) > 0
        await assert_never_yields(subscriber.aclose)
        await assert_never_yields(send.aclose)
