"""Buffered streams: exact amounts, delimiters, and what is left when they do not come."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import accord
from accord.streams.buffered import BufferedByteReceiveStream, BufferedByteStream
from accord.testing import memory_byte_stream_pair
from accord_conformance.attempts import blocked
from accord_conformance.helpers import assert_yields, is_cancelled_by, rule
from accord_conformance.suite.streams.kinds import buffered_over_objects


@rule("STREAM-30")
async def test_methods_are_mixed() -> None:
    """Each byte is handed out once, in order, through whichever method."""
    near, far = memory_byte_stream_pair(max_receive=7)
    async with far, BufferedByteStream(near) as stream:
        await far.send(b"line 1\nline 2\n0123456789rest")
        assert await stream.receive_until(b"\n", 20) == b"line 1"
        assert await stream.receive_until(b"\n", 20) == b"line 2"
        assert await stream.receive_exactly(10) == b"0123456789"
        received = await stream.receive(2)
        assert received == b"re"
        assert await stream.receive() == b"st"
        await stream.send(b"answer")
        await stream.send_eof()
        assert [chunk async for chunk in far] == [b"answer"]


@rule("STREAM-30")
async def test_over_a_stream_of_objects() -> None:
    """An object that is larger than what was asked for is kept; empty ones mean nothing."""
    async with buffered_over_objects([b"", b"abcdef", b"", b"gh"]) as stream:
        assert await stream.receive(2) == b"ab"
        assert stream.buffer == b"cdef"
        assert await stream.receive_exactly(5) == b"cdefg"
        assert await stream.receive() == b"h"
        with pytest.raises(accord.EndOfStream):
            await stream.receive()


@rule("STREAM-30")
async def test_feeding() -> None:
    """feed_data() appends to the buffer, also while a task waits, and what comes then comes after it."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream:
        stream.feed_data(b"ab")
        stream.feed_data([99])
        assert stream.buffer == b"abc"
        assert await stream.receive() == b"abc"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(stream.receive_exactly, 4))
            stream.feed_data(b"12")
            await far.send(b"345")
        assert attempt.value == b"1234"
        async with accord.create_task_group() as group:
            waiting = await blocked(group, partial(stream.receive_until, b"\n", 10))
            stream.feed_data(b"6\n")
            await far.send(b"7")
        assert waiting.value == b"56"
        assert await stream.receive() == b"7"
        wrong: Any = "text"
        with pytest.raises(TypeError):
            stream.feed_data(wrong)
        await stream.aclose()
        with pytest.raises(accord.ClosedResourceError):
            stream.feed_data(b"x")


@rule("STREAM-31")
async def test_exact_amounts() -> None:
    """receive_exactly() puts pieces together, takes no more than it needs, and may be asked for nothing."""
    near, far = memory_byte_stream_pair(max_receive=4)
    async with near, far:
        stream = BufferedByteReceiveStream(near)
        assert await stream.receive_exactly(0) == b""
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(stream.receive_exactly, 6))
            await far.send(b"abc")
            await far.send(b"def rest")
        assert attempt.value == b"abcdef"
        assert stream.buffer == b""
        near.max_receive = None
        assert await near.receive() == b" rest"


@rule("STREAM-31")
async def test_too_little() -> None:
    """If the stream ends before, IncompleteRead hands out what there was, and the end follows."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream:
        await far.send(b"abc")
        await far.send_eof()
        with pytest.raises(accord.IncompleteRead) as caught:
            await stream.receive_exactly(5)
        assert caught.value.partial == b"abc"
        assert caught.value.__context__ is None
        assert stream.buffer == b""
        with pytest.raises(accord.EndOfStream):
            await stream.receive()
        with pytest.raises(accord.IncompleteRead) as caught:
            await stream.receive_exactly(1)
        assert caught.value.partial == b""
        wrong: list[tuple[Any, type[Exception]]] = [(-1, ValueError), (True, TypeError), (1.0, TypeError)]
        for number, error in wrong:
            with pytest.raises(error, match="nbytes"):
                await stream.receive_exactly(number)


@rule("STREAM-32")
@pytest.mark.parametrize("size", [1, 2, 3, 100])
async def test_delimiters(size: int) -> None:
    """A delimiter is found however it was cut, and the rest is kept."""
    near, far = memory_byte_stream_pair(max_receive=size)
    async with far, BufferedByteReceiveStream(near) as stream:
        await far.send(b"a\rb\r\n\r\nrest")
        assert await stream.receive_until(b"\r\n", 5) == b"a\rb"
        assert await stream.receive_until(b"\r\n", 2) == b""
        assert await stream.receive_exactly(4) == b"rest"


@rule("STREAM-32")
@pytest.mark.parametrize("size", [1, 4, 100])
async def test_limits(size: int) -> None:
    """The limit holds however the bytes arrive; they stay in the buffer, and a larger limit finds the delimiter."""
    near, far = memory_byte_stream_pair(max_receive=size)
    async with far, BufferedByteReceiveStream(near) as stream:
        await far.send(b"0123456789\nrest")
        for limit in (1, 5, 10):
            with pytest.raises(accord.DelimiterNotFound):
                await stream.receive_until(b"\n", limit)
            assert b"0123456789\nrest".startswith(stream.buffer)
        assert await stream.receive_until(b"\n", 11) == b"0123456789"


@rule("STREAM-32")
async def test_end_before_a_delimiter() -> None:
    """If the stream ends before, IncompleteRead hands out all there was; wrong arguments are refused."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream:
        await far.send(b"line\nrest")
        await far.send_eof()
        assert await stream.receive_until(b"\n", 100) == b"line"
        with pytest.raises(accord.IncompleteRead) as caught:
            await stream.receive_until(b"\n", 100)
        assert caught.value.partial == b"rest"
        assert caught.value.__context__ is None
        assert stream.buffer == b""
        wrong: list[tuple[Any, Any, type[Exception]]] = [
            (b"", 1, ValueError),
            ("\n", 1, TypeError),
            (b"\n", 0, ValueError),
            (b"\r\n", 1, ValueError),
            (b"\n", "1", TypeError),
        ]
        for delimiter, limit, error in wrong:
            with pytest.raises(error):
                await stream.receive_until(delimiter, limit)


