"""The jobs about files, written against the portable API, which accord and AnyIO share: ``lib`` is either.

The files are made when they are first needed, which is in the warm-up, and removed at the end of the process.
"""

from __future__ import annotations

import atexit
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

LINES = 100_000


@cache
def folder() -> Path:
    """Return a directory for files."""
    directory = TemporaryDirectory()
    atexit.register(directory.cleanup)
    return Path(directory.name)


@cache
def small_file() -> Path:
    """Return a file with a little text."""
    path = folder() / "small"
    path.write_text("some text\n" * 20)
    return path


@cache
def long_file() -> Path:
    """Return a file with 100,000 lines."""
    path = folder() / "long"
    path.write_text("".join(f"this is line {number}\n" for number in range(LINES)))
    return path


async def file_read(lib: Any, n: int) -> None:
    """Open a small file, read and close it."""
    path = small_file()
    for _ in range(n):
        async with await lib.open_file(path) as file:
            await file.read()


async def file_write(lib: Any, n: int) -> None:
    """Open a file for writing, write a little and close it."""
    path = folder() / "written"
    for _ in range(n):
        async with await lib.open_file(path, "w") as file:
            await file.write("some text\n")


async def file_lines(lib: Any, n: int) -> None:
    """Iterate over the lines of a long file, from the beginning again if need be."""
    path = long_file()
    while n > 0:
        async with await lib.open_file(path) as file:
            async for _ in file:
                n -= 1
                if not n:
                    break


async def file_spool(lib: Any, n: int) -> None:
    """Write to a temporary file that stays in memory."""
    async with lib.SpooledTemporaryFile(1 << 30) as file:
        for _ in range(n):
            await file.write(b"some bytes\n")
