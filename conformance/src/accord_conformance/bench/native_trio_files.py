"""The jobs about files, natively on Trio; see ``portable_files`` for what they do."""

from __future__ import annotations

import tempfile

import trio

from .portable_files import folder, long_file, small_file


async def file_read(n: int) -> None:
    """Open a small file, read and close it."""
    path = small_file()
    for _ in range(n):
        async with await trio.open_file(path) as file:
            await file.read()


async def file_write(n: int) -> None:
    """Open a file for writing, write a little and close it."""
    path = folder() / "written"
    for _ in range(n):
        async with await trio.open_file(path, "w") as file:
            await file.write("some text\n")


async def file_lines(n: int) -> None:
    """Iterate over the lines of a long file, from the beginning again if need be."""
    while n > 0:
        async with await trio.open_file(long_file()) as file:
            async for _ in file:
                n -= 1
                if not n:
                    break


async def file_spool(n: int) -> None:
    """Write to a temporary file that stays in memory, without checkpoints."""
    with tempfile.SpooledTemporaryFile(1 << 30) as file:
        for _ in range(n):
            file.write(b"some bytes\n")
