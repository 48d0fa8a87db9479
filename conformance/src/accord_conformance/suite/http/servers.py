"""A server in memory that gives prepared answers, and what it takes to look at them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import accord
from accord.streams.buffered import BufferedByteStream
from accord.testing import MemoryByteStream, memory_byte_stream_pair

Answer = bytes | Callable[[BufferedByteStream], Awaitable[object]]
"""What a server sends and then closes, or a function that does something else instead of reading a request."""


def answer(body: bytes = b"", *fields: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole response, with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *fields]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class Server:
    """A connectable: each connection gets the next answer."""

    def __init__(self, group: accord.TaskGroup, answers: tuple[Answer, ...], max_receive: int | None) -> None:
        self.requests: list[str] = []
        """The requests as they came."""
        self.closed = 0
        """How many connections were closed by the client."""
        self.connections = 0
        """How many connections were made."""
        self.most_at_once = 0
        """How many of them were open at the same time."""
        self._clients: list[MemoryByteStream] = []
        self._group = group
        self._answers = list(answers)
        self._max_receive = max_receive

    async def connect(self) -> MemoryByteStream:
        """Make a connection in memory."""
        await accord.lowlevel.checkpoint()
        near, far = memory_byte_stream_pair()
        near.max_receive = self._max_receive
        self.connections += 1
        self._clients = [client for client in [*self._clients, near] if is_open(client)]
        self.most_at_once = max(self.most_at_once, len(self._clients))
        self._group.start_soon(self._serve, far, self._answers.pop(0))
        return near

    async def _serve(self, far: MemoryByteStream, what: Answer) -> None:
        async with BufferedByteStream(far) as stream:
            try:
                if isinstance(what, bytes):
                    self.requests.append(await read_request(stream))
                    await stream.send(what)
                    await stream.send_eof()
                else:
                    await what(stream)
                async for _ in stream:
                    pass
            except (accord.BrokenResourceError, accord.ClosedResourceError, accord.IncompleteRead):
                pass  # one of both went away
            self.closed += 1


def is_open(stream: MemoryByteStream) -> bool:
    """Whether a stream was not closed by its owner."""
    try:
        return stream.extra_attributes is not None
    except accord.ClosedResourceError:
        return False


async def read_request(stream: BufferedByteStream) -> str:
    """Read a whole request and return it as text."""
    head = (await stream.receive_until(b"\r\n\r\n", 65536)).decode("latin-1") + "\r\n\r\n"
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    body = b""
    if "content-length" in fields:
        body = await stream.receive_exactly(int(fields["content-length"]))
    elif "transfer-encoding" in fields:
        size = 1
        while size:
            line = await stream.receive_until(b"\r\n", 100)
            size = int(line, 16)
            body += line + b"\r\n" + await stream.receive_exactly(size + 2)
    return head + body.decode("latin-1")


@asynccontextmanager
async def serving(*answers: Answer, max_receive: int | None = None) -> AsyncGenerator[Server, None]:
    """A server with these answers; the client has to have closed all its connections at the end."""
    async with accord.create_task_group() as group:
        server = Server(group, answers, max_receive)
        yield server
        with accord.move_on_after(5) as scope:
            while server.closed < server.connections:
                await accord.sleep(0.001)
        group.cancel()
    assert not scope.cancelled_caught, "the client left a connection open"
