"""Temporary files and directories: blocks at whose end, however it comes, they are gone."""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .._backends import current_backend
from ..sync import CapacityLimiter
from ..to_thread import run_sync
from .async_file import AsyncFile, check_limiter
from .opening import check_mode
from .turns import run_surely

if TYPE_CHECKING:
    from _typeshed import OpenBinaryMode, OpenTextMode

AnyStr = TypeVar("AnyStr", str, bytes)


class _Block(Generic[AnyStr]):
    """A file that is made at the beginning of the block and closed at its end."""

    __slots__ = ("_file", "_limiter", "_options")

    def __init__(self, options: dict[str, Any], limiter: CapacityLimiter | None) -> None:
        check_mode(options["mode"])
        check_limiter(limiter)
        self._options = options
        self._limiter = limiter
        self._file: AsyncFile[AnyStr] | None = None

    @abstractmethod
    def _make(self) -> Any:
        """Make the file, in a thread."""

    async def __aenter__(self) -> AsyncFile[AnyStr]:
        if self._file is not None:
            raise RuntimeError(f"the block of this {type(self).__name__} has been entered already")
        # Once the thread makes the file this returns, and whoever is cancelled then is so inside the block.
        self._file = AsyncFile(await run_sync(self._make, limiter=self._limiter), limiter=self._limiter)
        return self._file

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            await self._end(file)

    async def _end(self, file: AsyncFile[AnyStr]) -> None:
        await file.aclose()


