"""Streams over UNIX sockets: records, and file descriptors that are sent with data."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from io import FileIO
from typing import Any

import pytest

import accord
from accord import UNIXSocketStream
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, open_descriptors, rule
from accord_conformance.suite.udp.pairs import in_cancelled_scope
from accord_conformance.suite.unix.pairs import KINDS, SEQPACKET, connected, fill, pipes

kinds = pytest.mark.parametrize("kind", KINDS)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


@rule("UNIX-7", "UNIX-8")
@kinds
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
async def test_sending_descriptors(kind: Any, count: int) -> None:
    """Descriptors and files arrive with the message, each once and usable, and stay open at the sender's."""
    async with connected(kind) as (client, server):
        with pipes(count) as (reading, writing):
            with FileIO(writing[0], "wb", closefd=False) as file:
                await client.send_fds(b"message", [file, *writing[1:]])
            data, fds = await server.receive_fds(100, count)
            assert (type(data), data) == (bytes, b"message")
            assert len(fds) == count
            for number, fd in enumerate(fds):
                assert not os.get_inheritable(fd)
                os.write(fd, b"%d" % number)
                os.write(writing[number], b"!")
                assert os.read(reading[number], 10) == b"%d!" % number
            _close(fds)
        await client.send(b"more")
        assert await server.receive_fds(100, 1) == (b"more", [])


@rule("UNIX-7")
async def test_large_message_with_descriptors() -> None:
    """All of a message that doesn't fit at once is sent, and its descriptors go with the first byte only."""
    message = bytes(range(256)) * 10_000
    async with connected() as (client, server):
        with pipes(1) as (_, writing):
            async with accord.create_task_group() as group:
                attempt = await blocked(group, partial(client.send_fds, message, writing))
                with pytest.raises(accord.BusyResourceError):
                    await client.send_fds(b"x", writing)
                with pytest.raises(accord.BusyResourceError):
                    await client.send(b"x")
                data, fds = await server.receive_fds(1, 1)
                assert len(fds) == 1
                _close(fds)
                received = bytearray(data)
                while len(received) < len(message):
                    data, fds = await server.receive_fds(100_000, 1)
                    assert fds == []
                    received += data
            assert received == message
            assert attempt.outcome == "returned"


@rule("UNIX-7", "CKPT-6")
@kinds
async def test_wrong_descriptors(kind: Any) -> None:
    """What isn't a descriptor is refused, nothing is sent, and the stream is usable."""
    async with connected(kind) as (client, server):
        with pipes(1) as (reading, writing):
            fd = writing[0]
            wrong: list[tuple[Any, type[Exception]]] = [
                ([], ValueError),
                ([-1], ValueError),
                ([fd, "a"], TypeError),
                ([True], TypeError),
                ([1.0], TypeError),
                ([None], TypeError),
                ("ab", TypeError),
                (b"ab", TypeError),
                (fd, TypeError),
                (None, TypeError),
            ]
            with in_cancelled_scope():
                for fds, error in wrong:
                    with pytest.raises(error):
                        await client.send_fds(b"x", fds)
                with pytest.raises(ValueError, match="message"):
                    await client.send_fds(b"", [fd])
                with pytest.raises(TypeError):
                    await client.send_fds("text", [fd])  # type: ignore[arg-type]
            os.close(reading[0])
            for fds in ([reading[0]], [fd] * 10_000):
                with pytest.raises(ValueError, match="fds") as caught:
                    await client.send_fds(b"x", fds)
                assert isinstance(caught.value.__cause__, OSError)
            await client.send_fds(b"good", [fd])
            data, received = await server.receive_fds(100, 5)
            assert (data, len(received)) == (b"good", 1)
            _close(received)


