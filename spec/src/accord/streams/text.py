"""Text over streams of bytes, encoded and decoded piece by piece.

How the bytes were cut on their way has no influence on the text: a character that arrives in two pieces is put
together, and where bytes can't be decoded, all that comes before them is delivered first.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._attributes import TypedAttributeProvider
from .._backends import current_backend, here
from .._mixins import Closing, Receiving
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from .checking import attributes_of
from .unions import AnyByteReceiveStream, AnyByteSendStream, AnyByteStream, AnyByteStreamConnectable


def _codec(encoding: object, errors: object) -> codecs.CodecInfo:
    """Return the codec of a text encoding; ``LookupError`` if there is none, or no such way to treat errors."""
    for value, name in ((encoding, "encoding"), (errors, "errors")):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    info = codecs.lookup(str(encoding))
    if not getattr(info, "_is_text_encoding", True):
        raise LookupError(f"{encoding!r} is not a text encoding")
    if info.name == "punycode":
        # It has what looks like an incremental codec, which takes each piece for a text of its own.
        raise LookupError(f"{encoding!r} encodes a text as a whole, and not piece by piece")
    codecs.lookup_error(str(errors))
    return info


class TextReceiveStream(TypedAttributeProvider, Receiving[str]):
    """An object stream of ``str``, decoded from a stream of bytes; the pieces are no lines (STREAM-40 to STREAM-43).

    :param transport_stream: the stream of bytes; closing this one closes it.
    :param encoding: the name of a text encoding of Python.
    :param errors: what happens to bytes that can't be decoded, as with ``bytes.decode``.

    Raises ``LookupError`` for an unknown encoding or an unknown ``errors``.
    """

    __slots__ = ("__weakref__", "_closed", "_decoder", "_encoding", "_failure", "_receiving", "transport_stream")

    def __init__(self, transport_stream: AnyByteReceiveStream, encoding: str = "utf-8", errors: str = "strict") -> None:
        make = _codec(encoding, errors).incrementaldecoder
        if make is None:
            raise LookupError(f"{encoding!r} can't be decoded piece by piece")
        self.transport_stream = transport_stream
        self._encoding = encoding
        self._decoder = make(errors)
        self._failure: tuple[str, bytes, int, int, str] | None = None
        """The arguments of the error with which the text ends."""
        self._closed = False
        self._receiving = False

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the stream of bytes."""
        return attributes_of(self.transport_stream)

    async def receive(self) -> str:
        """Return the next piece of text, at least one character; a checkpoint.

        Raises ``UnicodeDecodeError`` where the text stops making sense, or ends within a character, and then each time;
        ``EndOfStream``, ``ClosedResourceError``, ``BrokenResourceError``, ``BusyResourceError``. If it is cancelled
        nothing is lost.
        """
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            while self._failure is None:
                try:
                    data = await self.transport_stream.receive()
                except EndOfStream:
                    text = self._decode(b"", final=True)
                    if not text and self._failure is None:
                        raise
                else:
                    text = self._decode(data, final=False)
                if text:
                    return text
            await current_backend().checkpoint()
            if self._closed:
                raise ClosedResourceError("this stream is closed")
            raise UnicodeDecodeError(*self._failure)
        finally:
            self._receiving = False

    def _decode(self, data: bytes, *, final: bool) -> str:
        """Decode what can be decoded, and note a failure."""
        decoder = self._decoder
        before = decoder.getstate()
        try:
            text = decoder.decode(data, final)
        except UnicodeError as exc:
            if isinstance(exc, UnicodeDecodeError):
                self._failure = exc.encoding, exc.object, exc.start, exc.end, exc.reason
            else:  # a codec that does not say where the error is
                self._failure = self._encoding, data, 0, len(data), str(exc)
            decoder.setstate(before)
            return self._beginning_of(data)
        if final:
            decoder.reset()
        return text

    def _beginning_of(self, data: bytes) -> str:
        """Decode what comes before the error in ``data``."""
        # Byte by byte, since not every codec says where the error is.
        text = ""
        for index in range(len(data)):
            try:
                text += self._decoder.decode(data[index : index + 1])
            except UnicodeError:
                break
        return text

    async def aclose(self) -> None:
        """Close the stream of bytes; idempotent, a checkpoint if that is one."""
        self._closed = True
        await self.transport_stream.aclose()

    def __repr__(self) -> str:
        return f"<TextReceiveStream of {self.transport_stream!r}>"


