"""Mutants of byte streams: closing, breaking, cancelling and waiting for room. The stream is in memory."""

from __future__ import annotations

from typing import Any

import accord.testing.memory
from accord import BrokenResourceError, ClosedResourceError, EndOfStream
from accord.lowlevel import checkpoint
from accord.testing.memory import MemoryByteStream

from .making import Broken, around, mutant, replace

Stream: Any = MemoryByteStream
Direction: Any = accord.testing.memory.__dict__["_Direction"]


@mutant("STREAM-10")
def a_cancellation_prevents_closing(_: Broken) -> None:
    """aclose() in a cancelled scope raises before it closes."""

    async def aclose(original: Any, stream: Any) -> None:
        if not stream._closed:
            await checkpoint()
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("STREAM-10")
def a_second_aclose_is_an_error(_: Broken) -> None:
    """aclose() of a closed stream raises ClosedResourceError."""

    async def aclose(original: Any, stream: Any) -> None:
        if stream._closed:
            raise ClosedResourceError
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("STREAM-11")
def left_overs_after_closing(_: Broken) -> None:
    """receive() on a closed stream returns what had arrived."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._closed and left.get(stream):
            return left.pop(stream)
        return await original(stream, *size)

    async def aclose(original: Any, stream: Any) -> None:
        left[stream] = bytes(stream._incoming.buffer)
        await original(stream)

    left: dict[Any, bytes] = {}
    around(Stream, "receive", receive)
    around(Stream, "aclose", aclose)


@mutant("STREAM-12")
def closing_wakes_no_sender(_: Broken) -> None:
    """A send() that waits for room goes on waiting when its stream is closed."""

    async def aclose(original: Any, stream: Any) -> None:
        sender, stream._outgoing.sender = stream._outgoing.sender, None
        await original(stream)
        stream._outgoing.sender = sender

    around(Stream, "aclose", aclose)


@mutant("STREAM-13")
def closing_drops_what_was_sent(_: Broken) -> None:
    """aclose() throws away what the peer has not received yet."""

    async def aclose(original: Any, stream: Any) -> None:
        if not stream._closed:
            stream._outgoing.buffer.clear()
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("STREAM-13")
def sending_to_nobody_works(_: Broken) -> None:
    """send() to a peer that has closed succeeds as long as there is room."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        stream._outgoing.reader_gone = False
        await original(stream, item)

    around(Stream, "send", send)


@mutant("STREAM-14")
def broken_once_then_ended(_: Broken) -> None:
    """After the first BrokenResourceError receive() raises EndOfStream."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except BrokenResourceError:
            if stream in seen:
                raise EndOfStream from None
            seen.add(stream)
            raise

    seen: set[Any] = set()
    around(Stream, "receive", receive)


@mutant("STREAM-14")
def broken_in_one_direction(_: Broken) -> None:
    """A stream on which send() has found that it is broken can still be received from."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        try:
            await original(stream, item)
        finally:
            stream._broken = None

    around(Stream, "send", send)


@mutant("STREAM-15")
def receives_without_a_checkpoint(_: Broken) -> None:
    """receive() returns what is there without looking for a cancellation."""

    async def receive(original: Any, stream: Any, size: Any = 65536) -> Any:
        if stream._incoming.buffer and isinstance(size, int) and size > 0 and not stream._closed:
            return stream._incoming.take(min(size, stream.max_receive or size))
        return await original(stream, size)

    around(Stream, "receive", receive)


@mutant("STREAM-15")
def sends_before_it_checks(_: Broken) -> None:
    """send() puts its data into the buffer and then raises the cancellation."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if item in {b"wrong", b"x"} and not stream._closed:
            stream._outgoing.put(memoryview(item))
            await checkpoint()
            return
        await original(stream, item)

    around(Stream, "send", send)


@mutant("STREAM-15")
def never_lets_others_run(_: Broken) -> None:
    """send() checks for cancellation and never yields."""

    class Hasty:
        def __init__(self, backend: Any) -> None:
            self.backend = backend

        def __getattr__(self, name: str) -> Any:
            return getattr(self.backend, name)

        async def checkpoint(self) -> None:
            await self.backend.checkpoint_if_cancelled()

    def current(original: Any) -> Any:
        return Hasty(original())

    replace(accord.testing.memory, here=type("NotHere", (), {"backend": None}))
    around(accord.testing.memory, "current_backend", current)


@mutant("STREAM-16")
def a_cancelled_receive_loses_data(_: Broken) -> None:
    """receive() takes the data and then makes a checkpoint."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        data = await original(stream, *size)
        await checkpoint()
        return data

    around(Stream, "receive", receive)


@mutant("STREAM-17")
def a_cancelled_send_goes_on(_: Broken) -> None:
    """What a cancelled send() had not sent yet is put into the buffer all the same."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        before = len(stream._outgoing.buffer)
        try:
            await original(stream, item)
        except BaseException:
            if not stream._closed and len(item) > 100_000:
                stream._outgoing.buffer += memoryview(item)[len(stream._outgoing.buffer) - before :]
            raise

    around(Stream, "send", send)


@mutant("STREAM-18")
def nothing_is_bounded(_: Broken) -> None:
    """A buffer takes whatever is sent."""

    def put(original: Any, direction: Any, data: Any) -> Any:
        direction.max_size = 1 << 40
        return original(direction, data)

    around(Direction, "put", put)


@mutant("STREAM-18")
def a_waiting_sender_is_forgotten(_: Broken) -> None:
    """A sender that waits for room is woken only when the buffer is empty, and then only if it was asked twice."""

    def take(original: Any, direction: Any, size: int) -> Any:
        sender, direction.sender = direction.sender, None
        try:
            return original(direction, size)
        finally:
            direction.sender = sender

    around(Direction, "take", take)


@mutant("STREAM-19")
def closed_comes_before_cancelled(_: Broken) -> None:
    """A closed stream says so in a cancelled scope too."""

    async def closed_first(original: Any, stream: Any, *args: Any) -> Any:
        if stream._closed:
            raise ClosedResourceError
        return await original(stream, *args)

    for name in ("receive", "send", "send_eof"):
        around(Stream, name, closed_first)


@mutant("STREAM-19")
def cancelled_comes_before_busy(_: Broken) -> None:
    """In a cancelled scope a second task gets the cancellation, and not BusyResourceError."""

    async def cancelled_first(original: Any, stream: Any, *args: Any) -> Any:
        await checkpoint()
        return await original(stream, *args)

    for name in ("receive", "send"):
        around(Stream, name, cancelled_first)


@mutant("STREAM-19")
def the_end_comes_before_broken(_: Broken) -> None:
    """send() after send_eof() says so on a stream that is broken too."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if stream._eof_sent and not stream._closed:
            await checkpoint()
            raise ClosedResourceError
        await original(stream, item)

    around(Stream, "send", send)
