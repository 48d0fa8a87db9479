"""``Path``: pathlib's class with its input and output as coroutines and async iterators.

Each call is one call in a worker thread, of the very method of the running Python's ``pathlib.Path``. So results,
errors and effects are pathlib's own, and so are the methods' parameters, which differ between versions of Python.
"""

from __future__ import annotations

import os
import pathlib
import sys
from typing import TYPE_CHECKING, Any, Self, cast, overload

from ..sync import CapacityLimiter
from ..to_thread import run_sync
from .info import PathInfo
from .iterating import Entries, OnError, PathIterator, WalkDown, joined, names_in, walk_up
from .pure import StrPath
from .questions import PathQuestions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import OpenBinaryMode, OpenTextMode
    from typing_extensions import Buffer

    from ..files import AsyncFile

StrOrBytesPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class Path(PathQuestions):
    """A path whose input and output does not block the loop (PATH-1 to PATH-13).

    :param args: as with ``pathlib.Path``: strings and paths, which are joined.
    :param limiter: where each call takes its token; by default the run's limiter of threads. Paths that are derived
        from this one have it, too.

    It is a ``pathlib.PurePath``, equal to the ``pathlib.Path`` of the same name and with the same hash. Coroutines run
    the method of that name of ``pathlib.Path`` in a worker thread and raise what it raises, usually an ``OSError``. A
    call that has begun is not cut short by a cancellation, and returns; the next checkpoint raises it.
    """

    __slots__ = ()

    @classmethod
    async def cwd(cls, *, limiter: CapacityLimiter | None = None) -> Self:
        """Return the working directory; a checkpoint.

        :param limiter: the limiter of the call and of the path.
        """
        return cls(await run_sync(pathlib.Path.cwd, limiter=limiter), limiter=limiter)

    @classmethod
    async def home(cls, *, limiter: CapacityLimiter | None = None) -> Self:
        """Return the user's home directory; a checkpoint. ``RuntimeError`` if it is not known.

        :param limiter: the limiter of the call and of the path.
        """
        return cls(await run_sync(pathlib.Path.home, limiter=limiter), limiter=limiter)

    if sys.version_info >= (3, 13):

        @classmethod
        def from_uri(cls, uri: str, *, limiter: CapacityLimiter | None = None) -> Self:
            """Return the path that a ``file:`` URI means; ``ValueError`` for another URI. No input and output.

            :param uri: the URI.
            :param limiter: where the path's calls take their tokens.
            """
            return cls(pathlib.Path.from_uri(uri), limiter=limiter)

    if sys.version_info >= (3, 14):

        @property
        def info(self) -> PathInfo:
            """What kind of thing it is, asked of the system once and remembered; each access makes a new one."""
            return PathInfo(pathlib.Path(self).info, self._limiter)

    def as_uri(self) -> str:
        """Return the path as a ``file:`` URI; ``ValueError`` if it is relative. No input and output."""
        return self.sync.as_uri()

    # Other paths

    async def absolute(self) -> Self:
        """Return the path from the root on, as it is written; a checkpoint."""
        return self.with_segments(await self._call(pathlib.Path.absolute))

    async def resolve(self, strict: bool = False) -> Self:
        """Return the path from the root on, without symbolic links and ``..``; a checkpoint.

        :param strict: whether it is an error if there is no such file.
        """
        return self.with_segments(await self._call(pathlib.Path.resolve, strict))

    async def readlink(self) -> Self:
        """Return where the symbolic link leads; a checkpoint."""
        return self.with_segments(await self._call(pathlib.Path.readlink))

    async def expanduser(self) -> Self:
        """Return the path with the home directory for ``~``; a checkpoint. ``RuntimeError`` if it is not known."""
        return self.with_segments(await self._call(pathlib.Path.expanduser))

    # Directories

    def iterdir(self) -> PathIterator[Self]:
        """Return an iterator over what is in the directory, in the order of the system.

        Not being a directory is an error of the first step.
        """
        directory = str(self)
        before = joined(directory, "")
        return Entries(names_in(directory), lambda name: self.with_segments(before + name), self._limiter)

    def _matching(self, paths: Iterator[pathlib.Path]) -> PathIterator[Self]:
        return Entries(iter(paths), self.with_segments, self._limiter)

    if sys.version_info >= (3, 13):

        def glob(
            self, pattern: StrPath, *, case_sensitive: bool | None = None, recurse_symlinks: bool = False
        ) -> PathIterator[Self]:
            """Return an iterator over the paths in this directory that match; the parameters are those of pathlib."""
            found = pathlib.Path(self).glob(
                cast("str", pattern), case_sensitive=case_sensitive, recurse_symlinks=recurse_symlinks
            )
            return self._matching(found)

        def rglob(
            self, pattern: StrPath, *, case_sensitive: bool | None = None, recurse_symlinks: bool = False
        ) -> PathIterator[Self]:
            """Return an iterator over the paths at any depth that match; the parameters are those of pathlib."""
            found = pathlib.Path(self).rglob(
                cast("str", pattern), case_sensitive=case_sensitive, recurse_symlinks=recurse_symlinks
            )
            return self._matching(found)

    elif sys.version_info >= (3, 12):

        def glob(self, pattern: str, *, case_sensitive: bool | None = None) -> PathIterator[Self]:
            """Return an iterator over the paths in this directory that match; the parameters are those of pathlib."""
            return self._matching(pathlib.Path(self).glob(pattern, case_sensitive=case_sensitive))

        def rglob(self, pattern: str, *, case_sensitive: bool | None = None) -> PathIterator[Self]:
            """Return an iterator over the paths at any depth that match; the parameters are those of pathlib."""
            return self._matching(pathlib.Path(self).rglob(pattern, case_sensitive=case_sensitive))

    else:

        def glob(self, pattern: str) -> PathIterator[Self]:
            """Return an iterator over the paths in this directory that match; the parameters are those of pathlib."""
            return self._matching(pathlib.Path(self).glob(pattern))

        def rglob(self, pattern: str) -> PathIterator[Self]:
            """Return an iterator over the paths at any depth that match; the parameters are those of pathlib."""
            return self._matching(pathlib.Path(self).rglob(pattern))

    if sys.version_info >= (3, 12):

        def walk(
            self, top_down: bool = True, on_error: OnError = None, follow_symlinks: bool = False
        ) -> PathIterator[tuple[Self, list[str], list[str]]]:
            """Return an iterator over the directories at any depth, each with the names of what is in it.

            :param top_down: a directory before what is in it. Then the list of the directories' names may be changed:
                what is taken out is not walked into.
            :param on_error: called on the loop with the error of each directory that can't be read; what it raises ends
                the iteration. By default such directories are left out.
            :param follow_symlinks: also walk into the directories that symbolic links lead to.
            """
            if top_down:
                return WalkDown(str(self), self.with_segments, on_error, follow_symlinks, self._limiter)
            return walk_up(str(self), self.with_segments, on_error, follow_symlinks, self._limiter)

    # Files

    @overload
    async def open(
        self,
        mode: OpenBinaryMode,
        buffering: int = ...,
        encoding: str | None = ...,
        errors: str | None = ...,
        newline: str | None = ...,
    ) -> AsyncFile[bytes]: ...
    @overload
    async def open(
        self,
        mode: OpenTextMode = ...,
        buffering: int = ...,
        encoding: str | None = ...,
        errors: str | None = ...,
        newline: str | None = ...,
    ) -> AsyncFile[str]: ...
    @overload
    async def open(
        self,
        mode: str,
        buffering: int = ...,
        encoding: str | None = ...,
        errors: str | None = ...,
        newline: str | None = ...,
    ) -> AsyncFile[Any]: ...
    async def open(
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> AsyncFile[Any]:
        """Open the file as ``open_file`` does, with this path's limiter; a checkpoint."""
        from ..files import open_file

        return await open_file(self, mode, buffering, encoding, errors, newline, limiter=self._limiter)

    # Changes

    async def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Make this directory; a checkpoint.

        :param mode: the permissions, less the process's umask.
        :param parents: also make the directories that it is in, where they are missing.
        :param exist_ok: whether it may be there already, as a directory.
        """
        await self._call(pathlib.Path.mkdir, mode, parents, exist_ok)

    async def rmdir(self) -> None:
        """Remove this directory, which must be empty; a checkpoint."""
        await self._call(pathlib.Path.rmdir)

    async def touch(self, mode: int = 0o666, exist_ok: bool = True) -> None:
        """Make this file, or set its time of modification to now; a checkpoint.

        :param mode: the permissions of a new file, less the process's umask.
        :param exist_ok: whether it may be there already.
        """
        await self._call(pathlib.Path.touch, mode, exist_ok)

    async def unlink(self, missing_ok: bool = False) -> None:
        """Remove this file or symbolic link; a checkpoint.

        :param missing_ok: whether it may be missing.
        """
        await self._call(pathlib.Path.unlink, missing_ok)

    async def chmod(self, mode: int, *, follow_symlinks: bool = True) -> None:
        """Set the permissions; a checkpoint."""
        await self._call(pathlib.Path.chmod, mode, follow_symlinks=follow_symlinks)

    async def lchmod(self, mode: int) -> None:
        """Set the permissions, those of the symbolic link if it is one; a checkpoint."""
        await self._call(pathlib.Path.lchmod, mode)

    async def rename(self, target: StrPath) -> Self:
        """Give the file another name and return that; a checkpoint.

        On UNIX a file that has the name already is replaced; on Windows that is an error.
        """
        return self.with_segments(await self._call(pathlib.Path.rename, target))

    async def replace(self, target: StrPath) -> Self:
        """Give the file another name, in place of whatever has it, and return that; a checkpoint."""
        return self.with_segments(await self._call(pathlib.Path.replace, target))

    async def symlink_to(self, target: StrOrBytesPath, target_is_directory: bool = False) -> None:
        """Make this path a symbolic link to ``target``; a checkpoint."""
        await self._call(pathlib.Path.symlink_to, target, target_is_directory)

    async def hardlink_to(self, target: StrOrBytesPath) -> None:
        """Make this path a further name of the file ``target``; a checkpoint."""
        await self._call(pathlib.Path.hardlink_to, target)

    async def write_bytes(self, data: Buffer) -> int:
        """Write the file anew and return how many bytes; a checkpoint. ``TypeError`` for what is not bytes."""
        return await self._call(pathlib.Path.write_bytes, memoryview(data))

    async def write_text(
        self, data: str, encoding: str | None = None, errors: str | None = None, newline: str | None = None
    ) -> int:
        """Write the file anew and return how many characters; a checkpoint. ``TypeError`` for what is no text.

        :param data: the text; the other parameters are those of the built-in ``open``.
        """
        if not isinstance(data, str):
            raise TypeError(f"data must be str, not {type(data).__name__}")
        return await self._call(pathlib.Path.write_text, data, encoding, errors, newline)

    if sys.version_info >= (3, 14):

        async def copy(self, target: StrPath, *, follow_symlinks: bool = True, preserve_metadata: bool = False) -> Self:
            """Copy the file or the whole tree and return the copy's path; a checkpoint.

            :param target: the path of the copy.
            :param follow_symlinks: copy what symbolic links lead to, and not the links.
            :param preserve_metadata: also copy permissions, times and the like.
            """
            copy = await self._call(
                pathlib.Path.copy,
                pathlib.Path(target),
                follow_symlinks=follow_symlinks,
                preserve_metadata=preserve_metadata,
            )
            return self.with_segments(copy)

        async def copy_into(
            self, target_dir: StrPath, *, follow_symlinks: bool = True, preserve_metadata: bool = False
        ) -> Self:
            """Copy into an existing directory and return the copy's path; as ``copy`` otherwise."""
            copy = await self._call(
                pathlib.Path.copy_into,
                pathlib.Path(target_dir),
                follow_symlinks=follow_symlinks,
                preserve_metadata=preserve_metadata,
            )
            return self.with_segments(copy)

        async def move(self, target: StrPath) -> Self:
            """Move the file or the whole tree, also to another file system, and return its new path; a checkpoint."""
            return self.with_segments(await self._call(pathlib.Path.move, pathlib.Path(target)))

        async def move_into(self, target_dir: StrPath) -> Self:
            """Move into an existing directory and return the new path; a checkpoint."""
            return self.with_segments(await self._call(pathlib.Path.move_into, pathlib.Path(target_dir)))
