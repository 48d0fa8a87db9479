"""Two connected sockets, one of them with a poller: what the tests of readiness work on."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Generator

from accord.lowlevel import current_backend
from accord.protocols import Poller


class Pair:
    """Two connected sockets, one of them with a poller."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near = near
        self.far = far
        readiness = current_backend().readiness
        assert readiness is not None
        self.poller: Poller = readiness.create_poller(near.fileno())
        self.attempts = 0

    def take(self) -> bytes:
        """Read what is there: an attempt for ``readable``."""
        self.attempts += 1
        return self.near.recv(65536)

    def put(self) -> int:
        """Write something: an attempt for ``writable``."""
        self.attempts += 1
        return self.near.send(b"x" * 65536)

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.near.send(b"x" * 65536)

    def drain(self) -> None:
        """Read on the far side until nothing is there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.far.recv(65536)


@contextlib.contextmanager
def make_pair() -> Generator[Pair, None, None]:
    """Make two connected sockets; to be called in a loop."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        pair = Pair(near, far)
        try:
            yield pair
        finally:
            pair.poller.close()
