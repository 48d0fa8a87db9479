"""UDP over non-blocking sockets (area UDP)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, Self, TypeAlias, cast

from .._transfers import Sendable
from ..exceptions import ConnectionAttempt
from .addresses import (
    AddressInfo,
    IPAddressType,
    IPSockAddrType,
    check_family,
    check_host,
    check_numeric,
    check_port,
    check_sockaddr,
    numeric,
    numeric_address,
    public_address,
    resolve,
)
from .connecting import connection_failed
from .datagrams import DatagramSocket, as_bytes
from .resources import IP, adopt

UDPPacketType: TypeAlias = tuple[bytes, IPSockAddrType]
"""A datagram and the host and port that it came from or goes to."""

_LONGEST = 65536

_WILDCARDS = {socket.AF_INET: str(socket.inet_ntoa(bytes(4))), socket.AF_INET6: "::"}


class UDPSocket(DatagramSocket[UDPPacketType]):
    """A UDP socket that exchanges datagrams with any address; an item is ``(data, (host, port))``."""

    __slots__ = ("_family",)

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=False)
        self._family = int(sock.family)

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Take over a UDP socket that is not connected, and close it with the result; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is
            another kind of socket, ``TypeError`` if it is none.
        """
        return await adopt(sock_or_fd, cls, kinds=(socket.SOCK_DGRAM,), families=IP, connected=False)

    def _take(self) -> UDPPacketType:
        data, address = self._socket.recvfrom(_LONGEST)
        return data, address if len(address) == 2 else public_address(address)

    async def send(self, item: UDPPacketType, /) -> None:
        """Send a datagram to an address: ``(data, (host, port))``; otherwise as ``sendto``."""
        pair: Any = item
        if not isinstance(pair, tuple) or len(cast("tuple[object, ...]", pair)) != 2:
            raise TypeError("item must be a tuple of data and address")
        data = as_bytes(item[0])
        await self._send_to(data, *check_sockaddr(item[1], "the address in item"))

    async def sendto(self, data: Sendable, host: IPAddressType, port: int) -> None:
        """Send a datagram to an address, waiting until the system has taken it; a checkpoint (UDP-2 to UDP-9).

        :param data: may be empty.
        :param host: a numeric address of the socket's family. Names have to be resolved before, with ``getaddrinfo``.
        :param port: 1 to 65535.

        Raises ``ValueError`` if the data is too long for a datagram, or the host isn't such an address,
        ``ClosedResourceError``, ``BusyResourceError``, and ``BrokenResourceError`` for any other error that the system
        reports; the socket can be used further. If it raises, whatever it is, this datagram was not sent.
        """
        await self._send_to(as_bytes(data), host if type(host) is str else check_numeric(host), port)

    def _send_to(self, data: bytes, host: str, port: int) -> Coroutine[Any, Any, None]:
        return self._send(partial(self._socket.sendto, data, _destination(host, port, self._family)))


@lru_cache(maxsize=4096, typed=True)  # an answer goes to where others went before
def _destination(host: str, port: int, family: int) -> Any:
    """Return the operating system's form of an address; ``ValueError`` or ``TypeError`` if it is none of the family."""
    check_numeric(host)
    check_port(port, minimum=1)
    if numeric(host) != family:
        version = "IPv6" if family == socket.AF_INET6 else "IPv4"
        raise ValueError(f"host must be an {version} address, as the socket is of that family, got {host!r}")
    return numeric_address(host, port, family)


