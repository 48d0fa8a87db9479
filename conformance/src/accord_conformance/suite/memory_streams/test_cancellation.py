"""Memory object streams: nothing is lost, nothing arrives twice, whenever a sender or receiver is cancelled."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.attempts import GAPS, Attempt, blocked, race
from accord_conformance.helpers import rule, settle


@rule("MEM-5", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("size", [0, 1])
async def test_sender_is_cancelled_around_receive_nowait(gap: str, size: int) -> None:
    """receive_nowait() takes no item of a sender that was cancelled; a sender whose item it took returns."""
    send, receive = accord.create_memory_object_stream[str](size)
    received: list[str] = []

    def take() -> None:
        try:
            received.append(receive.receive_nowait())
        except accord.WouldBlock:
            received.append("nothing")

    with send, receive:
        if size:
            send.send_nowait("in the buffer")
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(send.send, "item"))
            served = await race(gap, attempt, take)
            take()
    expected = ["in the buffer"] * size + ["item"] * served + ["nothing"] * 2
    assert received == expected[:2]


@rule("MEM-5", "MEM-17")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_next_sender_is_served_instead(gap: str) -> None:
    """If the first of two blocked senders was cancelled, the second one's item is received."""
    send, receive = accord.create_memory_object_stream[str]()
    received: list[str] = []
    with send, receive:
        async with accord.create_task_group() as group:
            first = await blocked(group, partial(send.send, "first"))
            second = await blocked(group, partial(send.send, "second"))
            await race(gap, first, lambda: received.append(receive.receive_nowait()))
        assert received == ["second"]
        assert second.outcome == "returned"
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()


@rule("MEM-5")
@pytest.mark.parametrize("gap", GAPS)
async def test_sender_is_cancelled_around_receive(gap: str) -> None:
    """The same holds for receive(): a receiver gets the item of a sender if and only if that one returns."""
    send, receive = accord.create_memory_object_stream[str]()
    with send, receive:
        async with accord.create_task_group() as group:
            sender = await blocked(group, partial(send.send, "item"))
            if gap in GAPS[:2]:
                sender.cancel()
            if gap == GAPS[0]:
                await settle()
            receiver = Attempt(group, receive.receive)
            if gap == GAPS[3]:
                await settle()
            sender.cancel()
            await settle()
            assert sender.outcome in ("returned", "cancelled")
            assert receiver.outcome == ("returned" if sender.outcome == "returned" else "blocked")
            if gap == GAPS[3]:
                assert sender.outcome == "returned"
            if gap in GAPS[:2]:
                assert sender.outcome == "cancelled"
            group.cancel()


@rule("MEM-6", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_receiver_is_cancelled_around_send_nowait(gap: str) -> None:
    """An item for a receiver that was cancelled stays in the buffer; a receiver that was handed it first returns it."""
    send, receive = accord.create_memory_object_stream[str](1)
    with send, receive:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, receive.receive)
            served = await race(gap, attempt, lambda: send.send_nowait("item"))
        if served:
            assert attempt.value == "item"
            assert receive.statistics().current_buffer_used == 0
        else:
            assert receive.receive_nowait() == "item"


@rule("MEM-6", "MEM-17", "MEM-4")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_send_nowait_without_buffer_to_a_cancelled_receiver(gap: str) -> None:
    """Without a buffer send_nowait() raises WouldBlock if the only receiver was cancelled, and passes it over else."""
    send, receive = accord.create_memory_object_stream[str]()
    with send, receive:
        async with accord.create_task_group() as group:
            first = await blocked(group, receive.receive)

            def refuse() -> None:
                with pytest.raises(accord.WouldBlock):
                    send.send_nowait("item")

            await race(gap, first, refuse)
            second = await blocked(group, receive.receive)
            third = await blocked(group, receive.receive)
            await race(gap, second, lambda: send.send_nowait("item"))
        assert (third.outcome, third.value) == ("returned", "item")


@rule("MEM-6")
@pytest.mark.parametrize("gap", GAPS)
async def test_receiver_is_cancelled_around_send(gap: str) -> None:
    """The same holds for send(): it blocks if the only receiver was cancelled, and the next one gets the item."""
    send, receive = accord.create_memory_object_stream[str]()
    with send, receive:
        async with accord.create_task_group() as group:
            receiver = await blocked(group, receive.receive)
            if gap in GAPS[:2]:
                receiver.cancel()
            if gap == GAPS[0]:
                await settle()
            sender = Attempt(group, partial(send.send, "item"))
            if gap == GAPS[3]:
                await settle()
            receiver.cancel()
            await settle()
            assert receiver.outcome in ("returned", "cancelled")
            if receiver.outcome == "cancelled":
                assert sender.outcome == "blocked"
                assert receive.receive_nowait() == "item"
            await settle()
            assert sender.outcome == "returned"
            if gap == GAPS[3]:
                assert receiver.value == "item"


@rule("MEM-17", "MEM-13")
async def test_cancelled_waiters_leave_no_trace() -> None:
    """After blocked senders and receivers were cancelled the stream behaves as if they had never been."""
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        empty = send.statistics()
        async with accord.create_task_group() as group:
            for operation in (receive.receive, partial(send.send, -1)):
                attempts = [await blocked(group, operation) for _ in range(3)]
                for attempt in attempts:
                    attempt.cancel()
                await settle()
                assert send.statistics() == empty
            receiver = await blocked(group, receive.receive)
            send.send_nowait(5)
        assert receiver.value == 5
        assert send.statistics() == empty


@rule("MEM-5", "MEM-6", "MEM-3")
@pytest.mark.parametrize("seed", range(8))
async def test_random_cancellations(seed: int) -> None:
    """With senders and receivers cancelled at random, what was sent is what arrived, each item once."""
    rng = random.Random(seed)
    send, receive = accord.create_memory_object_stream[int](rng.choice([0, 0, 1, 3]))
    sent: list[int] = []
    received: list[int] = []
    scopes: list[accord.CancelScope] = []

    async def repeat(operation: Callable[[int], object], numbers: range) -> None:
        for number in numbers:
            with accord.CancelScope() as scope:
                scopes.append(scope)
                await _maybe(operation(number))
            scopes.remove(scope)

    async def send_one(number: int) -> None:
        await send.send(number)
        sent.append(number)

    async def receive_one(_: int) -> None:
        received.append(await receive.receive())

    async def take_now(_: int) -> None:
        await checkpoint()
        try:
            received.append(receive.receive_nowait())
        except accord.WouldBlock:
            pass

    async def put_now(number: int) -> None:
        await checkpoint()
        try:
            send.send_nowait(number)
        except accord.WouldBlock:
            pass
        else:
            sent.append(number)

    async def disturb() -> None:
        for _ in range(150):
            for _ in range(rng.randrange(4)):
                await cancel_shielded_checkpoint()
            if scopes:
                rng.choice(scopes).cancel()
        group.cancel()

    with send, receive:
        async with accord.create_task_group() as group:
            for start in (0, 1000, 2000):
                group.start_soon(repeat, send_one, range(start, start + 200))
                group.start_soon(repeat, receive_one, range(200))
            group.start_soon(repeat, put_now, range(3000, 3100))
            group.start_soon(repeat, take_now, range(100))
            group.start_soon(disturb)
        left = [receive.receive_nowait() for _ in range(receive.statistics().current_buffer_used)]
    assert len(sent) > 20
    assert sorted(received + left) == sorted(sent)


async def _maybe(awaitable: object) -> None:
    await awaitable  # type: ignore[misc]
