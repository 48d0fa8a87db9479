"""TLS over TCP, with peers that other people have written: the blocking ``ssl`` module, and OpenSSL's own program."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import accord
from accord import to_thread
from accord.abc import SocketAttribute
from accord.streams.tls import TLSAttribute, TLSStream
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, rule, untestable
from accord_conformance.suite.networking.pairs import HOST, pattern

from .pairs import NAME, as_client, as_server, authority, certificate, client_context, server_context

Script = Callable[[ssl.SSLSocket], Any]

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@asynccontextmanager
async def _with_blocking_server(
    script: Script, context: ssl.SSLContext, **options: Any
) -> AsyncGenerator[tuple[TLSStream, Attempt[Any]]]:
    """A client's stream to a server in a thread, which runs ``script``; and how that goes."""

    def serve() -> Any:
        connection, _ = listener.accept()
        connection.settimeout(PATIENCE)
        with context.wrap_socket(connection, server_side=True, suppress_ragged_eofs=False) as tls:
            return script(tls)

    with _listening() as listener:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, lambda: to_thread.run_sync(serve))
            transport = await accord.connect_tcp(HOST, listener.getsockname()[1])
            async with await as_client(transport, **options)() as stream:
                yield stream, attempt


@asynccontextmanager
async def _with_blocking_client(
    script: Script, context: ssl.SSLContext, **options: Any
) -> AsyncGenerator[tuple[TLSStream, Attempt[Any]]]:
    """A server's stream for a client in a thread, which runs ``script``; and how that goes."""

    def connect() -> Any:
        connection = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
        with context.wrap_socket(connection, server_hostname=NAME, suppress_ragged_eofs=False) as tls:
            return script(tls)

    with _listening() as listener:
        async with accord.create_task_group() as group:
            attempt = Attempt(group, lambda: to_thread.run_sync(connect))
            async with await as_server(await _accept(listener), **options)() as stream:
                yield stream, attempt


def _listening() -> socket.socket:
    listener = socket.create_server((HOST, 0))
    listener.settimeout(PATIENCE)
    return listener


async def _accept(listener: socket.socket) -> accord.SocketStream:
    connection, _ = await to_thread.run_sync(listener.accept)
    return await accord.SocketStream.from_socket(connection)


def _converse(tls: ssl.SSLSocket) -> tuple[bytes, bytes, str | None]:
    """Get a question, answer it, get the farewell, say farewell."""
    protocol = tls.selected_alpn_protocol()
    question = tls.recv(100)
    tls.sendall(b"answer")
    end = tls.recv(100)
    tls.unwrap()
    return question, end, protocol


def _limited(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["other", "conversation"])
    return context


