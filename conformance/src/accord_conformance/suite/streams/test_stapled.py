"""Stapled streams and listeners: both directions as one, and closing all parts whatever happens."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import accord
from accord.streams.buffered import BufferedByteStream
from accord.streams.stapled import MultiListener, StapledByteStream, StapledObjectStream
from accord.streams.text import TextReceiveStream, TextSendStream, TextStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, leaves, rule, settle
from accord_conformance.suite.streams.kinds import MemoryListener

FIRST, SECOND = accord.typed_attribute(), accord.typed_attribute()


class Part(accord.TypedAttributeProvider):
    """Something to close, which may fail while it is closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = 0

    @property
    def extra_attributes(self) -> Any:
        """One attribute."""
        return {FIRST: lambda: self}

    async def aclose(self) -> None:
        """Close it."""
        self.closed += 1
        await accord.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error


def stapled(first: Any, second: Any) -> list[Any]:
    """Everything that is made of two parts."""
    listeners: list[Any] = [first, second]
    return [StapledByteStream(first, second), StapledObjectStream(first, second), MultiListener(listeners)]


@rule("STREAM-20")
async def test_attributes_of_wrappers() -> None:
    """Every stream that wraps another has its typed attributes, as they are at that time."""
    near, far = memory_byte_stream_pair(attributes={FIRST: 1, SECOND: 2})
    async with near, far:
        wrappers: list[Any] = [
            BufferedByteStream(near),
            TextReceiveStream(near),
            TextSendStream(near),
            TextStream(near),
            StapledByteStream(near, near),
            StapledObjectStream(TextStream(near), TextStream(near)),
        ]
        for wrapper in wrappers:
            assert (wrapper.extra(FIRST), wrapper.extra(SECOND)) == (1, 2)
            assert set(wrapper.extra_attributes) == {FIRST, SECOND}
            with pytest.raises(accord.TypedAttributeLookupError):
                wrapper.extra(accord.typed_attribute())
        await near.aclose()
        for wrapper in wrappers:
            with pytest.raises(accord.ClosedResourceError):
                wrapper.extra(FIRST)


@rule("STREAM-20")
async def test_attributes_of_two() -> None:
    """The receiving stream's attribute counts, and that of the first listener."""
    first, second = Part(), Part()
    by_bytes, by_objects, by_listeners = stapled(first, second)
    assert by_bytes.extra(FIRST) is second
    assert by_objects.extra(FIRST) is second
    assert by_listeners.extra(FIRST) is first


@rule("STREAM-50")
async def test_directions_of_a_stapled_stream() -> None:
    """Sending goes to the first, receiving comes from the second, and send_eof() ends the first alone."""
    (near, far), (near2, far2) = memory_byte_stream_pair(), memory_byte_stream_pair(max_receive=2)
    async with far, far2, StapledByteStream(near, near2) as stream:
        await stream.send(b"out")
        assert await far.receive() == b"out"
        await far2.send(b"in")
        assert await stream.receive(1) == b"i"
        await stream.send_eof()
        with pytest.raises(accord.EndOfStream):
            await far.receive()
        await far2.send(b"to")
        await far2.aclose()
        assert b"".join([chunk async for chunk in stream]) == b"nto"
        with pytest.raises(accord.ClosedResourceError):
            await near.receive()


@rule("STREAM-50")
async def test_end_of_sending_while_a_task_sends() -> None:
    """send_eof() of a stapled object stream does not cut off a send(), and does nothing if it is cancelled."""
    send, receive = accord.create_memory_object_stream[int]()
    async with receive, StapledObjectStream[int](send, receive) as stream:
        assert await is_cancelled_by(stream.send_eof)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(stream.send, 1))
            with pytest.raises(accord.BusyResourceError):
                await stream.send_eof()
            assert receive.receive_nowait() == 1
        assert attempt.outcome == "returned"
        await stream.send_eof()
        await stream.send_eof()
        with pytest.raises(accord.EndOfStream):
            await stream.receive()
        await stream.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await stream.send_eof()


@rule("STREAM-51")
@pytest.mark.parametrize("index", range(3))
async def test_closing_all_parts(index: int) -> None:
    """All parts are closed, whatever closing them raises; then that is raised."""
    error, other = OSError("first"), ValueError("second")
    for errors in ((None, None), (error, None), (None, other), (error, other)):
        first, second = parts = Part(errors[0]), Part(errors[1])
        raised: list[BaseException] = []
        try:
            await stapled(*parts)[index].aclose()
        except Exception as exc:
            raised = leaves(exc)
            assert isinstance(exc, ExceptionGroup) == (len(raised) == 2)
        assert raised == [one for one in errors if one is not None]
        assert (first.closed, second.closed) == (1, 1)


