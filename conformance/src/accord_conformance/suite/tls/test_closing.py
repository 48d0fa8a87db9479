"""Closing a TLS stream."""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

import pytest

import accord
from accord.testing import MemoryByteStream
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle

from .pairs import Peer, as_client, below, both, connected, is_closed, server_context, transports, with_peer

_IGNORE_EOF = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


@rule("TLS-13")
async def test_closing_waits_for_the_peer() -> None:
    """aclose() sends the farewell, drops what the peer sends meanwhile, and waits for its farewell."""
    async with with_peer(shutdown_timeout=PATIENCE) as (stream, peer):
        await peer.send(b"unread, and there")
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.aclose)
            assert await peer.receive() == b""
            await peer.send(b"unread, and late")
            await settle()
            assert attempt.outcome == "blocked"
            await peer.say_farewell()
            await attempt.handle.wait()
        assert attempt.outcome == "returned"
        assert await is_closed(below(stream))


@rule("TLS-13")
async def test_closing_after_the_peers_farewell() -> None:
    """If the peer has said farewell, aclose() answers and is done, whether or not it was received."""
    for received in (True, False):
        async with with_peer(shutdown_timeout=10 * PATIENCE) as (stream, peer):
            await peer.send(b"data")
            await peer.say_farewell()
            if received:
                assert [chunk async for chunk in stream] == [b"data"]
            with accord.fail_after(PATIENCE):
                await stream.aclose()
            assert await peer.receive() == b""
            assert await is_closed(below(stream))


@rule("TLS-13")
async def test_both_sides_close_at_once() -> None:
    """Two sides that close at the same time, with data under way, both succeed at once."""
    async with connected(shutdown_timeout=10 * PATIENCE) as (client, server):
        await client.send(b"x" * 1000)
        await server.send(b"y" * 1000)
        with accord.fail_after(PATIENCE):
            await both(client.aclose, server.aclose)
        assert await is_closed(below(client))
        assert await is_closed(below(server))


@rule("TLS-13")
async def test_silent_peer() -> None:
    """aclose() gives up waiting for a silent peer after shutdown_timeout, without an error, and not before."""
    async with with_peer(shutdown_timeout=0.1) as (stream, peer):
        began = accord.current_time()
        with accord.fail_after(PATIENCE):
            await stream.aclose()
        assert accord.current_time() - began > 0.09
        assert await peer.receive() == b""
        assert await is_closed(below(stream))


@rule("TLS-13")
async def test_peer_that_takes_nothing() -> None:
    """A peer that takes no farewell doesn't keep aclose() from returning."""
    async with with_peer(shutdown_timeout=0.1) as (stream, peer):
        below(stream)._outgoing.max_size = 1
        with accord.fail_after(PATIENCE):
            await stream.aclose()
        assert await is_closed(below(stream))
        assert len(await peer.transport.receive()) == 1


@rule("TLS-13")
async def test_peer_that_does_not_stop() -> None:
    """aclose() does not receive for ever from a peer that goes on sending."""
    async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, peer), accord.create_task_group() as group:
        attempt = Attempt(group, stream.aclose)
        sent = 0
        with pytest.raises(accord.BrokenResourceError):
            while sent < 50_000_000:
                await peer.send(bytes(16_000))
                sent += 16_000
        await attempt.handle.wait()
        assert attempt.outcome == "returned"
        assert await is_closed(below(stream))


@rule("TLS-13")
@pytest.mark.parametrize("begun", [True, False])
async def test_cancelled_closing(begun: bool) -> None:
    """A cancelled aclose() raises the cancellation and has closed the transport."""
    async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, _):
        if begun:
            async with accord.create_task_group() as group:
                attempt = await blocked(group, stream.aclose)
                attempt.cancel()
            assert attempt.outcome == "cancelled"
        else:
            assert await is_cancelled_by(stream.aclose)
        assert await is_closed(below(stream))
        with pytest.raises(accord.ClosedResourceError):
            await stream.receive()


@rule("TLS-13", "TLS-10")
async def test_closing_after_truncation() -> None:
    """A stream that was truncated, or reset, or got garbage, is closed without an error, as often as one likes."""
    for accident in ("truncated", "reset", "garbage", "unseen", "unseen reset", "unseen garbage"):
        async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, peer):
            if "reset" in accident:
                peer.transport.reset()
            elif "garbage" in accident:
                await peer.transport.send(b"this is no record of TLS")
            else:
                await peer.transport.aclose()
            if "unseen" not in accident:
                with pytest.raises(accord.BrokenResourceError):
                    await stream.receive()
            for _ in range(2):
                with accord.fail_after(PATIENCE):
                    await stream.aclose()
            assert await is_closed(below(stream))


@rule("TLS-13")
async def test_no_farewell_while_another_task_sends() -> None:
    """Closing under a send() cuts the item off, and the peer can see that; it takes no time."""
    async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, peer), accord.create_task_group() as group:
        sender = await blocked(group, partial(stream.send, bytes(1_000_000)))
        with accord.fail_after(PATIENCE):
            await stream.aclose()
        await sender.handle.wait()
        assert type(sender.error) is accord.ClosedResourceError
        with pytest.raises(accord.EndOfStream):
            while True:
                assert await peer.receive() != b"", "the peer was told that this was all"


@rule("TLS-13")
async def test_closing_without_farewell() -> None:
    """A stream that isn't in standard mode is closed at once; the peer gets no farewell."""
    async with with_peer(standard_compatible=False, shutdown_timeout=100 * PATIENCE) as (stream, peer):
        with accord.fail_after(PATIENCE):
            await stream.aclose()
        assert await is_closed(below(stream))
        with pytest.raises(accord.EndOfStream):
            await peer.receive()


