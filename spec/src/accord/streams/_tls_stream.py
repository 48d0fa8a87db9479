"""TLS streams (area TLS).

``TLSStream.wrap`` makes the handshake on a connected stream of any kind: a socket, a pair in memory, another TLS
stream. The closing handshake is kept by default, so that data which was cut off on its way is never taken for all of
it. Protocols that know by themselves when all has been said, as HTTP does, may do without it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Any, Self

from .._attributes import TypedAttributeSet, typed_attribute
from .._backends import current_backend, here
from .._closing import aclose_forcefully
from .._mixins import Receiving
from .._time import move_on_after
from ..exceptions import AccordError, BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from ..protocols import ByteStream
from ._tls_records import CLOSED, ENDED, PARTED, READ_SIZES, TORN, TRUNCATED, RecordStream
from ._tls_setup import check_standard_compatible, check_timeout, make_ssl_object
from .checking import attributes_of, check_item, check_size

PIECE = 1 << 18
"""How many bytes are encrypted at a time, so that a large item isn't in memory twice."""

_Certificate = dict[str, str | tuple[tuple[tuple[str, str], ...], ...] | tuple[tuple[str, str], ...]]


class TLSAttribute(TypedAttributeSet):
    """Attributes of TLS streams."""

    alpn_protocol: str | None = typed_attribute()
    """The protocol that was agreed upon by ALPN."""
    channel_binding_tls_unique: bytes | None = typed_attribute()
    """The channel binding ``tls-unique``; only before TLS 1.3."""
    cipher: tuple[str, str, int] = typed_attribute()
    """The cipher: its name, the version of TLS that defines it, its number of secret bits."""
    peer_certificate: _Certificate | None = typed_attribute()
    """The peer's certificate as ``ssl.SSLObject.getpeercert()`` has it; None if it sent none, empty if unverified."""
    peer_certificate_binary: bytes | None = typed_attribute()
    """The peer's certificate in DER form."""
    server_side: bool = typed_attribute()
    """Whether this is the server's side."""
    shared_ciphers: list[tuple[str, str, int]] | None = typed_attribute()
    """The ciphers that both sides have, on the server's side."""
    ssl_object: ssl.SSLObject = typed_attribute()
    """The ``ssl.SSLObject`` itself, for looking at; calling what changes it breaks the stream."""
    standard_compatible: bool = typed_attribute()
    """Whether the closing handshake is made, and its absence an error."""
    tls_version: str = typed_attribute()
    """The version of TLS, such as ``TLSv1.3``."""


