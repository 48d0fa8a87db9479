"""TCP streams: sending, receiving, the end of a stream, closing, and one task at a time."""

from __future__ import annotations

from array import array
from functools import partial
from typing import Any

import pytest

import accord
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, assert_yields, count_yields, is_cancelled_by, rule, settle
from accord_conformance.suite.networking.pairs import connected, pattern, receive_all, reset


@rule("NET-2")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_send_sends_everything_in_order(kind: Any) -> None:
    """A large piece of data arrives completely and in order, and may be changed once send() has returned."""
    data = pattern(3_000_000)
    buffer = bytearray(data)

    async def send() -> None:
        item = buffer if kind is not bytes else data
        await client.send(memoryview(item) if kind is memoryview else item)
        buffer[:] = bytes(len(buffer))
        buffer.clear()
        await client.send(b"end")
        await client.send_eof()

    async with connected() as (client, server), accord.create_task_group() as group:
        group.start_soon(send)
        assert await receive_all(server) == data + b"end"


@rule("NET-2")
async def test_items_of_several_bytes_are_sent_completely() -> None:
    """All bytes of a memoryview are sent, whatever its items are."""
    items = array("I", range(1000))
    async with connected() as (client, server):
        await client.send(memoryview(items))
        await client.send_eof()
        assert await receive_all(server) == items.tobytes()


@rule("NET-2")
async def test_sending_nothing() -> None:
    """send(b"") sends nothing, is a checkpoint, and fails on a closed stream."""
    async with connected() as (client, server):
        await assert_yields(partial(client.send, b""))
        assert await is_cancelled_by(partial(client.send, b""))
        await client.send(b"x")
        assert await server.receive() == b"x"
        await client.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await client.send(b"")


@rule("NET-3")
async def test_receive_returns_what_is_there() -> None:
    """receive() returns up to max_bytes as bytes as soon as there is something, and leaves the rest."""
    async with connected() as (client, server):
        await client.send(b"abcdef")
        first = await server.receive(2)
        assert (type(first), first) == (bytes, b"ab")
        assert await server.receive() == b"cdef"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, server.receive)
            await client.send(b"x")
        assert attempt.value == b"x"


@rule("NET-3")
@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError), ("1", TypeError), (True, TypeError)]
)
async def test_wrong_sizes_are_refused(size: Any, error: type[Exception]) -> None:
    """max_bytes is an integer of at least 1; with another nothing is read, and nothing else is looked at."""
    async with connected() as (client, server):
        await client.send(b"x")
        with pytest.raises(error):
            await server.receive(size)
        assert await server.receive() == b"x"


@rule("NET-4")
async def test_end_of_stream() -> None:
    """When the peer has closed, the data comes first, and then EndOfStream again and again; iteration ends."""
    async with connected() as (client, server):
        await client.send(b"data")
        await client.aclose()
        assert await server.receive() == b"data"
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await server.receive()
        assert [chunk async for chunk in server] == []


@rule("NET-4", "ERR-3")
async def test_reset_by_the_peer() -> None:
    """After a reset, receive() and send() raise BrokenResourceError from the system's error, and keep doing so."""
    async with connected() as (client, server):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, server.receive)
            await reset(client)
        assert type(attempt.error) is accord.BrokenResourceError
        assert isinstance(attempt.error.__cause__, OSError)
        with pytest.raises(accord.BrokenResourceError):
            await server.send(b"x")
        with pytest.raises(accord.BrokenResourceError):
            await server.receive()
    async with connected() as (client, server):
        await reset(client)
        with pytest.raises(accord.BrokenResourceError) as caught:
            # The system may take one piece before it knows.
            for _ in range(10):
                await server.send(b"x")
                await accord.sleep(0.01)
        assert isinstance(caught.value.__cause__, OSError)


@rule("NET-5")
async def test_end_of_sending() -> None:
    """send_eof() ends one direction: the peer sees the end after the data, and can still answer."""
    async with connected() as (client, server):
        await client.send(b"question")
        await client.send_eof()
        await client.send_eof()
        assert await receive_all(server) == b"question"
        with pytest.raises(accord.ClosedResourceError):
            await client.send(b"more")
        await server.send(b"answer")
        await server.aclose()
        assert await receive_all(client) == b"answer"


@rule("NET-5", "NET-7")
async def test_end_of_sending_while_another_task_sends() -> None:
    """send_eof() during a send() raises BusyResourceError, and the send() is complete."""
    data = pattern(20_000_000)

    async def send() -> None:
        await client.send(data)
        await client.send_eof()

    async with connected() as (client, server), accord.create_task_group() as group:
        await blocked(group, send)
        with pytest.raises(accord.BusyResourceError):
            await client.send_eof()
        assert await receive_all(server) == data


