"""Iterating over lines: many in one hop, and the position as the user sees it."""

# ruff: noqa: ASYNC240 - what is in a file is looked at without accord

from __future__ import annotations

import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import open_file, wrap_file
from accord_conformance.attempts import blocked
from accord_conformance.helpers import rule

from .objects import CountingLimiter, Pipe, Watched

LINES = [f"line {number}\n" for number in range(50_000)]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("".join(LINES), encoding="utf-8")
    return path


@rule("FILE-8")
@pytest.mark.parametrize("mode", ["r", "rb"])
async def test_one_hop_for_many_lines(path: Path, mode: str) -> None:
    """All lines come, in order, with about a hop for 64 KiB, by iteration and by readline()."""
    limiter = CountingLimiter(1)
    hops = path.stat().st_size / 65536 + 3
    expected = LINES if mode == "r" else [line.encode() for line in LINES]
    async with await open_file(path, mode, limiter=limiter) as file:
        assert [line async for line in file] == expected
        assert limiter.taken <= hops
        await file.seek(0)
        limiter.taken = 0
        lines: list[object] = []
        while line := await file.readline():
            lines.append(line)
        assert lines == expected
        assert limiter.taken <= hops


@rule("FILE-8")
async def test_lines_that_are_asked_for_here_and_there(path: Path) -> None:
    """Who jumps about does not read 64 KiB for each line."""
    text = path.read_bytes()
    fp = Watched(text)
    async with wrap_file(fp) as file:
        for number in range(20):
            await file.seek(number * 12)
            await file.readline()
            await file.seek(0, os.SEEK_END)
        # Once it is noticed that nothing follows, one line at a time is read, and a few where that went well.
        assert fp.calls.count("readline") < 20_000


@rule("FILE-8")
async def test_pipe_gives_each_line_at_once() -> None:
    """A file without positions is not read beyond the line that was asked for."""
    fp = Pipe(b"one\ntwo\n")
    async with wrap_file(fp) as file, accord.create_task_group() as group:
        assert await file.__anext__() == b"one\n"
        assert fp.calls == ["readline"]
        fp.gate.clear()
        attempt = await blocked(group, file.readline)
        fp.gate.set()
        await attempt.handle.wait()
        assert attempt.value == b"two\n"
        assert await file.readline() == b""


@rule("FILE-8")
@pytest.mark.parametrize("mode", ["r", "rb"])
async def test_real_pipe(mode: str) -> None:
    """Lines of a pipe come while its other end is still open."""
    reader, writer = os.pipe()
    text = mode == "r"
    try:
        async with await open_file(reader, mode) as file:
            for number in range(3):
                os.write(writer, b"line %d\n" % number)
                with accord.fail_after(5):
                    line = await file.readline()
                assert line == (f"line {number}\n" if text else b"line %d\n" % number)
            threading.Timer(0.01, os.write, (writer, b"next\nunfinished")).start()
            assert await file.__anext__() == ("next\n" if text else b"next\n")
            os.close(writer)
            writer = -1
            assert [line async for line in file] == ["unfinished" if text else b"unfinished"]
    finally:
        if writer >= 0:
            os.close(writer)


@rule("FILE-9")
@pytest.mark.parametrize("mode", ["r+", "rb+"])
async def test_position_within_an_iteration(path: Path, mode: str) -> None:
    """After some lines everything is at the position that the user sees."""
    text = mode == "r+"
    done = sum(map(len, LINES[:100]))
    whole = "".join(LINES)

    def form(what: str) -> Any:
        return what if text else what.encode()

    async def some_lines(file: accord.AsyncFile[str]) -> None:
        await file.seek(0)
        count = 0
        async for line in file:
            assert line == form(LINES[count])
            count += 1
            if count == 100:
                break

    async with await open_file(path, mode) as file:
        await some_lines(file)
        assert await file.tell() == done
        assert await file.readline() == form(LINES[100])
        await some_lines(file)
        assert await file.readline(3) == form(LINES[100][:3])
        assert await file.tell() == done + 3
        await some_lines(file)
        assert await file.seek(0, os.SEEK_CUR) == done
        await some_lines(file)
        assert await file.read(70_000) == form(whole[done : done + 70_000])
        await some_lines(file)
        assert await file.readlines(20) == [form(line) for line in LINES[100:103]]
        await some_lines(file)
        assert await file.read() == form(whole[done:])
        await some_lines(file)
        assert await file.readlines() == [form(line) for line in LINES[100:]]
        await some_lines(file)
        await file.writelines([form("LINE"), form("!")])
        assert await file.tell() == done + 5
        await some_lines(file)
        await file.write(form("line"))
        await file.flush()
        assert path.read_text("utf-8")[done : done + 9] == "line!100\n"
        await some_lines(file)
        assert await file.truncate() == done
        assert await file.read() == form("")
    assert path.read_text("utf-8") == whole[:done]


