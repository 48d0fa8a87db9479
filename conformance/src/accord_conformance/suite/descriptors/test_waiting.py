"""Waiting for file descriptors of all kinds, next to whoever else waits for them."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from typing import Any

import pytest

import accord
from accord.abc import SocketAttribute
from accord_conformance.attempts import GAPS, Attempt, blocked, race
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, open_descriptors, rule, settle
from accord_conformance.suite.networking.pairs import connected
from accord_conformance.suite.udp.pairs import HOST, in_cancelled_scope, talking

Ends = tuple[socket.socket, socket.socket]


@contextmanager
def pair() -> Generator[Ends, None, None]:
    """Two connected sockets, non-blocking."""
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        yield near, far


def fill(sock: socket.socket) -> None:
    """Write until there is no room."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def drain(sock: socket.socket) -> None:
    """Read until there is nothing."""
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.recv(65536)


async def ended(attempt: Attempt[Any]) -> str:
    """Wait until an attempt has ended and say how."""
    with accord.fail_after(PATIENCE):
        await attempt.handle.wait()
    return attempt.outcome


@rule("FD-1")
@pytest.mark.parametrize("by_number", [False, True])
async def test_waiting_for_data(by_number: bool) -> None:
    """wait_readable() returns when there is data, and leaves it there; the same for an object and a number."""
    with pair() as (near, far):
        obj = near.fileno() if by_number else near
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(accord.wait_readable, obj))
            far.send(b"data")
            assert await ended(attempt) == "returned"
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(obj)
        assert near.recv(100) == b"data"
        with accord.move_on_after(0.01) as scope:
            await accord.wait_readable(obj)
        assert scope.cancelled_caught


@rule("FD-1")
@pytest.mark.parametrize("by_number", [False, True])
async def test_waiting_for_room(by_number: bool) -> None:
    """wait_writable() returns when there is room."""
    with pair() as (near, far):
        obj = near.fileno() if by_number else near
        with accord.fail_after(PATIENCE):
            await accord.wait_writable(obj)
        fill(near)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(accord.wait_writable, obj))
            far.send(b"data")
            await accord.sleep(0.01)
            assert attempt.outcome == "blocked"
            drain(far)
            assert await ended(attempt) == "returned"
        assert near.send(b"x") == 1


@rule("FD-1")
async def test_kinds_of_descriptors() -> None:
    """Pipes, regular files and sockets that block can be waited for, and are not changed."""
    reading, writing = os.pipe()
    near, far = socket.socketpair()
    with FileIO(reading) as file, tempfile.TemporaryFile() as regular, near, far:
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(accord.wait_readable, file))
            await accord.wait_writable(writing)
            os.write(writing, b"x")
            assert await ended(attempt) == "returned"
        assert os.get_blocking(reading)
        assert os.read(reading, 10) == b"x"
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(regular)
            await accord.wait_writable(regular)
            await accord.wait_writable(near)
        assert near.gettimeout() is None
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(accord.wait_readable, reading))
            os.close(writing)
            assert await ended(attempt) == "returned"


@rule("FD-1")
async def test_end_and_failure() -> None:
    """A descriptor whose other end is closed is ready in both directions."""
    with pair() as (near, far):
        fill(near)
        async with accord.create_task_group() as group:
            attempts = [
                await blocked(group, partial(wait, near)) for wait in (accord.wait_readable, accord.wait_writable)
            ]
            far.close()
            assert [await ended(attempt) for attempt in attempts] == ["returned"] * 2


@rule("FD-1")
async def test_waiting_uses_no_processor_time() -> None:
    """A task that waits in one direction is idle, though the other one is ready."""
    with pair() as (near, far):
        fill(near)
        far.send(b"data")
        used = time.process_time()
        with accord.move_on_after(0.3) as scope:
            await accord.wait_writable(near)
        assert scope.cancelled_caught
        assert time.process_time() - used < 0.15


@rule("FD-2")
@pytest.mark.parametrize("direction", ["readable", "writable"])
async def test_one_task_for_each_direction(direction: str) -> None:
    """A second task is refused, whatever it calls the descriptor, and the first is not disturbed."""
    wait = accord.wait_readable if direction == "readable" else accord.wait_writable
    with pair() as (near, far):
        fill(near)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(wait, near))
            for obj in (near, near.fileno()):
                with pytest.raises(accord.BusyResourceError):
                    await wait(obj)
            far.send(b"x")
            drain(far)
            with pytest.raises(accord.BusyResourceError):
                await wait(near)
            assert await ended(attempt) == "returned"
        with accord.fail_after(PATIENCE):
            await wait(near)


