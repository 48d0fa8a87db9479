"""Memory object streams: closing ends, clones, the end of the stream, statistics and warnings."""

from __future__ import annotations

import gc
import warnings
from functools import partial

import pytest

import accord
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import assert_never_yields, rule, settle


@rule("MEM-8")
async def test_receivers_get_what_is_left_and_then_the_end() -> None:
    """After the last send end was closed the buffer is drained, and then EndOfStream is raised again and again."""
    send, receive = accord.create_memory_object_stream[int](3)
    with receive:
        for number in range(3):
            send.send_nowait(number)
        send.close()
        assert await receive.receive() == 0
        assert receive.receive_nowait() == 1
        assert await receive.receive() == 2
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await receive.receive()
            with pytest.raises(accord.EndOfStream):
                receive.receive_nowait()


@rule("MEM-8")
async def test_blocked_receivers_get_the_end() -> None:
    """Closing the last send end wakes every receiver with EndOfStream."""
    send, receive = accord.create_memory_object_stream[int]()
    attempts: list[Attempt[int]] = []
    with receive:
        async with accord.create_task_group() as group:
            attempts += [await blocked(group, receive.receive) for _ in range(2)]
            send.close()
        assert [type(attempt.error) for attempt in attempts] == [accord.EndOfStream] * 2
        assert attempts[0].error is not attempts[1].error


@rule("MEM-9")
@pytest.mark.parametrize("item", [None, 0, "", 1])
async def test_sending_to_nobody(item: object) -> None:
    """After the last receive end was closed, blocked and later sends raise BrokenResourceError, whatever the item."""
    send, receive = accord.create_memory_object_stream[object](1)
    attempts: list[Attempt[None]] = []
    with send:
        send.send_nowait(item)
        async with accord.create_task_group() as group:
            attempts += [await blocked(group, partial(send.send, item)) for _ in range(2)]
            receive.close()
        assert [type(attempt.error) for attempt in attempts] == [accord.BrokenResourceError] * 2
        assert attempts[0].error is not attempts[1].error
        with pytest.raises(accord.BrokenResourceError):
            await send.send(item)
        with pytest.raises(accord.BrokenResourceError):
            send.send_nowait(item)
        assert send.statistics().current_buffer_used == 0


@rule("MEM-8", "MEM-9")
@pytest.mark.parametrize("item", [None, 0, "", False])
async def test_falsy_items_are_items(item: object) -> None:
    """Items that are false are delivered like others, directly, from the buffer, and from a blocked sender."""
    send, receive = accord.create_memory_object_stream[object](1)
    with receive:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, receive.receive)
            send.send_nowait(item)
            await attempt.handle.wait()
            assert (attempt.outcome, attempt.value) == ("returned", item)
            send.send_nowait(item)
            sender = await blocked(group, partial(send.send, item))
            assert receive.receive_nowait() is item
            send.close()
            assert receive.receive_nowait() is item
        assert sender.outcome == "returned"
        with pytest.raises(accord.EndOfStream):
            receive.receive_nowait()


@rule("MEM-10")
async def test_closing_wakes_those_who_wait_on_that_end() -> None:
    """Tasks blocked on the end that is closed get ClosedResourceError, those blocked on its clone go on."""
    send, receive = accord.create_memory_object_stream[str]()
    with send, receive:
        async with accord.create_task_group() as group:
            receive2 = receive.clone()
            mine, other = await blocked(group, receive2.receive), await blocked(group, receive.receive)
            receive2.close()
            await mine.handle.wait()
            assert type(mine.error) is accord.ClosedResourceError
            assert other.outcome == "blocked"
            send.send_nowait("item")
        assert other.value == "item"
        async with accord.create_task_group() as group:
            send2 = send.clone()
            mine2, other2 = (
                await blocked(group, partial(send2.send, "lost")),
                await blocked(group, partial(send.send, "kept")),
            )
            send2.close()
            await mine2.handle.wait()
            assert type(mine2.error) is accord.ClosedResourceError
            assert other2.outcome == "blocked"
            assert receive.receive_nowait() == "kept"


@rule("MEM-10")
async def test_closing_the_last_end_wakes_its_own_waiters() -> None:
    """Tasks blocked on the end itself get ClosedResourceError also if it is the last one."""
    send, receive = accord.create_memory_object_stream[str]()
    with send:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, receive.receive)
            receive.close()
        assert type(attempt.error) is accord.ClosedResourceError
    send, receive = accord.create_memory_object_stream[str]()
    with receive:
        async with accord.create_task_group() as group:
            sender = await blocked(group, partial(send.send, "lost"))
            send.close()
        assert type(sender.error) is accord.ClosedResourceError
        with pytest.raises(accord.EndOfStream):
            receive.receive_nowait()


@rule("MEM-10")
async def test_closed_end_comes_first() -> None:
    """Every operation on a closed end raises ClosedResourceError, whatever else is the matter with the stream."""
    for first_send in (True, False):
        send, receive = accord.create_memory_object_stream[str](1)
        send.send_nowait("item")
        for end in (send, receive) if first_send else (receive, send):
            end.close()
        with pytest.raises(accord.ClosedResourceError):
            await send.send("x")
        with pytest.raises(accord.ClosedResourceError):
            send.send_nowait("x")
        with pytest.raises(accord.ClosedResourceError):
            send.clone()
        with pytest.raises(accord.ClosedResourceError):
            await receive.receive()
        with pytest.raises(accord.ClosedResourceError):
            receive.receive_nowait()
        with pytest.raises(accord.ClosedResourceError):
            receive.clone()


