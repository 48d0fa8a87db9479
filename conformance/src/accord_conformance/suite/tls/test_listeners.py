"""Listeners that make the TLS handshake."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

import accord
from accord.abc import ByteStream, SocketAttribute
from accord.streams.tls import TLSAttribute, TLSListener, TLSStream
from accord_conformance.helpers import PATIENCE, rule, settle
from accord_conformance.suite.networking.pairs import HOST

from .pairs import as_client, client_context, server_context

LOGGER = "accord.streams.tls"


async def _echo(stream: TLSStream) -> None:
    async with stream:
        async for chunk in stream:
            await stream.send(chunk)


@asynccontextmanager
async def _serving(
    handler: Callable[[TLSStream], Any] = _echo, kind: type[TLSListener] = TLSListener, **options: Any
) -> AsyncGenerator[tuple[TLSListener, Callable[[], Any]]]:
    """A TLS listener that serves in a task, and what makes a plain connection to it."""
    inner = await accord.create_tcp_listener(local_host=HOST)
    listener = kind(inner, server_context(), **options)
    port = listener.extra(SocketAttribute.local_port)
    async with listener, accord.create_task_group() as group:
        await group.start(listener.serve, handler)
        yield listener, lambda: accord.connect_tcp(HOST, port)
        group.cancel()


async def _talk(connect: Callable[[], Any], text: bytes) -> None:
    async with await as_client(await connect())() as stream:
        await stream.send(text)
        with accord.fail_after(PATIENCE):
            assert await stream.receive() == text


@rule("TLS-20")
async def test_clients_are_served() -> None:
    """Several clients at once talk to their handlers, over streams that are as the listener says."""
    modes: list[object] = []

    async def handler(stream: TLSStream) -> None:
        modes.append((stream.standard_compatible, stream.extra(TLSAttribute.server_side)))
        await _echo(stream)

    for standard_compatible in (True, False):
        async with _serving(handler, standard_compatible=standard_compatible) as (listener, connect):
            assert listener.extra(TLSAttribute.standard_compatible) is standard_compatible
            async with accord.create_task_group() as clients:
                for number in range(3):
                    clients.start_soon(_talk, connect, b"hello %d" % number)
    assert modes == [(True, True)] * 3 + [(False, True)] * 3


@rule("TLS-20")
async def test_silent_clients_keep_nobody_out() -> None:
    """Clients that connect and say nothing don't delay the others."""
    async with _serving() as (_, connect):
        silent = [await connect() for _ in range(3)]
        await accord.sleep(0.05)  # their handshakes have begun
        await _talk(connect, b"hello")
        for stream in silent:
            await stream.aclose()


@rule("TLS-20", "TLS-21")
async def test_handshake_timeout(caplog: pytest.LogCaptureFixture) -> None:
    """A handshake that takes too long is given up: the connection is closed, and that is logged."""
    with caplog.at_level(logging.WARNING, LOGGER):
        async with _serving(handshake_timeout=0.05) as (_, connect):
            silent = await connect()
            with accord.fail_after(PATIENCE), pytest.raises((accord.EndOfStream, accord.BrokenResourceError)):
                await silent.receive()
            await silent.aclose()
            await _talk(connect, b"hello")
    assert [record.levelname for record in caplog.records if record.name == LOGGER] == ["WARNING"]
    assert "TimeoutError" in caplog.text


