"""Receiving and sending bytes through a non-blocking descriptor: of a socket or of a pipe's end.

An operation is first tried at once, and handed to the poller if it would block. ``send`` gives the kernel what it
takes and waits for room for the rest, so there is no buffer of our own: a peer that does not read stops the sender,
and a cancelled ``send`` sends nothing afterwards.

A ``receive`` that got less than it asked for has emptied the descriptor: the next one goes to the poller at once, which
saves a system call that would most likely say "nothing there". The end of the stream and errors make the descriptor
ready too, so they are not missed.

Both classes are mixins: a stream of both directions can't inherit fields from two bases, so the fields are declared
here and have their slots in the class of the stream.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ._mixins import Closing, Receiving
from .exceptions import BrokenResourceError, BusyResourceError, EndOfStream
from .protocols import Backend, Poller
from .streams.checking import check_item, check_size

NOT_READY = (BlockingIOError, InterruptedError)

Sendable = bytes | bytearray | memoryview


class End(Closing):
    """What the operations need to know of what they are performed on."""

    if not TYPE_CHECKING:
        __slots__ = ()

    _backend: Backend
    _poller: Poller
    _closed: bool
    _broken: str | None
    """What broke it, once that was found out."""

    @abstractmethod
    def _failed(self, exc: OSError) -> BrokenResourceError:
        """Take note that it is broken, and return what to raise."""


class ReceivingEnd(End, Receiving[bytes]):
    """What one can receive bytes from."""

    if not TYPE_CHECKING:
        __slots__ = ()

    _at_end: bool
    _attempt: Callable[[], bytes]
    _emptied: bool
    _read: Callable[[int], bytes]
    _receiving: bool
    _size: int

    def _set_up_receiving(self, read: Callable[[int], bytes]) -> None:
        self._at_end = False
        self._emptied = False
        self._receiving = False
        self._read = read
        self._size = 65536
        self._attempt = partial(read, 65536)

    @abstractmethod
    async def _receive_after_the_end(self) -> bytes:
        """Receive from what is closed, at its end, or broken."""

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes as they arrive; a checkpoint (STREAM-4, STREAM-5, NET-3, NET-4, NET-8).

        Raises ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``.
        """
        if max_bytes is not self._size:  # not !=, or True would pass for 1
            check_size(max_bytes)
            self._attempt = partial(self._read, max_bytes)
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
                    data = self._attempt()
                except NOT_READY:
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
            raise self._end()
        return data

    @abstractmethod
    def _end(self) -> EndOfStream:
        """Return what to raise at the end."""


class SendingEnd(End):
    """What one can send bytes to."""

    if not TYPE_CHECKING:
        __slots__ = ()

    _eof_sent: bool
    _sending: bool
    _write: Callable[[bytes | memoryview], int]

    def _set_up_sending(self, write: Callable[[bytes | memoryview], int]) -> None:
        self._eof_sent = False
        self._sending = False
        self._write = write

    @abstractmethod
    def _check_sendable(self) -> None:
        """Raise if it is closed or broken, or its end was sent."""

    async def send(self, item: Sendable, /) -> None:
        """Send all of ``item``; a checkpoint, which yields each time (STREAM-2, STREAM-17, NET-2, NET-10).

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
                sent = self._write(data)
            except NOT_READY:
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

    async def _send_rest(self, data: bytes | memoryview, sent: int) -> None:
        write = self._write
        with memoryview(data) as view:

            def attempt() -> int:
                with view[sent:] as rest:
                    return write(rest)

            while sent < len(view):
                sent += await self._poller.writable(attempt)
