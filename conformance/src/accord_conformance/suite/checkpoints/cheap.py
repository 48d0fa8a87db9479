"""Operations that never have to wait, for the tests of the budget and of what is done in its place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import accord
from accord.lowlevel import checkpoint_if_cancelled

Operation = Callable[[], Awaitable[object]]
Kind = Callable[[], Operation]


def entering(primitive: accord.Lock | accord.Semaphore | accord.CapacityLimiter) -> Operation:
    """Enter and leave a block that is free."""

    async def operation() -> None:
        async with primitive:
            pass

    return operation


def waiting_for_a_set_event() -> Operation:
    """Wait for an event that is set."""
    event = accord.Event()
    event.set()
    return event.wait


def sending() -> Operation:
    """Send into a buffer that has room."""

    async def operation() -> None:
        with accord.create_memory_object_stream[int](1) as (send, _):
            await send.send(1)

    return operation


def receiving() -> Operation:
    """Receive from a buffer that is not empty."""

    async def operation() -> None:
        with accord.create_memory_object_stream[int](1) as (send, receive):
            send.send_nowait(1)
            await receive.receive()

    return operation


def checking() -> Operation:
    """Look for a cancellation, and do nothing else."""
    return checkpoint_if_cancelled


KINDS: dict[str, Kind] = {
    "event": waiting_for_a_set_event,
    "lock": lambda: entering(accord.Lock()),
    "semaphore": lambda: entering(accord.Semaphore(1)),
    "limiter": lambda: entering(accord.CapacityLimiter(1)),
    "send": sending,
    "receive": receiving,
    "check": checking,
}
