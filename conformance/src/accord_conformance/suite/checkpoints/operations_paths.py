"""The rows of CKPT-4's table for paths and lines."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator

import accord
from accord import Path
from accord.streams.lines import iter_lines

from .operations import Prepared, row


@row("Path.stat", "CY")
async def _stat() -> AsyncGenerator[Prepared, None]:
    yield Prepared(Path().stat)


@row("Path.write_bytes", "CY")
async def _write_bytes() -> AsyncGenerator[Prepared, None]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        yield Prepared(lambda: path.write_bytes(b"x"), path.sync.exists)


@row("PathIterator.__anext__", "CY")
async def _step() -> AsyncGenerator[Prepared, None]:
    async with Path("/").iterdir() as entries:
        await anext(entries)
        yield Prepared(entries.__anext__)


@row("PathIterator.aclose", "CY")
async def _close() -> AsyncGenerator[Prepared, None]:
    yield Prepared(Path().iterdir().aclose)


@row("LineIterator.__anext__", "CY")
async def _line() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[bytes](1)
    async with send, receive:
        send.send_nowait(b"1\n2\n")
        lines = iter_lines(receive)
        await anext(lines)
        yield Prepared(lines.__anext__)
