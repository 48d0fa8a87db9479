"""Opening, wrapping and closing: no file is left open, and none is closed too early."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import open_file, wrap_file
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import is_cancelled_by, open_descriptors, rule, settle, untestable

from .objects import CountingLimiter, Watched, until


@rule("FILE-6")
async def test_closing_waits_for_what_is_under_way() -> None:
    """aclose() lets an operation end, and those that come later raise ValueError."""
    fp = Watched(b"data")
    fp.gate.clear()
    async with accord.create_task_group() as group:
        file = wrap_file(fp)
        reading = await blocked(group, file.read)
        closing = await blocked(group, file.aclose)
        late = await blocked(group, file.read)
        assert not fp.closed
        fp.gate.set()
        for attempt in (reading, closing, late):
            await attempt.handle.wait()
    assert (reading.value, closing.outcome) == (b"data", "returned")
    assert type(late.error) is ValueError
    assert fp.calls[:2] == ["read", "close"]


@rule("FILE-6")
@pytest.mark.parametrize("where", ["before", "for a turn", "for a token", "in the thread"])
async def test_cancelled_closing(where: str) -> None:
    """A file is closed wherever aclose() is cancelled, and the cancellation is raised afterwards."""
    limiter = accord.CapacityLimiter(1)
    fp = Watched()
    file = wrap_file(fp, limiter=limiter)
    async with accord.create_task_group() as group:
        await file.write(b"data")
        if where == "before":
            assert await is_cancelled_by(file.aclose)
            assert fp.closed
            return
        if where == "for a token":
            limiter.acquire_on_behalf_of_nowait("somebody")
        else:
            fp.gate.clear()
        if where == "for a turn":
            await blocked(group, file.flush)
        closing = await blocked(group, file.aclose)
        closing.cancel()
        await accord.sleep(0.01)
        assert closing.outcome == "blocked"
        fp.gate.set()
        if where == "for a token":
            limiter.release_on_behalf_of("somebody")
        await closing.handle.wait()
    assert closing.outcome == "cancelled"
    assert fp.closed


@rule("FILE-6")
async def test_leaving_the_block(tmp_path: Path) -> None:
    """What was written is in the file after the block, however it is left."""
    path = tmp_path / "file"
    async with await open_file(path, "w") as file:
        await file.write("first")
    assert path.read_text("utf-8") == "first"
    with pytest.raises(KeyError):
        async with await open_file(path, "w") as file:
            await file.write("second")
            raise KeyError
    assert path.read_text("utf-8") == "second"
    with accord.CancelScope() as scope:
        async with await open_file(path, "w") as file:
            await file.write("third")
            scope.cancel()
            await checkpoint()
    assert file.closed
    assert path.read_text("utf-8") == "third"


@rule("FILE-6")
async def test_flushing_fails() -> None:
    """What closing raises is raised, and the file is closed; once is enough."""
    fp = Watched()
    fp.fails["close"] = OSError(28, "no space")
    file = wrap_file(fp)
    with pytest.raises(OSError, match="no space"):
        await file.aclose()
    assert fp.closed
    await file.aclose()
    assert fp.calls == ["close"]


@rule("FILE-6")
async def test_closing_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is closed also if no thread can be had for it."""
    fp = Watched()
    file = wrap_file(fp)

    async def run_sync(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("accord.files.turns.run_sync", run_sync)
    await file.aclose()
    assert fp.closed


@rule("FILE-5")
async def test_cancelled_while_it_opens(tmp_path: Path) -> None:
    """Once the thread opens the file, open_file() returns it, and the block closes it."""
    gate, entered = threading.Event(), threading.Event()
    files: list[Any] = []

    def opener(path: str, flags: int) -> int:
        entered.set()
        gate.wait(5)
        return os.open(path, flags)

    async def use() -> None:
        async with await open_file(tmp_path / "file", "w", opener=opener) as file:
            files.append(file)
            await checkpoint()
            raise AssertionError("this was cancelled")

    async with accord.create_task_group() as group:
        attempt = Attempt(group, use)
        await until(entered.is_set)
        attempt.cancel()
        await settle()
        gate.set()
    assert attempt.outcome == "cancelled"
    assert files[0].closed


@rule("FILE-5")
async def test_failed_opening(tmp_path: Path) -> None:
    """What the standard library raises is raised, and no descriptor stays open."""
    before = open_descriptors()
    (tmp_path / "there").touch()

    for path, mode, error in (
        ("missing", "r", FileNotFoundError),
        ("", "r", IsADirectoryError),
        ("there", "x", FileExistsError),
    ):
        with pytest.raises(error) as caught:
            await open_file(tmp_path / path, mode)
        assert caught.value.filename == str(tmp_path / path)
    with pytest.raises(LookupError):
        await open_file(tmp_path / "there", encoding="no such encoding")
    with pytest.raises(ValueError, match="newline"):
        await open_file(tmp_path / "there", newline="x")
    assert open_descriptors() == before


@rule("FILE-5")
async def test_arguments(tmp_path: Path) -> None:
    """Wrong arguments are refused before a cancellation is looked at."""
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"mode": ""}, ValueError, "mode"),
        ({"mode": "q"}, ValueError, "mode"),
        ({"mode": "rw"}, ValueError, "mode"),
        ({"mode": "rbt"}, ValueError, "mode"),
        ({"mode": "rr"}, ValueError, "mode"),
        ({"mode": 3}, TypeError, "mode"),
        ({"limiter": 3}, TypeError, "limiter"),
    ]
    with accord.CancelScope() as scope:
        scope.cancel()
        for arguments, error, name in wrong:
            with pytest.raises(error, match=name):
                await open_file(tmp_path, **arguments)
    assert not scope.cancelled_caught


