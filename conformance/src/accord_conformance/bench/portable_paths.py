"""The jobs about paths, written against the portable API, which accord and AnyIO share: ``lib`` is either.

The directories are made when they are first needed, which is in the warm-up, and removed at the end of the process.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ENTRIES = 10_000
BRANCHES = 200
LEAVES = 5


def _folder() -> Path:
    directory = TemporaryDirectory()
    atexit.register(directory.cleanup)
    return Path(directory.name)


@cache
def small_file() -> Path:
    """Return a file with a little text."""
    path = _folder() / "file"
    path.write_text("some text\n" * 20)
    return path


@cache
def large_directory() -> Path:
    """Return a directory with 10,000 files."""
    folder = _folder()
    for number in range(ENTRIES):
        (folder / f"file{number}").touch()
    return folder


@cache
def tree() -> Path:
    """Return a tree of 200 directories with five files each."""
    folder = _folder()
    for branch in range(BRANCHES):
        directory = folder / f"group{branch % 14}" / f"directory{branch}"
        directory.mkdir(parents=True)
        for number in range(LEAVES):
            (directory / f"file{number}.py").touch()
    return folder


async def path_read_text(lib: Any, n: int) -> None:
    """Read a small file."""
    path = lib.Path(small_file())
    for _ in range(n):
        await path.read_text()


async def path_stat(lib: Any, n: int) -> None:
    """Ask for the state of a file."""
    path = lib.Path(small_file())
    for _ in range(n):
        await path.stat()


async def path_iterdir(lib: Any, n: int) -> None:
    """Iterate over a large directory."""
    path = lib.Path(large_directory())
    for _ in range(n):
        async for _ in path.iterdir():
            pass


async def path_glob(lib: Any, n: int) -> None:
    """Search a tree for files."""
    path = lib.Path(tree())
    for _ in range(n):
        async for _ in path.glob("**/*.py"):
            pass


async def path_walk(lib: Any, n: int) -> None:
    """Walk a tree."""
    path = lib.Path(tree())
    for _ in range(n):
        async for _ in path.walk():
            pass