class ConnectedUDPSocket(DatagramSocket[bytes]):
    """A UDP socket that exchanges datagrams with one address; an item is ``bytes``."""

    __slots__ = ()

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=True)

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Take over a connected UDP socket, and close it with the result; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is
            another kind of socket, ``TypeError`` if it is none.
        """
        return await adopt(sock_or_fd, cls, kinds=(socket.SOCK_DGRAM,), families=IP, connected=True)

    def _take(self) -> bytes:
        return self._socket.recv(_LONGEST)

    async def send(self, item: Sendable, /) -> None:
        """Send a datagram, waiting until the system has taken it; a checkpoint (UDP-2 to UDP-9).

        :param item: the data; may be empty.

        Raises ``ValueError`` if it is too long for a datagram, ``ClosedResourceError``, ``BusyResourceError``, and
        ``BrokenResourceError`` for any other error that the system reports, as that an earlier datagram has not reached
        the peer; the socket can be used further. If it raises, whatever it is, this datagram was not sent.
        """
        await self._send(partial(self._socket.send, as_bytes(item)))


async def create_udp_socket(
    family: int = socket.AF_UNSPEC,
    *,
    local_host: IPAddressType | None = None,
    local_port: int = 0,
    reuse_port: bool = False,
) -> UDPSocket:
    """Make a UDP socket that is bound to a local address; a checkpoint (UDP-1).

    :param family: AF_INET or AF_INET6; may be left out if ``local_host`` is given. An AF_INET6 socket is for IPv6 only.
    :param local_host: the address to bind to, or a name for it; None for all interfaces.
    :param local_port: 0 lets the system choose one; see ``sock.extra(SocketAttribute.local_port)``.
    :param reuse_port: whether several sockets may be bound to the port, among which the system distributes datagrams.

    Raises ``OSError`` if the address can't be bound, and ``socket.gaierror`` if the name can't be resolved.
    """
    family = check_family(family)
    if local_host is None and family == socket.AF_UNSPEC:
        raise ValueError("create_udp_socket() needs family or local_host")
    host = _WILDCARDS[socket.AddressFamily(family)] if local_host is None else check_host(local_host, "local_host")
    check_port(local_port, "local_port")
    _check_reuse(reuse_port)
    infos = await resolve(host, local_port, socket.SOCK_DGRAM, family, socket.AI_PASSIVE)
    for info in infos[:-1]:
        try:
            return _bound(info, host, reuse_port)
        except OSError:
            continue  # what matters is the error of the last one
    return _bound(infos[-1], host, reuse_port)


async def create_connected_udp_socket(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    family: int = socket.AF_UNSPEC,
    local_host: IPAddressType | None = None,
    local_port: int = 0,
    reuse_port: bool = False,
) -> ConnectedUDPSocket:
    """Make a UDP socket that exchanges datagrams with one address only; a checkpoint (UDP-1).

    :param remote_host: a name or a numeric address. The first address of a name to which there is a route is taken.
    :param remote_port: 1 to 65535.
    :param family: AF_INET or AF_INET6 for an address of that family only.
    :param local_host: the address to bind to, or a name for it; None for the one that leads to the remote address.
    :param local_port: 0 lets the system choose one; see ``sock.extra(SocketAttribute.local_port)``.
    :param reuse_port: whether several sockets may be bound to the local port.

    No datagram is sent yet, so nothing is known of the peer. Raises ``ConnectionFailed`` if there is no route,
    ``OSError`` if the local address can't be bound, and ``socket.gaierror`` if a name can't be resolved.
    """
    host = check_host(remote_host, "remote_host")
    port = check_port(remote_port, "remote_port", minimum=1)
    family = check_family(family)
    local = None if local_host is None else check_host(local_host, "local_host")
    check_port(local_port, "local_port")
    _check_reuse(reuse_port)
    infos = await resolve(host, port, socket.SOCK_DGRAM, family)
    ours: dict[int, AddressInfo] = {}
    if local is not None:
        found = await resolve(local, local_port, socket.SOCK_DGRAM, family, socket.AI_PASSIVE)
        ours = {info[0]: info for info in reversed(found)}
    failures: list[ConnectionAttempt] = []
    for info in infos:
        local_info = ours.get(info[0])
        if local_info is None:
            if local is not None:
                error = OSError(errno.EADDRNOTAVAIL, "local_host has no address of this family")
                failures.append(ConnectionAttempt(public_address(info[3]), error, 0.0))
                continue
            if local_port:
                wildcard = _WILDCARDS[info[0]]
                local_info = (*info[:3], numeric_address(wildcard, local_port, info[0]))
        sock = _new_socket(info, local_info, local, reuse_port)
        with _closing_on_error(sock):
            try:
                sock.connect(info[3])
            except OSError as exc:
                failures.append(ConnectionAttempt(public_address(info[3]), exc.with_traceback(None), 0.0))
                sock.close()
                continue
            return ConnectedUDPSocket(sock)
    try:
        raise connection_failed(host, port, failures)
    finally:
        failures.clear()


def _check_reuse(reuse_port: bool) -> None:
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("reuse_port: this system has no such option")


def _bound(info: AddressInfo, host: str, reuse_port: bool) -> UDPSocket:
    sock = _new_socket(info, info, host, reuse_port)
    with _closing_on_error(sock):
        return UDPSocket(sock)


def _new_socket(info: AddressInfo, local: AddressInfo | None, host: str | None, reuse_port: bool) -> socket.socket:
    sock = socket.socket(*info[:3])
    with _closing_on_error(sock):
        if info[0] == socket.AF_INET6:
            # What an IPv6 socket gets from IPv4 hosts, and from where, would differ between systems.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if local is not None:
            try:
                sock.bind(local[3])
            except OSError as exc:
                where = f"{host or 'all interfaces'}, port {local[3][1]}"
                code = errno.errorcode.get(exc.errno or 0, str(exc.errno))
                raise OSError(exc.errno, f"bind to {where}, failed: {code}") from exc
    return sock


@contextmanager
def _closing_on_error(sock: socket.socket) -> Generator[None, None, None]:
    """Close a socket if the block raises."""
    try:
        yield
    except BaseException:
        sock.close()
        raise
