"""The checks of byte streams that are about closing, breaking, cancelling and waiting for room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .._scopes import CancelScope
from .._time import move_on_after, sleep
from ..exceptions import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from .byte_streams import finish, pattern, receive_all
from .checks import Attempt, Checks, Ends, blocked, cancelled_by, expect, expecting, settle

accident_checks = Checks()
check = accident_checks.check


def _operations(stream: Any, half_close: bool) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    operations: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("receive()", stream.receive),
        ("iterating", stream.__anext__),
        ("send()", partial(stream.send, b"x")),
        ('send(b"")', partial(stream.send, b"")),
    ]
    return operations + [("send_eof()", stream.send_eof)] * half_close


async def _break(ends: Ends) -> None:
    """Send from the subject, whose peer is gone, until it says so."""
    for _ in range(200):
        await ends.subject.send(b"x")
        await sleep(0.005)


@check("STREAM-10")
async def closing_twice(ends: Ends) -> None:
    """aclose() is idempotent, also from two tasks at once, and a checkpoint."""
    both = [Attempt(ends.group, ends.subject.aclose) for _ in range(2)]
    for attempt in both:
        await attempt.returned("aclose() by two tasks")
    await ends.subject.aclose()
    expect(await cancelled_by(ends.subject.aclose), "aclose() in a cancelled scope has to raise that")


@check("STREAM-10")
async def closing_in_a_cancelled_scope(ends: Ends) -> None:
    """aclose() in a cancelled scope raises the cancellation and closes the stream all the same."""
    expect(await cancelled_by(ends.subject.aclose), "aclose() in a cancelled scope has to raise that")
    with expecting(ClosedResourceError, "receive() after a cancelled aclose()"):
        await ends.subject.receive()
    try:
        await receive_all(ends.peer)
    except BrokenResourceError:
        pass  # an end without a farewell may be an accident to the peer


@check("STREAM-10")
async def closing_as_a_block(ends: Ends) -> None:
    """Leaving ``async with stream`` closes it, and the block gets the stream itself."""
    async with ends.subject as stream:
        expect(stream is ends.subject, "the block has to get the stream itself")
    with expecting(ClosedResourceError, "send() after the block"):
        await ends.subject.send(b"x")


@check("STREAM-11")
async def use_after_closing(ends: Ends) -> None:
    """Every operation on a stream that was closed raises ClosedResourceError, also if data had arrived."""
    await ends.peer.send(b"data")
    await ends.subject.receive(1)
    await ends.subject.aclose()
    for _ in range(2):
        for what, operation in _operations(ends.subject, ends.options.half_close):
            with expecting(ClosedResourceError, f"{what} on a closed stream"):
                await operation()


@check("STREAM-12")
async def closing_wakes(ends: Ends) -> None:
    """Tasks that wait in receive() and send() get ClosedResourceError when the stream is closed."""
    receiving = await blocked(ends.group, ends.subject.receive, "receive() without data")
    sending = await blocked(ends.group, partial(ends.subject.send, bytes(ends.options.large)), "send() of much")
    await ends.subject.aclose()
    await receiving.raised(ClosedResourceError, "a receive() that waited")
    await sending.raised(ClosedResourceError, "a send() that waited")


@check("STREAM-13")
async def closing_delivers(ends: Ends) -> None:
    """What was sent before aclose() arrives completely, and then EndOfStream."""
    data = pattern(30_000)
    sending = Attempt(ends.group, partial(_send_and_close, ends.subject, data))
    expect(await receive_all(ends.peer) == data, "all that was sent before aclose() has to arrive")
    await sending.returned("send() and aclose()")
    with expecting(EndOfStream, "receive() after the peer has closed"):
        await ends.peer.receive()


async def _send_and_close(stream: Any, data: bytes) -> None:
    await stream.send(data)
    await stream.aclose()


@check("STREAM-13")
async def sending_to_nobody(ends: Ends) -> None:
    """A send() to a peer that has closed raises BrokenResourceError, at the latest when the transport knows of it."""
    await ends.peer.aclose()
    with expecting(BrokenResourceError, "send() to a peer that has closed"):
        await _break(ends)
    with expecting(BrokenResourceError, "send() again"):
        await ends.subject.send(b"x")
    with expecting(BrokenResourceError, "send() of nothing"):
        await ends.subject.send(b"")


@check("STREAM-13")
async def sender_waits_for_a_peer_that_closes(ends: Ends) -> None:
    """A send() that waits for room raises BrokenResourceError when the peer closes."""
    sending = await blocked(ends.group, partial(ends.subject.send, bytes(ends.options.large)), "send() of much")
    await ends.peer.aclose()
    await sending.raised(BrokenResourceError, "a send() whose peer has closed")


@check("STREAM-14")
async def broken_stays_broken(ends: Ends) -> None:
    """After an accident receive() and send() raise BrokenResourceError each time, until the stream is closed."""
    if ends.options.abort is None:
        return
    receiving = await blocked(ends.group, ends.subject.receive, "receive() without data")
    await ends.options.abort(ends.peer)
    await receiving.raised(BrokenResourceError, "a receive() that waits during an accident")
    for _ in range(2):
        with expecting(BrokenResourceError, "receive() on a broken stream"):
            await ends.subject.receive()
        with expecting(BrokenResourceError, "iterating over a broken stream"):
            await ends.subject.__anext__()
        with expecting(BrokenResourceError, "send() on a broken stream"):
            await _break(ends) if not ends.options.one_fate else await ends.subject.send(b"x")
    await ends.subject.aclose()
    with expecting(ClosedResourceError, "receive() on a broken stream that was closed"):
        await ends.subject.receive()


@check("STREAM-14")
async def broken_in_both_directions(ends: Ends) -> None:
    """After a send() has raised BrokenResourceError, receive() does so too, and raises no EndOfStream."""
    if not ends.options.one_fate:
        return
    await ends.peer.aclose()
    with expecting(BrokenResourceError, "send() to a peer that has closed"):
        await _break(ends)
    for _ in range(2):
        with expecting(BrokenResourceError, "receive() on a broken stream"):
            await ends.subject.receive()


@check("STREAM-16")
async def cancelled_receive(ends: Ends) -> None:
    """A receive() that is cancelled has taken nothing, in whichever order the data and the cancellation come."""
    for cancel_first in (True, False):
        for steps in range(4):
            waiting = await blocked(ends.group, ends.subject.receive, "receive() without data")
            if cancel_first:
                waiting.scope.cancel()
                await _steps(steps)
                await ends.peer.send(b"data")
            else:
                await ends.peer.send(b"data")
                await _steps(steps)
                waiting.scope.cancel()
            await waiting.end()
            expect(waiting.outcome in {"returned", "cancelled"}, f"receive() must not have {waiting.outcome}")
            received = waiting.value if waiting.outcome == "returned" else b""
            received += await receive_all(ends.subject, 4 - len(received))
            expect(received == b"data", f"the data has to arrive once and in order, not as {received!r}")


async def _steps(number: int) -> None:
    for _ in range(number):
        await sleep(0)


@check("STREAM-16", both_ways=False)
async def receive_cut_short_often(ends: Ends) -> None:
    """Receiving with a deadline that cuts many calls short gives all bytes in order."""
    data = pattern(20_000)

    async def send() -> None:
        for start in range(0, len(data), 200):
            await ends.peer.send(data[start : start + 200])
            await sleep(0.0003)
        await finish(ends, ends.peer)

    sending = Attempt(ends.group, send)
    received = bytearray()
    ended = False
    while not ended:
        with move_on_after(0.0002):
            try:
                received += await ends.subject.receive(150)
            except EndOfStream:
                ended = True
    await sending.returned("send()")
    expect(received == data, f"{len(received)} of {len(data)} bytes arrived, or not in order")


@check("STREAM-17")
async def cancelled_send(ends: Ends) -> None:
    """Of a send() that is cancelled a beginning may arrive, nothing is sent afterwards, and its buffer isn't read."""
    data = pattern(ends.options.large)
    buffer = bytearray(data)
    sending = await blocked(ends.group, partial(ends.subject.send, buffer), "send() of much")
    sending.scope.cancel()
    await sending.end()
    expect(sending.outcome == "cancelled", f"a cancelled send() has to raise that, but {sending.outcome}")
    buffer[:] = bytes(len(buffer))
    buffer.clear()
    # What can still be under way arrives; then nothing more.
    received = bytearray()
    while True:
        with move_on_after(0.2) as scope:
            try:
                received += await ends.peer.receive()
            except (EndOfStream, BrokenResourceError):
                break
        if scope.cancelled_caught:
            break
    expect(len(received) < len(data), "all data arrived, though send() was cancelled")
    expect(received == data[: len(received)], "what arrived is no beginning of the data")
    await _goes_on_or_is_broken(ends)


