"""TCP by several addresses: Happy Eyeballs, local ends, listeners of both families, sockets of the caller."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import pytest

import accord
from accord import SocketListener, SocketStream
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.helpers import PATIENCE, is_cancelled_by, open_descriptors, rule, settle, untestable
from accord_conformance.suite.networking.pairs import HOST, listen

NAME = "several.test"
HOST6 = "::1"
Families = list[tuple[int, str]]


@contextmanager
def _resolving(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> Generator[None, None, None]:
    """Let the resolver know one name with these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *args: Any, **keywords: Any) -> Any:
        if host not in (NAME, NAME.encode()):
            return real(host, port, *args, **keywords)
        return [real(address, port, type=socket.SOCK_STREAM)[0] for address in hosts]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def _bind(host: str, port: int = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        untestable(f"this machine does not have the address {host}")
    return sock


@asynccontextmanager
async def _hanging(host: str) -> AsyncGenerator[int, None]:
    """A port at which connecting takes for ever: the system takes a few connections, and lets the others wait."""
    with _bind(host) as server:
        server.listen(0)
        port: int = server.getsockname()[1]
        clients: list[socket.socket] = []
        try:
            for _ in range(20):
                client = socket.socket(server.family)
                clients.append(client)
                client.settimeout(0.1)
                if client.connect_ex(server.getsockname()):
                    break
            else:
                untestable("this system makes every connection at once")
            yield port
        finally:
            for client in clients:
                client.close()


@rule("NET-16", "NET-11")
async def test_families_alternate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses are tried in turns of families, beginning with the first; each attempt is in the error."""
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", HOST6]
    with _bind(HOST) as sock, _resolving(monkeypatch, *hosts):
        port: int = sock.getsockname()[1]
        with accord.fail_after(PATIENCE), pytest.raises(accord.ConnectionFailed) as caught:
            await accord.connect_tcp(NAME, port, happy_eyeballs_delay=PATIENCE)
    error = caught.value
    assert [attempt.address for attempt in error.attempts] == [
        (host, port) for host in ("127.0.0.1", HOST6, "127.0.0.2", "127.0.0.3")
    ]
    assert all(isinstance(attempt.error, OSError) and attempt.seconds >= 0 for attempt in error.attempts)
    assert error.errno == error.attempts[-1].error.errno == errno.ECONNREFUSED
    assert (error.host, error.port) == (NAME, port)
    assert NAME in str(error)
    assert "4 addresses" in str(error)
    cause: Any = error.__cause__
    assert type(cause) is ExceptionGroup
    assert list(cause.exceptions) == [attempt.error for attempt in error.attempts]


@rule("NET-16")
async def test_a_failure_starts_the_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """If one address refuses, the next is tried without waiting for the delay."""
    listener, port = await listen()
    with _resolving(monkeypatch, "127.0.0.2", HOST):
        async with listener:
            with accord.fail_after(PATIENCE):
                client = await accord.connect_tcp(NAME, port, happy_eyeballs_delay=10 * PATIENCE)
            async with client:
                assert client.extra(SocketAttribute.remote_address) == (HOST, port)


@rule("NET-16")
async def test_slow_address_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the delay the next address is tried; its connection is returned and the slow attempt leaves nothing."""
    async with _hanging("127.0.0.2") as port:
        with _bind(HOST, port) as server, _resolving(monkeypatch, "127.0.0.2", HOST):
            server.listen()
            before = open_descriptors()
            start = accord.current_time()
            with accord.fail_after(PATIENCE):
                client = await accord.connect_tcp(NAME, port, happy_eyeballs_delay=0.1)
            async with client:
                assert client.extra(SocketAttribute.remote_address) == (HOST, port)
                assert accord.current_time() - start >= 0.09
                assert open_descriptors() == before + 1
            assert open_descriptors() == before


@rule("NET-16", "NET-13")
@pytest.mark.parametrize("steps", range(0, 24, 3))
async def test_cancelled_among_several_attempts(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """However far the attempts have got when they are cancelled, no socket is left behind."""
    async with _hanging("127.0.0.2") as port:
        with _bind(HOST, port) as server, _resolving(monkeypatch, "127.0.0.2", HOST, "127.0.0.2"):
            server.listen()
            before = open_descriptors()
            made: list[SocketStream] = []

            async def connect() -> None:
                made.append(await accord.connect_tcp(NAME, port, happy_eyeballs_delay=0))

            async with accord.create_task_group() as group:
                group.start_soon(connect)
                for _ in range(steps):
                    await checkpoint()
                group.cancel()
            for stream in made:
                await stream.aclose()
            await settle()
            assert open_descriptors() == before


@rule("NET-16")
@pytest.mark.parametrize(("delay", "error"), [(-1, ValueError), (float("nan"), ValueError), ("1", TypeError)])
async def test_delay_is_checked(delay: Any, error: type[Exception]) -> None:
    """The delay is a number of seconds that is not negative."""
    with pytest.raises(error, match="happy_eyeballs_delay"):
        await accord.connect_tcp(HOST, 1, happy_eyeballs_delay=delay)


@rule("NET-11")
async def test_name_that_can_not_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the resolver says about a name passes as it is."""
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    def getaddrinfo(*_args: Any, **_keywords: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        with pytest.raises(socket.gaierror) as caught:
            await accord.connect_tcp(NAME, 80)
    assert caught.value is error


@rule("NET-17")
async def test_local_end() -> None:
    """A connection is made from the address and the port that were asked for."""
    with _bind("127.0.0.2") as sock:
        free: int = sock.getsockname()[1]
    listener, port = await listen()
    async with listener:
        async with await accord.connect_tcp(HOST, port, local_host="127.0.0.2", local_port=free) as client:
            assert client.extra(SocketAttribute.local_address) == ("127.0.0.2", free)
        async with await accord.connect_tcp(HOST, port, local_host="127.0.0.2") as client:
            assert client.extra(SocketAttribute.local_address)[0] == "127.0.0.2"


@rule("NET-17")
async def test_local_port_without_host() -> None:
    """local_port alone is kept, too."""
    with _bind(HOST) as sock:
        free: int = sock.getsockname()[1]
    listener, port = await listen()
    async with listener, await accord.connect_tcp(HOST, port, local_port=free) as client:
        assert client.extra(SocketAttribute.local_port) == free


@rule("NET-17", "NET-13")
async def test_local_port_that_is_taken() -> None:
    """A local end that can't be had is one ConnectionFailed that says so, and leaves no socket."""
    listener, port = await listen()
    async with listener:
        with _bind(HOST) as taken:
            before = open_descriptors()
            with pytest.raises(accord.ConnectionFailed) as caught:
                await accord.connect_tcp(HOST, port, local_host=HOST, local_port=taken.getsockname()[1])
            assert open_descriptors() == before
    assert caught.value.errno == errno.EADDRINUSE
    assert "bind" in str(caught.value.attempts[0].error)


@rule("NET-17")
async def test_local_address_of_another_family(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only remote addresses of the local address's family are connected to; if there are none, that is the error."""
    with _bind(HOST6):
        pass
    listener, port = await listen()
    async with listener:
        with _resolving(monkeypatch, HOST6, HOST):
            async with await accord.connect_tcp(NAME, port, local_host=HOST) as client:
                assert client.extra(SocketAttribute.family) == socket.AF_INET
        with pytest.raises(accord.ConnectionFailed) as caught:
            await accord.connect_tcp(HOST, port, local_host=HOST6)
    assert caught.value.errno == errno.EADDRNOTAVAIL


@rule("NET-19")
async def test_listening_on_all_interfaces() -> None:
    """Without a host both families are served at one port, and clients have addresses of their family."""
    with _bind(HOST6):
        pass
    listener = await accord.create_tcp_listener()
    seen: list[object] = []

    async def note(stream: SocketStream) -> None:
        async with stream:
            seen.append(stream.extra(SocketAttribute.remote_address)[0])

    async with listener, accord.create_task_group() as group:
        listeners: Any = listener.listeners
        ports = {one.extra(SocketAttribute.local_port) for one in listeners}
        assert ports == {listener.extra(SocketAttribute.local_port)}
        group.start_soon(listener.serve, note)
        for host in (HOST, HOST6):
            async with await accord.connect_tcp(host, *ports) as client:
                with pytest.raises(accord.EndOfStream):
                    await client.receive()
        group.cancel()
    assert seen == [HOST, HOST6]


@rule("NET-19")
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, HOST), (socket.AF_INET6, HOST6)])
async def test_listening_by_one_family(family: socket.AddressFamily, host: str) -> None:
    """With a family only addresses of that family are listened on."""
    with _bind(HOST6):
        pass
    async with await accord.create_tcp_listener(family=family) as listener:
        assert type(listener) is type(await _closed_listener())
        port = listener.extra(SocketAttribute.local_port)
        assert listener.extra(SocketAttribute.family) == family
        async with await accord.connect_tcp(host, port):
            pass
        with pytest.raises(accord.ConnectionFailed):
            await accord.connect_tcp(HOST if host == HOST6 else HOST6, port)


