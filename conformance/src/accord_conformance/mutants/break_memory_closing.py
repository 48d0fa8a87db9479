"""Mutants of memory object streams: closing ends, clones."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    BrokenResourceError,
    CancelScope,
    ClosedResourceError,
    EndOfStream,
    MemoryObjectReceiveStream,
    MemoryObjectSendStream,
)
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace
from .waiting import (
    needs_a_loop,
    needs_a_task,
    wakes_only,
)

ENDS = (MemoryObjectSendStream, MemoryObjectReceiveStream)


@mutant("MEM-8")
def stream_forgets_what_is_left(_: Broken) -> None:
    """The end of the stream comes before the items in the buffer."""

    def receive_nowait(original: Any, end: Any) -> Any:
        if not end.statistics().open_send_streams and not end._closed:
            raise EndOfStream
        return original(end)

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-8")
def stream_ends_once(_: Broken) -> None:
    """After the end of the stream its end is closed."""

    def receive_nowait(original: Any, end: Any) -> Any:
        try:
            return original(end)
        except EndOfStream:
            end.close()
            raise

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-8")
def stream_end_wakes_one_receiver(broken: Broken) -> None:
    """Closing the last send end wakes one receiver only."""
    wakes_only(broken, 1, MemoryObjectSendStream, "close")


@mutant("MEM-8")
def stream_ends_at_falsy_items(_: Broken) -> None:
    """An item that is false is taken for the end."""

    def receive_nowait(original: Any, end: Any) -> Any:
        item = original(end)
        if not item:
            raise EndOfStream
        return item

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-9")
def stream_breaks_for_one_sender(broken: Broken) -> None:
    """Closing the last receive end wakes one sender only."""
    wakes_only(broken, 1, MemoryObjectReceiveStream, "close")


@mutant("MEM-9")
def stream_sends_falsy_items_to_nobody(_: Broken) -> None:
    """An item that is false can be sent to a broken stream."""

    def send_nowait(original: Any, end: Any, item: Any) -> None:
        try:
            original(end, item)
        except BrokenResourceError:
            if item:
                raise

    around(MemoryObjectSendStream, "send_nowait", send_nowait)


@mutant("MEM-9")
def stream_keeps_items_for_nobody(_: Broken) -> None:
    """The items of a broken stream stay in the buffer."""

    def close(original: Any, end: Any) -> None:
        items = list(end._state.buffer)
        original(end)
        end._state.buffer.extend(items[len(end._state.buffer) :])

    around(MemoryObjectReceiveStream, "close", close)


@mutant("MEM-9")
def stream_fills_its_buffer_for_nobody(_: Broken) -> None:
    """send_nowait() to nobody succeeds where there is room."""

    def send_nowait(original: Any, end: Any, item: Any) -> None:
        state = end.statistics()
        if state.open_receive_streams or state.current_buffer_used >= state.max_buffer_size:
            original(end, item)

    around(MemoryObjectSendStream, "send_nowait", send_nowait)


@mutant("MEM-9")
def stream_breaks_with_the_end_of_stream(_: Broken) -> None:
    """send() to nobody raises EndOfStream."""

    async def send(original: Any, end: Any, item: Any) -> None:
        try:
            await original(end, item)
        except BrokenResourceError:
            raise EndOfStream from None

    around(MemoryObjectSendStream, "send", send)


@mutant("MEM-10")
def stream_closed_under_a_receiver_ends(_: Broken) -> None:
    """A receiver whose end is closed gets EndOfStream."""

    async def receive(original: Any, end: Any) -> Any:
        was_closed = end._closed
        try:
            return await original(end)
        except ClosedResourceError:
            if was_closed:
                raise
            raise EndOfStream from None

    around(MemoryObjectReceiveStream, "receive", receive)


@mutant("MEM-10")
def stream_closing_does_not_wake(broken: Broken) -> None:
    """Tasks blocked on the end that is closed go on waiting."""
    wakes_only(broken, 0, MemoryObjectSendStream, "close")
    wakes_only(broken, 0, MemoryObjectReceiveStream, "close")


@mutant("MEM-10")
def stream_closing_wakes_all(_: Broken) -> None:
    """Closing one receive end wakes the tasks blocked on its clones too."""
    scopes: set[CancelScope] = set()

    async def receive(original: Any, end: Any) -> Any:
        with CancelScope() as scope:
            scopes.add(scope)
            try:
                return await original(end)
            finally:
                scopes.discard(scope)
        raise ClosedResourceError

    def close(original: Any, end: Any) -> None:
        original(end)
        for scope in scopes:
            scope.cancel()

    around(MemoryObjectReceiveStream, "receive", receive)
    around(MemoryObjectReceiveStream, "close", close)


@mutant("MEM-10")
def closed_stream_can_be_cloned(_: Broken) -> None:
    """clone() of a closed end gives an open one."""

    def clone(original: Any, end: Any) -> Any:
        return original(end) if not end._closed else type(end)(end._state)

    for kind in ENDS:
        around(kind, "clone", clone)


@mutant("MEM-10")
def closed_stream_has_ended(_: Broken) -> None:
    """receive_nowait() on a closed end ends the stream if that has ended."""

    def receive_nowait(original: Any, end: Any) -> Any:
        if not end.statistics().open_send_streams and not end.statistics().current_buffer_used:
            raise EndOfStream
        return original(end)

    around(MemoryObjectReceiveStream, "receive_nowait", receive_nowait)


@mutant("MEM-10")
def closed_stream_is_broken(_: Broken) -> None:
    """A broken stream raises BrokenResourceError also from an end that is closed."""

    def send_nowait(original: Any, end: Any, item: Any) -> None:
        if not end.statistics().open_receive_streams:
            raise BrokenResourceError
        original(end, item)

    around(MemoryObjectSendStream, "send_nowait", send_nowait)


@mutant("MEM-11")
def stream_clone_is_the_same_end(_: Broken) -> None:
    """clone() returns the end itself."""

    def clone(original: Any, end: Any) -> Any:
        original(end).close()
        return end

    for kind in ENDS:
        around(kind, "clone", clone)


@mutant("MEM-11")
def stream_ends_with_the_first_of_its_ends(_: Broken) -> None:
    """Closing an end closes its clones."""
    families: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()

    def clone(original: Any, end: Any) -> Any:
        family = families.setdefault(end, [end])
        family.append(original(end))
        families[family[-1]] = family
        return family[-1]

    def close(original: Any, end: Any) -> None:
        for other in families.get(end, [end]):
            original(other)

    for kind in ENDS:
        around(kind, "clone", clone)
        around(kind, "close", close)


@mutant("MEM-12")
def stream_aclose_is_a_checkpoint(_: Broken) -> None:
    """aclose() yields, and raises in a cancelled scope."""

    async def aclose(original: Any, end: Any) -> None:
        await original(end)
        await checkpoint()

    for kind in ENDS:
        around(kind, "aclose", aclose)


@mutant("MEM-12")
def stream_is_closed_by_tasks_only(_: Broken) -> None:
    """close() does not work in callbacks."""
    for kind in ENDS:
        needs_a_task(kind, "close")


@mutant("MEM-12")
def stream_is_closed_in_a_loop(_: Broken) -> None:
    """close() does not work outside a loop."""
    for kind in ENDS:
        needs_a_loop(kind, "close")


@mutant("MEM-12")
def stream_is_closed_only_once(_: Broken) -> None:
    """A second close() is an error."""

    def close(original: Any, end: Any) -> None:
        if end._closed:
            raise ClosedResourceError
        original(end)

    for kind in ENDS:
        around(kind, "close", close)


@mutant("MEM-12")
def stream_counts_closing_twice(_: Broken) -> None:
    """A second close() counts as that of another end."""

    def close(original: Any, end: Any) -> None:
        if end._closed:
            end._state.sending_ends -= 1
        original(end)

    around(MemoryObjectSendStream, "close", close)


@mutant("MEM-12")
def stream_stays_open_after_its_block(_: Broken) -> None:
    """Leaving ``async with`` does not close the end."""

    async def leave(end: Any, *_: object) -> None:
        return None

    for kind in ENDS:
        replace(kind, __aexit__=leave)
