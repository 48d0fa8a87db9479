"""Datagrams over UNIX sockets."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import socket
import time
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import ConnectedUNIXDatagramSocket, UNIXDatagramSocket
from accord.abc import SocketAttribute
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, rule, settle, untestable
from accord_conformance.suite.unix.pairs import folder


@asynccontextmanager
async def talking() -> AsyncGenerator[tuple[UNIXDatagramSocket, ConnectedUNIXDatagramSocket, Path], None]:
    """An open socket at the path ``server`` of a folder, and one at ``client`` that is connected with it."""
    with folder() as place:
        async with (
            await accord.create_unix_datagram_socket(local_path=place / "server") as server,
            await accord.create_connected_unix_datagram_socket(place / "server", local_path=place / "client") as client,
        ):
            yield server, client, place


@rule("UNIX-10")
@pytest.mark.parametrize("size", [0, 1, 1500, 65536, 100_000])
async def test_exchange(size: int) -> None:
    """Datagrams of any size go to and fro whole; the path of the sender comes with them."""
    data = os.urandom(size)
    async with talking() as (server, client, place):
        await client.send(data)
        with accord.fail_after(PATIENCE):
            received = await server.receive()
        assert received == (data, str(place / "client"))
        assert type(received[0]) is bytes
        await server.send(received)
        await server.sendto(bytearray(data), place / "client")
        with accord.fail_after(PATIENCE):
            assert [await client.receive() for _ in range(2)] == [data, data]


@rule("UNIX-10")
async def test_sender_without_path() -> None:
    """The path of a sender that has none is empty."""
    async with talking() as (server, _, place), await accord.create_unix_datagram_socket() as sock:
        await sock.sendto(b"x", os.fsencode(place / "server"))
        assert await server.receive() == (b"x", "")
        assert server.extra(SocketAttribute.local_address) == str(place / "server")
        assert sock.extra(SocketAttribute.local_address) == ""


@rule("UNIX-10", "UDP-3")
async def test_nothing_is_read_ahead() -> None:
    """Datagrams that nobody receives stay with the system."""
    async with talking() as (server, client, _):
        for item in (b"one", b"two", b"three"):
            await client.send(item)
        assert (await server.receive())[0] == b"one"
        await settle()
        assert server.extra(SocketAttribute.raw_socket).recv(10) == b"two"


@rule("UNIX-10", "UDP-4")
async def test_nobody_receives() -> None:
    """To send where nobody receives is a BrokenResourceError from the system's error; the socket is usable."""
    async with talking() as (server, client, place):
        await server.aclose()
        async with await accord.create_unix_datagram_socket(local_path=place / "second") as second:
            sends: list[tuple[Callable[[], Awaitable[object]], int]] = [
                (partial(second.sendto, b"x", place / "missing"), errno.ENOENT),
                (partial(second.sendto, b"x", place / "server"), errno.ECONNREFUSED),
                (partial(client.send, b"x"), errno.ECONNREFUSED),
            ]
            for send, number in sends:
                with pytest.raises(accord.BrokenResourceError) as caught:
                    await send()
                assert isinstance(caught.value.__cause__, OSError)
                assert caught.value.__cause__.errno == number
            await second.sendto(b"x", place / "client")
            assert await client.receive() == b"x"


@rule("UNIX-10", "UDP-5")
async def test_too_long() -> None:
    """Data that is too long for a datagram is a ValueError, and nothing is sent."""
    async with talking() as (server, client, place):
        data = bytes(10_000_000)
        for send in (partial(client.send, data), partial(server.sendto, data, place / "client")):
            with pytest.raises(ValueError, match="long"):
                await send()
        await client.send(b"x")
        assert (await server.receive())[0] == b"x"


@rule("UNIX-10")
async def test_longer_than_can_be_received() -> None:
    """A datagram that is too long to be received is an error with its beginning, and the next one comes whole."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with far:
        async with await ConnectedUNIXDatagramSocket.from_socket(near) as sock:
            far.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10_000_000)
            size = far.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 2
            data = os.urandom(size)
            far.settimeout(0)
            while True:
                try:
                    far.send(data)
                except OSError:
                    data = data[: len(data) - 10_000]
                else:
                    break
            try:
                assert await sock.receive() == data
            except accord.IncompleteRead as error:
                assert data.startswith(error.partial)
                assert 65536 <= len(error.partial) < len(data)
            far.send(b"next")
            assert await sock.receive() == b"next"


@rule("UNIX-10", "UDP-2", "UDP-6")
async def test_wrong_data_and_items() -> None:
    """Other data is a TypeError, as is what isn't a pair of data and path."""
    wrong: Any
    async with talking() as (server, client, place):
        for wrong in ("text", None, 5):
            with pytest.raises(TypeError):
                await client.send(wrong)
            with pytest.raises(TypeError):
                await server.sendto(wrong, place / "client")
        for wrong in (b"x", (b"x",), (b"x", 5), (b"x", None), ("x", "path")):
            with pytest.raises(TypeError):
                await server.send(wrong)


