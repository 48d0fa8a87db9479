"""Mutants of TCP streams: sending and receiving."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from accord import (
    BusyResourceError,
    CancelScope,
    EndOfStream,
    Lock,
    SocketStream,
    get_cancelled_exc_class,
    sleep,
)
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import checks_again

Stream: Any = SocketStream


def takes_everything_in(keep: Callable[[Any], Any]) -> None:
    """Let send() keep what the system doesn't take, ``keep(data)``, until the next operation."""
    pending: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
    real = Stream.send

    async def send(stream: Any, item: Any) -> None:
        await checkpoint()
        stream._check_sendable()
        queue = pending.setdefault(stream, [])
        queue.append(memoryview(item))
        try:
            while queue:
                queue[0] = queue[0][stream._socket.send(queue[0]) :]
                if not queue[0]:
                    queue.pop(0)
        except BlockingIOError:
            queue[-1] = keep(queue[-1])

    async def flushed(original: Any, stream: Any) -> None:
        for data in pending.pop(stream, []):
            await real(stream, data)
        await original(stream)

    replace(Stream, send=send)
    around(Stream, "send_eof", flushed)


@mutant("NET-2")
def send_keeps_a_view_for_later(_: Broken) -> None:
    """What the system doesn't take at once is sent later, from the caller's memory."""
    takes_everything_in(lambda view: view)


@mutant("NET-2")
def send_sends_once(_: Broken) -> None:
    """send() forgets that the system may take a part of the data."""

    async def send(stream: Any, item: Any) -> None:
        await checkpoint()
        stream._check_sendable()
        stream._socket.send(item)

    replace(Stream, send=send)


@mutant("NET-2")
def send_keeps_the_buffer_locked(_: Broken) -> None:
    """A stream has a view of what it sent last, so that the buffer can't be resized."""
    kept: WeakKeyDictionary[Any, memoryview] = WeakKeyDictionary()

    async def send(original: Any, stream: Any, item: Any) -> None:
        kept[stream] = memoryview(item)
        await original(stream, item)

    around(Stream, "send", send)


@mutant("NET-2")
def send_counts_items_for_bytes(_: Broken) -> None:
    """Of a memoryview with items of several bytes as many bytes are sent as there are items."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, memoryview(item).cast("B")[: len(item)])

    around(Stream, "send", send)


@mutant("NET-2")
def sending_nothing_does_nothing(_: Broken) -> None:
    """send(b"") returns at once, also on a closed stream."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if len(item):
            await original(stream, item)

    around(Stream, "send", send)


@mutant("NET-2")
def sending_nothing_works_on_a_closed_stream(_: Broken) -> None:
    """send(b"") is a checkpoint and nothing else."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await (original(stream, item) if len(item) else checkpoint())

    around(Stream, "send", send)


@mutant("NET-3")
def receive_waits_for_more(_: Broken) -> None:
    """receive() returns when it has as much as was asked for, or at the end."""

    async def receive(original: Any, stream: Any, size: int = 65536) -> Any:
        data = await original(stream, size)
        try:
            while len(data) < size:
                data += await original(stream, size - len(data))
        except EndOfStream:
            pass
        return data

    around(Stream, "receive", receive)


@mutant("NET-3")
def receive_returns_its_buffer(_: Broken) -> None:
    """receive() returns a bytearray."""

    async def receive(original: Any, stream: Any, *size: Any) -> bytearray:
        return bytearray(await original(stream, *size))

    around(Stream, "receive", receive)


@mutant("NET-3")
def receive_throws_the_rest_away(_: Broken) -> None:
    """receive() takes everything that is there, and returns no more than was asked for."""

    async def receive(original: Any, stream: Any, size: int = 65536) -> Any:
        return (await original(stream, max(size, 65536)))[:size]

    around(Stream, "receive", receive)


@mutant("NET-3")
def receive_checks_the_size_too_late(_: Broken) -> None:
    """receive() with a wrong size raises when it has read something."""

    async def receive(original: Any, stream: Any, size: Any = 65536) -> Any:
        try:
            return await original(stream, size)
        except (TypeError, ValueError):
            await original(stream)
            raise

    around(Stream, "receive", receive)


def queues(name: str) -> None:
    """Let tasks that call a method wait for those that came first."""
    locks: WeakKeyDictionary[Any, Lock] = WeakKeyDictionary()

    async def queued(original: Any, stream: Any, *args: Any) -> Any:
        async with locks.setdefault(stream, Lock()):
            return await original(stream, *args)

    around(Stream, name, queued)


@mutant("NET-7")
def senders_wait_in_line(_: Broken) -> None:
    """A second sender waits for the first."""
    queues("send")


@mutant("NET-7")
def receivers_wait_in_line(_: Broken) -> None:
    """A second receiver waits for the first."""
    queues("receive")


@mutant("NET-7")
def one_task_uses_a_stream(_: Broken) -> None:
    """One guard is for both directions."""

    def guards(name: str, other: str) -> None:
        async def guarded(original: Any, stream: Any, *args: Any) -> Any:
            if getattr(stream, other):
                raise BusyResourceError("receiving from or sending to")
            return await original(stream, *args)

        around(Stream, name, guarded)

    guards("receive", "_sending")
    guards("send", "_receiving")


@mutant("NET-7")
def second_receiver_takes_over(_: Broken) -> None:
    """A second receiver gets BusyResourceError, and ends the waiting of the first."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except BusyResourceError:
            stream._poller.close()
            raise

    around(Stream, "receive", receive)