@rule("UNIX-8")
@kinds
@pytest.mark.parametrize(("sent", "most"), [(2, 1), (3, 2), (4, 3), (7, 1)])
async def test_more_descriptors_than_asked_for(kind: Any, sent: int, most: int) -> None:
    """If more descriptors came an error has the data, none of them is open, and the stream is usable."""
    async with connected(kind) as (client, server):
        with pipes(sent) as (_, writing):
            before = open_descriptors()
            await client.send_fds(b"message", writing)
            with pytest.raises(accord.IncompleteRead) as caught:
                await server.receive_fds(100, most)
            assert caught.value.partial == b"message"
            assert open_descriptors() == before
            await client.send_fds(b"more", writing[:most])
            data, fds = await server.receive_fds(100, most)
            assert (data, len(fds)) == (b"more", most)
            _close(fds)


@rule("UNIX-8")
@kinds
async def test_descriptors_that_nobody_asked_for(kind: Any) -> None:
    """receive() returns the data alone, and the descriptors that came with it are not open."""
    async with connected(kind) as (client, server):
        with pipes(2) as (_, writing):
            before = open_descriptors()
            await client.send_fds(b"message", writing)
            assert await server.receive() == b"message"
            assert open_descriptors() == before


@rule("UNIX-8", "CKPT-6")
@pytest.mark.parametrize(
    ("msglen", "maxfds", "error"),
    [(0, 1, ValueError), (-1, 1, ValueError), (1, 0, ValueError), (1, -1, ValueError)]
    + [(wrong, 1, TypeError) for wrong in ("1", 1.0, None, True)]
    + [(1, wrong, TypeError) for wrong in ("1", 1.0, None, True)],
)
async def test_wrong_limits(msglen: Any, maxfds: Any, error: type[Exception]) -> None:
    """Both limits are integers of at least 1."""
    async with connected() as (client, server):
        await client.send(b"x")
        with pytest.raises(error):
            await server.receive_fds(msglen, maxfds)
        assert await server.receive_fds(1, 1) == (b"x", [])


@rule("UNIX-8", "NET-4", "NET-6")
@kinds
async def test_end_and_closing(kind: Any) -> None:
    """After the peer's end receive_fds() raises EndOfStream each time, once closed it raises ClosedResourceError."""
    async with connected(kind) as (client, server):
        await client.send(b"last")
        await client.aclose()
        assert await server.receive_fds(10, 1) == (b"last", [])
        for receive in (partial(server.receive_fds, 10, 1), server.receive) * 2:
            with pytest.raises(accord.EndOfStream):
                await receive()
        await server.aclose()
        for operation in (partial(server.receive_fds, 10, 1), partial(server.send_fds, b"x", [0]), server.receive):
            with pytest.raises(accord.ClosedResourceError):
                await operation()
    async with connected(kind) as (client, server), accord.create_task_group() as group:
        attempt = await blocked(group, partial(server.receive_fds, 10, 1))
        for receive in (partial(server.receive_fds, 10, 1), server.receive):
            with pytest.raises(accord.BusyResourceError):
                await receive()
        await server.aclose()
        await attempt.handle.wait()
        assert type(attempt.error) is accord.ClosedResourceError


@rule("UNIX-7", "NET-4", "NET-5")
@kinds
async def test_sending_after_the_end(kind: Any) -> None:
    """send_fds() after send_eof() is refused, and to a peer that has gone raises BrokenResourceError, each time."""
    async with connected(kind) as (client, server):
        await client.send_eof()
        with pytest.raises(accord.ClosedResourceError):
            await client.send_fds(b"x", [0])
        await client.aclose()
        for _ in range(2):
            with pytest.raises(accord.BrokenResourceError):
                await server.send_fds(b"x", [0])
            with pytest.raises(accord.BrokenResourceError):
                await server.send(b"x")


@rule("UNIX-9")
async def test_records() -> None:
    """Each receive() returns one record, whatever was sent before and after it."""
    records = [b"a", b"bb" * 1000, b"c" * 60_000, b"d"]
    async with connected(SEQPACKET) as (client, server):

        async def send() -> None:
            for record in records:
                await client.send(record)
            await client.send_eof()

        async with accord.create_task_group() as group:
            group.start_soon(send)
            with accord.fail_after(PATIENCE):
                assert [record async for record in server] == records


