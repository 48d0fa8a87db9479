"""The tools for testing: streams in memory, and checks that tell right streams from wrong ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

import accord
from accord.testing import (
    MemoryByteStream,
    byte_stream_checks,
    check_byte_stream,
    check_listener,
    check_object_stream,
    memory_byte_stream_pair,
)
from accord_conformance.attempts import blocked
from accord_conformance.helpers import assert_yields, cyclic_garbage, rule, settle
from accord_conformance.suite.streams.kinds import MemoryListener, abort_memory, listen_in_memory

MARKER = accord.typed_attribute()


@rule("STREAM-60")
async def test_sizes_of_a_pair() -> None:
    """A direction holds max_buffer_size bytes, and receive() returns max_receive bytes at most."""
    near, far = memory_byte_stream_pair(10, max_receive=3)
    async with near, far:
        await near.send(b"0123456789")
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(near.send, b"x"))
            assert await far.receive() == b"012"
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
        far.max_receive = None
        assert await far.receive() == b"3456789x"
    wrong: list[tuple[Any, type[Exception]]] = [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError)]
    for size, error in wrong:
        with pytest.raises(error, match="max_buffer_size"):
            memory_byte_stream_pair(size)
        with pytest.raises(error, match="max_receive"):
            memory_byte_stream_pair(max_receive=size)


@rule("STREAM-60")
def test_pairs_outside_a_loop() -> None:
    """A pair can be made where no loop runs, and gives a warning when it is freed without having been closed."""
    near, far = memory_byte_stream_pair(attributes={MARKER: 5})
    assert (near.extra(MARKER), far.extra(MARKER)) == (5, 5)
    kept = [near, far]
    del near, far
    for _ in range(2):
        with pytest.warns(ResourceWarning, match="unclosed"):
            kept.pop()


@rule("STREAM-60")
async def test_accidents() -> None:
    """reset() breaks both ends at once, whatever is under way; neither is closed by it."""
    for index in range(2):
        pair = memory_byte_stream_pair(10)
        async with pair[0], pair[1]:
            async with accord.create_task_group() as group:
                receiving = await blocked(group, pair[0].receive)
                sending = await blocked(group, partial(pair[0].send, bytes(20)))
                pair[index].reset("the cable was cut")
            for attempt in (receiving, sending):
                assert type(attempt.error) is accord.BrokenResourceError
                assert str(attempt.error) == "the cable was cut"
            for stream in pair:
                with pytest.raises(accord.BrokenResourceError, match="cable"):
                    await stream.receive()
                with pytest.raises(accord.BrokenResourceError, match="cable"):
                    await stream.send(b"x")


@rule("STREAM-60")
async def test_pairs_leave_no_garbage() -> None:
    """Pairs that were used, waited for and closed leave nothing to the cycle collector."""

    async def see_the_end(stream: MemoryByteStream) -> None:
        assert [chunk async for chunk in stream] == []

    async def use() -> None:
        near, far = memory_byte_stream_pair(1)
        async with near, far:
            async with accord.create_task_group() as group:
                group.start_soon(near.send, b"abc")
                assert await far.receive() == b"a"
                assert await far.receive() + await far.receive() == b"bc"
                group.start_soon(see_the_end, far)
                await settle()
                await near.aclose()

    assert await cyclic_garbage(use) == []


@rule("STREAM-10")
async def test_closing_forcefully() -> None:
    """aclose_forcefully() closes in a cancelled scope, raises no cancellation, and lets errors out."""
    near, far = memory_byte_stream_pair()
    async with far:
        await accord.aclose_forcefully(near)
        with pytest.raises(accord.ClosedResourceError):
            await near.receive()
        with pytest.raises(accord.EndOfStream):
            await far.receive()

    class Slow(MemoryByteStream):
        async def aclose(self) -> None:
            try:
                await accord.sleep_forever()
            finally:
                await super().aclose()

    class Failing(MemoryByteStream):
        async def aclose(self) -> None:
            raise OSError("stuck")

    for cls, error in ((Slow, None), (Failing, OSError)):
        near, far = memory_byte_stream_pair()
        async with near, far:
            stream = cls(near._incoming, near._outgoing, None, {})
            if error is None:
                await accord.aclose_forcefully(stream)
            else:
                with pytest.raises(error):
                    await accord.aclose_forcefully(stream)
            await MemoryByteStream.aclose(stream)


@rule("STREAM-10")
async def test_closing_forcefully_in_a_cancelled_scope() -> None:
    """In a clean-up, where the scope is cancelled already, aclose_forcefully() raises no cancellation either."""
    near, far = memory_byte_stream_pair()
    with accord.CancelScope() as scope:
        scope.cancel()
        await accord.aclose_forcefully(near)
        await accord.aclose_forcefully(far)
        assert accord.lowlevel.current_backend().checkpoint_due()
    assert not scope.cancelled_caught


class Deaf(MemoryByteStream):
    """Does not notice that it was closed while it waits, and loses data that is received in a cancelled scope."""

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Receive, by looking again and again."""
        while not self._incoming.buffer and not self._incoming.ended:
            await accord.sleep(0.001)
        return await super().receive(max_bytes)


