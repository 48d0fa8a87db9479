"""Mutants of TLS: how streams end, and unwrapping."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from accord import BrokenResourceError, EndOfStream
from accord.streams.tls import TLSListener, TLSStream

from .making import Broken, around, mutant, replace

Stream: Any = TLSStream
Listener: Any = TLSListener
Records: Any = TLSStream.__mro__[1]
tls: Any = sys.modules["accord.streams.tls"]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]


def _receives(wrapper: Any) -> None:
    around(Stream, "receive", wrapper)


def _asks_openssl(original: Any, stream: Any, error: Any) -> Any:
    """What the end of the connection means according to OpenSSL, whose context may have an option for it."""
    if isinstance(error, EndOfStream) and stream._ssl.context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0):
        stream._ended = True
        return EndOfStream("the end")
    return original(stream, error)


@mutant("TLS-10")
def truncation_is_an_end(_: Broken) -> None:
    """The end of the connection is the end of the stream."""

    def failed(original: Any, stream: Any, error: Any) -> Any:
        if isinstance(error, EndOfStream):
            stream._ended = True
            return error
        return original(stream, error)

    around(Records, "_receiving_failed", failed)


@mutant("TLS-10")
def truncation_is_what_openssl_says(_: Broken) -> None:
    """Contexts that ignore an unexpected end hide truncation."""
    around(Records, "_receiving_failed", _asks_openssl)


@mutant("TLS-10")
def truncation_is_always_an_error(_: Broken) -> None:
    """The end of the connection is an error in both modes."""

    def failed(original: Any, stream: Any, error: Any) -> Any:
        mode, stream.standard_compatible = stream.standard_compatible, True
        try:
            return original(stream, error)
        finally:
            stream.standard_compatible = mode

    around(Records, "_receiving_failed", failed)


@mutant("TLS-10")
def truncation_is_reported_once(_: Broken) -> None:
    """After the error about truncation there is the end."""

    def failed(original: Any, stream: Any, error: Any) -> Any:
        failure = original(stream, error)
        if isinstance(error, EndOfStream):
            stream._broken, stream._ended = None, True
        return failure

    around(Records, "_receiving_failed", failed)


@mutant("TLS-10")
def truncation_shows_the_transport(_: Broken) -> None:
    """The error about truncation happened during the handling of another."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except BrokenResourceError as error:
            error.__context__ = EndOfStream("the transport has ended")
            error.__suppress_context__ = False
            raise

    _receives(receive)


@mutant("TLS-11")
def farewell_is_empty(_: Broken) -> None:
    """receive() returns b"" after the farewell."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except EndOfStream:
            return b""

    _receives(receive)


@mutant("TLS-11")
def farewell_is_raised_once(_: Broken) -> None:
    """After the farewell has been reported the transport is asked for more."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._ended:
            return await stream.transport_stream.receive()
        return await original(stream, *size)

    _receives(receive)


@mutant("TLS-11")
def farewell_ends_sending_too(_: Broken) -> None:
    """After the peer's farewell nothing can be sent."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if stream._ended:
            raise EndOfStream("the peer has ended the stream")
        await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-11")
def farewell_swallows_data(_: Broken) -> None:
    """Data that came together with the farewell is lost."""

    def decrypt(original: Any, stream: Any, max_bytes: int) -> Any:
        data = original(stream, max_bytes)
        if stream._incoming.pending:
            original(stream, max_bytes)
        if stream._ended:
            raise EndOfStream("the end")
        return data

    around(Records, "_decrypt", decrypt)


@mutant("TLS-12")
def half_close_is_a_close(_: Broken) -> None:
    """send_eof() closes the stream."""

    async def send_eof(stream: Any) -> None:
        await stream.aclose()
        raise NotImplementedError("use aclose()")

    replace(Stream, send_eof=send_eof)


@mutant("TLS-12")
def half_close_is_the_transports(_: Broken) -> None:
    """send_eof() ends the sending direction of the transport."""

    async def send_eof(stream: Any) -> None:
        await stream.transport_stream.send_eof()

    replace(Stream, send_eof=send_eof)


@mutant("TLS-12")
def half_close_of_a_closed_stream(_: Broken) -> None:
    """send_eof() on a closed stream raises ClosedResourceError."""

    async def send_eof(original: Any, stream: Any) -> None:
        stream._check_usable()
        await original(stream)

    around(Stream, "send_eof", send_eof)


def _unwraps(wrapper: Any) -> None:
    around(Stream, "unwrap", wrapper)


@mutant("TLS-15")
def unwrapping_loses_what_follows(_: Broken) -> None:
    """What came after the peer's farewell is lost."""

    async def unwrap(original: Any, stream: Any) -> Any:
        transport, _ = await original(stream)
        return transport, b""

    _unwraps(unwrap)


@mutant("TLS-15")
def unwrapping_does_not_wait(_: Broken) -> None:
    """unwrap() says farewell and returns."""

    async def part(stream: Any) -> None:
        try:
            stream._ssl.unwrap()
        except ssl.SSLError:
            pass
        await stream._flush()

    replace(Records, _part=part)


@mutant("TLS-15")
def unwrapped_streams_close_the_transport(_: Broken) -> None:
    """Closing after unwrap() closes the transport."""

    async def unwrap(original: Any, stream: Any) -> Any:
        result = await original(stream)
        stream._unwrapped = False
        return result

    _unwraps(unwrap)


@mutant("TLS-15")
def unwrapped_streams_stay_open(_: Broken) -> None:
    """After unwrap() the stream can still be used."""

    async def unwrap(original: Any, stream: Any) -> Any:
        result = await original(stream)
        stream._closed = False
        return result

    _unwraps(unwrap)


@mutant("TLS-15")
def unwrapping_drops_data(_: Broken) -> None:
    """unwrap() drops data that was not received, as aclose() does."""

    async def part(stream: Any) -> None:
        await stream._say_goodbye()

    replace(Records, _part=part)


@mutant("TLS-15")
def unwrapping_disturbs_others(_: Broken) -> None:
    """unwrap() does not look whether another task receives or sends."""

    async def unwrap(original: Any, stream: Any) -> Any:
        stream._receiving = stream._sending = False
        return await original(stream)

    _unwraps(unwrap)


@mutant("TLS-15")
def cancelled_unwrapping_breaks_nothing(_: Broken) -> None:
    """After a cancelled unwrap() the stream says nothing of it."""

    async def unwrap(original: Any, stream: Any) -> Any:
        try:
            return await original(stream)
        except Exception:
            raise
        except BaseException:
            stream._broken = None
            stream._ended = True
            raise

    _unwraps(unwrap)
