"""TCP listeners that serve: how they end, handlers that fail, and a system that has no more descriptors."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

import accord
from accord import SocketStream
from accord.abc import SocketAttribute
from accord_conformance.helpers import PATIENCE, leaves, rule, settle
from accord_conformance.suite.networking.pairs import HOST, connected, echo, listen

LOGGER = "accord.net"


async def _talk(port: int) -> None:
    """Check that the server answers."""
    with accord.fail_after(PATIENCE):
        async with await accord.connect_tcp(HOST, port) as client:
            await client.send(b"x")
            assert await client.receive() == b"x"


async def _is_closed(client: SocketStream) -> bool:
    with accord.fail_after(PATIENCE):
        try:
            return await client.receive() == b""
        except (accord.EndOfStream, accord.BrokenResourceError):
            return True


@rule("NET-12")
async def test_closing_ends_serve() -> None:
    """serve() returns when the listener is closed and its handlers have ended, and at once if it was closed before."""
    listener, port = await listen()
    async with accord.create_task_group() as group:
        handle = group.start_soon(listener.serve, echo)
        async with await accord.connect_tcp(HOST, port) as client:
            await client.send(b"x")
            assert await client.receive() == b"x"
            await listener.aclose()
            await settle()
            assert handle.status is accord.HandleStatus.PENDING
            await client.send(b"y")
            assert await client.receive() == b"y"
    assert handle.status is accord.HandleStatus.FINISHED
    await listener.serve(echo)


class _Handler:
    """Fails for the first connection, and answers the others."""

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException | None = error
        self.stream: SocketStream | None = None

    async def __call__(self, stream: SocketStream) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            self.stream = stream
            raise error
        await echo(stream)


@rule("NET-12")
async def test_failing_handler_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A handler that fails is logged, its stream closed, and the next client served."""
    handler = _Handler(ValueError("handler"))
    listener, port = await listen()
    with caplog.at_level(logging.ERROR, LOGGER):
        async with listener, accord.create_task_group() as group:
            group.start_soon(listener.serve, handler)
            async with await accord.connect_tcp(HOST, port) as client:
                assert await _is_closed(client)
            await _talk(port)
            group.cancel()
    records = [record for record in caplog.records if record.name == LOGGER]
    assert [str(record.exc_info and record.exc_info[1]) for record in records] == ["handler"]
    assert handler.stream is not None
    with pytest.raises(accord.ClosedResourceError):
        handler.stream.extra(SocketAttribute.local_port)


@rule("NET-12")
async def test_failing_handler_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A function is called with what a handler raises; nothing is logged, and the next client served."""
    error = ValueError("handler")
    errors: list[Exception] = []
    listener, port = await listen()
    with caplog.at_level(logging.DEBUG, LOGGER):
        async with listener, accord.create_task_group() as group:
            await group.start(partial(listener.serve, _Handler(error), on_error=errors.append))
            async with await accord.connect_tcp(HOST, port) as client:
                assert await _is_closed(client)
            await _talk(port)
            group.cancel()
    assert errors == [error]
    assert [record for record in caplog.records if record.name == LOGGER] == []


@rule("NET-12")
@pytest.mark.parametrize("given", [False, True])
async def test_failing_handler_is_raised(given: bool) -> None:
    """Asked to, serve() or the group that it was given raises the error of a handler, and the stream is closed."""
    handler = _Handler(ValueError("handler"))
    error = handler.error
    listener, port = await listen()
    async with listener, accord.create_task_group() as outer:
        client = outer.start_soon(accord.connect_tcp, HOST, port)
        with pytest.raises(ExceptionGroup) as caught:
            if given:
                async with accord.create_task_group() as group:
                    await listener.serve(handler, group, on_error="raise")
            else:
                await listener.serve(handler, on_error="raise")
        async with await client as stream:
            assert await _is_closed(stream)
    assert leaves(caught.value) == [error]


@rule("NET-12")
async def test_on_error_is_checked() -> None:
    """Anything but the two words and functions is refused."""
    listener, _ = await listen()
    async with listener:
        wrong: Any = "ignore"
        with pytest.raises(ValueError, match="on_error"):
            await listener.serve(echo, on_error=wrong)


@rule("NET-12")
async def test_cancelled_handler_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A cancelled handler closes its stream and is not logged."""
    running = accord.Event()

    async def wait(_: SocketStream) -> None:
        running.set()
        await accord.sleep_forever()

    listener, port = await listen()
    with caplog.at_level(logging.DEBUG, LOGGER):
        async with listener, accord.create_task_group() as group:
            group.start_soon(listener.serve, wait)
            async with await accord.connect_tcp(HOST, port) as client:
                await running.wait()
                group.cancel()
                with accord.CancelScope(shield=True):
                    assert await _is_closed(client)
    assert [record for record in caplog.records if record.name == LOGGER] == []