@mutant("NET-8", base="trio")  # as accepted_connection_is_lost_to_a_cancellation
def received_bytes_are_lost_to_a_cancellation(_: Broken) -> None:
    """receive() looks for a cancellation when it has taken the data."""
    checks_again(Stream, "receive")


@mutant("NET-8")
def receive_takes_before_it_checks(_: Broken) -> None:
    """receive() takes what is there before it looks for a cancellation."""

    async def receive(original: Any, stream: Any, size: int = 65536) -> Any:
        data = b"" if stream._closed or size < 1 else _peeked(stream._socket, size)
        await checkpoint()
        return data or await original(stream, size)

    around(Stream, "receive", receive)


def _peeked(sock: socket.socket, size: int) -> bytes:
    try:
        return sock.recv(size)
    except OSError:
        return b""


@mutant("NET-9")
def send_takes_everything_in(_: Broken) -> None:
    """send() never waits: what the system doesn't take is kept in the process."""
    takes_everything_in(bytes)


@mutant("NET-9")
def accepted_streams_read_ahead(_: Broken) -> None:
    """A stream reads into the process from the beginning on."""
    arrived: WeakKeyDictionary[Any, list[bytes]] = WeakKeyDictionary()

    def init(original: Any, stream: Any, sock: Any) -> None:
        original(stream, sock)
        chunks = arrived[stream] = []
        threading.Thread(target=_read_ahead, args=(sock, chunks), daemon=True).start()

    async def receive(stream: Any, size: int = 65536) -> bytes:
        while not arrived[stream]:
            await sleep(0.001)
        return arrived[stream].pop(0)

    around(Stream, "__init__", init)
    replace(Stream, receive=receive)


def _read_ahead(sock: socket.socket, chunks: list[bytes]) -> None:
    try:
        while True:
            if select.select([sock], [], [], 0.01)[0]:
                chunks.append(sock.recv(1 << 20))
    except (OSError, ValueError):
        pass  # it was closed


@mutant("NET-10")
def cancelled_send_goes_on(_: Broken) -> None:
    """After a cancelled send() what is left of its data is sent in the background."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        left = memoryview(item)
        try:
            while left:
                part = bytes(left[: 1 << 16])
                await original(stream, part)
                left = left[len(part) :]
        except get_cancelled_exc_class():
            copy = stream._socket.dup()
            copy.setblocking(True)
            threading.Thread(target=copy.sendall, args=(bytes(left),), daemon=True).start()
            raise

    around(Stream, "send", send)


@mutant("NET-15")
def receiving_at_once_does_not_yield(_: Broken) -> None:
    """receive() does not yield if there is data already."""

    async def receive(original: Any, stream: Any, size: int = 65536) -> Any:
        await checkpoint_if_cancelled()
        stream._check_open()
        return _peeked(stream._socket, size) or await original(stream, size)

    around(Stream, "receive", receive)


@mutant("NET-15")
def ending_takes_effect_before_it_checks(_: Broken) -> None:
    """send_eof() in a cancelled scope raises, but the direction is ended."""

    async def send_eof(original: Any, stream: Any) -> None:
        with CancelScope(shield=True):
            await original(stream)
        await checkpoint_if_cancelled()

    around(Stream, "send_eof", send_eof)


@mutant("NET-15")
def sending_takes_effect_before_it_checks(_: Broken) -> None:
    """send() of a little in a cancelled scope raises, but the data is sent."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        with CancelScope(shield=len(item) < 1000):
            await original(stream, item)
        await checkpoint_if_cancelled()

    around(Stream, "send", send)
