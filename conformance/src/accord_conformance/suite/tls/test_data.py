"""Sending and receiving, one task for each, and what cancellation does to them."""

from __future__ import annotations

from array import array
from functools import partial
from typing import Any

import pytest

import accord
from accord.abc import ByteStream
from accord.lowlevel import checkpoint
from accord.streams.tls import TLSStream
from accord.testing import MemoryByteStream
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, assert_yields, is_cancelled_by, rule, settle
from accord_conformance.suite.networking.pairs import pattern

from .pairs import as_client, as_server, below, both, connected, transports, with_peer


async def _receive_all(stream: ByteStream) -> bytes:
    return b"".join([chunk async for chunk in stream])


@rule("TLS-6")
async def test_receive_returns_all_that_has_arrived() -> None:
    """Several records are returned together, up to max_bytes, and what is left of one comes next."""
    async with with_peer() as (stream, peer):
        for text in (b"one ", b"two ", b"three"):
            await peer.send(text)
        first = await stream.receive(6)
        assert (type(first), first) == (bytes, b"one tw")
        await peer.send(b" four")
        assert await stream.receive(3) == b"o t"
        assert await stream.receive() == b"hree"
        assert await stream.receive() == b" four"


@rule("TLS-6")
async def test_many_records_in_one_call() -> None:
    """Records that arrived together come out of one call of receive(), as far as max_bytes goes."""
    data = pattern(40_000)
    async with with_peer() as (stream, peer):
        await peer.send(data)
        assert await stream.receive() == data
        await peer.send(data)
        assert await stream.receive(20_000) == data[:20_000]
        assert await stream.receive(1) == data[20_000:20_001]
        assert await stream.receive() == data[20_001:]


@rule("TLS-6")
async def test_receive_does_not_wait_for_more() -> None:
    """A record that came in part doesn't hold back what came before; it is waited for when there is nothing else."""
    async with with_peer() as (stream, peer):
        peer.tls.write(b"whole")
        whole = peer.outgoing.read()
        peer.tls.write(b"half")
        half = peer.outgoing.read()
        await peer.transport.send(whole + half[:10])
        assert await stream.receive() == b"whole"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.receive)
            await peer.transport.send(half[10:20])
            await settle()
            assert attempt.outcome == "blocked"
            await peer.transport.send(half[20:])
        assert attempt.value == b"half"


@rule("TLS-6")
@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError), ("1", TypeError), (True, TypeError)]
)
async def test_wrong_sizes_are_refused(size: Any, error: type[Exception]) -> None:
    """max_bytes is an integer of at least 1; with another nothing is read."""
    async with connected() as (client, server):
        await client.send(b"x")
        with pytest.raises(error, match="max_bytes"):
            await server.receive(size)
        assert await server.receive() == b"x"


@rule("TLS-7")
async def test_cancelled_receive_loses_nothing() -> None:
    """Receiving with a deadline that cuts many calls short gives all bytes in order."""
    data = pattern(40_000)
    received = bytearray()
    cut = 0

    async def send() -> None:
        for start in range(0, len(data), 400):
            await client.send(data[start : start + 400])
            await accord.sleep(0.0005)
        await client.aclose()

    async with connected(max_receive=50) as (client, server), accord.create_task_group() as group:
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


@rule("TLS-7")
@pytest.mark.parametrize("steps", range(6))
async def test_receive_is_cancelled_after_data_came(steps: int) -> None:
    """However long after the data receive() is cancelled, it returns it or the next receive() does."""
    async with with_peer() as (stream, peer):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.receive)
            await peer.send(b"data")
            for _ in range(steps):
                await checkpoint()
            attempt.cancel()
        with accord.fail_after(PATIENCE):
            assert (attempt.value if attempt.outcome == "returned" else await stream.receive()) == b"data"
        await peer.send(b"there")
        assert await is_cancelled_by(stream.receive)
        assert await stream.receive(1) == b"t"
        assert await is_cancelled_by(stream.receive)
        assert await stream.receive() == b"here"
        await stream.send(b"intact")
        assert await peer.receive() == b"intact"


@rule("TLS-8")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("size", [1, 16_384, 16_385, 1_000_000])
async def test_send_sends_everything_in_order(kind: Any, size: int) -> None:
    """Data of any size arrives completely and in order, and its buffer may be resized once send() has returned."""
    data = pattern(size)
    buffer = bytearray(data)

    async def send() -> None:
        item = buffer if kind is not bytes else data
        await client.send(memoryview(item) if kind is memoryview else item)
        buffer[:] = bytes(len(buffer))
        buffer.clear()
        await client.send(b"end")
        await client.aclose()

    async with connected(shutdown_timeout=PATIENCE) as (client, server):
        received, _ = await both(partial(_receive_all_and_close, server), send)
        assert received == data + b"end"


async def _receive_all_and_close(stream: TLSStream) -> bytes:
    data = await _receive_all(stream)
    await stream.aclose()
    return data


@rule("TLS-8")
async def test_items_of_several_bytes_are_sent_completely() -> None:
    """All bytes of a memoryview are sent, whatever its items are."""
    items = array("I", range(1000))
    async with connected() as (client, server):
        await client.send(memoryview(items))
        assert await server.receive() == items.tobytes()


