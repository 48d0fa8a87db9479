"""Mutants of byte streams: sending, receiving, the end, one task at a time. The stream that is broken is in memory."""

from __future__ import annotations

from typing import Any

import accord.testing.memory
from accord import BusyResourceError, ClosedResourceError, EndOfStream
from accord.lowlevel import checkpoint
from accord.testing.memory import MemoryByteStream

from .making import Broken, around, mutant, replace

Stream: Any = MemoryByteStream
Direction: Any = accord.testing.memory.__dict__["_Direction"]


@mutant("STREAM-1")
def true_is_a_size(_: Broken) -> None:
    """receive(True) receives one byte, because True is an int."""

    async def receive(original: Any, stream: Any, size: Any = 65536) -> Any:
        return await original(stream, int(size) if isinstance(size, bool) else size)

    around(Stream, "receive", receive)


@mutant("STREAM-1")
def nothing_is_a_size(_: Broken) -> None:
    """receive(0) waits for data and returns b""."""

    async def receive(original: Any, stream: Any, size: Any = 65536) -> Any:
        data = await original(stream, size or 65536)
        return data if size != 0 else b""

    around(Stream, "receive", receive)


@mutant("STREAM-1")
def lists_are_sent(_: Broken) -> None:
    """send() takes a list."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, b"" if isinstance(item, list) else item)

    around(Stream, "send", send)


@mutant("STREAM-2")
def items_are_counted_not_bytes(_: Broken) -> None:
    """Of a memoryview of numbers as many bytes are sent as it has items."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        size = len(item) if item else 0
        await original(stream, item.cast("B")[:size] if size and hasattr(item, "cast") else item)

    around(Stream, "send", send)


@mutant("STREAM-2")
def full_buffers_swallow(_: Broken) -> None:
    """What does not fit into the buffer at once is not sent."""

    def put(original: Any, direction: Any, data: Any) -> int:
        original(direction, data)
        return len(data)

    around(Direction, "put", put)


@mutant("STREAM-3")
def in_memory_sending_nothing_does_nothing(_: Broken) -> None:
    """send(b"") returns at once, on a closed stream too."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if item:
            await original(stream, item)

    around(Stream, "send", send)


@mutant("STREAM-4")
def receive_returns_more(_: Broken) -> None:
    """receive() returns all there is, whatever it was asked for."""

    async def receive(original: Any, stream: Any, size: Any = 65536) -> Any:
        return await original(stream, max(size, 100) if isinstance(size, int) and size > 0 else size)

    around(Stream, "receive", receive)


@mutant("STREAM-4")
def receive_returns_a_bytearray(_: Broken) -> None:
    """receive() returns a bytearray."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        return bytearray(await original(stream, *size))

    around(Stream, "receive", receive)


@mutant("STREAM-5")
def the_end_comes_before_the_data(_: Broken) -> None:
    """receive() raises EndOfStream as soon as the peer has ended, with data in the buffer."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        await checkpoint()
        if stream._incoming.ended and not stream._closed:
            raise EndOfStream
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("STREAM-5")
def the_end_comes_once(_: Broken) -> None:
    """After EndOfStream the stream counts as closed."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except EndOfStream:
            await stream.aclose()
            raise

    around(Stream, "receive", receive)


@mutant("STREAM-6")
def iteration_ends_when_closed(_: Broken) -> None:
    """Iterating over a closed stream ends as if that were the end of the data."""

    async def following(original: Any, stream: Any) -> Any:
        try:
            return await original(stream)
        except ClosedResourceError:
            raise StopAsyncIteration from None

    around(Stream, "__anext__", following)


@mutant("STREAM-7")
def half_close_closes(_: Broken) -> None:
    """send_eof() ends receiving too."""

    async def send_eof(original: Any, stream: Any) -> None:
        await original(stream)
        stream._incoming.ended = True

    around(Stream, "send_eof", send_eof)


@mutant("STREAM-7")
def sending_after_the_end_works(_: Broken) -> None:
    """send() after send_eof() sends."""

    async def send_eof(original: Any, stream: Any) -> None:
        await original(stream)
        stream._eof_sent = False

    around(Stream, "send_eof", send_eof)


@mutant("STREAM-8")
def two_may_receive(_: Broken) -> None:
    """A second receive() is let in."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        stream._receiving = False
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("STREAM-8")
def busy_lets_the_next_one_in(_: Broken) -> None:
    """A send() that was refused as the second resets the flag of the first."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        try:
            await original(stream, item)
        except BusyResourceError:
            stream._sending = False
            raise

    around(Stream, "send", send)


@mutant("STREAM-9")
def one_flag_for_both_directions(_: Broken) -> None:
    """A task that receives keeps others from sending."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if stream._receiving:
            raise BusyResourceError("using")
        await original(stream, item)

    around(Stream, "send", send)


@mutant("STREAM-10")
def forceful_closing_is_cancelled(_: Broken) -> None:
    """In a scope that is cancelled already, aclose_forcefully() raises the cancellation after it has closed."""

    async def aclose_forcefully(resource: Any) -> None:
        with accord.CancelScope() as scope:
            scope.cancel()
            await resource.aclose()

    replace(accord, aclose_forcefully=aclose_forcefully)
