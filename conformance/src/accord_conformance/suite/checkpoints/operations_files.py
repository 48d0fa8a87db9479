"""The rows of CKPT-4's table for files, temporary files, and streams from and to files."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any

import accord
from accord import NamedTemporaryFile, SpooledTemporaryFile, TemporaryDirectory, TemporaryFile
from accord.streams.file import FileReadStream, FileWriteStream

from .operations import Prepared, row, simple_row

CONTENT = b"one\ntwo\n"

OPERATIONS: dict[str, tuple[Any, ...]] = {
    "read": (),
    "read1": (),
    "readline": (),
    "readlines": (),
    "write": (b"x",),
    "writelines": ([b"x"],),
    "truncate": (),
    "seek": (1,),
    "tell": (),
    "flush": (),
    "__anext__": (),
    "aclose": (),
}


class OnDisk(io.BytesIO):
    """What might wait: a file in memory that accord doesn't know."""


def _file_row(kind: str, name: str, make: Callable[[], accord.AsyncFile[bytes]]) -> None:
    @row(f"AsyncFile.{name} {kind}", "CY")
    async def _prepare() -> AsyncGenerator[Prepared, None]:
        file = make()
        yield Prepared(partial(getattr(file, name), *OPERATIONS[name]))
        await accord.aclose_forcefully(file)


for _name in OPERATIONS:
    _file_row("in memory", _name, lambda: accord.wrap_file(io.BytesIO(CONTENT)))
    _file_row("in a thread", _name, lambda: accord.wrap_file(OnDisk(CONTENT)))


@row("AsyncFile.readline of what was read ahead", "CY")
async def _read_ahead() -> AsyncGenerator[Prepared, None]:
    lines: list[bytes] = []

    async def readline() -> None:
        lines.append(await file.readline())

    async with accord.wrap_file(OnDisk(CONTENT)) as file:
        assert await file.readline() == b"one\n"
        yield Prepared(readline, lambda: lines == [b"two\n"])


async def _open() -> None:
    async with await accord.open_file(os.devnull):
        pass


simple_row("open_file", "CY", _open)
simple_row("gettempdir", "CY", accord.gettempdir)
simple_row("gettempdirb", "CY", accord.gettempdirb)


async def _mkstemp() -> None:
    fd, name = await accord.mkstemp()
    os.close(fd)
    os.unlink(name)  # noqa: PTH108


async def _mkdtemp() -> None:
    os.rmdir(await accord.mkdtemp())  # noqa: PTH106


simple_row("mkstemp", "CY", _mkstemp)
simple_row("mkdtemp", "CY", _mkdtemp)


def _block_rows(make: Callable[[], Any]) -> None:
    name = getattr(make, "__name__", "?")

    @row(f"entering a {name}", "CY")
    async def _enter() -> AsyncGenerator[Prepared, None]:
        block = make()
        yield Prepared(block.__aenter__)
        with accord.CancelScope(shield=True):
            await block.__aexit__(None, None, None)

    @row(f"leaving a {name}", "CY")
    async def _leave() -> AsyncGenerator[Prepared, None]:
        block = make()
        await block.__aenter__()
        yield Prepared(lambda: block.__aexit__(None, None, None))


for _make in (TemporaryFile, NamedTemporaryFile, TemporaryDirectory):
    _block_rows(_make)


@row("SpooledTemporaryFile.rollover", "CY")
async def _rollover() -> AsyncGenerator[Prepared, None]:
    async with SpooledTemporaryFile() as file:
        yield Prepared(file.rollover, lambda: file.name is not None)


@row("SpooledTemporaryFile.write", "CY")
async def _write() -> AsyncGenerator[Prepared, None]:
    async with SpooledTemporaryFile() as file:
        yield Prepared(partial(file.write, b"x"))


def _stream_row(name: str, make: Callable[[Any], Any], call: Callable[[Any], Awaitable[object]]) -> None:
    @row(name, "CY")
    async def _prepare() -> AsyncGenerator[Prepared, None]:
        stream = make(io.BytesIO(CONTENT))
        yield Prepared(lambda: call(stream))
        await accord.aclose_forcefully(stream)


_stream_row("FileReadStream.receive", FileReadStream, lambda stream: stream.receive())
_stream_row("FileReadStream.seek", FileReadStream, lambda stream: stream.seek(0))
_stream_row("FileReadStream.aclose", FileReadStream, lambda stream: stream.aclose())
_stream_row("FileWriteStream.send", FileWriteStream, lambda stream: stream.send(b"x"))
_stream_row("FileWriteStream.aclose", FileWriteStream, lambda stream: stream.aclose())
