"""The kinds of streams that the rules are tested with: how two connected ones are made, and what they can do.

A new kind of stream is tested with all rules once it stands in one of the lists.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import accord
from accord.abc import SocketAttribute
from accord.processes.pipes import PipeReceiveStream, PipeSendStream
from accord.streams.buffered import BufferedByteReceiveStream, BufferedByteStream
from accord.streams.stapled import MultiListener, StapledByteStream, StapledObjectStream
from accord.streams.text import TextReceiveStream, TextSendStream, TextStream
from accord.streams.tls import TLSStream
from accord.testing import (
    Check,
    MakePair,
    MemoryByteStream,
    Options,
    byte_stream_checks,
    memory_byte_stream_pair,
    object_stream_checks,
)
from accord_conformance.suite.networking.pairs import connected as connected_by_tcp
from accord_conformance.suite.networking.pairs import reset
from accord_conformance.suite.tls.pairs import as_client, as_server, below, both, let_go
from accord_conformance.suite.tls.pairs import connected as connected_by_tls

Pair = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of stream."""

    name: str
    make_pair: MakePair
    options: Options

    def __str__(self) -> str:
        return self.name


async def carry_out(rule: str, kind: Kind, checks: Sequence[Check]) -> None:
    """Run all checks of a rule on a kind of stream."""
    chosen = [check for check in checks if check.rule == rule]
    assert chosen
    for check in chosen:
        await check.run(kind.make_pair, kind.options)


async def check_bytes(rule: str, kind: Kind) -> None:
    """Run all checks of a rule of byte streams."""
    await carry_out(rule, kind, byte_stream_checks())


async def check_objects(rule: str, kind: Kind) -> None:
    """Run all checks of a rule of object streams."""
    await carry_out(rule, kind, object_stream_checks())


async def abort_memory(stream: MemoryByteStream) -> None:
    """Reset a connection in memory."""
    stream.reset()


async def _memory() -> Pair:
    return memory_byte_stream_pair()


async def _memory_in_pieces() -> Pair:
    return memory_byte_stream_pair(10, max_receive=3)


async def _buffered() -> Pair:
    one, other = memory_byte_stream_pair()
    return BufferedByteStream(one), BufferedByteStream(other)


async def _abort_buffered(stream: BufferedByteStream) -> None:
    assert isinstance(stream.receive_stream, MemoryByteStream)
    stream.receive_stream.reset()


async def _stapled() -> Pair:
    there, back = memory_byte_stream_pair(), memory_byte_stream_pair()
    return StapledByteStream(there[0], back[1]), StapledByteStream(back[0], there[1])


async def _abort_stapled(stream: StapledByteStream) -> None:
    for part in (stream.send_stream, stream.receive_stream):
        part.reset()


async def _abort_tls(stream: TLSStream) -> None:
    below(stream).reset()


@asynccontextmanager
async def _lenient_tls() -> AsyncGenerator[Pair, None]:
    async with connected_by_tls(standard_compatible=False, max_receive=1000) as pair:
        yield pair


SMALL = 500_000
IN_MEMORY = (
    Kind("memory", _memory, Options(abort=abort_memory, large=SMALL)),
    Kind("memory in pieces", _memory_in_pieces, Options(abort=abort_memory, large=10_000)),
    Kind("buffered", _buffered, Options(abort=_abort_buffered, large=SMALL)),
    Kind("stapled", _stapled, Options(abort=_abort_stapled, large=SMALL, one_fate=False)),
    Kind("TLS", connected_by_tls, Options(abort=_abort_tls, large=2_000_000, half_close=False)),
    Kind("lenient TLS", _lenient_tls, Options(abort=_abort_tls, large=2_000_000, half_close=False)),
)
"""Byte streams that need no sockets."""


async def abort_socket(stream: accord.SocketStream) -> None:
    """Reset a TCP connection."""
    await reset(stream)


@asynccontextmanager
async def _buffered_tcp() -> AsyncGenerator[Pair, None]:
    async with connected_by_tcp() as (one, other):
        yield BufferedByteStream(one), BufferedByteStream(other)


async def _abort_buffered_tcp(stream: BufferedByteStream) -> None:
    assert isinstance(stream.receive_stream, accord.SocketStream)
    await reset(stream.receive_stream)


@asynccontextmanager
async def _unix() -> AsyncGenerator[Pair, None]:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "socket")
        async with await accord.create_unix_listener(path) as listener:
            async with await accord.connect_unix(path) as client, await listener.accept() as server:
                yield client, server


