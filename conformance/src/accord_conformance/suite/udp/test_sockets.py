"""Making UDP sockets: binding, connecting, taking over, and what is left when that fails."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import ConnectedUDPSocket, UDPSocket
from accord.abc import SocketAttribute
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, open_descriptors, rule, untestable
from accord_conformance.suite.udp.pairs import HOST, port_of, talking


@rule("UDP-1")
async def test_exchange() -> None:
    """An open socket answers whoever sends to it, and both know their addresses."""
    async with talking() as (server, client):
        await client.send(b"question")
        data, (host, port) = await server.receive()
        await server.sendto(data[::-1], host, port)
        assert await client.receive() == b"noitseuq"
        assert server.extra(SocketAttribute.family) == socket.AF_INET
        assert server.extra(SocketAttribute.local_address) == (HOST, port_of(server))
        assert client.extra(SocketAttribute.remote_address) == (HOST, port_of(server))
        assert server.extra(SocketAttribute.remote_address, None) is None


@rule("UDP-1")
async def test_family_or_host_is_needed() -> None:
    """Without a family and a local host it isn't known what socket to make."""
    with pytest.raises(ValueError, match="family or local_host"):
        await accord.create_udp_socket(local_port=5000)


@rule("UDP-1")
async def test_port_without_host() -> None:
    """Without a local host the socket is bound on all interfaces, to the port that was asked for."""
    async with await accord.create_udp_socket(family=socket.AF_INET) as first:
        port = port_of(first)
        assert first.extra(SocketAttribute.local_address) == (str(socket.inet_ntoa(bytes(4))), port)
    async with (
        await accord.create_udp_socket(family=socket.AF_INET, local_port=port) as server,
        await accord.create_connected_udp_socket(HOST, port) as client,
    ):
        await client.send(b"x")
        with accord.fail_after(PATIENCE):
            assert (await server.receive())[0] == b"x"


@rule("UDP-1", "UDP-6")
async def test_sockets_of_both_families() -> None:
    """A socket of family AF_INET6 leaves the port free for IPv4, and talks with pairs of host and port."""
    try:
        six = await accord.create_udp_socket(family=socket.AF_INET6)
    except OSError:
        untestable("this system has no IPv6")
    async with six:
        port = port_of(six)
        async with await accord.create_udp_socket(family=socket.AF_INET, local_port=port) as four:
            await four.sendto(b"four", HOST, port)
            assert await four.receive() == (b"four", (HOST, port))
            try:
                await six.sendto(b"six", "::1", port)
            except accord.BrokenResourceError:
                untestable("this system has no IPv6")
            assert await six.receive() == (b"six", ("::1", port))
            with pytest.raises(ValueError, match="IPv6"):
                await six.sendto(b"x", HOST, port)


@rule("UDP-1")
@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"family": socket.AF_UNIX}, ValueError),
        ({"family": "inet"}, TypeError),
        ({"local_host": 5}, TypeError),
        ({"local_host": HOST, "local_port": -1}, ValueError),
        ({"local_host": HOST, "local_port": 65536}, ValueError),
        ({"local_host": HOST, "local_port": "5000"}, TypeError),
    ],
)
async def test_wrong_arguments(keywords: dict[str, Any], error: type[Exception]) -> None:
    """Wrong families, hosts and ports are refused, by both functions."""
    with pytest.raises(error):
        await accord.create_udp_socket(**keywords)
    with pytest.raises(error):
        await accord.create_connected_udp_socket(HOST, 9, **keywords)


@rule("UDP-10")
async def test_only_the_peer_is_heard() -> None:
    """A connected socket does not receive what others send to it."""
    async with talking() as (server, client), await accord.create_udp_socket(local_host=HOST) as stranger:
        await stranger.sendto(b"stranger", HOST, port_of(client))
        await server.sendto(b"peer", HOST, port_of(client))
        with accord.fail_after(PATIENCE):
            assert await client.receive() == b"peer"


@rule("UDP-10", "ERR-2")
@pytest.mark.parametrize("create", ["open", "connected"])
async def test_port_that_is_taken(create: str) -> None:
    """An address that can't be bound is an OSError that names it, and leaves no socket behind."""
    async with await accord.create_udp_socket(local_host=HOST) as sock:
        port = port_of(sock)
        before = open_descriptors()
        for _ in range(3):
            with pytest.raises(OSError, match=f"{HOST}.*{port}") as caught:
                if create == "open":
                    await accord.create_udp_socket(local_host=HOST, local_port=port)
                else:
                    await accord.create_connected_udp_socket(HOST, 9, local_host=HOST, local_port=port)
            assert caught.value.errno == errno.EADDRINUSE
            del caught
        assert open_descriptors() == before


@rule("UDP-10", "ERR-2")
async def test_no_way_to_the_peer() -> None:
    """An address to which there is no way is a ConnectionFailed that names it, and leaves no socket behind."""
    before = open_descriptors()
    for _ in range(3):
        with pytest.raises(accord.ConnectionFailed) as caught:
            # Nobody may send to everybody without having asked to.
            await accord.create_connected_udp_socket("255.255.255.255", 9)
        error = caught.value
        assert isinstance(error.__cause__, OSError)
        assert error.errno == error.__cause__.errno
        assert (error.host, error.port) == ("255.255.255.255", 9)
        assert "255.255.255.255:9" in str(error)
    assert open_descriptors() == before


