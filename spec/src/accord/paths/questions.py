"""Questions about what a path leads to, each asked in one call in a worker thread."""

from __future__ import annotations

import os
import pathlib
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..to_thread import run_sync
from .pure import PurePathWithLimiter, StrPath

P = ParamSpec("P")
T = TypeVar("T")


def plain(path: StrPath) -> StrPath:
    """Return ``path`` as something whose methods pathlib can call: one of ours as a ``pathlib.Path``."""
    return path.sync if isinstance(path, PurePathWithLimiter) else path


class PathQuestions(PurePathWithLimiter):
    """The methods that change nothing and return no path."""

    __slots__ = ()

    def _call(
        self, method: Callable[Concatenate[pathlib.Path, P], T], /, *args: P.args, **keywords: P.kwargs
    ) -> Coroutine[Any, Any, T]:
        """Call a method of pathlib's path in a worker thread."""
        return run_sync(partial(method, pathlib.Path(self), *args, **keywords), limiter=self._limiter)

    async def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """Return what the system knows about the file; a checkpoint."""
        return await self._call(pathlib.Path.stat, follow_symlinks=follow_symlinks)

    async def lstat(self) -> os.stat_result:
        """Return what the system knows about the file, or about the symbolic link if it is one; a checkpoint."""
        return await self._call(pathlib.Path.lstat)

    if sys.version_info >= (3, 12):

        async def exists(self, *, follow_symlinks: bool = True) -> bool:
            """Return whether there is such a file or directory; a checkpoint."""
            return await self._call(pathlib.Path.exists, follow_symlinks=follow_symlinks)

        async def is_junction(self) -> bool:
            """Return whether it is a junction; a checkpoint."""
            return await self._call(pathlib.Path.is_junction)

    else:

        async def exists(self) -> bool:
            """Return whether there is such a file or directory; a checkpoint."""
            return await self._call(pathlib.Path.exists)

    if sys.version_info >= (3, 13):

        async def is_dir(self, *, follow_symlinks: bool = True) -> bool:
            """Return whether it is a directory; a checkpoint."""
            return await self._call(pathlib.Path.is_dir, follow_symlinks=follow_symlinks)

        async def is_file(self, *, follow_symlinks: bool = True) -> bool:
            """Return whether it is a regular file; a checkpoint."""
            return await self._call(pathlib.Path.is_file, follow_symlinks=follow_symlinks)

        async def owner(self, *, follow_symlinks: bool = True) -> str:
            """Return the name of the user who owns the file; a checkpoint. ``KeyError`` if the user has none."""
            return await self._call(pathlib.Path.owner, follow_symlinks=follow_symlinks)

        async def group(self, *, follow_symlinks: bool = True) -> str:
            """Return the name of the group that owns the file; a checkpoint. ``KeyError`` if the group has none."""
            return await self._call(pathlib.Path.group, follow_symlinks=follow_symlinks)

    else:

        async def is_dir(self) -> bool:
            """Return whether it is a directory; a checkpoint."""
            return await self._call(pathlib.Path.is_dir)

        async def is_file(self) -> bool:
            """Return whether it is a regular file; a checkpoint."""
            return await self._call(pathlib.Path.is_file)

        async def owner(self) -> str:
            """Return the name of the user who owns the file; a checkpoint. ``KeyError`` if the user has none."""
            return await self._call(pathlib.Path.owner)

        async def group(self) -> str:
            """Return the name of the group that owns the file; a checkpoint. ``KeyError`` if the group has none."""
            return await self._call(pathlib.Path.group)

    async def is_symlink(self) -> bool:
        """Return whether it is a symbolic link; a checkpoint."""
        return await self._call(pathlib.Path.is_symlink)

    async def is_mount(self) -> bool:
        """Return whether another file system is mounted there; a checkpoint."""
        return await self._call(pathlib.Path.is_mount)

    async def is_socket(self) -> bool:
        """Return whether it is a UNIX socket; a checkpoint."""
        return await self._call(pathlib.Path.is_socket)

    async def is_fifo(self) -> bool:
        """Return whether it is a named pipe; a checkpoint."""
        return await self._call(pathlib.Path.is_fifo)

    async def is_block_device(self) -> bool:
        """Return whether it is a block device; a checkpoint."""
        return await self._call(pathlib.Path.is_block_device)

    async def is_char_device(self) -> bool:
        """Return whether it is a character device; a checkpoint."""
        return await self._call(pathlib.Path.is_char_device)

    async def samefile(self, other_path: StrPath) -> bool:
        """Return whether both paths lead to the same file; a checkpoint.

        :param other_path: the other path; relative to the working directory if it is relative.
        """
        return await self._call(pathlib.Path.samefile, plain(other_path))

    async def read_bytes(self) -> bytes:
        """Return what is in the file; a checkpoint."""
        return await self._call(pathlib.Path.read_bytes)

    if sys.version_info >= (3, 13):

        async def read_text(
            self, encoding: str | None = None, errors: str | None = None, newline: str | None = None
        ) -> str:
            """Return the text in the file; a checkpoint. The parameters are those of the built-in ``open``."""
            return await self._call(pathlib.Path.read_text, encoding, errors, newline)

    else:

        async def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
            """Return the text in the file; a checkpoint. The parameters are those of the built-in ``open``."""
            return await self._call(pathlib.Path.read_text, encoding, errors)
