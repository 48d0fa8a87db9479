"""Mutants of TLS: one task in each direction, answers, checkpoints, and the order of errors."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from accord import BrokenResourceError, BusyResourceError, ClosedResourceError
from accord.lowlevel import checkpoint, checkpoint_if_cancelled
from accord.streams.tls import TLSStream

from .making import Broken, around, mutant, replace

Stream: Any = TLSStream
Records: Any = TLSStream.__mro__[1]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]
setup: Any = sys.modules["accord.streams._tls_setup"]
checking: Any = sys.modules["accord.streams.checking"]


@mutant("TLS-16")
def senders_queue_up(_: Broken) -> None:
    """A second sender waits for the first."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        while stream._sending:
            await checkpoint()
        await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-16")
def one_task_for_both_directions(_: Broken) -> None:
    """A task that sends keeps others from receiving."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._sending:
            raise BusyResourceError("using")
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("TLS-16")
def second_receiver_disturbs_the_first(_: Broken) -> None:
    """A second receiver gets BusyResourceError, and so does everybody afterwards."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._receiving:
            stream._incoming.write(b"x")
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("TLS-17")
def answers_wait_for_a_sender(_: Broken) -> None:
    """A task that only receives answers nothing."""

    async def answer(stream: Any) -> None:
        pass

    replace(Records, _answer=answer)


@mutant("TLS-17")
def receivers_wait_for_senders(_: Broken) -> None:
    """A receiver that owes an answer waits until nobody sends."""

    async def answer(original: Any, stream: Any) -> None:
        while stream._flushing:
            await stream._wait_for_news()
        await original(stream)

    around(Records, "_answer", answer)


@mutant("TLS-17")
def answers_can_be_torn(_: Broken) -> None:
    """A receiver that is cancelled in its answer breaks the stream."""

    async def answer(stream: Any) -> None:
        if not stream._flushing:
            await stream._flush()

    replace(Records, _answer=answer)


@mutant("TLS-17")
def senders_only_look_at_senders(_: Broken) -> None:
    """A sender does not wait for a receiver that sends an answer."""

    async def wait_for_turn(stream: Any) -> None:
        stream._check_usable()

    replace(Stream, _wait_for_turn=wait_for_turn)


@mutant("TLS-17")
def senders_do_not_renegotiate(_: Broken) -> None:
    """A sender in the middle of a renegotiation fails."""

    async def renegotiate(stream: Any, sent: int) -> None:
        raise BrokenResourceError("the peer wants to renegotiate")

    replace(Stream, _renegotiate=renegotiate)


@mutant("TLS-18")
def errors_of_tls_come_out_as_they_are(_: Broken) -> None:
    """Garbage is an ssl.SSLError."""

    def broken_by(original: Any, stream: Any, error: Any) -> Any:
        original(stream, error)
        return error

    around(Records, "_broken_by", broken_by)


@mutant("TLS-18")
def errors_of_tls_are_forgotten(_: Broken) -> None:
    """After garbage the next operation is left to OpenSSL."""

    def broken_by(original: Any, stream: Any, error: Any) -> Any:
        failure = original(stream, error)
        stream._broken = None
        return failure

    around(Records, "_broken_by", broken_by)


@mutant("TLS-18")
def garbage_comes_before_data(_: Broken) -> None:
    """Garbage after good data takes the data with it."""

    def decrypt(original: Any, stream: Any, max_bytes: int) -> Any:
        data = original(stream, max_bytes)
        stream._check_usable()
        return data

    around(Records, "_decrypt", decrypt)


@mutant("TLS-18")
def breaks_of_the_transport_are_forgotten(_: Broken) -> None:
    """When the transport breaks, that is reported once; then it is as if it had been closed here."""

    def failed(original: Any, stream: Any, error: Any) -> Any:
        if isinstance(error, BrokenResourceError):
            stream._closed = True
        return error if stream._closed else original(stream, error)

    around(Records, "_receiving_failed", failed)


@mutant("TLS-19")
def data_at_hand_needs_no_checkpoint(_: Broken) -> None:
    """receive() with data in the buffers neither yields nor looks for a cancellation."""

    async def receive(original: Any, stream: Any, max_bytes: int = 65536) -> Any:
        if stream._ssl.pending() and not stream._receiving and not stream._closed:
            return stream._decrypt(max_bytes)
        return await original(stream, max_bytes)

    around(Stream, "receive", receive)


@mutant("TLS-19")
def sending_nothing_is_nothing(_: Broken) -> None:
    """send(b"") returns at once."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if stream._closed or len(item):
            await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-19")
def unwrapping_does_not_look(_: Broken) -> None:
    """unwrap() says farewell before it looks for a cancellation."""

    async def unwrap(original: Any, stream: Any) -> Any:
        try:
            stream._ssl.unwrap()
        except ssl.SSLError:
            pass
        return await original(stream)

    around(Stream, "unwrap", unwrap)


@mutant("TLS-23")
def closed_comes_before_cancelled_tls(_: Broken) -> None:
    """On a closed stream receive() does not look for a cancellation."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._closed:
            checking.check_size(*size or (1,))
            raise ClosedResourceError("closed")
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("TLS-23")
def broken_tls_comes_after_data(_: Broken) -> None:
    """A broken stream still gives the data that has arrived."""

    async def receive(original: Any, stream: Any, max_bytes: int = 65536) -> Any:
        if stream._broken is not None and not stream._closed:
            await checkpoint()
            data = await stream.transport_stream.receive()
            stream._incoming.write(data)
            return stream._decrypt(max_bytes)
        return await original(stream, max_bytes)

    around(Stream, "receive", receive)


@mutant("TLS-23")
def cancelled_comes_before_busy_tls(_: Broken) -> None:
    """receive() looks for a cancellation before it looks whether another task receives."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._receiving:
            await checkpoint_if_cancelled()
        return await original(stream, *size)

    around(Stream, "receive", receive)


@mutant("TLS-23")
def busy_comes_before_arguments_tls(_: Broken) -> None:
    """A second receiver with a wrong size is told that the stream is busy."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        if stream._receiving:
            raise BusyResourceError("receiving from")
        return await original(stream, *size)

    around(Stream, "receive", receive)
