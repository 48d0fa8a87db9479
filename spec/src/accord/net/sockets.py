"""Streams and listeners on non-blocking sockets.

An operation is first tried at once, and handed to the poller if it would block. ``send`` gives the kernel what it
takes and waits for room for the rest, so there is no buffer of our own: a peer that does not read stops the sender,
and a cancelled ``send`` sends nothing afterwards.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Self

from .._backends import current_backend
from .._tasks import create_task_group
from ..exceptions import BrokenResourceError, ClosedResourceError, EndOfStream
from ..protocols import TaskGroup
from ..sync import ResourceGuard
from .resources import SocketResource

_CHUNK = 1 << 18


class SocketStream(SocketResource):
    """A connected stream socket (area NET)."""

    __slots__ = ("_broken", "_eof_sent", "_receiving", "_sending")

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=True)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._broken: str | None = None
        self._eof_sent = False
        self._receiving = ResourceGuard("receiving from")
        self._sending = ResourceGuard("sending to")

    def _check_usable(self) -> None:
        self._check_open()
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    def _failed(self, exc: OSError) -> BrokenResourceError:
        self._broken = f"the connection is broken: {exc.strerror or type(exc).__name__}"
        return BrokenResourceError(self._broken)

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes as they arrive; a checkpoint.

        Raises ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``.
        """
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int):
            raise TypeError(f"max_bytes must be an int, not {type(max_bytes).__name__}")
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, got {max_bytes}")
        with self._receiving:
            await current_backend().checkpoint_if_cancelled()
            self._check_usable()
            sock = self._socket
            try:
                data = sock.recv(max_bytes)
            except BlockingIOError:
                data = None
            except OSError as exc:
                raise self._failed(exc) from exc
            else:
                await current_backend().cancel_shielded_checkpoint()
            if data is None:
                try:
                    data = await self._poller.readable(lambda: sock.recv(max_bytes))
                except OSError as exc:
                    raise self._failed(exc) from exc
        if not data:
            raise EndOfStream("the peer closed the connection")
        return data

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send all of ``item``; a checkpoint, which yields each time.

        If it is cancelled a part may have been sent, and nothing is sent afterwards. Raises ``ClosedResourceError``,
        ``BrokenResourceError``, ``BusyResourceError``.
        """
        with self._sending, memoryview(item) as view, view.cast("B") as data:
            await current_backend().checkpoint()
            self._check_usable()
            if self._eof_sent:
                raise ClosedResourceError("send_eof() was called: nothing more can be sent")
            sent = 0
            try:
                while sent < len(data):
                    sent += await self._send_some(data, sent)
            except OSError as exc:
                raise self._failed(exc) from exc

    async def _send_some(self, data: memoryview, start: int) -> int:
        sock = self._socket

        def attempt() -> int:
            with data[start : start + _CHUNK] as part:
                return sock.send(part)

        try:
            return attempt()
        except BlockingIOError:
            return await self._poller.writable(attempt)

    async def send_eof(self) -> None:
        """Tell the peer that nothing more will be sent; idempotent, a checkpoint."""
        with self._sending:
            await current_backend().checkpoint()
            self._check_open()
            if not self._eof_sent:
                self._eof_sent = True
                try:
                    self._socket.shutdown(socket.SHUT_WR)
                except OSError as exc:
                    raise self._failed(exc) from exc

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    def __repr__(self) -> str:
        return f"<SocketStream {'closed' if self._closed else 'open'}>"


class SocketListener(SocketResource):
    """A listening socket (area NET)."""

    __slots__ = ("_accepting",)

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock, connected=False)
        self._accepting = ResourceGuard("accepting connections from")

    async def accept(self) -> SocketStream:
        """Wait for a connection and return it; a checkpoint."""
        with self._accepting:
            await current_backend().checkpoint()
            self._check_open()
            sock = self._socket
            try:
                connection, _ = sock.accept()
            except BlockingIOError:
                connection, _ = await self._poller.readable(sock.accept)
        try:
            return SocketStream(connection)
        except BaseException:
            connection.close()
            raise

    async def serve(self, handler: Callable[[SocketStream], Any], /, task_group: TaskGroup | None = None) -> None:
        """Run ``handler(stream)`` as a task for each connection, until the listener is closed or cancelled.

        :param task_group: where to run the tasks; by default in a group of its own, which ends with this call.
        """
        if task_group is None:
            async with create_task_group(name="serve") as group:
                await self._serve(handler, group)
        else:
            await self._serve(handler, task_group)

    async def _serve(self, handler: Callable[[SocketStream], Any], task_group: TaskGroup) -> None:
        while True:
            try:
                stream = await self.accept()
            except ClosedResourceError:
                return
            try:
                task_group.start_soon(handler, stream)
            except BaseException:
                await stream.aclose()
                raise

    def __repr__(self) -> str:
        return f"<SocketListener {'closed' if self._closed else 'open'}>"
