"""Temporary files and directories: what they are, and that they are gone afterwards."""

# ruff: noqa: ASYNC240, PTH112, PTH120 - what is there is looked at without accord

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import NamedTemporaryFile, SpooledTemporaryFile, TemporaryDirectory, TemporaryFile
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import is_cancelled_by, open_descriptors, rule, settle
from accord_conformance.suite.files.objects import CountingLimiter, until

Make = Callable[..., Any]
MAKES: list[Make] = [TemporaryFile, NamedTemporaryFile, TemporaryDirectory]
FILES: list[Make] = [TemporaryFile, NamedTemporaryFile, SpooledTemporaryFile]


def by_name(make: Make) -> str:
    """Name a class in the test's id."""
    return make.__name__


blocks = pytest.mark.parametrize("make", MAKES, ids=by_name)


def nothing_in(folder: Path) -> bool:
    """Whether a folder is empty."""
    return not list(folder.iterdir())


@rule("TEMP-1")
@pytest.mark.parametrize("make", FILES, ids=by_name)
async def test_files(tmp_path: Path, make: Make) -> None:
    """They are files, binary by default, or of text as the arguments say."""
    async with make(dir=str(tmp_path)) as file:
        assert await file.write(b"one\r\ntwo") == 8
        await file.seek(0)
        assert [line async for line in file] == [b"one\r\n", b"two"]
    assert file.closed
    text = {"mode": "w+", "encoding": "latin-1", "errors": "replace", "newline": "\r\n", "dir": str(tmp_path)}
    async with make(**text) as file:
        await file.write("ä€\n")
        assert await file.tell() == 4
        await file.seek(0)
        assert await file.read() == "ä?\r\n"
        assert file.encoding == "latin-1"
    assert nothing_in(tmp_path)


@rule("TEMP-1")
async def test_names(tmp_path: Path) -> None:
    """Names are made of prefix and suffix, in the directory that was given."""
    names: dict[str, Any] = {"prefix": "before", "suffix": "after", "dir": str(tmp_path)}
    async with NamedTemporaryFile(**names) as file, TemporaryDirectory(**names) as directory:
        assert isinstance(directory, str)
        for name in (file.name, directory):
            path = Path(name)
            assert path.parent == tmp_path
            assert path.name.startswith("before")
            assert path.name.endswith("after")
        assert Path(file.name).is_file()
        assert Path(directory).is_dir()
    async with TemporaryDirectory(dir=os.fsencode(tmp_path)) as as_bytes:
        assert os.path.isdir(as_bytes)
        assert os.path.dirname(as_bytes) == os.fsencode(tmp_path)
    assert nothing_in(tmp_path)


@rule("TEMP-1")
async def test_functions(tmp_path: Path) -> None:
    """The functions return what those of tempfile do."""
    assert await accord.gettempdir() == tempfile.gettempdir()
    assert await accord.gettempdirb() == tempfile.gettempdirb()
    fd, name = await accord.mkstemp("after", "before", str(tmp_path))
    os.write(fd, b"data")
    os.close(fd)
    assert Path(name).read_bytes() == b"data"
    assert Path(name).stat().st_mode & 0o777 == 0o600
    assert Path(name).name.startswith("before")
    directory = await accord.mkdtemp(b"after", None, os.fsencode(tmp_path))
    assert os.path.isdir(directory)
    assert directory.endswith(b"after")
    with pytest.raises(FileNotFoundError):
        await accord.mkdtemp(dir=str(tmp_path / "missing"))


@rule("TEMP-1")
@blocks
async def test_tokens(tmp_path: Path, make: Make) -> None:
    """Making and removing them take a token, and happen in a thread."""
    limiter = CountingLimiter(1)
    async with make(dir=str(tmp_path), limiter=limiter):
        assert limiter.taken == 1
    assert limiter.taken == 2
    before = limiter.taken
    await accord.gettempdir(limiter=limiter)
    await accord.gettempdirb(limiter=limiter)
    fd, _ = await accord.mkstemp(dir=str(tmp_path), limiter=limiter)
    os.close(fd)
    await accord.mkdtemp(dir=str(tmp_path), limiter=limiter)
    assert limiter.taken == before + 4


@rule("TEMP-1")
@blocks
async def test_blocks(tmp_path: Path, make: Make) -> None:
    """A block can't be entered twice at once, but again; wrong arguments are refused."""
    block = make(dir=str(tmp_path))
    async with block:
        with pytest.raises(RuntimeError, match="entered"):
            await block.__aenter__()
    if make is not TemporaryDirectory:
        async with block as file:
            assert not file.closed
        with pytest.raises(ValueError, match="mode"):
            make(mode="no mode")
    with pytest.raises(TypeError, match="limiter"):
        make(limiter=3)
    with pytest.raises(FileNotFoundError):
        async with make(dir=str(tmp_path / "missing")):
            pass