class TextSendStream(TypedAttributeProvider, Closing):
    """An object stream of ``str``, encoded to a stream of bytes (STREAM-40, STREAM-44).

    :param transport_stream: the stream of bytes; closing this one closes it.
    :param encoding: the name of a text encoding of Python. Its byte order mark, if it has one, is sent once.
    :param errors: what happens to characters that can't be encoded, as with ``str.encode``.

    Raises ``LookupError`` for an unknown encoding or an unknown ``errors``.
    """

    __slots__ = ("__weakref__", "_encoder", "_ended", "_sending", "_used", "transport_stream")

    def __init__(self, transport_stream: AnyByteSendStream, encoding: str = "utf-8", errors: str = "strict") -> None:
        make = _codec(encoding, errors).incrementalencoder
        if make is None:
            raise LookupError(f"{encoding!r} can't be encoded piece by piece")
        self.transport_stream = transport_stream
        self._encoder = make(errors)
        self._ended = False
        self._sending = False
        self._used = False

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the stream of bytes."""
        return attributes_of(self.transport_stream)

    def _begin(self) -> None:
        if self._sending:
            raise BusyResourceError("sending to")
        self._sending = True

    async def send(self, item: str, /) -> None:
        """Send all of ``item``; a checkpoint.

        Raises ``TypeError`` for what is no ``str`` and ``UnicodeEncodeError`` for what can't be encoded, in which cases
        nothing is sent; otherwise as the stream of bytes.
        """
        if not isinstance(item, str):
            raise TypeError(f"item must be a str, not {type(item).__name__}")
        self._begin()
        try:
            backend = here.backend or current_backend()
            if backend.checkpoint_due():
                await backend.checkpoint()
            before = self._encoder.getstate()
            try:
                await self.transport_stream.send(self._encoder.encode(item))
            except BaseException:
                self._encoder.setstate(before)
                raise
            self._used = True
        finally:
            self._sending = False

    async def finish(self) -> None:
        """Send what the encoding needs at the end of a text, which for most is nothing; idempotent.

        A checkpoint if there is something to send. Closing does it too, if the stream of bytes still takes it.
        """
        self._begin()
        try:
            if self._used and not self._ended:
                rest = self._encoder.encode("", True)
                if rest:
                    await self.transport_stream.send(rest)
                self._ended = True
        finally:
            self._sending = False

    async def aclose(self) -> None:
        """Send the end of the text, if it has one, and close the stream of bytes; a checkpoint if that is one.

        Idempotent; closes whatever happens.
        """
        try:
            await self.finish()
        except (BrokenResourceError, BusyResourceError, ClosedResourceError):
            pass  # nobody receives the end, and closing is not to fail for that
        finally:
            await self.transport_stream.aclose()

    def __repr__(self) -> str:
        return f"<TextSendStream of {self.transport_stream!r}>"


class TextStream(TypedAttributeProvider, Receiving[str]):
    """Both directions, over one stream of bytes (STREAM-40 to STREAM-44).

    :param transport_stream: the stream of bytes; closing this one closes it.
    :param encoding: the name of a text encoding of Python, for both directions.
    :param errors: as with ``bytes.decode`` and ``str.encode``.

    Raises ``LookupError`` for an unknown encoding or an unknown ``errors``.
    """

    __slots__ = ("__weakref__", "_receiver", "_sender", "transport_stream")

    def __init__(self, transport_stream: AnyByteStream, encoding: str = "utf-8", errors: str = "strict") -> None:
        self.transport_stream = transport_stream
        self._receiver = TextReceiveStream(transport_stream, encoding, errors)
        self._sender = TextSendStream(transport_stream, encoding, errors)

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the stream of bytes."""
        return attributes_of(self.transport_stream)

    async def receive(self) -> str:
        """Return the next piece of text, as ``TextReceiveStream.receive``."""
        return await self._receiver.receive()

    async def send(self, item: str, /) -> None:
        """Send all of ``item``, as ``TextSendStream.send``."""
        await self._sender.send(item)

    async def send_eof(self) -> None:
        """Send the end of the text, if it has one, and end the sending direction; idempotent, a checkpoint.

        Raises as ``send_eof`` of the stream of bytes.
        """
        await self._sender.finish()
        await self.transport_stream.send_eof()

    async def aclose(self) -> None:
        """Close, as ``TextSendStream.aclose``."""
        self._receiver._closed = True
        await self._sender.aclose()

    def __repr__(self) -> str:
        return f"<TextStream of {self.transport_stream!r}>"


@dataclass(frozen=True, slots=True)
class TextConnectable:
    """Connects as another connectable does, and gives streams of text (CONN-6)."""

    connectable: AnyByteStreamConnectable
    """What makes the connections."""
    encoding: str = field(default="utf-8", kw_only=True)
    """The encoding, in both directions."""
    errors: str = field(default="strict", kw_only=True)
    """What happens to what can't be encoded or decoded."""

    def __post_init__(self) -> None:
        _codec(self.encoding, self.errors)

    async def connect(self) -> TextStream:
        """Make a connection and return it as text; a checkpoint. Raises as the inner ``connect``."""
        return TextStream(await self.connectable.connect(), self.encoding, self.errors)
