"""Mutants of TLS: how streams are closed."""

from __future__ import annotations

import ssl
import sys
from math import inf
from typing import Any

from accord import BrokenResourceError, CancelScope, ClosedResourceError, EndOfStream
from accord.lowlevel import checkpoint
from accord.streams.tls import TLSListener, TLSStream

from .making import Broken, around, mutant, replace

Stream: Any = TLSStream
Listener: Any = TLSListener
Records: Any = TLSStream.__mro__[1]
tls: Any = sys.modules["accord.streams.tls"]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]


def _goodbye(wrapper: Any) -> None:
    around(Records, "_say_goodbye", wrapper)


@mutant("TLS-13")
def no_farewell(_: Broken) -> None:
    """aclose() closes the transport and says nothing."""

    async def goodbye(original: Any, stream: Any) -> None:
        pass

    _goodbye(goodbye)


@mutant("TLS-13")
def farewell_without_waiting(_: Broken) -> None:
    """aclose() says farewell and does not wait for the peer's."""

    async def advance(original: Any, stream: Any) -> None:
        if stream._closed:
            raise EndOfStream("that will do")
        await original(stream)

    around(Records, "_advance", advance)


@mutant("TLS-13")
def farewell_has_all_the_time(_: Broken) -> None:
    """aclose() waits for the peer as long as it takes."""

    def init(original: Any, stream: Any, *args: Any) -> None:
        original(stream, *args)
        stream._shutdown_timeout = inf

    around(Stream, "__init__", init)


@mutant("TLS-13")
def farewell_is_put_off_by_nothing(_: Broken) -> None:
    """aclose() says farewell even if another task sends."""

    async def aclose(original: Any, stream: Any) -> None:
        if not stream._closed and stream.standard_compatible and stream._broken is None:
            stream._closed = True
            try:
                stream._ssl.unwrap()
            except ssl.SSLError:
                pass
            data = stream._outgoing.read()
            direction = getattr(stream.transport_stream, "_outgoing", None)
            if direction is not None:
                direction.buffer += data
                direction.wake_receiver()
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("TLS-13")
def unread_data_is_an_error(_: Broken) -> None:
    """aclose() leaves it to OpenSSL that there is unread data, and its error comes out."""

    async def goodbye(stream: Any) -> None:
        while True:
            try:
                stream._ssl.unwrap()
                done = True
            except ssl.SSLWantReadError:
                done = False
            await stream._flush()
            if done:
                return
            await stream._advance()

    replace(Records, _say_goodbye=goodbye)


@mutant("TLS-13")
def errors_of_the_farewell_come_out(_: Broken) -> None:
    """aclose() raises what goes wrong in its farewell."""

    async def aclose(original: Any, stream: Any) -> None:
        failure: BaseException | None = None

        async def goodbye(stream: Any) -> None:
            nonlocal failure
            try:
                await say(stream)
            except Exception as error:
                failure = error
                raise

        say, Records._say_goodbye = Records._say_goodbye, goodbye
        try:
            await original(stream)
        finally:
            Records._say_goodbye = say
        if failure is not None:
            raise failure

    around(Stream, "aclose", aclose)


@mutant("TLS-13")
def endless_data_is_received(_: Broken) -> None:
    """aclose() receives from a peer that doesn't stop for as long as it sends."""
    replace(records, MAX_DISCARDED=1 << 60)


@mutant("TLS-13")
def cancelled_farewell_leaves_the_transport_open(_: Broken) -> None:
    """An aclose() that is cancelled does not close the transport."""

    async def aclose(original: Any, stream: Any) -> None:
        transport = stream.transport_stream

        class Shy:
            receive, send = transport.receive, transport.send

            async def aclose(self) -> None:
                if not isinstance(sys.exception(), BaseException):
                    await transport.aclose()

        stream.transport_stream = Shy()
        try:
            await original(stream)
        finally:
            stream.transport_stream = transport

    around(Stream, "aclose", aclose)


@mutant("TLS-13")
def closing_is_shielded(_: Broken) -> None:
    """aclose() can't be cancelled."""

    async def aclose(original: Any, stream: Any) -> None:
        with CancelScope(shield=True):
            await original(stream)

    around(Stream, "aclose", aclose)


@mutant("TLS-14")
def closing_twice_is_an_error(_: Broken) -> None:
    """A second aclose() raises ClosedResourceError."""

    async def aclose(original: Any, stream: Any) -> None:
        if stream._closed:
            raise ClosedResourceError("closed")
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("TLS-14")
def second_close_does_not_wait(_: Broken) -> None:
    """A second aclose() returns while the first is at its farewell, and leaves the transport to that."""

    async def aclose(original: Any, stream: Any) -> None:
        if stream._closing:
            await checkpoint()
            return
        await original(stream)

    around(Stream, "aclose", aclose)


@mutant("TLS-14")
def closed_is_broken(_: Broken) -> None:
    """After aclose() everything is BrokenResourceError."""

    def check(original: Any, stream: Any) -> None:
        if stream._closed:
            raise BrokenResourceError("the stream is closed")
        original(stream)

    around(Records, "_check_usable", check)


@mutant("TLS-14")
def ended_comes_before_closed(_: Broken) -> None:
    """On a closed stream send() raises EndOfStream if the peer had ended it."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if stream._ended and stream._closed:
            raise EndOfStream("the end")
        await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-14")
def waiting_tasks_get_the_data(_: Broken) -> None:
    """A receiver that waits while the stream is being closed gets what still comes."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except ClosedResourceError:
            if stream._incoming.pending:
                return stream._decrypt(65536)
            raise

    around(Stream, "receive", receive)


@mutant("TLS-14")
def waiting_tasks_are_told_it_broke(_: Broken) -> None:
    """Tasks that wait when the stream is closed get BrokenResourceError."""

    def failed(original: Any, stream: Any, error: Any) -> Any:
        failure = original(stream, error)
        return BrokenResourceError("the transport is gone") if isinstance(failure, ClosedResourceError) else failure

    around(Records, "_receiving_failed", failed)


@mutant("TLS-14")
def nobody_reads_for_the_closer(_: Broken) -> None:
    """When the waiting receiver has gone, the task that closes goes on waiting for it."""

    async def advance(original: Any, stream: Any) -> None:
        if stream._receiving:
            while stream._receiving or not stream._incoming.pending:
                await checkpoint()
        else:
            await original(stream)

    around(Records, "_advance", advance)
