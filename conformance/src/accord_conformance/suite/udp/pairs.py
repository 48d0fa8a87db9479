"""UDP sockets that talk with each other, for the tests of this area."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import accord
from accord import ConnectedUDPSocket, UDPSocket
from accord.abc import SocketAttribute

HOST = "127.0.0.1"


@contextmanager
def in_cancelled_scope() -> Generator[None, None, None]:
    """A cancelled scope, in which nothing may raise the cancellation."""
    with accord.CancelScope() as scope:
        scope.cancel()
        yield
    assert not scope.cancelled_caught, "the cancellation came first"


def port_of(sock: UDPSocket | ConnectedUDPSocket) -> int:
    """The local port of a socket."""
    return sock.extra(SocketAttribute.local_port)


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
    return port


@asynccontextmanager
async def talking() -> AsyncGenerator[tuple[UDPSocket, ConnectedUDPSocket], None]:
    """An open socket, and one that is connected with it."""
    async with (
        await accord.create_udp_socket(local_host=HOST) as server,
        await accord.create_connected_udp_socket(HOST, port_of(server), local_host=HOST) as client,
    ):
        yield server, client
