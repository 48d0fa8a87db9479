"""What files return and raise: the same as those of the standard library."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

import accord
from accord import open_file, wrap_file
from accord_conformance.helpers import rule

from .objects import CountingLimiter, Watched
from .programs import ENCODINGS, NEWLINES, Model, Subject, compare, for_bytes, for_text, is_exact, random_program

ROUNDS = 40


@rule("FILE-2", "FILE-9")
@pytest.mark.parametrize("buffering", [-1, 0, 16])
async def test_binary_files(tmp_path: Path, buffering: int) -> None:
    """Random operations on a binary file, buffered or not, give the same results and the same file."""
    for seed in range(ROUNDS):
        content, program = random_program(Random(seed))
        model, path = tmp_path / "model", tmp_path / "file"
        model.write_bytes(content.encode())
        path.write_bytes(content.encode())
        with model.open("r+b", buffering) as fp:
            async with await open_file(path, "r+b", buffering) as file:
                await compare(Model(fp), Subject(file), for_bytes(program))
        assert path.read_bytes() == model.read_bytes()


@rule("FILE-2", "FILE-9")
@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_text_files(tmp_path: Path, encoding: str) -> None:
    """Random operations on a text file give the same results and the same file, whatever the ends of lines."""
    for seed in range(ROUNDS):
        content, program = random_program(Random(seed))
        newline = NEWLINES[seed % len(NEWLINES)]
        model, path = tmp_path / "model", tmp_path / "file"
        model.write_bytes(content.encode(encoding, "ignore"))
        path.write_bytes(content.encode(encoding, "ignore"))
        with model.open("r+", encoding=encoding, newline=newline) as fp:
            async with await open_file(path, "r+", -1, encoding, None, newline) as file:
                operations = for_text(content, program, encoding, newline)
                await compare(Model(fp), Subject(file), operations, exact=is_exact(encoding, newline))
        assert path.read_bytes() == model.read_bytes()


@rule("FILE-2")
@pytest.mark.parametrize("mode", ["r", "rb", "w", "wb", "a", "ab", "x", "r+", "w+b", "a+", "+br", "rt"])
async def test_modes(tmp_path: Path, mode: str) -> None:
    """Each mode allows and refuses what it does in the standard library."""
    model, path = tmp_path / "model", tmp_path / "file"
    if "x" not in mode:
        model.write_bytes(b"some\ncontent\n")
        path.write_bytes(b"some\ncontent\n")
    data: Any = b"new" if "b" in mode else "new"
    with model.open(mode) as fp:
        async with await open_file(path, mode) as file:
            program = (("tell",), ("write", data), ("seek", 0), ("read", 3), ("readlines",), ("truncate", 2))
            for name, *arguments in program:
                try:
                    expected: object = getattr(fp, name)(*arguments)
                except (OSError, ValueError) as error:
                    with pytest.raises(type(error)) as caught:
                        await getattr(file, name)(*arguments)
                    assert str(caught.value) == str(error)
                else:
                    assert await getattr(file, name)(*arguments) == expected, name
            assert (file.mode, file.readable(), file.writable()) == (fp.mode, fp.readable(), fp.writable())
            assert file.name == str(path) or file.name == path
            assert file.fileno() == file.wrapped.fileno()
            with pytest.raises(AttributeError, match="no_such_thing"):
                _ = file.no_such_thing
    assert path.read_bytes() == model.read_bytes()


@rule("FILE-2")
async def test_reads_of_binary_files(tmp_path: Path) -> None:
    """read1(), readinto() and readinto1() give what there is, also after a line was read."""
    path = tmp_path / "file"
    path.write_bytes(b"line\nrest of it")
    for lines in (0, 1):
        async with await open_file(path, "rb") as file:
            for _ in range(lines):
                assert await file.readline() == b"line\n"
            start = 5 * lines
            part = await file.read1(4)
            assert b"line\nrest of it"[start:].startswith(part)
            assert 0 < len(part) <= 4
            start += len(part)
            buffer = bytearray(3)
            assert await file.readinto(buffer) == 3
            assert buffer == b"line\nrest of it"[start : start + 3]
            count = await file.readinto1(buffer)
            assert buffer[:count] == b"line\nrest of it"[start + 3 :][:count]
            assert await file.read() == b"line\nrest of it"[start + 3 + count :]
            assert await file.read1() == b""
            assert await file.readinto(buffer) == 0


@rule("FILE-2", "FILE-6")
async def test_after_closing(tmp_path: Path) -> None:
    """Every operation on a closed file is a ValueError, and what was read ahead is gone."""
    path = tmp_path / "file"
    path.write_text("one\ntwo\nthree\n", encoding="utf-8")
    for file in (await open_file(path, "r+"), wrap_file(io.StringIO("one\ntwo\n"))):
        assert await file.readline() == "one\n"
        await file.aclose()
        assert file.closed
        for name, *arguments in (
            ("read",),
            ("read", 1),
            ("readline",),
            ("readlines",),
            ("write", "x"),
            ("writelines", ["x"]),
            ("truncate",),
            ("seek", 0),
            ("tell",),
            ("__anext__",),
        ):
            with pytest.raises(ValueError, match="closed"):
                await getattr(file, name)(*arguments)
        await file.aclose()


@rule("FILE-2", "FILE-9")
async def test_bad_text(tmp_path: Path) -> None:
    """Lines before bytes that can't be decoded are given first; then the error, as from readline()."""
    path = tmp_path / "file"
    good = "".join(f"line {number}\n" for number in range(3000))
    path.write_bytes(good.encode() + b"\xff\n")
    with path.open(encoding="utf-8") as fp:
        expected: list[str] = []
        with pytest.raises(UnicodeDecodeError):
            while True:
                expected.append(fp.readline())
    async with await open_file(path, encoding="utf-8") as file:
        lines: list[str] = []
        with pytest.raises(UnicodeDecodeError):
            async for line in file:
                lines.append(line)  # noqa: PERF401 - those before the error count
    assert lines == expected
    assert len(lines) > 100


