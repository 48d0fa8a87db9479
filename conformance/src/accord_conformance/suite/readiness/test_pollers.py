"""Pollers: operations on file descriptors that wait until they can be done."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, TypeVar

import pytest

import accord
from accord.lowlevel import checkpoint, current_backend
from accord.protocols import Poller
from accord_conformance.helpers import cyclic_garbage, is_cancelled_by, rule, settle

T = TypeVar("T")


class Pair:
    """Two connected sockets, one of them with a poller."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near = near
        self.far = far
        readiness = current_backend().readiness
        assert readiness is not None
        self.poller: Poller = readiness.create_poller(near.fileno())
        self.attempts = 0

    def take(self) -> bytes:
        """Read what is there: an attempt for ``readable``."""
        self.attempts += 1
        return self.near.recv(65536)

    def put(self) -> int:
        """Write something: an attempt for ``writable``."""
        self.attempts += 1
        return self.near.send(b"x" * 65536)

    def fill(self) -> None:
        """Write until nothing fits any more."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.near.send(b"x" * 65536)

    def drain(self) -> None:
        """Read on the far side until nothing is there."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self.far.recv(65536)


@contextlib.contextmanager
def make_pair() -> Generator[Pair, None, None]:
    """Make two connected sockets; to be called in a loop."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        pair = Pair(near, far)
        try:
            yield pair
        finally:
            pair.poller.close()


def identity(value: T) -> T:
    """An attempt that succeeds at once."""
    return value


def none_to_write() -> int:
    """An attempt that is never ready."""
    raise BlockingIOError


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


@rule("POLL-4")
async def test_second_reader() -> None:
    """A second reader is refused, though it could succeed, and the first is not disturbed."""
    received: list[bytes] = []

    async def reader() -> None:
        received.append(await pair.poller.readable(pair.take))

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.readable(none_to_write)
            pair.far.send(b"data")
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.readable(lambda: b"stolen")
        assert received == [b"data"]
        with accord.move_on_after(0.005):
            await pair.poller.readable(pair.take)
        pair.far.send(b"more")
        assert await pair.poller.readable(pair.take) == b"more"


@rule("POLL-4")
async def test_second_writer() -> None:
    """A second writer is refused, and the first is not disturbed."""
    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            handle = group.start_soon(pair.poller.writable, pair.put)
            await settle()
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.writable(none_to_write)
            pair.drain()
        assert handle.return_value > 0


@rule("POLL-4")
async def test_both_directions() -> None:
    """Reading and writing wait at the same time, and each goes on by itself."""
    events: list[str] = []

    async def reader() -> None:
        await pair.poller.readable(pair.take)
        events.append("read")

    async def writer() -> None:
        await pair.poller.writable(pair.put)
        events.append("written")

    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            group.start_soon(writer)
            await settle()
            pair.far.send(b"data")
            while not events:
                await accord.sleep(0.001)
            assert events == ["read"]
            pair.drain()
        assert events == ["read", "written"]


@rule("POLL-5")
async def test_close_wakes() -> None:
    """Closing wakes the tasks that wait in both directions."""
    errors: list[str] = []

    async def wait(operation: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await operation()
        except accord.ClosedResourceError as error:
            errors.append(str(error))

    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            group.start_soon(wait, lambda: pair.poller.readable(pair.take))
            group.start_soon(wait, lambda: pair.poller.writable(pair.put))
            await settle()
            pair.poller.close()
        assert len(errors) == 2
        assert all(errors)


@rule("POLL-5")
async def test_after_close() -> None:
    """Once closed every call is refused without an attempt; to close again does nothing, and the descriptor is open."""
    with make_pair() as pair:
        pair.far.send(b"data")
        pair.poller.close()
        pair.poller.close()
        for _ in range(2):
            with pytest.raises(accord.ClosedResourceError):
                await pair.poller.readable(pair.take)
            with pytest.raises(accord.ClosedResourceError):
                await pair.poller.writable(pair.put)
        assert pair.attempts == 0
        assert pair.near.recv(100) == b"data"


@rule("POLL-5")
@pytest.mark.parametrize("close_first", [False, True])
async def test_close_and_cancellation(close_first: bool) -> None:
    """A task that is woken by a close and cancelled in the same turn gets one of the two."""
    ended: list[str] = []
    scope = accord.CancelScope()

    async def reader() -> None:
        with scope:
            try:
                await pair.poller.readable(pair.take)
            except accord.ClosedResourceError:
                ended.append("closed")

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            for action in (pair.poller.close, scope.cancel) if close_first else (scope.cancel, pair.poller.close):
                action()
    assert ended == (["closed"] if close_first else [])
    assert scope.cancelled_caught is not close_first


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


@rule("POLL-7")
async def test_new_poller_for_the_same_descriptor() -> None:
    """After a close the descriptor can have a new poller."""
    with make_pair() as pair:
        with accord.move_on_after(0.005):
            await pair.poller.readable(pair.take)
        readiness = current_backend().readiness
        assert readiness is not None
        for _ in range(3):
            pair.poller.close()
            pair.poller = readiness.create_poller(pair.near.fileno())
            with accord.move_on_after(0.005):
                await pair.poller.readable(pair.take)
            pair.far.send(b"data")
            assert await pair.poller.readable(pair.take) == b"data"


@rule("POLL-7")
async def test_number_that_is_used_again() -> None:
    """When the system gives out the number of a closed descriptor again, a new poller works."""
    numbers: set[int] = set()
    for _ in range(5):
        with make_pair() as pair:
            numbers.add(pair.near.fileno())
            async with accord.create_task_group() as group:
                handle = group.start_soon(pair.poller.readable, pair.take)
                await settle()
                pair.far.send(b"data")
            assert handle.return_value == b"data"
            with accord.move_on_after(0.002):
                await pair.poller.readable(pair.take)
    assert len(numbers) < 5


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
