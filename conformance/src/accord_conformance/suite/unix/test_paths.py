"""Listening on and connecting to paths: what may be there, what is left there, and what goes wrong."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import time
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import UNIXSocketStream
from accord.abc import SocketAttribute
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, checkpoint_class, is_cancelled_by, open_descriptors, rule, untestable
from accord_conformance.suite.udp.pairs import in_cancelled_scope
from accord_conformance.suite.unix.pairs import KINDS, SEQPACKET, STREAM, abstract, folder

Bind = Callable[..., Awaitable[Any]]


async def _bind_datagrams(path: Any, *, mode: int | None = None) -> Any:
    return await accord.create_unix_datagram_socket(local_path=path, local_mode=mode)


async def _bind_connected(path: Any, *, mode: int | None = None) -> Any:
    with folder() as elsewhere:
        async with await accord.create_unix_datagram_socket(local_path=elsewhere / "other"):
            return await accord.create_connected_unix_datagram_socket(
                elsewhere / "other", local_path=path, local_mode=mode
            )


BINDS = pytest.mark.parametrize(
    "bind", [accord.create_unix_listener, _bind_datagrams, _bind_connected], ids=["listener", "datagrams", "connected"]
)


@rule("UNIX-1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", [str, os.fsencode, Path], ids=["str", "bytes", "path"])
async def test_exchange(kind: Any, form: Callable[[str], Any]) -> None:
    """A listener and a client talk over a path, which may be text, bytes or a path object."""
    with folder() as place:
        path = form(str(place / "socket"))

        async def echo(stream: UNIXSocketStream) -> None:
            async with stream:
                async for chunk in stream:
                    await stream.send(chunk)

        async with await accord.create_unix_listener(path, kind=kind) as listener, accord.create_task_group() as group:
            group.start_soon(listener.serve, echo)
            for _ in range(2):
                async with await accord.connect_unix(path, kind) as client:
                    await client.send(b"hello")
                    with accord.fail_after(PATIENCE):
                        assert await client.receive() == b"hello"
                        await client.send_eof()
                        with pytest.raises(accord.EndOfStream):
                            await client.receive()
            group.cancel()


@rule("UNIX-1")
@pytest.mark.parametrize("kind", KINDS)
async def test_classes_and_attributes(kind: Any) -> None:
    """Both ends are UNIXSocketStreams, which know their paths."""
    with folder() as place:
        path = str(place / "socket")
        async with await accord.create_unix_listener(path, kind=kind) as listener:
            assert isinstance(listener, accord.SocketListener)
            async with await accord.connect_unix(path, kind) as client, await listener.accept() as server:
                for stream in (client, server):
                    assert isinstance(stream, UNIXSocketStream)
                    assert stream.extra(SocketAttribute.family) == socket.AF_UNIX
                    assert stream.extra(SocketAttribute.raw_socket).type == kind
                assert type(client) is type(server)
                assert client.extra(SocketAttribute.remote_address) == path
                assert server.extra(SocketAttribute.local_address) == path


@rule("UNIX-1", "CKPT-6")
@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, 0, "stream", None])
async def test_wrong_kinds(kind: Any) -> None:
    """Only two kinds of socket make connections."""
    with folder() as place:
        with pytest.raises(ValueError, match="kind"):
            await accord.create_unix_listener(place / "socket", kind=kind)
        with pytest.raises(ValueError, match="kind"):
            await accord.connect_unix(place / "socket", kind)
        assert list(place.iterdir()) == []


@rule("UNIX-2")
async def test_abstract_names() -> None:
    """Abstract names work for listeners and datagrams, as text and as bytes, and come back as text."""
    name, other = abstract(), abstract()
    for path in (name, name.encode()):
        async with await accord.create_unix_listener(path, mode=0o600) as listener:
            async with await accord.connect_unix(path) as client, await listener.accept() as server:
                await client.send(b"x")
                assert await server.receive() == b"x"
        async with (
            await accord.create_unix_datagram_socket(local_path=path) as first,
            await accord.create_unix_datagram_socket(local_path=other) as second,
        ):
            await second.sendto(b"question", path)
            data, source = await first.receive()
            assert (data, source) == (b"question", other)
            await first.sendto(b"answer", source)
            assert await second.receive() == (b"answer", name)
            async with await accord.create_connected_unix_datagram_socket(path) as third:
                await third.send(b"third")
                assert await first.receive() == (b"third", "")


@rule("UNIX-3")
@BINDS
async def test_what_is_at_the_path(bind: Bind) -> None:
    """A socket is replaced; anything else is an error that names the path, and stays; closing leaves the file."""
    with folder() as place:
        path = place / "socket"
        for _ in range(2):
            await (await bind(path)).aclose()
            assert stat.S_ISSOCK(path.lstat().st_mode)
        (place / "file").write_text("text")
        (place / "folder").mkdir()
        (place / "link").symlink_to(path)
        before = open_descriptors()
        for other in ("file", "folder", "link"):
            with pytest.raises(OSError, match=other) as caught:
                await bind(place / other)
            assert caught.value.errno == errno.EADDRINUSE
            del caught
        assert (place / "file").read_text() == "text"
        assert (place / "folder").is_dir()
        assert (place / "link").is_symlink()
        assert path.exists()
        assert open_descriptors() == before


@rule("UNIX-3")
@BINDS
async def test_modes(bind: Bind) -> None:
    """The file gets the mode that is asked for."""
    with folder() as place:
        for mode in (0o600, 0o666, 0o750):
            async with await bind(place / "socket", mode=mode):
                assert stat.S_IMODE((place / "socket").stat().st_mode) == mode


@rule("UNIX-3")
@BINDS
async def test_mode_that_can_not_be_set(bind: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the mode can't be set, neither a file nor a socket is left."""

    def refuse(*args: object, **keywords: object) -> None:
        raise PermissionError(errno.EPERM, "not permitted", "socket")

    with folder() as place:
        before = open_descriptors()
        with monkeypatch.context() as patch:
            for owner in (os, Path):
                patch.setattr(owner, "chmod", refuse)
            with pytest.raises(PermissionError):
                await bind(place / "socket", mode=0o600)
        assert list(place.iterdir()) == []
        assert open_descriptors() == before