@rule("UDP-10")
async def test_addresses_of_different_families() -> None:
    """A local address of another family than the remote one is a ConnectionFailed, and leaves no socket behind."""
    before = open_descriptors()
    with pytest.raises(accord.ConnectionFailed):
        await accord.create_connected_udp_socket(HOST, 9, local_host="::1")
    assert open_descriptors() == before


@rule("UDP-10")
async def test_local_end_of_a_connected_socket() -> None:
    """A connected socket has the local address and port that were asked for, the port also without an address."""
    async with talking() as (server, client):
        port = port_of(client)
        await client.aclose()
        for keywords in ({"local_host": HOST, "local_port": port}, {"local_port": port}):
            options: Any = keywords
            async with await accord.create_connected_udp_socket(HOST, port_of(server), **options) as again:
                assert again.extra(SocketAttribute.local_address) == (HOST, port)


@rule("UDP-10")
@pytest.mark.parametrize("port", [0, -1, 65536])
async def test_wrong_remote_ports(port: int) -> None:
    """Datagrams can't be sent to port 0, or beyond the last one."""
    with pytest.raises(ValueError, match="remote_port"):
        await accord.create_connected_udp_socket(HOST, port)


@rule("UDP-10")
async def test_sharing_a_port() -> None:
    """With reuse_port several sockets can be bound to one port."""
    if not hasattr(socket, "SO_REUSEPORT"):
        untestable("this system has no such option")
    async with await accord.create_udp_socket(local_host=HOST, reuse_port=True) as first:
        port = port_of(first)
        async with (
            await accord.create_udp_socket(local_host=HOST, local_port=port, reuse_port=True) as second,
            await accord.create_connected_udp_socket(
                HOST, 9, local_host=HOST, local_port=port, reuse_port=True
            ) as third,
        ):
            assert port_of(second) == port_of(third) == port


def _bound() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock


@rule("UDP-11")
@pytest.mark.parametrize("by_number", [False, True])
async def test_taking_over(by_number: bool) -> None:
    """A socket, or its descriptor, is taken over, made non-blocking, and closed with what was made of it."""
    sock = _bound()
    address = sock.getsockname()
    async with await UDPSocket.from_socket(sock.detach() if by_number else sock) as server:
        assert server.extra(SocketAttribute.local_address) == address
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(address)
        async with await ConnectedUDPSocket.from_socket(client.detach() if by_number else client) as connected:
            raw = connected.extra(SocketAttribute.raw_socket)
            with accord.move_on_after(0.01) as scope:
                await connected.receive()
            assert scope.cancelled_caught
            await connected.send(b"x")
            data, source = await server.receive()
            await server.send((data, source))
            assert await connected.receive() == b"x"
        assert raw.fileno() == -1


@rule("UDP-11")
async def test_sockets_that_are_refused() -> None:
    """A socket of another kind stays open, blocking, and the caller's."""
    with (
        _bound() as bound,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connected,
        socket.socket() as stream,
        socket.socket() as closed,
    ):
        closed.close()
        connected.connect(bound.getsockname())
        pairs: list[tuple[Callable[[Any], Awaitable[object]], socket.socket]] = [
            (UDPSocket.from_socket, connected),
            (UDPSocket.from_socket, stream),
            (UDPSocket.from_socket, closed),
            (ConnectedUDPSocket.from_socket, bound),
            (ConnectedUDPSocket.from_socket, stream),
            (ConnectedUDPSocket.from_socket, closed),
        ]
        if hasattr(socket, "AF_UNIX"):
            near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            pairs.append((ConnectedUDPSocket.from_socket, near))
        else:
            near, far = socket.socketpair()
        with near, far:
            for take, sock in pairs:
                with pytest.raises(ValueError, match="sock_or_fd"):
                    await take(sock)
                if sock is not closed:
                    with pytest.raises(ValueError, match="sock_or_fd"):
                        await take(sock.fileno())
                    assert sock.fileno() >= 0
                    assert sock.gettimeout() is None
        wrong: Any
        for wrong in (-1, 10**6):
            with pytest.raises(ValueError, match="sock_or_fd"):
                await UDPSocket.from_socket(wrong)
        for wrong in ("5", None, True, 1.0):
            with pytest.raises(TypeError):
                await UDPSocket.from_socket(wrong)


@rule("UDP-11")
def test_class_of_taking_over(run: Callable[..., Any]) -> None:
    """from_socket() is a checkpoint of class CY; cancelled it takes nothing."""

    async def main() -> None:
        with _bound() as sock:
            assert await is_cancelled_by(partial(UDPSocket.from_socket, sock))
            assert sock.fileno() >= 0
            assert sock.gettimeout() is None
            made: list[UDPSocket] = []

            async def take() -> None:
                made.append(await UDPSocket.from_socket(sock))

            assert await checkpoint_class(take, take) == "CY"
            await made[0].aclose()

    run(main, checkpoint_budget=1)