@rule("TLS-8", "TLS-23")
@pytest.mark.parametrize("item", ["text", None, 5, [1]])
async def test_what_can_not_be_sent(item: Any) -> None:
    """Anything else is a TypeError, also on a closed stream and while another task sends."""
    async with connected() as (client, server):
        with pytest.raises(TypeError, match="item"):
            await client.send(item)
        await client.send(b"x")
        assert await server.receive() == b"x"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(client.send, bytes(1_000_000)))
            with pytest.raises(TypeError):
                await client.send(item)
            attempt.cancel()
        await client.aclose()
        with pytest.raises(TypeError):
            await client.send(item)


@rule("TLS-8", "TLS-19")
async def test_sending_nothing() -> None:
    """send(b"") sends nothing and is a checkpoint, also for buffers."""
    async with connected() as (client, server):
        for nothing in (b"", bytearray(), memoryview(b"")):
            await assert_yields(partial(client.send, nothing))
            assert await is_cancelled_by(partial(client.send, nothing))
        await client.send(b"x")
        assert await server.receive() == b"x"
        await client.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await client.send(b"")


class _Counting:
    """A transport that counts what it is given, and takes nothing while it is held."""

    def __init__(self, stream: MemoryByteStream) -> None:
        self.receive, self.aclose = stream.receive, stream.aclose
        self._send = stream.send
        self.largest = 0
        self.given = 0
        self.open = accord.Event()
        self.open.set()

    async def send(self, item: bytes) -> None:
        self.largest = max(self.largest, len(item))
        self.given += len(item)
        await self.open.wait()
        await self._send(item)


@rule("TLS-8")
async def test_sender_waits_for_its_transport() -> None:
    """A large item is encrypted in pieces, and no further than the transport takes them."""
    data = pattern(5_000_000)
    async with transports(1_000_000) as (near, far):
        counting: Any = _Counting(near)
        client, server = await both(as_client(counting), as_server(far))
        counting.open = accord.Event()
        before = counting.given
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(client.send, data))
            assert counting.given - before < 600_000
            counting.open.set()
            received = bytearray()
            while len(received) < len(data):
                received += await server.receive()
            await attempt.handle.wait()
        assert received == data
        assert counting.largest < 600_000


@rule("TLS-8")
async def test_sender_waits_for_its_peer() -> None:
    """A peer that doesn't receive stops the sender, and a stream that isn't read doesn't read ahead."""
    async with connected() as (client, server):
        sent = 0
        with accord.move_on_after(0.2) as scope:
            while sent < 10_000_000:
                await client.send(bytes(10_000))
                sent += 10_000
        assert scope.cancelled_caught, f"{sent} bytes were taken in"
        assert len(await below(server).receive(10_000_000)) > 0


@rule("TLS-9")
async def test_cancelled_send_breaks_the_stream() -> None:
    """After a send() that was cancelled at work both directions are broken for good, and nothing more is sent."""
    buffer = bytearray(pattern(1_000_000))
    async with connected() as (client, server):
        await server.send(b"for later")
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(client.send, buffer))
            attempt.cancel()
        assert attempt.outcome == "cancelled"
        buffer.clear()
        for _ in range(2):
            for operation in (partial(client.send, b"x"), client.receive, partial(client.send, b""), client.unwrap):
                with pytest.raises(accord.BrokenResourceError) as caught:
                    await operation()
                assert str(caught.value)
        received = bytearray()
        with accord.move_on_after(0.05):
            while True:
                received += await server.receive()
        assert 0 < len(received) < 300_000
        assert received == pattern(1_000_000)[: len(received)]
        await client.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await client.receive()
        with pytest.raises(accord.BrokenResourceError):
            await server.receive()


@rule("TLS-9")
async def test_send_that_is_cancelled_before_it_begins() -> None:
    """A send() in a cancelled scope has no effect: the stream is as good as before."""
    async with connected() as (client, server):
        for item in (b"not this", bytearray(b"nor this"), bytes(1_000_000)):
            assert await is_cancelled_by(partial(client.send, item))
        await client.send(b"but this")
        assert await server.receive() == b"but this"


class _Failing:
    """A transport whose ``send`` fails when it is told to."""

    def __init__(self, stream: MemoryByteStream) -> None:
        self.receive, self.aclose = stream.receive, stream.aclose
        self._send = stream.send
        self.error: BaseException | None = None

    async def send(self, item: bytes) -> None:
        if self.error is not None:
            await self._send(item[: len(item) // 2])
            raise self.error
        await self._send(item)


@rule("TLS-9", "TLS-18")
@pytest.mark.parametrize(
    "error", [accord.BrokenResourceError("the cable is cut"), OSError(5, "strange"), KeyError("x")]
)
async def test_failed_send_breaks_the_stream(error: Exception) -> None:
    """A transport that fails to send breaks the stream, whatever it raises, and the error comes out as it is."""
    async with transports() as (near, far):
        failing: Any = _Failing(near)
        client, _server = await both(as_client(failing), as_server(far))
        failing.error = error
        with pytest.raises(type(error)) as caught:
            await client.send(b"data")
        assert caught.value is error
        failing.error = None
        for operation in (partial(client.send, b"x"), client.receive):
            with pytest.raises(accord.BrokenResourceError) as broken:
                await operation()
            assert str(broken.value)
        await client.aclose()
