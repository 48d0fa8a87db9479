"""The networking jobs on asyncio's own streams and transports."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from .certificates import HOST, contexts

SMALL = bytes(64)
CHUNK = bytes(65536)

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Connect = Callable[[], Awaitable[Pair]]
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _tcp(handler: Handler, tls: bool = False) -> AsyncGenerator[Connect, None]:
    theirs, ours = contexts() if tls else (None, None)
    server = await asyncio.start_server(handler, HOST, 0, ssl=theirs)
    port = server.sockets[0].getsockname()[1]
    try:
        yield lambda: asyncio.open_connection(HOST, port, ssl=ours)
    finally:
        server.close()


@asynccontextmanager
async def _unix(handler: Handler) -> AsyncGenerator[Connect, None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        server = await asyncio.start_unix_server(handler, path)
        try:
            yield lambda: asyncio.open_unix_connection(path)
        finally:
            server.close()


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _rounds(connect: Connect, n: int) -> None:
    reader, writer = await connect()
    for _ in range(n):
        writer.write(SMALL)
        await writer.drain()
        await reader.read(65536)
    writer.close()
    await writer.wait_closed()


def _sender(n: int) -> Handler:
    async def send_all(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _number in range(n):
            writer.write(CHUNK)
            await writer.drain()
        writer.close()

    return send_all


async def _take(connect: Connect, n: int) -> None:
    reader, writer = await connect()
    left = n * len(CHUNK)
    while left:
        left -= len(await reader.read(65536))
    writer.close()
    await writer.wait_closed()


async def tcp_echo(n: int) -> None:
    """Send a little and get it back."""
    async with _tcp(_echo) as connect:
        await _rounds(connect, n)


async def tcp_bulk(n: int) -> None:
    """Receive chunks of 64 KiB."""
    async with _tcp(_sender(n)) as connect:
        await _take(connect, n)


async def tcp_connect(n: int) -> None:
    """Make a connection and close it at both ends."""
    closed = 0
    done = asyncio.Event()

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal closed
        writer.close()
        await writer.wait_closed()
        closed += 1
        if closed == n:
            done.set()

    async with _tcp(close) as connect:
        for _ in range(n):
            _, writer = await connect()
            writer.close()
            await writer.wait_closed()
        await done.wait()


async def unix_echo(n: int) -> None:
    """Send a little and get it back, by a UNIX socket."""
    async with _unix(_echo) as connect:
        await _rounds(connect, n)


async def unix_bulk(n: int) -> None:
    """Receive chunks of 64 KiB by a UNIX socket."""
    async with _unix(_sender(n)) as connect:
        await _take(connect, n)


async def tls_echo(n: int) -> None:
    """Send a little and get it back, encrypted."""
    async with _tcp(_echo, tls=True) as connect:
        await _rounds(connect, n)


async def tls_bulk(n: int) -> None:
    """Receive chunks of 64 KiB, encrypted."""
    async with _tcp(_sender(n), tls=True) as connect:
        await _take(connect, n)


class _Answers(asyncio.DatagramProtocol):
    transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)


class _Waits(asyncio.DatagramProtocol):
    waiter: asyncio.Future[bytes]

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002
        self.waiter.set_result(data)


async def udp_round(n: int) -> None:
    """Send a datagram and get it back."""
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(_Answers, local_addr=(HOST, 0))
    address = server.get_extra_info("sockname")
    client, protocol = await loop.create_datagram_endpoint(_Waits, remote_addr=address)
    for _ in range(n):
        protocol.waiter = loop.create_future()
        client.sendto(SMALL)
        await protocol.waiter
    client.close()
    server.close()


async def connections(n: int, read: Callable[[], None]) -> None:
    """Hold idle connections, whose two ends are both here; ``read`` is called before and while they are."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass
        writer.close()

    async with _tcp(hold) as connect:
        await asyncio.sleep(0.01)
        read()
        pairs = [await connect() for _ in range(n)]
        await asyncio.sleep(0.1)
        read()
        for _, writer in pairs:
            writer.close()
        await asyncio.sleep(0.05)
