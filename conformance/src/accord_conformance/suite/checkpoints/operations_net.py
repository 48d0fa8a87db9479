"""The rows of CKPT-4's table for streams, sockets and what is around them."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import accord
from accord.abc import SocketAttribute
from accord.streams.buffered import BufferedByteReceiveStream
from accord.streams.text import TextReceiveStream, TextSendStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair
from accord_conformance.suite.networking.pairs import HOST, connected, listen
from accord_conformance.suite.tls.pairs import connected as tls_connected

from .operations import Prepared, row


class Made:
    """Collects what an operation makes, so that it can be seen and closed."""

    def __init__(self) -> None:
        self.things: list[Any] = []

    async def by(self, operation: Callable[[], Awaitable[Any]]) -> None:
        """Carry out the operation."""
        self.things.append(await operation())

    def prepared(self, operation: Callable[[], Awaitable[Any]]) -> Prepared:
        """The operation, which has taken effect if something was made."""
        return Prepared(lambda: self.by(operation), lambda: bool(self.things))

    async def aclose(self) -> None:
        """Close everything."""
        for thing in self.things:
            await accord.aclose_forcefully(thing)


def making_row(name: str, make: Callable[[], Any]) -> None:
    """A row for an operation that makes a resource; ``make()`` is an async context manager of the operation."""

    async def prepare() -> AsyncGenerator[Prepared, None]:
        made = Made()
        async with make() as operation:
            try:
                yield made.prepared(operation)
            finally:
                await made.aclose()

    row(name, "CY", "readiness")(prepare)


Operation = AsyncGenerator[Callable[[], Awaitable[Any]], None]


@asynccontextmanager
async def _connect_tcp() -> Operation:
    listener, port = await listen()
    async with listener:
        yield partial(accord.connect_tcp, HOST, port)


@asynccontextmanager
async def _accept() -> Operation:
    listener, port = await listen()
    async with listener, await accord.connect_tcp(HOST, port):
        yield listener.accept


@asynccontextmanager
async def _simple(operation: Callable[[], Awaitable[Any]]) -> Operation:
    yield operation


@asynccontextmanager
async def _socket_stream() -> Operation:
    near, far = socket.socketpair()
    with near, far:
        yield partial(accord.SocketStream.from_socket, near)


@asynccontextmanager
async def _unix_listener() -> Operation:
    with tempfile.TemporaryDirectory() as folder:
        yield partial(accord.create_unix_listener, Path(folder, "socket"))


@asynccontextmanager
async def _connect_unix() -> Operation:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        async with await accord.create_unix_listener(path):
            yield partial(accord.connect_unix, path)


making_row("connect_tcp", _connect_tcp)
making_row("SocketListener.accept", _accept)
making_row("create_tcp_listener", partial(_simple, partial(accord.create_tcp_listener, local_host=HOST)))
making_row("SocketStream.from_socket", _socket_stream)
making_row("create_unix_listener", _unix_listener)
making_row("connect_unix", _connect_unix)
making_row("create_udp_socket", partial(_simple, partial(accord.create_udp_socket, local_host=HOST)))
making_row("create_connected_udp_socket", partial(_simple, partial(accord.create_connected_udp_socket, HOST, 9)))
making_row("create_unix_datagram_socket", partial(_simple, accord.create_unix_datagram_socket))


def stream_rows(name: str, make: Callable[[], Any], needs: str, *, half_close: bool = True) -> None:
    """Rows for the operations of a byte stream; ``make()`` is an async context manager of a connected pair."""

    @row(f"{name}.receive", "CY", needs)
    async def _receive() -> AsyncGenerator[Prepared, None]:
        received: list[bytes] = []

        async def receive() -> None:
            received.append(await near.receive())

        async with make() as (near, far):
            await far.send(b"x")
            if needs == "readiness":
                await accord.sleep(0.001)
            yield Prepared(receive, lambda: bool(received))

    @row(f"{name}.send", "CY", needs)
    async def _send() -> AsyncGenerator[Prepared, None]:
        async with make() as (near, _far):
            yield Prepared(partial(near.send, b"x"))

    @row(f"{name}.aclose", "CY", needs)
    async def _aclose() -> AsyncGenerator[Prepared, None]:
        async with make() as (near, far):
            await accord.aclose_forcefully(far)  # who is gone is not waited for
            yield Prepared(near.aclose)

    if half_close:

        @row(f"{name}.send_eof", "CY", needs)
        async def _send_eof() -> AsyncGenerator[Prepared, None]:
            async with make() as (near, _far):
                yield Prepared(near.send_eof)


@asynccontextmanager
async def _memory() -> AsyncGenerator[tuple[MemoryByteStream, MemoryByteStream], None]:
    near, far = memory_byte_stream_pair()
    try:
        yield near, far
    finally:
        for end in (near, far):
            await accord.aclose_forcefully(end)


stream_rows("SocketStream", connected, "readiness")
stream_rows("MemoryByteStream", _memory, "core")
stream_rows("TLSStream", tls_connected, "core", half_close=False)


async def _wrapped(
    wrap: Callable[[MemoryByteStream], Callable[[], Awaitable[object]]],
) -> AsyncGenerator[Prepared, None]:
    async with _memory() as (near, far):
        await far.send(b"line\n")
        yield Prepared(wrap(near))


@row("BufferedByteReceiveStream.receive_exactly", "CY")
async def _receive_exactly() -> AsyncGenerator[Prepared, None]:
    async for prepared in _wrapped(lambda near: partial(BufferedByteReceiveStream(near).receive_exactly, 2)):
        yield prepared


@row("BufferedByteReceiveStream.receive_until", "CY")
async def _receive_until() -> AsyncGenerator[Prepared, None]:
    async for prepared in _wrapped(lambda near: partial(BufferedByteReceiveStream(near).receive_until, b"\n", 9)):
        yield prepared


@row("TextReceiveStream.receive", "CY")
async def _receive_text() -> AsyncGenerator[Prepared, None]:
    async for prepared in _wrapped(lambda near: TextReceiveStream(near).receive):
        yield prepared


@row("TextSendStream.send", "CY")
async def _send_text() -> AsyncGenerator[Prepared, None]:
    async for prepared in _wrapped(lambda near: partial(TextSendStream(near).send, "x")):
        yield prepared


@asynccontextmanager
async def _udp() -> AsyncGenerator[tuple[accord.abc.UDPSocket, accord.abc.ConnectedUDPSocket], None]:
    async with await accord.create_udp_socket(local_host=HOST) as server:
        port = server.extra(SocketAttribute.local_port)
        async with await accord.create_connected_udp_socket(HOST, port) as client:
            yield server, client


@row("UDPSocket.receive", "CY", "readiness")
async def _receive_datagram() -> AsyncGenerator[Prepared, None]:
    received: list[object] = []

    async def receive() -> None:
        received.append(await server.receive())

    async with _udp() as (server, client):
        await client.send(b"x")
        yield Prepared(receive, lambda: bool(received))


@row("UDPSocket.sendto", "CY", "readiness")
async def _send_datagram() -> AsyncGenerator[Prepared, None]:
    async with _udp() as (server, _client):
        yield Prepared(partial(server.sendto, b"x", HOST, 9))


@row("ConnectedUDPSocket.send", "CY", "readiness")
async def _send_to_peer() -> AsyncGenerator[Prepared, None]:
    async with _udp() as (_server, client):
        yield Prepared(partial(client.send, b"x"))


@row("wait_readable", "CY", "readiness")
async def _wait_readable() -> AsyncGenerator[Prepared, None]:
    near, far = socket.socketpair()
    with near, far:
        far.send(b"x")
        yield Prepared(partial(accord.wait_readable, near))


@row("wait_writable", "CY", "readiness")
async def _wait_writable() -> AsyncGenerator[Prepared, None]:
    near, far = socket.socketpair()
    with near, far:
        yield Prepared(partial(accord.wait_writable, near))


@row("getaddrinfo", "CY")
async def _getaddrinfo() -> AsyncGenerator[Prepared, None]:
    yield Prepared(partial(accord.getaddrinfo, HOST, 80))


@row("getnameinfo", "CY")
async def _getnameinfo() -> AsyncGenerator[Prepared, None]:
    yield Prepared(partial(accord.getnameinfo, (HOST, 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV))


@row("aclose_forcefully", "--")
async def _aclose_forcefully() -> AsyncGenerator[Prepared, None]:
    """Closing forcefully raises no cancellation; whether it yields is up to what is closed."""
    send, receive = accord.create_memory_object_stream[int](1)
    with receive:
        yield Prepared(partial(accord.aclose_forcefully, send), lambda: receive.statistics().open_send_streams == 0)
        send.close()
