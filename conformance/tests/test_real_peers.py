"""Networking with programs that are not ours: curl, openssl, nc."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trustme

import accord
from accord.abc import ByteStream, SocketAttribute
from accord.streams.tls import TLSListener

HOST = "127.0.0.1"
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "h11_server.py"
PATIENCE = 30.0


@pytest.fixture(params=["asyncio", "trio"])
def backend(request: pytest.FixtureRequest) -> str:
    """The backends of ours."""
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the server's certificate."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file with certificate and key, and one with the authority's certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    own, trusted = folder / "server.pem", folder / "authority.pem"
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(own))
    authority.cert_pem.write_to_path(str(trusted))
    return own, trusted


def tool(name: str) -> str:
    """Return where a program is; the test is skipped if it isn't installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


async def talk(command: Sequence[str], text: bytes = b"") -> bytes:
    """Run a program with some input, and return its output."""
    run = partial(subprocess.run, command, input=text, capture_output=True, timeout=PATIENCE, check=True)
    return bytes((await accord.to_thread.run_sync(run)).stdout)


async def echo(stream: ByteStream) -> None:
    """Send everything back."""
    async with stream:
        async for data in stream:
            await stream.send(data)


@asynccontextmanager
async def serving(listener: Any) -> AsyncGenerator[int, None]:
    """Serve the echo; the value is the port."""
    async with listener, accord.create_task_group() as group:
        await group.start(listener.serve, echo)
        with accord.fail_after(PATIENCE):
            yield listener.extra(SocketAttribute.local_port, 0)
        group.cancel()


@contextmanager
def example(backend: str, *arguments: str) -> Generator[str, None, None]:
    """The example of an HTTP server in a process of its own; the value is its address."""
    command = [sys.executable, str(EXAMPLE), "--backend", backend, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        stop = threading.Timer(PATIENCE, server.kill)
        stop.start()
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            stop.cancel()
            server.kill()


def test_curl(backend: str) -> None:
    """The program curl gets answers to several requests on one connection, and to one with a large body."""
    curl = tool("curl")
    with example(backend) as address:
        urls = [f"{address}/{number}" for number in range(3)]
        found = subprocess.run([curl, "-sS", *urls], capture_output=True, timeout=PATIENCE, check=True, text=True)
        assert found.stdout == "".join(f"GET /{number} with 0 bytes\n" for number in range(3))
        command = [curl, "-sS", "--data-binary", "@-", "-H", "Expect: 100-continue", f"{address}/up"]
        posted = subprocess.run(command, input=bytes(3_000_000), capture_output=True, timeout=PATIENCE, check=True)
        assert posted.stdout == b"POST /up with 3000000 bytes\n"


def test_curl_with_tls(backend: str, certificate: tuple[Path, Path]) -> None:
    """The program curl verifies the server's certificate and gets its answer."""
    curl = tool("curl")
    own, trusted = map(str, certificate)
    with example(backend, "--certificate", own) as address:
        command = [curl, "-sS", "--cacert", trusted, f"{address}/secret"]
        found = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True, text=True)
        assert found.stdout == "GET /secret with 0 bytes\n"
        command.remove("--cacert")
        command.remove(trusted)
        assert subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False).returncode == 60


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl(backend: str, authority: trustme.CA, certificate: tuple[Path, Path], version: str) -> None:
    """The program openssl s_client talks to a TLS server in either version, and its text comes back."""
    openssl = tool("openssl")

    async def main() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(context)
        async with serving(TLSListener(await accord.create_tcp_listener(local_host=HOST), context)) as port:
            command = [openssl, "s_client", "-quiet", "-verify_return_error", "-no_ign_eof", version]
            command += ["-connect", f"{HOST}:{port}", "-CAfile", str(certificate[1])]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            start: Any = partial(subprocess.Popen[bytes], command, **pipes)
            child: subprocess.Popen[bytes] = await accord.to_thread.run_sync(start)
            with child:
                assert child.stdin is not None
                assert child.stdout is not None
                child.stdin.write(b"hello\n")
                child.stdin.flush()
                assert await accord.to_thread.run_sync(child.stdout.readline) == b"hello\n"
                child.stdin.close()
                await accord.to_thread.run_sync(child.wait)
            assert child.returncode == 0

    accord.run(main, backend=backend)


def test_nc(backend: str) -> None:
    """The program nc sends some megabytes to a TCP server, ends its sending, and gets all of it back."""
    nc = tool("nc")
    data = bytes(range(256)) * 10_000

    async def main() -> None:
        async with serving(await accord.create_tcp_listener(local_host=HOST)) as port:
            assert await talk([nc, "-N", HOST, str(port)], data) == data

    accord.run(main, backend=backend)


def test_nc_by_unix_socket(backend: str, tmp_path: Path) -> None:
    """The same by a UNIX socket."""
    nc = tool("nc")
    path = tmp_path / "socket"

    async def main() -> None:
        async with serving(await accord.create_unix_listener(path)):
            assert await talk([nc, "-N", "-U", str(path)], b"hello\n") == b"hello\n"

    accord.run(main, backend=backend)


def test_nc_by_udp(backend: str) -> None:
    """A datagram of nc arrives, and the answer reaches it."""
    nc = tool("nc")

    async def main() -> None:
        async with await accord.create_udp_socket(local_host=HOST) as sock, accord.create_task_group() as group:
            port = sock.extra(SocketAttribute.local_port)
            answer = group.start_soon(talk, [nc, "-u", "-w", "1", HOST, str(port)], b"question")
            with accord.fail_after(PATIENCE):
                data, address = await sock.receive()
            assert data == b"question"
            await sock.sendto(b"answer", *address)
        assert answer.return_value == b"answer"

    accord.run(main, backend=backend)
