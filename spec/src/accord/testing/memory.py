"""Byte streams in memory: two connected ends that keep every rule of byte streams, without sockets.

Each direction is a bounded buffer with at most one task that waits for bytes and one that waits for room. Who waits is
only told to look again; it takes or puts its bytes itself when it resumes. So a receiver that is cancelled has taken
nothing, and a sender that is cancelled has put a beginning of its item at most.

For tests the pair can also do what a network does on bad days: hand out data in small pieces and break. And each end
has hooks, by which a test takes part in what the end does: makes it late, lets it fail, or takes note of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from .._attributes import TypedAttributeProvider
from .._backends import current_backend, here
from .._mixins import Receiving
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from ..protocols.parking import AnyParker
from ..streams.checking import check_item, check_size

Hook = Callable[[], Awaitable[object]]
"""What a test has called before an operation."""


class _Direction:
    """What is under way from one end to the other."""

    __slots__ = ("broken", "buffer", "ended", "max_size", "reader_gone", "receiver", "sender")

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.buffer = bytearray()
        self.ended = False
        self.reader_gone = False
        self.broken: str | None = None
        self.receiver: AnyParker | None = None
        self.sender: AnyParker | None = None

    def wake_receiver(self) -> None:
        if self.receiver is not None:
            self.receiver.unpark(None)

    def wake_sender(self) -> None:
        if self.sender is not None:
            self.sender.unpark(None)

    def wake(self) -> None:
        self.wake_receiver()
        self.wake_sender()

    def take(self, max_bytes: int) -> bytes:
        data = bytes(self.buffer[:max_bytes])
        del self.buffer[:max_bytes]
        if data:
            self.wake_sender()
        return data

    def put(self, data: memoryview) -> int:
        size = min(len(data), self.max_size - len(self.buffer))
        if size > 0:
            self.buffer += data[:size]
            self.wake_receiver()
        return max(size, 0)


class MemoryByteStream(TypedAttributeProvider, Receiving[bytes]):
    """One end of a pair of byte streams that ``memory_byte_stream_pair`` makes (area STREAM)."""

    __slots__ = (
        "__weakref__",
        "_attributes",
        "_broken",
        "_closed",
        "_eof_sent",
        "_incoming",
        "_outgoing",
        "_receiving",
        "_sending",
        "close_hook",
        "max_receive",
        "receive_hook",
        "send_hook",
    )

    def __init__(
        self, incoming: _Direction, outgoing: _Direction, max_receive: int | None, attributes: Mapping[Any, object]
    ) -> None:
        self.max_receive = max_receive
        """How many bytes a ``receive`` returns at most, whatever it is asked for; None for no such limit."""
        self.receive_hook: Hook | None = None
        """Awaited by ``receive`` before it looks for bytes, after its arguments were checked. What it raises is raised,
        and then nothing was received (HELP-9)."""
        self.send_hook: Hook | None = None
        """Awaited by ``send`` and ``send_eof`` in the same way, before anything is sent."""
        self.close_hook: Hook | None = None
        """Awaited by the first ``aclose``, which closes the end whatever the hook does, and raises what it raises."""
        self._incoming = incoming
        self._outgoing = outgoing
        self._attributes = attributes
        self._broken: str | None = None
        self._closed = False
        self._eof_sent = False
        self._receiving = False
        self._sending = False

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The attributes that the pair was made with; ``ClosedResourceError`` on a closed stream."""
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        return {marker: partial(self._attributes.__getitem__, marker) for marker in self._attributes}

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        if self._broken is None:
            self._broken = self._incoming.broken
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes as soon as there are any; a checkpoint.

        Raises ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``; ``TypeError``
        or ``ValueError`` for a wrong ``max_bytes``. If it is cancelled no bytes are lost (STREAM-1, 4, 5, 14).
        """
        check_size(max_bytes)
        if self._receiving:
            raise BusyResourceError("receiving from")
        backend = here.backend or current_backend()
        incoming = self._incoming
        self._receiving = True
        try:
            if self.receive_hook is not None:
                await self.receive_hook()
            woken = False
            waits = not (incoming.buffer or incoming.ended or incoming.broken or self._closed or self._broken)
            if not waits and backend.checkpoint_due():
                await backend.checkpoint()
            while True:
                if not waits:
                    # What it was woken for is its own, even if a send() has failed since.
                    if not woken or self._closed or not incoming.buffer:
                        self._check_usable()
                    data = incoming.take(min(max_bytes, self.max_receive or max_bytes))
                    if data:
                        return data
                    if incoming.ended:
                        raise EndOfStream("the peer ended the stream")
                waits = False
                incoming.receiver = backend.create_parker()
                try:
                    await incoming.receiver.park()
                finally:
                    incoming.receiver = None
                woken = True
        finally:
            self._receiving = False

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Put all of ``item`` into the peer's buffer, waiting for room; a checkpoint.

        If it is cancelled a beginning of the item may have been sent, and nothing is sent afterwards. Raises
        ``ClosedResourceError``, also after ``send_eof``, ``BrokenResourceError``, ``BusyResourceError``; ``TypeError``
        for an item of another type (STREAM-1 to 3, 15).
        """
        view = check_item(item)
        if self._sending:
            raise BusyResourceError("sending to")
        backend = here.backend or current_backend()
        self._sending = True
        try:
            if self.send_hook is not None:
                await self.send_hook()
            if backend.checkpoint_due():
                await backend.checkpoint()
            self._check_sendable()
            sent = self._outgoing.put(view)
            while sent < len(view):
                self._outgoing.sender = backend.create_parker()
                try:
                    await self._outgoing.sender.park()
                finally:
                    self._outgoing.sender = None
                self._check_sendable()
                sent += self._outgoing.put(view[sent:])
        finally:
            self._sending = False
            view.release()

    def _check_sendable(self) -> None:
        self._check_usable()
        if self._eof_sent:
            raise ClosedResourceError("send_eof() was called: nothing more can be sent")
        if self._outgoing.reader_gone:
            self._broken = "the peer closed the stream"
            raise BrokenResourceError(self._broken)

    async def send_eof(self) -> None:
        """Tell the peer that nothing more will be sent; idempotent, a checkpoint.

        Raises ``BusyResourceError`` while another task sends, ``ClosedResourceError``, ``BrokenResourceError``
        (STREAM-7).
        """
        if self._sending:
            raise BusyResourceError("sending to")
        backend = here.backend or current_backend()
        self._sending = True
        try:
            if self.send_hook is not None:
                await self.send_hook()
            if backend.checkpoint_due():
                await backend.checkpoint()
            self._check_usable()
            self._eof_sent = self._outgoing.ended = True
            self._outgoing.wake_receiver()
        finally:
            self._sending = False

    async def aclose(self) -> None:
        """Close this end; idempotent, a checkpoint, and closes even if it is cancelled.

        The peer gets what was sent and then ``EndOfStream``, and ``BrokenResourceError`` if it sends. Tasks that wait
        in this end get ``ClosedResourceError`` (STREAM-10 to 13).
        """
        hook, self.close_hook = self.close_hook, None
        try:
            if hook is not None and not self._closed:
                await hook()
        finally:
            self._close()
        await current_backend().checkpoint()

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            self._outgoing.ended = True
            self._incoming.reader_gone = True
            self._incoming.buffer.clear()
            self._outgoing.wake()
            self._incoming.wake()

    def reset(self, message: str = "the connection was reset") -> None:
        """Break the connection, as a network may: both ends raise ``BrokenResourceError``; no checkpoint.

        What was under way is lost; waiting tasks get the error at once. Neither end is closed by it.

        :param message: the text of the errors.
        """
        for direction in (self._incoming, self._outgoing):
            direction.broken = direction.broken or message
            direction.buffer.clear()
            direction.wake()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"unclosed {self!r}", ResourceWarning, stacklevel=1, source=self)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "broken" if self._incoming.broken or self._broken else "open"
        return f"<MemoryByteStream {state}, {len(self._incoming.buffer)} bytes to receive>"


def memory_byte_stream_pair(
    max_buffer_size: int = 65536, *, max_receive: int | None = None, attributes: Mapping[Any, object] | None = None
) -> tuple[MemoryByteStream, MemoryByteStream]:
    """Return two byte streams that are connected with each other; needs no running loop.

    :param max_buffer_size: how many bytes each direction holds until a sender waits, at least 1.
    :param max_receive: how many bytes a ``receive`` of either end returns at most, whatever it is asked for; 1 cuts the
        stream at every byte. Can be changed later, as ``stream.max_receive``.
    :param attributes: typed attributes of both ends, with their values.

    Raises ``TypeError`` or ``ValueError`` for wrong sizes.
    """
    check_size(max_buffer_size, "max_buffer_size")
    if max_receive is not None:
        check_size(max_receive, "max_receive")
    there, back = _Direction(max_buffer_size), _Direction(max_buffer_size)
    values = dict(attributes or {})
    return MemoryByteStream(back, there, max_receive, values), MemoryByteStream(there, back, max_receive, values)