@rule("FD-2")
async def test_both_directions() -> None:
    """Two tasks wait for both directions of a descriptor, and each is woken by its own."""
    with pair() as (near, far):
        fill(near)
        async with accord.create_task_group() as group:
            reading = await blocked(group, partial(accord.wait_readable, near))
            writing = await blocked(group, partial(accord.wait_writable, near.fileno()))
            far.send(b"x")
            assert await ended(reading) == "returned"
            assert writing.outcome == "blocked"
            drain(far)
            assert await ended(writing) == "returned"


@rule("FD-3", "CKPT-6")
@pytest.mark.parametrize("wait", [accord.wait_readable, accord.wait_writable])
async def test_what_is_no_descriptor(wait: Callable[[Any], Awaitable[None]]) -> None:
    """Negative numbers, other objects and what is closed are refused, each time in the same way."""

    class Odd:
        def fileno(self) -> str:
            return "5"

    for _ in range(2):
        with in_cancelled_scope():
            with pytest.raises(ValueError, match="negative"):
                await wait(-1)
            wrong: Any
            for wrong in ("5", None, 1.0, True, Odd()):
                with pytest.raises(TypeError):
                    await wait(wrong)
        with pair() as (near, _):
            fd = near.fileno()
        with tempfile.TemporaryFile() as file:
            pass
        for closed in (fd, near, file, 10**6):
            with pytest.raises(accord.ClosedResourceError):
                await wait(closed)
    with pair() as (near, far):
        far.send(b"x")
        with accord.fail_after(PATIENCE):
            await wait(near)


@rule("FD-4")
@pytest.mark.parametrize("by_number", [False, True])
async def test_notify_closing(by_number: bool) -> None:
    """notify_closing() wakes who waits, in both directions, and the descriptor can be waited for again."""
    with pair() as (near, far):
        fill(near)
        for _ in range(2):
            async with accord.create_task_group() as group:
                attempts = [
                    await blocked(group, partial(wait, near)) for wait in (accord.wait_readable, accord.wait_writable)
                ]
                accord.notify_closing(near.fileno() if by_number else near)
                accord.notify_closing(near)
                assert [await ended(attempt) for attempt in attempts] == ["raised"] * 2
            assert [type(attempt.error) for attempt in attempts] == [accord.ClosedResourceError] * 2
        far.send(b"x")
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(near)
        assert near.recv(10) == b"x"
        accord.notify_closing(far)


@rule("FD-4")
async def test_notify_closing_without_descriptor() -> None:
    """What is closed already is nobody's any more; what was never a descriptor is refused."""
    with pair() as (near, _):
        pass
    accord.notify_closing(near)
    with pytest.raises(ValueError, match="negative"):
        accord.notify_closing(-1)
    wrong: Any = "5"
    with pytest.raises(TypeError):
        accord.notify_closing(wrong)


@rule("FD-4", "FD-2")
async def test_successor() -> None:
    """The next task that waits keeps its place when the one that was told of the closing goes on."""
    with pair() as (near, far):
        async with accord.create_task_group() as group:
            first = await blocked(group, partial(accord.wait_readable, near))

            async def third() -> None:
                await first.handle.wait()
                with pytest.raises(accord.BusyResourceError):
                    await accord.wait_readable(near)
                far.send(b"x")

            accord.notify_closing(near)
            group.start_soon(third)
            # Nothing has run since: the first task has been woken and does not know it yet.
            with accord.fail_after(PATIENCE):
                await accord.wait_readable(near)
        assert type(first.error) is accord.ClosedResourceError


@rule("FD-4")
async def test_number_that_is_used_again() -> None:
    """When the system gives out the number of a closed descriptor again, the new one can be waited for."""
    numbers: set[int] = set()
    for _ in range(5):
        with pair() as (near, far):
            numbers.add(near.fileno())
            async with accord.create_task_group() as group:
                attempt = await blocked(group, partial(accord.wait_readable, near))
                far.send(b"x")
                assert await ended(attempt) == "returned"
                drain(near)
                attempt = await blocked(group, partial(accord.wait_readable, near))
                accord.notify_closing(near)
                near.close()
                assert await ended(attempt) == "raised"
    assert len(numbers) < 5


@rule("FD-5")
async def test_descriptor_of_a_stream() -> None:
    """One task receives from a stream while another waits for its socket; both are served, again and again."""
    async with connected() as (client, server):
        raw = server.extra(SocketAttribute.raw_socket)
        for number in range(3):
            async with accord.create_task_group() as group:
                if number % 2:
                    waiting = await blocked(group, partial(accord.wait_readable, raw))
                    receiving = await blocked(group, server.receive)
                else:
                    receiving = await blocked(group, server.receive)
                    waiting = await blocked(group, partial(accord.wait_readable, raw))
                await client.send(b"%d" % number)
                assert await ended(receiving) == "returned"
                # Whether it is woken by the data or they are gone before it looks is up to the host.
                waiting.cancel()
                await ended(waiting)
            assert receiving.value == b"%d" % number
            await accord.wait_writable(raw)
            await server.send(b"x")
            await accord.wait_readable(client.extra(SocketAttribute.raw_socket))
            assert await client.receive() == b"x"


