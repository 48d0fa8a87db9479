"""The checks of byte streams that need no accident: sending, receiving, the end, one task at a time."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from functools import partial
from typing import Any

from ..exceptions import BusyResourceError, ClosedResourceError, EndOfStream
from ..lowlevel import checkpoint
from .checks import Attempt, Checks, Ends, blocked, cancelled_by, expect, expecting

byte_checks = Checks()
check = byte_checks.check


def pattern(size: int) -> bytes:
    """Return bytes in which a piece that is missing, doubled or moved is noticed."""
    return array("I", range(size // 4 + 1)).tobytes()[:size]


async def receive_all(stream: Any, size: int | None = None) -> bytes:
    """Return what comes until the end, or until there are ``size`` bytes."""
    received = bytearray()
    while size is None or len(received) < size:
        try:
            received += await stream.receive()
        except EndOfStream:
            break
    return bytes(received)


async def finish(ends: Ends, stream: Any) -> None:
    """End the sending of a stream: by half if it can, else altogether."""
    if ends.options.half_close:
        await stream.send_eof()
    else:
        await stream.aclose()


@check("STREAM-1")
async def wrong_sizes(ends: Ends) -> None:
    """A max_bytes below 1 is a ValueError and what is no int a TypeError; nothing is received."""
    await ends.peer.send(b"x")
    wrong: list[tuple[Any, type[Exception]]] = [
        (0, ValueError),
        (-1, ValueError),
        (1.0, TypeError),
        ("1", TypeError),
        (True, TypeError),
        (None, TypeError),
    ]
    for size, error in wrong:
        with expecting(error, f"receive({size!r})"):
            await ends.subject.receive(size)
        try:
            await ends.subject.receive(size)
        except error as exc:
            expect("max_bytes" in str(exc), f"the error about receive({size!r}) has to name max_bytes: {exc}")
    expect(await ends.subject.receive() == b"x", "the data has to be there afterwards")


@check("STREAM-1")
async def wrong_items(ends: Ends) -> None:
    """What is not bytes, a bytearray or a memoryview is a TypeError; nothing is sent."""
    for item in ("text", 1, None, [1]):
        with expecting(TypeError, f"send({item!r})"):
            await ends.subject.send(item)
    await ends.subject.send(b"x")
    expect(await ends.peer.receive() == b"x", "what is sent afterwards has to arrive alone")


@check("STREAM-2")
async def sends_everything(ends: Ends) -> None:
    """All bytes arrive in order, from each type of buffer, and a buffer may be changed after send() has returned."""
    data = pattern(ends.options.large // 4)
    buffer = bytearray(data)
    numbers = array("I", range(1000))

    async def send() -> None:
        await ends.subject.send(data)
        await ends.subject.send(buffer)
        buffer[:] = bytes(len(buffer))
        buffer.clear()
        await ends.subject.send(memoryview(data))
        await ends.subject.send(memoryview(numbers))
        await ends.subject.send(memoryview(array("I")))
        await ends.subject.send(b"end")

    sending = Attempt(ends.group, send)
    expected = data * 3 + numbers.tobytes() + b"end"
    received = await receive_all(ends.peer, len(expected))
    await sending.returned("send()")
    expect(received == expected, f"{len(received)} bytes arrived, not the {len(expected)} that were sent")


@check("STREAM-3")
async def sends_nothing(ends: Ends) -> None:
    """send(b"") sends nothing, checks for cancellation, and raises ClosedResourceError on a closed stream."""
    await ends.subject.send(b"")
    expect(await cancelled_by(partial(ends.subject.send, b"")), 'send(b"") in a cancelled scope has to raise that')
    await ends.subject.send(b"x")
    expect(await ends.peer.receive() == b"x", "only what was sent has to arrive")
    await ends.subject.aclose()
    with expecting(ClosedResourceError, 'send(b"") on a closed stream'):
        await ends.subject.send(b"")


@check("STREAM-4")
async def receives_what_is_there(ends: Ends) -> None:
    """receive() returns 1 to max_bytes bytes, as bytes, as soon as there are any, and leaves the rest."""
    waiting = await blocked(ends.group, ends.subject.receive, "receive() without data")
    await ends.peer.send(b"x")
    expect(await waiting.returned("receive()") == b"x", "a receive() that waits has to return what comes")
    await ends.peer.send(b"abcdef")
    received = b""
    while len(received) < 6:
        piece = await ends.subject.receive(2)
        expect(type(piece) is bytes, f"receive() has to return bytes, not {type(piece).__name__}")
        expect(1 <= len(piece) <= 2, f"receive(2) has to return 1 or 2 bytes, not {len(piece)}")
        received += piece
    expect(received == b"abcdef", f"the bytes have to arrive in order, not as {received!r}")


@check("STREAM-5")
async def end_of_stream(ends: Ends) -> None:
    """When the peer has ended its sending, the data comes first, and then EndOfStream each time."""
    await ends.peer.send(b"data")
    await finish(ends, ends.peer)
    expect(await receive_all(ends.subject, 4) == b"data", "what was sent has to arrive before the end")
    for _ in range(3):
        with expecting(EndOfStream, "receive() at the end"):
            await ends.subject.receive()


@check("STREAM-5")
async def end_while_waiting(ends: Ends) -> None:
    """A receive() that waits raises EndOfStream when the peer ends its sending."""
    waiting = await blocked(ends.group, ends.subject.receive, "receive() without data")
    await finish(ends, ends.peer)
    await waiting.raised(EndOfStream, "receive() at the end")


@check("STREAM-6")
async def iteration(ends: Ends) -> None:
    """Iterating gives the data and ends where receive() would raise EndOfStream; other errors come out."""
    await ends.peer.send(b"data")
    await finish(ends, ends.peer)
    pieces = [piece async for piece in ends.subject]
    expect(b"".join(pieces) == b"data", f"iterating has to give the data, not {pieces}")
    expect([piece async for piece in ends.subject] == [], "iterating again has to end at once")
    await ends.subject.aclose()
    with expecting(ClosedResourceError, "iterating over a closed stream"):
        await ends.subject.__anext__()


@check("STREAM-7")
async def half_close(ends: Ends) -> None:
    """send_eof() ends one direction only, once, and send() after it raises ClosedResourceError."""
    await ends.subject.send(b"question")
    if not ends.options.half_close:
        with expecting(NotImplementedError, "send_eof() of a stream that has none"):
            await ends.subject.send_eof()
        await ends.subject.send(b"!")
        expect(await receive_all(ends.peer, 9) == b"question!", "sending has to go on")
        return
    await ends.subject.send_eof()
    await ends.subject.send_eof()
    expect(await receive_all(ends.peer) == b"question", "what was sent has to arrive before the end")
    for item in (b"more", b""):
        with expecting(ClosedResourceError, f"send({item!r}) after send_eof()"):
            await ends.subject.send(item)
    waiting = await blocked(ends.group, ends.subject.receive, "receive() after send_eof()")
    await ends.peer.send(b"an")
    received = await waiting.returned("receive() after send_eof()")
    expect(b"an".startswith(received), f"receiving has to go on after send_eof(), not with {received!r}")
    await ends.peer.send(b"swer")
    await ends.peer.aclose()
    expect(received + await receive_all(ends.subject) == b"answer", "receiving has to go on after send_eof()")


@check("STREAM-8")
async def one_task_in_each_direction(ends: Ends) -> None:
    """A second task in one direction gets BusyResourceError, also from send_eof(), and the first is not disturbed."""
    data = pattern(ends.options.large)
    receiving = await blocked(ends.group, ends.subject.receive, "receive() without data")
    sending = await blocked(ends.group, partial(ends.subject.send, data), "send() of much")
    with expecting(BusyResourceError, "a second receive()"):
        await ends.subject.receive()
    with expecting(BusyResourceError, "a second send()"):
        await ends.subject.send(b"other")
    with expecting(BusyResourceError, 'a second send(b"")'):
        await ends.subject.send(b"")
    if ends.options.half_close:
        with expecting(BusyResourceError, "send_eof() during a send()"):
            await ends.subject.send_eof()
    await ends.peer.send(b"first")
    received = await receiving.returned("the first receive()")
    received += await receive_all(ends.subject, 5 - len(received))
    expect(received == b"first", f"the first receive() has to go on; what arrived is {received!r}")
    expect(await receive_all(ends.peer, len(data)) == data, "what the first send() sends has to arrive as it is")
    await sending.returned("the first send()")
    await ends.peer.send(b"x")
    expect(await ends.subject.receive() == b"x", "the stream has to be usable afterwards")
    await ends.subject.send(b"y")
    expect(await ends.peer.receive() == b"y", "the stream has to be usable afterwards")


@check("STREAM-9", both_ways=False)
async def both_directions_at_once(ends: Ends) -> None:
    """One task may send while another receives, on both ends at once, without waiting for each other."""
    data = pattern(ends.options.large // 8)

    streams = (ends.subject, ends.peer)
    receiving = [
        await blocked(ends.group, partial(receive_all, stream, len(data)), "receive() without data")
        for stream in streams
    ]
    sending = [Attempt(ends.group, partial(stream.send, data)) for stream in streams]
    for attempt in sending:
        await attempt.returned("send() while another task receives")
    for attempt in receiving:
        expect(await attempt.returned("receive()") == data, "each direction has to arrive as it was sent")


@check("STREAM-15")
async def checkpoints(ends: Ends) -> None:
    """receive(), send() and send_eof() raise a cancellation before they have any effect."""
    await ends.peer.send(b"data")
    # The data is there once a first part of it has arrived.
    expect(await ends.subject.receive(1) == b"d", "the data has to arrive")
    operations: list[tuple[str, Callable[[], Any]]] = [
        ("receive()", ends.subject.receive),
        ("iterating", ends.subject.__anext__),
        ("send()", partial(ends.subject.send, b"wrong")),
    ]
    if ends.options.half_close:
        operations.append(("send_eof()", ends.subject.send_eof))
    for what, operation in operations:
        expect(await cancelled_by(operation), f"{what} in a cancelled scope has to raise that")
    expect(await receive_all(ends.subject, 3) == b"ata", "a cancelled receive() must not take data")
    await ends.subject.send(b"right")
    expect(await receive_all(ends.peer, 5) == b"right", "a cancelled send() must not send")


@check("STREAM-15")
async def yields(ends: Ends) -> None:
    """A task that only receives what is there, or only sends, lets other tasks run now and then."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await checkpoint()

    # Whatever the buffers hold, most of what is received here is there already.
    sending = Attempt(ends.group, partial(ends.peer.send, bytes(65)))
    await ends.subject.receive(1)
    receiving = Attempt(ends.group, partial(receive_all, ends.peer, 64))
    ends.group.start_soon(count)
    for what, operation in (
        ("send()", partial(ends.subject.send, b"x")),
        ("receive()", partial(ends.subject.receive, 1)),
    ):
        before = turns
        for _ in range(64):
            await operation()
        expect(turns > before, f"64 times {what} has to let other tasks run")
    await sending.returned("send()")
    await receiving.returned("receive()")