class TLSStream(RecordStream, Receiving[bytes]):
    """A byte stream that is encrypted; made by ``wrap`` (area TLS).

    It has the typed attributes of ``TLSAttribute`` and those of the stream below.
    """

    __slots__ = ("_closing", "_shutdown_timeout", "_unwrapped")

    def __init__(
        self,
        transport_stream: ByteStream,
        ssl_object: ssl.SSLObject,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        standard_compatible: bool,
        shutdown_timeout: float,
    ) -> None:
        super().__init__(transport_stream, ssl_object, incoming, outgoing, standard_compatible)
        self._shutdown_timeout = shutdown_timeout
        self._closing = False
        self._unwrapped = False

    @classmethod
    async def wrap(
        cls,
        transport_stream: ByteStream,
        *,
        server_side: bool | None = None,
        hostname: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        standard_compatible: bool = True,
        shutdown_timeout: float = 5.0,
    ) -> Self:
        """Make the handshake on a connected stream and return the encrypted one, to which it belongs; a checkpoint.

        :param server_side: by default the server's side if ``ssl_context`` can only be a server's and there is no
            ``hostname``, the client's otherwise.
        :param hostname: the server's name or address, for which its certificate is checked. A client needs it, unless
            its context does not check host names.
        :param ssl_context: a server needs one. By default a client's own: the system's certificates, TLS 1.2 or newer.
        :param standard_compatible: make the closing handshake in ``aclose()``, and raise ``BrokenResourceError`` if the
            peer doesn't make it. Otherwise the end of the connection is the end of the stream.
        :param shutdown_timeout: seconds that ``aclose()`` waits for the peer in the closing handshake.

        Raises ``TypeError`` and ``ValueError`` for arguments that don't fit, before anything is done (TLS-2 to TLS-4).
        After that the stream below is closed if it fails or is cancelled: ``ssl.SSLCertVerificationError``, another
        ``ssl.SSLError``, or ``BrokenResourceError`` if the connection ends or breaks in the handshake (TLS-5).
        """
        check_standard_compatible(standard_compatible)
        shutdown_timeout = check_timeout(shutdown_timeout, "shutdown_timeout")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        ssl_object = make_ssl_object(incoming, outgoing, server_side, hostname, ssl_context)
        stream = cls(transport_stream, ssl_object, incoming, outgoing, standard_compatible, shutdown_timeout)
        try:
            await stream._shake_hands()
        except BaseException:
            await aclose_forcefully(transport_stream)
            raise
        return stream

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """See ``TypedAttributeProvider``; ``ClosedResourceError`` once closed."""
        if self._closed:
            raise ClosedResourceError(CLOSED)
        tls = self._ssl
        attributes: dict[Any, Callable[[], Any]] = {**attributes_of(self.transport_stream)}
        attributes[TLSAttribute.alpn_protocol] = tls.selected_alpn_protocol
        attributes[TLSAttribute.channel_binding_tls_unique] = tls.get_channel_binding
        attributes[TLSAttribute.cipher] = tls.cipher
        attributes[TLSAttribute.peer_certificate] = tls.getpeercert
        attributes[TLSAttribute.peer_certificate_binary] = lambda: tls.getpeercert(binary_form=True)
        attributes[TLSAttribute.server_side] = lambda: tls.server_side
        attributes[TLSAttribute.shared_ciphers] = lambda: tls.shared_ciphers() if tls.server_side else None
        attributes[TLSAttribute.ssl_object] = lambda: tls
        attributes[TLSAttribute.standard_compatible] = lambda: self.standard_compatible
        attributes[TLSAttribute.tls_version] = tls.version
        return attributes

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes, as many as have arrived; a checkpoint (TLS-6, TLS-7).

        If it is cancelled no bytes are lost. Raises ``EndOfStream`` after the peer has ended the stream, and
        ``BrokenResourceError`` if the connection ended without that (TLS-10), ``ClosedResourceError``,
        ``BusyResourceError``; ``TypeError`` or ``ValueError`` for a wrong ``max_bytes``.
        """
        if type(max_bytes) is not int or max_bytes < 1:
            check_size(max_bytes)
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            incoming = self._incoming
            if incoming.pending or self._ssl.pending() or self._ended or self._closed or self._broken is not None:
                backend = here.backend or current_backend()
                if backend.checkpoint_due():
                    await backend.checkpoint()
                self._check_receivable()
                data = self._decrypt(max_bytes)
                if data is not None:
                    return data
            while True:
                if self._outgoing.pending:
                    await self._answer()
                if self._reading:
                    await self._wait_for_news()
                    self._check_receivable()
                else:
                    try:
                        data = await self.transport_stream.receive(self._read_size)
                    except (BrokenResourceError, ClosedResourceError, EndOfStream) as exc:
                        failure = self._receiving_failed(exc)
                        if failure is exc:
                            raise
                        raise failure from None
                    incoming.write(data)
                    self._read_size = READ_SIZES[len(data) >= READ_SIZES[0]]
                    if self._closed:
                        raise ClosedResourceError(CLOSED)
                data = self._decrypt(max_bytes)
                if data is not None:
                    return data
                if self._news is not None:
                    self._tell()
        except BrokenResourceError:
            if self._outgoing.pending:
                await self._send_alert()
            raise
        finally:
            self._receiving = False
            if self._news is not None:
                self._tell()

    def _check_receivable(self) -> None:
        self._check_usable()
        if self._ended:
            raise EndOfStream(ENDED)

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send all of ``item``; a checkpoint (TLS-8, TLS-9).

        Cancelled before it begins to send it has no effect; cancelled later it breaks the stream, because a record that
        was cut can't be continued. Raises ``BrokenResourceError``, ``ClosedResourceError``, ``BusyResourceError``;
        ``TypeError`` for an item of another type. Data can be sent after the peer has ended its direction.
        """
        data = item if type(item) is bytes else check_item(item)
        if self._sending:
            if isinstance(data, memoryview):
                data.release()
            raise BusyResourceError("sending to")
        self._sending = True
        try:
            backend = here.backend or current_backend()
            if not data or self._closed or self._broken is not None or self._flushing or backend.checkpoint_due():
                await backend.checkpoint()
                await self._wait_for_turn()
            sent, size = 0, len(data)
            while sent < size:
                try:
                    sent += self._ssl.write(data) if size <= PIECE and not sent else self._write_piece(data, sent)
                except ssl.SSLWantReadError:
                    await self._renegotiate(sent)
                    continue
                except ssl.SSLError as exc:
                    raise self._broken_by(exc) from exc
                await self._flush()
                if sent < size:
                    self._check_usable()  # a receiver may have found out that the peer is gone
        finally:
            self._sending = False
            if isinstance(data, memoryview):
                data.release()

    async def _wait_for_turn(self) -> None:
        """Wait until the task in ``receive()`` has sent its answer, if it is at that."""
        self._check_usable()
        while self._flushing:
            await self._wait_for_news()
            self._check_usable()

    def _write_piece(self, data: bytes | memoryview, start: int) -> int:
        with memoryview(data)[start : start + PIECE] as piece:
            return self._ssl.write(piece)

    async def _renegotiate(self, sent: int) -> None:
        """Do what TLS 1.2 wants to have done before more can be encrypted."""
        try:
            if self._outgoing.pending:
                await self._wait_for_turn()
            if self._outgoing.pending:
                await self._flush()
            else:
                await self._advance()
            await self._wait_for_turn()
        except EndOfStream:
            self._break(TRUNCATED)
            raise BrokenResourceError(TRUNCATED) from None
        except BaseException:
            if sent:
                self._break(TORN)
            raise

    async def send_eof(self) -> None:
        """Raise ``NotImplementedError``: TLS before 1.3 can't end one direction only (TLS-12)."""
        raise NotImplementedError("a TLS stream can't end its sending direction alone; close it with aclose()")

    async def unwrap(self) -> tuple[ByteStream, bytes]:
        """Make the closing handshake and return the stream below, with what was received beyond; a checkpoint.

        The stream below belongs to the caller then, and this stream counts as closed (TLS-15). Raises
        ``BrokenResourceError`` if the peer sends data instead of its farewell, or had sent some that was not received;
        ``ClosedResourceError``; ``BusyResourceError`` while another task receives or sends. If it is cancelled the
        stream is broken.
        """
        if self._receiving:
            raise BusyResourceError("receiving from")
        if self._sending:
            raise BusyResourceError("sending to")
        self._receiving = self._sending = True
        try:
            await current_backend().checkpoint()
            self._check_usable()
            try:
                await self._part()
            except BaseException:
                if not self._closed:
                    self._break(PARTED)
                raise
            self._closed = self._unwrapped = True
            return self.transport_stream, self._incoming.read()
        finally:
            self._receiving = self._sending = False

    async def aclose(self) -> None:
        """Close the stream and the one below; idempotent, a checkpoint, and closes even if it is cancelled (TLS-13).

        In standard mode the closing handshake comes first: the peer is told, and its answer awaited for at most the
        ``shutdown_timeout`` of ``wrap``, while data that it sends is dropped. That is left out, so that the peer
        sees the data cut off, if another task is sending. Tasks that wait in this stream get ``ClosedResourceError``.
        """
        if self._unwrapped:
            await current_backend().checkpoint()
            return
        try:
            while self._closing:  # by another task
                await self._wait_for_news()
            if not self._closed:
                self._closed = True
                if self.standard_compatible and self._broken is None and not self._sending and not self._flushing:
                    self._closing = True
                    with move_on_after(self._shutdown_timeout):
                        await self._say_goodbye()
        except (AccordError, OSError):
            pass  # the connection broke: there is nobody to take leave of
        finally:
            try:
                await self.transport_stream.aclose()
            finally:
                self._closing = False
                self._tell()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open" if self._broken is None else "broken"
        return f"<TLSStream {state} on {self.transport_stream!r}>"
