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


async def questions(path: Special) -> None:
    assert_type(await path.is_file(), bool)
    assert_type(await path.is_dir(), bool)
    assert_type(await path.is_symlink(), bool)
    assert_type(await path.is_mount(), bool)
    assert_type(await path.is_socket(), bool)
    assert_type(await path.is_fifo(), bool)
    assert_type(await path.is_block_device(), bool)
    assert_type(await path.is_char_device(), bool)
    assert_type(await path.lstat(), os.stat_result)
    assert_type(await path.owner(), str)
    assert_type(await path.group(), str)
    assert_type(await path.readlink(), Special)
    assert_type(await path.absolute(), Special)
    assert_type(await path.expanduser(), Special)
    assert_type(await Special.home(), Special)
    if sys.version_info >= (3, 12):
        assert_type(await path.is_junction(), bool)
    if sys.version_info >= (3, 13):
        await path.is_file(follow_symlinks=False)
        assert_type(await path.owner(follow_symlinks=False), str)


async def changes(path: Special) -> None:
    assert_type(await path.replace("x"), Special)
    await path.chmod(0o600, follow_symlinks=False)
    await path.lchmod(0o600)
    await path.mkdir(parents=True, exist_ok=True)
    await path.rmdir()
    await path.touch(exist_ok=False)
    await path.unlink(missing_ok=True)
    await path.hardlink_to("x")
    await path.mkdir(parents="yes")  # type: ignore[arg-type]


def computed(path: Special) -> None:
    assert_type(path.name, str)
    assert_type(path.parts, tuple[str, ...])
    assert_type(path.suffixes, list[str])
    assert_type(path.as_uri(), str)
    assert_type(path.is_absolute(), bool)
    assert_type(path.is_relative_to("/"), bool)
    assert_type(path.match("*.py"), bool)
    assert_type(path.with_stem("x"), Special)
    if sys.version_info >= (3, 12):
        assert_type(path.with_segments("x"), Special)
    if sys.version_info >= (3, 13):
        assert_type(path.full_match("**/*.py"), bool)
        assert_type(Special.from_uri("file:///x"), Special)


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
