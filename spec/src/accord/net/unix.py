"""Connections over UNIX sockets (area UNIX)."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

from .._backends import current_backend
from ..exceptions import ConnectionAttempt, ConnectionFailed
from ..to_thread import run_sync
from . import paths
from .backoff import Backoff
from .listeners import SocketListener
from .paths import UNIXPathType, check_length, check_mode, check_path
from .unix_streams import UNIXSocketStream, stream_class

BACKLOG = 65536

ConnectionKind = Literal[socket.SocketKind.SOCK_STREAM, socket.SocketKind.SOCK_SEQPACKET]


def unix_connection_failed(path: bytes, exc: OSError) -> ConnectionFailed:
    """Return the error for a UNIX socket that can't be connected with (UNIX-5)."""
    code = errno.errorcode.get(exc.errno or 0, str(exc.errno))
    where = paths.shown(path)
    attempt = ConnectionAttempt(where, exc.with_traceback(None), 0.0)
    return ConnectionFailed(exc.errno, f"connect to {where} failed: {code}", paths.public_path(path), None, [attempt])


async def connect_unix(path: UNIXPathType, kind: ConnectionKind = socket.SOCK_STREAM) -> UNIXSocketStream:
    """Connect to a UNIX socket; a checkpoint (UNIX-1, UNIX-5, UNIX-6).

    :param path: of the listening socket; an abstract name begins with a NUL character.
    :param kind: SOCK_STREAM, or SOCK_SEQPACKET for a connection that keeps the boundaries of what is sent.

    While the listener's backlog is full it waits. Raises ``ConnectionFailed`` if there is no such socket.
    """
    address = check_path(path)
    make = stream_class(kind)
    await current_backend().checkpoint()
    with _new_socket(kind) as sock:
        try:
            check_length(address)
            backoff = Backoff()
            # A UNIX socket connects at once or fails. EAGAIN says that the backlog is full, and leaves it unconnected.
            while (code := sock.connect_ex(address)) in (errno.EAGAIN, errno.EINTR):
                await backoff.pause()
            if code:
                raise OSError(code, os.strerror(code))
        except OSError as exc:
            raise unix_connection_failed(address, exc) from exc
        return make(sock)


async def create_unix_listener(
    path: UNIXPathType,
    *,
    mode: int | None = None,
    backlog: int = BACKLOG,
    kind: ConnectionKind = socket.SOCK_STREAM,
) -> SocketListener[UNIXSocketStream]:
    """Listen for connections on a path; a checkpoint (UNIX-1, UNIX-3, UNIX-4).

    :param path: of the new socket; a socket that is there is replaced, anything else is an error. An abstract name
        begins with a NUL character.
    :param mode: the mode of the socket's file; by default what the process's umask leaves.
    :param backlog: how many connections may wait to be accepted, as far as the system allows.
    :param kind: SOCK_STREAM, or SOCK_SEQPACKET for connections that keep the boundaries of what is sent.

    The file is not removed when the listener is closed. Raises ``OSError`` if the path can't be bound.
    """
    address = check_path(path)
    make = stream_class(kind)
    check_mode(mode)
    if isinstance(backlog, bool) or not isinstance(backlog, int):
        raise TypeError(f"backlog must be an int, not {type(backlog).__name__}")
    if backlog < 0:
        raise ValueError(f"backlog must not be negative, got {backlog}")
    check_length(address)

    def listen() -> None:
        paths.bind(sock, address, mode)
        try:
            sock.listen(min(backlog, BACKLOG))
        except BaseException:
            paths.unlink(address)
            raise

    with _new_socket(kind) as sock:
        await run_sync(listen)  # the path may be on a slow disk
        return SocketListener(sock, make)


@contextmanager
def _new_socket(kind: int) -> Generator[socket.socket, None, None]:
    """A non-blocking socket, which is closed if the block raises."""
    sock = socket.socket(socket.AF_UNIX, kind)
    try:
        sock.setblocking(False)
        yield sock
    except BaseException:
        sock.close()
        raise
