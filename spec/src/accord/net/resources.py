"""What every object that owns a socket shares: its poller, its typed attributes, and closing both in order."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from .._attributes import TypedAttributeProvider
from .._backends import current_backend
from .._mixins import Closing
from ..exceptions import ClosedResourceError
from ..protocols import Poller
from .attributes import socket_attributes

R = TypeVar("R", bound="SocketResource")

_DESCRIPTORS = f"{__package__}.descriptors"

IP = (socket.AF_INET, socket.AF_INET6)


def create_poller(fd: int) -> Poller:
    """Return a poller of the running backend; ``NotImplementedError`` if it has none."""
    backend = current_backend()
    readiness = backend.readiness
    if readiness is None:
        raise NotImplementedError(f"backend {backend.name!r} does not have the capability 'readiness'")
    return readiness.create_poller(fd)


class SocketResource(TypedAttributeProvider, Closing):
    """A non-blocking socket together with its poller. Belongs to the loop in which it was made."""

    __slots__ = ("__weakref__", "_backend", "_closed", "_connected", "_poller", "_socket")

    def __init__(self, sock: socket.socket, connected: bool) -> None:
        sock.setblocking(False)
        self._backend = current_backend()
        self._poller = create_poller(sock.fileno())
        self._socket = sock
        self._closed = False
        self._connected = connected

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """See ``TypedAttributeProvider``; ``ClosedResourceError`` once closed."""
        self._check_open()
        return socket_attributes(self._socket, connected=self._connected)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedResourceError("this socket is closed")

    def _close(self) -> None:
        """Close the socket; tasks that wait for it get ``ClosedResourceError``."""
        if not self._closed:
            self._closed = True
            descriptors = sys.modules.get(_DESCRIPTORS)
            if descriptors is not None:
                descriptors.notify_closing(self._socket)  # somebody may wait for the raw socket
            self._poller.close()
            self._socket.close()

    async def aclose(self) -> None:
        """Close the socket; tasks that wait for it get ``ClosedResourceError``. Idempotent, a checkpoint (NET-6)."""
        self._close()
        backend = self._backend
        if backend.checkpoint_due():
            await backend.checkpoint()


async def adopt(
    sock_or_fd: socket.socket | int,
    make: Callable[[socket.socket], R],
    *,
    kinds: Collection[int],
    families: Collection[int] = (),
    connected: bool | None = None,
    listening: bool = False,
) -> R:
    """Make a resource of the caller's socket; a checkpoint. The socket stays the caller's if this raises (NET-20).

    :param make: the resource's class, or what makes one.
    :param kinds: the types of socket that will do, such as ``SOCK_STREAM``.
    :param families: the address families that will do; empty for all.
    :param connected: whether the socket must be connected, or must not be; None if either will do.
    :param listening: whether it must be listening.
    """
    if isinstance(sock_or_fd, bool) or not isinstance(sock_or_fd, int | socket.socket):
        raise TypeError(f"sock_or_fd must be a socket or a descriptor, not {type(sock_or_fd).__name__}")
    if isinstance(sock_or_fd, int) and sock_or_fd < 0:
        raise ValueError(f"sock_or_fd must not be negative, got {sock_or_fd}")
    await current_backend().checkpoint()
    try:
        sock = socket.socket(fileno=sock_or_fd) if isinstance(sock_or_fd, int) else sock_or_fd
    except OSError as exc:
        raise ValueError(f"sock_or_fd must be an open socket: {exc.strerror}") from exc
    timeout = sock.gettimeout()
    try:
        _check(sock, kinds, families, connected, listening)
        return make(sock)
    except BaseException:
        if sock is not sock_or_fd:
            sock.detach()
        elif sock.fileno() >= 0:
            sock.settimeout(timeout)
        raise


def _check(
    sock: socket.socket, kinds: Collection[int], families: Collection[int], connected: bool | None, listening: bool
) -> None:
    if sock.fileno() < 0:
        raise ValueError("sock_or_fd must be an open socket, and this one is closed")
    if sock.type not in kinds:
        wanted = " or ".join(socket.SocketKind(kind).name for kind in kinds)
        raise ValueError(f"sock_or_fd must be of type {wanted}, not {sock.type!r}")
    if families and sock.family not in families:
        wanted = " or ".join(socket.AddressFamily(family).name for family in families)
        raise ValueError(f"sock_or_fd must be of family {wanted}, not {sock.family!r}")
    if connected is not None and _is_connected(sock) is not connected:
        raise ValueError(f"sock_or_fd must {'' if connected else 'not '}be connected")
    if listening and not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise ValueError("sock_or_fd must be listening")


def _is_connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True
