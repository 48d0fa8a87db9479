"""Connecting and listening by TCP."""

from __future__ import annotations

import errno
import math
import os
import socket
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from .addresses import AddressInfo, IPAddressType, check_family, check_host, check_port, resolve
from .connecting import connect_to_one, connection_failed
from .listeners import SocketListener
from .sockets import SocketStream

if TYPE_CHECKING:
    import ssl

    from ..exceptions import ConnectionAttempt
    from ..streams.stapled import MultiListener
    from ..streams.tls import TLSStream

BACKLOG = 65536

_UNDER_WAY = {errno.EINPROGRESS, errno.EALREADY, errno.EWOULDBLOCK}
_WILDCARDS = {socket.AF_INET6: "::", socket.AF_INET: str(socket.inet_ntoa(bytes(4)))}
_PORTS_TRIED = 20


@overload
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = ...,
    local_port: int | None = ...,
    tls: Literal[True],
    ssl_context: ssl.SSLContext | None = ...,
    tls_standard_compatible: bool = ...,
    tls_hostname: str | None = ...,
    happy_eyeballs_delay: float = ...,
) -> TLSStream: ...
@overload
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = ...,
    local_port: int | None = ...,
    tls: None = ...,
    ssl_context: ssl.SSLContext,
    tls_standard_compatible: bool = ...,
    tls_hostname: str | None = ...,
    happy_eyeballs_delay: float = ...,
) -> TLSStream: ...
@overload
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = ...,
    local_port: int | None = ...,
    tls: None = ...,
    ssl_context: None = ...,
    tls_standard_compatible: bool = ...,
    tls_hostname: str,
    happy_eyeballs_delay: float = ...,
) -> TLSStream: ...
@overload
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = ...,
    local_port: int | None = ...,
    tls: Literal[False] | None = ...,
    ssl_context: None = ...,
    tls_standard_compatible: bool = ...,
    tls_hostname: None = ...,
    happy_eyeballs_delay: float = ...,
) -> SocketStream: ...
@overload
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = ...,
    local_port: int | None = ...,
    tls: bool | None = ...,
    ssl_context: ssl.SSLContext | None = ...,
    tls_standard_compatible: bool = ...,
    tls_hostname: str | None = ...,
    happy_eyeballs_delay: float = ...,
) -> SocketStream | TLSStream: ...
async def connect_tcp(
    remote_host: IPAddressType,
    remote_port: int,
    *,
    local_host: IPAddressType | None = None,
    local_port: int | None = None,
    tls: bool | None = None,
    ssl_context: ssl.SSLContext | None = None,
    tls_standard_compatible: bool = True,
    tls_hostname: str | None = None,
    happy_eyeballs_delay: float = 0.25,
) -> SocketStream | TLSStream:
    """Connect to a TCP server, by TLS if any TLS argument is given; a checkpoint (NET-1, NET-11, NET-16 to NET-18).

    :param remote_host: a name or a numeric address. The addresses of a name are tried in turns, overlapping.
    :param remote_port: 0 to 65535.
    :param local_host: the address to connect from.
    :param local_port: the port to connect from.
    :param tls: whether to use TLS; None for "if ``ssl_context`` or ``tls_hostname`` is given".
    :param ssl_context: for TLS; by default one that verifies certificates and needs TLS 1.2.
    :param tls_standard_compatible: whether the end of the connection must be announced by the TLS layer.
    :param tls_hostname: the name that the certificate must have; by default ``remote_host``.
    :param happy_eyeballs_delay: seconds between the beginnings of two attempts.

    Raises ``ConnectionFailed``, ``socket.gaierror`` if the name can't be resolved, and with TLS ``ssl.SSLError``.
    """
    host = check_host(remote_host, "remote_host")
    port = check_port(remote_port, "remote_port")
    secure = _wants_tls(tls, ssl_context, tls_hostname)
    delay = _check_delay(happy_eyeballs_delay)
    local = None if local_host is None else check_host(local_host, "local_host")
    if local_port is not None:
        check_port(local_port, "local_port")
    infos = await resolve(host, port, socket.SOCK_STREAM)
    failures: list[ConnectionAttempt] = []
    if local is None and local_port is None:
        stream = await connect_to_one(infos, _connect, delay, failures)
    else:
        ours = await _local_addresses(local, local_port or 0)

        async def connect(info: AddressInfo) -> SocketStream:
            return await _connect(info, _our_end(ours, info[0]))

        stream = await connect_to_one(infos, connect, delay, failures)
    if stream is None:
        try:
            raise connection_failed(host, port, failures)
        finally:
            del failures
    if not secure:
        return stream
    from ..streams.tls import TLSStream

    return await TLSStream.wrap(
        stream,
        server_side=False,
        hostname=host if tls_hostname is None else tls_hostname,
        ssl_context=ssl_context,
        standard_compatible=tls_standard_compatible,
    )


def _wants_tls(tls: bool | None, ssl_context: ssl.SSLContext | None, tls_hostname: str | None) -> bool:
    if tls is not None and not isinstance(tls, bool):
        raise TypeError(f"tls must be a bool or None, not {type(tls).__name__}")
    argument = "ssl_context" if ssl_context is not None else "tls_hostname" if tls_hostname is not None else None
    if tls is False and argument is not None:
        raise ValueError(f"{argument} can't be used with tls=False")
    return tls is True or argument is not None


