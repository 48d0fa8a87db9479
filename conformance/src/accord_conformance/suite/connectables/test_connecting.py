"""Connectables at work: by TCP, UNIX socket and TLS."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import TCPConnectable, UNIXConnectable
from accord.abc import SocketAttribute
from accord.net.connectables import TLSConnectable
from accord.streams.tls import TLSAttribute, TLSListener, TLSStream
from accord_conformance.helpers import PATIENCE, open_descriptors, rule
from accord_conformance.suite.networking.pairs import HOST, echo
from accord_conformance.suite.tls.pairs import NAME, client_context, server_context


def ignore(_: Exception) -> None:
    """Let a handler fail: its client went away."""


@asynccontextmanager
async def serving(listener: Any) -> AsyncGenerator[None, None]:
    """Echo what comes, and close the listener at the end."""
    async with listener, accord.create_task_group() as group:

        async def serve(*, task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
            await listener.serve(echo, task_status=task_status, on_error=ignore)

        await group.start(serve)
        yield
        group.cancel()


async def ask(connectable: Any, expected: type[Any]) -> Any:
    """Connect, get an echo, and return the stream, closed."""
    async with await connectable.connect() as stream:
        assert isinstance(stream, expected)
        await stream.send(b"hello")
        assert await stream.receive() == b"hello"
    return stream


@rule("CONN-1")
async def test_tcp() -> None:
    """A TCPConnectable connects as often as one likes."""
    listener = await accord.create_tcp_listener(local_host=HOST)
    port = listener.extra(SocketAttribute.local_port)
    async with serving(listener):
        for host in (HOST, "localhost"):
            connectable = TCPConnectable(host, port)
            assert await ask(connectable, accord.SocketStream) is not await ask(connectable, accord.SocketStream)
        await ask(accord.as_connectable((HOST, port)), accord.SocketStream)


@rule("CONN-2")
async def test_unix(tmp_path: Path) -> None:
    """A UNIXConnectable connects by its path, in each form."""
    path = tmp_path / "socket"
    async with serving(await accord.create_unix_listener(path)):
        for form in (path, str(path), bytes(path)):
            await ask(UNIXConnectable(form), accord.UNIXSocketStream)


@rule("CONN-3")
async def test_tls() -> None:
    """A TLSConnectable is the client, checks the name, and takes over the host of a TCPConnectable."""
    listener = await accord.create_tcp_listener(local_host=HOST)
    place = TCPConnectable(HOST, listener.extra(SocketAttribute.local_port))
    async with serving(TLSListener(listener, server_context(NAME, HOST))):
        for arguments in ({"hostname": NAME}, {}):
            more: dict[str, Any] = arguments
            connectable = TLSConnectable(place, ssl_context=client_context(), **more)
            async with await connectable.connect() as stream:
                assert isinstance(stream, TLSStream)
                assert stream.extra(TLSAttribute.server_side) is False
                assert stream.extra(TLSAttribute.standard_compatible) is True
                await stream.send(b"hello")
                assert await stream.receive() == b"hello"
        lenient = TLSConnectable(place, ssl_context=client_context(), standard_compatible=False)
        async with await lenient.connect() as stream:
            assert stream.extra(TLSAttribute.standard_compatible) is False


@rule("CONN-3")
async def test_failed_handshakes() -> None:
    """A handshake that fails raises its error, and the connection beneath is closed."""
    listener = await accord.create_tcp_listener(local_host=HOST)
    place = TCPConnectable(HOST, listener.extra(SocketAttribute.local_port))
    async with serving(TLSListener(listener, server_context(NAME))):
        before = open_descriptors()
        for connectable in (
            TLSConnectable(place, ssl_context=client_context()),
            TLSConnectable(place, hostname="other.example", ssl_context=client_context()),
            TLSConnectable(place, hostname=NAME),
        ):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connectable.connect()
        with accord.fail_after(PATIENCE):
            while open_descriptors() > before:
                await accord.sleep(0.001)


@rule("CONN-8")
async def test_failures(tmp_path: Path) -> None:
    """What can't be connected to is ConnectionFailed, by TCP, UNIX socket, and beneath TLS; so is an unknown name."""
    async with await accord.create_tcp_listener(local_host=HOST) as listener:
        port = listener.extra(SocketAttribute.local_port)
    refused, unknown = TCPConnectable(HOST, port), TCPConnectable("does-not-exist.invalid", port)
    missing = UNIXConnectable(tmp_path / "missing")
    cases: list[tuple[Any, str]] = [
        (refused, HOST),
        (unknown, "does-not-exist.invalid"),
        (TLSConnectable(unknown), "does-not-exist.invalid"),
        (missing, str(tmp_path / "missing")),
        (TLSConnectable(missing, hostname="name"), str(tmp_path / "missing")),
    ]
    for connectable, place in cases:
        with pytest.raises(accord.ConnectionFailed) as caught:
            await connectable.connect()
        error = caught.value
        assert place in str(error)
        assert error.host == place
        assert error.port == (port if place in {HOST, "does-not-exist.invalid"} else None)
        assert isinstance(error.__cause__, OSError)
