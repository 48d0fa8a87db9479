"""What comes back: fields, bodies in every framing, and servers that break the rules."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

import accord
from accord.http import Headers
from accord.streams.buffered import BufferedByteStream
from accord.testing import byte_stream_checks
from accord_conformance.attempts import blocked
from accord_conformance.helpers import is_cancelled_by, rule
from accord_conformance.suite.http.servers import Server, answer, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.0 200 OK\r\n\r\n"


def opening(server: Server, **arguments: Any) -> Any:
    """A request to the server."""
    return accord.open_url("http://host/", connectable=server, **arguments)


@rule("HTTP-4")
async def test_header_fields() -> None:
    """Names are found in any case; several values are joined, and to be had one by one."""
    async with serving(answer(b"", "X-A: 1", "Set-Cookie: a", "x-a: 2", "set-cookie:  b ", "Y: \xe4")) as server:
        async with opening(server) as response:
            headers = response.headers
            assert isinstance(headers, Headers)
            assert headers["x-A"] == "1, 2"
            assert headers.get("SET-COOKIE") == "a, b"
            assert headers.get_all("Set-Cookie") == ["a", "b"]
            assert headers.get_all("none") == []
            assert headers.get("none") is None
            assert "content-LENGTH" in headers
            assert "none" not in headers
            assert headers["y"] == "ä"
            assert len(headers) == len(list(headers)) == 4
            assert ("X-A", "1") in headers.raw
            with pytest.raises(KeyError):
                headers["none"]


@rule("HTTP-5")
@pytest.mark.parametrize("size", [1, 7, None])
@pytest.mark.parametrize(
    "raw",
    [
        answer(b"some body"),
        CHUNKED + b"4\r\nsome\r\n5;extension\r\n body\r\n0\r\nTrailer: x\r\n\r\n",
        PLAIN + b"some body",
    ],
)
async def test_bodies(raw: bytes, size: int | None) -> None:
    """A body is the same in each framing, in pieces or whole, and followed by nothing."""
    async with serving(raw, raw, raw, raw, max_receive=size) as server:
        async with opening(server) as response:
            assert await response.read() == b"some body"
            assert await response.read() == b""
            with pytest.raises(accord.EndOfStream):
                await response.receive()
        async with opening(server) as response:
            assert b"".join([piece async for piece in response.iter_bytes()]) == b"some body"
        async with opening(server) as response:
            pieces = [piece async for piece in response]
            assert all(pieces)
            assert b"".join(pieces) == b"some body"
        async with opening(server) as response:
            received = b""
            while len(received) < 9:
                piece = await response.receive(2)
                assert 1 <= len(piece) <= 2
                received += piece
            assert received == b"some body"


@rule("HTTP-5")
async def test_text() -> None:
    """Text is decoded as the server says, as the caller says, or as UTF-8."""
    kinds = [
        (b"\xc3\xa4", (), None, "ä"),
        (b"\xe4", ("Content-Type: text/plain; charset=ISO-8859-1",), None, "ä"),
        (b"\xe4", ('content-type: text/plain; x=y; charset="latin-1"',), None, "ä"),
        (b"\xe4", ("Content-Type: text/plain; charset=utf-8",), "latin-1", "ä"),
    ]
    for body, fields, encoding, text in kinds:
        async with serving(answer(body, *fields)) as server:
            async with opening(server) as response:
                assert await response.text(encoding) == text
    async with serving(answer(b"\xe4"), answer(b"\xe4"), answer(b"x", "Content-Type: a/b; charset=none")) as server:
        async with opening(server) as response:
            with pytest.raises(UnicodeDecodeError):
                await response.text()
        async with opening(server) as response:
            assert await response.text(errors="replace") == "\ufffd"
        async with opening(server) as response:
            with pytest.raises(LookupError):
                await response.text()


@rule("HTTP-5")
async def test_responses_without_a_body() -> None:
    """The answer to HEAD, and those that have no body by their status, end at once."""
    head = answer(b"", length=100)
    async with serving(head, b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n") as server:
        for method in ("HEAD", "GET", "GET"):
            async with opening(server, method=method) as response:
                assert await response.read() == b""


@rule("HTTP-5")
@pytest.mark.parametrize(
    "name",
    ["wrong_sizes", "receives_what_is_there", "end_of_stream", "end_while_waiting", "iteration", "cancelled_receive"],
)
async def test_responses_are_streams(name: str) -> None:
    """A body that ends with the connection keeps the rules of byte streams."""
    (check,) = [check for check in byte_stream_checks() if check.name == name]

    async def scenario(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        await stream.send(PLAIN)
        ends.append(stream)
        await accord.sleep_forever()

    ends: list[BufferedByteStream] = []

    async def make() -> tuple[Any, Any]:
        context = opening(server)
        response = await context.__aenter__()
        contexts.append(context)
        return response, ends.pop()

    contexts: list[Any] = []
    with accord.CancelScope() as scope:
        async with serving(scenario) as server:
            await replace(check, both_ways=False).run(make)
            for context in contexts:
                await context.__aexit__(None, None, None)
            scope.cancel()


@rule("HTTP-5")
async def test_use_of_responses() -> None:
    """One task at a time; closing wakes it, is idempotent, and ends the use; cancelled calls take nothing."""

    async def slow(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        await stream.send(PLAIN + b"ab")

    async with serving(slow) as server, opening(server) as response:
        assert await response.receive(1) == b"a"
        assert await is_cancelled_by(response.receive)
        assert await response.receive() == b"b"
        async with accord.create_task_group() as group:
            attempt = await blocked(group, response.receive)
            with pytest.raises(accord.BusyResourceError):
                await response.receive()
            with pytest.raises(ValueError):
                await response.receive(0)
            await response.aclose()
        assert type(attempt.error) is accord.ClosedResourceError
        await response.aclose()
        assert await is_cancelled_by(response.aclose)
        for operation in (response.receive, response.read, response.text, response.__anext__):
            with pytest.raises(accord.ClosedResourceError):
                await operation()


@rule("HTTP-6")
@pytest.mark.parametrize("size", [1, None])
@pytest.mark.parametrize(
    "raw",
    [
        answer(b"some", length=9),
        CHUNKED + b"4\r\nsome\r\n5\r\n",
        CHUNKED + b"4\r\nsome\r\n",
        CHUNKED + b"9\r\nsome",
        CHUNKED + b"4\r\nsome\r\n0\r\n",
    ],
)
async def test_bodies_that_are_cut(raw: bytes, size: int | None) -> None:
    """What came of a body that is cut off is delivered, and then said to be incomplete, each time."""
    async with serving(raw, raw, max_receive=size) as server:
        async with opening(server) as response:
            with pytest.raises(accord.IncompleteRead) as caught:
                await response.read()
            assert caught.value.partial == b"some"
            for _ in range(2):
                with pytest.raises(accord.IncompleteRead):
                    await response.receive()
        received = b""
        async with opening(server) as response:
            with pytest.raises(accord.IncompleteRead):
                async for piece in response:
                    received += piece
        assert received == b"some"


@rule("HTTP-6")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/1.1 200",
        b"no HTTP at all\r\n\r\n",
        b"SSH-2.0-server\r\n" * 5 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n",
    ],
)
async def test_what_is_no_answer(raw: bytes) -> None:
    """An answer that is none is an HttpProtocolError with a text, which shows no other error."""
    async with serving(raw) as server:
        with pytest.raises(accord.HttpProtocolError) as caught:
            async with opening(server):
                pass
    assert str(caught.value)
    assert caught.value.__context__ is None


@rule("HTTP-6")
@pytest.mark.parametrize("raw", [CHUNKED + b"4\r\nsomeXX5\r\n", CHUNKED + b"4\r\nsome\r\nfive\r\n"])
async def test_wrong_chunks(raw: bytes) -> None:
    """Chunks that are wrong are an HttpProtocolError, each time."""
    async with serving(raw) as server:
        async with opening(server) as response:
            with pytest.raises(accord.HttpProtocolError):
                await response.read()
            with pytest.raises(accord.HttpProtocolError):
                await response.receive()


@rule("HTTP-6")
async def test_accidents() -> None:
    """A connection that breaks within a body is no end of the body."""

    async def break_off(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        await stream.send(PLAIN + b"some")
        ready.set()
        await received.wait()
        transport: Any = stream.receive_stream
        transport.reset()

    ready, received = accord.Event(), accord.Event()
    async with serving(break_off) as server:
        async with opening(server) as response:
            assert await response.receive() == b"some"
            received.set()
            for _ in range(2):
                with pytest.raises(accord.BrokenResourceError):
                    await response.receive()


@rule("HTTP-8")
@pytest.mark.parametrize(
    "piece", [b"X: " + b"y" * 10_000 + b"\r\n", b"X: y\r\n" * 1000, b"y" * 10_000], ids=["long", "many", "endless"]
)
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 "])
async def test_heads_without_end(start: bytes, piece: bytes) -> None:
    """A head that does not end is refused before it fills the memory."""

    async def pour(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        await stream.send(start)
        for _ in range(1000):
            await stream.send(piece)

    async with serving(pour) as server:
        with pytest.raises(accord.HttpProtocolError):
            async with opening(server):
                pass


@rule("HTTP-8")
async def test_interim_answers_without_end() -> None:
    """Interim answers without end are refused."""

    async def announce(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        while True:
            await stream.send(b"HTTP/1.1 102 Processing\r\n\r\n")

    async with serving(announce) as server:
        with pytest.raises(accord.HttpProtocolError), accord.fail_after(5):
            async with opening(server):
                pass


@rule("HTTP-8")
@pytest.mark.parametrize("raw", [answer(b"0123456789"), CHUNKED + b"4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"])
async def test_large_bodies(raw: bytes) -> None:
    """A body of the allowed size passes; of a larger one nothing beyond the limit is delivered."""
    async with serving(*[raw] * 5, max_receive=1) as server:
        async with opening(server, max_body=10) as response:
            assert await response.read() == b"0123456789"
        received = b""
        async with opening(server, max_body=9) as response:
            with pytest.raises(accord.HttpBodyTooLarge, match="9"):
                async for piece in response:
                    received += piece
            for _ in range(2):
                with pytest.raises(accord.HttpBodyTooLarge):
                    await response.receive()
        assert received == b"012345678"[: len(received)]
        async with opening(server) as response:
            assert await response.read(10) == b"0123456789"
        async with opening(server) as response:
            with pytest.raises(accord.HttpBodyTooLarge):
                await response.read(9)
        async with opening(server) as response:
            wrong: list[Any] = [-1, True, "1"]
            for limit in wrong:
                with pytest.raises((TypeError, ValueError), match="limit"):
                    await response.read(limit)


@rule("HTTP-11")
async def test_errors_by_status() -> None:
    """Only raise_for_status() raises because of a status, from 400 on."""
    for status, wrong in ((200, False), (304, False), (399, False), (400, True), (503, True), (599, True)):
        async with serving(answer(b"why", status=f"{status} Reason")) as server:
            async with accord.open_url("http://host/path", connectable=server) as response:
                if wrong:
                    with pytest.raises(accord.HttpStatusError) as caught:
                        response.raise_for_status()
                    error = caught.value
                    assert isinstance(error, accord.HttpError)
                    assert (error.status, error.reason, error.url) == (status, "Reason", "http://host/path")
                    assert str(error) == f"{status} Reason for http://host/path"
                    assert await response.read() == b"why"
                else:
                    assert response.raise_for_status() is response


@rule("HTTP-12")
@pytest.mark.parametrize("steps", range(8))
async def test_cancelled_requests(steps: int) -> None:
    """A request that is cancelled at any time leaves no connection open."""

    async def silent(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)

    async def ask(**arguments: Any) -> None:
        async with opening(server, **arguments):
            pass

    bodies: list[dict[str, Any]] = [{}, {"method": "PUT", "body": bytes(1_000_000)}]
    for arguments in bodies:
        async with serving(silent) as server, accord.create_task_group() as group:
            handle = group.start_soon(partial(ask, **arguments))
            for _ in range(steps):
                await accord.sleep(0)
            handle.cancel()
            await handle.wait()


@rule("HTTP-12")
async def test_servers_that_refuse() -> None:
    """A connection that can't be made is what the connectable says."""

    class Nowhere:
        async def connect(self) -> Any:
            raise accord.ConnectionFailed(None, "nobody there", "host", 80)

    with pytest.raises(accord.ConnectionFailed, match="nobody there"):
        async with accord.open_url("http://host/", connectable=Nowhere()):
            pass
