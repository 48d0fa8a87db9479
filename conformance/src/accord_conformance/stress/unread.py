"""``python -m accord_conformance.stress.unread BACKEND``: a peer that sends to a stream from which nobody receives.

The peer is a thread with a blocking socket of the standard library. It sends 200 MB; what it gets rid of is what the
operating system's buffers take, and the process's memory must not grow. Then everything is received and compared.
"""

from __future__ import annotations

import argparse
import hashlib
import socket
import ssl
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import accord
from accord.abc import ByteStream, SocketAttribute
from accord.streams.tls import TLSStream

from ..bench.certificates import HOST, contexts
from ..loader import load_backend, load_options
from .idle import resident

SIZE = 200_000_000
PIECE = bytes(range(256)) * 4096
SECONDS = 2.0

Peer = Callable[[], socket.socket]


class Sender(threading.Thread):
    """Sends everything, as fast as it is taken."""

    def __init__(self, connect: Peer) -> None:
        super().__init__(daemon=True)
        self.connect = connect
        self.sent = 0
        self.done = False
        self.digest = hashlib.sha256()

    def run(self) -> None:
        """Send."""
        with self.connect() as sock:
            while self.sent < SIZE:
                piece = PIECE[: SIZE - self.sent]
                sock.sendall(piece)
                self.digest.update(piece)
                self.sent += len(piece)
            if isinstance(sock, ssl.SSLSocket):
                sock.unwrap()  # which fails unless the other side takes its leave, too
            self.done = True


@asynccontextmanager
async def accepted() -> AsyncGenerator[tuple[ByteStream, Sender], None]:
    """A TCP stream from a listener."""
    async with await accord.create_tcp_listener(local_host=HOST) as listener:
        port = listener.extra(SocketAttribute.local_port)
        async with _first(listener, lambda: socket.create_connection((HOST, port))) as pair:
            yield pair


@asynccontextmanager
async def connected() -> AsyncGenerator[tuple[ByteStream, Sender], None]:
    """A TCP stream from ``connect_tcp``."""
    with socket.create_server((HOST, 0)) as server:
        sender = Sender(lambda: server.accept()[0])
        sender.start()
        async with await accord.connect_tcp(HOST, server.getsockname()[1]) as stream:
            yield stream, sender


@asynccontextmanager
async def unix() -> AsyncGenerator[tuple[ByteStream, Sender], None]:
    """A UNIX stream from a listener."""

    def connect() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(path))
        return sock

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "socket")
        async with await accord.create_unix_listener(path) as listener, _first(listener, connect) as pair:
            yield pair


@asynccontextmanager
async def secure() -> AsyncGenerator[tuple[ByteStream, Sender], None]:
    """TLS on a TCP stream."""
    theirs, ours = contexts()
    async with await accord.create_tcp_listener(local_host=HOST) as listener:
        port = listener.extra(SocketAttribute.local_port)

        def connect() -> socket.socket:
            return ours.wrap_socket(socket.create_connection((HOST, port)), server_hostname=HOST)

        async with _first(listener, connect) as (stream, sender):
            async with await TLSStream.wrap(stream, server_side=True, ssl_context=theirs) as secured:
                yield secured, sender


@asynccontextmanager
async def _first(
    listener: accord.abc.Listener[ByteStream], connect: Peer
) -> AsyncGenerator[tuple[ByteStream, Sender], None]:
    """The first connection of a listener."""
    send, receive = accord.create_memory_object_stream[ByteStream](1)
    sender = Sender(connect)
    sender.start()
    with send, receive:
        async with accord.create_task_group() as group:
            group.start_soon(listener.serve, send.send)
            async with await receive.receive() as stream:
                yield stream, sender
            group.cancel()


KINDS = {"TCP, accepted": accepted, "TCP, connected": connected, "UNIX": unix, "TLS": secure}


async def check(kind: str) -> str:
    """Wait, look at the memory, receive everything; return a line of report, ``SystemExit`` if something is wrong."""
    async with KINDS[kind]() as (stream, sender):
        before = resident()
        await accord.sleep(SECONDS)
        grown, stuck_at = resident() - before, sender.sent
        digest, received = hashlib.sha256(), 0
        async for chunk in stream:
            digest.update(chunk)
            received += len(chunk)
    await accord.to_thread.run_sync(sender.join)
    line = (
        f"{kind}: {stuck_at / 1e6:.1f} MB of {SIZE / 1e6:.0f} taken in {SECONDS} s, "
        f"memory grown by {grown / 1e6:.1f} MB"
    )
    if grown > 8_000_000 or stuck_at > SIZE / 4:
        raise SystemExit(f"{line}: too much")
    if not sender.done:
        raise SystemExit(f"{line}; the peer could not end the connection in order")
    if received != SIZE or digest.digest() != sender.digest.digest():
        raise SystemExit(f"{line}; {received} bytes received, which are not those that were sent")
    return f"{line}; then all received as sent"


def main() -> int:
    """Check each kind of stream."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.unread", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options = load_options(backend, options.variant)
    for kind in KINDS:
        line = accord.run(check, kind, backend=backend, backend_options=run_options)
        print(f"{options.variant or options.backend}: {line}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
