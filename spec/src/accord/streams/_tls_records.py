"""Records between TLS, which does no I/O, and a transport, which knows no TLS.

OpenSSL speaks through two buffers in memory: what the transport received is written into one, and what is to be sent
is read from the other. So encrypting and decrypting never wait, and the only questions are who reads from the transport
and who sends on it, for a transport takes one of each at a time and a record must not be torn:

* Sending: whoever is at it (``_flushing``) goes on until nothing is left. A task that finds it so leaves its bytes to
  the other, or waits before it encrypts. Bytes that were encrypted and not sent can't be taken back, because records
  are numbered; so a send that is cut off breaks the stream.
* Receiving: mostly ``receive()`` reads. TLS may also have to read in order to send, in a renegotiation, and a stream
  that is being closed reads until the peer's farewell. Whoever comes second waits for news from the first.
* The peer may oblige us to answer (key updates, requests for a certificate). ``receive()`` sends such answers before it
  waits, but never waits for a sender in order to do so: the peer may be one that doesn't read before we do.
"""

from __future__ import annotations

import ssl

from .._attributes import TypedAttributeProvider
from .._time import move_on_after
from ..exceptions import AccordError, BrokenResourceError, ClosedResourceError, EndOfStream
from ..protocols import ByteStream
from ..sync import Event

READ_SIZES = (1 << 16, 1 << 18)
"""How much to read from the transport: four records, or after a read that was filled sixteen.

Much brings more in bulk, and costs a large piece of memory each time, which small messages don't need.
"""
"""How many bytes are asked of the transport at a time; many records are then decrypted in one go."""

RECORD = 1 << 14
"""The largest number of bytes of data in a record, by the standard."""

ANSWER_PATIENCE = 30.0
"""Seconds after which a peer that demands an answer and doesn't take it has broken the connection."""

ALERT_PATIENCE = 5.0
"""Seconds for telling the peer what was wrong."""

MAX_DISCARDED = 1 << 20
"""How many bytes that nobody wants any more are received in the hope of the peer's farewell."""

CLOSED = "this TLS stream is closed"
ENDED = "the peer ended the TLS stream"
TRUNCATED = "the connection ended without the peer having ended the TLS stream: what it sent may be cut off"
TORN = "a send on this TLS stream was cancelled or failed after its data was encrypted: nothing more can be sent"
PARTED = "unwrap() was cancelled or failed in the middle of the closing handshake"
UNANSWERED = "the peer demanded an answer of TLS and did not take it"
HANDSHAKE_CUT = "the connection ended during the TLS handshake"