@rule("FD-5")
async def test_waiting_is_not_forgotten() -> None:
    """A task that waits for a stream's socket is woken by data that comes after others were received."""
    async with connected() as (client, server):
        raw = server.extra(SocketAttribute.raw_socket)
        async with accord.create_task_group() as group:
            receiving = await blocked(group, server.receive)
            waiting = Attempt(group, partial(accord.wait_readable, raw))
            await settle()
            await client.send(b"first")
            assert await ended(receiving) == "returned"
            await client.send(b"second")
            assert await ended(waiting) == "returned"
        assert await server.receive() == b"second"


@rule("FD-5")
async def test_peer_sees_the_end() -> None:
    """Waiting for a socket does not keep the connection open when its owner closes it without a word."""
    with pair() as (near, far):
        async with accord.create_task_group() as group:
            await blocked(group, partial(accord.wait_readable, near))
            near.close()
            assert far.recv(1) == b""
            group.cancel()


@rule("FD-5")
async def test_descriptors_of_listeners_and_datagrams() -> None:
    """The sockets of listeners and of UDP can be waited for."""
    async with await accord.create_tcp_listener(local_host=HOST) as listener, accord.create_task_group() as group:
        raw = listener.extra(SocketAttribute.raw_socket)
        attempt = await blocked(group, partial(accord.wait_readable, raw))
        async with await accord.connect_tcp(HOST, listener.extra(SocketAttribute.local_port)):
            assert await ended(attempt) == "returned"
    async with talking() as (server, client):
        await client.send(b"x")
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(server.extra(SocketAttribute.raw_socket))
        assert (await server.receive())[0] == b"x"


@rule("FD-6")
@pytest.mark.parametrize("wait", [accord.wait_readable, accord.wait_writable])
def test_classes(run: Callable[..., Any], wait: Callable[[Any], Awaitable[None]]) -> None:
    """Both are checkpoints of class CY, where they can return at once."""

    async def main() -> str:
        with pair() as (near, far):
            far.send(b"x")
            return await checkpoint_class(partial(wait, near), partial(wait, near))

    assert run(main, checkpoint_budget=1) == "CY"


@rule("FD-6")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_cancelled_before_the_arrival(gap: str) -> None:
    """A task that was cancelled before the data came gets the cancellation."""
    with pair() as (near, far):
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(accord.wait_readable, near))
            assert not await race(gap, attempt, partial(far.send, b"x"))
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(near)


@rule("FD-6")
async def test_nothing_is_left() -> None:
    """After cancellations, in a wait or before it, the descriptor is free and none is left open."""
    with pair() as (near, far):
        fill(near)
        before = open_descriptors()
        for wait in (accord.wait_readable, accord.wait_writable):
            for _ in range(3):
                assert await is_cancelled_by(partial(wait, near))
                with accord.move_on_after(0.005) as scope:
                    await wait(near)
                assert scope.cancelled_caught
        assert open_descriptors() == before
        far.send(b"x")
        with accord.fail_after(PATIENCE):
            await accord.wait_readable(near)
        assert open_descriptors() == before


@rule("FD-6", "FD-2")
async def test_order_of_errors() -> None:
    """Busy comes before cancelled, and cancelled before closed."""
    with pair() as (near, _):
        async with accord.create_task_group() as group:
            await blocked(group, partial(accord.wait_readable, near))
            with in_cancelled_scope():
                with pytest.raises(accord.BusyResourceError):
                    await accord.wait_readable(near)
            group.cancel()
        fd = near.fileno()
    assert await is_cancelled_by(partial(accord.wait_readable, fd))


@rule("FD-5", "FD-4")
@pytest.mark.parametrize("wait", [accord.wait_readable, accord.wait_writable])
async def test_closing_a_stream_wakes_who_waits_for_its_socket(
    wait: Callable[[socket.socket], Awaitable[None]],
) -> None:
    """A task that waits for the raw socket of a stream gets ClosedResourceError when the stream is closed."""
    async with connected() as (client, _):
        raw = client.extra(SocketAttribute.raw_socket)
        fill(raw)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(wait, raw))
            await client.aclose()
            with accord.fail_after(PATIENCE):
                await attempt.handle.wait()
        assert type(attempt.error) is accord.ClosedResourceError