async def deaf_pair() -> tuple[Any, Any]:
    """Two wrong streams."""
    near, far = memory_byte_stream_pair()
    pair = [Deaf(stream._incoming, stream._outgoing, None, {}) for stream in (near, far)]
    for stream in (near, far):
        stream._closed = True  # its place was taken
    return pair[0], pair[1]


async def good_pair() -> tuple[Any, Any]:
    """Two right streams."""
    return memory_byte_stream_pair()


@rule("STREAM-61")
async def test_checks_of_byte_streams() -> None:
    """Right streams pass; of wrong ones the errors name the rules, and one that hangs is no hindrance."""
    await check_byte_stream(good_pair, abort=abort_memory, large=200_000)
    with pytest.raises(ExceptionGroup) as caught:
        await check_byte_stream(deaf_pair, large=200_000, patience=0.3)
    failures = caught.value.exceptions
    assert all(type(failure) is AssertionError for failure in failures)
    broken = {str(failure).split()[0] for failure in failures}
    assert {"STREAM-12", "STREAM-8"} <= broken
    assert not {"STREAM-2", "STREAM-7", "STREAM-18"} & broken
    known = {check.rule for check in byte_stream_checks()}
    assert broken <= known
    assert known == {f"STREAM-{number}" for number in range(1, 20)}


@rule("STREAM-61")
async def test_checks_of_object_streams() -> None:
    """Right streams pass; those that give objects in the wrong order don't."""

    async def right() -> tuple[Any, Any]:
        send, receive = accord.create_memory_object_stream[int]()
        return receive, send

    class Backwards:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

        async def receive(self) -> Any:
            first = await self._stream.receive()
            try:
                second = await self._stream.receive()
            except accord.EndOfStream:
                return first
            self._stream._state.buffer.appendleft(first)
            return second

    async def wrong() -> tuple[Any, Any]:
        send, receive = accord.create_memory_object_stream[int](10)
        return Backwards(receive), send

    await check_object_stream(right, items=(1, 2, 3))
    with pytest.raises(ExceptionGroup) as caught:
        await check_object_stream(wrong, items=(1, 2, 3), patience=0.3)
    assert "STREAM-21" in {str(failure).split()[0] for failure in caught.value.exceptions}


@rule("STREAM-61")
async def test_checks_of_listeners() -> None:
    """A right listener passes; one whose serve() raises when it is closed doesn't."""

    class Noisy(MemoryListener):
        async def serve(self, *args: Any, **keywords: Any) -> None:
            await super().serve(*args, **keywords)
            raise accord.ClosedResourceError

    async def wrong() -> tuple[Any, Any]:
        listener = Noisy()
        return listener, listener.connect

    await check_listener(listen_in_memory)
    with pytest.raises(ExceptionGroup) as caught:
        await check_listener(wrong, patience=0.3)
    assert "STREAM-27" in {str(failure).split()[0] for failure in caught.value.exceptions}


@rule("STREAM-61")
async def test_checks_run_one_by_one() -> None:
    """Each check has its rule and can be run alone."""
    for check in byte_stream_checks()[:2]:
        assert str(check).startswith(check.rule)
        await assert_yields(partial(check.run, good_pair))
