"""Mutants of TLS: sending and receiving."""

from __future__ import annotations

import sys
from typing import Any

from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled
from accord.streams.tls import TLSStream

from .making import Broken, around, mutant, replace
from .waiting import checks_again

Stream: Any = TLSStream
Records: Any = TLSStream.__mro__[1]
stream_module: Any = sys.modules["accord.streams._tls_stream"]
records: Any = sys.modules["accord.streams._tls_records"]
setup: Any = sys.modules["accord.streams._tls_setup"]
checking: Any = sys.modules["accord.streams.checking"]


class _Proxy:
    """An SSL object of which some methods are others."""

    def __init__(self, tls: Any, **methods: Any) -> None:
        self.__dict__.update(methods)
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tls, name)


@mutant("TLS-6")
def one_record_at_a_time(_: Broken) -> None:
    """receive() returns no more than a record."""

    def decrypt(original: Any, stream: Any, max_bytes: int) -> Any:
        pending, stream._incoming = stream._incoming, _Empty()
        try:
            return original(stream, max_bytes)
        finally:
            stream._incoming = pending

    around(Records, "_decrypt", decrypt)


class _Empty:
    pending = 0


@mutant("TLS-6")
def rest_of_a_record_is_lost(_: Broken) -> None:
    """What of a record is beyond max_bytes is dropped."""

    def decrypt(original: Any, stream: Any, max_bytes: int) -> Any:
        data = original(stream, max_bytes)
        if stream._ssl.pending():
            stream._ssl.read(stream._ssl.pending())
        return data

    around(Records, "_decrypt", decrypt)


@mutant("TLS-6")
def receives_until_it_is_full(_: Broken) -> None:
    """receive() waits until it has max_bytes."""

    async def receive(original: Any, stream: Any, max_bytes: int = 65536) -> Any:
        data = await original(stream, max_bytes)
        while len(data) < max_bytes:
            data += await original(stream, max_bytes - len(data))
        return data

    around(Stream, "receive", receive)


@mutant("TLS-6")
def rest_of_a_record_waits_for_more(_: Broken) -> None:
    """What is left of a record comes out only when the transport has something new."""

    def receive(original: Any, stream: Any, *size: Any) -> Any:
        stream._ssl = _Proxy(stream._ssl, pending=lambda: 0)
        return original(stream, *size)

    around(Stream, "receive", receive)


@mutant("TLS-6")
def sizes_are_not_checked(_: Broken) -> None:
    """max_bytes may be anything."""

    def receive(original: Any, stream: Any, max_bytes: Any = 65536) -> Any:
        return original(stream, max(int(max_bytes), 1))

    around(Stream, "receive", receive)


@mutant("TLS-7")
def cancelled_after_decrypting(_: Broken) -> None:
    """receive() looks for a cancellation once more when it has the data."""
    checks_again(Stream, "receive")


@mutant("TLS-7")
def cancelled_receive_breaks(_: Broken) -> None:
    """A receive() that is cancelled leaves the stream broken."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except Exception:
            raise
        except BaseException:
            stream._break("cancelled")
            raise

    around(Stream, "receive", receive)


@mutant("TLS-7")
def cancelled_receive_forgets_the_rest(_: Broken) -> None:
    """A receive() that is cancelled throws away what was left of a record."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        try:
            return await original(stream, *size)
        except Exception:
            raise
        except BaseException:
            stream._ssl.read(stream._ssl.pending() or 1)
            raise

    around(Stream, "receive", receive)


@mutant("TLS-8")
def items_are_encrypted_at_once(_: Broken) -> None:
    """An item of any size is encrypted before anything is sent."""
    replace(stream_module, PIECE=1 << 40)


@mutant("TLS-8")
def only_the_first_piece_is_sent(_: Broken) -> None:
    """What is beyond the first piece of an item is forgotten."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, bytes(item)[: stream_module.PIECE] if isinstance(item, bytes) else item)

    around(Stream, "send", send)


@mutant("TLS-8")
def buffers_are_kept(_: Broken) -> None:
    """The view on a buffer is kept with the stream, so that it can't be resized."""
    kept: list[memoryview] = []

    async def send(original: Any, stream: Any, item: Any) -> None:
        if isinstance(item, bytearray):
            kept.append(memoryview(item))
        await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-8")
def items_are_counted_by_their_length(_: Broken) -> None:
    """Of a memoryview as many bytes are sent as it has items."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, bytes(item)[: len(item)])

    around(Stream, "send", send)


@mutant("TLS-8")
def text_is_encoded(_: Broken) -> None:
    """A str is sent as UTF-8."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        await original(stream, item.encode() if isinstance(item, str) else item)

    around(Stream, "send", send)


@mutant("TLS-8")
def sending_does_not_wait(_: Broken) -> None:
    """What the transport doesn't take at once is left in a buffer."""

    async def flush(original: Any, stream: Any) -> None:
        if stream._sending and getattr(stream.transport_stream, "_outgoing", None) is not None:
            direction = stream.transport_stream._outgoing
            direction.buffer += stream._outgoing.read()
            direction.wake_receiver()
            await checkpoint()
        else:
            await original(stream)

    around(Records, "_flush", flush)


@mutant("TLS-9")
def cancelled_send_is_forgotten(_: Broken) -> None:
    """A send() that is cancelled at work leaves the stream as if nothing had been."""

    def break_(original: Any, stream: Any, message: str) -> None:
        if message != records.TORN:
            original(stream, message)

    around(Records, "_break", break_)


@mutant("TLS-9")
def cancelled_send_breaks_one_direction(_: Broken) -> None:
    """After a cancelled send() it is still possible to receive."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        broken = stream._broken
        if broken == records.TORN:
            stream._broken = None
        try:
            return await original(stream, *size)
        finally:
            stream._broken = stream._broken or broken

    around(Stream, "receive", receive)


@mutant("TLS-9")
def encrypts_before_it_looks(_: Broken) -> None:
    """send() encrypts before it looks for a cancellation."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        if not stream._closed and stream._broken is None and len(item) and not stream._sending:
            stream._ssl.write(item)
            try:
                await checkpoint_if_cancelled()
            except BaseException:
                stream._break(records.TORN)
                raise
            await stream._flush()
        else:
            await original(stream, item)

    around(Stream, "send", send)


@mutant("TLS-9")
def rest_of_a_cancelled_send_goes_out_later(_: Broken) -> None:
    """What of a cancelled item was not sent goes on afterwards."""

    async def flush(original: Any, stream: Any) -> None:
        await cancel_shielded_checkpoint()
        data = stream._outgoing.read()
        stream._outgoing.write(data)
        try:
            await original(stream)
        except Exception:
            raise
        except BaseException:
            direction = getattr(stream.transport_stream, "_outgoing", None)
            if direction is not None:
                direction.buffer += data
            raise

    around(Records, "_flush", flush)