@rule("FILE-9")
async def test_position_in_binary_reads(path: Path) -> None:
    """read1(), readinto() and readinto1() go on after the last line."""
    done = len(LINES[0])
    data = path.read_bytes()
    async with await open_file(path, "rb") as file:
        for name in ("readinto", "readinto1"):
            await file.seek(0)
            await file.readline()
            buffer = bytearray(100_000)
            count = await getattr(file, name)(buffer)
            assert count == 100_000 or name == "readinto1"
            assert buffer[:count] == data[done : done + count]
            assert await file.tell() == done + count
        await file.seek(0)
        await file.readline()
        part = await file.read1(10)
        part += await file.read1()
        assert part == data[done : done + len(part)]
        assert await file.tell() == done + len(part)


@rule("FILE-9")
async def test_text_is_written_at_the_position(tmp_path: Path) -> None:
    """Also where no line was read ahead, and the file object's own position is elsewhere."""
    path = tmp_path / "file"
    for name in ("read", "readline"):
        path.write_text("äbcdefgh\nrest\n", encoding="utf-8")
        async with await open_file(path, "r+", encoding="utf-8") as file:
            assert await getattr(file, name)(4) == "äbcd"
            await file.write("XY")
        assert path.read_text("utf-8") == "äbcdXYgh\nrest\n"


@rule("FILE-9")
async def test_iteration_is_left_and_gone_on_with(path: Path) -> None:
    """Several tasks can share the lines, also if they are cancelled: each line is given once, in order."""
    seen: list[str] = []

    async with await open_file(path) as file:

        async def take(seconds: float) -> None:
            with accord.move_on_after(seconds):
                async for line in file:
                    seen.append(line)
                    if len(seen) % 1000 == 0:
                        return

        for _ in range(3):
            async with accord.create_task_group() as group:
                for number in range(5):
                    group.start_soon(take, 0.001 * number)
        seen += [line async for line in file]
    assert seen == LINES


@rule("FILE-9")
async def test_cancelled_batch() -> None:
    """Lines that a cancelled task has read ahead are there for the next."""
    fp = Watched(b"one\ntwo\nthree\n")
    fp.gate.clear()
    async with wrap_file(fp) as file, accord.create_task_group() as group:
        attempt = await blocked(group, file.__anext__)
        attempt.cancel()
        fp.gate.set()
        await attempt.handle.wait()
        assert (attempt.outcome, attempt.value) == ("returned", b"one\n")
        assert await file.readline() == b"two\n"
        assert await file.tell() == 8


@rule("FILE-9")
async def test_failure_after_some_lines() -> None:
    """What reading raises comes after the lines that were read before, and does not lose any; then it goes on."""

    class Faulty(Watched):
        def readline(self, size: int | None = -1, /) -> bytes:
            if self.calls.count("readline") == 2:
                self.calls.append("readline")
                raise OSError(5, "a bad block")
            return super().readline(size)

    async with wrap_file(Faulty(b"one\ntwo\nthree\nfour\n")) as file:
        assert await file.readline() == b"one\n"
        assert await file.readline() == b"two\n"
        with pytest.raises(OSError, match="a bad block"):
            await file.readline()
        assert await file.readline() == b"three\n"
    async with wrap_file(Faulty(b"one\ntwo\nthree\nfour\n")) as file:
        assert await file.readline() == b"one\n"
        assert await file.tell() == 4
        assert await file.read() == b"two\nthree\nfour\n"


@rule("FILE-9")
async def test_reading_more_than_was_read_ahead_fails() -> None:
    """If more has to be read and that raises, what was read ahead stays."""
    fp = Watched(b"one\ntwo\nthree\n")
    async with wrap_file(fp) as file:
        assert await file.readline() == b"one\n"
        fp.fails["read"] = OSError(5, "a bad block")
        for read in (file.read, partial(file.read, 100)):
            with pytest.raises(OSError, match="a bad block"):
                await read()
        fp.fails.clear()
        assert await file.read() == b"two\nthree\n"