@rule("UNIX-3")
async def test_mode_is_set_before_anybody_can_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the file's mode is not set yet, nobody can connect."""
    refused: list[bool] = []
    real = os.chmod

    def chmod(path: Any, *args: Any, **keywords: Any) -> None:
        with socket.socket(socket.AF_UNIX) as sock:
            try:
                sock.connect(str(path))
            except ConnectionRefusedError:
                refused.append(True)
            else:
                refused.append(False)
        real(path, *args, **keywords)

    with folder() as place:
        monkeypatch.setattr(os, "chmod", chmod)
        async with await accord.create_unix_listener(place / "socket", mode=0o600):
            pass
    if not refused:
        untestable("the mode is not set by os.chmod()")
    assert refused == [True]


@rule("UNIX-4", "CKPT-6")
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("", ValueError),
        (b"", ValueError),
        ("a\0b", ValueError),
        ("\0", ValueError),
        (5, TypeError),
        (None, TypeError),
        (["x"], TypeError),
    ],
)
async def test_impossible_paths(path: Any, error: type[Exception]) -> None:
    """What can't be a path is refused before anything else, also in a cancelled scope."""
    operations: list[Callable[..., Awaitable[object]]] = [
        accord.connect_unix,
        accord.create_unix_listener,
        accord.create_connected_unix_datagram_socket,
    ]
    if path is not None:
        operations.append(_bind_datagrams)
    async with await accord.create_unix_datagram_socket() as sock:
        operations.append(partial(sock.sendto, b"x"))
        with in_cancelled_scope():
            for operation in operations:
                with pytest.raises(error):
                    await operation(path)


@rule("UNIX-4")
async def test_paths_that_are_too_long() -> None:
    """A path of more bytes than the system takes is an OSError with a number, and nothing is created."""
    before = open_descriptors()
    with folder() as place:
        path = place / ("ü" * 60)
        for operation in (
            accord.connect_unix,
            accord.create_unix_listener,
            _bind_datagrams,
            accord.create_connected_unix_datagram_socket,
        ):
            with pytest.raises(OSError, match="ü") as caught:
                await operation(path)
            assert caught.value.errno == errno.ENAMETOOLONG
            del caught
        with pytest.raises(OSError, match="ü"):
            await accord.create_connected_unix_datagram_socket(path, local_path=place / "local")
        assert list(place.iterdir()) == []
    assert open_descriptors() == before


@rule("UNIX-4", "CKPT-6")
@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"mode": "600"}, TypeError),
        ({"mode": True}, TypeError),
        ({"mode": -1}, ValueError),
        ({"mode": 0o10000}, ValueError),
        ({"backlog": -1}, ValueError),
        ({"backlog": "5"}, TypeError),
    ],
)
async def test_wrong_options(keywords: dict[str, Any], error: type[Exception]) -> None:
    """Wrong modes and backlogs are refused, and nothing is created."""
    with folder() as place:
        with pytest.raises(error):
            await accord.create_unix_listener(place / "socket", **keywords)
        assert list(place.iterdir()) == []