class RecordStream(TypedAttributeProvider):
    """The state of a TLS stream, and how records get in and out."""

    __slots__ = (
        "__weakref__",
        "_broken",
        "_closed",
        "_ended",
        "_flushing",
        "_incoming",
        "_news",
        "_outgoing",
        "_read_size",
        "_reading",
        "_receiving",
        "_sending",
        "_ssl",
        "standard_compatible",
        "transport_stream",
    )

    def __init__(
        self,
        transport_stream: ByteStream,
        ssl_object: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        standard_compatible: bool,
    ) -> None:
        self.transport_stream = transport_stream
        """The stream below."""
        self.standard_compatible = standard_compatible
        """Whether the closing handshake is made, and its absence an error."""
        self._ssl = ssl_object
        self._incoming = incoming
        self._outgoing = outgoing
        self._broken: str | None = None
        self._closed = False
        self._ended = False
        self._receiving = False  # a task is in receive()
        self._sending = False  # a task is in send()
        self._read_size = READ_SIZES[0]
        self._reading = False  # a task other than the one in receive() reads from the transport
        self._flushing = False  # a task sends on the transport
        self._news: Event | None = None

    def _check_usable(self) -> None:
        if self._closed:
            raise ClosedResourceError(CLOSED)
        if self._broken is not None:
            raise BrokenResourceError(self._broken)

    def _break(self, message: str) -> None:
        """Note that the stream is broken, if it isn't yet, and forget what was to be sent."""
        if self._broken is None:
            self._broken = message
        self._outgoing.read()

    def _broken_by(self, exc: ssl.SSLError) -> BrokenResourceError:
        message = f"TLS failed: {exc.reason or exc.strerror or type(exc).__name__}"
        # What is to be sent stays: it is the alert that tells the peer.
        self._broken = self._broken or message
        return BrokenResourceError(message)

    def _receiving_failed(self, exc: AccordError) -> AccordError:
        """Return the exception that says what an exception of the transport means; perhaps the same."""
        if self._closed:
            return ClosedResourceError(CLOSED)
        if isinstance(exc, EndOfStream):
            # Decided here and not by OpenSSL, whose answer depends on the flags of the context.
            if self.standard_compatible:
                self._break(TRUNCATED)
                return BrokenResourceError(TRUNCATED)
            self._ended = True
            return EndOfStream("the connection ended")
        if isinstance(exc, BrokenResourceError):
            self._break(str(exc))
        return exc

    async def _wait_for_news(self) -> None:
        """Wait until the task that reads or sends has got somewhere."""
        news = self._news
        if news is None:
            news = self._news = Event()
        await news.wait()

    def _tell(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            news.set()

    async def _flush(self) -> None:
        """Send all that is to be sent; no other task may be at it."""
        self._flushing = True
        try:
            outgoing = self._outgoing
            while True:
                await self.transport_stream.send(outgoing.read())
                if not outgoing.pending:
                    return
        except BaseException as exc:
            if self._closed and isinstance(exc, AccordError):
                raise ClosedResourceError(CLOSED) from None
            if not isinstance(exc, ClosedResourceError):
                self._break(str(exc) if isinstance(exc, BrokenResourceError) else TORN)
            raise
        finally:
            self._flushing = False
            if self._news is not None:
                self._tell()

    async def _fill(self) -> None:
        """Read from the transport once; no other task may be at it."""
        self._reading = True
        try:
            self._incoming.write(await self.transport_stream.receive(READ_SIZES[0]))
        except (BrokenResourceError, ClosedResourceError, EndOfStream) as exc:
            failure = self._receiving_failed(exc)
            if failure is exc:
                raise
            raise failure from None
        finally:
            self._reading = False
            if self._news is not None:
                self._tell()

    async def _advance(self) -> None:
        """Let something more be read, by this task or by the one that is at it."""
        if self._receiving or self._reading:
            await self._wait_for_news()
        else:
            await self._fill()

    async def _answer(self) -> None:
        """Send what TLS owes the peer, in ``receive()``; a task that sends already does it in passing.

        Put off are cancellations, because a torn record would break the stream of a task that only wanted to receive.
        A peer that lets the answer wait for long has gone wrong.
        """
        if self._flushing:
            return
        if self._broken is not None:
            self._outgoing.read()
            return
        with move_on_after(ANSWER_PATIENCE, shield=True):
            await self._flush()
            return
        self._broken = UNANSWERED
        raise BrokenResourceError(UNANSWERED)

    async def _send_alert(self) -> None:
        """Tell the peer what was wrong, if that can be done."""
        if self._outgoing.pending and not self._flushing:
            with move_on_after(ALERT_PATIENCE):
                try:
                    await self._flush()
                except (AccordError, OSError):
                    pass  # it is told as well by the end of the connection

    async def _shake_hands(self) -> None:
        while True:
            try:
                self._ssl.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError:
                await self._send_alert()
                raise
            if self._outgoing.pending:
                await self._flush()
            if done:
                return
            try:
                self._incoming.write(await self.transport_stream.receive(READ_SIZES[0]))
            except EndOfStream:
                raise BrokenResourceError(HANDSHAKE_CUT) from None

    def _decrypt(self, max_bytes: int) -> bytes | None:
        """Return data of the records that have arrived, at most ``max_bytes``; None if there is none.

        Raises ``EndOfStream`` after the peer's farewell, and ``BrokenResourceError`` for what is no TLS.
        """
        read = self._ssl.read
        try:
            data = read(min(RECORD, max_bytes))
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            data = b""
        except ssl.SSLError as exc:
            raise self._broken_by(exc) from exc
        if not data:
            self._ended = True
            raise EndOfStream(ENDED)
        left = max_bytes - len(data)
        if not left or not self._incoming.pending:
            return data
        pieces = [data]
        try:
            while left and self._incoming.pending:
                data = read(min(RECORD, left))
                if not data:
                    self._ended = True
                    break
                pieces.append(data)
                left -= len(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError as exc:
            self._broken_by(exc)  # for the next one: what came before it is good
        return b"".join(pieces)

    async def _say_goodbye(self) -> None:
        """Send the closing alert, and receive until the peer's has come; its data is dropped, up to a limit."""
        discarded = 0
        said = False
        while True:
            # First what has arrived: OpenSSL takes data for an error when it looks for the peer's alert itself.
            ended = False
            try:
                while not ended:
                    data = self._ssl.read(RECORD)
                    discarded += len(data)
                    ended = not data
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLZeroReturnError:
                ended = True
            if not said:
                said = True
                try:
                    self._ssl.unwrap()
                except ssl.SSLWantReadError:
                    pass
            if self._outgoing.pending:
                await self._flush()
            if ended or discarded > MAX_DISCARDED:
                return
            await self._advance()

    async def _part(self) -> None:
        """Make the closing handshake, in which the peer has nothing left to say."""
        while True:
            try:
                self._ssl.unwrap()
                done = True
            except ssl.SSLWantReadError:
                done = False
            except ssl.SSLError as exc:
                failure = self._broken_by(exc)
                await self._send_alert()
                raise failure from exc
            if self._outgoing.pending:
                await self._flush()
            if done:
                return
            try:
                await self._fill()
            except EndOfStream:
                return  # not standard: the end of the connection will do
