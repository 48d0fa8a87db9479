"""TCP listeners and connecting: serving, accepting, refused connections, and sockets that are left over."""

from __future__ import annotations

import errno
import gc
import socket
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import SocketStream
from accord.abc import SocketAttribute
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, count_yields, is_cancelled_by, leaves, rule, settle, untestable
from accord_conformance.suite.networking.pairs import HOST, connected, receive_all


async def _echo(stream: SocketStream) -> None:
    async with stream:
        async for chunk in stream:
            await stream.send(chunk)


def _descriptors() -> int:
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        untestable("the descriptors of the process can't be counted here")


async def _listener() -> tuple[accord.SocketListener, int]:
    listener = await accord.create_tcp_listener(local_host=HOST)
    return listener, listener.extra(SocketAttribute.local_port)


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

    listener, port = await _listener()
    assert 0 < port < 65536
    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, _echo)
        async with accord.create_task_group() as clients:
            for number in range(5):
                clients.start_soon(talk, number)
        group.cancel()


@rule("NET-1")
async def test_handlers_run_at_once() -> None:
    """A client is served while the handler of one that came before waits."""
    listener, port = await _listener()
    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, _echo)
        async with await accord.connect_tcp(HOST, port) as first, await accord.connect_tcp(HOST, port) as second:
            for stream in (first, second, first):
                await stream.send(b"x")
                with accord.fail_after(PATIENCE):
                    assert await stream.receive() == b"x"
        group.cancel()


@rule("NET-1")
async def test_attributes() -> None:
    """Streams and listeners tell their ports and addresses; what they don't have is a TypedAttributeLookupError."""
    listener, port = await _listener()
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
    listener, port = await _listener()
    async with listener, await accord.connect_tcp("localhost", port) as client, await listener.accept() as server:
        await client.send(b"x")
        assert await server.receive() == b"x"


@rule("NET-6", "NET-7")
async def test_closing_a_listener() -> None:
    """Closing wakes accept() with ClosedResourceError; later calls get that too, and two at a time are refused."""
    listener, _ = await _listener()
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
    listener, port = await _listener()
    async with listener:
        with pytest.raises(OSError) as caught:
            await accord.create_tcp_listener(local_host=HOST, local_port=port)
    assert caught.value.errno == errno.EADDRINUSE


@rule("NET-12")
async def test_closing_ends_serve() -> None:
    """serve() returns when the listener is closed and its handlers have ended, and at once if it was closed before."""
    listener, port = await _listener()
    async with accord.create_task_group() as group:
        handle = group.start_soon(listener.serve, _echo)
        async with await accord.connect_tcp(HOST, port) as client:
            await client.send(b"x")
            assert await client.receive() == b"x"
            await listener.aclose()
            await settle()
            assert handle.status is accord.HandleStatus.PENDING
            await client.send(b"y")
            assert await client.receive() == b"y"
    assert handle.status is accord.HandleStatus.FINISHED
    await listener.serve(_echo)


@rule("NET-12")
async def test_failing_handler() -> None:
    """A handler that fails makes serve() raise its error in an exception group."""
    error = ValueError("handler")

    async def fail(stream: SocketStream) -> None:
        async with stream:
            raise error

    listener, port = await _listener()
    async with listener, accord.create_task_group() as group:
        client = group.start_soon(accord.connect_tcp, HOST, port)
        with pytest.raises(ExceptionGroup) as caught:
            await listener.serve(fail)
        await (await client).aclose()
    assert leaves(caught.value) == [error]


@rule("NET-12")
async def test_handlers_in_a_given_group() -> None:
    """With a task group given, handlers are its tasks and outlive serve()."""
    listener, port = await _listener()
    async with accord.create_task_group() as handlers, accord.create_task_group() as group:
        handle = group.start_soon(listener.serve, _echo, handlers)
        async with await accord.connect_tcp(HOST, port) as client:
            await client.send(b"x")
            assert await client.receive() == b"x"
            await listener.aclose()
            await handle.wait()
            await client.send(b"y")
            assert await client.receive() == b"y"


@rule("NET-13")
async def test_cancelled_accept_loses_no_connection() -> None:
    """If accept() is cancelled around the moment at which a connection comes, the next accept() has it, or it has."""
    listener, port = await _listener()
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
    listener, port = await _listener()
    async with listener:
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
    before = _descriptors()
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
    assert _descriptors() <= before


@rule("NET-14")
async def test_warning_for_a_stream_that_was_not_closed() -> None:
    """Streams and listeners that are freed unclosed give a ResourceWarning; closed ones give none."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with connected():
            pass
        gc.collect()
        assert caught == []
        listener, port = await _listener()
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
    """Each operation yields where it could complete at once, and raises in a cancelled scope, without any effect."""
    made: list[SocketStream | accord.SocketListener] = []

    async def make(operation: Callable[[], Awaitable[SocketStream | accord.SocketListener]]) -> None:
        made.append(await operation())

    listener, port = await _listener()
    connect = partial(accord.connect_tcp, HOST, port)
    listen = partial(accord.create_tcp_listener, local_host=HOST)
    try:
        for operation in (connect, listener.accept, listen):
            assert await count_yields(make(operation)) > 0
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
        for exchange in exchanges:
            assert await count_yields(exchange()) > 0
        assert await receive_all(server) == b"bc"
