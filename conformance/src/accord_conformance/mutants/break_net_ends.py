"""Mutants of TCP streams: how they end, in order or by accident."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from accord import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream, SocketStream, sleep
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

Stream: Any = SocketStream


@mutant("NET-4")
def end_of_a_stream_is_empty(_: Broken) -> None:
    """receive() returns b"" at the end."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except EndOfStream:
            return b""

    around(Stream, "receive", receive)


@mutant("NET-4")
def end_of_a_stream_closes_it(_: Broken) -> None:
    """EndOfStream is raised once; after that the stream is closed."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except EndOfStream:
            await stream.aclose()
            raise

    around(Stream, "receive", receive)


@mutant("NET-4")
def iteration_raises_the_end_of_a_stream(_: Broken) -> None:
    """Iteration does not end, but raises EndOfStream."""
    replace(Stream, __anext__=Stream.receive)


def fails_by(failed: Callable[[Any, OSError], BaseException]) -> None:
    """Let an error of the system be another exception."""
    replace(Stream, _failed=failed)


@mutant("NET-4")
def reset_is_an_end(_: Broken) -> None:
    """A reset of the connection looks like an orderly end."""
    fails_by(lambda stream, error: EndOfStream())


@mutant("NET-4")
def reset_is_the_systems_error(_: Broken) -> None:
    """A reset of the connection is a ConnectionResetError."""
    fails_by(lambda stream, error: error)


@mutant("NET-4")
def reset_is_forgotten(_: Broken) -> None:
    """A reset is reported once; then the stream seems to be at its end, as the system says."""
    fails_by(lambda stream, error: BrokenResourceError("the connection is broken"))


@mutant("NET-4")
def reset_has_no_cause(_: Broken) -> None:
    """The error about a reset leaves out what the system said."""

    async def without(original: Any, *args: Any) -> Any:
        try:
            return await original(*args)
        except BrokenResourceError as error:
            raise error from None

    for name in ("receive", "send"):
        around(Stream, name, without)


@mutant("NET-5")
def end_of_sending_ends_receiving_too(_: Broken) -> None:
    """send_eof() shuts down both directions."""

    async def send_eof(original: Any, stream: Any) -> None:
        await original(stream)
        stream._socket.shutdown(socket.SHUT_RDWR)

    around(Stream, "send_eof", send_eof)


@mutant("NET-5")
def end_of_sending_comes_once(_: Broken) -> None:
    """A second send_eof() raises ClosedResourceError."""

    async def send_eof(original: Any, stream: Any) -> None:
        if stream._eof_sent:
            raise ClosedResourceError("send_eof() was called")
        await original(stream)

    around(Stream, "send_eof", send_eof)


@mutant("NET-5")
def sending_after_the_end_breaks(_: Broken) -> None:
    """send() after send_eof() is left to the system, which says that the pipe is broken."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        stream._eof_sent = False
        await original(stream, item)

    around(Stream, "send", send)


@mutant("NET-5")
def end_of_sending_cuts_a_send(_: Broken) -> None:
    """send_eof() shuts down under a send() that runs."""

    async def send_eof(stream: Any) -> None:
        await checkpoint()
        stream._check_sendable()
        if not stream._eof_sent:
            stream._eof_sent = True
            stream._socket.shutdown(socket.SHUT_WR)

    replace(Stream, send_eof=send_eof)


@mutant("NET-5")
def end_of_sending_waits_for_a_send(_: Broken) -> None:
    """send_eof() during a send() waits until it is done."""

    async def send_eof(original: Any, stream: Any) -> Any:
        while True:
            try:
                return await original(stream)
            except BusyResourceError:
                await sleep(0.001)

    around(Stream, "send_eof", send_eof)
