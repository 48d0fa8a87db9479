"""Pollers: operations on file descriptors that wait until they can be done."""

from __future__ import annotations

import os
import time
from functools import partial
from typing import TypeVar

import pytest

import accord
from accord.lowlevel import checkpoint, current_backend
from accord_conformance.helpers import PATIENCE, cyclic_garbage, is_cancelled_by, rule, settle

from .pairs import Pair, make_pair

T = TypeVar("T")


def identity(value: T) -> T:
    """An attempt that succeeds at once."""
    return value


@rule("POLL-1")
async def test_ready_at_once() -> None:
    """An attempt that succeeds at once is made once and its result returned."""
    with make_pair() as pair:
        pair.far.send(b"data")
        assert await pair.poller.readable(pair.take) == b"data"
        assert pair.attempts == 1
        assert await pair.poller.writable(lambda: pair.near.send(b"back")) == 4
        assert pair.far.recv(100) == b"back"


@rule("POLL-1", "POLL-6")
async def test_results_are_returned_as_they_are() -> None:
    """Whatever the attempt returns comes back."""
    with make_pair() as pair:
        values: list[object] = [None, False, b"", 0, ValueError(), object()]
        pair.far.send(b"x")
        for value in values:
            assert await pair.poller.readable(partial(identity, value)) is value
            assert await pair.poller.writable(partial(identity, value)) is value


@rule("POLL-2")
async def test_waits_for_data() -> None:
    """Nothing is tried while there is nothing to read, except once at the start."""
    received: list[bytes] = []

    async def reader() -> None:
        received.append(await pair.poller.readable(pair.take))

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            await accord.sleep(0.02)
            assert pair.attempts <= 1
            assert received == []
            pair.far.send(b"data")
        assert received == [b"data"]
        assert pair.attempts <= 2


@rule("POLL-2")
async def test_waits_for_room() -> None:
    """Nothing is tried while there is no room, except once at the start."""
    written: list[int] = []

    async def writer() -> None:
        written.append(await pair.poller.writable(pair.put))

    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            group.start_soon(writer)
            await settle()
            await accord.sleep(0.01)
            assert written == []
            assert pair.attempts <= 1
            pair.drain()
        assert len(written) == 1
        assert written[0] > 0
        assert pair.attempts <= 2


@rule("POLL-2")
async def test_false_alarm() -> None:
    """An attempt that was woken for nothing waits again."""
    calls: list[bool] = []

    def attempt() -> bytes:
        calls.append(True)
        if len(calls) < 4:
            pair.near.recv(1)
            raise BlockingIOError
        return pair.near.recv(100)

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            handle = group.start_soon(pair.poller.readable, attempt)
            for _ in range(5):
                await settle()
                await accord.sleep(0.002)
                pair.far.send(b"x")
                if handle.status is accord.HandleStatus.FINISHED:
                    break
        assert handle.return_value
        assert len(calls) == 4


@rule("POLL-2")
async def test_end_of_stream_is_readable() -> None:
    """A descriptor whose other end is closed is ready."""
    received: list[bytes] = []

    async def reader() -> None:
        received.append(await pair.poller.readable(pair.take))

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            pair.far.close()
    assert received == [b""]


@rule("POLL-2")
async def test_many_messages() -> None:
    """Data go to and fro many times over the same poller, whether they are there at once or waited for."""
    with make_pair() as first:
        readiness = current_backend().readiness
        assert readiness is not None
        other = readiness.create_poller(first.far.fileno())

        async def echo() -> None:
            while data := await other.readable(partial(first.far.recv, 100)):
                await other.writable(partial(first.far.send, data))

        async with accord.create_task_group() as group:
            group.start_soon(echo)
            for number in range(200):
                message = str(number).encode()
                await first.poller.writable(partial(first.near.send, message))
                assert await first.poller.readable(first.take) == message
            group.cancel()
        other.close()


@rule("POLL-2")
async def test_waiting_uses_no_processor_time() -> None:
    """A poller that waits is idle, also if the descriptor is ready in the other direction."""
    with make_pair() as pair:
        before = time.process_time()
        with accord.move_on_after(0.3) as scope:
            await pair.poller.readable(pair.take)
        assert scope.cancelled_caught
        assert time.process_time() - before < 0.15
        pair.fill()
        pair.far.send(b"data")
        before = time.process_time()
        with accord.move_on_after(0.3) as scope:
            await pair.poller.writable(pair.put)
        assert scope.cancelled_caught
        assert time.process_time() - before < 0.15


@rule("POLL-3", "CKPT-4")
async def test_in_a_cancelled_scope() -> None:
    """In a cancelled scope no attempt is made, though it could succeed."""
    with make_pair() as pair:
        pair.far.send(b"data")
        assert await is_cancelled_by(lambda: pair.poller.readable(pair.take))
        assert await is_cancelled_by(lambda: pair.poller.writable(pair.put))
        assert pair.attempts == 0
        assert await pair.poller.readable(pair.take) == b"data"