class TemporaryFile(_Block[AnyStr]):
    """``async with TemporaryFile() as file:`` gives an ``AsyncFile`` without a name, gone after the block (area TEMP).

    :param suffix, prefix, dir: how and where it is named, on systems where it must have a name.
    :param limiter: where making it and all operations take a token while they are in a thread.

    The others are those of ``open_file``. Entering and leaving the block are checkpoints; ``OSError`` as the standard
    library.
    """

    __slots__ = ()

    @overload
    def __init__(
        self: TemporaryFile[bytes],
        mode: OpenBinaryMode = ...,
        buffering: int = ...,
        encoding: str | None = ...,
        newline: str | None = ...,
        suffix: str | None = ...,
        prefix: str | None = ...,
        dir: str | None = ...,
        *,
        errors: str | None = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: TemporaryFile[str],
        mode: OpenTextMode,
        buffering: int = ...,
        encoding: str | None = ...,
        newline: str | None = ...,
        suffix: str | None = ...,
        prefix: str | None = ...,
        dir: str | None = ...,
        *,
        errors: str | None = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    def __init__(
        self,
        mode: OpenTextMode | OpenBinaryMode = "w+b",
        buffering: int = -1,
        encoding: str | None = None,
        newline: str | None = None,
        suffix: str | None = None,
        prefix: str | None = None,
        dir: str | None = None,
        *,
        errors: str | None = None,
        limiter: CapacityLimiter | None = None,
    ) -> None:
        names = {"suffix": suffix, "prefix": prefix, "dir": dir}
        form = {"mode": mode, "buffering": buffering, "encoding": encoding, "newline": newline, "errors": errors}
        super().__init__({**names, **form}, limiter)

    def _make(self) -> Any:
        make: Callable[..., Any] = tempfile.TemporaryFile
        return make(**self._options)


class NamedTemporaryFile(_Block[AnyStr]):
    """``async with NamedTemporaryFile() as file:`` gives an ``AsyncFile`` whose ``name`` is a path (area TEMP).

    :param suffix, prefix, dir: how and where it is named.
    :param delete: whether it is deleted.
    :param delete_on_close: whether that is done when it is closed, or at the end of the block; on every Python.
    :param limiter: where making it, all operations and deleting it take a token while they are in a thread.

    The others are those of ``open_file``. Entering and leaving the block are checkpoints; ``OSError`` as the standard
    library.
    """

    __slots__ = ("_deletes_at_the_end",)

    @overload
    def __init__(
        self: NamedTemporaryFile[bytes],
        mode: OpenBinaryMode = ...,
        buffering: int = ...,
        encoding: str | None = ...,
        newline: str | None = ...,
        suffix: str | None = ...,
        prefix: str | None = ...,
        dir: str | None = ...,
        delete: bool = ...,
        *,
        errors: str | None = ...,
        delete_on_close: bool = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: NamedTemporaryFile[str],
        mode: OpenTextMode,
        buffering: int = ...,
        encoding: str | None = ...,
        newline: str | None = ...,
        suffix: str | None = ...,
        prefix: str | None = ...,
        dir: str | None = ...,
        delete: bool = ...,
        *,
        errors: str | None = ...,
        delete_on_close: bool = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    def __init__(
        self,
        mode: OpenBinaryMode | OpenTextMode = "w+b",
        buffering: int = -1,
        encoding: str | None = None,
        newline: str | None = None,
        suffix: str | None = None,
        prefix: str | None = None,
        dir: str | None = None,
        delete: bool = True,
        *,
        errors: str | None = None,
        delete_on_close: bool = True,
        limiter: CapacityLimiter | None = None,
    ) -> None:
        names = {"suffix": suffix, "prefix": prefix, "dir": dir, "delete": delete and delete_on_close}
        form = {"mode": mode, "buffering": buffering, "encoding": encoding, "newline": newline, "errors": errors}
        super().__init__({**names, **form}, limiter)
        self._deletes_at_the_end = delete and not delete_on_close

    def _make(self) -> Any:
        make: Callable[..., Any] = tempfile.NamedTemporaryFile
        return make(**self._options)

    async def _end(self, file: AsyncFile[AnyStr]) -> None:
        try:
            await file.aclose()
        finally:
            if self._deletes_at_the_end:
                await run_surely(partial(_unlink, file.name), self._limiter)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except FileNotFoundError:
        pass


class TemporaryDirectory(Generic[AnyStr]):
    """``async with TemporaryDirectory() as path:`` gives the path of a new directory, gone after the block (area TEMP).

    :param suffix, prefix, dir: how and where it is named; bytes for a path of bytes.
    :param ignore_cleanup_errors: whether what can't be deleted is left without an error.
    :param delete: whether it is deleted at the end of the block; on every Python.
    :param limiter: where making and deleting it take a token while they are in a thread.

    Entering and leaving the block are checkpoints; ``OSError`` as the standard library.
    """

    __slots__ = ("_delete", "_ignore_errors", "_limiter", "_made", "_names", "_path")

    @overload
    def __init__(
        self: TemporaryDirectory[str],
        suffix: str | None = ...,
        prefix: str | None = ...,
        dir: str | None = ...,
        *,
        ignore_cleanup_errors: bool = ...,
        delete: bool = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self: TemporaryDirectory[bytes],
        suffix: bytes | None = ...,
        prefix: bytes | None = ...,
        dir: bytes | None = ...,
        *,
        ignore_cleanup_errors: bool = ...,
        delete: bool = ...,
        limiter: CapacityLimiter | None = ...,
    ) -> None: ...
    def __init__(
        self,
        suffix: Any = None,
        prefix: Any = None,
        dir: Any = None,
        *,
        ignore_cleanup_errors: bool = False,
        delete: bool = True,
        limiter: CapacityLimiter | None = None,
    ) -> None:
        check_limiter(limiter)
        self._names: tuple[Any, Any, Any] = (suffix, prefix, dir)
        self._ignore_errors = ignore_cleanup_errors
        self._delete = delete
        self._limiter = limiter
        self._made: tempfile.TemporaryDirectory[Any] | None = None
        self._path: AnyStr | None = None

    def _make(self) -> Any:
        if not self._delete:
            make: Callable[..., Any] = tempfile.mkdtemp
            return make(*self._names)
        # This one deletes it also if the block is never left, when it is garbage.
        made = self._made = tempfile.TemporaryDirectory(*self._names, ignore_cleanup_errors=self._ignore_errors)
        return made.name

    def _clean_up(self) -> None:
        if self._made is not None:
            self._made.cleanup()
        elif self._path is not None:
            shutil.rmtree(self._path, ignore_errors=self._ignore_errors)

    async def __aenter__(self) -> AnyStr:
        if self._path is not None:
            raise RuntimeError("the block of this TemporaryDirectory has been entered already")
        path: AnyStr = await run_sync(self._make, limiter=self._limiter)
        self._path = path
        return path

    async def cleanup(self) -> None:
        """Delete the directory and what is in it now, also with ``delete=False``; a checkpoint.

        It is deleted also if this raises a cancellation.
        """
        if self._path is None:
            await current_backend().checkpoint()
            return
        await run_surely(self._clean_up, self._limiter)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._delete:
            await self.cleanup()


@overload
async def mkstemp(
    suffix: str | None = ...,
    prefix: str | None = ...,
    dir: str | None = ...,
    text: bool = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> tuple[int, str]: ...
@overload
async def mkstemp(
    suffix: bytes | None = ...,
    prefix: bytes | None = ...,
    dir: bytes | None = ...,
    text: bool = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> tuple[int, bytes]: ...
async def mkstemp(
    suffix: Any = None,
    prefix: Any = None,
    dir: Any = None,
    text: bool = False,
    *,
    limiter: CapacityLimiter | None = None,
) -> tuple[int, Any]:
    """Make a file with a name of its own; return its descriptor and its path, which are the caller's; a checkpoint.

    If it raises, there is no file.
    """
    check_limiter(limiter)
    made: tuple[int, Any] = await run_sync(tempfile.mkstemp, suffix, prefix, dir, text, limiter=limiter)
    return made


@overload
async def mkdtemp(
    suffix: str | None = ...,
    prefix: str | None = ...,
    dir: str | None = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> str: ...
@overload
async def mkdtemp(
    suffix: bytes | None = ...,
    prefix: bytes | None = ...,
    dir: bytes | None = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> bytes: ...
async def mkdtemp(
    suffix: Any = None, prefix: Any = None, dir: Any = None, *, limiter: CapacityLimiter | None = None
) -> Any:
    """Make a directory with a name of its own and return its path; a checkpoint. If it raises, there is none."""
    check_limiter(limiter)
    return await run_sync(tempfile.mkdtemp, suffix, prefix, dir, limiter=limiter)


async def gettempdir(*, limiter: CapacityLimiter | None = None) -> str:
    """Return the directory in which temporary files are made; a checkpoint, since the first time it is looked for."""
    check_limiter(limiter)
    return await run_sync(tempfile.gettempdir, limiter=limiter)


async def gettempdirb(*, limiter: CapacityLimiter | None = None) -> bytes:
    """Return the directory in which temporary files are made, as bytes; a checkpoint."""
    check_limiter(limiter)
    return await run_sync(tempfile.gettempdirb, limiter=limiter)
