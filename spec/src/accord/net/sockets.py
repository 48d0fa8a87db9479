"""Byte streams on non-blocking sockets.

An operation is first tried at once, and handed to the poller if it would block. ``send`` gives the kernel what it
takes and waits for room for the rest, so there is no buffer of our own: a peer that does not read stops the sender,
and a cancelled ``send`` sends nothing afterwards.

A ``receive`` that got less than it asked for has emptied the socket: the next one goes to the poller at once, which
saves a system call that would most likely say "nothing there". The end of the stream and errors make the socket ready
too, so they are not missed.
"""

from __future__ import annotations

import socket
from functools import partial
from typing import Self

from .._mixins import Receiving
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from ..streams.checking import check_item, check_size
from .resources import SocketResource, adopt

Sendable = bytes | bytearray | memoryview

_NOT_READY = (BlockingIOError, InterruptedError)


class SocketStream(SocketResource, Receiving[bytes]):
    """A connected stream socket (areas NET and STREAM)."""

    __slots__ = ("_at_end", "_attempt", "_broken", "_emptied", "_eof_sent", "_receiving", "_sending", "_size")

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=True)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._broken: str | None = None
        self._eof_sent = False
        self._at_end = False
        self._emptied = False
        self._receiving = False
        self._sending = False
        self._size = 65536
        self._attempt = partial(sock.recv, 65536)

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

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes as they arrive; a checkpoint (NET-3, NET-4, NET-8).

        Raises ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``.
        """
        if max_bytes is not self._size:  # not !=, or True would pass for 1
            check_size(max_bytes)
            self._attempt = partial(self._socket.recv, max_bytes)
            self._size = max_bytes
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            if self._closed or self._at_end or self._broken is not None:
                return await self._receive_after_the_end()
            if self._emptied:
                data = await self._poller.readable(self._attempt)
            else:
                backend = self._backend
                due = backend.checkpoint_due()
                if due:
                    await backend.checkpoint_if_cancelled()
                try:
                    data = self._socket.recv(max_bytes)
                except _NOT_READY:
                    data = await self._poller.readable(self._attempt)
                else:
                    if due:
                        await backend.cancel_shielded_checkpoint()
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._receiving = False
        self._emptied = len(data) < max_bytes
        if not data:
            self._at_end = True
            raise EndOfStream("the peer closed the connection")
        return data

    async def _receive_after_the_end(self) -> bytes:
        await self._backend.checkpoint()
        self._check_open()
        if self._broken is None:
            raise EndOfStream("the peer closed the connection")
        # A connection breaks for the sender while what the peer said before is still to be read.
        try:
            data = self._socket.recv(self._size)
        except OSError:
            data = b""
        if not data:
            raise BrokenResourceError(self._broken)
        return data

    async def send(self, item: Sendable, /) -> None:
        """Send all of ``item``; a checkpoint, which yields each time (NET-2, NET-10).

        If it is cancelled a part may have been sent, and nothing is sent afterwards. Raises ``ClosedResourceError``,
        ``BrokenResourceError``, ``BusyResourceError``.
        """
        data = item if type(item) is bytes else check_item(item)
        if self._sending:
            raise BusyResourceError("sending to")
        self._sending = True
        try:
            backend = self._backend
            yielded = self._closed or self._broken is not None or self._eof_sent or backend.checkpoint_due()
            if yielded:
                await backend.checkpoint()
                self._check_sendable()
            try:
                sent = self._socket.send(data)
            except _NOT_READY:
                sent = 0
            if sent < len(data):
                await self._send_rest(data, sent)
            elif not yielded:
                await backend.cancel_shielded_checkpoint()
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._sending = False
            if isinstance(data, memoryview):
                data.release()

    def _check_sendable(self) -> None:
        self._check_open()
        if self._broken is not None:
            raise BrokenResourceError(self._broken)
        if self._eof_sent:
            raise ClosedResourceError("send_eof() was called: nothing more can be sent")

    async def _send_rest(self, data: bytes | memoryview, sent: int) -> None:
        send = self._socket.send
        with memoryview(data) as view:

            def attempt() -> int:
                with view[sent:] as rest:
                    return send(rest)

            while sent < len(view):
                sent += await self._poller.writable(attempt)

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
