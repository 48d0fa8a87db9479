"""Mutants of memory object streams: statistics, warnings, iteration."""

from __future__ import annotations

import warnings
from typing import Any

from accord import ClosedResourceError, MemoryObjectReceiveStream, MemoryObjectSendStream

from .making import Broken, around, mutant, replace
from .waiting import counts_the_cancelled, counts_until_they_resume, needs_a_loop

ENDS = (MemoryObjectSendStream, MemoryObjectReceiveStream)


@mutant("MEM-13")
def stream_mixes_up_its_statistics(_: Broken) -> None:
    """The numbers of blocked senders and receivers are exchanged."""

    def statistics(original: Any, end: Any) -> Any:
        truth = original(end)
        return truth._replace(
            tasks_waiting_send=truth.tasks_waiting_receive, tasks_waiting_receive=truth.tasks_waiting_send
        )

    for kind in ENDS:
        around(kind, "statistics", statistics)


@mutant("MEM-13")
def stream_counts_receivers_until_they_resume(_: Broken) -> None:
    """A receiver that was handed an item is counted until it has run."""
    counts_until_they_resume(MemoryObjectReceiveStream, "receive", field="tasks_waiting_receive")


@mutant("MEM-13")
def stream_counts_cancelled_senders(_: Broken) -> None:
    """Senders that were cancelled are counted for ever."""
    counts_the_cancelled(MemoryObjectSendStream, "send", field="tasks_waiting_send")


@mutant("MEM-13")
def stream_counts_blocked_items_as_buffered(_: Broken) -> None:
    """The items of blocked senders are counted as in the buffer."""

    def statistics(original: Any, end: Any) -> Any:
        truth = original(end)
        return truth._replace(current_buffer_used=truth.current_buffer_used + truth.tasks_waiting_send)

    for kind in ENDS:
        around(kind, "statistics", statistics)


@mutant("MEM-13")
def stream_statistics_need_a_loop(_: Broken) -> None:
    """statistics() asks for the loop."""
    for kind in ENDS:
        needs_a_loop(kind, "statistics")


@mutant("MEM-13")
def stream_statistics_are_a_plain_tuple(_: Broken) -> None:
    """The statistics have no names."""

    def statistics(original: Any, end: Any) -> Any:
        return tuple(original(end))

    for kind in ENDS:
        around(kind, "statistics", statistics)


@mutant("MEM-14")
def stream_does_not_warn(_: Broken) -> None:
    """An end that is freed unclosed gives no warning."""

    def finalize(end: Any) -> None:
        return None

    for kind in ENDS:
        replace(kind, __del__=finalize)


@mutant("MEM-14")
def stream_warns_always(_: Broken) -> None:
    """An end that was closed gives a warning when it is freed."""

    def finalize(end: Any) -> None:
        warnings.warn(f"unclosed {end!r}", ResourceWarning, stacklevel=1)

    for kind in ENDS:
        replace(kind, __del__=finalize)


@mutant("MEM-14")
def stream_warns_twice(_: Broken) -> None:
    """An end that is freed unclosed gives two warnings."""

    def finalize(original: Any, end: Any) -> None:
        original(end)
        original(end)

    for kind in ENDS:
        around(kind, "__del__", finalize)


@mutant("MEM-14")
def stream_warns_namelessly(_: Broken) -> None:
    """The warning about an unclosed end does not say of what kind it is."""

    def describe(end: Any) -> str:
        return "<memory object stream>"

    for kind in ENDS:
        replace(kind, __repr__=describe)


@mutant("MEM-15")
def stream_iteration_ends_when_closed(_: Broken) -> None:
    """Iteration ends quietly if its own end is closed."""

    async def step(original: Any, end: Any) -> Any:
        try:
            return await original(end)
        except ClosedResourceError:
            raise StopAsyncIteration from None

    around(MemoryObjectReceiveStream, "__anext__", step)


@mutant("MEM-15")
def stream_iteration_raises_at_the_end(_: Broken) -> None:
    """Iteration ends with EndOfStream."""

    def step(end: Any) -> Any:
        return end.receive()

    replace(MemoryObjectReceiveStream, __anext__=step)


@mutant("MEM-15")
def stream_iteration_shows_a_context(_: Broken) -> None:
    """ClosedResourceError comes out of iteration with another error as its context."""

    async def step(original: Any, end: Any) -> Any:
        try:
            return end.receive_nowait()
        except Exception:
            return await original(end)

    around(MemoryObjectReceiveStream, "__anext__", step)
