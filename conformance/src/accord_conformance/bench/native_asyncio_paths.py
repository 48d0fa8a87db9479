"""The jobs about paths, natively on asyncio: pathlib in threads; see ``portable_paths`` for what they do."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable

from .portable_paths import large_directory, small_file, tree


def _exhaust(iterate: Callable[[], Iterable[object]]) -> None:
    deque(iterate(), maxlen=0)


async def path_read_text(n: int) -> None:
    """Read a small file."""
    path = small_file()
    for _ in range(n):
        await asyncio.to_thread(path.read_text)


async def path_stat(n: int) -> None:
    """Ask for the state of a file."""
    path = small_file()
    for _ in range(n):
        await asyncio.to_thread(path.stat)


async def path_iterdir(n: int) -> None:
    """Iterate over a large directory, in one call."""
    path = large_directory()
    for _ in range(n):
        await asyncio.to_thread(_exhaust, path.iterdir)


async def path_glob(n: int) -> None:
    """Search a tree for files, in one call."""
    path = tree()
    for _ in range(n):
        await asyncio.to_thread(_exhaust, lambda: path.glob("**/*.py"))


async def path_walk(n: int) -> None:
    """Walk a tree, in one call."""
    path = tree()
    for _ in range(n):
        await asyncio.to_thread(_exhaust, lambda: os.walk(path))