async def _closed_listener() -> object:
    listener = await accord.create_tcp_listener(local_host=HOST)
    await listener.aclose()
    return listener


@rule("NET-19")
async def test_chosen_port_is_free_for_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the port that the system chose for one address is taken for another, it chooses again."""
    taken: list[socket.socket] = []
    real = socket.socket.bind

    def bind(sock: socket.socket, address: Any) -> None:
        real(sock, address)
        if address[:2] == (HOST, 0) and len(taken) < 3:
            taken.append(_bind("127.0.0.2", sock.getsockname()[1]))

    try:
        with _resolving(monkeypatch, HOST, "127.0.0.2"), monkeypatch.context() as patch:
            patch.setattr(socket.socket, "bind", bind)
            async with await accord.create_tcp_listener(local_host=NAME) as listener:
                assert len(taken) == 3
                assert len(listener.listeners) == 2
                port = listener.extra(SocketAttribute.local_port)
                assert port not in [sock.getsockname()[1] for sock in taken]
                for host in (HOST, "127.0.0.2"):
                    await (await accord.connect_tcp(host, port)).aclose()
    finally:
        for sock in taken:
            sock.close()


@rule("NET-19", "NET-11")
async def test_listening_on_a_port_that_is_taken() -> None:
    """A port that cannot be bound is an OSError with host and port, which leaves nothing open."""
    listener, port = await listen()
    async with listener:
        before = open_descriptors()
        with pytest.raises(OSError) as caught:
            await accord.create_tcp_listener(local_host=HOST, local_port=port)
        assert open_descriptors() == before
    assert caught.value.errno == errno.EADDRINUSE
    assert HOST in str(caught.value)
    assert str(port) in str(caught.value)


@rule("NET-19")
async def test_port_shared_by_listeners() -> None:
    """With reuse_port a second listener may have the same port."""
    if not hasattr(socket, "SO_REUSEPORT"):
        untestable("this system has no SO_REUSEPORT")
    listen_on = partial(accord.create_tcp_listener, local_host=HOST, reuse_port=True)
    async with await listen_on() as first:
        port = first.extra(SocketAttribute.local_port)
        async with await listen_on(local_port=port) as second:
            assert second.extra(SocketAttribute.local_port) == port


@rule("NET-19")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"backlog": -1}, ValueError),
        ({"backlog": "1"}, TypeError),
        ({"family": socket.AF_UNIX if hasattr(socket, "AF_UNIX") else 1}, ValueError),
        ({"local_host": 1}, TypeError),
        ({"local_host": ""}, ValueError),
    ],
)
async def test_arguments_of_a_listener(arguments: dict[str, Any], error: type[Exception]) -> None:
    """Wrong arguments are refused by their names."""
    with pytest.raises(error, match=next(iter(arguments))):
        await accord.create_tcp_listener(**arguments)


def _listening() -> socket.socket:
    sock = socket.create_server((HOST, 0))
    sock.setblocking(True)
    return sock


@rule("NET-20")
@pytest.mark.parametrize("by_number", [False, True])
async def test_sockets_of_the_caller(by_number: bool) -> None:
    """A connected socket and a listening one, given as such or by descriptor, become streams and listeners."""

    def give(sock: socket.socket) -> socket.socket | int:
        return sock.detach() if by_number else sock

    server = _listening()
    address = server.getsockname()
    async with await SocketListener.from_socket(give(server)) as listener:
        peer = socket.create_connection(address)
        async with await listener.accept() as accepted, await SocketStream.from_socket(give(peer)) as stream:
            raw = stream.extra(SocketAttribute.raw_socket)
            assert raw.gettimeout() == 0
            await stream.send(b"x")
            assert await accepted.receive() == b"x"
    assert raw.fileno() == -1


def _datagrams() -> socket.socket:
    return socket.socket(type=socket.SOCK_DGRAM)


def _closed() -> socket.socket:
    sock = socket.socket()
    sock.close()
    return sock


@rule("NET-20")
@pytest.mark.parametrize("owner", [SocketStream, SocketListener])
@pytest.mark.parametrize(
    ("make", "error"),
    [(_datagrams, ValueError), (socket.socket, ValueError), (_closed, ValueError), (lambda: "1", TypeError)],
)
async def test_what_is_no_socket_for_it(owner: Any, make: Callable[[], Any], error: type[Exception]) -> None:
    """The wrong kind of socket is refused and stays the caller's, open and blocking as before."""
    given = make()
    with pytest.raises(error):
        await owner.from_socket(given)
    if make in (_datagrams, socket.socket):
        with given:
            assert given.fileno() >= 0
            assert given.gettimeout() is None
            number = given.fileno()
            with pytest.raises(error):
                await owner.from_socket(number)
            assert given.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)
    for wrong, kind in ((-1, ValueError), (None, TypeError), (True, TypeError)):
        with pytest.raises(kind, match="sock_or_fd"):
            await owner.from_socket(wrong)