@rule("POLL-3")
async def test_cancelled_while_waiting() -> None:
    """After a cancelled wait no attempt is made, and the next wait gets the data."""
    with make_pair() as pair:
        with accord.move_on_after(0.01) as scope:
            await pair.poller.readable(pair.take)
        assert scope.cancelled_caught
        attempts = pair.attempts
        pair.far.send(b"data")
        await accord.sleep(0.01)
        assert pair.attempts == attempts
        assert await pair.poller.readable(pair.take) == b"data"


@rule("POLL-3")
@pytest.mark.parametrize("data_first", [False, True])
async def test_data_and_cancellation_at_once(data_first: bool) -> None:
    """If data and a cancellation come in the same turn, the data are either returned or still there."""
    for turns in range(6):
        received: list[bytes] = []
        scope = accord.CancelScope()

        async def reader(pair: Pair, scope: accord.CancelScope = scope, received: list[bytes] = received) -> None:
            with scope:
                received.append(await pair.poller.readable(pair.take))

        with make_pair() as pair:
            async with accord.create_task_group() as group:
                group.start_soon(reader, pair)
                await settle()
                if data_first:
                    pair.far.send(b"data")
                    for _ in range(turns):
                        await checkpoint()
                    scope.cancel()
                else:
                    scope.cancel()
                    pair.far.send(b"data")
            assert scope.cancelled_caught is (received == [])
            if not received:
                received.append(await pair.poller.readable(pair.take))
        assert received == [b"data"]


@rule("POLL-6")
@pytest.mark.parametrize("waits", [False, True])
async def test_error_of_the_attempt(waits: bool) -> None:
    """An exception of the attempt comes out, the same object, and the poller is still usable."""
    error = ConnectionResetError("reset")
    calls: list[bool] = []

    def attempt() -> bytes:
        calls.append(True)
        if waits and len(calls) == 1:
            raise BlockingIOError
        raise error

    with make_pair() as pair:
        caught: list[BaseException] = []

        async def reader() -> None:
            try:
                await pair.poller.readable(attempt)
            except ConnectionResetError as raised:
                caught.append(raised)

        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            pair.far.send(b"data")
        assert caught == [error]
        assert error.__cause__ is None
        assert len(calls) == 1 + waits
        assert await pair.poller.readable(pair.take) == b"data"


@rule("POLL-1", "POLL-2")
async def test_pipe() -> None:
    """Pipes work as sockets do."""
    readiness = current_backend().readiness
    assert readiness is not None
    reading, writing = os.pipe()
    try:
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        reader = readiness.create_poller(reading)
        writer = readiness.create_poller(writing)
        async with accord.create_task_group() as group:
            handle = group.start_soon(reader.readable, lambda: os.read(reading, 100))
            await settle()
            assert await writer.writable(lambda: os.write(writing, b"data")) == 4
        assert handle.return_value == b"data"
        reader.close()
        writer.close()
    finally:
        os.close(reading)
        os.close(writing)


@rule("POLL-3", "CANCEL-28")
async def test_no_cyclic_garbage() -> None:
    """Pollers leave nothing to the cycle collector, ready, cancelled or closed."""

    async def use() -> None:
        with make_pair() as pair:
            with accord.move_on_after(0.002):
                await pair.poller.readable(pair.take)
            pair.far.send(b"data")
            await pair.poller.readable(pair.take)

    assert await cyclic_garbage(use) == []


@rule("POLL-8")
@pytest.mark.parametrize("waiting", [False, True])
async def test_data_and_an_error_at_once(waiting: bool) -> None:
    """Data that came before an error is read first; the error is what the next operation raises."""
    with make_pair() as pair:
        pair.far.send(b"first")
        assert await pair.poller.readable(pair.take) == b"first"
        pair.near.send(b"never read by the peer, whose closing is a reset therefore")
        async with accord.create_task_group() as group:
            if waiting:
                handle = group.start_soon(pair.poller.readable, pair.take)
                await settle()
                pair.far.send(b"data")
                pair.far.close()
            else:
                pair.far.send(b"data")
                pair.far.close()
                handle = group.start_soon(pair.poller.readable, pair.take)
        assert handle.return_value == b"data"
        with accord.fail_after(PATIENCE), pytest.raises(ConnectionResetError):
            await pair.poller.readable(pair.take)


@rule("POLL-8")
async def test_waiting_on_after_data_and_an_error() -> None:
    """A task that reads what came before an error in several pieces, without a break, gets each of them, then it."""
    with make_pair() as pair:

        def take_little() -> bytes:
            return pair.near.recv(2)

        async def read() -> list[bytes]:
            pieces: list[bytes] = []
            with pytest.raises(ConnectionResetError):
                while True:
                    pieces.append(await pair.poller.readable(take_little))
            return pieces

        pair.near.send(b"never read by the peer, whose closing is a reset therefore")
        with accord.fail_after(PATIENCE):
            async with accord.create_task_group() as group:
                handle = group.start_soon(read)
                await settle()
                pair.far.send(b"data")
                pair.far.close()
        assert handle.return_value == [b"da", b"ta"]
