"""Mutants of the streams that wrap others: attributes, buffers, and parts that are closed together."""

from __future__ import annotations

from typing import Any

import accord.streams.stapled
from accord import BrokenResourceError, BusyResourceError, EndOfStream, IncompleteRead
from accord.lowlevel import checkpoint
from accord.streams.buffered import BufferedByteReceiveStream
from accord.streams.stapled import MultiListener, StapledByteStream, StapledObjectStream

from .making import Broken, around, mutant, replace

Buffered: Any = BufferedByteReceiveStream
Stapled: Any = StapledByteStream.__base__
Several: Any = MultiListener


@mutant("STREAM-20")
def wrappers_hide_attributes(_: Broken) -> None:
    """Buffered streams have no typed attributes."""
    replace(Buffered, extra_attributes={})


@mutant("STREAM-20")
def attributes_of_the_sender_count(_: Broken) -> None:
    """Of a stapled stream the sending stream's attribute counts."""

    def attributes(stream: Any) -> Any:
        return {**stream.receive_stream.extra_attributes, **stream.send_stream.extra_attributes}

    replace(Stapled, extra_attributes=property(attributes))


@mutant("STREAM-30")
def surplus_is_dropped(_: Broken) -> None:
    """What a large object has beyond max_bytes is lost."""

    async def receive(original: Any, stream: Any, size: int = 65536) -> Any:
        had = bool(stream._buffer)
        data = await original(stream, size)
        if not had:
            stream._buffer.clear()
        return data

    around(Buffered, "receive", receive)


@mutant("STREAM-30")
def fed_data_comes_first(_: Broken) -> None:
    """feed_data() puts data before what is in the buffer."""

    def feed_data(stream: Any, data: Any) -> None:
        stream._buffer[:0] = bytes(data)

    replace(Buffered, feed_data=feed_data)


@mutant("STREAM-31")
def exact_amounts_read_ahead(_: Broken) -> None:
    """receive_exactly() takes what there is from the wrapped stream."""

    async def fetch(original: Any, stream: Any, size: int) -> Any:
        return await original(stream, 65536)

    around(Buffered, "_fetch", fetch)


@mutant("STREAM-31")
def the_rest_is_given_twice(_: Broken) -> None:
    """What IncompleteRead carries stays in the buffer as well."""

    async def receive_exactly(original: Any, stream: Any, size: int) -> Any:
        try:
            return await original(stream, size)
        except IncompleteRead as error:
            stream._buffer += error.partial
            raise

    around(Buffered, "receive_exactly", receive_exactly)


@mutant("STREAM-32")
def the_limit_is_soft(_: Broken) -> None:
    """The limit of receive_until() is looked at between reads only."""

    async def receive_until(original: Any, stream: Any, delimiter: bytes, limit: int) -> Any:
        if delimiter and isinstance(limit, int) and delimiter in stream._buffer:
            limit = max(limit, len(stream._buffer))
        return await original(stream, delimiter, limit)

    around(Buffered, "receive_until", receive_until)


@mutant("STREAM-32")
def cut_delimiters_are_missed(_: Broken) -> None:
    """A delimiter that arrives in two pieces is not found."""

    class Bytes(bytearray):
        def find(self, delimiter: Any, start: int = 0, end: int = 1 << 60) -> int:  # type: ignore[override]
            return super().find(delimiter, start and start + len(delimiter) - 1, end)

    def init(original: Any, stream: Any, *args: Any) -> None:
        original(stream, *args)
        stream._buffer = Bytes()

    around(Buffered, "__init__", init)


@mutant("STREAM-33")
def a_cancelled_read_drops_the_beginning(_: Broken) -> None:
    """receive_exactly() that is cancelled forgets what it had."""

    async def receive_exactly(original: Any, stream: Any, size: int) -> Any:
        try:
            return await original(stream, size)
        except IncompleteRead:
            raise
        except Exception:
            raise
        except BaseException:
            stream._buffer.clear()
            raise

    around(Buffered, "receive_exactly", receive_exactly)


@mutant("STREAM-33")
def two_may_read_lines(_: Broken) -> None:
    """A second task may receive from a buffered stream."""

    def begin(stream: Any) -> None:
        stream._receiving = True

    replace(Buffered, _begin=begin)


@mutant("STREAM-33")
def the_buffer_needs_no_checkpoint(_: Broken) -> None:
    """What is in the buffer is returned without a checkpoint."""

    async def check(original: Any, stream: Any) -> None:
        if stream._closed or stream._broken:
            await original(stream)

    around(Buffered, "_check", check)


@mutant("STREAM-34")
def the_buffer_outlives_the_stream(_: Broken) -> None:
    """A closed buffered stream hands out what is in its buffer."""

    async def aclose(stream: Any) -> None:
        await stream.receive_stream.aclose()

    replace(Buffered, aclose=aclose)


@mutant("STREAM-34")
def the_buffer_outlives_an_accident(_: Broken) -> None:
    """A broken buffered stream hands out what is in its buffer."""

    async def fetch(original: Any, stream: Any, size: int) -> Any:
        try:
            return await original(stream, size)
        finally:
            stream._broken = None

    around(Buffered, "_fetch", fetch)


@mutant("STREAM-50")
def directions_are_swapped_at_the_end(_: Broken) -> None:
    """send_eof() closes the receiving stream too."""

    async def send_eof(original: Any, stream: Any) -> None:
        await original(stream)
        await stream.receive_stream.aclose()

    around(Stapled, "send_eof", send_eof)


