"""One request and its response over a connection, with h11 as the parser (HTTP-3, HTTP-6 to HTTP-8).

The request's body is sent while the answer is waited for: a server that refuses a body answers before it has read it,
and closes. That answer, and not the broken connection, is what the caller wants to see.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import h11

from .._closing import aclose_forcefully
from .._tasks import create_task_group
from ..exceptions import BrokenResourceError, EndOfStream, HttpProtocolError, IncompleteRead
from ..protocols import ByteStream

_LONGEST_HEAD = 16384
_MOST_INTERIM = 20


class Exchange:
    """The state of one request and its response."""

    __slots__ = ("_connection", "_ended", "_stream")

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        self._ended = False

    async def request(
        self,
        method: str,
        path: str,
        headers: list[tuple[str, str]],
        body: bytes | AsyncIterable[bytes] | None,
    ) -> h11.Response:
        """Send a request and return the head of its response."""
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        try:
            head = h11.Request(method=method, target=path, headers=fields)
        except h11.LocalProtocolError as exc:
            raise ValueError(f"the request can't be made: {exc}") from None
        if body is None:
            await self._send(head)
            await self._send(h11.EndOfMessage())
            return await self._receive_head()
        heads: list[h11.Response] = []
        errors: list[BaseException] = []

        async def note(operation: Callable[[], Awaitable[None]]) -> None:
            # Errors are noted, so that they come out as they are and not in a group.
            try:
                await operation()
            except Exception as exc:
                errors.append(exc)
                if not isinstance(exc, BrokenResourceError):
                    group.cancel()

        async def send() -> None:
            await self._send(head)
            await self._send_body(body)

        async def receive() -> None:
            heads.append(await self._receive_head())
            if heads[0].status_code >= 400:
                group.cancel()  # it doesn't want the rest

        try:
            async with create_task_group(name="open_url") as group:
                group.start_soon(note, send)
                await note(receive)
            # An answer counts, also if the server had closed before it read the whole body.
            if heads and all(isinstance(error, BrokenResourceError) for error in errors):
                return heads[0]
            raise errors[0]
        finally:
            errors.clear()

    async def _send(self, event: Any) -> None:
        data = cast("bytes | None", self._connection.send(event))
        if data:
            await self._stream.send(data)

    async def _send_body(self, body: bytes | AsyncIterable[bytes]) -> None:
        if isinstance(body, bytes):
            await self._send(h11.Data(data=body))
            await self._send(h11.EndOfMessage())
            return
        async with AsyncExitStack() as stack:
            close = getattr(body, "aclose", None)
            if close is not None:
                stack.push_async_callback(close)
            try:
                async for piece in body:
                    if not isinstance(piece, bytes):
                        raise TypeError(f"body must give bytes, not {type(cast(object, piece)).__name__}")
                    await self._send(h11.Data(data=piece))
                await self._send(h11.EndOfMessage())
            except h11.LocalProtocolError as exc:
                raise ValueError(f"body does not have the length that Content-Length says: {exc}") from None

    async def _receive_head(self) -> h11.Response:
        for _ in range(_MOST_INTERIM):
            event = await self._next_event()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise HttpProtocolError("the server closed the connection without an answer")
        raise HttpProtocolError(f"the server sent more than {_MOST_INTERIM} interim answers")

    async def _next_event(self) -> Any:
        problem: str | None = None
        while True:
            try:
                event = self._connection.next_event()
            except h11.RemoteProtocolError as exc:
                problem = str(exc)
                break
            if event is not h11.NEED_DATA:
                return event
            try:
                data = await self._stream.receive()
            except EndOfStream:
                self._ended = True
                data = b""
            self._connection.receive_data(data)
        raise HttpProtocolError(f"the server broke the HTTP protocol: {problem}")

    async def receive(self) -> bytes | None:
        """Return the next piece of the body, at least one byte, or None after the last.

        Raises ``IncompleteRead`` if the connection ends before, ``HttpProtocolError``, and as the stream.
        """
        problem = ""
        while not problem:
            try:
                event = await self._next_event()
            except HttpProtocolError as exc:
                if not self._ended:
                    raise
                problem = str(exc)
                continue
            if isinstance(event, h11.Data):
                if event.data:
                    return bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return None
            else:
                raise HttpProtocolError("the connection was closed within the body")
        raise IncompleteRead(f"the connection ended before the body did: {problem}")

    async def abort(self) -> None:
        """Close the connection, whatever is under way, without waiting for anything."""
        await aclose_forcefully(self._stream)
