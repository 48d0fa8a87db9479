"""TCP listeners and connecting: serving, accepting, refused connections, and sockets that are left over."""

from __future__ import annotations

import errno
import gc
import socket
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import SocketStream
from accord.abc import AsyncResource, SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, count_yields, is_cancelled_by, open_descriptors, rule, untestable
from accord_conformance.suite.networking.pairs import HOST, connected, echo, listen, receive_all


@rule("NET-1", "NET-4")
async def test_echo() -> None:
    """A server answers several clients at once."""

    async def talk(number: int) -> None:
        async with await accord.connect_tcp(HOST, port) as stream:
            for text in (b"hello %d" % number, b"bye %d" % number):
                await stream.send(text)
                assert await stream.receive() == text
            await stream.send_eof()
            with pytest.raises(accord.EndOfStream):
                await stream.receive()

    listener, port = await listen()
    assert 0 < port < 65536
    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, echo)
        async with accord.create_task_group() as clients:
            for number in range(5):
                clients.start_soon(talk, number)
        group.cancel()


@rule("NET-1")
async def test_handlers_run_at_once() -> None:
    """A client is served while the handler of one that came before waits."""
    listener, port = await listen()
    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, echo)
        async with await accord.connect_tcp(HOST, port) as first, await accord.connect_tcp(HOST, port) as second:
            for stream in (first, second, first):
                await stream.send(b"x")
                with accord.fail_after(PATIENCE):
                    assert await stream.receive() == b"x"
        group.cancel()


@rule("NET-1")
async def test_attributes() -> None:
    """Streams and listeners tell their ports and addresses; what they don't have is a TypedAttributeLookupError."""
    listener, port = await listen()
    async with listener, await accord.connect_tcp(HOST, port) as client, await listener.accept() as server:
        assert listener.extra(SocketAttribute.local_address) == (HOST, port)
        assert client.extra(SocketAttribute.remote_address) == (HOST, port)
        assert client.extra(SocketAttribute.remote_port) == port
        assert server.extra(SocketAttribute.local_port) == port
        assert server.extra(SocketAttribute.remote_port) == client.extra(SocketAttribute.local_port)
        with pytest.raises(accord.TypedAttributeLookupError):
            listener.extra(SocketAttribute.remote_port)
        assert listener.extra(SocketAttribute.remote_port, None) is None


@rule("NET-1")
async def test_host_names() -> None:
    """A name is resolved."""
    listener, port = await listen()
    async with listener, await accord.connect_tcp("localhost", port) as client, await listener.accept() as server:
        await client.send(b"x")
        assert await server.receive() == b"x"


@rule("NET-6", "NET-7")
async def test_closing_a_listener() -> None:
    """Closing wakes accept() with ClosedResourceError; later calls get that too, and two at a time are refused."""
    listener, _ = await listen()
    async with accord.create_task_group() as group:
        attempt = await blocked(group, listener.accept)
        with pytest.raises(accord.BusyResourceError):
            await listener.accept()
        await listener.aclose()
    assert type(attempt.error) is accord.ClosedResourceError
    with pytest.raises(accord.ClosedResourceError):
        await listener.accept()
    with pytest.raises(accord.ClosedResourceError):
        listener.extra(SocketAttribute.local_port)
    await listener.aclose()