def _check_delay(delay: object) -> float:
    if isinstance(delay, bool) or not isinstance(delay, int | float):
        raise TypeError(f"happy_eyeballs_delay must be a number of seconds, not {type(delay).__name__}")
    if math.isnan(delay) or delay < 0:
        raise ValueError(f"happy_eyeballs_delay must not be negative, got {delay}")
    return delay


async def _local_addresses(host: str | None, port: int) -> dict[int, Any]:
    """Return the address to bind to, by family."""
    if host is None:
        return {family: (address, port) for family, address in _WILDCARDS.items()}
    infos = await resolve(host, port, socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return {family: address for family, _, _, address in reversed(infos)}


def _our_end(ours: dict[int, Any], family: int) -> Any:
    if family not in ours:
        raise OSError(errno.EADDRNOTAVAIL, "local_host has no address of this family")
    return ours[family]


async def _connect(info: AddressInfo, local: Any = None) -> SocketStream:
    family, kind, proto, address = info
    sock = socket.socket(family, kind, proto)
    try:
        stream = SocketStream(sock)
    except BaseException:
        sock.close()
        raise

    def attempt() -> int:
        # Asked again, the system says how the connection that it is making gets on.
        code = sock.connect_ex(address)
        if code in _UNDER_WAY:
            raise BlockingIOError(code, "connecting")
        return 0 if code == errno.EISCONN else code

    try:
        if local is not None:
            _bind(sock, local)
        code = sock.connect_ex(address)
        if code in _UNDER_WAY:
            try:
                code = attempt()  # a connection within the machine stands by now
            except BlockingIOError:
                code = await stream._poller.writable(attempt)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        stream._close()
        raise
    return stream


def _bind(sock: socket.socket, address: Any) -> None:
    try:
        sock.bind(address)
    except OSError as exc:
        raise OSError(exc.errno, f"can't bind to {address[0]}, port {address[1]}: {exc.strerror}") from None


async def create_tcp_listener(
    *,
    local_host: IPAddressType | None = None,
    local_port: int = 0,
    family: int = socket.AF_UNSPEC,
    backlog: int = BACKLOG,
    reuse_port: bool = False,
) -> MultiListener[SocketStream]:
    """Listen for TCP connections; a checkpoint (NET-1, NET-19).

    :param local_host: the address to bind to, or a name for one or several; None for all interfaces.
    :param local_port: 0 lets the system choose one, the same for all addresses; see
        ``listener.extra(SocketAttribute.local_port)``.
    :param family: AF_INET or AF_INET6 for addresses of that family only.
    :param backlog: how many connections may wait to be accepted, as far as the system allows.
    :param reuse_port: whether several sockets may listen on the port, among which the system distributes connections.

    Raises ``OSError`` if an address can't be bound, and ``socket.gaierror`` if the name can't be resolved.
    """
    port = check_port(local_port, "local_port")
    family = check_family(family)
    host = None if local_host is None else check_host(local_host, "local_host")
    if isinstance(backlog, bool) or not isinstance(backlog, int):
        raise TypeError(f"backlog must be an int, not {type(backlog).__name__}")
    if backlog < 0:
        raise ValueError(f"backlog must not be negative, got {backlog}")
    if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
        raise ValueError("reuse_port: this system has no such option")
    infos: list[AddressInfo] = []
    for name in [host] if host is not None else _WILDCARDS.values():
        of = family if host is not None else socket.AF_INET6 if ":" in name else socket.AF_INET
        if host is not None or family in (of, socket.AF_UNSPEC):
            infos += await resolve(name, port, socket.SOCK_STREAM, of, socket.AI_PASSIVE)
    from ..streams.stapled import MultiListener

    sockets = _listen_on(list(dict.fromkeys(infos)), host, port, min(backlog, BACKLOG), reuse_port)
    try:
        listeners = [SocketListener(sock, SocketStream) for sock in sockets]
    except BaseException:
        _close_all(sockets)
        raise
    return MultiListener(listeners)


def _listen_on(
    infos: Sequence[AddressInfo], host: str | None, port: int, backlog: int, reuse_port: bool
) -> list[socket.socket]:
    for tries_left in reversed(range(_PORTS_TRIED)):
        sockets: list[socket.socket] = []
        unavailable: OSError | None = None
        chosen = port
        try:
            for info in infos:
                try:
                    sock = _bound(info, chosen, reuse_port)
                except OSError as exc:
                    # The machine may know of a family without having an address of it.
                    if exc.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                        raise
                    unavailable = exc
                    continue
                sockets.append(sock)
                chosen = sock.getsockname()[1]
            if not sockets and unavailable is not None:
                raise unavailable
            for sock in sockets:
                sock.listen(backlog)
        except OSError as exc:
            shared = len(sockets) > 0 and port == 0 and exc.errno == errno.EADDRINUSE
            _close_all(sockets)
            if shared and tries_left:
                continue  # the port that was free for the first address was taken for another
            code = errno.errorcode.get(exc.errno or 0, str(exc.errno))
            where = "all interfaces" if host is None else host
            raise OSError(exc.errno, f"listen on {where}, port {port}, failed: {code}") from exc
        except BaseException:
            _close_all(sockets)
            raise
        return sockets
    raise AssertionError("the last try returns or raises")


def _bound(info: AddressInfo, port: int, reuse_port: bool) -> socket.socket:
    family, kind, proto, address = info
    sock = socket.socket(family, kind, proto)
    try:
        if sys.platform == "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own, so that its clients' addresses look like what they are.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address[0], port, *address[2:]))
    except BaseException:
        sock.close()
        raise
    return sock


def _close_all(sockets: Sequence[socket.socket]) -> None:
    for sock in sockets:
        sock.close()
