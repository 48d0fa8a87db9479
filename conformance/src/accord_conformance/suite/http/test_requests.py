"""What is asked for: URLs, methods, header fields, bodies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from typing import Any

import pytest

import accord
from accord.streams.buffered import BufferedByteStream
from accord_conformance.helpers import rule
from accord_conformance.suite.http.servers import answer, read_request, serving


@rule("HTTP-1")
async def test_request_and_response() -> None:
    """A request is made as it was asked for, and the response has all its parts."""
    async with serving(answer(b"hello", "Server: here", status="404 Not There")) as server:
        async with accord.open_url("http://host/path?query#fragment", connectable=server) as response:
            assert (response.status, response.reason, response.http_version) == (404, "Not There", "1.1")
            assert response.headers["Server"] == "here"
            assert response.url == "http://host/path?query"
            assert await response.read() == b"hello"
            assert "404" in repr(response)
    assert server.requests[0].startswith("GET /path?query HTTP/1.1\r\n")
    assert server.connections == 1


@rule("HTTP-1")
async def test_interim_answers() -> None:
    """Answers that announce others are skipped."""
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    async with serving(interim + interim + answer(b"hello")) as server:
        async with accord.open_url("http://host/", connectable=server) as response:
            assert response.status == 200
            assert "link" not in response.headers


@rule("HTTP-1")
async def test_leaving_the_block() -> None:
    """The connection is closed however the block is left, with the body unread."""
    async with serving(answer(bytes(300_000)), answer(b"x"), answer(bytes(300_000))) as server:
        async with accord.open_url("http://host/", connectable=server) as response:
            await response.receive(1)
        with pytest.raises(accord.ClosedResourceError):
            await response.receive()
        with pytest.raises(KeyError):
            async with accord.open_url("http://host/", connectable=server):
                raise KeyError
        with accord.CancelScope() as scope:
            async with accord.open_url("http://host/", connectable=server) as response:
                scope.cancel()
                await response.read()
        assert scope.cancelled_caught


@rule("HTTP-2")
@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/path",
        "//host/path",
        "file:///etc/passwd",
        "ftp://host/",
        "http:///path",
        "http://",
        "http://user@host/",
        "http://user:secret@host/",
        "http://host\\@other/",
        "http://host:0/",
        "http://host:99999/",
        "http://host:port/",
        "http://ho st/",
        "http://host/a b",
        "http://host/a\r\nX: y",
        "http://host/a\nb",
        "http://host/\ta",
        "http://host/\x00",
        "http://host%2f/",
        "http://[::1/",
        "http://[::g]/",
        "http://a..b/",
    ],
)
async def test_wrong_urls(url: str) -> None:
    """A URL that may not be opened is refused by the call, and the error does not repeat a password."""
    with pytest.raises(ValueError) as caught:
        accord.open_url(url)
    assert str(caught.value)
    assert "secret" not in str(caught.value)


@rule("HTTP-2")
@pytest.mark.parametrize("url", [None, 5, b"http://host/"])
async def test_what_is_no_url(url: Any) -> None:
    """What is no str is a TypeError."""
    with pytest.raises(TypeError, match="url"):
        accord.open_url(url)


@rule("HTTP-2")
@pytest.mark.parametrize(
    ("url", "path", "host"),
    [
        ("HTTP://HOST", "/", "host"),
        ("http://host:80/a?b=c&d", "/a?b=c&d", "host"),
        ("http://host:8080?q", "/?q", "host:8080"),
        ("https://host:443/%20%C3%A4", "/%20%C3%A4", "host"),
        ("http://host/ä?ö#ü", "/%C3%A4?%C3%B6", "host"),
        ("http://straße.example/", "/", "xn--strae-oqa.example"),
        ("http://[::1]:8000/", "/", "[::1]:8000"),
    ],
)
async def test_urls(url: str, path: str, host: str) -> None:
    """Path and host are sent in ASCII, in the form that HTTP wants."""
    async with serving(answer()) as server:
        async with accord.open_url(url.replace("https", "http").replace(":443", ""), connectable=server):
            pass
    assert server.requests[0].startswith(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n")


@rule("HTTP-3")
async def test_fields() -> None:
    """The fields that are needed are there; the caller's take their place."""
    async with serving(answer(), answer(), answer()) as server:
        async with accord.open_url("http://host/", connectable=server):
            pass
        fields = [("accept", "text/plain"), ("X-Twice", "1"), ("X-Twice", " 2 "), ("Host", "other"), ("X", "ä")]
        async with accord.open_url("http://host/", headers=fields, connectable=server):
            pass
        async with accord.open_url("http://host/", method="POST", headers={"User-Agent": "me"}, connectable=server):
            pass
    first, second, third = ([line.lower() for line in request.split("\r\n")[1:-2]] for request in server.requests)
    assert {"host: host", "accept: */*", "accept-encoding: identity", "connection: close"} <= set(first)
    assert any(line.startswith("user-agent: ") for line in first)
    assert {"accept: text/plain", "x-twice: 1", "x-twice: 2", "host: other", "x: ä"} <= set(second)
    assert "accept: */*" not in second
    assert "host: host" not in second
    assert {"content-length: 0", "user-agent: me"} <= set(third)
    assert "content-length: 0" not in first


async def nothing() -> AsyncGenerator[bytes, None]:
    """A body without content."""
    return
    yield b""