async def _goes_on_or_is_broken(ends: Ends) -> None:
    try:
        await ends.subject.send(b"next")
    except BrokenResourceError:
        return
    expect(await receive_all(ends.peer, 4) == b"next", "after a cancelled send() the next one has to arrive as it is")


@check("STREAM-18")
async def backpressure(ends: Ends) -> None:
    """A sender whose peer does not receive waits, before much data is under way, and goes on when it does."""
    piece = bytes(max(1, min(65536, ends.options.large // 16)))
    sent = 0

    async def send() -> None:
        nonlocal sent
        while True:
            await ends.subject.send(piece)
            sent += len(piece)

    sending = Attempt(ends.group, send)
    last = -1
    while sent > last:
        last = sent
        await sleep(0.02)
        await settle_or_stop(sending)
        expect(sent <= 5 * ends.options.large, f"{sent} bytes were taken in, and nobody received any")
    await receive_all(ends.peer, sent + 20 * len(piece))
    expect(sending.outcome == "blocked", f"the sender has to go on, but {sending.outcome}")
    sending.scope.cancel()


async def settle_or_stop(attempt: Attempt[None]) -> None:
    """Let tasks run; raise what the attempt raised if it has ended."""
    await settle()
    if attempt.outcome == "raised":
        raise attempt.error


@check("STREAM-19")
async def wrong_arguments_come_first(ends: Ends) -> None:
    """Wrong arguments are reported before everything else: a busy stream, a cancellation, a closed stream."""
    receiving = await blocked(ends.group, ends.subject.receive, "receive() without data")
    with CancelScope() as scope:
        scope.cancel()
        with expecting(ValueError, "receive(0) on a busy stream in a cancelled scope"):
            await ends.subject.receive(0)
        with expecting(TypeError, "send(None) in a cancelled scope"):
            await ends.subject.send(None)
    expect(not scope.cancelled_caught, "a wrong argument has to be reported before a cancellation")
    expect(receiving.outcome == "blocked", "the first receive() must not be disturbed")
    await ends.subject.aclose()
    with expecting(ValueError, "receive(0) on a closed stream"):
        await ends.subject.receive(0)
    with expecting(TypeError, "send(None) on a closed stream"):
        await ends.subject.send(None)


@check("STREAM-19")
async def busy_comes_before_cancellation(ends: Ends) -> None:
    """A busy stream is reported before a cancellation, and without a checkpoint."""
    await blocked(ends.group, ends.subject.receive, "receive() without data")
    await blocked(ends.group, partial(ends.subject.send, bytes(ends.options.large)), "send() of much")
    with CancelScope() as scope:
        scope.cancel()
        with expecting(BusyResourceError, "a second receive() in a cancelled scope"):
            await ends.subject.receive()
        with expecting(BusyResourceError, "a second send() in a cancelled scope"):
            await ends.subject.send(b"x")
    expect(not scope.cancelled_caught, "a busy stream has to be reported before a cancellation")


@check("STREAM-19")
async def cancellation_comes_before_the_state(ends: Ends) -> None:
    """In a cancelled scope the cancellation is raised, whether or not the stream has ended or was closed."""
    await finish(ends, ends.peer)
    with expecting(EndOfStream, "receive() at the end"):
        await ends.subject.receive()
    expect(await cancelled_by(ends.subject.receive), "receive() at the end in a cancelled scope has to raise that")
    await ends.subject.aclose()
    for what, operation in _operations(ends.subject, ends.options.half_close):
        expect(await cancelled_by(operation), f"{what} on a closed stream in a cancelled scope has to raise that")


@check("STREAM-19")
async def broken_comes_before_the_rest(ends: Ends) -> None:
    """A broken stream says so in a send() after send_eof() too; in a cancelled scope the cancellation is raised."""
    if ends.options.abort is None or not ends.options.one_fate:
        return
    if ends.options.half_close:
        await ends.subject.send_eof()
    receiving = await blocked(ends.group, ends.subject.receive, "receive() without data")
    await ends.options.abort(ends.peer)
    await receiving.raised(BrokenResourceError, "a receive() that waits during an accident")
    with expecting(BrokenResourceError, "send() on a broken stream"):
        await ends.subject.send(b"x")
    expect(await cancelled_by(ends.subject.receive), "receive() on a broken stream in a cancelled scope raises that")
