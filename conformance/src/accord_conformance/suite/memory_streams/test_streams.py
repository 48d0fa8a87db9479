"""Memory object streams: making them, sending, receiving, order and capacity."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, nan
from typing import Any

import pytest

import accord
from accord.lowlevel import current_token
from accord_conformance.attempts import blocked, run_everywhere
from accord_conformance.helpers import count_yields, is_cancelled_by, rule, settle


@rule("MEM-1")
@pytest.mark.parametrize(
    ("size", "error"),
    [
        (-1, ValueError),
        (nan, ValueError),
        (-inf, ValueError),
        (1.0, TypeError),
        (0.5, TypeError),
        (True, TypeError),
        ("1", TypeError),
        (None, TypeError),
    ],
)
async def test_wrong_sizes_are_refused(size: Any, error: type[Exception]) -> None:
    """A buffer size is an integer that is not negative, or infinity."""
    with pytest.raises(error):
        accord.create_memory_object_stream[int](size)


@rule("MEM-1", "MEM-13")
async def test_pair_of_ends() -> None:
    """The call returns a send end and a receive end, which know their size, with and without a type parameter."""
    for size in (0, 1, 100, inf):
        send, receive = accord.create_memory_object_stream[int](size)
        with send, receive:
            assert send.statistics().max_buffer_size == size
    pair: tuple[Any, Any] = accord.create_memory_object_stream[object]()
    with pair[0], pair[1]:
        pass
    make: Any = accord.create_memory_object_stream  # type checkers want to know the items
    pair = make()
    with pair[0], pair[1]:
        assert len(pair) == 2
        assert pair[0].statistics().max_buffer_size == 0


@rule("MEM-2")
async def test_send_waits_for_a_receiver() -> None:
    """Without a buffer send() blocks until a receiver has the item."""
    send, receive = accord.create_memory_object_stream[str]()
    with send, receive:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(send.send, "item"))
            assert send.statistics().current_buffer_used == 0
            assert await receive.receive() == "item"
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
            receiver = await blocked(group, receive.receive)
            await send.send("other")
        assert receiver.value == "other"


@rule("MEM-2")
async def test_send_waits_for_room() -> None:
    """With a buffer send() blocks once that is full, and goes on when there is room."""
    send, receive = accord.create_memory_object_stream[int](2)
    with send, receive:
        await send.send(1)
        await send.send(2)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(send.send, 3))
            assert send.statistics().current_buffer_used == 2
            assert await receive.receive() == 1
            await attempt.handle.wait()
        assert receive.statistics().current_buffer_used == 2
        assert [await receive.receive() for _ in range(2)] == [2, 3]


@rule("MEM-2")
async def test_unbounded_send_never_waits() -> None:
    """With an infinite buffer all items are taken at once."""
    send, receive = accord.create_memory_object_stream[int](inf)
    with send, receive:
        for number in range(1000):
            send.send_nowait(number)
        assert [receive.receive_nowait() for _ in range(1000)] == list(range(1000))


@rule("MEM-2", "MEM-4")
async def test_waiting_receiver_takes_no_room() -> None:
    """An item for a waiting receiver does not go through the buffer."""
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, receive.receive)
            send.send_nowait(1)
            assert send.statistics().current_buffer_used == 0
            send.send_nowait(2)
            with pytest.raises(accord.WouldBlock):
                send.send_nowait(3)
        assert attempt.value == 1
        assert receive.receive_nowait() == 2


@rule("MEM-3")
@pytest.mark.parametrize("size", [0, 1, 3, inf])
async def test_items_arrive_once_and_in_order(size: float) -> None:
    """Whatever the size of the buffer, all items arrive in the order in which they were sent."""
    send, receive = accord.create_memory_object_stream[int](size)

    async def produce() -> None:
        async with send:
            for number in range(50):
                await send.send(number)

    async with accord.create_task_group() as group, receive:
        group.start_soon(produce)
        assert [item async for item in receive] == list(range(50))


@rule("MEM-3")
async def test_blocked_senders_are_served_in_order() -> None:
    """Items of the buffer come first, then those of blocked senders in the order in which they came."""
    send, receive = accord.create_memory_object_stream[int](2)
    with send, receive:
        send.send_nowait(0)
        send.send_nowait(1)
        async with accord.create_task_group() as group:
            for number in range(2, 6):
                await blocked(group, partial(send.send, number))
            assert [receive.receive_nowait() for _ in range(3)] == [0, 1, 2]
            assert [await receive.receive() for _ in range(3)] == [3, 4, 5]


@rule("MEM-3")
async def test_blocked_receivers_are_served_in_order() -> None:
    """The receiver that waits longest gets the first item."""
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        async with accord.create_task_group() as group:
            attempts = [await blocked(group, receive.receive) for _ in range(3)]
            for number in range(3):
                send.send_nowait(number)
        assert [attempt.value for attempt in attempts] == [0, 1, 2]


@rule("MEM-3")
async def test_many_senders_and_receivers() -> None:
    """With several of both, each item arrives exactly once."""
    send, receive = accord.create_memory_object_stream[int](1)
    arrived: list[int] = []

    async def produce(start: int) -> None:
        with send.clone() as mine:
            for number in range(start, start + 20):
                await mine.send(number)

    async def consume() -> None:
        with receive.clone() as mine:
            arrived.extend([item async for item in mine])

    async with accord.create_task_group() as group:
        for start in (0, 100, 200):
            group.start_soon(produce, start)
            group.start_soon(consume)
        await settle()
        send.close()
        receive.close()
    assert sorted(arrived) == [start + number for start in (0, 100, 200) for number in range(20)]


@rule("MEM-4")
async def test_nowait() -> None:
    """The nowait methods raise WouldBlock where the others would wait, and have no effect then."""
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()
        send.send_nowait(1)
        with pytest.raises(accord.WouldBlock):
            send.send_nowait(2)
        assert receive.receive_nowait() == 1
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        with pytest.raises(accord.WouldBlock):
            send.send_nowait(1)
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()
        async with accord.create_task_group() as group:
            await blocked(group, partial(send.send, 2))
            assert receive.receive_nowait() == 2


@rule("MEM-4")
async def test_room_belongs_to_blocked_senders() -> None:
    """Room that a blocked sender waited for is not given to send_nowait()."""
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        send.send_nowait(1)
        async with accord.create_task_group() as group:
            await blocked(group, partial(send.send, 2))
            assert receive.receive_nowait() == 1
            with pytest.raises(accord.WouldBlock):
                send.send_nowait(3)
        assert receive.receive_nowait() == 2


@rule("MEM-4", "MEM-12")
async def test_nowait_in_callbacks_and_cancelled_scopes() -> None:
    """The nowait methods and close() need no task, and don't mind a cancellation."""
    send, receive = accord.create_memory_object_stream[int](1)
    seen: list[object] = []

    def callback() -> None:
        send.send_nowait(1)
        seen.append(receive.receive_nowait())
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()
        send.close()
        seen.append("closed")
        done.set()

    done = accord.Event()
    with receive:
        with accord.CancelScope() as scope:
            scope.cancel()
            send.send_nowait(0)
            seen.append(receive.receive_nowait())
        current_token().call_soon(callback)
        await done.wait()
    assert seen == [0, 1, "closed"]


