"""The response: its status, its header fields, and its body as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from email.message import Message
from typing import TYPE_CHECKING, Any, Self

from .._attributes import TypedAttributeProvider
from .._backends import current_backend, here
from .._mixins import Receiving
from ..exceptions import (
    BrokenResourceError,
    BusyResourceError,
    ClosedResourceError,
    EndOfStream,
    HttpBodyTooLarge,
    HttpProtocolError,
    HttpStatusError,
    IncompleteRead,
)
from ..streams.checking import attributes_of, check_size
from .headers import Headers

if TYPE_CHECKING:
    from .exchanges import Exchange


class UrlResponse(TypedAttributeProvider, Receiving[bytes]):
    """What a server answered; its body is a byte stream to receive from, and keeps the rules STREAM for that."""

    __slots__ = (
        "__weakref__",
        "_closed",
        "_ended",
        "_exchange",
        "_failure",
        "_left",
        "_max_body",
        "_receiving",
        "_seen",
        "_stream",
        "headers",
        "http_version",
        "reason",
        "status",
        "url",
    )

    def __init__(
        self,
        exchange: Exchange,
        stream: object,
        *,
        status: int,
        reason: str,
        headers: Headers,
        url: str,
        http_version: str,
        max_body: int | None,
    ) -> None:
        self.status = status
        """The status code, such as 200."""
        self.reason = reason
        """The server's text for it; may be empty."""
        self.headers = headers
        """The header fields, by name in any case."""
        self.url = url
        """Where the response came from, after redirections."""
        self.http_version = http_version
        """The version of HTTP that the server speaks, such as ``"1.1"``."""
        self._exchange = exchange
        self._stream = stream
        self._max_body = max_body
        self._left = b""
        self._seen = 0
        self._ended = False
        self._closed = False
        self._receiving = False
        self._failure: Callable[[], Exception] | None = None

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of the connection."""
        return attributes_of(self._stream)

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes of the body as soon as there are any; a checkpoint.

        Raises ``EndOfStream`` after the last; ``IncompleteRead`` if the connection ends before, ``HttpProtocolError``,
        ``HttpBodyTooLarge`` and ``BrokenResourceError``, and from then on each time; ``ClosedResourceError``,
        ``BusyResourceError``.
        """
        check_size(max_bytes)
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            if self._left or self._ended or self._closed or self._failure:
                backend = here.backend or current_backend()
                if backend.checkpoint_due():
                    await backend.checkpoint()
            if self._closed:
                raise ClosedResourceError("this response is closed")
            if self._failure is not None:
                raise self._failure()
            if not self._left:
                if not self._ended:
                    await self._fetch()
                if self._ended:
                    raise EndOfStream("the body has ended")
            data, self._left = self._left[:max_bytes], self._left[max_bytes:]
            return data
        finally:
            self._receiving = False

    async def _fetch(self) -> None:
        try:
            data = await self._exchange.receive()
        except (IncompleteRead, HttpProtocolError, BrokenResourceError) as exc:
            cls, text = type(exc), str(exc)
            self._failure = lambda: cls(text)
            raise
        if data is None:
            self._ended = True
            return
        self._seen += len(data)
        limit = self._max_body
        if limit is not None and self._seen > limit:
            self._failure = lambda: HttpBodyTooLarge(f"the body has more than {limit} bytes")
            raise self._failure()
        self._left = data

    async def read(self, limit: int | None = None) -> bytes:
        """Return the rest of the body; a checkpoint.

        Raises as ``receive``, where ``IncompleteRead`` carries what there was as ``partial``, and ``HttpBodyTooLarge``
        if there are more than ``limit`` bytes. What was received until then is lost if it is cancelled.

        :param limit: the most bytes to return; None for no limit but that of ``open_url``.
        """
        if limit is not None:
            check_size(limit, "limit", 0)
        pieces: list[bytes] = []
        size = 0
        failure: str | None = None
        while True:
            try:
                piece = await self.receive()
            except EndOfStream:
                break
            except IncompleteRead as exc:
                failure = str(exc)
                break
            size += len(piece)
            if limit is not None and size > limit:
                raise HttpBodyTooLarge(f"the body has more than {limit} bytes")
            pieces.append(piece)
        body = b"".join(pieces)
        if failure is not None:
            raise IncompleteRead(failure, body)
        return body

    async def text(self, encoding: str | None = None, *, errors: str = "strict") -> str:
        """Return the rest of the body as text; a checkpoint.

        Raises as ``read``, ``UnicodeDecodeError``, and ``LookupError`` for an unknown encoding.

        :param encoding: None for what the header field Content-Type says, or else UTF-8.
        :param errors: what happens to bytes that can't be decoded, as with ``bytes.decode``.
        """
        body = await self.read()
        return body.decode(encoding or self._charset(), errors)

    def _charset(self) -> str:
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        return message.get_content_charset("utf-8")

    def iter_bytes(self) -> AsyncIterator[bytes]:
        """Return an iterator over the pieces of the body, as they come."""
        return self

    def raise_for_status(self) -> Self:
        """Return the response itself, or raise ``HttpStatusError`` if its status is 400 or more."""
        if self.status >= 400:
            raise HttpStatusError(self.status, self.reason, self.url)
        return self

    async def aclose(self) -> None:
        """Close the connection, also if there is more of the body; idempotent, a checkpoint."""
        if not self._closed:
            self._closed = True
            self._left = b""
            await self._exchange.abort()
        await current_backend().checkpoint()

    def __repr__(self) -> str:
        return f"<UrlResponse {self.status} {self.url}>"
