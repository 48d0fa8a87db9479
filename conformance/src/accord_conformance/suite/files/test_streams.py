"""Byte streams from and to files."""

# ruff: noqa: ASYNC230, PTH123 - what is in a file is looked at without accord

from __future__ import annotations

import io
import os
import pathlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfStream
from accord.streams.file import FileReadStream, FileStreamAttribute, FileWriteStream
from accord_conformance.attempts import blocked
from accord_conformance.helpers import is_cancelled_by, rule

from .objects import CountingLimiter, Watched


@rule("FILE-12")
async def test_copying(tmp_path: Path) -> None:
    """What is sent is in the file at once, also appended; what is received is what is in it, in pieces."""
    path = tmp_path / "file"
    data = os.urandom(200_000)
    async with await FileWriteStream.from_path(path) as stream:
        for start in range(0, len(data), 30_000):
            await stream.send(data[start : start + 30_000])
            assert path.stat().st_size == min(start + 30_000, len(data))
        await stream.send(b"")
    async with await FileWriteStream.from_path(str(path), append=True) as stream:
        await stream.send(bytearray(b"more"))
        await stream.send(memoryview(b"data"))
    assert path.read_bytes() == data + b"moredata"
    async with await FileReadStream.from_path(path) as source:
        assert await source.receive(7) == data[:7]
        assert await source.tell() == 7
        pieces = [piece async for piece in source]
        assert max(map(len, pieces)) <= 65536
        assert b"".join(pieces) == data[7:] + b"moredata"
        for _ in range(2):
            with pytest.raises(EndOfStream):
                await source.receive()
        with path.open("ab") as fp:
            fp.write(b"grown")
        assert await source.receive() == b"grown"
        assert await source.seek(-5, os.SEEK_END) == len(data) + 8
        assert await source.receive(2) == b"gr"
    async with await FileWriteStream.from_path(path) as stream:
        assert path.read_bytes() == b""


@rule("FILE-12")
async def test_buffered_files(tmp_path: Path) -> None:
    """With a buffered file object what was sent is in the file at once, too."""
    path = tmp_path / "file"
    with path.open("wb") as fp:
        async with FileWriteStream(fp) as stream:
            await stream.send(b"data")
            assert path.read_bytes() == b"data"
    with path.open("rb") as source_fp:
        async with FileReadStream(source_fp) as source:
            assert await source.receive() == b"data"
        assert source_fp.closed


@asynccontextmanager
async def pipe() -> AsyncGenerator[tuple[Any, int], None]:
    """A stream from a pipe, and the descriptor to write to."""
    reader, writer = os.pipe()
    with open(writer, "wb", 0) as sink, open(reader, "rb") as source:
        yield FileReadStream(source), sink.fileno()


@rule("FILE-12")
async def test_receive_returns_what_there_is() -> None:
    """A pipe that has some bytes gives them without waiting for more."""
    async with pipe() as (stream, writer):
        os.write(writer, b"some")
        with accord.fail_after(5):
            assert await stream.receive() == b"some"
        await stream.aclose()


@rule("FILE-12")
async def test_arguments(tmp_path: Path) -> None:
    """Wrong arguments are refused before anything is looked at."""
    wrong: Any = None
    async with await FileWriteStream.from_path(tmp_path / "file") as stream:
        for wrong in ("text", None, 3, [1]):
            with pytest.raises(TypeError, match="item"):
                await stream.send(wrong)
    async with await FileReadStream.from_path(tmp_path / "file") as source:
        for wrong, error in ((0, ValueError), (-1, ValueError), (None, TypeError), (True, TypeError)):
            with pytest.raises(error, match="max_bytes"):
                await source.receive(wrong)
    for kind in (FileReadStream, FileWriteStream):
        with pytest.raises(TypeError, match="file"):
            kind(wrong)
        wrong = 3
        with pytest.raises(TypeError, match="limiter"):
            kind(io.BytesIO(), limiter=wrong)


@rule("FILE-12")
async def test_one_task_at_a_time() -> None:
    """A second task gets BusyResourceError, and the first is not disturbed."""
    fp = Watched(b"data")
    fp.gate.clear()
    stream = FileReadStream(fp)
    sink = FileWriteStream(fp)
    async with accord.create_task_group() as group:
        for first, text in ((stream.receive, "receiving from"), (partial(sink.send, b"x"), "sending to")):
            fp.gate.clear()
            attempt = await blocked(group, first)
            with pytest.raises(BusyResourceError, match=text):
                await first()
            fp.gate.set()
            await attempt.handle.wait()
            assert attempt.outcome == "returned"