@rule("STREAM-33")
async def test_cancelled_methods() -> None:
    """What was received until a call was cancelled is there for the next one."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream:
        for operation in (partial(stream.receive_exactly, 20), partial(stream.receive_until, b"\n", 100)):
            async with accord.create_task_group() as group:
                attempt = await blocked(group, operation)
                await far.send(b"abc")
                await blocked(group, accord.sleep_forever)
                attempt.cancel()
                await attempt.handle.wait()
                group.cancel()
            assert attempt.outcome == "cancelled"
        assert stream.buffer == b"abcabc"
        await far.send(b"\nmore")
        assert await is_cancelled_by(partial(stream.receive_until, b"\n", 100))
        assert await is_cancelled_by(partial(stream.receive_exactly, 2))
        assert await is_cancelled_by(partial(stream.receive_exactly, 0))
        assert await is_cancelled_by(partial(stream.receive, 2))
        assert await stream.receive_until(b"\n", 100) == b"abcabc"
        assert await is_cancelled_by(partial(stream.receive_until, b"\n", 2))


@rule("STREAM-33")
async def test_buffered_methods_yield() -> None:
    """A task that is served from the buffer lets other tasks run now and then."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream:
        stream.feed_data(b"\n" * 1000)

        async def often(operation: Any) -> None:
            for _ in range(64):
                await operation()

        await assert_yields(partial(often, partial(stream.receive_until, b"\n", 10)))
        await assert_yields(partial(often, partial(stream.receive_exactly, 1)))
        await assert_yields(partial(often, partial(stream.receive, 1)))


@rule("STREAM-33")
async def test_one_task_at_a_time() -> None:
    """A second task that receives gets BusyResourceError, whichever methods they use."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteReceiveStream(near) as stream, accord.create_task_group() as group:
        stream.feed_data(b"a\nb")
        attempt = await blocked(group, partial(stream.receive_exactly, 6))
        for operation in (
            stream.receive,
            partial(stream.receive_exactly, 1),
            partial(stream.receive_until, b"\n", 10),
        ):
            with pytest.raises(accord.BusyResourceError):
                await operation()
        await far.send(b"cde")
        await attempt.handle.wait()
        assert attempt.value == b"a\nbcde"


@rule("STREAM-34")
async def test_closing_drops_the_buffer() -> None:
    """Closing closes the wrapped stream; what is in the buffer is not handed out any more."""
    near, far = memory_byte_stream_pair()
    async with far:
        stream = BufferedByteStream(near)
        stream.feed_data(b"line\n")
        await stream.aclose()
        assert stream.buffer == b""
        for operation in (
            stream.receive,
            partial(stream.receive_exactly, 1),
            partial(stream.receive_until, b"\n", 10),
            partial(stream.send, b"x"),
            near.receive,
        ):
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        with pytest.raises(accord.EndOfStream):
            await far.receive()


@rule("STREAM-34")
async def test_broken_with_something_in_the_buffer() -> None:
    """A stream that broke while more was needed is broken for every method, whatever its buffer holds."""
    near, far = memory_byte_stream_pair()
    async with far, BufferedByteStream(near) as stream:
        stream.feed_data(b"abc")
        near.reset()
        for operation in (
            partial(stream.receive_exactly, 5),
            stream.receive,
            partial(stream.receive_exactly, 1),
            partial(stream.receive_until, b"b", 10),
            partial(stream.send, b"x"),
        ):
            with pytest.raises(accord.BrokenResourceError):
                await operation()
