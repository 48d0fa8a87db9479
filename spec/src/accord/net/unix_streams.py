"""Streams over UNIX sockets: bytes or records, and file descriptors that go with them (area UNIX).

Descriptors travel with the first byte of the message that they were sent with, and the system makes new descriptors of
them in the receiving process at the moment of the read. From then on somebody has to close them: the caller if it gets
them, and otherwise this module.

A stream of the kind SOCK_SEQPACKET keeps the boundaries of what was sent: a ``send`` is one record, which one
``receive`` returns. An empty record can't be told from the end of the stream, and so it can't be sent.
"""

from __future__ import annotations

import array
import errno
import os
import socket
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Self, TypeAlias, cast

from .._transfers import NOT_READY, Sendable
from ..exceptions import BrokenResourceError, BusyResourceError, EndOfStream, IncompleteRead
from ..streams.checking import check_size
from .datagrams import as_bytes
from .descriptors import FileDescriptorLike
from .resources import adopt
from .sockets import SocketStream

Received: TypeAlias = tuple[bytes, list[int], int]
"""Data, descriptors, and the flags of ``recvmsg``."""

_KINDS = (socket.SOCK_STREAM, socket.SOCK_SEQPACKET)
_CLOSE_ON_EXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_FD_SIZE = array.array("i").itemsize
_MOST_FDS = 1024  # more than any system sends at once

# What the system refuses for what it was given, before anything is sent:
_WRONG = {
    errno.EMSGSIZE: "the record is too long for this socket: nothing was sent",
    errno.EBADF: "fds must be open file descriptors: nothing was sent",
    errno.EINVAL: "fds must be no more than the system sends at once: nothing was sent",
}


class UNIXSocketStream(SocketStream):
    """A connected UNIX socket (areas NET and UNIX)."""

    __slots__ = ()

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Take over a connected UNIX socket, and close it with the result; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor, of type SOCK_STREAM or SOCK_SEQPACKET. It stays the caller's if
            this raises: ``ValueError`` if it is another kind of socket, ``TypeError`` if it is none.
        """
        make: Any = _stream
        return await adopt(sock_or_fd, make, kinds=_KINDS, families=(socket.AF_UNIX,), connected=True)

    async def send_fds(self, message: Sendable, fds: Collection[FileDescriptorLike]) -> None:
        """Send data and with its first byte file descriptors; a checkpoint (UNIX-7).

        :param message: at least one byte.
        :param fds: at least one descriptor, or object with ``fileno()``. They stay open here, and are the caller's.

        If it is cancelled a part of the data may have been sent, with all the descriptors, and nothing is sent
        afterwards. Raises ``TypeError`` or ``ValueError`` for wrong arguments, also for descriptors that are not open
        and for more than the system sends at once, ``OSError`` with ETOOMANYREFS if too many are under way, and
        otherwise what ``send`` raises.
        """
        data = as_bytes(message)
        if not len(data):
            raise ValueError("message must not be empty")
        await self._send_message(data, [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _check_fds(fds))])

    async def _send_message(self, data: bytes, ancillary: list[Any]) -> None:
        if self._sending:
            raise BusyResourceError("sending to")
        self._sending = True
        try:
            backend = self._backend
            if self._closed or self._broken is not None or self._eof_sent or backend.checkpoint_due():
                await backend.checkpoint()
                self._check_sendable()
            attempt = partial(self._socket.sendmsg, [data], ancillary)
            try:
                sent = attempt()
            except NOT_READY:
                sent = await self._poller.writable(attempt)
            if sent < len(data):
                await self._send_rest(data, sent)
        except OSError as exc:
            if exc.errno in _WRONG:
                raise ValueError(_WRONG[exc.errno]) from exc
            if exc.errno == errno.ETOOMANYREFS:
                raise
            raise self._failed(exc) from exc
        finally:
            self._sending = False

    async def receive_fds(self, msglen: int, maxfds: int) -> tuple[bytes, list[int]]:
        """Receive data and the file descriptors that came with it; a checkpoint (UNIX-8).

        :param msglen: how many bytes to receive at most.
        :param maxfds: how many descriptors to receive at most.

        The descriptors are the caller's to close; programs that are started don't inherit them. Raises
        ``IncompleteRead``, with the data, if more descriptors came or the process can't have more: then all of them
        have been closed. Otherwise it raises what ``receive`` does. If it is cancelled nothing is lost.
        """
        check_size(msglen, "msglen")
        check_size(maxfds, "maxfds")
        return await self._receive_message(partial(_receive_rights, self._socket, msglen, maxfds))

    async def _receive_message(self, attempt: Callable[[], Received]) -> tuple[bytes, list[int]]:
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            backend = self._backend
            if self._closed or self._broken is not None or backend.checkpoint_due():
                await backend.checkpoint()
                self._check_open()
            data, fds, flags = await self._attempt_or_wait(attempt)
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._receiving = False
        self._emptied = False
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            for fd in fds:
                os.close(fd)
            what = "a longer record" if flags & socket.MSG_TRUNC else "more file descriptors"
            raise IncompleteRead(f"{what} came than can be received: the data that did is in 'partial'", data)
        if not data:
            if self._broken is not None:
                raise BrokenResourceError(self._broken)
            self._at_end = True
            raise EndOfStream("the peer closed the connection")
        return data, fds

    async def _attempt_or_wait(self, attempt: Callable[[], Received]) -> Received:
        try:
            return attempt()
        except NOT_READY:
            pass
        except OSError:
            # A connection breaks for the sender while what the peer said before is still to be read, as above.
            if self._broken is None:
                raise
        if self._broken is not None:
            return b"", [], 0
        return await self._poller.readable(attempt)


class UNIXSeqpacketStream(UNIXSocketStream):
    """A connected UNIX socket that keeps the boundaries of what was sent (areas NET and UNIX)."""

    __slots__ = ()

    async def send(self, item: Sendable, /) -> None:
        """Send a record; a checkpoint (UNIX-9).

        :param item: at least one byte.

        Raises ``ValueError`` if it is empty or too long for a record, and otherwise what ``SocketStream.send`` does. If
        it raises, whatever it is, nothing of the record was sent.
        """
        data = as_bytes(item)
        if not len(data):
            raise ValueError("item must not be empty: the peer would take an empty record for the end of the stream")
        await self._send_message(data, [])

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return the next record; a checkpoint (UNIX-9).

        Raises ``IncompleteRead`` with the first ``max_bytes`` bytes if the record is longer: the rest is lost, and the
        next call returns the next record. Otherwise raises what ``SocketStream.receive`` does.
        """
        check_size(max_bytes)
        return (await self._receive_message(partial(_receive_record, self._socket, max_bytes)))[0]