@rule("MEM-7")
@pytest.mark.parametrize("size", [0, 1])
async def test_cancelled_scope(size: int) -> None:
    """In a cancelled scope send() and receive() raise the cancellation and change nothing, in each state."""
    send, receive = accord.create_memory_object_stream[int](size)
    with send, receive:
        assert await is_cancelled_by(partial(send.send, 1))
        assert await is_cancelled_by(receive.receive)
        if size:
            assert receive.statistics().current_buffer_used == 0
            send.send_nowait(2)
            assert await is_cancelled_by(receive.receive)
            assert receive.receive_nowait() == 2
        with pytest.raises(accord.WouldBlock):
            receive.receive_nowait()
    assert await is_cancelled_by(partial(send.send, 1))
    assert await is_cancelled_by(receive.receive)


@rule("MEM-7", "CKPT-5")
async def test_operations_that_need_not_wait_yield_now_and_then() -> None:
    """send() and receive() that can complete at once yield at least once in sixteen times."""
    send, receive = accord.create_memory_object_stream[int](inf)

    async def send_many() -> None:
        for number in range(16):
            await send.send(number)

    async def receive_many() -> None:
        for _ in range(16):
            await receive.receive()

    with send, receive:
        assert await count_yields(send_many()) > 0
        assert await count_yields(receive_many()) > 0


@rule("MEM-16", "MEM-12", "MEM-13")
def test_stream_outside_a_loop(run: Callable[..., Any]) -> None:
    """A stream can be made, filled, asked and closed outside a loop, and used in runs of each installed backend."""
    send, receive = accord.create_memory_object_stream[str](1)

    async def main() -> str:
        first = await receive.receive()
        async with accord.create_task_group() as group:
            attempt = await blocked(group, receive.receive)
            await send.send("direct")
        await send.send("buffered")
        return f"{first} {attempt.value}"

    with send, receive:
        send.send_nowait("buffered")
        results = run_everywhere(run, main)
        assert results == ["buffered direct"] * len(results)
        assert receive.receive_nowait() == "buffered"
        assert tuple(receive.statistics()) == tuple(send.statistics()) == (0, 1, 1, 1, 0, 0)
    assert tuple(receive.statistics()) == tuple(send.statistics()) == (0, 1, 0, 0, 0, 0)
