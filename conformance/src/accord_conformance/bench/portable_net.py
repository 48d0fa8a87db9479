"""The networking jobs, written against the portable API, which accord and AnyIO share: ``lib`` is either.

Both ends are in one loop. A connection is made once, so that what is measured is the exchange; the rows about
connecting make one each time.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from .certificates import HOST, contexts

SMALL = bytes(64)
CHUNK = bytes(65536)

Connect = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def _serving(lib: Any, listener: Any, handler: Callable[[Any], Awaitable[None]]) -> AsyncGenerator[None, None]:
    async with listener, lib.create_task_group() as group:
        group.start_soon(listener.serve, handler)
        yield
        group.cancel_scope.cancel()


@asynccontextmanager
async def _tcp(lib: Any, handler: Callable[[Any], Awaitable[None]]) -> AsyncGenerator[Connect, None]:
    listener = await lib.create_tcp_listener(local_host=HOST)
    port = listener.extra(lib.abc.SocketAttribute.local_port)
    async with _serving(lib, listener, handler):
        yield lambda: lib.connect_tcp(HOST, port)


@asynccontextmanager
async def _tls(lib: Any, handler: Callable[[Any], Awaitable[None]]) -> AsyncGenerator[Connect, None]:
    server, client = contexts()
    listener = await lib.create_tcp_listener(local_host=HOST)
    port = listener.extra(lib.abc.SocketAttribute.local_port)
    # Without the closing handshake, which none of the native ones carries out either.
    tls = import_module(f"{lib.__name__}.streams.tls")
    secure = tls.TLSListener(listener, server, standard_compatible=False)
    async with _serving(lib, secure, handler):
        yield lambda: lib.connect_tcp(HOST, port, ssl_context=client, tls_standard_compatible=False)


@asynccontextmanager
async def _unix(lib: Any, handler: Callable[[Any], Awaitable[None]]) -> AsyncGenerator[Connect, None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        async with _serving(lib, await lib.create_unix_listener(path), handler):
            yield lambda: lib.connect_unix(path)


async def _echo(stream: Any) -> None:
    async with stream:
        async for data in stream:
            await stream.send(data)


async def _rounds(connect: Connect, n: int) -> None:
    async with await connect() as stream:
        send, receive = stream.send, stream.receive
        for _ in range(n):
            await send(SMALL)
            await receive()


def _sender(n: int) -> Callable[[Any], Awaitable[None]]:
    async def send_all(stream: Any) -> None:
        async with stream:
            for _ in range(n):
                await stream.send(CHUNK)

    return send_all


async def _take(connect: Connect, n: int) -> None:
    async with await connect() as stream:
        left = n * len(CHUNK)
        receive = stream.receive
        while left:
            left -= len(await receive())


async def tcp_echo(lib: Any, n: int) -> None:
    """Send a little and get it back."""
    async with _tcp(lib, _echo) as connect:
        await _rounds(connect, n)


async def tcp_bulk(lib: Any, n: int) -> None:
    """Receive chunks of 64 KiB."""
    async with _tcp(lib, _sender(n)) as connect:
        await _take(connect, n)


async def tcp_connect(lib: Any, n: int) -> None:
    """Make a connection and close it at both ends."""
    closed = 0
    done = lib.Event()

    async def close(stream: Any) -> None:
        nonlocal closed
        await stream.aclose()
        closed += 1
        if closed == n:
            done.set()

    async with _tcp(lib, close) as connect:
        for _ in range(n):
            stream = await connect()
            await stream.aclose()
        await done.wait()


async def unix_echo(lib: Any, n: int) -> None:
    """Send a little and get it back, by a UNIX socket."""
    async with _unix(lib, _echo) as connect:
        await _rounds(connect, n)


async def unix_bulk(lib: Any, n: int) -> None:
    """Receive chunks of 64 KiB by a UNIX socket."""
    async with _unix(lib, _sender(n)) as connect:
        await _take(connect, n)


async def tls_echo(lib: Any, n: int) -> None:
    """Send a little and get it back, encrypted."""
    async with _tls(lib, _echo) as connect:
        await _rounds(connect, n)


async def tls_bulk(lib: Any, n: int) -> None:
    """Receive chunks of 64 KiB, encrypted."""
    async with _tls(lib, _sender(n)) as connect:
        await _take(connect, n)


async def udp_round(lib: Any, n: int) -> None:
    """Send a datagram and get it back."""

    async def answer() -> None:
        async for data, (host, port) in server:
            await server.sendto(data, host, port)

    async with await lib.create_udp_socket(local_host=HOST) as server, lib.create_task_group() as group:
        group.start_soon(answer)
        port = server.extra(lib.abc.SocketAttribute.local_port)
        async with await lib.create_connected_udp_socket(HOST, port) as client:
            for _ in range(n):
                await client.send(SMALL)
                await client.receive()
        group.cancel_scope.cancel()


async def connections(lib: Any, n: int, read: Callable[[], None]) -> None:
    """Hold idle connections, whose two ends are both here; ``read`` is called before and while they are."""

    async def hold(stream: Any) -> None:
        async with stream:
            async for _ in stream:
                pass

    async with _tcp(lib, hold) as connect:
        await lib.sleep(0.01)
        read()
        streams = [await connect() for _ in range(n)]
        await lib.sleep(0.1)
        read()
        for stream in streams:
            await stream.aclose()
        await lib.sleep(0.05)