@rule("HTTP-3")
async def test_wrong_requests() -> None:
    """Methods, fields and bodies that can't be sent are refused by the call."""
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"method": "GET /"}, ValueError),
        ({"method": "GET\r\nX: y"}, ValueError),
        ({"method": ""}, ValueError),
        ({"method": None}, TypeError),
        ({"method": "CONNECT"}, ValueError),
        ({"headers": {"X": "a\r\nY: b"}}, ValueError),
        ({"headers": {"X": "a\nb"}}, ValueError),
        ({"headers": {"X": "a\x00b"}}, ValueError),
        ({"headers": {"X": "\u20ac"}}, ValueError),
        ({"headers": {"X\r\nY": "a"}}, ValueError),
        ({"headers": {"X:": "a"}}, ValueError),
        ({"headers": {"": "a"}}, ValueError),
        ({"headers": {"X": 1}}, TypeError),
        ({"headers": {"Transfer-Encoding": "chunked"}}, ValueError),
        ({"headers": {"connection": "keep-alive"}}, ValueError),
        ({"headers": {"Upgrade": "websocket"}}, ValueError),
        ({"headers": {"Content-Length": "3"}, "body": b"abc"}, ValueError),
        ({"headers": {"Content-Length": "3"}}, ValueError),
        ({"headers": [("Host", "a"), ("host", "b")]}, ValueError),
        ({"headers": {"Content-Length": "three"}, "body": nothing()}, ValueError),
        ({"headers": [("Content-Length", "3"), ("content-length", "3")], "body": nothing()}, ValueError),
        ({"body": "text"}, TypeError),
        ({"body": [b"list"]}, TypeError),
        ({"max_redirects": -1}, ValueError),
        ({"max_redirects": True}, TypeError),
        ({"max_body": -1}, ValueError),
        ({"max_body": 1.5}, TypeError),
    ]
    for arguments, error in wrong:
        with pytest.raises(error):
            accord.open_url("http://host/", **arguments)


@rule("HTTP-7")
async def test_bodies() -> None:
    """Bytes are sent with their length, pieces in chunks or as Content-Length says."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"ab"
        yield b""
        await accord.sleep(0.001)
        yield b"cde"

    async with serving(answer(), answer(), answer()) as server:
        async with accord.open_url("http://host/", method="PUT", body=b"body", connectable=server):
            pass
        async with accord.open_url("http://host/", method="PUT", body=pieces(), connectable=server):
            pass
        length = {"Content-Length": "5"}
        async with accord.open_url("http://host/", method="PUT", body=pieces(), headers=length, connectable=server):
            pass
    first, second, third = (request.partition("\r\n\r\n") for request in server.requests)
    assert "\r\nContent-Length: 4" in first[0]
    assert first[2] == "body"
    assert "\r\nTransfer-Encoding: chunked" in second[0]
    assert second[2] == "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    assert "chunked" not in third[0]
    assert third[2] == "abcde"


@rule("HTTP-7")
@pytest.mark.parametrize("length", ["1", "100"])
async def test_bodies_of_another_length(length: str) -> None:
    """A body that has not the length that was announced is a ValueError."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"abc"

    async with serving(answer()) as server:
        opening = accord.open_url(
            "http://host/", method="PUT", body=pieces(), headers={"Content-Length": length}, connectable=server
        )
        with pytest.raises(ValueError, match="Content-Length"):
            async with opening:
                pass


@rule("HTTP-7")
async def test_errors_of_bodies() -> None:
    """What a body raises comes out as it is; a body that gives no bytes is a TypeError."""
    error = KeyError("mine")

    async def failing() -> AsyncGenerator[bytes, None]:
        yield b"abc"
        raise error

    async def wrong() -> AsyncGenerator[Any, None]:
        yield "text"

    async with serving(answer(), answer()) as server:
        with pytest.raises(KeyError) as caught:
            async with accord.open_url("http://host/", method="PUT", body=failing(), connectable=server):
                pass
        assert caught.value is error
        with pytest.raises(TypeError, match="bytes"):
            async with accord.open_url("http://host/", method="PUT", body=wrong(), connectable=server):
                pass


@rule("HTTP-7")
@pytest.mark.parametrize("close", [False, True])
async def test_bodies_that_are_refused(close: bool) -> None:
    """The answer to a body that the server refuses is received; the rest is not sent, and its generator is closed."""
    ended: list[str] = []

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield bytes(10_000)
        finally:
            ended.append("closed")

    async def refuse(stream: BufferedByteStream) -> None:
        await stream.receive_until(b"\r\n\r\n", 65536)
        await stream.send(answer(b"too large", status="413 No"))
        if close:
            await stream.aclose()

    async with serving(refuse, refuse) as server:
        bodies: list[Any] = [endless(), bytes(1_000_000)]
        for body in bodies:
            with accord.fail_after(5):
                async with accord.open_url("http://host/", method="PUT", body=body, connectable=server) as response:
                    assert response.status == 413
    assert ended == ["closed"]


@rule("HTTP-7")
async def test_bodies_that_are_wanted() -> None:
    """A body is sent to its end though a good answer has begun before."""

    async def hurry(stream: BufferedByteStream) -> None:
        await stream.send(answer(b"done"))
        requests.append(await read_request(stream))
        await stream.send_eof()

    async def pieces() -> AsyncGenerator[bytes, None]:
        for _ in range(5):
            await accord.sleep(0.001)
            yield b"ab"

    requests: list[str] = []
    async with serving(hurry) as server:
        async with accord.open_url("http://host/", method="PUT", body=pieces(), connectable=server) as response:
            assert await response.read() == b"done"
    assert requests[0].count("ab") == 5


@rule("HTTP-14")
def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without h11 the call says what to install; importing accord does not import h11."""
    opening = accord.open_url
    monkeypatch.setitem(sys.modules, "h11", None)
    with pytest.raises(ImportError, match=r"accord\[http\]"):
        opening("http://host/")
    program = "import sys, accord; accord.open_url; assert 'h11' not in sys.modules; print('done')"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "done\n"
