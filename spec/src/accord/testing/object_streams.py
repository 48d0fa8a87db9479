"""The checks of object streams. The subject receives, the peer sends; each may be able to do the other thing too."""

from __future__ import annotations

from functools import partial
from typing import Any

from .._time import sleep
from ..exceptions import BrokenResourceError, ClosedResourceError, EndOfStream
from .checks import Attempt, Checks, Ends, blocked, cancelled_by, expect, expecting

object_checks = Checks()
check = object_checks.check


def _joined(ends: Ends, items: list[Any]) -> Any:
    return items if ends.options.join is None else ends.options.join(items)


async def _send_all(ends: Ends) -> None:
    for item in ends.options.items:
        await ends.peer.send(item)


async def _end(ends: Ends) -> None:
    if ends.options.half_close and hasattr(ends.peer, "send_eof"):
        await ends.peer.send_eof()
    else:
        await ends.peer.aclose()


async def _receive_all(ends: Ends) -> list[Any]:
    received: list[Any] = []
    while True:
        try:
            received.append(await ends.subject.receive())
        except EndOfStream:
            return received


@check("STREAM-21", both_ways=False)
async def objects_arrive(ends: Ends) -> None:
    """Each object arrives once, in order, also at a receiver that waits for it."""
    sending = Attempt(ends.group, partial(_send_all, ends))
    sending_end = Attempt(ends.group, partial(_after, sending, ends))
    received = await _receive_all(ends)
    await sending_end.returned("send()")
    expected = list(ends.options.items)
    expect(_joined(ends, received) == _joined(ends, expected), f"{received} arrived, {expected} was sent")


async def _after(sending: Attempt[None], ends: Ends) -> None:
    await sending.returned("send()")
    await _end(ends)


@check("STREAM-22", both_ways=False)
async def objects_end(ends: Ends) -> None:
    """After the last object receive() raises EndOfStream each time, and iterating ends, also for one that waits."""
    waiting = await blocked(ends.group, ends.subject.receive, "receive() without objects")
    await _end(ends)
    await waiting.raised(EndOfStream, "receive() at the end")
    with expecting(EndOfStream, "receive() at the end"):
        await ends.subject.receive()
    expect([item async for item in ends.subject] == [], "iterating has to end at once")


@check("STREAM-22", both_ways=False)
async def iterating_over_objects(ends: Ends) -> None:
    """Iterating gives the objects and ends."""
    sending = Attempt(ends.group, partial(_send_all, ends))
    sending_end = Attempt(ends.group, partial(_after, sending, ends))
    received = [item async for item in ends.subject]
    await sending_end.returned("send()")
    expect(_joined(ends, received) == _joined(ends, list(ends.options.items)), f"{received} arrived")


@check("STREAM-23", both_ways=False)
async def closing_a_receiver(ends: Ends) -> None:
    """aclose() is idempotent and wakes a receive() with ClosedResourceError, which every later one raises too."""
    waiting = await blocked(ends.group, ends.subject.receive, "receive() without objects")
    await ends.subject.aclose()
    await waiting.raised(ClosedResourceError, "a receive() that waited")
    await ends.subject.aclose()
    with expecting(ClosedResourceError, "receive() on a closed stream"):
        await ends.subject.receive()
    with expecting(ClosedResourceError, "iterating over a closed stream"):
        await ends.subject.__anext__()


@check("STREAM-23", both_ways=False)
async def closing_a_sender(ends: Ends) -> None:
    """After aclose() send() raises ClosedResourceError, as it does after send_eof()."""
    if ends.options.half_close and hasattr(ends.peer, "send_eof"):
        await ends.peer.send_eof()
        await ends.peer.send_eof()
        with expecting(ClosedResourceError, "send() after send_eof()"):
            await ends.peer.send(ends.options.items[0])
    async with ends.peer as stream:
        expect(stream is ends.peer, "the block has to get the stream itself")
    with expecting(ClosedResourceError, "send() on a closed stream"):
        await ends.peer.send(ends.options.items[0])


@check("STREAM-24", both_ways=False)
async def sending_objects_to_nobody(ends: Ends) -> None:
    """A send() to a receiver that has closed raises BrokenResourceError, at the latest when that is known."""
    await ends.subject.aclose()
    with expecting(BrokenResourceError, "send() to a receiver that has closed"):
        for _ in range(200):
            await ends.peer.send(ends.options.items[0])
            await sleep(0.005)


@check("STREAM-25", both_ways=False)
async def cancelled_object_operations(ends: Ends) -> None:
    """send() and receive() in a cancelled scope raise that, and nothing is sent, taken or lost."""
    first, *_ = ends.options.items
    expect(await cancelled_by(partial(ends.peer.send, ends.options.items[-1])), "a cancelled send() has to raise that")
    waiting = await blocked(ends.group, ends.subject.receive, "receive() without objects")
    waiting.scope.cancel()
    await waiting.end()
    expect(waiting.outcome == "cancelled", f"a cancelled receive() has to raise that, but {waiting.outcome}")
    sending = Attempt(ends.group, partial(ends.peer.send, first))
    await sleep(0)
    expect(await cancelled_by(ends.subject.receive), "receive() in a cancelled scope has to raise that")
    received: list[Any] = []
    while not received or (_joined(ends, received) != _joined(ends, [first]) and ends.options.join is not None):
        received.append(await ends.subject.receive())
    await sending.returned("send()")
    expect(_joined(ends, received) == _joined(ends, [first]), f"{received} arrived, not {first!r}")
