"""Text over byte streams: characters in pieces, marks at the beginning, ends in the middle."""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

import accord
from accord.streams.text import TextConnectable, TextReceiveStream, TextSendStream, TextStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair
from accord_conformance.attempts import blocked
from accord_conformance.helpers import rule

TEXT = "plain, äöü, €, \N{GRINNING FACE}, 漢字"


@asynccontextmanager
async def receiving(
    data: bytes, size: int | None, encoding: str = "utf-8", errors: str = "strict"
) -> AsyncGenerator[TextReceiveStream, None]:
    """A text stream that receives ``data``, ``size`` bytes at a time, and then the end."""
    near, far = memory_byte_stream_pair(max_receive=size)
    async with far, TextReceiveStream(near, encoding, errors) as stream:
        await far.send(data)
        await far.send_eof()
        yield stream


async def text_of(stream: TextReceiveStream) -> str:
    """All text up to the end."""
    pieces = [piece async for piece in stream]
    assert all(pieces), "an empty piece was received"
    return "".join(pieces)


@rule("STREAM-40")
@pytest.mark.parametrize("make", [TextReceiveStream, TextSendStream, TextStream])
async def test_wrong_encodings(make: Any) -> None:
    """An encoding that does not exist, or is none for text, is refused at once; so are unknown ways with errors."""
    near, far = memory_byte_stream_pair()
    async with near, far:
        wrong: list[tuple[tuple[Any, ...], type[Exception]]] = [
            (("no such",), LookupError),
            (("hex",), LookupError),
            (("rot13",), LookupError),
            (("punycode",), LookupError),
            (("utf-8", "no such"), LookupError),
            ((None,), TypeError),
            (("utf-8", 1), TypeError),
        ]
        for arguments, error in wrong:
            with pytest.raises(error):
                make(near, *arguments)
    with pytest.raises(LookupError):
        TextConnectable(Nowhere(), encoding="no such")


class Nowhere:
    """A connectable that nobody connects to."""

    async def connect(self) -> MemoryByteStream:
        """Fail: the arguments were to be refused before."""
        raise AssertionError("it was connected to")


@rule("STREAM-41")
@pytest.mark.parametrize("size", [1, 2, 3, None])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030", "utf-7"])
async def test_text_in_pieces(encoding: str, size: int | None) -> None:
    """However the bytes were cut, the text is the same, without the mark."""
    async with receiving(TEXT.encode(encoding), size, encoding) as stream:
        assert await text_of(stream) == TEXT


@rule("STREAM-41")
async def test_mark_in_the_middle() -> None:
    """A byte order mark is dropped at the beginning, once, and only if the encoding has one."""
    mark = codecs.BOM_UTF8
    async with receiving(mark + b"a" + mark + b"b", 1, "utf-8-sig") as stream:
        assert await text_of(stream) == "a\ufeffb"
    async with receiving(mark + b"a", 1) as stream:
        assert await text_of(stream) == "\ufeffa"


@rule("STREAM-42")
@pytest.mark.parametrize("size", [1, 2, 3, None])
@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", "äbc".encode() + b"\xff" + b"def"),
        ("utf-8-sig", codecs.BOM_UTF8 + "äbc".encode() + b"\xff" + b"def"),
        ("utf-16", "äbc".encode("utf-16") + b"\x00\xdc" + "def".encode("utf-16-le")),
        ("ascii", b"abc\xff"),
        ("iso2022_jp_3", b"abc\x1b$$\x0e\xde\x1b\\$--$"),
    ],
)
async def test_wrong_bytes(encoding: str, data: bytes, size: int | None) -> None:
    """What comes before wrong bytes is delivered, and then the error, each time."""
    received = ""
    async with receiving(data, size, encoding) as stream:
        with pytest.raises(UnicodeDecodeError):
            async for piece in stream:
                received += piece
        assert received in {"äbc", "abc"}
        for _ in range(2):
            with pytest.raises(UnicodeDecodeError):
                await stream.receive()
        await stream.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await stream.receive()


