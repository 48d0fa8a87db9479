"""Mutants of UNIX sockets: paths, listeners and connecting."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accord import (
    ConnectionFailed,
    SocketListener,
    SocketStream,
    connect_unix,
    create_connected_unix_datagram_socket,
    create_unix_listener,
    sleep,
)
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

unix: Any = sys.modules[create_unix_listener.__module__]
paths: Any = unix.paths
datagrams: Any = sys.modules[create_connected_unix_datagram_socket.__module__]


@mutant("UNIX-1")
def paths_must_be_text(_: Broken) -> None:
    """A path is a str and nothing else."""

    def check(original: Any, path: Any, *name: Any) -> bytes:
        if not isinstance(path, str):
            raise TypeError("path must be a str")
        return bytes(original(path, *name))

    around(unix, "check_path", check)


@mutant("UNIX-1")
def listeners_make_plain_streams(_: Broken) -> None:
    """The streams of a listener are those of TCP."""

    def listener(sock: Any, make: Any) -> Any:
        return SocketListener(sock, SocketStream)

    replace(unix, SocketListener=listener)


@mutant("UNIX-1")
def every_kind_is_a_stream(_: Broken) -> None:
    """Any kind but SOCK_SEQPACKET is taken for SOCK_STREAM."""

    def choose(original: Any, kind: Any) -> Any:
        return original(kind if kind == socket.SOCK_SEQPACKET else socket.SOCK_STREAM)

    around(unix, "stream_class", choose)


@mutant("UNIX-2")
def abstract_names_come_back_as_bytes(_: Broken) -> None:
    """An abstract name is what Python makes of it."""

    def public(path: Any) -> Any:
        return path or ""

    replace_everywhere(paths.public_path, public)


@mutant("UNIX-2")
def abstract_names_are_files(_: Broken) -> None:
    """The mode of an abstract name is set, too."""

    def bind(sock: Any, path: bytes, mode: Any) -> None:
        sock.bind(path)
        if mode is not None:
            Path(os.fsdecode(path)).chmod(mode)

    replace(paths, bind=bind)


def binds(change: Any) -> None:
    """Let ``change(file)`` happen before a path is bound."""

    def bind(original: Any, sock: Any, path: bytes, mode: Any) -> None:
        if not path.startswith(b"\0"):
            change(Path(os.fsdecode(path)))
        original(sock, path, mode)

    around(paths, "bind", bind)


@mutant("UNIX-3")
def any_file_is_replaced(_: Broken) -> None:
    """Whatever is at the path is removed."""

    def remove(file: Path) -> None:
        if not file.is_dir():
            file.unlink(missing_ok=True)

    binds(remove)


@mutant("UNIX-3")
def links_are_followed(_: Broken) -> None:
    """A link to a socket is replaced."""

    def remove(file: Path) -> None:
        if file.is_socket():
            file.unlink()

    binds(remove)


@mutant("UNIX-3")
def nothing_is_replaced(_: Broken) -> None:
    """A socket that is at the path is an error."""

    def bind(sock: Any, path: bytes, mode: Any) -> None:
        sock.bind(path)
        if mode is not None:
            Path(os.fsdecode(path)).chmod(mode)

    replace(paths, bind=bind)


@mutant("UNIX-3")
def path_that_is_taken_is_not_named(_: Broken) -> None:
    """A path that can't be bound is the system's error, without the path."""

    def bind(original: Any, sock: Any, path: bytes, mode: Any) -> None:
        try:
            original(sock, path, mode)
        except OSError as error:
            raise OSError(error.errno, error.strerror) from None

    around(paths, "bind", bind)


@mutant("UNIX-3")
def file_goes_with_the_listener(_: Broken) -> None:
    """The file is removed when the socket is closed."""

    async def aclose(original: Any, listener: Any) -> None:
        if not listener._closed and listener._socket.family == socket.AF_UNIX:
            paths.unlink(os.fsencode(listener._socket.getsockname()))
        await original(listener)

    around(SocketListener, "aclose", aclose)


@mutant("UNIX-3")
def mode_is_not_set(_: Broken) -> None:
    """The mode of the file is what the umask leaves."""

    def bind(original: Any, sock: Any, path: bytes, mode: Any) -> None:
        original(sock, path, None)

    around(paths, "bind", bind)


@mutant("UNIX-3")
def file_stays_when_its_mode_can_not_be_set(_: Broken) -> None:
    """If the mode can't be set the file is left."""

    def bind(original: Any, sock: Any, path: bytes, mode: Any) -> None:
        original(sock, path, None)
        if mode is not None:
            Path(os.fsdecode(path)).chmod(mode)

    around(paths, "bind", bind)


@mutant("UNIX-3")
def mode_is_set_when_clients_may_be_there(_: Broken) -> None:
    """The mode is set after the socket has begun to listen."""

    def bind(original: Any, sock: Any, path: bytes, mode: Any) -> None:
        original(sock, path, None)
        if sock.type == socket.SOCK_STREAM:
            sock.listen()
        if mode is not None:
            os.chmod(path, mode)  # noqa: PTH101 # the test puts something in its place

    around(paths, "bind", bind)


