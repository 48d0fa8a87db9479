"""UNIX sockets that are connected with each other, for the tests of this area."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import accord
from accord import UNIXSocketStream
from accord.abc import SocketAttribute
from accord_conformance.helpers import untestable

if not hasattr(socket, "AF_UNIX"):
    untestable("this system has no UNIX sockets", module=True)

STREAM = socket.SOCK_STREAM
SEQPACKET = socket.SOCK_SEQPACKET
KINDS = [STREAM, SEQPACKET]

_numbers = itertools.count()


@contextmanager
def folder() -> Generator[Path, None, None]:
    """A new folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="u") as name:
        yield Path(name)


def abstract() -> str:
    """An abstract name that nobody has."""
    if sys.platform != "linux":
        untestable("this system has no abstract names")
    return f"\0accord-conformance-{os.getpid()}-{next(_numbers)}"


@asynccontextmanager
async def connected(kind: Any = STREAM) -> AsyncGenerator[tuple[UNIXSocketStream, UNIXSocketStream], None]:
    """Two streams that are connected with each other: a client's and a server's."""
    with folder() as path:
        async with await accord.create_unix_listener(path / "s", kind=kind) as listener:
            client = await accord.connect_unix(path / "s", kind)
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


@contextmanager
def pipes(count: int) -> Generator[tuple[list[int], list[int]], None, None]:
    """So many pipes: their reading and their writing ends."""
    ends = [os.pipe() for _ in range(count)]
    try:
        yield [reading for reading, _ in ends], [writing for _, writing in ends]
    finally:
        for fd in itertools.chain(*ends):
            with contextlib.suppress(OSError):
                os.close(fd)


def fill(sock: UNIXSocketStream) -> int:
    """Send until the system takes no more, behind the stream's back; return how many bytes that was."""
    raw = sock.extra(SocketAttribute.raw_socket)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += raw.send(bytes(1000))
    return sent