@rule("TLS-21")
@pytest.mark.parametrize("message", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05HELLO", b""])
async def test_bad_clients_do_not_end_the_server(message: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """What doesn't speak TLS, or goes away, is logged and forgotten; its handler is not called."""
    with caplog.at_level(logging.WARNING, LOGGER):
        async with _serving() as (_, connect):
            for _ in range(2):
                async with await connect() as bad:
                    if message:
                        await bad.send(message)
                    await bad.send_eof()
                    with pytest.raises((accord.EndOfStream, accord.BrokenResourceError)):
                        while True:
                            await bad.receive()
            await _talk(connect, b"hello")
    assert len([record for record in caplog.records if record.name == LOGGER]) == 2


@rule("TLS-21")
async def test_errors_can_be_dealt_with_by_a_subclass() -> None:
    """A subclass gets the error and the stream, which is closed, and what it does is all that is done."""
    errors: list[tuple[BaseException, ByteStream]] = []
    seen = accord.Event()

    class Curious(TLSListener):
        @staticmethod
        async def handle_handshake_error(exc: BaseException, stream: ByteStream) -> None:
            errors.append((exc, stream))
            seen.set()

    async with _serving(kind=Curious) as (_, connect):
        async with await connect() as bad:
            await bad.send(b"GET / HTTP/1.1\r\n\r\n")
            with accord.fail_after(PATIENCE):
                await seen.wait()
        await _talk(connect, b"hello")
    ((error, stream),) = errors
    assert isinstance(error, ssl.SSLError)
    with pytest.raises(accord.ClosedResourceError):
        await stream.receive()


@rule("TLS-21")
async def test_error_of_the_subclass_is_the_handlers_error() -> None:
    """What handle_handshake_error raises is treated as the handler's error is."""

    class Strict(TLSListener):
        @staticmethod
        async def handle_handshake_error(exc: BaseException, stream: ByteStream) -> None:
            raise LookupError("no handshake")

    listener = Strict(await accord.create_tcp_listener(local_host=HOST), server_context())
    errors: list[Exception] = []
    noted = accord.Event()

    def note(error: Exception) -> None:
        errors.append(error)
        noted.set()

    async with listener, accord.create_task_group() as group:
        group.start_soon(lambda: listener.serve(_echo, on_error=note))
        async with await accord.connect_tcp(HOST, listener.extra(SocketAttribute.local_port)) as bad:
            await bad.send(b"GET / HTTP/1.1\r\n\r\n")
            with accord.fail_after(PATIENCE):
                await noted.wait()
        group.cancel()
    assert [type(error) for error in errors] == [LookupError]


@rule("TLS-21")
async def test_cancelled_handshakes() -> None:
    """A server that is cancelled in the middle of a handshake ends, and closes the connection."""
    async with _serving() as (_, connect):
        silent = await connect()
        await settle()
        await accord.sleep(0.01)
    with accord.fail_after(PATIENCE), pytest.raises((accord.EndOfStream, accord.BrokenResourceError)):
        await silent.receive()
    await silent.aclose()


@rule("TLS-21")
@pytest.mark.parametrize("error", [accord.BrokenResourceError("gone"), TimeoutError("slow"), KeyboardInterrupt("stop")])
async def test_what_the_method_does(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """handle_handshake_error closes the stream, and logs an Exception but raises any other exception again."""
    listener = await accord.create_tcp_listener(local_host=HOST)
    async with listener:
        stream = await accord.connect_tcp(HOST, listener.extra(SocketAttribute.local_port))
        with caplog.at_level(logging.WARNING, LOGGER):
            if isinstance(error, Exception):
                await TLSListener.handle_handshake_error(error, stream)
            else:
                with pytest.raises(type(error)):
                    await TLSListener.handle_handshake_error(error, stream)
        assert (str(error) in caplog.text) is isinstance(error, Exception)
        with pytest.raises(accord.ClosedResourceError):
            await stream.receive()


@rule("TLS-20")
async def test_parameters_are_passed_on() -> None:
    """The listener below gets the task group, the status and on_error; serve() ends when it is closed."""
    failed: list[Exception] = []

    async def fail(stream: TLSStream) -> None:
        raise LookupError("the handler failed")

    listener = TLSListener(await accord.create_tcp_listener(local_host=HOST), server_context())
    port = listener.extra(SocketAttribute.local_port)
    async with accord.create_task_group() as handlers, accord.create_task_group() as group:

        async def serve(*, task_status: Any) -> None:
            await listener.serve(fail, handlers, task_status=task_status, on_error=failed.append)

        await group.start(serve)
        wrap = as_client(await accord.connect_tcp(HOST, port), standard_compatible=False)
        async with await wrap() as client:
            with accord.fail_after(PATIENCE), pytest.raises((accord.EndOfStream, accord.BrokenResourceError)):
                await client.receive()
        await listener.aclose()
    assert [str(error) for error in failed] == ["the handler failed"]


@rule("TLS-20")
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"handshake_timeout": -1}, ValueError),
        ({"handshake_timeout": float("nan")}, ValueError),
        ({"handshake_timeout": "1"}, TypeError),
        ({"handshake_timeout": True}, TypeError),
        ({"shutdown_timeout": -0.1}, ValueError),
        ({"shutdown_timeout": None}, TypeError),
        ({"standard_compatible": 1}, TypeError),
        ({"ssl_context": None}, TypeError),
    ],
    ids=str,
)
async def test_wrong_arguments(options: dict[str, Any], error: type[Exception]) -> None:
    """Wrong arguments are refused when the listener is made, in words that name them."""
    arguments: dict[str, Any] = {"ssl_context": server_context(), **options}
    async with await accord.create_tcp_listener(local_host=HOST) as inner:
        with pytest.raises(error, match=next(iter(options))):
            TLSListener(inner, **arguments)
        with pytest.raises(ValueError, match="ssl_context"):
            TLSListener(inner, client_context())
        assert inner.extra(SocketAttribute.local_port) > 0