@rule("UNIX-9")
async def test_records_that_are_cut() -> None:
    """A record that is longer than asked for is an error with its beginning, and the next one comes whole."""
    async with connected(SEQPACKET) as (client, server):
        await client.send(b"0123456789")
        await client.send(b"next")
        with pytest.raises(accord.IncompleteRead) as caught:
            await server.receive(4)
        assert caught.value.partial == b"0123"
        assert await server.receive(4) == b"next"
        await client.send(b"0123456789")
        with pytest.raises(accord.IncompleteRead):
            await server.receive_fds(4, 1)


@rule("UNIX-9", "NET-3", "CKPT-6")
async def test_impossible_records() -> None:
    """A record that is empty or too long is a ValueError; nothing is sent and the stream is usable."""
    async with connected(SEQPACKET) as (client, server):
        with pytest.raises(ValueError, match="empty"):
            await client.send(b"")
        with pytest.raises(ValueError, match="long") as caught:
            await client.send(bytes(10_000_000))
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.EMSGSIZE
        for size, error in ((0, ValueError), (1.0, TypeError)):
            wrong: Any = size
            with pytest.raises(error):
                await server.receive(wrong)
        await client.send(b"good")
        assert await server.receive() == b"good"


@rule("UNIX-9")
async def test_cancelled_record() -> None:
    """A send() of a record that is cancelled while it waits for room has sent nothing."""
    async with connected(SEQPACKET) as (client, server):
        expected = fill(client) // 1000
        with accord.move_on_after(0.02) as scope:
            await client.send(b"x" * 1000)
        assert scope.cancelled_caught
        await client.send_eof()
        assert [len(record) async for record in server] == [1000] * expected


@rule("UNIX-9", "NET-6")
async def test_closing_while_a_record_waits_for_room() -> None:
    """A task that waits for room for a record gets ClosedResourceError when the stream is closed."""
    async with connected(SEQPACKET) as (client, _):
        fill(client)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, partial(client.send, b"x" * 1000))
            await client.aclose()
        assert type(attempt.error) is accord.ClosedResourceError


def _families() -> list[tuple[Any, int, bool]]:
    """Classes, the type of socket that they take, and whether it is connected."""
    return [
        (UNIXSocketStream, socket.SOCK_STREAM, True),
        (UNIXSocketStream, socket.SOCK_SEQPACKET, True),
        (accord.UNIXDatagramSocket, socket.SOCK_DGRAM, False),
        (accord.ConnectedUNIXDatagramSocket, socket.SOCK_DGRAM, True),
    ]


@rule("UNIX-11")
@pytest.mark.parametrize("by_number", [False, True])
async def test_taking_over(by_number: bool) -> None:
    """A socket, or its descriptor, is taken over, made non-blocking, and closed with what was made of it."""
    for owner, kind, is_connected in _families():
        if is_connected:
            near, far = socket.socketpair(socket.AF_UNIX, kind)
        else:
            near, far = socket.socket(socket.AF_UNIX, kind), socket.socket(socket.AF_UNIX, kind)
        with far:
            async with await owner.from_socket(near.detach() if by_number else near) as made:
                assert isinstance(made, owner)
                raw = made.extra(SocketAttribute.raw_socket)
                with accord.move_on_after(0.01) as scope:
                    await made.receive()
                assert scope.cancelled_caught
                if is_connected:
                    await made.send(b"ab")
                    assert far.recv(10) == b"ab"
                    far.send(b"cd")
                    assert await made.receive() == b"cd"
            assert raw.fileno() == -1