@rule("TEMP-2")
@blocks
@pytest.mark.parametrize("end", ["order", "error", "cancellation", "cancelled exit", "no thread"])
async def test_gone(tmp_path: Path, make: Make, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the block ends, nothing is left."""
    before = open_descriptors()

    async def no_thread(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    async def use() -> None:
        block = make(dir=str(tmp_path))
        thing = await block.__aenter__()
        if isinstance(thing, str):
            (Path(thing) / "inside").mkdir()
        else:
            await thing.write(b"data")
        error = KeyError() if end == "error" else None
        if end == "cancellation":
            scope.cancel()
            try:
                await checkpoint()
            except accord.get_cancelled_exc_class() as cancellation:
                await block.__aexit__(type(cancellation), cancellation, None)
                raise
        if end == "cancelled exit":
            scope.cancel()
        if end == "no thread":
            monkeypatch.setattr("accord.files.turns.run_sync", no_thread)
        await block.__aexit__(error and type(error), error, None)

    with accord.CancelScope() as scope:
        await use()
    assert scope.cancelled_caught is (end in {"cancellation", "cancelled exit"})
    assert nothing_in(tmp_path)
    assert open_descriptors() == before


@rule("TEMP-3")
@blocks
async def test_entering_in_a_cancelled_scope(tmp_path: Path, make: Make) -> None:
    """Nothing is made."""
    block = make(dir=str(tmp_path))
    assert await is_cancelled_by(block.__aenter__)
    for call in (accord.mkstemp, accord.mkdtemp):
        assert await is_cancelled_by(partial(call, dir=str(tmp_path)))
    await accord.sleep(0.01)
    assert nothing_in(tmp_path)


@rule("TEMP-3")
@blocks
async def test_cancelled_while_it_is_made(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the block is entered, the next checkpoint raises, and nothing is left."""
    entered, gate = threading.Event(), threading.Event()
    original = getattr(tempfile, make.__name__)
    before = open_descriptors()
    inside: list[bool] = []

    def slow(*args: Any, **keywords: Any) -> Any:
        entered.set()
        gate.wait(5)
        return original(*args, **keywords)

    monkeypatch.setattr(tempfile, make.__name__, slow)

    async def use() -> None:
        async with make(dir=str(tmp_path)):
            inside.append(True)
            await checkpoint()
            inside.append(False)

    async with accord.create_task_group() as group:
        attempt = Attempt(group, use)
        await until(entered.is_set)
        attempt.cancel()
        await settle()
        gate.set()
    assert (attempt.outcome, inside) == ("cancelled", [True])
    assert nothing_in(tmp_path)
    assert open_descriptors() == before


@rule("TEMP-4")
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("delete_on_close", [True, False])
async def test_when_it_is_deleted(tmp_path: Path, delete: bool, delete_on_close: bool) -> None:
    """A named file is deleted when it is closed, after the block, or never."""
    options: Any = {"dir": str(tmp_path), "delete": delete, "delete_on_close": delete_on_close}
    async with NamedTemporaryFile(**options) as file:
        path = Path(file.name)
        await file.write(b"data")
        await file.aclose()
        assert path.exists() is not (delete and delete_on_close)
    assert path.exists() is not delete
    # Somebody else may have deleted it.
    async with NamedTemporaryFile(dir=str(tmp_path), delete_on_close=False) as file:
        Path(file.name).unlink()


@rule("TEMP-4")
async def test_directories_that_stay(tmp_path: Path) -> None:
    """With delete=False a directory stays, until cleanup() is called."""
    block = TemporaryDirectory(dir=str(tmp_path), delete=False)
    async with block as name:
        (Path(name) / "inside").touch()
    assert (Path(name) / "inside").exists()
    await block.cleanup()
    assert nothing_in(tmp_path)
    assert await is_cancelled_by(TemporaryDirectory[str]().cleanup)


@rule("TEMP-4", "TEMP-2")
async def test_early_cleanup(tmp_path: Path) -> None:
    """cleanup() within the block deletes the directory, and the end of the block does nothing more."""
    block = TemporaryDirectory(dir=str(tmp_path))
    async with block as name:
        assert await is_cancelled_by(block.cleanup)
        assert not Path(name).exists()
        await block.cleanup()


@rule("TEMP-4")
@pytest.mark.parametrize("delete", [True, False])
async def test_errors_of_cleanup(tmp_path: Path, delete: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be deleted is an error, unless that was asked to be ignored."""

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(16, "it is in use")

    for ignored in (False, True):
        block = TemporaryDirectory(dir=str(tmp_path), ignore_cleanup_errors=ignored, delete=delete)
        async with block as name:
            (Path(name) / "inside").touch()
            with monkeypatch.context() as patches:
                for function in ("unlink", "rmdir", "open", "scandir"):
                    patches.setattr(os, function, refuse)
                if ignored:
                    await block.cleanup()
                else:
                    with pytest.raises(OSError, match="in use"):
                        await block.cleanup()
            (Path(name) / "inside").unlink()