@rule("FILE-1", "FILE-2")
async def test_errors_are_those_of_the_file_object() -> None:
    """What a method of the file object raises is raised, the same object."""
    fp = Watched(b"content")
    file = wrap_file(fp)
    for name, *arguments in (("read",), ("readline",), ("write", b"x"), ("truncate",), ("flush",)):
        error = fp.fails[name] = OSError(5, f"{name} failed")
        with pytest.raises(OSError, match=name) as caught:
            await getattr(file, name)(*arguments)
        assert caught.value is error
    fp.fails.clear()
    await file.seek(0)
    assert await file.read() == b"content"
    await file.aclose()


@rule("FILE-1")
async def test_threads_and_tokens(tmp_path: Path) -> None:
    """Every operation is done in another thread, with a token of the limiter."""
    limiter = CountingLimiter(1)
    fp = Watched(b"one\ntwo\n")
    async with wrap_file(fp, limiter=limiter) as file:
        assert file.limiter is limiter

        program: tuple[Any, ...] = (("read", 2), ("readline",), ("write", b"x"), ("truncate",), ("flush",), ("tell",))
        for number, (name, *arguments) in enumerate(program, 1):
            await getattr(file, name)(*arguments)
            assert limiter.taken == number, name
    assert limiter.taken == len(program) + 1
    assert fp.calls[-1] == "close"
    assert threading.get_ident() not in fp.threads
    async with await open_file(tmp_path / "file", "w", limiter=limiter) as file:
        assert limiter.taken == len(program) + 2
    assert limiter.taken == len(program) + 3
    assert limiter.borrowed_tokens == 0


@rule("FILE-1")
async def test_opening_leaves_the_loop_free(tmp_path: Path) -> None:
    """The system is asked to open the file in another thread."""
    threads: list[int] = []

    def opener(path: str, flags: int) -> int:
        threads.append(threading.get_ident())
        return os.open(path, flags)

    path = tmp_path / "file"
    path.touch()
    async with await open_file(path, opener=opener):
        pass
    assert len(threads) == 1
    assert threading.get_ident() not in threads


@rule("FILE-10")
@pytest.mark.parametrize("kind", ["BytesIO", "StringIO", "TextIOWrapper"])
async def test_in_memory(kind: str) -> None:
    """Operations on files in memory take no token."""
    limiter = CountingLimiter(1)
    data = b"one\ntwo\n"
    fp: Any = {"BytesIO": io.BytesIO(data), "TextIOWrapper": io.TextIOWrapper(io.BytesIO(data))}.get(kind)
    file = wrap_file(fp or io.StringIO(data.decode()), limiter=limiter)
    lines: list[Any] = data.splitlines(True) if kind == "BytesIO" else data.decode().splitlines(True)
    limiter.acquire_on_behalf_of_nowait("somebody")
    with accord.fail_after(5):
        assert await file.readline() == lines[0]
        position = await file.tell()
        assert [line async for line in file] == lines[1:]
        await file.seek(position)
        await file.write(lines[0])
        await file.truncate()
        await file.flush()
        await file.seek(0)
        assert await file.read() == lines[0] + lines[0]
        await file.aclose()
    assert file.closed
    assert limiter.taken == 1
