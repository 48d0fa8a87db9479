"""Byte streams that hold back what was received, so that one can ask for exact amounts and for delimiters.

The buffer makes the methods exact: one that is cancelled, or does not find what it looks for, leaves all bytes where
they were. Each byte is handed out once; what ``IncompleteRead`` carries is handed out by it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from typing import Any, SupportsIndex, cast

from .._attributes import TypedAttributeProvider
from .._backends import current_backend, here
from .._mixins import Receiving
from ..exceptions import (
    BrokenResourceError,
    BusyResourceError,
    ClosedResourceError,
    DelimiterNotFound,
    EndOfStream,
    IncompleteRead,
)
from ..protocols import ByteReceiveStream, ByteStream
from .checking import attributes_of, check_size
from .unions import AnyByteReceiveStream, AnyByteStream, AnyByteStreamConnectable


@lru_cache(256)
def _takes_size(cls: type[AnyByteReceiveStream]) -> bool:
    """Return whether ``receive`` can be told how much to return at most, as that of byte streams can."""
    try:
        signature(cls.receive).bind(None, 1)
    except TypeError:
        return False
    return True


class BufferedByteReceiveStream(TypedAttributeProvider, Receiving[bytes]):
    """A byte stream around another one, with a buffer (STREAM-30 to STREAM-35).

    :param receive_stream: the stream to receive from; closing this one closes it.
    """

    __slots__ = ("__weakref__", "_broken", "_buffer", "_closed", "_receiving", "_sized", "receive_stream")

    def __init__(self, receive_stream: AnyByteReceiveStream) -> None:
        self.receive_stream = receive_stream
        self._buffer = bytearray()
        self._broken: str | None = None
        self._closed = False
        self._receiving = False
        # A stream of objects can't be told how much is wanted.
        self._sized = cast(ByteReceiveStream, receive_stream) if _takes_size(type(receive_stream)) else None

    @property
    def buffer(self) -> bytes:
        """What was received and not handed out yet."""
        return bytes(self._buffer)

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the wrapped stream."""
        return attributes_of(self.receive_stream)

    def feed_data(self, data: Iterable[SupportsIndex], /) -> None:
        """Append to the buffer, as if it had been received; no checkpoint.

        Raises ``ClosedResourceError`` on a closed stream, ``TypeError`` or ``ValueError`` for what is not bytes.
        """
        if isinstance(data, str):
            raise TypeError("data must be bytes, not str")
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        self._buffer.extend(data)

    def _begin(self) -> None:
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True

    def _ready(self) -> bool:
        """Return whether something may be taken from the buffer at once; a checkpoint needs no coroutine then."""
        if self._receiving or self._closed or self._broken is not None:
            return False
        return not (here.backend or current_backend()).checkpoint_due()

    async def _check(self) -> None:
        """Do what comes before taking from the buffer where it is not ``_ready``: a checkpoint, a look at the state."""
        await current_backend().checkpoint()
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    async def _fetch(self, max_bytes: int) -> bytes:
        try:
            if self._sized is None:
                return await self.receive_stream.receive()
            return await self._sized.receive(max_bytes)
        except BrokenResourceError as exc:
            self._broken = str(exc)
            raise

    def _take(self, size: int) -> bytes:
        buffer = self._buffer
        if size >= len(buffer):
            data = bytes(buffer)
            buffer.clear()
        else:
            data = bytes(buffer[:size])
            del buffer[:size]
        return data

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes from the buffer, or from the wrapped stream if that is empty; a checkpoint.

        Raises ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``; ``TypeError``
        or ``ValueError`` for a wrong ``max_bytes``.
        """
        check_size(max_bytes)
        if self._buffer and self._ready():
            return self._take(max_bytes)
        self._begin()
        try:
            if self._buffer or self._closed or self._broken:
                await self._check()
            while not self._buffer:
                data = await self._fetch(max_bytes)
                if not self._buffer and 0 < len(data) <= max_bytes:
                    return data
                self._buffer += data
            return self._take(max_bytes)
        finally:
            self._receiving = False

    async def receive_exactly(self, nbytes: int, /) -> bytes:
        """Return exactly ``nbytes`` bytes; a checkpoint. If it is cancelled no bytes are lost.

        Takes no more from a byte stream than it needs. Raises ``IncompleteRead``, which carries the rest as
        ``partial``, if the stream ends before; otherwise as ``receive``.

        :param nbytes: how many, at least 0.
        """
        check_size(nbytes, "nbytes", 0)
        if nbytes <= len(self._buffer) and self._ready():
            return self._take(nbytes)
        self._begin()
        try:
            if nbytes <= len(self._buffer) or self._closed or self._broken:
                await self._check()
            while len(self._buffer) < nbytes:
                missing = nbytes - len(self._buffer)
                try:
                    data = await self._fetch(missing)
                except EndOfStream:
                    break
                if not self._buffer and len(data) == nbytes:
                    return data
                self._buffer += data
            else:
                return self._take(nbytes)
            partial = self._take(nbytes)
            raise IncompleteRead(f"the stream ended after {len(partial)} of {nbytes} bytes", partial)
        finally:
            self._receiving = False

    async def receive_until(self, delimiter: bytes, max_bytes: int) -> bytes:
        """Return what comes before ``delimiter``, and drop the delimiter; a checkpoint.

        If it is cancelled no bytes are lost. Raises ``DelimiterNotFound`` if the delimiter does not end within the next
        ``max_bytes`` bytes, which stay in the buffer, and ``IncompleteRead``, which carries the rest as ``partial``, if
        the stream ends before; otherwise as ``receive``.

        :param delimiter: at least one byte.
        :param max_bytes: a limit that holds however the bytes arrive; the delimiter counts.
        """
        if not isinstance(delimiter, bytes | bytearray | memoryview):
            raise TypeError(f"delimiter must be bytes, not {type(delimiter).__name__}")
        if not len(delimiter):
            raise ValueError("delimiter must not be empty")
        check_size(max_bytes, minimum=len(delimiter))
        start = self._buffer.find(delimiter, 0, max_bytes)
        if start >= 0 and self._ready():
            data = self._take(start)
            del self._buffer[: len(delimiter)]
            return data
        delimiter = bytes(delimiter)
        self._begin()
        try:
            start = 0
            checked = False
            while True:
                buffer = self._buffer
                index = buffer.find(delimiter, start, max_bytes)
                if not checked and (index >= 0 or len(buffer) >= max_bytes or self._closed or self._broken):
                    checked = True
                    await self._check()
                    continue  # the buffer may have grown meanwhile
                if index >= 0:
                    data = self._take(index)
                    del buffer[: len(delimiter)]
                    return data
                if len(buffer) >= max_bytes:
                    raise DelimiterNotFound(f"the delimiter was not found within {max_bytes} bytes")
                start = max(0, len(buffer) - len(delimiter) + 1)
                checked = True
                try:
                    buffer += await self._fetch(65536)
                except EndOfStream:
                    break
            partial = self._take(len(self._buffer))
            raise IncompleteRead(f"the stream ended after {len(partial)} bytes without the delimiter", partial)
        finally:
            self._receiving = False

    async def aclose(self) -> None:
        """Close the wrapped stream and drop the buffer; idempotent, a checkpoint if that is one."""
        self._closed = True
        self._buffer.clear()
        await self.receive_stream.aclose()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.receive_stream!r}, {len(self._buffer)} bytes in the buffer>"


class BufferedByteStream(BufferedByteReceiveStream):
    """The same in both directions; what is sent goes straight to the wrapped stream.

    :param stream: the stream to receive from and to send to; closing this one closes it.
    """

    __slots__ = ("_stream",)

    def __init__(self, stream: AnyByteStream) -> None:
        super().__init__(stream)
        # A stream of bytes objects says by itself whether it takes other buffers.
        self._stream = cast(ByteStream, stream)

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send all of ``item``, as the wrapped stream does."""
        try:
            await self._stream.send(item)
        except BrokenResourceError as exc:
            self._broken = str(exc)
            raise

    async def send_eof(self) -> None:
        """End the sending direction, as the wrapped stream does."""
        await self._stream.send_eof()


@dataclass(frozen=True, slots=True)
class BufferedConnectable:
    """Connects as another connectable does, and gives buffered streams (CONN-6)."""

    connectable: AnyByteStreamConnectable
    """What makes the connections."""

    async def connect(self) -> BufferedByteStream:
        """Make a connection and return it, buffered; a checkpoint. Raises as the inner ``connect``."""
        return BufferedByteStream(await self.connectable.connect())
