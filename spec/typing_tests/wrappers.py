"""What type checkers infer for streams around streams, connectables, requests and test tools; checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

import accord
from accord.abc import (
    AnyByteReceiveStream,
    AnyByteSendStream,
    AnyByteStream,
    ByteReceiveStream,
    ByteStream,
    ByteStreamConnectable,
    Listener,
    ObjectStream,
    ObjectStreamConnectable,
)
from accord.http import Headers, UrlResponse
from accord.net.connectables import TLSConnectable
from accord.streams.buffered import BufferedByteReceiveStream, BufferedByteStream, BufferedConnectable
from accord.streams.stapled import MultiListener, StapledByteStream, StapledObjectStream
from accord.streams.text import TextConnectable, TextReceiveStream, TextSendStream, TextStream
from accord.testing import MemoryByteStream, check_byte_stream, memory_byte_stream_pair


def takes_bytes(stream: ByteStream) -> None:
    """Any stream of bytes in both directions."""


def takes_text(stream: ObjectStream[str]) -> None:
    """Any stream of text in both directions."""


async def wrappers(stream: AnyByteStream, receive: AnyByteReceiveStream, send: AnyByteSendStream) -> None:
    buffered = BufferedByteStream(stream)
    takes_bytes(buffered)
    assert_type(await buffered.receive_exactly(5), bytes)
    assert_type(await buffered.receive_until(b"\n", 100), bytes)
    assert_type(buffered.buffer, bytes)
    assert_type(await BufferedByteReceiveStream(receive).receive(), bytes)
    takes_bytes(BufferedByteReceiveStream(receive))  # type: ignore[arg-type]
    takes_text(TextStream(stream, "ascii", errors="replace"))
    assert_type(await TextReceiveStream(receive).receive(), str)
    await TextSendStream(send).send(b"bytes")  # type: ignore[arg-type]
    async for piece in TextStream(stream):
        assert_type(piece, str)
    async for chunk in buffered:
        assert_type(chunk, bytes)


async def stapled(stream: ByteStream) -> None:
    takes_bytes(StapledByteStream(stream, stream))
    send, receive = accord.create_memory_object_stream[int](1)
    numbers = StapledObjectStream(send, receive)
    assert_type(numbers, StapledObjectStream[int])
    assert_type(await numbers.receive(), int)
    takes_text(StapledObjectStream[str](TextStream(stream), TextStream(stream)))


async def listeners(first: Listener[MemoryByteStream]) -> None:
    several = MultiListener([first, first])
    assert_type(several, MultiListener[MemoryByteStream])
    takes_listener(several)
    await several.serve(handle, on_error="raise")
    await several.serve(handle, on_error="ignore")  # type: ignore[arg-type]


def takes_listener(listener: Listener[ByteStream]) -> None:
    """Listeners are covariant."""


async def handle(stream: MemoryByteStream) -> None:
    assert_type(await stream.receive(5), bytes)


async def connectables() -> None:
    place = accord.as_connectable(("host", 80), tls=True)
    assert_type(place, ByteStreamConnectable)
    takes_bytes(await place.connect())
    assert_type(await accord.TCPConnectable("host", 80).connect(), accord.SocketStream)
    assert_type(await accord.UNIXConnectable("/path").connect(), accord.UNIXSocketStream)
    assert_type(await BufferedConnectable(place).connect(), BufferedByteStream)
    assert_type(await TextConnectable(BufferedConnectable(place)).connect(), TextStream)
    takes_connectable(TLSConnectable(place, hostname="name"))
    takes_text_connectable(TextConnectable(place))
    accord.as_connectable(5)  # type: ignore[arg-type]


def takes_connectable(connectable: ByteStreamConnectable) -> None:
    """Anything that gives streams of bytes."""


def takes_text_connectable(connectable: ObjectStreamConnectable[str]) -> None:
    """Anything that gives streams of text."""


async def requests() -> None:
    async with accord.open_url("https://host/", headers=[("a", "b")], body=b"x") as response:
        assert_type(response, UrlResponse)
        assert_type(response.raise_for_status(), UrlResponse)
        assert_type(response.status, int)
        assert_type(response.headers, Headers)
        assert_type(response.headers.get("a"), str | None)
        assert_type(await response.read(), bytes)
        assert_type(await response.text(), str)
        async for piece in response.iter_bytes():
            assert_type(piece, bytes)
        takes_receiver(response)
        takes_receiver(BufferedByteReceiveStream(response))
    accord.open_url("https://host/", body="text")  # type: ignore[arg-type]


def takes_receiver(stream: ByteReceiveStream) -> None:
    """Anything to receive bytes from."""


async def testing() -> None:
    near, far = memory_byte_stream_pair(max_receive=1)
    takes_bytes(near)
    assert_type(far, MemoryByteStream)
    await accord.aclose_forcefully(near)

    async def make_pair() -> tuple[Any, Any]:
        return near, far

    await check_byte_stream(make_pair, half_close=False)