@rule("NET-6")
async def test_operations_on_a_closed_stream() -> None:
    """After aclose() every operation raises ClosedResourceError, also with data that had arrived."""
    async with connected() as (client, server):
        await client.send(b"data")
        await server.receive(1)
        await server.aclose()
        await server.aclose()
        for operation in (server.receive, partial(server.send, b"x"), server.send_eof, server.__anext__):
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        with pytest.raises(accord.ClosedResourceError):
            server.extra(SocketAttribute.local_port)


@rule("NET-6")
async def test_closing_releases_the_descriptor() -> None:
    """aclose() has released the descriptor when it returns, or raises in a cancelled scope."""
    async with connected() as (client, server):
        sockets = [stream.extra(SocketAttribute.raw_socket) for stream in (client, server)]
        assert all(sock.fileno() >= 0 for sock in sockets)
        await client.aclose()
        assert sockets[0].fileno() == -1
        assert await is_cancelled_by(server.aclose)
        assert sockets[1].fileno() == -1


@rule("NET-6")
async def test_closing_wakes_blocked_tasks() -> None:
    """Tasks that are blocked in receive() and send() get ClosedResourceError when another task closes the stream."""
    async with connected() as (client, server):
        async with accord.create_task_group() as group:
            receiver = await blocked(group, server.receive)
            sender = await blocked(group, partial(server.send, bytes(20_000_000)))
            await server.aclose()
        assert type(receiver.error) is accord.ClosedResourceError
        assert type(sender.error) is accord.ClosedResourceError
        assert client.extra(SocketAttribute.raw_socket).fileno() >= 0


@rule("NET-7")
async def test_one_task_in_each_direction() -> None:
    """A second receiver and a second sender get BusyResourceError; the first ones are not disturbed."""
    data = pattern(20_000_000)
    async with connected() as (client, server), accord.create_task_group() as group:
        receiver = await blocked(group, client.receive)
        sender = await blocked(group, partial(client.send, data))
        with pytest.raises(accord.BusyResourceError, match="receiving"):
            await client.receive()
        with pytest.raises(accord.BusyResourceError, match="sending"):
            await client.send(b"other")
        await server.send(b"for the receiver")
        await receiver.handle.wait()
        assert receiver.value == b"for the receiver"
        received = bytearray()
        while len(received) < len(data):
            received += await server.receive()
        assert received == data
        await sender.handle.wait()
        assert sender.outcome == "returned"


@rule("NET-7")
async def test_both_directions_at_once() -> None:
    """One task sends much while another receives much on the same streams."""
    data = pattern(2_000_000)

    async def exchange(stream: accord.SocketStream) -> bytes:
        received: list[bytes] = []

        async def send() -> None:
            await stream.send(data)
            await stream.send_eof()

        async with accord.create_task_group() as group:
            group.start_soon(send)
            received.append(await receive_all(stream))
        return received.pop()

    async with connected() as streams, accord.create_task_group() as group:
        handles = [group.start_soon(exchange, stream) for stream in streams]
    assert [handle.return_value == data for handle in handles] == [True, True]


@rule("NET-8")
async def test_cancelled_receive_loses_nothing() -> None:
    """Receiving with a deadline that cuts many calls short gives all bytes in order."""
    data = pattern(40_000)
    received = bytearray()
    cut = 0

    async def send() -> None:
        for start in range(0, len(data), 200):
            await client.send(data[start : start + 200])
            await accord.sleep(0.0005)
        await client.send_eof()

    async with connected() as (client, server), accord.create_task_group() as group:
        group.start_soon(send)
        ended = False
        while not ended:
            with accord.move_on_after(0.0004) as scope:
                try:
                    received += await server.receive(150)
                except accord.EndOfStream:
                    ended = True
            cut += scope.cancelled_caught
    assert received == data
    assert cut > 0


@rule("NET-8")
async def test_receive_is_cancelled_around_the_arrival_of_data() -> None:
    """Whether the cancellation comes just before or just after the data, nothing is lost."""
    async with connected() as (client, server):
        for cancel_first in (True, False):
            async with accord.create_task_group() as group:
                attempt = await blocked(group, server.receive)
                if cancel_first:
                    attempt.cancel()
                client.extra(SocketAttribute.raw_socket).send(b"data")
                if not cancel_first:
                    attempt.cancel()
                await attempt.handle.wait()
            if attempt.outcome == "returned":
                assert not cancel_first
                assert attempt.value == b"data"
            else:
                assert attempt.outcome == "cancelled"
                assert await server.receive() == b"data"
        await client.send(b"there")
        await accord.sleep(0.01)
        assert await is_cancelled_by(server.receive)
        assert await server.receive() == b"there"


