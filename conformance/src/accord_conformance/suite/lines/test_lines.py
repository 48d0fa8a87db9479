"""Lines of streams of bytes and of text, in pieces of any size."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

import accord
from accord.streams.lines import LineIterator, iter_lines
from accord.streams.text import TextReceiveStream
from accord.testing import memory_byte_stream_pair
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import count_yields, is_cancelled_by, rule

TEXT = "one\ntwo\r\n\n\r\nth\rree\x0b\x85\u2028\n\r\r\nlast"
LINES = ["one", "two", "", "", "th\rree\x0b\x85\u2028", "\r", "last"]


iter_pieces: Any = iter_lines
"""Of the streams here nothing is needed but ``receive()``, where type checkers ask for a whole stream."""


class Pieces:
    """Gives what it was made with; exceptions are raised."""

    def __init__(self, *pieces: Any) -> None:
        self.pieces = deque(pieces)
        self.received = 0

    async def receive(self) -> Any:
        """Give the next piece."""
        await accord.lowlevel.checkpoint()
        self.received += 1
        if not self.pieces:
            raise accord.EndOfStream
        piece = self.pieces.popleft()
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        """Fail: nobody is to close it."""
        raise AssertionError


def cut(data: Any, size: int) -> list[Any]:
    """Data in pieces of one size, with an empty one in between."""
    return [data[:0], *[data[start : start + size] for start in range(0, len(data), size)], data[:0]]


async def lines_of(lines: Any) -> list[Any]:
    """All lines up to the end or an error, which stands at the end as its class."""
    found: list[Any] = []
    try:
        async for line in lines:
            found.append(line)  # noqa: PERF401
    except Exception as error:
        found.append(type(error))
    return found


@rule("LINES-1")
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
async def test_lines(size: int) -> None:
    """Lines of text and of bytes end at newlines, wherever they were cut, and nowhere else."""
    data = TEXT.encode()
    assert await lines_of(iter_pieces(Pieces(*cut(TEXT, size)))) == LINES
    assert await lines_of(iter_pieces(Pieces(*cut(data, size)))) == [line.encode() for line in LINES]
    for end in ("\n", "\r\n"):
        assert await lines_of(iter_pieces(Pieces(*cut(TEXT + end, size)))) == LINES
    kept = await lines_of(iter_pieces(Pieces(*cut(TEXT, size)), keep_ends=True))
    assert "".join(kept) == TEXT
    assert len(kept) == len(LINES)
    assert await lines_of(iter_pieces(Pieces(*cut("a\r", size)))) == ["a\r"]


@rule("LINES-1")
async def test_lines_of_nothing() -> None:
    """A stream without anything has no lines; one with a newline has an empty one."""
    assert await lines_of(iter_pieces(Pieces())) == []
    assert await lines_of(iter_pieces(Pieces(b""))) == []
    assert await lines_of(iter_pieces(Pieces(b"\n"))) == [b""]
    assert await lines_of(iter_pieces(Pieces(b"\n\n"), keep_ends=True)) == [b"\n", b"\n"]


@rule("LINES-1")
async def test_lines_of_real_streams() -> None:
    """Byte streams and text streams have lines."""
    for text in (False, True):
        near, far = memory_byte_stream_pair(max_receive=3)
        async with near, far:
            await far.send(TEXT.encode())
            await far.send_eof()
            lines: LineIterator[Any] = iter_lines(TextReceiveStream(near)) if text else iter_lines(near)
            assert await lines_of(lines) == (LINES if text else [line.encode() for line in LINES])


@rule("LINES-1")
async def test_other_objects() -> None:
    """What is neither bytes nor text, and a mixture, is refused each time."""
    for pieces in ((1,), (bytearray(b"x\n"),), (b"x", "y\n"), ("x", b"y\n")):
        lines: Any = iter_pieces(Pieces(*pieces))
        for _ in range(2):
            with pytest.raises(TypeError, match="either bytes or str"):
                await anext(lines)


@rule("LINES-2")
@pytest.mark.parametrize("size", [1, 2, 3, 4, 1000])
@pytest.mark.parametrize("keep_ends", [False, True])
async def test_limit(size: int, keep_ends: bool) -> None:
    """A line of the largest length passes, a longer one does not; those before it come first."""
    good = ["abcde\n", "abcde\r\n", "abcde"]
    found = await lines_of(iter_pieces(Pieces(*cut("".join(good), size)), max_line=5, keep_ends=keep_ends))
    assert found == (good if keep_ends else ["abcde"] * 3)
    for bad in ("abcdef\nx\n", "abcdef\r\n", "abcdef", "abcde\r", "abcde\rx\n", "abcdefgh" * 100):
        lines: Any = iter_pieces(Pieces(*cut("abc\nabcde\r\n" + bad, size)), max_line=5)
        assert await lines_of(lines) == ["abc", "abcde", accord.DelimiterNotFound]
        assert await lines_of(lines) == [accord.DelimiterNotFound]


@rule("LINES-2")
async def test_nothing_is_received_after_a_long_line() -> None:
    """Once a line is too long the rest is left alone."""
    stream = Pieces(b"abc", b"def", b"g\nh\n", b"i")
    lines: Any = iter_pieces(stream, max_line=5)
    for _ in range(3):
        assert await lines_of(lines) == [accord.DelimiterNotFound]
    assert stream.received == 2


@rule("LINES-2")
def test_arguments() -> None:
    """What is no length, and no stream, is refused at once."""
    wrong: Any
    for wrong in ("5", None, True, 1.5):
        with pytest.raises(TypeError, match="max_line"):
            iter_pieces(Pieces(), max_line=wrong)
    for number in (0, -1):
        with pytest.raises(ValueError, match="max_line"):
            iter_pieces(Pieces(), max_line=number)
    for wrong in (b"bytes", None, [b"x"]):
        with pytest.raises(TypeError, match="stream"):
            iter_lines(wrong)


@rule("LINES-3")
async def test_checkpoints() -> None:
    """Each step can be cancelled, and loses nothing; among sixteen one yields."""
    lines: Any = iter_pieces(Pieces(b"line\n" * 50, b"be", b"gun\nend"))
    found: list[bytes] = []
    yields: list[int] = []
    while True:
        assert await is_cancelled_by(lines.__anext__)

        async def step() -> None:
            found.append(await anext(lines))

        try:
            yields.append(await count_yields(step()))
        except StopAsyncIteration:
            break
    assert found == [b"line"] * 50 + [b"begun", b"end"]
    lines = iter_pieces(Pieces(b"line\n" * 50))
    assert await anext(lines)
    yields = [await count_yields(lines.__anext__()) for _ in range(48)]
    assert all(any(yields[start : start + 16]) for start in range(32))


@rule("LINES-3")
@pytest.mark.parametrize("gap", GAPS)
async def test_cancelled_while_waiting(gap: str) -> None:
    """A step that waits for the rest of its line and is cancelled leaves what has come."""
    send, receive = accord.create_memory_object_stream[bytes](10)
    async with send, receive, accord.create_task_group() as group:
        lines: Any = iter_lines(receive)
        await send.send(b"first\nbe")
        assert await anext(lines) == b"first"
        attempt = await blocked(group, lines.__anext__)
        served = await race(gap, attempt, lambda: send.send_nowait(b"gun\nnext\n"))
        if served:
            assert attempt.value == b"begun"
        else:
            assert await anext(lines) == b"begun"
        assert await anext(lines) == b"next"


@rule("LINES-3")
async def test_two_tasks() -> None:
    """A second task is told, also in a cancelled scope, and the first goes on."""
    send, receive = accord.create_memory_object_stream[bytes]()
    async with send, receive, accord.create_task_group() as group:
        lines: Any = iter_lines(receive)
        attempt = await blocked(group, lines.__anext__)
        with accord.CancelScope() as scope:
            scope.cancel()
            with pytest.raises(accord.BusyResourceError, match="receiving from"):
                await anext(lines)
        await send.send(b"line\n")
        await attempt.handle.wait()
        assert attempt.value == b"line"


@rule("LINES-4")
async def test_errors_of_the_stream() -> None:
    """An error is raised by the step; what came before and after it is one line if the stream goes on."""
    lines: Any = iter_pieces(Pieces(b"a\nb", accord.BrokenResourceError("it broke"), b"c\nd"))
    assert await lines_of(lines) == [b"a", accord.BrokenResourceError]
    assert await lines_of(lines) == [b"bc", b"d"]


@rule("LINES-4")
async def test_end() -> None:
    """After the end there is nothing, each time, and the stream has been left open."""
    stream = Pieces(b"a\nb\n")
    lines: Any = iter_pieces(stream)
    async for line in lines:
        assert line == b"a"
        break
    assert await lines_of(lines) == [b"b"]
    for _ in range(2):
        with pytest.raises(StopAsyncIteration):
            await anext(lines)