@asynccontextmanager
async def _full(connected: bool) -> AsyncGenerator[tuple[UNIXDatagramSocket, Callable[[], Awaitable[None]], int], None]:
    """A receiver whose queue is full, what sends to it once more, and the number of datagrams in the queue."""
    async with talking() as (server, client, place), await accord.create_unix_datagram_socket() as sock:

        async def send() -> None:
            await (client.send(b"x") if connected else sock.sendto(b"x", place / "server"))

        count = 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler, contextlib.suppress(BlockingIOError):
            filler.setblocking(False)
            while count < 10_000:
                filler.sendto(b"x", str(place / "server"))
                count += 1
            untestable("the queue of a socket has no limit here")
        yield server, send, count


@rule("UNIX-10", "UDP-3")
@pytest.mark.parametrize("connected", [True, False])
async def test_full_queue(connected: bool) -> None:
    """While the receiver's queue is full a sender waits without using the processor; nothing is lost."""
    async with _full(connected) as (server, send, count), accord.create_task_group() as group:
        attempt = await blocked(group, send)
        used = time.process_time()
        await accord.sleep(0.3)
        assert time.process_time() - used < 0.15
        with pytest.raises(accord.BusyResourceError, match="sending"):
            await send()
        assert attempt.handle.status is accord.HandleStatus.PENDING
        with accord.fail_after(PATIENCE):
            for _ in range(count):
                await server.receive()
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
            await server.receive()
        receive = Attempt(group, server.receive)
        await settle()
        assert receive.outcome == "blocked"
        group.cancel()


@rule("UNIX-10", "UNIX-12")
@pytest.mark.parametrize("connected", [True, False])
async def test_cancelled_at_a_full_queue(connected: bool) -> None:
    """A send() that is cancelled while it waits for room has sent nothing."""
    async with _full(connected) as (server, send, count):
        for _ in range(3):
            with accord.move_on_after(0.02) as scope:
                await send()
            assert scope.cancelled_caught
        for _ in range(count):
            await server.receive()
        with accord.move_on_after(0.1) as scope:
            await server.receive()
        assert scope.cancelled_caught


@rule("UNIX-10", "UDP-8")
@pytest.mark.parametrize("connected", [True, False])
async def test_closing_at_a_full_queue(connected: bool) -> None:
    """A task that waits for room gets ClosedResourceError when its socket is closed."""
    with folder() as place:
        async with await accord.create_unix_datagram_socket(local_path=place / "server"):
            sock: Any
            if connected:
                sock = await accord.create_connected_unix_datagram_socket(place / "server")
                send = partial(sock.send, b"x")
            else:
                sock = await accord.create_unix_datagram_socket()
                send = partial(sock.sendto, b"x", place / "server")

            async def send_for_ever() -> None:
                while True:
                    await send()

            async with accord.create_task_group() as group:
                attempt = Attempt(group, send_for_ever)
                await accord.sleep(0.1)
                await sock.aclose()
                with accord.fail_after(PATIENCE):
                    await attempt.handle.wait()
            assert type(attempt.error) is accord.ClosedResourceError


@rule("UNIX-10", "UDP-7", "UDP-8")
async def test_one_receiver_and_closing() -> None:
    """A second receiver is refused; closing is idempotent and wakes the first; then all is ClosedResourceError."""
    async with talking() as (server, client, place):
        operations: list[Callable[[], Awaitable[object]]] = [
            server.receive,
            client.receive,
            partial(client.send, b"x"),
            partial(server.sendto, b"x", place / "client"),
            partial(server.send, (b"x", str(place / "client"))),
        ]
        raw = [sock.extra(SocketAttribute.raw_socket) for sock in (server, client)]
        async with accord.create_task_group() as group:
            attempts = [await blocked(group, operation) for operation in operations[:2]]
            for operation in operations[:2]:
                with pytest.raises(accord.BusyResourceError, match="receiving"):
                    await operation()
            await server.aclose()
            assert await is_cancelled_by(client.aclose)
        assert [type(attempt.error) for attempt in attempts] == [accord.ClosedResourceError] * 2
        assert [sock.fileno() for sock in raw] == [-1, -1]
        await server.aclose()
        for operation in operations:
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        for operation in operations:
            assert await is_cancelled_by(operation)


@rule("UNIX-10", "UDP-8")
async def test_warning_for_a_socket_that_was_not_closed() -> None:
    """Sockets that are freed unclosed give a ResourceWarning; closed ones give none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with talking():
            pass
        gc.collect()
        assert caught == []
        sock: Any = await accord.create_unix_datagram_socket()
        del sock
        gc.collect()
        assert [warning.category for warning in caught] == [ResourceWarning]


@rule("UNIX-12")
def test_classes(run: Callable[..., Any]) -> None:
    """The operations are checkpoints of class CY; cancelled they have no effect."""

    async def main() -> None:
        async with talking() as (server, client, place):
            operations: list[Callable[[], Awaitable[object]]] = [
                partial(client.send, b"x"),
                server.receive,
                partial(server.sendto, b"x", place / "client"),
                client.receive,
                partial(server.send, (b"x", str(place / "client"))),
                client.receive,
            ]
            for operation in operations:
                assert await is_cancelled_by(operation)
                assert await checkpoint_class(operation, operation) == "CY", operation
            for sock in (server, client):
                with accord.move_on_after(0.01) as scope:
                    await sock.receive()
                assert scope.cancelled_caught

    run(main, checkpoint_budget=1)
