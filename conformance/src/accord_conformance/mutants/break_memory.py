"""Mutants of memory object streams: sizes, order, what waits, cancellation."""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import inf
from typing import Any

from accord import (
    BrokenResourceError,
    ClosedResourceError,
    Event,
    MemoryObjectReceiveStream,
    MemoryObjectSendStream,
    WouldBlock,
    create_memory_object_stream,
)
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import (
    binds_to_a_loop,
    checks_again,
    needs_a_loop,
    needs_a_task,
    never_yields,
    refuses_the_cancelled,
    takes_before_it_checks,
    trusts_unpark,
)


def _converts(convert: Callable[[Any], Any]) -> None:
    """Let the size be converted before it is checked."""
    make: Any = create_memory_object_stream.__new__

    def new(cls: Any, size: Any = 0) -> Any:
        return make(cls, convert(size))

    replace(create_memory_object_stream, __new__=new)


@mutant("MEM-1")
def stream_takes_bools(_: Broken) -> None:
    """True is 1."""
    _converts(lambda size: int(size) if isinstance(size, bool) else size)


@mutant("MEM-1")
def stream_takes_whole_floats(_: Broken) -> None:
    """1.0 is 1."""
    _converts(lambda size: int(size) if isinstance(size, float) and size.is_integer() else size)


@mutant("MEM-1")
def stream_calls_minus_infinity_a_float(_: Broken) -> None:
    """A size of -inf is a TypeError like other floats."""
    _converts(lambda size: 0.5 if size == -inf else size)


@mutant("MEM-1")
def stream_takes_negative_sizes(_: Broken) -> None:
    """A negative size is 0."""
    _converts(lambda size: max(size, 0) if type(size) is int else size)


@mutant("MEM-1")
def stream_with_type_forgets_its_size(_: Broken) -> None:
    """The subscripted form does not pass the size on."""

    def subscript(cls: Any, item: Any) -> Any:
        def make(*size: Any) -> Any:
            return cls()

        return make

    replace(create_memory_object_stream, __class_getitem__=classmethod(subscript))


@mutant("MEM-2")
def stream_without_buffer_has_one(_: Broken) -> None:
    """A size of 0 is 1."""
    _converts(lambda size: 1 if size == 0 and not isinstance(size, bool) else size)


@mutant("MEM-2")
def stream_holds_one_item_too_many(_: Broken) -> None:
    """One item more fits into the buffer."""
    _converts(lambda size: size + 1 if type(size) is int and size > 0 else size)


@mutant("MEM-2")
def stream_knows_no_infinity(_: Broken) -> None:
    """An infinite buffer has a bound."""
    _converts(lambda size: 512 if size == inf else size)


@mutant("MEM-2")
def stream_send_waits_for_the_receiver_to_resume(_: Broken) -> None:
    """send() blocks although there is room."""

    async def send(original: Any, end: Any, item: Any) -> None:
        await original(end, item)
        while end.statistics().current_buffer_used:
            await checkpoint_if_cancelled()
            await Event().wait()

    around(MemoryObjectSendStream, "send", send)


@mutant("MEM-3")
def stream_serves_the_newest_receiver(_: Broken) -> None:
    """The receiver that came last gets the first item."""

    def send_nowait(original: Any, end: Any, item: Any) -> None:
        if end.statistics().tasks_waiting_receive:
            end._state.receivers.rotate(1)
        original(end, item)

    around(MemoryObjectSendStream, "send_nowait", send_nowait)


@mutant("MEM-3")
def stream_serves_the_newest_sender(_: Broken) -> None:
    """The item of the sender that came last is taken first."""

    def receive_nowait(original: Any, end: Any) -> Any:
        if end.statistics().tasks_waiting_send:
            end._state.senders.rotate(1)
        return original(end)

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-3")
def stream_buffer_is_a_stack(_: Broken) -> None:
    """The newest item of the buffer comes first."""

    def receive_nowait(original: Any, end: Any) -> Any:
        end._state.buffer.rotate(1)
        return original(end)

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-4")
def stream_nowait_refuses_the_cancelled(_: Broken) -> None:
    """The nowait methods raise in a cancelled scope."""
    refuses_the_cancelled(MemoryObjectSendStream, "send_nowait")
    refuses_the_cancelled(MemoryObjectReceiveStream, "receive_nowait")


@mutant("MEM-4")
def stream_nowait_needs_a_task(_: Broken) -> None:
    """The nowait methods don't work in callbacks."""
    needs_a_task(MemoryObjectSendStream, "send_nowait")
    needs_a_task(MemoryObjectReceiveStream, "receive_nowait")


@mutant("MEM-4")
def stream_nowait_sees_only_the_buffer(_: Broken) -> None:
    """receive_nowait() overlooks blocked senders."""

    def receive_nowait(original: Any, end: Any) -> Any:
        if not end.statistics().current_buffer_used and end.statistics().open_send_streams:
            raise WouldBlock
        return original(end)

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-4")
def stream_senders_try_again(_: Broken) -> None:
    """Room is free for anybody; blocked senders are told to try again."""
    waiting: list[Event] = []

    async def send(original: Any, end: Any, item: Any) -> None:
        if not end.statistics().max_buffer_size:
            await original(end, item)
            return
        await checkpoint_if_cancelled()
        while True:
            try:
                end.send_nowait(item)
            except WouldBlock:
                waiting.append(Event())
                await waiting[-1].wait()
            else:
                return

    def receive_nowait(original: Any, end: Any) -> Any:
        item = original(end)
        if waiting:
            waiting.pop(0).set()
        return item

    around(MemoryObjectSendStream, "send", send)
    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-4")