@rule("NET-8")
@pytest.mark.parametrize("steps", range(6))
async def test_receive_is_cancelled_after_data_came(steps: int) -> None:
    """However long after the data receive() is cancelled, it returns it or the next receive() does."""
    for _again in range(8):  # where the order of tasks is up to chance
        async with connected() as (client, server):
            async with accord.create_task_group() as group:
                attempt = await blocked(group, server.receive)
                client.extra(SocketAttribute.raw_socket).send(b"data")
                for _ in range(steps):
                    await checkpoint()
                attempt.cancel()
                await attempt.handle.wait()
            with accord.fail_after(PATIENCE):
                assert (attempt.value if attempt.outcome == "returned" else await server.receive()) == b"data"


@rule("NET-9")
async def test_sender_waits_for_a_peer_that_does_not_receive() -> None:
    """Neither a stream from connect_tcp() nor one from a listener takes data in that nobody receives."""
    for reverse in (False, True):
        async with connected() as (client, server):
            sender = server if reverse else client
            sent = 0
            with accord.move_on_after(0.3) as scope:
                while sent < 100_000_000:
                    await sender.send(bytes(100_000))
                    sent += 100_000
            assert scope.cancelled_caught, f"{sent} bytes were taken in"


@rule("NET-10", "NET-2")
async def test_nothing_is_sent_after_a_cancelled_send() -> None:
    """After a cancelled send() the peer gets a beginning of the data at most, and nothing that was written later."""
    data = pattern(50_000_000)
    buffer = bytearray(data)
    async with connected() as (client, server):
        with accord.move_on_after(0.05) as scope:
            await client.send(buffer)
        assert scope.cancelled_caught
        buffer[:] = bytes(len(buffer))
        buffer.clear()
        received = bytearray()
        with accord.move_on_after(0.3):
            async for chunk in server:
                received += chunk
        assert 0 < len(received) < len(data)
        assert received == data[: len(received)]
        async with accord.create_task_group() as group:
            attempt = Attempt(group, server.receive)
            await settle()
            assert attempt.outcome == "blocked"
            await client.aclose()
            with accord.fail_after(PATIENCE):
                await attempt.handle.wait()
        assert type(attempt.error) is accord.EndOfStream


@rule("NET-4")
async def test_data_before_a_reset_is_received() -> None:
    """What the peer said before it reset the connection is received, also after send() found the connection broken."""
    async with connected() as (client, server):
        await server.send(b"too large")
        await accord.sleep(0.01)
        await server.aclose()
        with pytest.raises(accord.BrokenResourceError):
            for _ in range(20):
                await client.send(bytes(1000))
                await accord.sleep(0.01)
        assert await client.receive() == b"too large"
        for operation in (client.receive, partial(client.send, b"x"), client.receive):
            with pytest.raises(accord.BrokenResourceError):
                await operation()


@rule("NET-23")
async def test_sending_yields_once() -> None:
    """Each send() suspends exactly once, in a long row of them too."""
    async with connected() as (client, server):
        for _ in range(40):
            assert await count_yields(client.send(b"x")) == 1
            await server.receive()


@rule("NET-23")
async def test_receiving_yields_once_if_it_waits() -> None:
    """A receive() that waits for its data suspends once, and one that finds it there once at most."""
    async with connected() as (client, server):
        for _ in range(40):
            async with accord.create_task_group() as group:
                receiving = group.start_soon(count_yields, server.receive())
                await settle()
                await client.send(b"x")
            assert receiving.return_value == 1
            await client.send(b"x")
            await accord.sleep(0.001)
            assert await count_yields(server.receive()) <= 1


@rule("NET-24")
async def test_everything_is_delivered_after_closing() -> None:
    """What was sent before the stream was closed arrives completely, and then an orderly end."""
    data = pattern(150_000)
    async with connected() as (client, server):
        await client.send(data)
        await client.aclose()
        await accord.sleep(0.01)
        assert await receive_all(server) == data


@rule("NET-25")
async def test_address_of_a_peer_that_is_gone() -> None:
    """The peer's address is known after a reset, or the error is of the library."""
    async with connected() as (client, server):
        known: Any = server.extra(SocketAttribute.remote_address)
        await reset(client)
        with pytest.raises(accord.BrokenResourceError):
            await server.receive()
        for attribute in (SocketAttribute.remote_address, SocketAttribute.remote_port):
            try:
                assert server.extra(attribute) in known or server.extra(attribute) == known
            except accord.BrokenResourceError as error:
                assert isinstance(error.__cause__, OSError)
