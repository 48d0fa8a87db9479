"""Connecting and listening by TCP."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import IPv4Address
from typing import Any

from .._backends import current_backend
from ..exceptions import ConnectionFailed
from ..to_thread import run_sync
from .resources import create_poller
from .sockets import SocketListener, SocketStream

BACKLOG = 65536
_ANY = str(IPv4Address(0))


def _check_port(port: object) -> int:
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"port must be an int, not {type(port).__name__}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port must be from 0 to 65535, got {port}")
    return port


async def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    try:
        return [
            tuple(info) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]
    except socket.gaierror:
        pass  # a name: ask the resolver, which may block
    infos = await run_sync(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), abandon_on_cancel=True)
    return [tuple(info) for info in infos]


async def _connect(family: int, proto: int, address: Any) -> SocketStream:
    sock = socket.socket(family, socket.SOCK_STREAM, proto)
    try:
        sock.setblocking(False)
        code = sock.connect_ex(address)
        if code == errno.EINPROGRESS:
            poller = create_poller(sock.fileno())
            try:
                code = await poller.writable(lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
            finally:
                poller.close()
        if code:
            raise OSError(code, os.strerror(code))
        return SocketStream(sock)
    except BaseException:
        sock.close()
        raise


async def connect_tcp(remote_host: str, remote_port: int) -> SocketStream:
    """Connect to a TCP server; a checkpoint.

    :param remote_host: a name or a numeric address. The addresses of a name are tried one after the other.
    :param remote_port: 1 to 65535.

    Raises ``ConnectionFailed``, and ``socket.gaierror`` if the name can't be resolved.
    """
    port = _check_port(remote_port)
    if not isinstance(remote_host, str):
        raise TypeError(f"remote_host must be a str, not {type(remote_host).__name__}")
    await current_backend().checkpoint()
    errors: list[OSError] = []
    for family, _, proto, _, address in await _resolve(remote_host, port):
        try:
            return await _connect(family, proto, address)
        except OSError as exc:
            errors.append(exc)
    last = errors[-1]
    code = errno.errorcode.get(last.errno or 0, str(last.errno))
    tried = "1 address" if len(errors) == 1 else f"{len(errors)} addresses"
    raise ConnectionFailed(
        last.errno, f"connect to {remote_host}:{port} failed: {code} ({tried} tried)", remote_host, port
    ) from (last if len(errors) == 1 else ExceptionGroup("attempts to connect", errors))


async def create_tcp_listener(*, local_host: str | None = None, local_port: int = 0) -> SocketListener:
    """Listen for TCP connections; a checkpoint.

    :param local_host: the address to bind to; None for all interfaces (IPv4).
    :param local_port: 0 lets the system choose one; see ``listener.extra(SocketAttribute.local_port)``.
    """
    port = _check_port(local_port)
    await current_backend().checkpoint()
    family, _, proto, _, address = (await _resolve(local_host or _ANY, port))[0]
    sock = socket.socket(family, socket.SOCK_STREAM, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        return SocketListener(sock)
    except BaseException:
        sock.close()
        raise
