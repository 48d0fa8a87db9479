"""Certificates, connected TLS streams, and a peer that is made of the standard library alone."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

import trustme

import accord
from accord.abc import ByteStream
from accord.streams.tls import TLSStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair
from accord_conformance.attempts import Attempt

NAME = "server.example"
"""The name for which the server's certificate is made out, with its kin in ``names``."""


@cache
def authority() -> Any:  # trustme's types are partly unknown
    """The ``trustme.CA`` that has signed the certificates."""
    return trustme.CA()


def client_context(protocol: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A new context for clients that trusts the authority and checks host names."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    if protocol is not None:
        context.maximum_version = protocol
    return context


@cache
def certificate(*names: str) -> Any:
    """A ``trustme.LeafCert`` for a server, or for a client."""
    return authority().issue_cert(*names)


def server_context(*names: str) -> ssl.SSLContext:
    """A new context for servers, with a certificate for ``names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(*(names or (NAME,))).configure_cert(context)
    return context


def as_client(transport: ByteStream, **options: Any) -> Callable[[], Awaitable[TLSStream]]:
    """What makes the client's handshake."""
    options = {"hostname": NAME, "ssl_context": client_context(), **options}
    return partial(TLSStream.wrap, transport, **options)


def as_server(transport: ByteStream, **options: Any) -> Callable[[], Awaitable[TLSStream]]:
    """What makes the server's handshake."""
    options = {"server_side": True, "ssl_context": server_context(), **options}
    return partial(TLSStream.wrap, transport, **options)


async def both(first: Callable[[], Awaitable[Any]], second: Callable[[], Awaitable[Any]]) -> tuple[Any, Any]:
    """Call two functions at once, and return what they return."""
    results: list[Any] = [None, None]

    async def call(index: int, function: Callable[[], Awaitable[Any]]) -> None:
        results[index] = await function()

    async with accord.create_task_group() as group:
        group.start_soon(call, 0, first)
        group.start_soon(call, 1, second)
    return results[0], results[1]


async def ended(*functions: Callable[[], Awaitable[Any]]) -> list[Attempt[Any]]:
    """Call functions at once, and return how they ended."""
    attempts: list[Attempt[Any]] = []
    async with accord.create_task_group() as group:
        attempts += [Attempt(group, function) for function in functions]
    return attempts


async def is_closed(transport: MemoryByteStream) -> bool:
    """Whether a transport is closed on this side; otherwise it must be empty, or have come to its end."""
    try:
        with accord.move_on_after(0.05):
            await transport.receive()
    except accord.ClosedResourceError:
        return True
    except accord.EndOfStream:
        pass
    return False


@asynccontextmanager
async def transports(
    max_buffer_size: int = 65536, **options: Any
) -> AsyncGenerator[tuple[MemoryByteStream, MemoryByteStream], None]:
    """Two ends in memory, which are closed at the end."""
    near, far = memory_byte_stream_pair(max_buffer_size, **options)
    try:
        yield near, far
    finally:
        await let_go(near, far)


@asynccontextmanager
async def connected(
    *, max_receive: int | None = None, max_buffer_size: int = 65536, **options: Any
) -> AsyncGenerator[tuple[TLSStream, TLSStream], None]:
    """Two TLS streams on a pair in memory: the client's and the server's. ``options`` are those of both."""
    options = {"shutdown_timeout": 0.05, **options}
    async with transports(max_buffer_size, max_receive=max_receive) as (near, far):
        yield await both(as_client(near, **options), as_server(far, **options))


async def let_go(*resources: Any) -> None:
    """Close all, without waiting for anything."""
    for resource in resources:
        with accord.CancelScope() as scope:
            scope.cancel()
            await resource.aclose()


def below(stream: TLSStream) -> MemoryByteStream:
    """The end in memory on which a TLS stream stands."""
    assert isinstance(stream.transport_stream, MemoryByteStream)
    return stream.transport_stream


class Peer:
    """The other side, made of an ``ssl.SSLObject`` alone: it does what it is told, and nothing by itself.

    So it can leave out what a proper TLS stream would do, and its answers don't depend on the code under test.
    """

    def __init__(self, transport: MemoryByteStream, context: ssl.SSLContext, hostname: str | None = None) -> None:
        self.transport = transport
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(
            self.incoming, self.outgoing, server_side=hostname is None, server_hostname=hostname
        )

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the SSL object, and send and receive until it is done."""
        while True:
            try:
                result = function(*args)
            except ssl.SSLWantReadError:
                await self.flush()
                self.incoming.write(await self.transport.receive())
            except ssl.SSLError:
                await self.flush()
                raise
            else:
                await self.flush()
                return result

    async def flush(self) -> None:
        """Send what the SSL object has to say."""
        if self.outgoing.pending:
            await self.transport.send(self.outgoing.read())

    async def shake_hands(self) -> None:
        """Make the handshake."""
        await self.call(self.tls.do_handshake)

    async def send(self, data: bytes) -> None:
        """Send data."""
        await self.call(self.tls.write, data)

    async def receive(self) -> bytes:
        """Receive a record; ``b""`` after the other side's farewell."""
        try:
            data: bytes = await self.call(self.tls.read, 65536)
        except ssl.SSLZeroReturnError:
            return b""
        return data

    async def say_farewell(self) -> None:
        """Send the closing alert, without waiting for the other side's."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        await self.flush()


@asynccontextmanager
async def with_peer(*, server_side: bool = False, **options: Any) -> AsyncGenerator[tuple[TLSStream, Peer], None]:
    """A TLS stream, on the client's side by default, and its peer; ``options`` are those of the stream."""
    options = {"shutdown_timeout": 0.05, **options}
    async with transports() as (near, far):
        peer = Peer(far, client_context(), NAME) if server_side else Peer(far, server_context())
        stream, _ = await both((as_server if server_side else as_client)(near, **options), peer.shake_hands)
        yield stream, peer