@asynccontextmanager
async def _tls_over(make: Callable[[], AbstractAsyncContextManager[Pair]]) -> AsyncGenerator[Pair, None]:
    async with make() as (near, far):
        client, server = await both(as_client(near, shutdown_timeout=0.05), as_server(far, shutdown_timeout=0.05))
        try:
            yield client, server
        finally:
            await let_go(client, server)


async def _abort_tls_over_tcp(stream: TLSStream) -> None:
    assert isinstance(stream.transport_stream, accord.SocketStream)
    await reset(stream.transport_stream)


async def _pipes() -> Pair:
    there, back = os.pipe(), os.pipe()
    one = StapledByteStream(PipeSendStream(there[1]), PipeReceiveStream(back[0]))
    return one, StapledByteStream(PipeSendStream(back[1]), PipeReceiveStream(there[0]))


ON_SOCKETS = (
    Kind("TCP", connected_by_tcp, Options(abort=abort_socket)),
    Kind("buffered TCP", _buffered_tcp, Options(abort=_abort_buffered_tcp)),
    Kind("UNIX", _unix, Options(large=3_000_000)),
    Kind("TLS over TCP", partial(_tls_over, connected_by_tcp), Options(abort=_abort_tls_over_tcp, half_close=False)),
    Kind("TLS over UNIX", partial(_tls_over, _unix), Options(half_close=False)),
    Kind("pipes", _pipes, Options(large=3_000_000, one_fate=False)),
)
"""Byte streams on sockets and pipes."""


async def _memory_objects() -> Pair:
    send, receive = accord.create_memory_object_stream[str](1)
    return receive, send


async def _stapled_objects() -> Pair:
    there, back = accord.create_memory_object_stream[str](1), accord.create_memory_object_stream[str]()
    return StapledObjectStream(back[0], there[1]), StapledObjectStream(there[0], back[1])


async def _text() -> Pair:
    one, other = memory_byte_stream_pair(10, max_receive=1)
    return TextStream(one), TextStream(other)


async def _text_in_one_direction() -> Pair:
    one, other = memory_byte_stream_pair(10, max_receive=3)
    return TextReceiveStream(one, "utf-16"), TextSendStream(other, "utf-16")


TEXTS = Options(items=("äö€", "\U0001f600x", "many" * 30), join="".join)
OF_OBJECTS = (
    Kind("memory objects", _memory_objects, Options()),
    Kind("stapled objects", _stapled_objects, Options()),
    Kind("text", _text, TEXTS),
    Kind("text in one direction", _text_in_one_direction, TEXTS),
)
"""Object streams."""


class MemoryListener:
    """A listener of connections in memory, which keeps the rules of listeners."""

    def __init__(self) -> None:
        self._send, self._receive = accord.create_memory_object_stream[MemoryByteStream](10)
        self.closed = False

    async def connect(self) -> MemoryByteStream:
        """Return the client's end of a new connection."""
        client, server = memory_byte_stream_pair()
        await self._send.send(server)
        return client

    async def serve(
        self,
        handler: Callable[[MemoryByteStream], Any],
        /,
        task_group: accord.TaskGroup | None = None,
        *,
        task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED,
        on_error: Any = "log",
    ) -> None:
        """Run the handler for each connection, until the listener is closed."""
        async with accord.create_task_group() as group:
            if not self.closed:
                task_status.started()
                try:
                    while True:
                        (task_group or group).start_soon(handler, await self._receive.receive())
                except accord.ClosedResourceError:
                    pass

    async def aclose(self) -> None:
        """Close it."""
        self.closed = True
        self._receive.close()
        self._send.close()
        await accord.lowlevel.checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


Connect = Callable[[], Awaitable[Any]]


async def listen_in_memory() -> tuple[Any, Connect]:
    """Make a listener in memory, and what connects to it."""
    listener = MemoryListener()
    return listener, listener.connect


async def listen_to_several() -> tuple[Any, Connect]:
    """Make a listener of two in memory, and what connects to them in turns."""
    listeners = [MemoryListener(), MemoryListener()]
    turn = 0

    async def connect() -> MemoryByteStream:
        nonlocal turn
        turn += 1
        return await listeners[turn % 2].connect()

    return MultiListener[MemoryByteStream](listeners), connect


async def listen_by_tcp() -> tuple[Any, Connect]:
    """Make a TCP listener, and what connects to it."""
    listener = await accord.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(SocketAttribute.local_port)
    return listener, lambda: accord.connect_tcp("127.0.0.1", port)


def buffered_over_objects(items: Sequence[bytes]) -> BufferedByteReceiveStream:
    """A buffered stream over an object stream that holds ``items`` and has ended."""
    send, receive = accord.create_memory_object_stream[bytes](len(items))
    with send:
        for item in items:
            send.send_nowait(item)
    return BufferedByteReceiveStream(receive)
