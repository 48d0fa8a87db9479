"""Connected streams for the tests of this area."""

from __future__ import annotations

import socket
import struct
from array import array
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import accord
from accord import SocketStream
from accord.abc import SocketAttribute

HOST = "127.0.0.1"


async def listen() -> tuple[accord.SocketListener, int]:
    """A listener on one address, and its port."""
    listener = await accord.create_tcp_listener(local_host=HOST)
    only: Any = listener.listeners[0]
    assert type(only) is accord.SocketListener
    return only, listener.extra(SocketAttribute.local_port)


async def echo(stream: SocketStream) -> None:
    """Send everything back."""
    async with stream:
        async for chunk in stream:
            await stream.send(chunk)


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[SocketStream, SocketStream], None]:
    """Two streams that are connected with each other: a client's and a server's."""
    listener, port = await listen()
    async with listener:
        client = await accord.connect_tcp(HOST, port)
        try:
            server = await listener.accept()
        except BaseException:
            await client.aclose()
            raise
    try:
        yield client, server
    finally:
        with accord.CancelScope(shield=True):
            await client.aclose()
            await server.aclose()


async def reset(stream: SocketStream) -> None:
    """Close a stream in such a way that the peer's operating system sees the connection reset."""
    stream.extra(SocketAttribute.raw_socket).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()


async def receive_all(stream: SocketStream) -> bytes:
    """What the peer sends until it ends its sending."""
    return b"".join([chunk async for chunk in stream])


def pattern(size: int) -> bytes:
    """Bytes in which a piece that is missing, doubled or moved is noticed."""
    return array("I", range(size // 4 + 1)).tobytes()[:size]