@rule("NET-11", "ERR-2", "ERR-1")
async def test_refused_connection() -> None:
    """A refused connection is one ConnectionFailed with the system's error, which names host and port."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        with pytest.raises(accord.ConnectionFailed) as caught:
            await accord.connect_tcp(HOST, port)
    error = caught.value
    assert isinstance(error, OSError)
    assert error.errno == errno.ECONNREFUSED
    assert (error.host, error.port) == (HOST, port)
    assert HOST in str(error)
    assert str(port) in str(error)
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ECONNREFUSED


@rule("NET-11", "CKPT-6")
@pytest.mark.parametrize(
    ("port", "error"), [(-1, ValueError), (65536, ValueError), ("80", TypeError), (None, TypeError), (80.0, TypeError)]
)
async def test_wrong_ports_are_refused(port: Any, error: type[Exception]) -> None:
    """A port is an integer from 0 to 65535, for clients and for servers, also in a cancelled scope."""
    with pytest.raises(error):
        await accord.connect_tcp(HOST, port)
    with pytest.raises(error):
        await accord.create_tcp_listener(local_host=HOST, local_port=port)
    with accord.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(error):
            await accord.connect_tcp(HOST, port)


@rule("NET-11")
async def test_listening_on_a_port_that_is_taken() -> None:
    """A port that cannot be bound is an OSError."""
    listener, port = await listen()
    async with listener:
        with pytest.raises(OSError) as caught:
            await accord.create_tcp_listener(local_host=HOST, local_port=port)
    assert caught.value.errno == errno.EADDRINUSE


@rule("NET-13")
async def test_cancelled_accept_loses_no_connection() -> None:
    """If accept() is cancelled around the moment at which a connection comes, the next accept() has it, or it has."""
    listener, port = await listen()
    async with listener:
        for cancel_first in (True, False):
            with socket.socket() as peer:
                async with accord.create_task_group() as group:
                    attempt = await blocked(group, listener.accept)
                    if cancel_first:
                        attempt.cancel()
                    peer.connect((HOST, port))
                    if not cancel_first:
                        attempt.cancel()
                    await attempt.handle.wait()
                stream = attempt.value if attempt.outcome == "returned" else await listener.accept()
                async with stream:
                    assert stream.extra(SocketAttribute.remote_port) == peer.getsockname()[1]
        assert await is_cancelled_by(listener.accept)
        assert await is_cancelled_by(partial(accord.connect_tcp, HOST, port))


@rule("NET-13")
@pytest.mark.parametrize("steps", range(6))
async def test_accept_is_cancelled_after_a_connection_came(steps: int) -> None:
    """However long after a connection accept() is cancelled, it returns it or the next accept() does."""
    listener, port = await listen()
    async with listener:
        for _again in range(8):  # where the order of tasks is up to chance
            with socket.socket() as peer:
                async with accord.create_task_group() as group:
                    attempt = await blocked(group, listener.accept)
                    peer.connect((HOST, port))
                    for _ in range(steps):
                        await checkpoint()
                    attempt.cancel()
                    await attempt.handle.wait()
                with accord.fail_after(PATIENCE):
                    stream = attempt.value if attempt.outcome == "returned" else await listener.accept()
                async with stream:
                    assert stream.extra(SocketAttribute.remote_port) == peer.getsockname()[1]


@rule("NET-13")
async def test_cancelled_connect_leaves_no_socket() -> None:
    """A connection that is given up while it is being made leaves no descriptor behind."""
    before = open_descriptors()
    streams: list[SocketStream] = []
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen(0)
        cut = False
        for _ in range(20):
            # The system accepts a few connections on its own, and then lets the others wait.
            with accord.move_on_after(0.05) as scope:
                streams.append(await accord.connect_tcp(HOST, server.getsockname()[1]))
            cut = scope.cancelled_caught
            if cut:
                break
        for stream in streams:
            await stream.aclose()
    if not cut:
        untestable("this system makes every connection at once")
    await checkpoint()
    assert open_descriptors() <= before


@rule("NET-14")
async def test_warning_for_a_stream_that_was_not_closed() -> None:
    """Streams and listeners that are freed unclosed give a ResourceWarning; closed ones give none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with connected():
            pass
        gc.collect()
        assert caught == []
        listener, port = await listen()
        client = await accord.connect_tcp(HOST, port)
        server = await listener.accept()
        del client
        gc.collect()
        assert ResourceWarning in {warning.category for warning in caught}
        caught.clear()
        await server.aclose()
        del listener
        gc.collect()
        assert ResourceWarning in {warning.category for warning in caught}


@rule("NET-15")
async def test_operations_are_checkpoints() -> None:
    """Each operation raises in a cancelled scope without any effect; whether it yields, the table of CKPT-4 tests."""
    made: list[AsyncResource] = []

    async def make(operation: Callable[[], Awaitable[AsyncResource]]) -> None:
        made.append(await operation())

    listener, port = await listen()
    connect = partial(accord.connect_tcp, HOST, port)
    create = partial(accord.create_tcp_listener, local_host=HOST)
    try:
        for operation in (connect, listener.accept, create):
            await make(operation)
            assert await is_cancelled_by(partial(make, operation))
    finally:
        for resource in (listener, *made):
            await resource.aclose()
    async with connected() as (client, server):
        await client.send(b"ab")
        await accord.sleep(0.01)
        exchanges: list[Callable[[], Awaitable[object]]]
        exchanges = [partial(server.receive, 1), partial(client.send, b"c"), client.send_eof]
        for exchange in exchanges:
            assert await is_cancelled_by(exchange)
        assert await server.receive(1) == b"a"
        for exchange in exchanges:
            await exchange()
        assert await receive_all(server) == b"c"


async def _check_yields() -> None:
    listener, port = await listen()
    made: list[AsyncResource] = []

    async def make(operation: Callable[[], Awaitable[AsyncResource]]) -> None:
        made.append(await operation())

    try:
        connect: Callable[[], Awaitable[AsyncResource]] = partial(accord.connect_tcp, HOST, port)
        for operation in (connect, listener.accept, partial(accord.create_tcp_listener, local_host=HOST)):
            assert await count_yields(make(operation)) > 0
    finally:
        for resource in (listener, *made):
            assert await count_yields(resource.aclose()) > 0
    async with connected() as (client, server):
        assert await count_yields(client.send(b"x")) > 0
        await accord.sleep(0.01)
        assert await count_yields(server.receive()) > 0
        assert await count_yields(client.send_eof()) > 0


@rule("NET-15")
def test_operations_yield(run: Callable[..., object]) -> None:
    """With a budget of one each operation yields where it could complete at once."""
    run(_check_yields, checkpoint_budget=1)


@rule("NET-15")
async def test_receiving_what_is_there_yields_in_time() -> None:
    """A task that receives what is there again and again lets the others run at least at every 16th time."""
    async with connected() as (client, server):
        await client.send(bytes(64))
        await accord.sleep(0.01)
        yields = [await count_yields(server.receive(1)) for _ in range(64)]
    assert all(1 in yields[start : start + 16] for start in range(49))