@rule("UNIX-5", "ERR-1", "ERR-2")
@pytest.mark.parametrize("kind", [STREAM, SEQPACKET, None])
async def test_connections_that_fail(kind: Any) -> None:
    """A missing path, one without listener and one of another kind are ConnectionFailed, and leave nothing behind."""

    async def connect(path: Path) -> object:
        if kind is None:
            return await accord.create_connected_unix_datagram_socket(path, local_path=place / "local")
        return await accord.connect_unix(path, kind)

    with folder() as place:
        await (await accord.create_unix_listener(place / "deaf")).aclose()
        different: Any = SEQPACKET if kind == STREAM else STREAM
        other = accord.create_unix_listener(place / "other", kind=different)
        async with await other:
            before = open_descriptors()
            for path, number in (
                (place / "missing", errno.ENOENT),
                (place / "deaf", errno.ECONNREFUSED),
                (place / "other", errno.EPROTOTYPE),
            ):
                with pytest.raises(accord.ConnectionFailed) as caught:
                    await connect(path)
                error = caught.value
                assert isinstance(error.__cause__, OSError)
                assert error.__cause__.errno == error.errno == number
                assert (error.host, error.port) == (str(path), None)
                assert str(path) in str(error)
                assert errno.errorcode[number] in str(error)
                assert not (place / "local").exists()
                del caught, error
            assert open_descriptors() == before


@contextlib.contextmanager
def _full(path: Path) -> Generator[list[socket.socket], None, None]:
    """Sockets that fill the backlog of the listener at a path."""
    clients: list[socket.socket] = []
    try:
        while True:
            if len(clients) == 10:
                untestable("the backlog of a listener has no limit here")
            sock = socket.socket(socket.AF_UNIX)
            sock.setblocking(False)
            if sock.connect_ex(str(path)):
                sock.close()
                break
            clients.append(sock)
        yield clients
    finally:
        for sock in clients:
            sock.close()


@rule("UNIX-6")
async def test_full_backlog() -> None:
    """While the backlog is full connect_unix() waits without using the processor, and then it connects."""
    with folder() as place:
        async with await accord.create_unix_listener(place / "socket", backlog=0) as listener:
            with _full(place / "socket") as clients:
                async with accord.create_task_group() as group:
                    attempt = await blocked(group, partial(accord.connect_unix, place / "socket"))
                    used = time.process_time()
                    await accord.sleep(0.3)
                    assert time.process_time() - used < 0.15
                    assert attempt.handle.status is accord.HandleStatus.PENDING
                    with accord.fail_after(PATIENCE):
                        for _ in clients:
                            await (await listener.accept()).aclose()
                        server = await listener.accept()
                        await attempt.handle.wait()
                async with attempt.value as client:
                    await client.send(b"x")
                    with accord.fail_after(PATIENCE):
                        assert await server.receive() == b"x"
                await server.aclose()


@rule("UNIX-6")
async def test_cancelled_at_a_full_backlog() -> None:
    """A connection that is given up while the backlog is full leaves no socket behind."""
    with folder() as place:
        async with await accord.create_unix_listener(place / "socket", backlog=0):
            with _full(place / "socket"):
                before = open_descriptors()
                for _ in range(3):
                    with accord.move_on_after(0.02) as scope:
                        await accord.connect_unix(place / "socket")
                    assert scope.cancelled_caught
                assert open_descriptors() == before


@rule("UNIX-12")
def test_classes(run: Callable[..., Any]) -> None:
    """To listen, connect and bind are checkpoints of class CY; cancelled they leave nothing."""
    made: list[Any] = []

    async def main() -> None:
        with folder() as place:
            path = place / "socket"

            async def make(operation: Callable[[], Awaitable[object]]) -> None:
                made.append(await operation())

            async with (
                await accord.create_unix_listener(path),
                await accord.create_unix_datagram_socket(local_path=place / "datagrams"),
            ):
                before = open_descriptors()
                for operation in (
                    partial(accord.create_unix_listener, place / "new"),
                    partial(accord.connect_unix, path),
                    accord.create_unix_datagram_socket,
                    partial(accord.create_unix_datagram_socket, local_path=place / "new"),
                    partial(accord.create_connected_unix_datagram_socket, place / "datagrams"),
                ):
                    prepared = partial(make, operation)
                    assert await is_cancelled_by(prepared)
                    assert not (place / "new").exists()
                    assert open_descriptors() == before
                    assert await checkpoint_class(prepared, prepared) == "CY"
                    await made.pop().aclose()
                    with contextlib.suppress(FileNotFoundError):
                        (place / "new").unlink()

    run(main, checkpoint_budget=1)
