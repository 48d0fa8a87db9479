"""Datagrams over UDP: what arrives, how it fails, and who may do what at the same time."""

from __future__ import annotations

import errno
import gc
import socket
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Address
from typing import Any

import pytest

import accord
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import PATIENCE, assert_yields, checkpoint_class, is_cancelled_by, rule, settle
from accord_conformance.suite.udp.pairs import HOST, free_port, in_cancelled_scope, port_of, talking

LONGEST = 65507


def _receives(*socks: Any) -> list[Callable[[], Awaitable[Any]]]:
    return [sock.receive for sock in socks]


@rule("UDP-2")
@pytest.mark.parametrize("size", [0, 1, 1500, 60000, LONGEST])
async def test_sizes(size: int) -> None:
    """A datagram of any size arrives as one item of bytes, both ways."""
    data = bytes(range(256)) * (size // 256 + 1)
    data = data[:size]
    async with talking() as (server, client):
        await client.send(data)
        with accord.fail_after(PATIENCE):
            received, address = await server.receive()
        assert (type(received), received) == (bytes, data)
        await server.send((data, address))
        with accord.fail_after(PATIENCE):
            answer = await client.receive()
        assert (type(answer), answer) == (bytes, data)


@rule("UDP-2")
async def test_boundaries() -> None:
    """Datagrams are not put together or taken apart; iteration goes on after an empty one."""
    items = [b"one", b"", b"three", b"four"]
    async with talking() as (server, client):
        for item in items:
            await client.send(item)
        received: list[bytes] = []
        with accord.fail_after(PATIENCE):
            async for data, _ in server:
                received.append(data)
                if len(received) == len(items):
                    break
        assert received == items


@rule("UDP-2")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_kinds_of_data(kind: Any) -> None:
    """Data may be bytes, a bytearray or a memoryview, and is not kept."""
    buffer = bytearray(b"data")
    async with talking() as (server, client):
        item = kind(buffer)
        await client.send(item)
        await server.sendto(item, HOST, port_of(client))
        if kind is not bytes:
            buffer[:] = b"xxxx"
        del item
        buffer.clear()
        assert (await server.receive())[0] == b"data"
        assert await client.receive() == b"data"


@rule("UDP-2", "CKPT-6")
@pytest.mark.parametrize("data", ["text", None, 5, ["x"]])
async def test_wrong_data(data: Any) -> None:
    """Other data is a TypeError, before anything else."""
    async with talking() as (server, client):
        await client.aclose()
        with in_cancelled_scope():
            for send in (
                partial(client.send, data),
                partial(server.sendto, data, HOST, 9),
                partial(server.send, (data, (HOST, 9))),
            ):
                with pytest.raises(TypeError, match="must be bytes"):
                    await send()


@rule("UDP-3")
async def test_many_datagrams_before_the_first_receive() -> None:
    """All datagrams for which the system has room are received, in order, also if nobody received for a while."""
    async with talking() as (server, client):
        for number in range(150):
            await client.send(b"%d" % number)
        await accord.sleep(0.01)
        with accord.fail_after(PATIENCE):
            received = [(await server.receive())[0] for _ in range(150)]
        assert received == [b"%d" % number for number in range(150)]


@rule("UDP-3")
async def test_nothing_is_read_ahead() -> None:
    """A datagram that nobody receives stays with the system, also after others were received."""
    async with talking() as (server, client):
        for item in (b"one", b"two", b"three"):
            await client.send(item)
        assert (await server.receive())[0] == b"one"
        await settle()
        await accord.sleep(0.01)
        assert server.extra(SocketAttribute.raw_socket).recv(100) == b"two"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((HOST, 0))
            peer.setblocking(False)
            await server.sendto(b"now", *peer.getsockname())
            assert peer.recv(100) == b"now"


@rule("UDP-4", "ERR-3")
async def test_nobody_has_the_port() -> None:
    """That the peer has no such port is raised by a receive() that waits, once; when it has one all is well."""
    async with await accord.create_connected_udp_socket(HOST, free_port(), local_host=HOST) as client:
        port = client.extra(SocketAttribute.remote_port)
        async with accord.create_task_group() as group:
            attempt = await blocked(group, client.receive)
            await client.send(b"x")
            with accord.fail_after(PATIENCE):
                await attempt.handle.wait()
        assert type(attempt.error) is accord.BrokenResourceError
        assert isinstance(attempt.error.__cause__, OSError)
        assert attempt.error.__cause__.errno == errno.ECONNREFUSED
        assert str(attempt.error.__cause__.strerror) in str(attempt.error)
        async with await accord.create_udp_socket(local_host=HOST, local_port=port) as server:
            await client.send(b"again")
            data, address = await server.receive()
            await server.send((b"answer", address))
            assert (data, await client.receive()) == (b"again", b"answer")


@rule("UDP-4")
async def test_nobody_has_the_port_when_sending() -> None:
    """That an earlier datagram was not delivered is raised by the next operation, which may be a send()."""
    async with await accord.create_connected_udp_socket(HOST, free_port(), local_host=HOST) as client:
        for _ in range(2):
            await client.send(b"x")
            await accord.sleep(0.01)
            with pytest.raises(accord.BrokenResourceError) as caught:
                await client.send(b"y")
            assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        await client.send(b"x")
        await accord.sleep(0.01)
        with pytest.raises(accord.BrokenResourceError):
            await client.receive()


@rule("UDP-5")
async def test_too_long() -> None:
    """Data that is too long is a ValueError from the system's error, and nothing is sent; the socket is usable."""
    async with talking() as (server, client):
        data = bytes(LONGEST + 1)
        for send in (
            partial(client.send, data),
            partial(server.sendto, data, HOST, port_of(client)),
            partial(server.send, (data, (HOST, port_of(client)))),
        ):
            with pytest.raises(ValueError, match="long") as caught:
                await send()
            assert isinstance(caught.value.__cause__, OSError)
            assert caught.value.__cause__.errno == errno.EMSGSIZE
        await client.send(b"x")
        data, address = await server.receive()
        assert data == b"x"
        await server.send((b"y", address))
        assert await client.receive() == b"y"


@rule("UDP-6")
async def test_addresses() -> None:
    """A datagram is sent to a numeric address, text or object, and comes with the pair of host and port."""
    async with talking() as (server, client):
        port = port_of(client)
        await server.sendto(b"a", HOST, port)
        await server.sendto(b"b", IPv4Address(HOST), port)
        await server.send((b"c", (HOST, port)))
        assert [await client.receive() for _ in range(3)] == [b"a", b"b", b"c"]
        await client.send(b"d")
        assert await server.receive() == (b"d", (HOST, port))


@rule("UDP-6", "CKPT-6")
@pytest.mark.parametrize(
    ("host", "port", "error"),
    [
        ("localhost", 9, ValueError),
        ("::1", 9, ValueError),
        ("fe80::1%none", 9, ValueError),
        ("", 9, ValueError),
        (HOST, 0, ValueError),
        (HOST, 65536, ValueError),
        (HOST, -1, ValueError),
        (HOST, "9", TypeError),
        (HOST, None, TypeError),
        (HOST.encode(), 9, TypeError),
        (None, 9, TypeError),
    ],
)
async def test_wrong_addresses(host: Any, port: Any, error: type[Exception]) -> None:
    """Names, addresses of the other family and impossible ports are refused, before anything else."""
    async with await accord.create_udp_socket(local_host=HOST) as sock:
        await sock.aclose()
        with in_cancelled_scope():
            with pytest.raises(error):
                await sock.sendto(b"x", host, port)
            with pytest.raises(error):
                await sock.send((b"x", (host, port)))


@rule("UDP-6", "CKPT-6")
@pytest.mark.parametrize("item", [b"x", (b"x",), (b"x", HOST), (b"x", (HOST,)), (b"x", [HOST, 9]), [b"x", (HOST, 9)]])
async def test_wrong_items(item: Any) -> None:
    """What isn't a pair of data and a pair of host and port is a TypeError."""
    async with await accord.create_udp_socket(local_host=HOST) as sock:
        with pytest.raises(TypeError):
            await sock.send(item)


@rule("UDP-7")
async def test_one_receiver() -> None:
    """A second receiver gets BusyResourceError and the first is not disturbed; one may send meanwhile."""
    async with talking() as (server, client), accord.create_task_group() as group:
        waiting = [await blocked(group, operation) for operation in _receives(server, client)]
        for receive in (server.receive, client.receive):
            with pytest.raises(accord.BusyResourceError, match="receiving"):
                await receive()
        await client.send(b"x")
        await server.sendto(b"y", HOST, port_of(client))
        with accord.fail_after(PATIENCE):
            for attempt in waiting:
                await attempt.handle.wait()
        assert waiting[0].value == (b"x", (HOST, port_of(client)))
        assert waiting[1].value == b"y"


@rule("UDP-8")
async def test_operations_on_a_closed_socket() -> None:
    """After aclose(), of which more do nothing, each operation is refused, also if datagrams had arrived."""
    async with talking() as (server, client):
        await client.send(b"x")
        await server.sendto(b"x", HOST, port_of(client))
        await accord.sleep(0.01)
        for sock in (server, client):
            await sock.aclose()
            await sock.aclose()
        operations: list[Callable[[], Awaitable[object]]] = [
            server.receive,
            server.__anext__,
            partial(server.sendto, b"", HOST, 9),
            partial(server.send, (b"", (HOST, 9))),
            client.receive,
            client.__anext__,
            partial(client.send, b""),
        ]
        for operation in operations:
            with pytest.raises(accord.ClosedResourceError):
                await operation()
        for sock in (server, client):
            with pytest.raises(accord.ClosedResourceError):
                sock.extra(SocketAttribute.local_port)


@rule("UDP-8")
async def test_closing() -> None:
    """aclose() releases the descriptor even if it is cancelled, and wakes the task that receives."""
    async with talking() as (server, client):
        sockets = [sock.extra(SocketAttribute.raw_socket) for sock in (server, client)]
        async with accord.create_task_group() as group:
            attempts = [await blocked(group, operation) for operation in _receives(server, client)]
            for sock in (server, client):
                assert await is_cancelled_by(sock.aclose)
            assert [sock.fileno() for sock in sockets] == [-1, -1]
        assert [type(attempt.error) for attempt in attempts] == [accord.ClosedResourceError] * 2


@rule("UDP-8")
async def test_warning_for_a_socket_that_was_not_closed() -> None:
    """Sockets that are freed unclosed give a ResourceWarning; closed ones give none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with talking():
            pass
        gc.collect()
        assert caught == []
        server = await accord.create_udp_socket(local_host=HOST)
        client = await accord.create_connected_udp_socket(HOST, port_of(server))
        del server
        gc.collect()
        assert len([warning for warning in caught if warning.category is ResourceWarning]) == 1
        del client
        gc.collect()
        assert len([warning for warning in caught if warning.category is ResourceWarning]) == 2


@rule("UDP-9")
@pytest.mark.parametrize("gap", GAPS[:2])
async def test_receive_is_cancelled_before_the_arrival(gap: str) -> None:
    """A receive() that is cancelled just before a datagram comes leaves it to the next one."""
    async with talking() as (server, client):
        raw = client.extra(SocketAttribute.raw_socket)
        async with accord.create_task_group() as group:
            assert not await race(gap, await blocked(group, server.receive), partial(raw.send, b"x"))
        with accord.fail_after(PATIENCE):
            assert await server.receive() == (b"x", (HOST, port_of(client)))


@rule("UDP-9")
@pytest.mark.parametrize("steps", range(6))
async def test_receive_is_cancelled_after_the_arrival(steps: int) -> None:
    """However long after a datagram receive() is cancelled, it returns it or the next one does."""
    async with talking() as (server, client):
        for _again in range(8):  # where the order of tasks is up to chance
            async with accord.create_task_group() as group:
                attempt = await blocked(group, server.receive)
                client.extra(SocketAttribute.raw_socket).send(b"x")
                for _ in range(steps):
                    await checkpoint()
                attempt.cancel()
                await attempt.handle.wait()
            with accord.fail_after(PATIENCE):
                assert (attempt.value if attempt.outcome == "returned" else await server.receive())[0] == b"x"


@rule("UDP-9")
async def test_operations_in_a_cancelled_scope() -> None:
    """In a cancelled scope nothing is received or sent, though it could be at once."""
    async with talking() as (server, client):
        await client.send(b"there")
        await server.sendto(b"there", HOST, port_of(client))
        await accord.sleep(0.01)
        for operation in (
            server.receive,
            client.receive,
            partial(server.sendto, b"never", HOST, port_of(client)),
            partial(server.send, (b"never", (HOST, port_of(client)))),
            partial(client.send, b"never"),
        ):
            assert await is_cancelled_by(operation)
        await client.send(b"last")
        await server.sendto(b"last", HOST, port_of(client))
        for expected in (b"there", b"last"):
            assert (await server.receive())[0] == expected
            assert await client.receive() == expected


@rule("UDP-9")
def test_classes(run: Callable[..., Any]) -> None:
    """Each operation is a checkpoint of class CY."""

    async def create() -> None:
        await (await accord.create_udp_socket(local_host=HOST)).aclose()

    async def connect() -> None:
        await (await accord.create_connected_udp_socket(HOST, 9)).aclose()

    async def main() -> None:
        async with talking() as (server, client):
            for _ in range(2):
                await client.send(b"x")
                await server.sendto(b"x", HOST, port_of(client))
            await accord.sleep(0.01)
            for operation in (
                create,
                connect,
                server.receive,
                client.receive,
                partial(server.sendto, b"x", HOST, port_of(client)),
                partial(server.send, (b"x", (HOST, port_of(client)))),
                partial(client.send, b"x"),
            ):
                assert await checkpoint_class(operation, operation) == "CY", operation

    run(main, checkpoint_budget=1)


@rule("UDP-9", "UDP-8")
def test_making_and_closing_are_checkpoints(run: Callable[..., Any]) -> None:
    """To make a socket is a checkpoint by itself, and so is to close it; a socket is not made in a cancelled scope."""
    made: list[Any] = []

    async def make(operation: Callable[[], Awaitable[object]]) -> None:
        made.append(await operation())

    async def main() -> None:
        for operation in (
            partial(accord.create_udp_socket, local_host=HOST),
            partial(accord.create_connected_udp_socket, HOST, 9),
        ):
            assert await is_cancelled_by(partial(make, operation))
            await assert_yields(partial(make, operation))
        assert len(made) == 2
        for sock in made:
            await assert_yields(sock.aclose)
            assert await is_cancelled_by(sock.aclose)

    run(main, checkpoint_budget=1)


@rule("UDP-9")
async def test_order_of_errors() -> None:
    """Busy comes before cancelled, and cancelled before closed."""
    async with talking() as (server, client):
        async with accord.create_task_group() as group:
            await blocked(group, server.receive)
            with in_cancelled_scope():
                with pytest.raises(accord.BusyResourceError):
                    await server.receive()
            group.cancel()
        await server.aclose()
        await client.aclose()
        for operation in (
            server.receive,
            client.receive,
            partial(client.send, b""),
            partial(server.sendto, b"", HOST, 9),
        ):
            assert await is_cancelled_by(operation)
