"""The networking jobs on Trio's own streams."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from .certificates import HOST, contexts

SMALL = bytes(64)
CHUNK = bytes(65536)

Connect = Callable[[], Awaitable[Any]]
Handler = Callable[[Any], Awaitable[None]]


@asynccontextmanager
async def _serving(listeners: list[Any], handler: Handler) -> AsyncGenerator[None, None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, handler, listeners)
        yield
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _tcp(handler: Handler) -> AsyncGenerator[Connect, None]:
    listeners = await trio.open_tcp_listeners(0, host=HOST)
    port = listeners[0].socket.getsockname()[1]
    async with _serving(listeners, handler):
        yield partial(trio.open_tcp_stream, HOST, port)


@asynccontextmanager
async def _tls(handler: Handler) -> AsyncGenerator[Connect, None]:
    server, client = contexts()
    listeners: Any = await trio.open_ssl_over_tcp_listeners(0, server, host=HOST, https_compatible=True)
    port = listeners[0].transport_listener.socket.getsockname()[1]
    connect = partial(trio.open_ssl_over_tcp_stream, HOST, port, ssl_context=client, https_compatible=True)
    async with _serving(listeners, handler):
        yield connect


@asynccontextmanager
async def _unix(handler: Handler) -> AsyncGenerator[Connect, None]:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "socket"))
        sock = trio.socket.socket(trio.socket.AF_UNIX, trio.socket.SOCK_STREAM)
        await sock.bind(path)
        sock.listen()
        async with _serving([trio.SocketListener(sock)], handler):
            yield partial(trio.open_unix_socket, path)


async def _echo(stream: Any) -> None:
    async for data in stream:
        await stream.send_all(data)


async def _rounds(connect: Connect, n: int) -> None:
    async with await connect() as stream:
        for _ in range(n):
            await stream.send_all(SMALL)
            await stream.receive_some(65536)


def _sender(n: int) -> Handler:
    async def send_all(stream: Any) -> None:
        for _ in range(n):
            await stream.send_all(CHUNK)

    return send_all


async def _take(connect: Connect, n: int) -> None:
    async with await connect() as stream:
        left = n * len(CHUNK)
        while left:
            left -= len(await stream.receive_some(65536))


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
    done = trio.Event()

    async def close(stream: Any) -> None:
        nonlocal closed
        await stream.aclose()
        closed += 1
        if closed == n:
            done.set()

    async with _tcp(close) as connect:
        for _ in range(n):
            stream = await connect()
            await stream.aclose()
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
    async with _tls(_echo) as connect:
        await _rounds(connect, n)


async def tls_bulk(n: int) -> None:
    """Receive chunks of 64 KiB, encrypted."""
    async with _tls(_sender(n)) as connect:
        await _take(connect, n)


async def udp_round(n: int) -> None:
    """Send a datagram and get it back."""

    async def answer() -> None:
        while True:
            data, address = await server.recvfrom(65536)
            await server.sendto(data, address)

    server = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
    client = trio.socket.socket(type=trio.socket.SOCK_DGRAM)
    with server, client:
        await server.bind((HOST, 0))
        await client.connect(server.getsockname())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)
            for _ in range(n):
                await client.send(SMALL)
                await client.recv(65536)
            nursery.cancel_scope.cancel()


async def connections(n: int, read: Callable[[], None]) -> None:
    """Hold idle connections, whose two ends are both here; ``read`` is called before and while they are."""

    async def hold(stream: Any) -> None:
        async for _ in stream:
            pass

    async with _tcp(hold) as connect:
        await trio.sleep(0.01)
        read()
        streams = [await connect() for _ in range(n)]
        await trio.sleep(0.1)
        read()
        for stream in streams:
            await stream.aclose()
        await trio.sleep(0.05)