@mutant("UNIX-4")
def long_paths_are_left_to_python(_: Broken) -> None:
    """A path that is too long is Python's error, which has no number."""

    def check(path: bytes) -> None:
        return

    replace_everywhere(paths.check_length, check)


@mutant("UNIX-4")
def length_is_counted_in_characters(_: Broken) -> None:
    """A path that has few characters is not too long."""
    original = paths.check_length

    def check(path: bytes) -> None:
        if len(os.fsdecode(path)) > paths.LONGEST_PATH:
            original(path)

    replace_everywhere(original, check)


@mutant("UNIX-4")
def paths_are_checked_after_a_checkpoint(_: Broken) -> None:
    """In a cancelled scope a wrong path isn't noticed."""

    async def connect(*args: Any) -> Any:
        await checkpoint()
        return await connect_unix(*args)

    replace_everywhere(connect_unix, connect)


@mutant("UNIX-4")
def nul_is_the_end_of_a_path(_: Broken) -> None:
    """What follows a NUL in a path is dropped."""
    original = paths.check_path

    def check(path: Any, *name: Any) -> Any:
        if isinstance(path, str) and path[1:].count("\0"):
            path = path[0] + path[1:].partition("\0")[0]
        return original(path, *name)

    replace_everywhere(original, check)


@mutant("UNIX-5")
def unix_connection_that_fails_is_a_plain_error(_: Broken) -> None:
    """connect_unix() raises what the system says."""

    async def connect(*args: Any) -> Any:
        try:
            return await connect_unix(*args)
        except ConnectionFailed as error:
            raise error.__cause__ or error from None

    replace_everywhere(connect_unix, connect)


@mutant("UNIX-5")
def failed_unix_connection_leaves_its_socket(_: Broken) -> None:
    """A socket that can't be connected is not closed."""
    left: list[Any] = []

    @contextmanager
    def keeping(kind: int) -> Any:
        sock = socket.socket(socket.AF_UNIX, kind)
        left.append(sock)
        sock.setblocking(False)
        yield sock

    replace(unix, _new_socket=keeping)


@mutant("UNIX-5")
def failed_connection_leaves_its_file(_: Broken) -> None:
    """A datagram socket that can't be connected leaves the file that was made for it."""

    class Paths:
        bind = paths.bind

        @staticmethod
        def unlink(path: bytes) -> None:
            return

    replace(datagrams, paths=Paths)


@mutant("UNIX-6")
def full_backlog_is_taken_for_success(_: Broken) -> None:
    """connect_unix() returns a stream when the backlog is full."""

    def attempt(sock: Any, address: bytes) -> bool:
        return sock.connect_ex(address) in (errno.EAGAIN, 0)

    replace_connect(attempt)


def replace_connect(attempt: Any) -> None:
    """Let connect_unix() call ``attempt(socket, address)``, which may be awaitable."""

    async def connect(path: Any, kind: Any = socket.SOCK_STREAM) -> Any:
        address, make = unix.check_path(path), unix.stream_class(kind)
        sock = socket.socket(socket.AF_UNIX, kind)
        sock.setblocking(False)
        await checkpoint()
        result = attempt(sock, address)
        if hasattr(result, "__await__"):
            result = await result
        if result:
            return make(sock)
        sock.close()
        return await connect_unix(path, kind)

    replace_everywhere(connect_unix, connect)


@mutant("UNIX-6")
def full_backlog_is_tried_without_pause(_: Broken) -> None:
    """connect_unix() tries again in each turn of the loop."""

    async def pause(backoff: Any) -> None:
        await checkpoint()

    replace(unix.Backoff, pause=pause)


@mutant("UNIX-6")
def full_backlog_is_an_error(_: Broken) -> None:
    """connect_unix() fails when the backlog is full."""

    async def pause(backoff: Any) -> None:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    replace(unix.Backoff, pause=pause)


@mutant("UNIX-6")
def connection_that_is_given_up_leaves_its_socket(_: Broken) -> None:
    """A cancelled connect_unix() leaves its socket open."""
    left: list[Any] = []

    async def attempt(sock: Any, address: bytes) -> bool:
        left.append(sock)
        while sock.connect_ex(address):
            await sleep(0.001)
        left.remove(sock)
        return True

    replace_connect(attempt)


@mutant("UNIX-12")
def listening_can_not_be_cancelled(_: Broken) -> None:
    """create_unix_listener() does not look for a cancellation."""

    async def here(function: Any, *args: Any, **keywords: Any) -> Any:
        return function(*args)

    replace(unix, run_sync=here)


@mutant("UNIX-12")
def cancelled_listener_leaves_its_file(_: Broken) -> None:
    """create_unix_listener() looks for a cancellation when it has bound the path."""

    async def here(original: Any, function: Any, *args: Any, **keywords: Any) -> Any:
        function(*args)
        await checkpoint()

    around(unix, "run_sync", here)
