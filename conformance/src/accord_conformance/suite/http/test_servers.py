"""Requests by TCP and TLS, to servers of the standard library and to servers that just close."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import accord
from accord.abc import SocketAttribute
from accord.streams.buffered import BufferedByteStream
from accord.streams.tls import TLSStream
from accord_conformance.helpers import PATIENCE, open_descriptors, rule
from accord_conformance.suite.http.servers import answer, read_request
from accord_conformance.suite.tls.pairs import client_context, server_context

HOST = "127.0.0.1"


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with what it got."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the path."""
        self._answer(self.path.encode())

    def do_POST(self) -> None:
        """Answer with the body."""
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def standard_server() -> Generator[int, None, None]:
    """A server of the standard library in a thread, and its port."""
    with http.server.ThreadingHTTPServer((HOST, 0), Handler) as server:
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(PATIENCE)


@asynccontextmanager
async def tls_server(raw: bytes, *names: str) -> AsyncGenerator[int, None]:
    """A server that answers by TLS and closes the connection without a farewell, and its port."""

    async def handle(stream: accord.SocketStream) -> None:
        async with stream:
            tls = await TLSStream.wrap(stream, server_side=True, ssl_context=server_context(*names))
            await read_request(BufferedByteStream(tls))
            await tls.send(raw)

    listener = await accord.create_tcp_listener(local_host=HOST)
    async with listener, accord.create_task_group() as group:

        async def serve(*, task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
            await listener.serve(handle, task_status=task_status, on_error=lambda error: None)

        await group.start(serve)
        yield listener.extra(SocketAttribute.local_port)
        group.cancel()


@rule("HTTP-15")
async def test_a_standard_server() -> None:
    """Requests to a server of the standard library, several at once, with small and large bodies."""
    body = bytes(range(256)) * 4000
    with standard_server() as port:

        async def get(path: str) -> bytes:
            async with accord.open_url(f"http://{HOST}:{port}{path}") as response:
                return await response.read()

        answers = await accord.gather(*(get(f"/path/{number}") for number in range(5)))
        assert list(answers) == [f"/path/{number}".encode() for number in range(5)]
        async with accord.open_url(f"http://localhost:{port}/", method="POST", body=body) as response:
            assert await response.read() == body
            assert response.extra(SocketAttribute.remote_port) == port
        async with accord.open_url(f"http://{HOST}:{port}/", method="POST", body=body):
            pass


@rule("HTTP-15")
async def test_nobody_there() -> None:
    """A port that nobody listens at and a name that does not exist are ConnectionFailed."""
    async with await accord.create_tcp_listener(local_host=HOST) as listener:
        port = listener.extra(SocketAttribute.local_port)
    for url in (f"http://{HOST}:{port}/", f"https://{HOST}:{port}/", "http://does-not-exist.invalid/"):
        with pytest.raises(accord.ConnectionFailed) as caught:
            async with accord.open_url(url):
                pass
        assert isinstance(caught.value.__cause__, OSError)


@rule("HTTP-13")
async def test_https() -> None:
    """A certificate for the URL's host is accepted; a complete body needs no farewell."""
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    for raw in (answer(b"body"), chunked):
        async with tls_server(raw, "localhost", HOST) as port:
            for host in ("localhost", HOST):
                url = f"https://{host}:{port}/"
                async with accord.open_url(url, ssl_context=client_context()) as response:
                    assert await response.read() == b"body"
    async with tls_server(answer(b"body", length=9), HOST) as port:
        async with accord.open_url(f"https://{HOST}:{port}/", ssl_context=client_context()) as response:
            with pytest.raises(accord.IncompleteRead):
                await response.read()


@rule("HTTP-13")
async def test_certificates() -> None:
    """A certificate for another name, or of an unknown authority, is refused; the connection is closed."""
    async with tls_server(answer(b"body"), "other.example") as port:
        before = open_descriptors()
        contexts: list[Any] = [client_context(), None]
        for context in contexts:
            with pytest.raises(ssl.SSLCertVerificationError):
                async with accord.open_url(f"https://{HOST}:{port}/", ssl_context=context):
                    pass
        with accord.fail_after(PATIENCE):
            while open_descriptors() > before:
                await accord.sleep(0.001)


@rule("HTTP-13")
async def test_https_over_a_connectable() -> None:
    """Over a connectable https does TLS for the URL's host, wherever the connectable leads."""
    async with tls_server(answer(b"body"), "name.example") as port:
        place = accord.TCPConnectable(HOST, port)
        context = client_context()
        async with accord.open_url("https://name.example/", ssl_context=context, connectable=place) as response:
            assert await response.read() == b"body"
        with pytest.raises(ssl.SSLCertVerificationError):
            async with accord.open_url("https://other.example/", ssl_context=context, connectable=place):
                pass
