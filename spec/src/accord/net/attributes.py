"""Typed attributes: facts about a stream that are looked up by a marker and keep their type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from ..exceptions import BrokenResourceError, TypedAttributeLookupError

if TYPE_CHECKING:
    import socket

T = TypeVar("T")
D = TypeVar("D")

_NO_DEFAULT: Any = object()


def typed_attribute() -> Any:
    """Return a new marker for a typed attribute."""
    return object()


class TypedAttributeProvider:
    """Something that has typed attributes."""

    __slots__ = ()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """A mapping of the markers that this object knows to functions that return their values."""
        return {}

    @overload
    def extra(self, attribute: T, /) -> T: ...
    @overload
    def extra(self, attribute: T, default: D, /) -> T | D: ...
    def extra(self, attribute: Any, default: Any = _NO_DEFAULT, /) -> Any:
        """Return the value of an attribute, or ``default``; ``TypedAttributeLookupError`` if there is neither."""
        getter = self.extra_attributes.get(attribute)
        if getter is not None:
            return getter()
        if default is _NO_DEFAULT:
            raise TypedAttributeLookupError(f"a {type(self).__name__} has no such attribute")
        return default


class SocketAttribute:
    """Attributes of sockets and listeners."""

    family = cast("socket.AddressFamily", typed_attribute())
    """The address family."""
    local_address = cast("tuple[str, int] | str", typed_attribute())
    """The local address: host and port, or a path."""
    local_port = cast(int, typed_attribute())
    """The local port; only for IP."""
    raw_socket = cast("socket.socket", typed_attribute())
    """The socket itself."""
    remote_address = cast("tuple[str, int] | str", typed_attribute())
    """The peer's address; only if connected."""
    remote_port = cast(int, typed_attribute())
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