@rule("NET-12")
async def test_interrupts_of_a_handler_are_raised() -> None:
    """What is no Exception ends the server."""

    class Interrupt(BaseException):
        pass

    listener, port = await listen()
    async with listener, accord.create_task_group() as outer:
        client = outer.start_soon(accord.connect_tcp, HOST, port)
        with pytest.raises(BaseExceptionGroup) as caught:
            await listener.serve(_Handler(Interrupt()))
        await (await client).aclose()
    assert [type(leaf) for leaf in leaves(caught.value)] == [Interrupt]


@rule("NET-12")
async def test_handlers_in_a_given_group() -> None:
    """With a task group given, handlers are its tasks and outlive serve()."""
    listener, port = await listen()
    async with accord.create_task_group() as handlers, accord.create_task_group() as group:
        handle = group.start_soon(listener.serve, echo, handlers)
        async with await accord.connect_tcp(HOST, port) as client:
            await client.send(b"x")
            assert await client.receive() == b"x"
            await listener.aclose()
            await handle.wait()
            await client.send(b"y")
            assert await client.receive() == b"y"


@rule("NET-12")
async def test_serving_tells_that_it_is_ready() -> None:
    """start() returns once connections are accepted, for one listener and for several."""
    for listener in (await listen())[0], await accord.create_tcp_listener(local_host=HOST):
        async with listener, accord.create_task_group() as group:
            with accord.fail_after(PATIENCE):
                assert await group.start(listener.serve, echo) is None
            await _talk(listener.extra(SocketAttribute.local_port))
            group.cancel()


@contextmanager
def _failing_accept(monkeypatch: pytest.MonkeyPatch, code: int, times: int) -> Generator[list[int], None, None]:
    """Let the system's accept() fail a few times where there is a connection."""
    calls: list[int] = []
    real = socket.socket.accept

    def accept(sock: socket.socket) -> Any:
        if len(calls) < times:
            calls.append(code)
            raise OSError(code, "injected")
        return real(sock)

    with monkeypatch.context() as patch:
        patch.setattr(socket.socket, "accept", accept)
        yield calls


@rule("NET-21")
@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_lack_of_descriptors(
    code: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where descriptors or memory are lacking, serve() warns, waits a little and goes on."""
    listener, port = await listen()
    with caplog.at_level(logging.WARNING, LOGGER), _failing_accept(monkeypatch, code, 2) as calls:
        async with listener, accord.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            start = accord.current_time()
            await _talk(port)
            assert accord.current_time() - start > 0.02
            group.cancel()
    assert calls == [code, code]
    records = [record for record in caplog.records if record.name == LOGGER]
    assert [record.levelno for record in records] == [logging.WARNING, logging.WARNING]
    assert all("injected" in record.getMessage() for record in records)


@rule("NET-21")
async def test_accept_raises_a_lack_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """accept() raises the error, and the connection is there for the next call."""
    listener, port = await listen()
    async with listener, await accord.connect_tcp(HOST, port) as client:
        with _failing_accept(monkeypatch, errno.EMFILE, 1):
            with pytest.raises(OSError) as caught:
                await listener.accept()
            assert caught.value.errno == errno.EMFILE
            async with await listener.accept() as server:
                assert server.extra(SocketAttribute.remote_address) == client.extra(SocketAttribute.local_address)


@rule("NET-21")
async def test_connections_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was gone before it was accepted is skipped, by accept() and by serve()."""
    listener, port = await listen()
    async with listener:
        async with await accord.connect_tcp(HOST, port):
            with _failing_accept(monkeypatch, errno.ECONNABORTED, 2) as calls:
                await (await listener.accept()).aclose()
            assert len(calls) == 2
        async with accord.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            with _failing_accept(monkeypatch, errno.ECONNABORTED, 2) as calls:
                await _talk(port)
            assert len(calls) == 2
            group.cancel()


@rule("NET-22")
async def test_small_messages_are_not_delayed() -> None:
    """Both ends have TCP_NODELAY."""
    async with connected() as streams:
        for stream in streams:
            assert stream.extra(SocketAttribute.raw_socket).getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
