"""``open_url``: check a request, connect, follow redirections, and close whatever happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .._closing import aclose_forcefully
from ..exceptions import HttpRedirectError
from ..net.connectables import TCPConnectable, TLSConnectable
from ..protocols import ByteStreamConnectable
from ..streams.checking import check_size
from .headers import Headers, HeadersLike, check_headers, check_token
from .responses import UrlResponse
from .urls import Target, follow, parse_url

if TYPE_CHECKING:
    import ssl

_REDIRECTIONS = {301, 302, 303, 307, 308}
_SECRETS = {"authorization", "cookie", "proxy-authorization", "host"}
_DEFAULTS = (("Accept", "*/*"), ("Accept-Encoding", "identity"), ("User-Agent", "accord"))
_BODILESS = ("GET", "HEAD", "OPTIONS", "TRACE", "DELETE")


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that was checked."""

    target: Target
    method: str
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterable[bytes] | None
    ssl_context: ssl.SSLContext | None
    connectable: ByteStreamConnectable | None
    max_body: int | None

    def all_headers(self) -> list[tuple[str, str]]:
        """Return what is sent: the caller's fields, and those that must be there."""
        given = {name.lower() for name, _ in self.headers}
        fields = [] if "host" in given else [("Host", self.target.authority)]
        fields += [field for field in _DEFAULTS if field[0].lower() not in given]
        fields += self.headers
        if isinstance(self.body, bytes):
            fields.append(("Content-Length", str(len(self.body))))
        elif self.body is not None:
            if "content-length" not in given:
                fields.append(("Transfer-Encoding", "chunked"))
        elif self.method not in _BODILESS:
            fields.append(("Content-Length", "0"))
        return [*fields, ("Connection", "close")]

    def connecting(self) -> ByteStreamConnectable:
        """Return what to connect to."""
        plain = self.connectable or TCPConnectable(self.target.host, self.target.port)
        if self.target.scheme == "http":
            return plain
        # Most servers leave out TLS's farewell; what is missing is found out by the framing of HTTP.
        return TLSConnectable(plain, hostname=self.target.host, ssl_context=self.ssl_context, standard_compatible=False)

    def redirected(self, status: int, headers: Headers) -> _Request:
        """Return the request that a redirection asks for; ``HttpRedirectError`` if it must not be made."""
        target, problem = self.target, ""
        try:
            target = follow(self.target, headers.get_all("location")[0])
        except ValueError as exc:
            problem = str(exc)
        if problem:
            raise HttpRedirectError(f"{self.target.url} redirects to what can't be opened: {problem}")
        if self.target.scheme == "https" and target.scheme == "http":
            raise HttpRedirectError(f"{self.target.url} redirects from https to http: {target.url}")
        fields = self.headers
        if target.origin != self.target.origin:
            if self.connectable is not None:
                raise HttpRedirectError(f"{self.target.url} redirects to another server, and a connectable was given")
            fields = [field for field in fields if field[0].lower() not in _SECRETS]
        method, body = self.method, self.body
        if (status == 303 and method != "HEAD") or (status in {301, 302} and method == "POST"):
            method, body = "GET", None
            fields = [field for field in fields if not field[0].lower().startswith("content-")]
        elif body is not None and not isinstance(body, bytes):
            raise HttpRedirectError(f"{self.target.url} redirects, and its body can't be sent a second time")
        return replace(self, target=target, method=method, headers=fields, body=body)


def open_url(
    url: str,
    *,
    method: str = "GET",
    headers: HeadersLike = (),
    body: bytes | AsyncIterable[bytes] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    connectable: ByteStreamConnectable | None = None,
    max_redirects: int = 0,
    max_body: int | None = None,
) -> AbstractAsyncContextManager[UrlResponse]:
    """Make an HTTP request, and give its response to a block (area HTTP).

    One connection, which is closed when the block is left. There are no timeouts but those of the scopes around it, no
    proxies, cookies or pools.

    :param url: ``http://`` or ``https://``, without user name and password.
    :param method: the method, in capitals.
    :param headers: header fields to send, as a mapping or as pairs.
    :param body: bytes, or an async iterable of bytes, which is sent in chunks unless there is a Content-Length, and
        closed if it is a generator.
    :param ssl_context: for https; by default one that verifies certificates.
    :param connectable: what to connect to instead of the URL's host and port; https does TLS over it.
    :param max_redirects: how many redirections are followed; with 0 a redirection is a response as any other.
    :param max_body: how many bytes the response's body may have; None for no limit.

    Raises ``TypeError`` and ``ValueError`` for wrong arguments, and ``ImportError`` if h11 is missing, at once.
    Entering raises ``ConnectionFailed``, ``ssl.SSLError``, ``HttpProtocolError``, ``HttpRedirectError`` and
    ``BrokenResourceError``; what ``body`` raises comes out as it is.
    """
    if find_spec("h11") is None:
        raise ImportError("open_url() needs h11: pip install 'accord[http]'", name="h11")
    target = parse_url(url)
    if check_token(method, "method") == "CONNECT":
        raise ValueError("method must not be CONNECT: open_url() makes requests and no tunnels")
    fields = check_headers(headers)
    if isinstance(body, str) or not (body is None or isinstance(body, bytes | AsyncIterable)):
        raise TypeError(f"body must be bytes, an async iterable or None, not {type(body).__name__}")
    if isinstance(body, bytes | None) and any(name.lower() == "content-length" for name, _ in fields):
        raise ValueError("header field Content-Length can be set for an async iterable only")
    check_size(max_redirects, "max_redirects", 0)
    if max_body is not None:
        check_size(max_body, "max_body", 0)
    request = _Request(target, method, fields, body, ssl_context, connectable, max_body)
    return _opened(request, max_redirects)


@asynccontextmanager
async def _opened(request: _Request, max_redirects: int) -> AsyncGenerator[UrlResponse, None]:
    left = max_redirects
    while True:
        response = await _respond(request)
        try:
            if not max_redirects or response.status not in _REDIRECTIONS or "location" not in response.headers:
                yield response
                return
            if not left:
                raise HttpRedirectError(f"more than {max_redirects} redirections, the last by {request.target.url}")
            left -= 1
            request = request.redirected(response.status, response.headers)
        finally:
            await aclose_forcefully(response)


async def _respond(request: _Request) -> UrlResponse:
    from .exchanges import Exchange

    stream = await request.connecting().connect()
    try:
        exchange = Exchange(stream)
        head = await exchange.request(request.method, request.target.path, request.all_headers(), request.body)
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers.raw_items())
        return UrlResponse(
            exchange,
            stream,
            status=head.status_code,
            reason=head.reason.decode("latin-1"),
            headers=headers,
            url=request.target.url,
            http_version=head.http_version.decode("ascii"),
            max_body=request.max_body,
        )
    except BaseException:
        await aclose_forcefully(stream)
        raise
