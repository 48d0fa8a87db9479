"""The jobs about files, natively on asyncio; see ``portable_files`` for what they do. asyncio itself has no files."""

from __future__ import annotations

import asyncio
import tempfile

from .portable_files import folder, long_file, small_file


async def file_read(n: int) -> None:
    """Open a small file, read and close it, each in a thread."""
    path = small_file()
    run = asyncio.get_running_loop().run_in_executor
    for _ in range(n):
        file = await run(None, path.open)
        try:
            await run(None, file.read)
        finally:
            await run(None, file.close)


async def file_write(n: int) -> None:
    """Open a file for writing, write a little and close it, each in a thread."""
    path = folder() / "written"
    run = asyncio.get_running_loop().run_in_executor
    for _ in range(n):
        file = await run(None, path.open, "w")
        try:
            await run(None, file.write, "some text\n")
        finally:
            await run(None, file.close)


async def file_lines(n: int) -> None:
    """Read the lines of a long file, each in a thread."""
    run = asyncio.get_running_loop().run_in_executor
    while n > 0:
        file = await run(None, long_file().open)
        try:
            line = "line"
            while n and line:
                line = await run(None, file.readline)
                n -= 1
        finally:
            await run(None, file.close)


async def file_spool(n: int) -> None:
    """Write to a temporary file that stays in memory, without checkpoints."""
    with tempfile.SpooledTemporaryFile(1 << 30) as file:
        for _ in range(n):
            file.write(b"some bytes\n")