@rule("NET-20")
async def test_taking_a_socket_is_a_checkpoint() -> None:
    """A cancelled from_socket() takes nothing."""
    with _listening() as server:
        assert await is_cancelled_by(partial(SocketListener.from_socket, server))
        assert server.gettimeout() is None
        async with await SocketListener.from_socket(server) as listener:
            assert listener.extra(SocketAttribute.raw_socket) is server


@rule("NET-25")
@pytest.mark.parametrize(("host", "family"), [(HOST, socket.AF_INET), (HOST6, socket.AF_INET6)])
async def test_attributes(host: str, family: socket.AddressFamily) -> None:
    """Addresses are pairs in both families."""
    with _bind(host):
        pass
    async with await accord.create_tcp_listener(local_host=host) as listener:
        port = listener.extra(SocketAttribute.local_port)
        async with await accord.connect_tcp(host, port) as client:
            assert listener.extra(SocketAttribute.local_address) == (host, port)
            assert client.extra(SocketAttribute.remote_address) == (host, port)
            assert client.extra(SocketAttribute.local_address) == (host, client.extra(SocketAttribute.local_port))
            assert client.extra(SocketAttribute.remote_port) == port
            assert client.extra(SocketAttribute.family) == family
            assert client.extra(SocketAttribute.raw_socket).family == family
    for closed in (client, listener):
        with pytest.raises(accord.ClosedResourceError):
            closed.extra(SocketAttribute.family)
