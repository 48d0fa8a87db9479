"""How a TLS stream ends: by farewell, by truncation, by closing on this side, and by unwrapping."""

from __future__ import annotations

import ssl
from functools import partial

import pytest

import accord
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle

from .pairs import as_client, as_server, below, both, client_context, connected, is_closed, with_peer

_IGNORE_EOF = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)


@rule("TLS-10")
@pytest.mark.parametrize("standard_compatible", [True, False])
@pytest.mark.parametrize("ignoring", [0, _IGNORE_EOF])
@pytest.mark.parametrize("waiting", [True, False])
@pytest.mark.parametrize("data", [b"", b"data"])
async def test_truncation(standard_compatible: bool, ignoring: int, waiting: bool, data: bytes) -> None:
    """Without a farewell the end is BrokenResourceError in standard mode and EndOfStream else, each time."""
    context = client_context()
    context.options &= ~_IGNORE_EOF
    context.options |= ignoring
    error = accord.BrokenResourceError if standard_compatible else accord.EndOfStream
    async with with_peer(ssl_context=context, standard_compatible=standard_compatible) as (stream, peer):
        if data:
            await peer.send(data)
            if waiting:
                assert await stream.receive() == data
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.receive) if waiting else None
            await peer.transport.aclose()
        if attempt is not None:
            assert type(attempt.error) is error
            assert attempt.error.__context__ is None or attempt.error.__suppress_context__
        elif data:
            assert await stream.receive() == data
        for _ in range(2):
            with pytest.raises(error):
                await stream.receive()
        if standard_compatible:
            with pytest.raises(accord.BrokenResourceError):
                await stream.send(b"x")
        else:
            assert [chunk async for chunk in stream] == []


@rule("TLS-10")
async def test_truncation_within_a_record() -> None:
    """A record of which only a part came is not delivered."""
    async with with_peer() as (stream, peer):
        peer.tls.write(b"pay 1000")
        await peer.transport.send(peer.outgoing.read()[:-1])
        await peer.transport.aclose()
        with pytest.raises(accord.BrokenResourceError):
            await stream.receive()


@rule("TLS-11")
@pytest.mark.parametrize("together", [True, False])
async def test_end_of_stream(together: bool) -> None:
    """After the farewell EndOfStream comes again and again, after the data, and data can still be sent."""
    async with with_peer() as (stream, peer):
        if together:
            peer.tls.write(b"last words")
        else:
            await peer.send(b"last words")
            assert await stream.receive() == b"last words"
        await peer.say_farewell()
        if together:
            assert await stream.receive() == b"last words"
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await stream.receive()
        assert [chunk async for chunk in stream] == []
        await stream.send(b"answer")
        assert await peer.receive() == b"answer"
        await peer.transport.aclose()
        with pytest.raises(accord.EndOfStream):
            await stream.receive()
        with pytest.raises(accord.BrokenResourceError):
            await stream.send(b"x")


@rule("TLS-11")
async def test_end_of_stream_for_a_waiting_receiver() -> None:
    """A task that waits for data gets the end of the stream; the farewell of an aclose() is one."""
    async with connected(shutdown_timeout=PATIENCE) as (client, server), accord.create_task_group() as group:
        attempt = await blocked(group, server.receive)
        closing = await blocked(group, client.aclose)
        assert type(attempt.error) is accord.EndOfStream
        await server.aclose()
        await closing.handle.wait()
        assert closing.outcome == "returned"


@rule("TLS-12")
async def test_no_half_close() -> None:
    """send_eof() raises NotImplementedError, on a closed stream too, and does nothing."""
    async with connected() as (client, server):
        with pytest.raises(NotImplementedError, match="aclose"):
            await client.send_eof()
        await client.send(b"x")
        assert await server.receive() == b"x"
        await client.aclose()
        with pytest.raises(NotImplementedError):
            await client.send_eof()


@rule("TLS-15")
async def test_unwrap() -> None:
    """unwrap() gives back the transport, open, and what came after the farewell; closing spares the transport."""
    async with with_peer(server_side=True) as (stream, peer):
        await stream.send(b"bye")
        assert await peer.receive() == b"bye"
        transport = below(stream)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.unwrap)
            for operation in (stream.receive, partial(stream.send, b"x"), stream.unwrap):
                with pytest.raises(accord.BusyResourceError):
                    await operation()
            assert await peer.receive() == b""
            peer.tls.unwrap()
            await peer.transport.send(peer.outgoing.read() + b"plain")
        returned, rest = attempt.value
        assert returned is transport
        assert rest == b"plain"
        await stream.aclose()
        for gone in (stream.receive, partial(stream.send, b"x"), stream.unwrap):
            with pytest.raises(accord.ClosedResourceError):
                await gone()
        await returned.send(b"more")
        assert await peer.transport.receive() == b"more"


@rule("TLS-15")
async def test_both_unwrap() -> None:
    """When both sides unwrap they can go on in plain text, and even wrap again."""
    async with connected() as (client, server):
        (near, rest), (far, other_rest) = await both(client.unwrap, server.unwrap)
        assert rest + other_rest == b""
        await near.send(b"plain")
        assert await far.receive() == b"plain"
        again, peer = await both(as_client(near), as_server(far))
        await again.send(b"secret")
        assert await peer.receive() == b"secret"


@rule("TLS-15")
@pytest.mark.parametrize("when", ["before", "in part", "after"])
async def test_unwrap_does_not_lose_data(when: str) -> None:
    """Data of the peer that nobody received makes unwrap() fail; the stream is broken then."""
    async with with_peer() as (stream, peer), accord.create_task_group() as group:
        if when != "after":
            await peer.send(b"data")
        if when == "in part":
            await stream.receive(1)
        attempt = Attempt(group, stream.unwrap)
        await settle()
        if when == "after":
            assert attempt.outcome == "blocked"
            await peer.send(b"data")
        await attempt.handle.wait()
        assert type(attempt.error) is accord.BrokenResourceError
        for operation in (stream.receive, partial(stream.send, b"x"), stream.unwrap):
            with pytest.raises(accord.BrokenResourceError):
                await operation()


@rule("TLS-15")
@pytest.mark.parametrize("standard_compatible", [True, False])
async def test_unwrap_from_a_peer_that_goes_away(standard_compatible: bool) -> None:
    """If the connection ends instead of the farewell, unwrap() fails in standard mode only."""
    async with with_peer(standard_compatible=standard_compatible) as (stream, peer):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.unwrap)
            await peer.transport.aclose()
        if standard_compatible:
            assert type(attempt.error) is accord.BrokenResourceError
        else:
            assert attempt.value == (below(stream), b"")


@rule("TLS-15")
async def test_cancelled_unwrap() -> None:
    """A cancelled unwrap() has no effect if it had not begun, and leaves a broken stream otherwise."""
    async with with_peer() as (stream, peer):
        assert await is_cancelled_by(stream.unwrap)
        await stream.send(b"still here")
        assert await peer.receive() == b"still here"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.unwrap)
            attempt.cancel()
        assert attempt.outcome == "cancelled"
        with pytest.raises(accord.BrokenResourceError):
            await stream.receive()
        await stream.aclose()
        assert await is_closed(below(stream))


@rule("TLS-15", "TLS-14")
async def test_unwrapis_closed() -> None:
    """A task that is blocked in unwrap() gets ClosedResourceError when another closes the stream."""
    async with with_peer() as (stream, _):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.unwrap)
            await stream.aclose()
        assert type(attempt.error) is accord.ClosedResourceError
        assert await is_closed(below(stream))