@rule("FILE-12")
async def test_closing() -> None:
    """aclose() lets an operation end, closes also if it is cancelled, and then everything is refused."""
    fp = Watched(b"data")
    fp.gate.clear()
    stream = FileReadStream(fp)
    async with accord.create_task_group() as group:
        receiving = await blocked(group, stream.receive)
        closing = await blocked(group, stream.aclose)
        closing.cancel()
        late = await blocked(group, stream.receive)
        await accord.sleep(0.01)
        assert not fp.closed
        fp.gate.set()
        for attempt in (receiving, closing, late):
            await attempt.handle.wait()
    assert (receiving.value, closing.outcome, type(late.error)) == (b"data", "cancelled", ClosedResourceError)
    assert fp.closed
    for operation in (stream.receive, stream.tell, partial(stream.seek, 0)):
        with pytest.raises(ClosedResourceError):
            await operation()
    await stream.aclose()
    sink = FileWriteStream(io.BytesIO())
    assert await is_cancelled_by(sink.aclose)
    with pytest.raises(ClosedResourceError):
        await sink.send(b"")


@rule("FILE-12")
async def test_accidents() -> None:
    """An error of the system breaks the stream for good; it is the cause."""
    for kind, name, fp in ((FileReadStream, "read1", Watched(b"data")), (FileWriteStream, "write", Watched())):
        stream: Any = kind(fp)
        operation = stream.receive if kind is FileReadStream else partial(stream.send, b"x")
        error = fp.fails[name] = OSError(5, "a bad block")
        with pytest.raises(BrokenResourceError, match="a bad block") as caught:
            await operation()
        assert caught.value.__cause__ is error
        fp.fails.clear()
        with pytest.raises(BrokenResourceError, match="a bad block"):
            await operation()
        await stream.aclose()
        with pytest.raises(ClosedResourceError):
            await operation()


@rule("FILE-12")
async def test_wrong_positions(tmp_path: Path) -> None:
    """A position that there can't be is an error, and the stream goes on."""
    (tmp_path / "file").write_bytes(b"data")
    async with await FileReadStream.from_path(tmp_path / "file") as stream:
        with pytest.raises((OSError, ValueError)):
            await stream.seek(-1)
        assert await stream.receive() == b"data"


@rule("FILE-12")
async def test_cancellation(tmp_path: Path) -> None:
    """In a cancelled scope nothing is received or sent."""
    path = tmp_path / "file"
    async with await FileWriteStream.from_path(path) as stream:
        assert await is_cancelled_by(partial(stream.send, b"data"))
        await stream.send(b"DATA")
    async with await FileReadStream.from_path(path) as source:
        assert await is_cancelled_by(source.receive)
        assert await is_cancelled_by(source.__anext__)
        assert await source.receive() == b"DATA"
    assert await is_cancelled_by(lambda: FileWriteStream.from_path(tmp_path / "other"))
    assert not (tmp_path / "other").exists()


@rule("FILE-12", "FILE-1")
async def test_tokens_and_attributes(tmp_path: Path) -> None:
    """Every operation takes a token of the limiter; the file, its path and its descriptor are attributes."""
    limiter = CountingLimiter(1)
    async with await FileWriteStream.from_path(tmp_path / "file", limiter=limiter) as stream:
        await stream.send(b"data")
        assert limiter.taken == 2
        assert stream.extra(FileStreamAttribute.path) == pathlib.Path(tmp_path / "file")
        assert stream.extra(FileStreamAttribute.fileno) == stream.extra(FileStreamAttribute.file).fileno()
    assert limiter.taken == 3
    async with await FileReadStream.from_path(tmp_path / "file", limiter=limiter) as source:
        await source.receive()
        await source.seek(0)
        await source.tell()
        assert limiter.taken == 7
    async with FileReadStream(io.BytesIO()) as source:
        with pytest.raises(accord.TypedAttributeLookupError):
            source.extra(FileStreamAttribute.fileno)
        assert source.extra(FileStreamAttribute.path, None) is None
