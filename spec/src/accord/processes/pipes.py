"""Byte streams on the ends of pipes.

They work as those on sockets do, and closing closes the descriptor, so that a child at the other end gets the end of
its input or ``EPIPE``. The descriptor is made non-blocking, which the other end doesn't notice: each end has flags of
its own.
"""

from __future__ import annotations

import io
import os
from functools import partial

from .._backends import current_backend
from .._transfers import End, ReceivingEnd, SendingEnd
from ..exceptions import BrokenResourceError, ClosedResourceError, EndOfStream
from ..net.resources import create_poller

_LARGEST_PIPE = 1 << 20
"""Bytes that fit into a pipe, at most: what Linux allows to programs without privileges."""


class _PipeEnd(End):
    """A non-blocking descriptor together with its poller. Belongs to the loop in which it was made."""

    __slots__ = ("__weakref__", "_backend", "_broken", "_closed", "_fd", "_file", "_poller")

    def __init__(self, file: io.FileIO) -> None:
        self._fd = file.fileno()
        os.set_blocking(self._fd, False)
        self._backend = current_backend()
        self._poller = create_poller(self._fd)
        self._file = file
        self._closed = False
        self._broken = None

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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}>"


class PipeReceiveStream(_PipeEnd, ReceivingEnd):
    """The end of a pipe that one reads from (areas STREAM and PROC).

    :param file: an unbuffered binary file for reading, or a descriptor; it is closed with the stream.
    """

    __slots__ = ("_at_end", "_attempt", "_emptied", "_read", "_receiving", "_size")

    def __init__(self, file: io.FileIO | int) -> None:
        super().__init__(io.FileIO(file, "rb") if isinstance(file, int) else file)
        self._set_up_receiving(partial(os.read, self._fd))

    def _end(self) -> EndOfStream:
        return EndOfStream("the other end of the pipe was closed")

    async def _receive_after_the_end(self) -> bytes:
        await self._backend.checkpoint()
        self._check_usable()
        raise self._end()

    def take_rest(self) -> bytes:
        """Return what is in the pipe now, which may be nothing; no checkpoint, and not while a task receives."""
        if self._closed:
            return b""
        try:
            return os.read(self._fd, _LARGEST_PIPE)
        except OSError:
            return b""


class PipeSendStream(_PipeEnd, SendingEnd):
    """The end of a pipe that one writes to (areas STREAM and PROC).

    :param file: an unbuffered binary file for writing, or a descriptor; it is closed with the stream.
    """

    __slots__ = ("_eof_sent", "_sending", "_write")

    def __init__(self, file: io.FileIO | int) -> None:
        super().__init__(io.FileIO(file, "wb") if isinstance(file, int) else file)
        self._set_up_sending(partial(os.write, self._fd))

    def _check_sendable(self) -> None:
        self._check_usable()
