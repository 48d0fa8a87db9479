"""Byte streams on the ends of pipes.

They work as those on sockets do: an operation is tried at once and handed to the poller if it would block, nothing is
buffered, and closing closes the descriptor, so that a child at the other end gets the end of its input or ``EPIPE``.
The descriptor is made non-blocking, which the other end doesn't notice: each end has flags of its own.
"""

from __future__ import annotations

import io
import os
from functools import partial
from types import TracebackType
from typing import Self

from .._backends import current_backend
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from ..net.resources import create_poller
from ..streams.checking import check_item, check_size

_LARGEST_PIPE = 1 << 20
"""Bytes that fit into a pipe, at most: what Linux allows to programs without privileges."""

_NOT_READY = (BlockingIOError, InterruptedError)


class _PipeEnd:
    """A non-blocking descriptor together with its poller. Belongs to the loop in which it was made."""

    __slots__ = ("__weakref__", "_backend", "_broken", "_busy", "_closed", "_fd", "_file", "_poller")

    def __init__(self, file: io.FileIO) -> None:
        self._fd = file.fileno()
        os.set_blocking(self._fd, False)
        self._backend = current_backend()
        self._poller = create_poller(self._fd)
        self._file = file
        self._closed = False
        self._busy = False
        self._broken: str | None = None

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedResourceError("this pipe is closed")
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    def _failed(self, exc: OSError) -> BrokenResourceError:
        self._broken = f"the pipe is broken: {exc.strerror or type(exc).__name__}"
        return BrokenResourceError(self._broken)

    def close_now(self) -> None:
        """Close the pipe's end; tasks that wait for it get ``ClosedResourceError``. Idempotent, no checkpoint."""
        if not self._closed:
            self._closed = True
            self._poller.close()
            self._file.close()

    async def aclose(self) -> None:
        """Close the pipe's end; tasks that wait for it get ``ClosedResourceError``. Idempotent, a checkpoint (PROC-9).

        It is closed also if this raises a cancellation.
        """
        self.close_now()
        backend = self._backend
        if backend.checkpoint_due():
            await backend.checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}>"


class PipeReceiveStream(_PipeEnd):
    """The end of a pipe that one reads from (areas STREAM and PROC).

    :param file: an unbuffered binary file for reading, or a descriptor; it is closed with the stream.
    """

    __slots__ = ("_at_end", "_attempt", "_emptied", "_size")

    def __init__(self, file: io.FileIO | int) -> None:
        super().__init__(io.FileIO(file, "rb") if isinstance(file, int) else file)
        self._at_end = False
        self._emptied = False
        self._size = 65536
        self._attempt = partial(os.read, self._fd, 65536)

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes as they arrive; a checkpoint (STREAM-4, STREAM-5).

        Raises ``EndOfStream`` when nobody has the other end open any more, ``ClosedResourceError``,
        ``BrokenResourceError``, ``BusyResourceError``.
        """
        if max_bytes is not self._size:  # not !=, or True would pass for 1
            check_size(max_bytes)
            self._attempt = partial(os.read, self._fd, max_bytes)
            self._size = max_bytes
        if self._busy:
            raise BusyResourceError("receiving from")
        self._busy = True
        try:
            if self._closed or self._at_end or self._broken is not None:
                await self._backend.checkpoint()
                self._check_usable()
                raise EndOfStream("the other end of the pipe was closed")
            if self._emptied:
                data = await self._poller.readable(self._attempt)
            else:
                backend = self._backend
                due = backend.checkpoint_due()
                if due:
                    await backend.checkpoint_if_cancelled()
                try:
                    data = self._attempt()
                except _NOT_READY:
                    data = await self._poller.readable(self._attempt)
                else:
                    if due:
                        await backend.cancel_shielded_checkpoint()
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._busy = False
        self._emptied = len(data) < max_bytes
        if not data:
            self._at_end = True
            raise EndOfStream("the other end of the pipe was closed")
        return data

    def take_rest(self) -> bytes:
        """Return what is in the pipe now, which may be nothing; no checkpoint, and not while a task receives."""
        if self._closed:
            return b""
        try:
            return os.read(self._fd, _LARGEST_PIPE)
        except OSError:
            return b""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None


class PipeSendStream(_PipeEnd):
    """The end of a pipe that one writes to (areas STREAM and PROC).

    :param file: an unbuffered binary file for writing, or a descriptor; it is closed with the stream.
    """

    __slots__ = ()

    def __init__(self, file: io.FileIO | int) -> None:
        super().__init__(io.FileIO(file, "wb") if isinstance(file, int) else file)

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send all of ``item``; a checkpoint, which yields each time (STREAM-2, STREAM-17).

        If it is cancelled a part may have been sent, and nothing is sent afterwards. Raises ``BrokenResourceError``
        when nobody has the other end open any more, ``ClosedResourceError``, ``BusyResourceError``.
        """
        data = item if type(item) is bytes else check_item(item)
        if self._busy:
            raise BusyResourceError("sending to")
        self._busy = True
        try:
            backend = self._backend
            yielded = self._closed or self._broken is not None or backend.checkpoint_due() or not data
            if yielded:
                await backend.checkpoint()
                self._check_usable()
            try:
                sent = os.write(self._fd, data)
            except _NOT_READY:
                sent = 0
            if sent < len(data):
                await self._send_rest(data, sent)
            elif not yielded:
                await backend.cancel_shielded_checkpoint()
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._busy = False
            if isinstance(data, memoryview):
                data.release()

    async def _send_rest(self, data: bytes | memoryview, sent: int) -> None:
        fd = self._fd
        with memoryview(data) as view:

            def attempt() -> int:
                with view[sent:] as rest:
                    return os.write(fd, rest)

            while sent < len(view):
                sent += await self._poller.writable(attempt)