@mutant("STREAM-50")
def the_end_cuts_a_send(_: Broken) -> None:
    """send_eof() closes the sending stream under a send()."""

    async def send_eof(original: Any, stream: Any) -> None:
        stream._sending = 0
        await original(stream)

    around(Stapled, "send_eof", send_eof)


@mutant("STREAM-51")
def the_second_part_leaks(_: Broken) -> None:
    """If closing the first part fails the second stays open."""

    async def close_all(*parts: Any) -> None:
        for part in parts:
            await part.aclose()

    replace(accord.streams.stapled, aclose_all=close_all)


@mutant("STREAM-51")
def errors_of_closing_are_dropped(_: Broken) -> None:
    """What closing a part raises is not reported."""

    async def close_all(original: Any, *parts: Any) -> None:
        try:
            await original(*parts)
        except Exception:
            await checkpoint()

    around(accord.streams.stapled, "aclose_all", close_all)


@mutant("STREAM-52")
def sending_at_once_is_never_possible(_: Broken) -> None:
    """send_nowait() of a stapled stream is not implemented for any stream."""

    def send_nowait(stream: Any, item: Any) -> None:
        raise NotImplementedError("can't send without waiting")

    replace(StapledObjectStream, send_nowait=send_nowait)


@mutant("STREAM-53")
def the_first_one_ready_is_enough(_: Broken) -> None:
    """started() is called when the first listener is ready."""

    def init(original: Any, countdown: Any, _count: int, status: Any) -> None:
        original(countdown, 1, status)

    around(accord.streams.stapled.__dict__["_Countdown"], "__init__", init)


@mutant("STREAM-53")
def options_of_serving_are_dropped(_: Broken) -> None:
    """serve() of several listeners does not pass on_error on."""

    async def serve(original: Any, listener: Any, *args: Any, on_error: Any = None, **keywords: Any) -> None:
        await original(listener, *args, **keywords)

    around(Several, "serve", serve)


@mutant("STREAM-54")
def listeners_are_nested(_: Broken) -> None:
    """A MultiListener in another stays whole."""

    def init(listener: Any, listeners: Any) -> None:
        listener.listeners = tuple(listeners)
        if not listener.listeners:
            raise ValueError("listeners must not be empty")

    replace(Several, __init__=init)


@mutant("STREAM-21")
def stapled_objects_are_sent_twice(_: Broken) -> None:
    """A stapled object stream sends an object again if it had to wait."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, item)
        if item == "two":
            await original(stream, item)

    around(Stapled, "_send_all", send)


@mutant("STREAM-22")
def stapled_objects_end_in_none(_: Broken) -> None:
    """receive() of a stapled object stream returns None at the end."""

    async def receive(original: Any, stream: Any) -> Any:
        try:
            return await original(stream)
        except EndOfStream:
            return None

    around(StapledObjectStream, "receive", receive)


@mutant("STREAM-23")
def closing_leaves_the_receiver(_: Broken) -> None:
    """aclose() of a stapled stream closes the sending stream only."""

    async def aclose(stream: Any) -> None:
        stream._closed = True
        await stream.send_stream.aclose()

    replace(Stapled, aclose=aclose)


@mutant("STREAM-24")
def objects_for_nobody_are_accepted(_: Broken) -> None:
    """send() of a stapled object stream hides that nobody receives."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        try:
            await original(stream, item)
        except BrokenResourceError:
            await checkpoint()

    around(Stapled, "_send_all", send)


@mutant("STREAM-25")
def a_cancelled_receive_drops_an_object(_: Broken) -> None:
    """receive() of a stapled object stream checks for cancellation after it has taken an object."""

    async def receive(stream: Any) -> Any:
        if stream.receive_stream.statistics().current_buffer_used:
            item = stream.receive_stream.receive_nowait()
            await checkpoint()
            return item
        return await stream.receive_stream.receive()

    replace(StapledObjectStream, receive=receive)


def _only_one_at_a_time(original: Any, listener: Any, serve: Any, status: Any) -> Any:
    handler, *rest = serve.args
    busy: list[bool] = []

    async def handle(stream: Any) -> None:
        while busy:
            await checkpoint()
        busy.append(True)
        try:
            await handler(stream)
        finally:
            busy.clear()

    return original(listener, type(serve)(serve.func, handle, *rest, **serve.keywords), status)


@mutant("STREAM-26")
def one_connection_after_the_other(_: Broken) -> None:
    """A connection is handled when the handler of the one before has ended."""
    around(Several, "_serve_one", _only_one_at_a_time)


@mutant("STREAM-27")
def closing_is_an_error(_: Broken) -> None:
    """serve() of several listeners raises when they are closed."""

    async def serve_one(original: Any, listener: Any, *args: Any) -> None:
        await original(listener, *args)
        raise BusyResourceError("closing")

    around(Several, "_serve_one", serve_one)


@mutant("STREAM-28")
def the_callers_group_is_ignored(_: Broken) -> None:
    """Handlers are tasks of a group of serve(), whatever group was passed."""

    async def serve(original: Any, listener: Any, handler: Any, group: Any = None, **keywords: Any) -> None:
        await original(listener, handler, **keywords)

    around(Several, "serve", serve)


@mutant("STREAM-29")
def readiness_is_never_told(_: Broken) -> None:
    """serve() of several listeners forgets task_status."""

    async def serve(original: Any, listener: Any, *args: Any, task_status: Any = None, **keywords: Any) -> None:
        await original(listener, *args, **keywords)

    around(Several, "serve", serve)
