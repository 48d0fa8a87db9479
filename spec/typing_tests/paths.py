"""What type checkers infer for paths and for lines; checked, never run."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import AsyncIterator
from typing import Any, assert_type

import accord
from accord import Path
from accord.abc import ByteStream, ObjectReceiveStream
from accord.files import AsyncFile
from accord.paths import PathIterator
from accord.streams.lines import LineIterator, iter_lines


class Special(Path):
    """A subclass."""


def takes_pure(path: pathlib.PurePath) -> None:
    """Any path of pathlib."""


def takes_name(path: str | os.PathLike[str]) -> None:
    """Anything that names a file."""


def takes_sync(path: pathlib.Path) -> None:
    """A path whose methods block."""


def pure(path: Special, limiter: accord.CapacityLimiter) -> None:
    takes_pure(path)
    takes_name(path)
    takes_sync(path)  # type: ignore[arg-type]
    takes_sync(path.sync)
    assert_type(path / "x", Special)
    assert_type("x" / path, Special)
    assert_type(path.parent, Special)
    assert_type(path.parents[0], Special)
    assert_type(path.with_name("x"), Special)
    assert_type(path.with_suffix(".x"), Special)
    assert_type(path.joinpath("x", path), Special)
    assert_type(path.relative_to("/"), Special)
    assert_type(Special.from_sync(path.sync), Special)
    assert_type(path.limiter, accord.CapacityLimiter | None)
    Path("a", pathlib.Path("b"), path, limiter=limiter)
    Path(b"bytes")  # type: ignore[arg-type]
    Path("a", limiter=3)  # type: ignore[arg-type]


async def calls(path: Special) -> None:
    assert_type(await path.stat(), os.stat_result)
    assert_type(await path.exists(), bool)
    assert_type(await path.samefile("x"), bool)
    assert_type(await path.resolve(strict=True), Special)
    assert_type(await path.rename("x"), Special)
    assert_type(await Special.cwd(), Special)
    assert_type(await path.read_bytes(), bytes)
    assert_type(await path.read_text("ascii"), str)
    assert_type(await path.write_bytes(bytearray()), int)
    assert_type(await path.write_text("x", newline="\n"), int)
    await path.write_text(b"x")  # type: ignore[arg-type]
    await path.symlink_to(b"x")
    assert_type(await path.open(), AsyncFile[str])
    assert_type(await path.open("rb"), AsyncFile[bytes])
    if sys.version_info >= (3, 12):
        await path.exists(follow_symlinks=False)
    else:
        await path.exists(follow_symlinks=False)  # type: ignore[call-arg]


async def iterations(path: Special) -> None:
    assert_type(path.iterdir(), PathIterator[Special])
    takes_iterator(path.glob("*"))
    async for entry in path.rglob("*"):
        assert_type(entry, Special)
    async with path.iterdir() as entries:
        assert_type(await anext(entries), Special)
    if sys.version_info >= (3, 12):
        async for directory, directories, others in path.walk(on_error=print):
            assert_type(directory, Special)
            assert_type(directories, list[str])
            assert_type(others, list[str])


def takes_iterator(paths: AsyncIterator[Path]) -> None:
    """Anything that gives paths."""


async def lines(stream: ByteStream, objects: ObjectReceiveStream[bytes], text: ObjectReceiveStream[str]) -> None:
    assert_type(iter_lines(stream), LineIterator[bytes])
    assert_type(iter_lines(objects, max_line=100), LineIterator[bytes])
    async for line in iter_lines(text, keep_ends=True):
        assert_type(line, str)
    wrong: Any = iter_lines(5)  # type: ignore[call-overload]
    del wrong
