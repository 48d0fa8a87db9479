"""Buffered and text streams against simple models: however bytes are cut, the results are the same."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import accord
from accord.streams.buffered import BufferedByteReceiveStream
from accord.streams.text import TextReceiveStream, TextSendStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "euc_jp", "iso2022_jp", "ascii"]

cuts = st.lists(st.integers(1, 7), max_size=20)


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run on whichever backend is there."""
    return accord.run(main, backend=accord.get_available_backends()[0])


async def feed(stream: MemoryByteStream, data: bytes, sizes: list[int]) -> None:
    """Send data in pieces of these sizes, and what is left as a whole; then end."""
    start = 0
    for size in sizes:
        await stream.send(data[start : start + size])
        await accord.wait_all_tasks_blocked()
        start += size
    await stream.send(data[start:])
    await stream.send_eof()


# An operation and its arguments.
operations = st.one_of(
    st.tuples(st.just("receive"), st.integers(1, 9)),
    st.tuples(st.just("receive_exactly"), st.integers(0, 9)),
    st.tuples(st.just("receive_until"), st.sampled_from([b"a", b"ab", b"aab"]), st.integers(3, 9)),
)


def expected(rest: bytes, operation: tuple[Any, ...]) -> tuple[object, bytes]:
    """What an operation has to do with the rest of the data, and what is left afterwards; not for receive."""
    name, *arguments = operation
    if name == "receive_exactly":
        size = arguments[0]
        if len(rest) >= size:
            return rest[:size], rest[size:]
        return (accord.IncompleteRead, rest), b""
    delimiter, limit = arguments
    index = rest.find(delimiter, 0, limit)
    if index >= 0:
        return rest[:index], rest[index + len(delimiter) :]
    if len(rest) >= limit:
        return accord.DelimiterNotFound, rest
    return (accord.IncompleteRead, rest), b""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(b"abc"), max_size=60).map(bytes), cuts, st.lists(operations, max_size=20))
def test_buffered_streams(data: bytes, sizes: list[int], script: list[tuple[Any, ...]]) -> None:
    """Every method does what it would do with the data as a whole, whatever the pieces."""

    async def main() -> None:
        near, far = memory_byte_stream_pair()
        rest = data
        async with far, BufferedByteReceiveStream(near) as stream, accord.create_task_group() as group:
            group.start_soon(feed, far, data, sizes)
            for operation in script:
                name, *arguments = operation
                result: object
                try:
                    result = await getattr(stream, name)(*arguments)
                except accord.IncompleteRead as error:
                    result = accord.IncompleteRead, error.partial
                except (accord.DelimiterNotFound, accord.EndOfStream) as error:
                    result = type(error)
                if name == "receive":
                    if not rest:
                        assert result is accord.EndOfStream
                    else:
                        assert isinstance(result, bytes)
                        assert 1 <= len(result) <= arguments[0]
                        assert rest.startswith(result)
                        rest = rest[len(result) :]
                else:
                    wanted, rest = expected(rest, operation)
                    assert result == wanted
            assert b"".join([piece async for piece in stream]) == rest

    run(main)


async def received(data: bytes, sizes: list[int], encoding: str, errors: str) -> tuple[str, bool]:
    """What a text stream makes of data in pieces: the text, and whether it ended in an error."""
    near, far = memory_byte_stream_pair()
    text = ""
    async with far, TextReceiveStream(near, encoding, errors) as stream, accord.create_task_group() as group:
        group.start_soon(feed, far, data, sizes)
        try:
            async for piece in stream:
                assert piece
                text += piece
        except UnicodeDecodeError:
            with pytest.raises(UnicodeDecodeError):
                await stream.receive()
            return text, True
    return text, False


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=30), cuts, st.sampled_from(ENCODINGS))
def test_text_streams(text: str, sizes: list[int], encoding: str) -> None:
    """Text that was encoded as a whole is received as it was."""
    data = text.encode(encoding, "ignore")
    try:
        wanted = data.decode(encoding)
    except UnicodeDecodeError:  # Python can't read its own ISO-2022 with control characters in it
        return
    assert run(lambda: received(data, sizes, encoding, "strict")) == (wanted, False)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=5).map(lambda text: text.encode("utf-8", "replace")), st.binary(max_size=3))),
    cuts,
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "ascii"]),
    st.sampled_from(["strict", "replace", "ignore"]),
)
def test_text_streams_with_wrong_bytes(pieces: list[bytes], sizes: list[int], encoding: str, errors: str) -> None:
    """Of bytes that can't be decoded everything up to the error is received, wherever they were cut."""
    data = b"".join(pieces)
    try:
        wanted = data.decode(encoding, errors), False
    except UnicodeDecodeError as error:
        decoder = codecs.getincrementaldecoder(encoding)()
        good = len(data) - len(error.object) + error.start
        wanted = decoder.decode(data[:good]), True
    assert run(lambda: received(data, sizes, encoding, errors)) == wanted


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=8), max_size=8), st.sampled_from(ENCODINGS))
def test_sent_text(pieces: list[str], encoding: str) -> None:
    """What is sent in pieces is what would be sent as a whole."""
    pieces = [piece.encode(encoding, "ignore").decode(encoding, "ignore") for piece in pieces]

    async def main() -> bytes:
        near, far = memory_byte_stream_pair()
        async with near:
            async with TextSendStream(far, encoding) as stream:
                for piece in pieces:
                    await stream.send(piece)
            return b"".join([chunk async for chunk in near])

    sent = run(main)
    assert sent.decode(encoding) == "".join(pieces)
    if pieces:
        assert sent == "".join(pieces).encode(encoding)


def test_every_cut() -> None:
    """A text is cut at each place, in each encoding."""
    text = "aä€\N{GRINNING FACE}漢字z"
    for encoding in ENCODINGS:
        data = text.encode(encoding, "ignore")
        for place in range(1, len(data)):
            assert run(lambda: received(data, [place], encoding, "strict"))[0] == data.decode(encoding)  # noqa: B023
