"""Datagrams over UNIX sockets (area UNIX)."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Self, TypeAlias, cast

from .._backends import current_backend
from .._transfers import NOT_READY, Sendable
from ..exceptions import IncompleteRead
from ..to_thread import run_sync
from . import paths
from .backoff import Backoff
from .datagrams import DatagramSocket, as_bytes
from .paths import UNIXPathType, check_length, check_mode, check_path, public_path
from .resources import adopt
from .unix import unix_connection_failed

UNIXDatagramPacketType: TypeAlias = tuple[bytes, str]
"""A datagram and the path that it came from or goes to; the path is empty if the sender has none."""

_LONGEST = 1 << 18
_UNIX = (socket.AF_UNIX,)


def _take_whole(sock: socket.socket) -> tuple[bytes, Any]:
    data, _, flags, address = sock.recvmsg(_LONGEST)
    if flags & socket.MSG_TRUNC:
        raise IncompleteRead(f"the datagram was longer than {_LONGEST} bytes, the rest is lost", data)
    return data, address


class UNIXDatagramSocket(DatagramSocket[UNIXDatagramPacketType]):
    """A UNIX socket that exchanges datagrams with any path; an item is ``(data, path)``."""

    __slots__ = ()

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=False)

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Take over a UNIX datagram socket that is not connected, and close it with the result; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is
            another kind of socket, ``TypeError`` if it is none.
        """
        return await adopt(sock_or_fd, cls, kinds=(socket.SOCK_DGRAM,), families=_UNIX, connected=False)

    def _take(self) -> UNIXDatagramPacketType:
        data, address = _take_whole(self._socket)
        return data, public_path(address)

    async def send(self, item: UNIXDatagramPacketType, /) -> None:
        """Send a datagram to a path: ``(data, path)``; otherwise as ``sendto``."""
        pair: Any = item
        if not isinstance(pair, tuple) or len(cast("tuple[object, ...]", pair)) != 2:
            raise TypeError("item must be a tuple of data and path")
        await self.sendto(*item)

    async def sendto(self, data: Sendable, path: UNIXPathType) -> None:
        """Send a datagram to a path, waiting until there is room in the receiver's queue; a checkpoint (UNIX-10).

        :param data: may be empty.
        :param path: of the receiver's socket.

        Raises ``ValueError`` if the data is too long for a datagram, ``ClosedResourceError``, ``BusyResourceError``,
        and ``BrokenResourceError`` for any other error that the system reports, as that nobody receives there; the
        socket can be used further. If it raises, whatever it is, this datagram was not sent.
        """
        item = as_bytes(data)
        address = check_path(path)
        check_length(address)
        await self._send(partial(self._socket.sendto, item, address))

    async def _wait_and_send(self, attempt: Callable[[], object]) -> None:
        # The system calls this socket writable while the queue of the receiver is full, which it doesn't know.
        def sent() -> bool:
            try:
                attempt()
            except NOT_READY:
                return False
            return True

        backoff = Backoff()
        while not await self._poller.writable(sent):
            await backoff.pause()


class ConnectedUNIXDatagramSocket(DatagramSocket[bytes]):
    """A UNIX socket that exchanges datagrams with one path; an item is ``bytes``."""

    __slots__ = ()

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=True)

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Take over a connected UNIX datagram socket, and close it with the result; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is
            another kind of socket, ``TypeError`` if it is none.
        """
        return await adopt(sock_or_fd, cls, kinds=(socket.SOCK_DGRAM,), families=_UNIX, connected=True)

    def _take(self) -> bytes:
        return _take_whole(self._socket)[0]

    async def send(self, item: Sendable, /) -> None:
        """Send a datagram, waiting until there is room in the receiver's queue; a checkpoint (UNIX-10).

        :param item: the data; may be empty.

        Raises as ``UNIXDatagramSocket.sendto`` does.
        """
        await self._send(partial(self._socket.send, as_bytes(item)))


async def create_unix_datagram_socket(
    *, local_path: UNIXPathType | None = None, local_mode: int | None = None
) -> UNIXDatagramSocket:
    """Make a UNIX datagram socket; a checkpoint (UNIX-3, UNIX-4, UNIX-10).

    :param local_path: where others send datagrams to; a socket that is there is replaced. Without it nobody can answer.
    :param local_mode: the mode of the socket's file; by default what the process's umask leaves.

    The file is not removed when the socket is closed. Raises ``OSError`` if the path can't be bound.
    """
    return UNIXDatagramSocket(await _bound(local_path, local_mode))


async def create_connected_unix_datagram_socket(
    remote_path: UNIXPathType, *, local_path: UNIXPathType | None = None, local_mode: int | None = None
) -> ConnectedUNIXDatagramSocket:
    """Make a UNIX socket that exchanges datagrams with one other; a checkpoint (UNIX-3, UNIX-4, UNIX-10).

    :param remote_path: of the other socket, which must be there.
    :param local_path: where the other one sends datagrams to; a socket that is there is replaced.
    :param local_mode: the mode of the socket's file; by default what the process's umask leaves.

    The file is not removed when the socket is closed. Raises ``ConnectionFailed`` if there is no such socket, and
    ``OSError`` if the local path can't be bound.
    """
    remote = check_path(remote_path, "remote_path")
    sock = await _bound(local_path, local_mode)
    try:
        try:
            check_length(remote)
            sock.connect(remote)
        except OSError as exc:
            raise unix_connection_failed(remote, exc) from exc
        return ConnectedUNIXDatagramSocket(sock)
    except BaseException:
        sock.close()
        if local_path is not None:
            paths.unlink(check_path(local_path))
        raise


async def _bound(local_path: UNIXPathType | None, local_mode: int | None) -> socket.socket:
    check_mode(local_mode, "local_mode")
    path = None if local_path is None else check_path(local_path, "local_path")
    if path is None:
        await current_backend().checkpoint()
        return socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    check_length(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        await run_sync(paths.bind, sock, path, local_mode)
    except BaseException:
        sock.close()
        raise
    return sock
