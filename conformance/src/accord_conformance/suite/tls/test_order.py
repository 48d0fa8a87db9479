"""One task in each direction, checkpoints, and which error comes first."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

import accord
from accord.streams.tls import TLSStream
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, assert_yields, checkpoint_class, is_cancelled_by, rule, settle
from accord_conformance.suite.networking.pairs import pattern

from .pairs import Peer, as_client, below, both, connected, server_context, transports, with_peer


@rule("TLS-16", "TLS-15")
async def test_one_task_in_each_direction() -> None:
    """A second receiver and a second sender get BusyResourceError; the first ones are not disturbed."""
    data = pattern(1_000_000)
    async with connected() as (client, server), accord.create_task_group() as group:
        receiver = await blocked(group, client.receive)
        sender = await blocked(group, partial(client.send, data))
        for busy in (client.receive, partial(client.send, b"other"), partial(client.send, bytearray(b"other"))):
            with pytest.raises(accord.BusyResourceError, match=r"receiving|sending"):
                await busy()
        with pytest.raises(accord.BusyResourceError):
            await client.unwrap()
        await server.send(b"for the receiver")
        await receiver.handle.wait()
        assert receiver.value == b"for the receiver"
        received = bytearray()
        while len(received) < len(data):
            received += await server.receive()
        assert received == data
        await sender.handle.wait()
        assert sender.outcome == "returned"
        await client.send(b"as before")
        assert await server.receive() == b"as before"
        await server.send(b"here too")
        assert await client.receive() == b"here too"


@rule("TLS-16")
@pytest.mark.parametrize("max_receive", [None, 1000])
async def test_both_directions_at_once(max_receive: int | None) -> None:
    """One task sends much while another receives much on the same streams."""
    data = pattern(500_000)

    async def exchange(stream: TLSStream) -> bytes:
        received = bytearray()
        async with accord.create_task_group() as group:
            group.start_soon(stream.send, data)
            while len(received) < len(data):
                received += await stream.receive()
        return bytes(received)

    async with connected(max_receive=max_receive) as (client, server):
        results = await both(partial(exchange, client), partial(exchange, server))
    assert [result == data for result in results] == [True, True]


@rule("TLS-16")
async def test_buffer_of_a_refused_send_is_free() -> None:
    """The buffer that a second sender brought can be resized, although its error is kept."""
    buffer = bytearray(b"data")
    async with connected() as (client, _), accord.create_task_group() as group:
        attempt = await blocked(group, partial(client.send, bytes(1_000_000)))
        with pytest.raises(accord.BusyResourceError) as caught:
            await client.send(buffer)
        buffer.clear()
        assert caught.value.__traceback__ is not None
        attempt.cancel()


@rule("TLS-19")
async def test_checkpoints() -> None:
    """All operations are checkpoints of class CY, also where the data is in the buffers already."""

    async def assert_class(make: Callable[[], Awaitable[object]]) -> None:
        # Within the budget an operation that need not wait may skip its yield: sixteen in a row contain one.
        async def sixteen() -> None:
            for _ in range(16):
                await make()

        assert await checkpoint_class(sixteen, make) == "CY"

    async with connected() as (client, server):
        await server.send(bytes(1000))
        await assert_class(partial(client.receive, 1))
        await assert_class(partial(client.send, b"x"))
        await assert_class(partial(client.send, b""))
    async with with_peer(standard_compatible=False) as (stream, peer):
        await peer.say_farewell()
        with pytest.raises(accord.EndOfStream):
            await stream.receive()
        await assert_yields(stream.unwrap)
        await assert_yields(stream.aclose)
        assert await is_cancelled_by(stream.aclose)
    async with with_peer() as (stream, peer):
        assert await is_cancelled_by(stream.unwrap)
        await stream.send(b"still good")
        assert await peer.receive() == b"still good"
        assert await is_cancelled_by(stream.aclose)
        await assert_yields(stream.aclose)
    async with transports() as (near, _far):
        assert await is_cancelled_by(as_client(near))


@rule("TLS-23")
async def test_order_of_errors() -> None:
    """Wrong arguments, busy, cancelled, closed, broken, ended: the first that applies is raised."""
    async with with_peer() as (stream, peer):
        await peer.send(b"data")
        await peer.say_farewell()
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(stream.send, bytes(1_000_000)))
            with pytest.raises(accord.BusyResourceError):
                await is_cancelled_by(partial(stream.send, b"x"))
            attempt.cancel()
        # Broken by that, with data and the end of the stream still to come.
        with pytest.raises(accord.BrokenResourceError):
            await stream.receive()
        for operation in (stream.receive, partial(stream.send, b"x"), stream.unwrap):
            assert await is_cancelled_by(operation)
        await stream.aclose()
        for operation in (stream.receive, partial(stream.send, b"x"), stream.unwrap):
            assert await is_cancelled_by(operation)
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        with pytest.raises(ValueError, match="max_bytes"):
            await is_cancelled_by(partial(stream.receive, 0))
    async with connected() as (client, server), accord.create_task_group() as group:
        waiting = await blocked(group, client.receive)
        with pytest.raises(ValueError, match="max_bytes"):
            await client.receive(0)
        with pytest.raises(accord.BusyResourceError):
            await is_cancelled_by(client.receive)
        await server.send(b"x")
        await waiting.handle.wait()


@rule("TLS-18")
@pytest.mark.parametrize("after_data", [False, True])
async def test_what_comes_is_no_tls(after_data: bool) -> None:
    """Garbage is BrokenResourceError from the SSLError, after the data before it; the peer gets an alert."""
    async with with_peer() as (stream, peer):
        if after_data:
            peer.tls.write(b"good")
        await peer.transport.send(peer.outgoing.read() + b"this is no record of TLS")
        if after_data:
            assert await stream.receive() == b"good"
        with pytest.raises(accord.BrokenResourceError) as caught:
            await stream.receive()
        if not after_data:
            assert isinstance(caught.value.__cause__, ssl.SSLError)
        for operation in (stream.receive, partial(stream.send, b"x")):
            with pytest.raises(accord.BrokenResourceError) as again:
                await operation()
            assert not isinstance(again.value.__context__, ssl.SSLError)
        with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
            await peer.receive()


@rule("TLS-18")
async def test_forged_record() -> None:
    """A record in which one bit was changed is not believed."""
    async with with_peer() as (stream, peer):
        peer.tls.write(b"pay 10")
        record = bytearray(peer.outgoing.read())
        record[-3] ^= 1
        await peer.transport.send(record)
        with pytest.raises(accord.BrokenResourceError) as caught:
            await stream.receive()
        assert isinstance(caught.value.__cause__, ssl.SSLError)


@rule("TLS-18")
async def test_transport_breaks() -> None:
    """When the transport breaks, a waiting receiver, and every operation after it, gets BrokenResourceError."""
    async with connected() as (client, server):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, client.receive)
            below(server).reset("the cable is cut")
        assert type(attempt.error) is accord.BrokenResourceError
        assert "the cable is cut" in str(attempt.error)
        for operation in (client.receive, partial(client.send, b"x"), client.__anext__):
            with pytest.raises(accord.BrokenResourceError, match="the cable is cut"):
                await operation()
        await client.aclose()


@rule("TLS-7", "TLS-18")
async def test_transport_that_is_closed_below() -> None:
    """A transport that somebody closed makes ClosedResourceError of every operation."""
    async with connected() as (client, _):
        await below(client).aclose()
        for operation in (client.receive, partial(client.send, b"x"), client.receive):
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        await client.aclose()


@rule("TLS-9")
async def test_receiver_that_waits_while_a_send_is_cancelled() -> None:
    """A receiver that was waiting gets what the peer sends, although the other direction has broken meanwhile."""
    async with transports() as (near, far):
        peer = Peer(far, server_context())
        stream, _ = await both(as_client(near), peer.shake_hands)
        async with accord.create_task_group() as group:
            receiver = await blocked(group, stream.receive)
            sender = Attempt(group, partial(stream.send, bytes(1_000_000)))
            await settle()
            sender.cancel()
            await sender.handle.wait()
            await peer.send(b"data")
        assert receiver.value == b"data"
        with pytest.raises(accord.BrokenResourceError):
            await stream.receive()


@rule("TLS-18")
async def test_sender_learns_what_the_receiver_found() -> None:
    """A sender that is at work when a receiver finds the stream broken gets BrokenResourceError too."""
    async with with_peer() as (stream, peer), accord.create_task_group() as group:
        sender = await blocked(group, partial(stream.send, bytes(1_000_000)))
        receiver = await blocked(group, stream.receive)
        await peer.transport.send(b"this is no record of TLS")
        await receiver.handle.wait()
        assert type(receiver.error) is accord.BrokenResourceError
        with accord.move_on_after(PATIENCE):
            while sender.outcome == "blocked":
                await peer.transport.receive()
                await settle()
        assert type(sender.error) is accord.BrokenResourceError
