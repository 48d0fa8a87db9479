"""Redirections: which are followed, how, and what is not sent along."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

import accord
from accord_conformance.helpers import rule
from accord_conformance.suite.http.servers import Server, answer, serving

SECRET = {"Authorization": "secret", "Cookie": "secret", "Proxy-Authorization": "secret", "X-Mine": "mine"}


def to(location: str, status: int = 302, body: bytes = b"") -> bytes:
    """A redirection."""
    return answer(body, f"Location: {location}", status=f"{status} Elsewhere")


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> list[Server]:
    """Where every TCP connection leads: to the server that the test puts into the list."""
    servers: list[Server] = []

    async def connect(self: object) -> Any:
        return await servers[0].connect()

    monkeypatch.setattr("accord.net.connectables.TCPConnectable.connect", connect)
    return servers


@rule("HTTP-9")
async def test_redirections_are_responses() -> None:
    """Without max_redirects a redirection is a response; so is one without a Location."""
    async with serving(to("/other", body=b"see there"), answer(status="302 Where")) as server:
        async with accord.open_url("http://host/", connectable=server) as response:
            assert (response.status, response.headers["location"]) == (302, "/other")
            assert await response.read() == b"see there"
        async with accord.open_url("http://host/", connectable=server, max_redirects=1) as response:
            assert response.status == 302
    assert server.connections == 2


@rule("HTTP-9")
async def test_following() -> None:
    """Redirections are followed, relative ones too, and each connection is closed before the next one is made."""
    answers: list[Any] = [
        to("b?x#f", 301),
        to("../c d", 307),
        to("\xe4/"),
        to("/\xc3\xa4"),
        to("//host/e", 308),
        to("?y"),
        answer(b"here"),
    ]
    async with serving(*answers) as server:
        async with accord.open_url("http://host/dir/a", connectable=server, max_redirects=6) as response:
            assert await response.read() == b"here"
            assert response.url == "http://host/e?y"
    assert server.most_at_once == 1
    paths = [request.split()[1] for request in server.requests]
    assert paths == ["/dir/a", "/dir/b?x", "/c%20d", "/%C3%A4/", "/%C3%A4", "/e", "/e?y"]


@rule("HTTP-9")
async def test_too_many() -> None:
    """One redirection more than allowed is an error."""
    async with serving(*[to("/again")] * 3) as server:
        with pytest.raises(accord.HttpRedirectError, match="2"):
            async with accord.open_url("http://host/", connectable=server, max_redirects=2):
                pass
    assert server.connections == 3


@rule("HTTP-9")
@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (301, "PUT", "PUT"),
        (302, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
    ],
)
async def test_methods(status: int, method: str, then: str) -> None:
    """The method and the body that follow a redirection are those that its status asks for."""
    body = None if method == "HEAD" else b"body"
    fields = {"Content-Type": "text/plain", "X-Mine": "mine"}
    async with serving(to("/", status), answer()) as server:
        opening = accord.open_url(
            "http://host/", method=method, body=body, headers=fields, connectable=server, max_redirects=1
        )
        async with opening as response:
            assert response.status == 200
    request = server.requests[1]
    assert request.startswith(f"{then} / ")
    assert request.endswith("\r\n\r\nbody" if then == method and body else "\r\n\r\n")
    assert ("Content-Type" in request) == (then == method)
    assert "X-Mine" in request


@rule("HTTP-9")
async def test_bodies_that_can_be_sent_once() -> None:
    """A body that can't be sent again can't be redirected, unless it need not be sent."""

    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"abc"

    async with serving(to("/", 307), to("/", 303), answer(b"here")) as server:
        arguments: dict[str, Any] = {"method": "POST", "connectable": server, "max_redirects": 1}
        with pytest.raises(accord.HttpRedirectError):
            async with accord.open_url("http://host/", body=pieces(), **arguments):
                pass
        async with accord.open_url("http://host/", body=pieces(), **arguments) as response:
            assert await response.read() == b"here"


@rule("HTTP-9")
@pytest.mark.parametrize(
    "location", ["ftp://host/", "file:///etc/passwd", "http://user:secret@host/", "http://:80/", "//a b/"]
)
async def test_where_not_to_go(location: str) -> None:
    """A redirection to what may not be opened is an error, which repeats no password."""
    async with serving(to(location)) as server:
        with pytest.raises(accord.HttpRedirectError) as caught:
            async with accord.open_url("http://host/", connectable=server, max_redirects=1):
                pass
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, accord.HttpError)
    assert caught.value.__context__ is None


@rule("HTTP-10")
async def test_other_origins_with_a_connectable() -> None:
    """A connectable leads to one server only; to its own origin redirections are followed."""
    for location in ("http://other/", "http://host:81/", "https://host/"):
        async with serving(to(location)) as server:
            with pytest.raises(accord.HttpRedirectError):
                async with accord.open_url("http://host/", connectable=server, max_redirects=1):
                    pass
        assert server.connections == 1


@rule("HTTP-10")
@pytest.mark.parametrize("location", ["http://other/", "http://host:81/", "/same"])
async def test_credentials(location: str, everywhere: list[Server]) -> None:
    """Credentials are sent to the same origin only, everything else everywhere."""
    async with serving(to(location), answer()) as server:
        everywhere.append(server)
        headers = {**SECRET, "Host": "virtual"}
        async with accord.open_url("http://host/", headers=headers, max_redirects=1) as response:
            assert response.status == 200
    first, second = server.requests
    assert first.count("secret") == 3
    assert second.count("secret") == (3 if location == "/same" else 0)
    assert ("virtual" in second) == (location == "/same")
    assert "X-Mine: mine" in second


@rule("HTTP-10")
async def test_leaving_https(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirection from https to http is refused."""
    async with serving(to("http://host/")) as server:

        async def connect(self: object) -> Any:
            return await server.connect()

        monkeypatch.setattr("accord.net.connectables.TLSConnectable.connect", connect)
        with pytest.raises(accord.HttpRedirectError, match="https"):
            async with accord.open_url("https://host/", max_redirects=5):
                pass
    assert server.connections == 1
