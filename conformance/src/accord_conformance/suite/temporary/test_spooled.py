"""Temporary files that stay in memory until they are too big."""

# ruff: noqa: ASYNC240 - what is there is looked at without accord

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import SpooledTemporaryFile
from accord_conformance.helpers import count_yields, is_cancelled_by, rule
from accord_conformance.suite.files.objects import CountingLimiter


@rule("TEMP-5")
async def test_boundary() -> None:
    """max_size bytes are in memory, one more is a file, wherever the position is."""
    async with SpooledTemporaryFile(max_size=10) as file:
        await file.write(b"x" * 10)
        assert file.name is None
        await file.seek(5)
        await file.write(b"y" * 5)
        assert file.name is None
        await file.write(b"z")
        assert file.name is not None
        await file.seek(0)
        assert await file.read() == b"xxxxxyyyyyz"
    assert file.closed


@rule("TEMP-5")
async def test_boundary_of_text() -> None:
    """For text the bytes count, and the ends of lines as they are written."""
    async with SpooledTemporaryFile(10, "w+", encoding="utf-8", newline="\r\n") as file:
        await file.write("äää\n")
        assert file.name is None
        await file.write("ab")
        assert file.name is None
        await file.write("c")
        assert file.name is not None
        assert await file.tell() == 11
        await file.seek(0)
        assert await file.read() == "äää\r\nabc"
    async with SpooledTemporaryFile(max_size=20, mode="w+", encoding="utf-16") as file:
        await file.write("123456789")
        assert file.name is None
        await file.write("0")
        assert file.name is not None


@rule("TEMP-5")
async def test_no_limit() -> None:
    """Without a limit it stays in memory, until rollover() is called."""
    async with SpooledTemporaryFile() as file:
        await file.write(b"x" * 1_000_000)
        assert file.name is None
        await file.seek(7)
        await file.rollover()
        assert file.name is not None
        assert await file.tell() == 7
        assert len(await file.read()) == 999_993
        await file.rollover()


@rule("TEMP-5")
@pytest.mark.parametrize("mode", ["w+b", "w+"])
async def test_content_and_position_are_kept(mode: str) -> None:
    """Whatever makes it a file, content and position are as if it had always been one."""
    for how in ("rollover", "write", "writelines", "truncate"):
        async with SpooledTemporaryFile(max_size=20, mode=mode) as file:  # type: ignore[call-overload]
            with tempfile.TemporaryFile(mode) as model:

                def data(text: str) -> Any:
                    return text if mode == "w+" else text.encode()

                for target in (file, model):
                    for name, *arguments in (("write", data("one\ntwo\nthree\n")), ("seek", 4), ("readline",)):
                        result = getattr(target, name)(*arguments)
                        if target is file:
                            await result
                assert file.name is None
                if how == "rollover":
                    await file.rollover()
                else:
                    argument: Any = {"write": data("x" * 20), "writelines": [data("x")] * 20, "truncate": 21}[how]
                    assert await getattr(file, how)(argument) == self_placed(model, how, argument)
                assert file.name is not None
                assert await file.tell() == model.tell()
                await file.seek(0)
                model.seek(0)
                assert await file.read() == model.read()


def self_placed(model: Any, how: str, argument: Any) -> object:
    """Do the same to the file of the standard library, at its position."""
    model.seek(model.tell())
    return getattr(model, how)(argument)


@rule("TEMP-5")
async def test_no_threads_in_memory() -> None:
    """In memory no operation takes a token; becoming a file takes one, and afterwards each does."""
    limiter = CountingLimiter(1)
    async with SpooledTemporaryFile(max_size=100, limiter=limiter) as file:
        await file.write(b"one\ntwo\n")
        await file.writelines([b"three\n"])
        await file.seek(0)
        assert [line async for line in file] == [b"one\n", b"two\n", b"three\n"]
        await file.tell()
        await file.flush()
        await file.truncate(14)
        assert limiter.taken == 0
        await file.write(b"x" * 100)
        assert limiter.taken == 1
        await file.tell()
        assert limiter.taken == 2
    assert limiter.taken == 3
    async with SpooledTemporaryFile(limiter=limiter):
        pass
    assert limiter.taken == 3


@rule("TEMP-5")
async def test_attributes() -> None:
    """It knows its mode, and has a descriptor only as a file."""
    async with SpooledTemporaryFile(10) as file:
        assert file.mode == "w+b"
        with pytest.raises(OSError, match="fileno"):
            file.fileno()
        await file.rollover()
        assert file.fileno() > 2
        assert "+" in file.mode
    wrong: Any
    for wrong, error in ((-1, ValueError), ("1", TypeError), (True, TypeError)):
        with pytest.raises(error, match="max_size"):
            SpooledTemporaryFile(wrong)


@rule("TEMP-6")
async def test_checkpoints() -> None:
    """Operations check before they take effect, and yield now and then, in memory too."""
    async with SpooledTemporaryFile(max_size=10) as file:
        await file.write(b"data")
        await file.seek(0)
        for operation in (
            file.read,
            file.readline,
            partial(file.write, b"other"),
            partial(file.write, b"x" * 100),
            partial(file.writelines, [b"other"]),
            partial(file.truncate, 100),
            file.truncate,
            partial(file.seek, 2),
            file.tell,
            file.rollover,
        ):
            assert await is_cancelled_by(operation)
        assert file.name is None
        assert await file.read() == b"data"
        assert sum([await count_yields(file.tell()) for _ in range(64)]) >= 4


@rule("TEMP-6")
async def test_no_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """If there is no room for a file that is raised, and what was written can be read."""

    def refuse(**_: Any) -> None:
        raise OSError(28, "no space")

    async with SpooledTemporaryFile(max_size=10) as file:
        await file.write(b"some")
        with monkeypatch.context() as patches:
            patches.setattr(tempfile, "TemporaryFile", refuse)
            with pytest.raises(OSError, match="no space"):
                await file.write(b"x" * 10)
            with pytest.raises(OSError, match="no space"):
                await file.rollover()
        assert file.name is None
        await file.seek(0)
        assert (await file.read()).startswith(b"some")


@rule("TEMP-2")
@pytest.mark.parametrize("rolled", [True, False])
async def test_gone(tmp_path: Path, rolled: bool) -> None:
    """After the block nothing is left, also if leaving it is cancelled."""
    with accord.CancelScope() as scope:
        async with SpooledTemporaryFile(max_size=1, dir=str(tmp_path)) as file:
            await file.write(b"xx" if rolled else b"x")
            assert (file.name is not None) is rolled
            scope.cancel()
    assert scope.cancelled_caught
    assert file.closed
    assert list(tmp_path.iterdir()) == []