@rule("UNIX-11", "UNIX-9")
async def test_taking_over_keeps_records() -> None:
    """A stream made of a SOCK_SEQPACKET socket keeps records apart."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with far:
        async with await UNIXSocketStream.from_socket(near) as stream:
            far.send(b"0123")
            with pytest.raises(accord.IncompleteRead):
                await stream.receive(2)


@rule("UNIX-11")
async def test_sockets_that_are_refused() -> None:
    """A socket of another kind stays open, blocking, and the caller's."""
    unconnected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    idle = socket.socket(socket.AF_UNIX)
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    first, second = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with unconnected, idle, near, far, first, second, socket.socket() as tcp:
        pairs: list[tuple[Any, socket.socket]] = [
            *((UNIXSocketStream, sock) for sock in (idle, near, unconnected, tcp)),
            *((accord.UNIXDatagramSocket, sock) for sock in (near, first, tcp)),
            *((accord.ConnectedUNIXDatagramSocket, sock) for sock in (unconnected, first, tcp)),
        ]
        for owner, sock in pairs:
            for argument in (sock, sock.fileno()):
                with pytest.raises(ValueError, match="sock_or_fd"):
                    await owner.from_socket(argument)
            assert await is_cancelled_by(partial(owner.from_socket, first))
            assert sock.gettimeout() is None
        for owner, _, _ in _families():
            with pytest.raises(TypeError):
                await owner.from_socket("5")


@rule("UNIX-12")
@kinds
@pytest.mark.parametrize("steps", range(6))
async def test_receive_fds_is_cancelled_after_the_arrival(kind: Any, steps: int) -> None:
    """However long after a message receive_fds() is cancelled, it returns it or the next one does; nothing leaks."""
    for _again in range(8):  # where the order of tasks is up to chance
        async with connected(kind) as (client, server):
            with pipes(1) as (_, writing):
                before = open_descriptors()
                async with accord.create_task_group() as group:
                    attempt = await blocked(group, partial(server.receive_fds, 10, 1))
                    socket.send_fds(client.extra(SocketAttribute.raw_socket), [b"x"], writing)
                    for _ in range(steps):
                        await checkpoint()
                    attempt.cancel()
                    await attempt.handle.wait()
                with accord.fail_after(PATIENCE):
                    data, fds = attempt.value if attempt.outcome == "returned" else await server.receive_fds(10, 1)
                assert (data, len(fds)) == (b"x", 1)
                _close(fds)
                assert open_descriptors() == before


@rule("UNIX-12")
@kinds
async def test_operations_in_a_cancelled_scope(kind: Any) -> None:
    """In a cancelled scope nothing is received or sent, though it could be at once."""
    async with connected(kind) as (client, server):
        with pipes(1) as (_, writing):
            await client.send_fds(b"there", writing)
            assert await is_cancelled_by(server.receive)
            assert await is_cancelled_by(partial(server.receive_fds, 10, 1))
            assert await is_cancelled_by(partial(client.send_fds, b"never", writing))
            assert await is_cancelled_by(partial(client.send, b"never"))
            data, fds = await server.receive_fds(10, 1)
            assert (data, len(fds)) == (b"there", 1)
            _close(fds)
            await client.send(b"x")
            assert await server.receive() == b"x"


@rule("UNIX-12")
@kinds
def test_classes(run: Callable[..., Any], kind: Any) -> None:
    """The operations are checkpoints of class CY."""

    async def main() -> None:
        async with connected(kind) as (client, server):
            with pipes(1) as (_, writing):
                await client.send(b"x")
                operations: list[Callable[[], Awaitable[object]]] = [
                    partial(server.receive_fds, 1, 1),
                    partial(client.send_fds, b"x", writing),
                    server.receive,
                    partial(client.send, b"x"),
                ]
                for operation in operations:
                    assert await checkpoint_class(operation, operation) == "CY", operation

    run(main, checkpoint_budget=1)


@rule("UNIX-12")
async def test_order_of_errors() -> None:
    """Busy comes before cancelled, cancelled before closed, and closed before broken."""
    async with connected() as (client, server):
        await client.aclose()
        with pytest.raises(accord.BrokenResourceError):
            await server.send_fds(b"x", [0])
        assert await is_cancelled_by(partial(server.send_fds, b"x", [0]))
        await server.aclose()
        with pytest.raises(accord.ClosedResourceError):
            await server.send_fds(b"x", [0])
        assert await is_cancelled_by(partial(server.receive_fds, 1, 1))
    async with connected() as (client, server), accord.create_task_group() as group:
        await blocked(group, partial(server.receive_fds, 1, 1))
        with in_cancelled_scope():
            with pytest.raises(accord.BusyResourceError):
                await server.receive_fds(1, 1)
        group.cancel()
