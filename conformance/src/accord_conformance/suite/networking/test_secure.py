"""The TLS arguments of connect_tcp."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import accord
from accord import SocketStream
from accord.streams.tls import TLSListener, TLSStream
from accord_conformance.helpers import PATIENCE, rule
from accord_conformance.suite.networking.pairs import HOST, listen
from accord_conformance.suite.tls.pairs import client_context, server_context

NAME = "accord.test"


@asynccontextmanager
async def _serving(ended: list[str]) -> AsyncGenerator[int, None]:
    """A TLS server that sends back what it gets; ``ended`` gets a word for each connection that was made."""

    async def echo(stream: TLSStream) -> None:
        async with stream:
            async for chunk in stream:
                await stream.send(chunk)
        ended.append("served")

    listener, port = await listen()
    secure = TLSListener(listener, server_context(HOST, NAME))
    async with secure, accord.create_task_group() as group:
        group.start_soon(secure.serve, echo)
        with accord.fail_after(PATIENCE):
            yield port
        group.cancel()


async def _exchange(stream: TLSStream | SocketStream) -> None:
    await stream.send(b"x")
    assert await stream.receive() == b"x"


@rule("NET-18")
@pytest.mark.parametrize("arguments", [{}, {"tls": True}, {"tls_hostname": NAME}, {"tls_hostname": HOST}])
async def test_secure_connection(arguments: dict[str, Any]) -> None:
    """With a context the connection is secure, and the name that was passed, or the host, is verified."""
    async with _serving([]) as port:
        stream = await accord.connect_tcp(HOST, port, ssl_context=client_context(), **arguments)
        async with stream:
            assert isinstance(stream, TLSStream)
            await _exchange(stream)


@rule("NET-18")
@pytest.mark.parametrize("arguments", [{"tls": True}, {"tls_hostname": NAME}])
async def test_unknown_authority(arguments: dict[str, Any]) -> None:
    """Without a context a default one is used, which does not trust just anybody; the connection is closed."""
    ended: list[str] = []
    async with _serving(ended) as port:
        with pytest.raises(ssl.SSLCertVerificationError):
            await accord.connect_tcp(HOST, port, **arguments)
    assert ended == []


@rule("NET-18")
async def test_wrong_name() -> None:
    """A certificate for another name is refused, and the connection closed."""
    listener, port = await listen()
    peer_saw: list[str] = []

    async def serve(stream: SocketStream) -> None:
        try:
            async with await TLSStream.wrap(stream, server_side=True, ssl_context=server_context(HOST, NAME)) as secure:
                await secure.receive()
        except (ssl.SSLError, accord.BrokenResourceError, accord.EndOfStream) as error:
            peer_saw.append(type(error).__name__)

    async with listener, accord.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        with accord.fail_after(PATIENCE), pytest.raises(ssl.SSLCertVerificationError):
            await accord.connect_tcp(HOST, port, ssl_context=client_context(), tls_hostname="other.test")
        with accord.fail_after(PATIENCE):
            while not peer_saw:
                await accord.sleep(0.01)
        group.cancel()


@rule("NET-18")
@pytest.mark.parametrize("arguments", [{"ssl_context": ssl.create_default_context()}, {"tls_hostname": NAME}])
async def test_contradiction(arguments: dict[str, Any]) -> None:
    """tls=False with an argument for TLS is refused before anything is connected."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        with pytest.raises(ValueError, match=next(iter(arguments))):
            await accord.connect_tcp(HOST, sock.getsockname()[1], tls=False, **arguments)


@rule("NET-18")
async def test_what_is_neither_true_nor_false() -> None:
    """Tls is a bool or None."""
    wrong: Any = "yes"
    with pytest.raises(TypeError, match="tls"):
        await accord.connect_tcp(HOST, 1, tls=wrong)


@rule("NET-18")
@pytest.mark.parametrize("arguments", [{}, {"tls": False}, {"tls": None}])
async def test_plain_connection(arguments: dict[str, Any]) -> None:
    """Without TLS arguments the stream is that of a socket."""
    listener, port = await listen()
    connect: Any = accord.connect_tcp
    async with listener:
        stream = await connect(HOST, port, **arguments)
        await stream.aclose()
    assert type(stream) is SocketStream