def stream_class(kind: int) -> type[UNIXSocketStream]:
    """Return the class of streams over sockets of a type; ``ValueError`` for another than STREAM and SEQPACKET."""
    if kind not in _KINDS:
        raise ValueError(f"kind must be SOCK_STREAM or SOCK_SEQPACKET, got {kind!r}")
    return UNIXSeqpacketStream if kind == socket.SOCK_SEQPACKET else UNIXSocketStream


def _stream(sock: socket.socket) -> UNIXSocketStream:
    return stream_class(sock.type)(sock)


def _check_fds(fds: object) -> array.array[int]:
    kind = type(fds).__name__
    if not isinstance(fds, Collection) or isinstance(fds, str | bytes | bytearray):
        raise TypeError(f"fds must be a collection of descriptors and files, not {kind}")
    numbers = array.array("i")
    for item in cast("Collection[object]", fds):
        fileno = getattr(item, "fileno", None)
        number = fileno() if callable(fileno) else item
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"fds must be descriptors or objects with fileno(), not {type(item).__name__}")
        if number < 0:
            raise ValueError(f"fds must be open file descriptors, got {number}")
        numbers.append(number)
    if not numbers:
        raise ValueError("fds must not be empty")
    return numbers


def _receive_rights(sock: socket.socket, msglen: int, maxfds: int) -> Received:
    # CMSG_LEN and not CMSG_SPACE, which is rounded up and so may have room for one more.
    space = socket.CMSG_LEN(min(maxfds, _MOST_FDS) * _FD_SIZE)
    data, ancillary, flags, _ = sock.recvmsg(msglen, space, _CLOSE_ON_EXEC)
    fds = array.array("i")
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content[: len(content) - len(content) % _FD_SIZE])
    if not _CLOSE_ON_EXEC:
        for fd in fds:
            os.set_inheritable(fd, False)
    return data, list(fds), flags


def _receive_record(sock: socket.socket, max_bytes: int) -> Received:
    data, _, flags, _ = sock.recvmsg(max_bytes)
    return data, [], flags & socket.MSG_TRUNC  # descriptors that nobody asked for are closed by the system