@rule("MEM-5", "MEM-6")
async def test_closing_after_the_hand_over() -> None:
    """A task that was served before an end was closed does not notice that, on either side."""
    send, receive = accord.create_memory_object_stream[str]()
    async with accord.create_task_group() as group:
        receiver = await blocked(group, receive.receive)
        send.send_nowait("item")
        receive.close()
        send.close()
    assert (receiver.outcome, receiver.value) == ("returned", "item")
    for close_sender in (True, False):
        send, receive = accord.create_memory_object_stream[str]()
        with send, receive:
            async with accord.create_task_group() as group:
                sender = await blocked(group, partial(send.send, "item"))
                assert receive.receive_nowait() == "item"
                (send if close_sender else receive).close()
            assert sender.outcome == "returned"


@rule("MEM-11")
async def test_stream_lives_as_long_as_a_clone() -> None:
    """Closing one of several ends ends nothing; the last one does."""
    send, receive = accord.create_memory_object_stream[str](1)
    send2, receive2 = send.clone(), receive.clone()
    send.close()
    send2.send_nowait("first")
    receive.close()
    assert receive2.receive_nowait() == "first"
    send2.send_nowait("second")
    send2.close()
    assert receive2.receive_nowait() == "second"
    with pytest.raises(accord.EndOfStream):
        receive2.receive_nowait()
    receive2.close()


@rule("MEM-11")
async def test_each_item_goes_to_one_receiver() -> None:
    """An item that one receive end got is not there for its clone."""
    send, receive = accord.create_memory_object_stream[int](2)
    with send, receive, receive.clone() as other:
        send.send_nowait(1)
        send.send_nowait(2)
        assert other.receive_nowait() == 1
        assert receive.receive_nowait() == 2
        with pytest.raises(accord.WouldBlock):
            other.receive_nowait()


@rule("MEM-12")
async def test_closing_twice() -> None:
    """close() and aclose() may be called again; a clone is not affected by the second call."""
    send, receive = accord.create_memory_object_stream[int]()
    with send.clone() as send2, receive.clone() as receive2:
        for end in (send, receive):
            end.close()
            end.close()
            await end.aclose()
        assert send2.statistics().open_send_streams == 1
        assert send2.statistics().open_receive_streams == 1
        async with accord.create_task_group() as group:
            attempt = Attempt(group, receive2.receive)
            await send2.send(1)
        assert attempt.value == 1


@rule("MEM-12")
async def test_aclose_and_blocks() -> None:
    """aclose() is no checkpoint; both kinds of with block close the end, also in a cancelled scope."""
    send, receive = accord.create_memory_object_stream[int]()
    await assert_never_yields(send.aclose)
    with accord.CancelScope() as scope:
        scope.cancel()
        await receive.aclose()
    assert not scope.cancelled_caught
    send, receive = accord.create_memory_object_stream[int]()
    async with send:
        with receive:
            pass
        assert send.statistics().open_receive_streams == 0
    assert send.statistics().open_send_streams == 0


@rule("MEM-13")
async def test_statistics() -> None:
    """The statistics are exact after each step, and the same from each end."""

    def numbers() -> tuple[float, ...]:
        assert send.statistics() == receive.statistics()
        return tuple(send.statistics())

    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        assert numbers() == (0, 1, 1, 1, 0, 0)
        assert isinstance(send.statistics(), accord.MemoryObjectStreamStatistics)
        async with accord.create_task_group() as group:
            with send.clone(), receive.clone():
                assert numbers() == (0, 1, 2, 2, 0, 0)
                waiting = [await blocked(group, receive.receive) for _ in range(3)]
                assert numbers() == (0, 1, 2, 2, 0, 3)
                send.send_nowait(1)
                assert numbers() == (0, 1, 2, 2, 0, 2)
                waiting[1].cancel()
                await waiting[1].handle.wait()
                assert numbers() == (0, 1, 2, 2, 0, 1)
                send.send_nowait(2)
                send.send_nowait(3)
                assert numbers() == (1, 1, 2, 2, 0, 0)
                sending = [await blocked(group, partial(send.send, number)) for number in (4, 5)]
                assert numbers() == (1, 1, 2, 2, 2, 0)
                receive.receive_nowait()
                assert numbers() == (1, 1, 2, 2, 1, 0)
                sending[1].cancel()
                await settle()
                assert numbers() == (1, 1, 2, 2, 0, 0)
            assert numbers() == (1, 1, 1, 1, 0, 0)
    assert numbers() == (0, 1, 0, 0, 0, 0)


@rule("MEM-14")
async def test_warning_for_an_end_that_was_not_closed() -> None:
    """An end that is freed unclosed gives one ResourceWarning; a closed one gives none."""
    for kind in (0, 1):
        ends: list[object] = [*accord.create_memory_object_stream[int]()]
        closed = ends.pop(1 - kind)
        assert isinstance(closed, accord.MemoryObjectSendStream | accord.MemoryObjectReceiveStream)
        closed.close()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del closed
            gc.collect()
            assert caught == []
            ends.clear()
            gc.collect()
        assert [warning.category for warning in caught] == [ResourceWarning]
        name = ("MemoryObjectSendStream", "MemoryObjectReceiveStream")[kind]
        assert name in str(caught[0].message)


@rule("MEM-15")
async def test_iteration_ends_with_the_stream() -> None:
    """Async for ends when the last send end is closed, and raises ClosedResourceError if its own end is."""
    send, receive = accord.create_memory_object_stream[int](3)
    for number in range(3):
        send.send_nowait(number)
    send.close()
    assert [item async for item in receive] == [0, 1, 2]
    receive.close()
    send, receive = accord.create_memory_object_stream[int](3)
    seen: list[int] = []
    with send:
        send.send_nowait(0)
        with pytest.raises(accord.ClosedResourceError) as caught:
            async for item in receive:
                seen.append(item)
                receive.close()
        assert caught.value.__context__ is None
    assert seen == [0]