@rule("TLS-13")
async def test_exit_of_a_block_closes() -> None:
    """Leaving the block of a stream closes it."""
    async with with_peer() as (stream, peer):
        async with stream as entered:
            assert entered is stream
        assert await peer.receive() == b""
        assert await is_closed(below(stream))


@rule("TLS-14")
@pytest.mark.parametrize("standard_compatible", [True, False])
async def test_operations_on_a_closed_stream(standard_compatible: bool) -> None:
    """After aclose() every operation raises ClosedResourceError, whatever had happened before."""
    for before in ("data", "part of a record", "farewell", "truncation", "reset"):
        async with with_peer(standard_compatible=standard_compatible) as (stream, peer):
            if before == "reset":
                peer.transport.reset()
            elif before == "farewell":
                await peer.say_farewell()
            elif before == "truncation":
                await peer.transport.aclose()
            else:
                await peer.send(b"data")
            if before == "part of a record":
                await stream.receive(1)
            elif before != "data":
                with pytest.raises((accord.EndOfStream, accord.BrokenResourceError)):
                    await stream.receive()
            for _ in range(2):
                await stream.aclose()
                operations = (stream.receive, partial(stream.send, b"x"), partial(stream.send, b""), stream.unwrap)
                for operation in (*operations, stream.__anext__):
                    with pytest.raises(accord.ClosedResourceError) as caught:
                        await operation()
                    assert caught.value.__context__ is None or caught.value.__suppress_context__


@rule("TLS-14")
@pytest.mark.parametrize("standard_compatible", [True, False])
@pytest.mark.parametrize("item", [b"x", bytes(1_000_000)])
async def test_closing_wakes_blocked_tasks(standard_compatible: bool, item: bytes) -> None:
    """Tasks that are blocked in receive() and send() get ClosedResourceError when another task closes the stream."""
    async with connected(standard_compatible=standard_compatible) as (client, _):
        async with accord.create_task_group() as group:
            receiver = await blocked(group, client.receive)
            sender = Attempt(group, partial(client.send, item))
            await settle()
            with accord.fail_after(PATIENCE):
                await client.aclose()
        assert type(receiver.error) is accord.ClosedResourceError
        assert receiver.error.__context__ is None or receiver.error.__suppress_context__
        if sender.outcome != "returned":
            assert type(sender.error) is accord.ClosedResourceError
            assert len(item) > 1


@rule("TLS-14")
async def test_data_comes_for_a_receiver_of_a_stream_that_is_being_closed() -> None:
    """A blocked receiver gets ClosedResourceError and no data once another task has begun to close the stream."""
    async with with_peer(shutdown_timeout=10 * PATIENCE) as (stream, peer), accord.create_task_group() as group:
        receiver = await blocked(group, stream.receive)
        closing = await blocked(group, stream.aclose)
        await peer.send(b"late")
        await receiver.handle.wait()
        assert type(receiver.error) is accord.ClosedResourceError
        assert not closing.handle.status.name.startswith("F")
        await peer.say_farewell()
        await closing.handle.wait()
        assert closing.outcome == "returned"


@rule("TLS-14")
async def test_receiver_of_a_stream_that_is_being_closed_is_cancelled() -> None:
    """When the blocked receiver leaves, closing goes on without it."""
    async with with_peer(shutdown_timeout=10 * PATIENCE) as (stream, peer), accord.create_task_group() as group:
        receiver = await blocked(group, stream.receive)
        closing = await blocked(group, stream.aclose)
        receiver.cancel()
        await receiver.handle.wait()
        assert receiver.outcome == "cancelled"
        await peer.say_farewell()
        with accord.fail_after(PATIENCE):
            await closing.handle.wait()
        assert closing.outcome == "returned"


@rule("TLS-14")
async def test_two_tasks_close() -> None:
    """A second aclose() returns when the stream is closed, or closes it at once if it is cancelled."""
    async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, peer), accord.create_task_group() as group:
        first = await blocked(group, stream.aclose)
        second = await blocked(group, stream.aclose)
        await peer.say_farewell()
        await first.handle.wait()
        await second.handle.wait()
        assert (first.outcome, second.outcome) == ("returned", "returned")
        assert await is_closed(below(stream))
    async with with_peer(shutdown_timeout=100 * PATIENCE) as (stream, _), accord.create_task_group() as group:
        first = await blocked(group, stream.aclose)
        with accord.fail_after(PATIENCE):
            assert await is_cancelled_by(stream.aclose)
            assert await is_closed(below(stream))
            await first.handle.wait()
        assert first.outcome == "returned"


@rule("TLS-14")
async def test_what_a_stream_says_of_itself() -> None:
    """The repr of a stream says whether it is open, broken or closed."""
    async with with_peer() as (stream, peer):
        assert "open" in repr(stream)
        peer.transport.reset()
        with pytest.raises(accord.BrokenResourceError):
            await stream.receive()
        assert "broken" in repr(stream)
        await stream.aclose()
        assert "closed" in repr(stream)


@rule("TLS-13")
async def test_transport_that_fails_to_close() -> None:
    """The transport's own error at closing is not swallowed."""

    class Stubborn:
        def __init__(self, stream: MemoryByteStream) -> None:
            self.receive, self.send = stream.receive, stream.send

        async def aclose(self) -> None:
            raise KeyError("the key is lost")

    async with transports() as (near, far):
        stubborn: Any = Stubborn(near)
        stream, _ = await both(as_client(stubborn, shutdown_timeout=0.01), Peer(far, server_context()).shake_hands)
        with pytest.raises(KeyError):
            await stream.aclose()