@rule("STREAM-51")
@pytest.mark.parametrize("index", range(3))
async def test_closing_all_parts_in_a_cancelled_scope(index: int) -> None:
    """In a cancelled scope all parts are closed too; one cancellation comes out."""
    first, second = Part(), Part()
    whole = stapled(first, second)[index]
    assert await is_cancelled_by(whole.aclose)
    assert (first.closed, second.closed) == (1, 1)


@rule("STREAM-52")
async def test_sending_without_waiting() -> None:
    """send_nowait() is that of the sending stream, if it has one."""
    send, receive = accord.create_memory_object_stream[str](1)
    near, far = memory_byte_stream_pair()
    async with far, receive, StapledObjectStream[str](send, receive) as stream:
        stream.send_nowait("x")
        with pytest.raises(accord.WouldBlock):
            stream.send_nowait("y")
        assert await stream.receive() == "x"
        async with TextStream(near) as text:
            with pytest.raises(NotImplementedError):
                StapledObjectStream[str](text, text).send_nowait("x")


async def greet(stream: MemoryByteStream) -> None:
    """Say hello."""
    async with stream:
        await stream.send(b"hello")


@rule("STREAM-53")
async def test_several_listeners() -> None:
    """All are served until all are closed; started() comes when all are ready, once."""
    listeners = [SlowListener(), SlowListener(), SlowListener()]
    async with MultiListener[MemoryByteStream](listeners) as multi, accord.create_task_group() as group:

        async def serve(*, task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
            await multi.serve(greet, task_status=task_status, on_error="raise")

        starting = await blocked(group, partial(group.start, serve))
        await listeners[1].aclose()
        listeners[1].ready.set()
        listeners[0].ready.set()
        await settle()
        assert starting.outcome != "returned", "it said that it was ready before all were"
        listeners[2].ready.set()
        await starting.handle.wait()
        ended: str = starting.outcome
        assert ended == "returned"
        for listener in (listeners[0], listeners[2]):
            async with await listener.connect() as client:
                assert await client.receive() == b"hello"
        await listeners[0].aclose()
        async with await listeners[2].connect() as client:
            assert await client.receive() == b"hello"
        await listeners[2].aclose()
        with accord.fail_after(PATIENCE):
            while any(task.name.endswith("serve") and not task.finished for task in accord.get_running_tasks()):
                await accord.sleep(0.001)
    assert {listener.on_error for listener in listeners} == {"raise"}


class SlowListener(MemoryListener):
    """A listener that is ready when it is told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = accord.Event()
        self.on_error: Any = None

    async def serve(self, *args: Any, on_error: Any = None, **keywords: Any) -> None:
        """Wait, and serve."""
        self.on_error = on_error
        await self.ready.wait()
        await super().serve(*args, on_error=on_error, **keywords)


class FailingListener(MemoryListener):
    """A listener that fails."""

    async def serve(self, *args: Any, **keywords: Any) -> None:
        """Fail."""
        raise OSError("out of descriptors")


@rule("STREAM-53")
async def test_one_of_several_listeners_fails() -> None:
    """What one raises ends serve(), and the others."""
    async with MultiListener[MemoryByteStream]([MemoryListener(), FailingListener()]) as multi:
        with pytest.raises(ExceptionGroup) as caught, accord.fail_after(PATIENCE):
            await multi.serve(greet)
        assert [type(leaf) for leaf in leaves(caught.value)] == [OSError]


@rule("STREAM-54")
async def test_listeners_of_listeners() -> None:
    """A MultiListener in another is taken apart and left empty; none at all is refused."""
    one, two, three = MemoryListener(), MemoryListener(), MemoryListener()
    inner = MultiListener[MemoryByteStream]([one, two])
    async with MultiListener[MemoryByteStream]([inner, three]) as outer:
        assert list(outer.listeners) == [one, two, three]
        assert list(inner.listeners) == []
        await inner.aclose()
        assert not one.closed
    assert one.closed
    assert three.closed
    with pytest.raises(ValueError, match="listeners"):
        MultiListener[MemoryByteStream]([])
