"""The typed attributes of sockets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._attributes import TypedAttributeSet, typed_attribute
from ..exceptions import BrokenResourceError

if TYPE_CHECKING:
    import socket


class SocketAttribute(TypedAttributeSet):
    """Attributes of sockets and listeners."""

    family: socket.AddressFamily = typed_attribute()
    """The address family."""
    local_address: tuple[str, int] | str = typed_attribute()
    """The local address: host and port, or a path."""
    local_port: int = typed_attribute()
    """The local port; only for IP."""
    raw_socket: socket.socket = typed_attribute()
    """The socket itself."""
    remote_address: tuple[str, int] | str = typed_attribute()
    """The peer's address; only if connected."""
    remote_port: int = typed_attribute()
    """The peer's port; only if connected, only for IP."""


def socket_attributes(sock: socket.socket, *, connected: bool) -> Mapping[Any, Callable[[], Any]]:
    """Return the typed attributes of a socket."""
    import socket  # not sooner: importing accord shouldn't import it

    from .addresses import public_address
    from .paths import public_path

    is_ip = sock.family in (socket.AF_INET, socket.AF_INET6)
    address: Callable[[Any], Any] = public_address if is_ip else public_path

    def peer() -> Any:
        try:
            return sock.getpeername()
        except OSError as exc:
            raise BrokenResourceError("the connection is broken, and the peer's address not known any more") from exc

    attributes: dict[Any, Callable[[], Any]] = {
        SocketAttribute.family: lambda: sock.family,
        SocketAttribute.local_address: lambda: address(sock.getsockname()),
        SocketAttribute.raw_socket: lambda: sock,
    }
    if is_ip:
        attributes[SocketAttribute.local_port] = lambda: sock.getsockname()[1]
    if connected:
        attributes[SocketAttribute.remote_address] = lambda: address(peer())
        if is_ip:
            attributes[SocketAttribute.remote_port] = lambda: peer()[1]
    return attributes