@rule("TLS-1", "TLS-13", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_conversation_with_a_server(version: ssl.TLSVersion) -> None:
    """A server in a thread gets the question, and a farewell that it accepts; ALPN is agreed upon."""
    context = client_context()
    context.set_alpn_protocols(["conversation"])
    async with _with_blocking_server(
        _converse, _limited(server_context(), version), ssl_context=context, shutdown_timeout=PATIENCE
    ) as (stream, peer):
        assert stream.extra(TLSAttribute.tls_version) == version.name.replace("_", ".")
        assert stream.extra(TLSAttribute.alpn_protocol) == "conversation"
        assert stream.extra(SocketAttribute.remote_address)[0] == HOST
        await stream.send(b"question")
        assert await stream.receive() == b"answer"
    assert peer.value == (b"question", b"", "conversation"), peer.error


@rule("TLS-1", "TLS-13", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_conversation_with_a_client(version: ssl.TLSVersion) -> None:
    """So too with a client in a thread, which shows a certificate."""
    contexts = _limited(client_context(), version), server_context()
    certificate("someone@client.example").configure_cert(contexts[0])
    authority().configure_trust(contexts[1])
    contexts[1].verify_mode = ssl.CERT_REQUIRED
    contexts[1].set_alpn_protocols(["conversation"])
    async with _with_blocking_client(_converse, contexts[0], ssl_context=contexts[1], shutdown_timeout=PATIENCE) as (
        stream,
        peer,
    ):
        assert stream.extra(TLSAttribute.tls_version) == version.name.replace("_", ".")
        shown = stream.extra(TLSAttribute.peer_certificate)
        assert shown is not None
        assert shown["subjectAltName"] == (("email", "someone@client.example"),)
        await stream.send(b"question")
        assert await stream.receive() == b"answer"
    assert peer.value == (b"question", b"", "conversation"), peer.error


@rule("TLS-11", "TLS-13", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_peer_that_says_farewell_first(version: ssl.TLSVersion) -> None:
    """After the farewell of a real peer there is EndOfStream, and the answer to it satisfies the peer."""

    def script(tls: ssl.SSLSocket) -> bytes:
        tls.sendall(b"last words")
        with tls.unwrap() as plain:  # waits for the other side's farewell
            return plain.recv(100)

    async with _with_blocking_server(script, _limited(server_context(), version)) as (stream, peer):
        assert [chunk async for chunk in stream] == [b"last words"]
    assert peer.value == b"", peer.error


@rule("TLS-10", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("standard_compatible", [True, False])
async def test_peer_that_closes_its_socket(version: ssl.TLSVersion, standard_compatible: bool) -> None:
    """A real peer that closes its socket without a farewell has truncated the stream, in either role."""

    def script(tls: ssl.SSLSocket) -> None:
        tls.sendall(b"data")
        assert tls.recv(100) == b"thanks"
        socket.socket(fileno=tls.detach()).close()

    error = accord.BrokenResourceError if standard_compatible else accord.EndOfStream
    contexts = _limited(server_context(), version), _limited(client_context(), version)
    for connect, context in zip((_with_blocking_server, _with_blocking_client), contexts, strict=True):
        async with connect(script, context, standard_compatible=standard_compatible) as (stream, peer):
            assert await stream.receive() == b"data"
            await stream.send(b"thanks")
            for _ in range(2):
                with pytest.raises(error):
                    await stream.receive()
        assert peer.outcome == "returned", peer.error


@rule("TLS-10", needs=["readiness"])
async def test_own_truncation_is_noticed() -> None:
    """A stream that is closed without farewell is a truncation for the peer."""

    def script(tls: ssl.SSLSocket) -> bytes:
        return tls.recv(100)

    context = server_context()
    context.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    async with _with_blocking_server(script, context, standard_compatible=False) as (_, peer):
        pass
    assert isinstance(peer.error, ssl.SSLEOFError | ConnectionResetError)


@rule("TLS-8", "TLS-16", "TLS-17", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_peer_that_sends_all_before_it_receives(version: ssl.TLSVersion) -> None:
    """With a peer that does one after the other, a task for each direction gets everything through."""
    data = pattern(4_000_000)

    def script(tls: ssl.SSLSocket) -> bytes:
        tls.sendall(data)
        received = bytearray()
        while len(received) < len(data):
            received += tls.recv(1_000_000)
        return bytes(received)

    for connect, context in (
        (_with_blocking_server, _limited(server_context(), version)),
        (_with_blocking_client, _limited(client_context(), version)),
    ):
        async with connect(script, context, standard_compatible=False) as (stream, peer):
            received = bytearray()
            async with accord.create_task_group() as group:
                group.start_soon(stream.send, data)
                while len(received) < len(data):
                    received += await stream.receive()
            await peer.handle.wait()
        assert received == data
        assert peer.value == data, peer.error


@rule("TLS-17", needs=["readiness"])
@pytest.mark.parametrize("version", VERSIONS)
async def test_sessions_are_resumed(version: ssl.TLSVersion) -> None:
    """A client gets the ticket that comes after the handshake, and resumes the session with it."""
    contexts = _limited(client_context(), version), server_context()
    sessions: list[Any] = []
    reused: list[bool | None] = []

    def connect() -> None:
        connection = socket.create_connection(listener.getsockname(), timeout=PATIENCE)
        session = sessions[-1] if sessions else None
        with contexts[0].wrap_socket(connection, server_hostname=NAME, session=session) as tls:
            tls.sendall(b"question")
            assert tls.recv(100) == b"answer"
            sessions.append(tls.session)
            reused.append(tls.session_reused)

    with _listening() as listener:
        for _ in range(2):
            async with accord.create_task_group() as group:
                peer = Attempt(group, lambda: to_thread.run_sync(connect))
                wrap = as_server(await _accept(listener), ssl_context=contexts[1], standard_compatible=False)
                async with await wrap() as stream:
                    assert await stream.receive() == b"question"
                    await stream.send(b"answer")
                    await peer.handle.wait()
            assert peer.outcome == "returned", peer.error
    assert reused == [False, True]


class _OpenSSL:
    """The program ``openssl s_server``: lines of its input are sent, or are commands; it prints what it receives.

    A thread of its own reads what it prints: a program that waits for its reader would answer nobody.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.input: IO[bytes] = process.stdin
        self.output: IO[bytes] = process.stdout
        self.lines: list[bytes] = []
        self.ended = False
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.output:
            self.lines.append(line)
        self.ended = True

    def tell(self, line: bytes) -> None:
        """Give it a line of input: what comes first in a read of its own is taken for a command."""
        self.input.write(line + b"\n")
        self.input.flush()

    async def until(self, text: bytes, *, count: int = 1) -> bytes:
        """Wait until ``count`` of the lines that it printed have ``text`` in them; the last of these."""
        with accord.fail_after(PATIENCE):
            while len(found := [line for line in self.lines if text in line]) < count:
                assert not self.ended, f"openssl ended without saying {text!r}"
                await accord.sleep(0.005)
        return found[-1]

    def close(self) -> None:
        """End the program, and the thread that reads."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.input.close()
        self.output.close()


@asynccontextmanager
async def _openssl(folder: Path, *options: str) -> AsyncGenerator[tuple[_OpenSSL, int]]:
    program = shutil.which("openssl")
    if program is None:
        untestable("the program openssl is not installed")
    pem = folder / "server.pem"
    pem.write_bytes(certificate(NAME).private_key_and_cert_chain_pem.bytes())
    command = [program, "s_server", "-accept", f"{HOST}:0", "-cert", str(pem), "-naccept", "1", "-msg", *options]
    server = _OpenSSL(
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    )
    try:
        line = (await server.until(b"ACCEPT")).strip()
        if b":" not in line:
            untestable("this openssl does not say on which port it listens")
        yield server, int(line.rpartition(b":")[2])
    finally:
        server.close()


@rule("TLS-17", needs=["readiness"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("patience", [PATIENCE, 0.001])
async def test_openssl_wants_new_keys(tmp_path: Path, version: str, patience: float) -> None:
    """OpenSSL renegotiates, or updates its keys, while a task receives, with short timeouts too, and another sends."""
    command, answer, answers = {
        "-tls1_2": (b"r", b"<<< TLS 1.2, Handshake [length 0010], Finished", 1),  # one of the first handshake
        "-tls1_3": (b"K", b"<<< TLS 1.3, Handshake [length 0005]", 0),
    }[version]
    stop = accord.Event()
    received = bytearray()

    async def send() -> int:
        count = 0
        while not stop.is_set():
            count += 1
            await stream.send(b"line %d\n" % count)
            await accord.sleep(0.002)
        await stream.send(b"the end\n")
        return count

    async def receive(text: bytes) -> None:
        while not received.endswith(text):
            with accord.move_on_after(patience):
                received.extend(await stream.receive())

    async with _openssl(tmp_path, version) as (server, port):
        stream = await as_client(await accord.connect_tcp(HOST, port), standard_compatible=False)()
        async with stream, accord.create_task_group() as group:
            sender = group.start_soon(send)
            for number in range(3):
                receiver = group.start_soon(receive, b"mark %d\n" % number)
                server.tell(command)
                answers += 1
                await server.until(answer, count=answers)
                server.tell(b"mark %d" % number)
                with accord.fail_after(PATIENCE):
                    await receiver.wait()
            stop.set()
            await server.until(b"the end")
        assert received == b"mark 0\nmark 1\nmark 2\n"
        lines = [line for line in server.lines if line.startswith(b"line ")]
        assert lines == [b"line %d\n" % number for number in range(1, sender.return_value + 1)]
