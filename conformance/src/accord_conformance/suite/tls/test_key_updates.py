"""Messages of TLS that come in the middle of everything: key updates, which demand an answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import accord
from accord.streams.tls import TLSStream
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, rule, settle
from accord_conformance.suite.networking.pairs import pattern

from .key_updates import KeyUpdater
from .pairs import Peer, as_client, both, server_context, transports


@asynccontextmanager
async def _updating(folder: Path, max_buffer_size: int = 65536) -> AsyncGenerator[tuple[TLSStream, Peer, KeyUpdater]]:
    """A client's stream, its peer, and what makes the peer's records."""
    context = server_context()
    context.num_tickets = 0
    context.keylog_filename = str(folder / "keys")
    async with transports(max_buffer_size) as (near, far):
        peer = Peer(far, context)
        stream, _ = await both(as_client(near, shutdown_timeout=0.05), peer.shake_hands)
        yield stream, peer, KeyUpdater(peer, folder / "keys")


@rule("TLS-17")
async def test_keys_are_updated(tmp_path: Path) -> None:
    """A waiting receiver gets the data under the new keys, and what is sent next has new keys too."""
    async with _updating(tmp_path) as (stream, peer, keys):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, stream.receive)
            await peer.transport.send(keys.key_update())
            await settle()
            assert attempt.outcome == "blocked"
            await peer.transport.send(keys.record(b"under new keys"))
        assert attempt.value == b"under new keys"
        await stream.send(b"so too here")
        records = await peer.transport.receive()
        assert len(records) > 2 * (5 + 16), "the demand was not answered before the data"
        peer.incoming.write(records)
        assert await peer.receive() == b"so too here"


@rule("TLS-17")
async def test_many_updates(tmp_path: Path) -> None:
    """Data before, between and after key updates arrives in order, whether or not anybody waits for it."""
    async with _updating(tmp_path) as (stream, peer, keys):
        texts = [b"%d " % number for number in range(20)]
        await peer.transport.send(b"".join(keys.record(text) + keys.key_update() for text in texts))
        received = b""
        while len(received) < len(b"".join(texts)):
            received += await stream.receive()
        assert received == b"".join(texts)
        for text in texts:
            await peer.transport.send(keys.key_update() + keys.record(text))
            assert await stream.receive() == text
            await stream.send(text)
            assert await peer.receive() == text


@rule("TLS-17")
async def test_receiver_does_not_wait_for_a_sender(tmp_path: Path) -> None:
    """With a peer that reads nothing the sender blocks, and still data and demands are received; all is sent later."""
    data = pattern(1_000_000)
    async with _updating(tmp_path) as (stream, peer, keys), accord.create_task_group() as group:
        sender = await blocked(group, partial(stream.send, data))
        for number in range(3):
            receiver = await blocked(group, stream.receive)
            await peer.transport.send(keys.key_update() + keys.record(b"%d" % number))
            with accord.fail_after(PATIENCE):
                await receiver.handle.wait()
            assert receiver.value == b"%d" % number
        receiver = await blocked(group, stream.receive)
        await peer.transport.send(keys.key_update())
        received = bytearray()
        while len(received) < len(data):
            received += await peer.receive()
        assert received == data
        await sender.handle.wait()
        assert sender.outcome == "returned"
        await peer.transport.send(keys.record(b"end"))
        await receiver.handle.wait()
        assert receiver.value == b"end"
        await stream.send(b"end")
        assert await peer.receive() == b"end"
