"""Byte streams on non-blocking sockets: what they have beside what ``_transfers`` does."""

from __future__ import annotations

import socket
from typing import Self

from .._transfers import ReceivingEnd, SendingEnd
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from .resources import SocketResource, adopt


class SocketStream(SocketResource, ReceivingEnd, SendingEnd):
    """A connected stream socket (areas NET and STREAM)."""

    __slots__ = (
        "_at_end",
        "_attempt",
        "_broken",
        "_emptied",
        "_eof_sent",
        "_read",
        "_receiving",
        "_sending",
        "_size",
        "_write",
    )

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=True)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._broken = None
        self._set_up_receiving(sock.recv)
        self._set_up_sending(sock.send)

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> Self:
        """Make a stream of a connected stream socket, which is closed with it; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is not
            a connected stream socket, ``TypeError`` if it is no socket.
        """
        return await adopt(sock_or_fd, cls, kinds=(socket.SOCK_STREAM,), connected=True)

    def _failed(self, exc: OSError) -> BrokenResourceError:
        self._broken = f"the connection is broken: {exc.strerror or type(exc).__name__}"
        return BrokenResourceError(self._broken)

    def _end(self) -> EndOfStream:
        return EndOfStream("the peer closed the connection")

    async def _receive_after_the_end(self) -> bytes:
        await self._backend.checkpoint()
        self._check_open()
        if self._broken is None:
            raise self._end()
        # A connection breaks for the sender while what the peer said before is still to be read.
        try:
            data = self._socket.recv(self._size)
        except OSError:
            data = b""
        if not data:
            raise BrokenResourceError(self._broken)
        return data

    def _check_sendable(self) -> None:
        self._check_open()
        if self._broken is not None:
            raise BrokenResourceError(self._broken)
        if self._eof_sent:
            raise ClosedResourceError("send_eof() was called: nothing more can be sent")

    async def send_eof(self) -> None:
        """Tell the peer that nothing more will be sent; idempotent, a checkpoint (NET-5)."""
        if self._sending:
            raise BusyResourceError("sending to")
        self._sending = True
        try:
            await self._backend.checkpoint()
            self._check_open()
            if self._eof_sent:
                return
            if self._broken is not None:
                raise BrokenResourceError(self._broken)
            self._eof_sent = True
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._sending = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}>"