@rule("STREAM-42")
async def test_wrong_bytes_that_are_replaced() -> None:
    """With another way to treat errors the text goes on behind them."""
    async with receiving(b"a\xffb", 1, errors="replace") as stream:
        assert await text_of(stream) == "a\ufffdb"


@rule("STREAM-43")
@pytest.mark.parametrize("size", [1, None])
async def test_end_within_a_character(size: int | None) -> None:
    """A text that ends within a character is no complete text."""
    data = "ab€".encode()[:-1]
    received = ""
    async with receiving(data, size) as stream:
        for _ in range(2):
            with pytest.raises(UnicodeDecodeError):
                async for piece in stream:
                    received += piece
    assert received == "ab"
    async with receiving(data, size, errors="replace") as stream:
        assert await text_of(stream) == "ab\ufffd"
        with pytest.raises(accord.EndOfStream):
            await stream.receive()
    async with receiving(data, size, errors="ignore") as stream:
        assert await text_of(stream) == "ab"


async def sent(far: MemoryByteStream) -> bytes:
    """What was sent, to the end."""
    return b"".join([chunk async for chunk in far])


@rule("STREAM-44")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "iso2022_jp"])
@pytest.mark.parametrize("close", [False, True])
async def test_encoding_piece_by_piece(encoding: str, close: bool) -> None:
    """What is sent in pieces is encoded as one text: with one mark, and with what is needed at the end."""
    near, far = memory_byte_stream_pair()
    async with far, TextStream(near, encoding) as stream:
        for piece in ("plain ", "漢字", "", "漢"):
            await stream.send(piece)
        if close:
            await stream.aclose()
        else:
            await stream.send_eof()
            await stream.send_eof()
        assert await sent(far) == "plain 漢字漢".encode(encoding)


@rule("STREAM-44")
async def test_nothing_is_sent_of_nothing() -> None:
    """A stream that sent no text sends no mark and no end when it is closed."""
    for encoding in ("utf-16", "iso2022_jp"):
        near, far = memory_byte_stream_pair()
        async with far:
            await TextSendStream(near, encoding).aclose()
            assert await sent(far) == b""


@rule("STREAM-44")
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-16"])
async def test_wrong_texts(encoding: str) -> None:
    """What is no text, or can't be encoded, is refused; nothing is sent, and sending goes on."""
    near, far = memory_byte_stream_pair()
    async with far:
        async with TextSendStream(near, encoding) as stream:
            wrong: list[Any] = [b"bytes", None, 1]
            for item in wrong:
                with pytest.raises(TypeError):
                    await stream.send(item)
            with pytest.raises(UnicodeEncodeError):
                await stream.send("good\ud800")
            await stream.send("text")
        assert await sent(far) == "text".encode(encoding)


@rule("STREAM-44")
async def test_cancelled_at_the_beginning() -> None:
    """A send() that is cancelled before anything was sent leaves the mark to the next one."""
    near, far = memory_byte_stream_pair()
    async with far, TextStream(near, "utf-16") as stream:
        with accord.CancelScope() as scope:
            scope.cancel()
            await stream.send("wrong")
        await stream.send("right")
        await stream.send_eof()
        assert await sent(far) == "right".encode("utf-16")


@rule("STREAM-44")
async def test_closing_when_nobody_listens() -> None:
    """Closing does not fail because the end of the text can't be sent, and closes while a task sends."""
    near, far = memory_byte_stream_pair(5)
    stream = TextStream(near, "iso2022_jp")
    async with accord.create_task_group() as group:
        attempt = await blocked(group, partial(stream.send, "漢字" * 10))
        with pytest.raises(accord.BusyResourceError):
            await stream.send("x")
        await stream.aclose()
    assert type(attempt.error) is accord.ClosedResourceError
    await far.aclose()
    near, far = memory_byte_stream_pair()
    async with TextStream(near, "iso2022_jp") as stream:
        await stream.send("漢字")
        await far.aclose()
    with pytest.raises(accord.ClosedResourceError):
        await near.send(b"")