@rule("FILE-11")
async def test_wrapping(tmp_path: Path) -> None:
    """A wrapped file is read, written and closed as one that was opened."""
    path = tmp_path / "file"
    with path.open("w+", encoding="utf-8") as fp:
        async with wrap_file(fp) as file:
            assert file.wrapped is fp
            await file.write("one\ntwo\n")
            await file.seek(0)
            assert [line async for line in file] == ["one\n", "two\n"]
        assert fp.closed
    for wrong in (None, "name", 3):
        bad: Any = wrong
        with pytest.raises(TypeError, match="file"):
            wrap_file(bad)
    bad = 3
    with pytest.raises(TypeError, match="limiter"):
        wrap_file(io.BytesIO(), limiter=bad)


@rule("FILE-11")
async def test_unclosed_file(tmp_path: Path) -> None:
    """A file that nobody closes is closed by the standard library, which warns."""
    path = tmp_path / "file"
    path.touch()
    file = await open_file(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del file
        # The thread that opened it may be about to forget it.
        await until(lambda: gc.collect() >= 0 and caught)
    assert [warning.category for warning in caught] == [ResourceWarning]


@rule("FILE-7")
async def test_closing_on_the_loop(tmp_path: Path) -> None:
    """A file that was written to is closed in a thread; one that was only read is closed when aclose() returns."""
    limiter = CountingLimiter(1)
    path = tmp_path / "file"
    path.write_text("content", encoding="utf-8")
    for mode in ("r", "rb", "r+", "a", "w"):
        before = limiter.taken
        file = await open_file(path, mode, limiter=limiter)
        await file.aclose()
        assert file.closed
        assert limiter.taken - before in ((1, 2) if "r" in mode and "+" not in mode else (2,)), mode


@rule("FILE-7")
@pytest.mark.parametrize("mode", ["r", "rb"])
async def test_closing_what_may_wait(tmp_path: Path, mode: str) -> None:
    """Files that are not small regular ones are closed in a thread."""
    limiter = CountingLimiter(1)
    big, fifo = tmp_path / "big", tmp_path / "fifo"
    with big.open("wb") as fp:
        fp.truncate(100_000_000)
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    try:
        for path in (big, fifo):
            before = limiter.taken
            file = await open_file(path, mode, limiter=limiter)
            await file.aclose()
            assert limiter.taken - before == 2, path
    finally:
        os.close(keep)


@rule("FILE-7", "FILE-2")
@pytest.mark.parametrize("mode", ["r", "rb"])
async def test_reading_what_is_in_memory(tmp_path: Path, mode: str) -> None:
    """A small file that was just written is read as ever, by every method, also after it has changed."""
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\n")
    one, two, three = [b"one\n", b"two\n", b"three\n"] if "b" in mode else ["one\n", "two\n", "three\n"]
    async with await open_file(path, mode) as file:
        assert await file.readline() == one
        assert [line async for line in file] == [two]
        with path.open("ab") as end:
            end.write(b"three\n")
        assert await file.read() == three
        assert not await file.read()
        await file.seek(0)
        with accord.CancelScope() as scope:
            scope.cancel()
            await file.read()
        assert scope.cancelled_caught
        assert await file.readlines() == [one, two, three]
        await file.seek(0)
        assert await file.read(3) == one[:3]
        assert await file.tell() == 3


@rule("FILE-7")
async def test_reading_what_may_wait(tmp_path: Path) -> None:
    """A file is read in a thread if it was opened for writing too, is a pipe, or has grown meanwhile."""
    limiter = CountingLimiter(1)
    path, fifo = tmp_path / "file", tmp_path / "fifo"
    path.write_bytes(b"content")
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    try:
        os.write(keep, b"content")
        for mode, where in (("r+b", path), ("rb", fifo)):
            async with await open_file(where, mode, buffering=0, limiter=limiter) as file:
                before = limiter.taken
                assert await file.read(7) == b"content"
                assert limiter.taken == before + 1, where
    finally:
        os.close(keep)
    async with await open_file(path, "rb", limiter=limiter) as file:
        path.write_bytes(bytes(5_000_000))
        before = limiter.taken
        assert len(await file.read()) == 5_000_000
        assert limiter.taken == before + 1


@rule("FILE-7")
async def test_reading_what_has_to_be_fetched(tmp_path: Path) -> None:
    """A small file that the operating system has dropped from its memory is read in a thread."""
    if sys.platform != "linux":
        untestable("only Linux says what is in memory")
    twin, path = tmp_path / "twin", tmp_path / "file"
    for each in (twin, path):
        with each.open("wb") as fp:
            fp.write(bytes(50_000))
            fp.flush()
            os.fsync(fp.fileno())
            os.posix_fadvise(fp.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    with twin.open("rb") as fp:
        try:
            os.preadv(fp.fileno(), [bytearray(50_000)], 0, os.RWF_NOWAIT)
        except BlockingIOError:
            pass
        except OSError:
            untestable("the file system of the temporary folder doesn't say what is in memory")
        else:
            untestable("the operating system drops nothing from its memory when it is asked to")
    limiter = CountingLimiter(1)
    async with await open_file(path, "rb", limiter=limiter) as file:
        before = limiter.taken
        assert await file.read() == bytes(50_000)
        assert limiter.taken == before + 1