def stream_keeps_what_it_refuses(_: Broken) -> None:
    """send_nowait() raises WouldBlock, and the item is in the buffer."""

    def send_nowait(original: Any, end: Any, item: Any) -> None:
        try:
            original(end, item)
        except WouldBlock:
            end._state.buffer.append(item)
            raise

    around(MemoryObjectSendStream, "send_nowait", send_nowait)


@mutant("MEM-5")
def stream_takes_items_of_the_cancelled(broken: Broken) -> None:
    """receive_nowait() takes the item of a sender that was cancelled."""
    trusts_unpark(broken, MemoryObjectReceiveStream, "receive_nowait")


@mutant("MEM-5")
def stream_send_checks_again(_: Broken) -> None:
    """A sender whose item was taken raises if it is cancelled before it resumes."""
    checks_again(MemoryObjectSendStream, "send")


@mutant("MEM-5")
def stream_send_looks_for_receivers_again(_: Broken) -> None:
    """A sender whose item was taken raises if the stream is broken before it resumes."""

    async def send(original: Any, end: Any, item: Any) -> None:
        await original(end, item)
        if not end.statistics().open_receive_streams:
            raise BrokenResourceError

    around(MemoryObjectSendStream, "send", send)


@mutant("MEM-5")
def stream_send_looks_at_its_end_again(_: Broken) -> None:
    """A sender whose item was taken raises if its end is closed before it resumes."""

    async def send(original: Any, end: Any, item: Any) -> None:
        await original(end, item)
        end.clone().close()

    around(MemoryObjectSendStream, "send", send)


@mutant("MEM-6")
def stream_gives_items_to_the_cancelled(broken: Broken) -> None:
    """send_nowait() hands an item to a receiver that was cancelled."""
    trusts_unpark(broken, MemoryObjectSendStream, "send_nowait")


@mutant("MEM-6")
def stream_receive_checks_again(_: Broken) -> None:
    """A receiver that was handed an item raises if it is cancelled before it resumes."""
    checks_again(MemoryObjectReceiveStream, "receive")


@mutant("MEM-6")
def stream_receive_looks_at_its_end_again(_: Broken) -> None:
    """A receiver that was handed an item raises if its end is closed before it resumes."""

    async def receive(original: Any, end: Any) -> Any:
        item = await original(end)
        end.clone().close()
        return item

    around(MemoryObjectReceiveStream, "receive", receive)


@mutant("MEM-7")
def stream_sends_before_it_checks(_: Broken) -> None:
    """send() in a cancelled scope sends and raises."""
    takes_before_it_checks(MemoryObjectSendStream, "send_nowait", "send")


@mutant("MEM-7")
def stream_receives_before_it_checks(_: Broken) -> None:
    """receive() in a cancelled scope takes an item and raises."""
    takes_before_it_checks(MemoryObjectReceiveStream, "receive_nowait", "receive")


@mutant("MEM-7")
def stream_send_never_yields(_: Broken) -> None:
    """send() only looks for a cancellation where there is room."""
    never_yields(MemoryObjectSendStream, "send_nowait", "send")


@mutant("MEM-7")
def stream_receive_never_yields(_: Broken) -> None:
    """receive() only looks for a cancellation where there is an item."""
    never_yields(MemoryObjectReceiveStream, "receive_nowait", "receive")


@mutant("MEM-7")
def closed_stream_looks_at_itself_first(_: Broken) -> None:
    """ClosedResourceError comes before the cancellation."""

    async def receive(original: Any, end: Any) -> Any:
        try:
            end.clone().close()
        except ClosedResourceError:
            raise ClosedResourceError("this end is closed") from None
        return await original(end)

    around(MemoryObjectReceiveStream, "receive", receive)


@mutant("MEM-16")
def stream_is_made_in_a_loop(_: Broken) -> None:
    """A stream can't be made outside a loop."""
    needs_a_loop(create_memory_object_stream, "__new__")


@mutant("MEM-16")
def stream_binds_to_its_first_loop(_: Broken) -> None:
    """A stream works only in the loop in which it was first used."""
    binds_to_a_loop(MemoryObjectSendStream, "send")
    binds_to_a_loop(MemoryObjectReceiveStream, "receive")


@mutant("MEM-17")
def stream_keeps_cancelled_waiters(_: Broken) -> None:
    """A sender or receiver that was cancelled stays in the queue."""

    def leave(waiters: Any, waiter: Any) -> None:
        return None

    replace(sys.modules[MemoryObjectSendStream.__module__], _leave=leave)


@mutant("MEM-17")
def stream_trips_over_cancelled_receivers(broken: Broken) -> None:
    """An item goes to a receiver that was cancelled, and is gone."""
    trusts_unpark(broken, MemoryObjectSendStream, "send_nowait")


@mutant("MEM-17")
def stream_trips_over_cancelled_senders(broken: Broken) -> None:
    """The item of a sender that was cancelled comes before those of the others."""
    trusts_unpark(broken, MemoryObjectReceiveStream, "receive_nowait")
