"""What ``Path.info`` returns, from Python 3.14 on: answers that are remembered once they have been asked for."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from ..sync import CapacityLimiter
from ..to_thread import run_sync


class _Info(Protocol):
    """What pathlib has for it."""

    def exists(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_dir(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_file(self, *, follow_symlinks: bool = True) -> bool: ...
    def is_symlink(self) -> bool: ...


class PathInfo:
    """The kind of a file, asked of the system in a worker thread and then remembered; each method is a checkpoint.

    :param info: pathlib's object for the path.
    :param limiter: where each call takes its token.
    """

    __slots__ = ("_info", "_limiter")

    def __init__(self, info: _Info, limiter: CapacityLimiter | None = None) -> None:
        self._info = info
        self._limiter = limiter

    async def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether there was such a file or directory."""
        return await run_sync(partial(self._info.exists, follow_symlinks=follow_symlinks), limiter=self._limiter)

    async def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it was a directory."""
        return await run_sync(partial(self._info.is_dir, follow_symlinks=follow_symlinks), limiter=self._limiter)

    async def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Return whether it was a regular file."""
        return await run_sync(partial(self._info.is_file, follow_symlinks=follow_symlinks), limiter=self._limiter)

    async def is_symlink(self) -> bool:
        """Return whether it was a symbolic link."""
        return await run_sync(self._info.is_symlink, limiter=self._limiter)
