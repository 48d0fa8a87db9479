"""Mutants of UDP: making sockets, and taking over those of the caller."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

from accord import (
    ConnectedUDPSocket,
    ConnectionFailed,
    UDPSocket,
    create_connected_udp_socket,
    create_udp_socket,
)

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

datagrams: Any = sys.modules["accord.net.datagrams"]
resources: Any = sys.modules["accord.net.resources"]
udp: Any = sys.modules["accord.net.udp"]
Base: Any = UDPSocket.__mro__[1]
Open: Any = UDPSocket
Connected: Any = ConnectedUDPSocket
BOTH = (Open, Connected)


class Unconnected(socket.socket):
    """A socket that only remembers whom it is connected with."""

    peer: Any = None

    def connect(self, address: Any) -> None:
        """Remember."""
        self.peer = address

    def getpeername(self) -> Any:
        """Return what is remembered."""
        return self.peer

    def send(self, data: Any, flags: int = 0) -> int:
        """Send to the one that is remembered."""
        return self.sendto(data, self.peer)


@mutant("UDP-10")
def strangers_are_heard(_: Broken) -> None:
    """A connected socket receives whatever is sent to its port."""

    def make(original: Any, *args: Any) -> Any:
        made = original(*args)
        sock = Unconnected(made.family, made.type, made.proto, made.detach())
        if sock.getsockname()[1] == 0:
            sock.bind(("127.0.0.1", 0))
        return sock

    around(udp, "_new_socket", make)


@mutant("UDP-10")
def sockets_that_fail_are_left_open(_: Broken) -> None:
    """A socket that can't be bound or connected is not closed."""
    left: list[Any] = []

    @contextmanager
    def keeping(sock: Any) -> Any:
        left.append(sock)
        yield

    replace(udp, _closing_on_error=keeping)


@mutant("UDP-10")
def bind_error_does_not_say_where(_: Broken) -> None:
    """An address that can't be bound is the system's own error."""

    async def create(*args: Any, **keywords: Any) -> Any:
        try:
            return await create_udp_socket(*args, **keywords)
        except OSError as error:
            raise error.__cause__ or error from None

    replace_everywhere(create_udp_socket, create)


@mutant("UDP-10")
def no_way_to_the_peer_is_a_plain_error(_: Broken) -> None:
    """An address to which there is no way is the system's own error."""

    async def create(*args: Any, **keywords: Any) -> Any:
        try:
            return await create_connected_udp_socket(*args, **keywords)
        except ConnectionFailed as error:
            raise error.__cause__ or error from None

    replace_everywhere(create_connected_udp_socket, create)


@mutant("UDP-10")
def local_port_of_a_connected_socket_is_forgotten(_: Broken) -> None:
    """create_connected_udp_socket() binds only if it is given a host."""

    async def create(*args: Any, local_host: Any = None, local_port: int = 0, **keywords: Any) -> Any:
        port = 0 if local_host is None else local_port
        return await create_connected_udp_socket(*args, local_host=local_host, local_port=port, **keywords)

    replace_everywhere(create_connected_udp_socket, create)


def takes_over(change: Callable[[Any, Any, dict[str, Any]], Any]) -> None:
    """Replace how UDP takes sockets over: ``change(adopt, (socket, class), options)``."""

    async def adopt(original: Any, sock: Any, make: Any, **options: Any) -> Any:
        return await change(original, (sock, make), options)

    around(udp, "adopt", adopt)


@mutant("UDP-11")
def any_datagram_socket_is_taken_over(_: Broken) -> None:
    """Whether a socket is connected, or for IP, is not looked at."""

    async def change(adopt: Any, args: Any, options: dict[str, Any]) -> Any:
        return await adopt(*args, kinds=options["kinds"])

    takes_over(change)


@mutant("UDP-11")
def refused_datagram_sockets_are_closed(_: Broken) -> None:
    """A socket that is refused is closed."""

    async def change(adopt: Any, args: Any, options: dict[str, Any]) -> Any:
        try:
            return await adopt(*args, **options)
        except ValueError:
            if isinstance(args[0], socket.socket):
                args[0].close()
            raise

    takes_over(change)


@mutant("UDP-11")
def sockets_are_taken_over_at_once(_: Broken) -> None:
    """from_socket() takes the socket before it looks for a cancellation."""

    async def change(adopt: Any, args: Any, options: dict[str, Any]) -> Any:
        if isinstance(args[0], socket.socket):
            args[0].setblocking(False)
        return await adopt(*args, **options)

    takes_over(change)
