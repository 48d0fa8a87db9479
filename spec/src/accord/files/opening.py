"""Opening files, and wrapping those that are open."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any, AnyStr, overload

from ..sync import CapacityLimiter
from ..to_thread import run_sync
from .async_file import AsyncFile, check_limiter
from .quickness import closes_at_once

if TYPE_CHECKING:
    from _typeshed import OpenBinaryMode, OpenTextMode

Opener = Callable[[str, int], int]


def check_mode(mode: object) -> None:
    """Raise ``TypeError`` or ``ValueError`` for what ``open`` would not take as a mode."""
    if not isinstance(mode, str):
        raise TypeError(f"mode must be a str, not {type(mode).__name__}")
    letters = set(mode)
    if len(letters) != len(mode) or not letters <= set("rwxab+t") or len(letters & set("rwxa")) != 1:
        raise ValueError(f"mode must be one of r, w, x and a with any of b, t and +, not {mode!r}")
    if {"b", "t"} <= letters:
        raise ValueError(f"mode must not be of text and binary at once, got {mode!r}")


@overload
async def open_file(
    file: str | bytes | os.PathLike[str] | os.PathLike[bytes] | int,
    mode: OpenBinaryMode,
    buffering: int = ...,
    encoding: str | None = ...,
    errors: str | None = ...,
    newline: str | None = ...,
    closefd: bool = ...,
    opener: Opener | None = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> AsyncFile[bytes]: ...
@overload
async def open_file(
    file: str | bytes | os.PathLike[str] | os.PathLike[bytes] | int,
    mode: OpenTextMode = ...,
    buffering: int = ...,
    encoding: str | None = ...,
    errors: str | None = ...,
    newline: str | None = ...,
    closefd: bool = ...,
    opener: Opener | None = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> AsyncFile[str]: ...
@overload
async def open_file(
    file: str | bytes | os.PathLike[str] | os.PathLike[bytes] | int,
    mode: str,
    buffering: int = ...,
    encoding: str | None = ...,
    errors: str | None = ...,
    newline: str | None = ...,
    closefd: bool = ...,
    opener: Opener | None = ...,
    *,
    limiter: CapacityLimiter | None = ...,
) -> AsyncFile[Any]: ...
async def open_file(
    file: str | bytes | os.PathLike[str] | os.PathLike[bytes] | int,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
    opener: Opener | None = None,
    *,
    limiter: CapacityLimiter | None = None,
) -> AsyncFile[Any]:
    """Open a file for ``async with await``, as the standard library's function does; a checkpoint (FILE-5).

    :param file: a path, or a descriptor.
    :param buffering: bytes to buffer, 0 for none, 1 for lines; by default what suits the file.
    :param closefd: whether closing the file closes a descriptor that was given.
    :param opener: called in the thread in place of ``os.open``.
    :param limiter: where this and all operations on the file take a token while they are in a thread.

    Raises what ``open`` does. If it raises, no file is open.
    """
    check_mode(mode)
    check_limiter(limiter)

    def opened() -> tuple[Any, bool]:
        fp = open(file, mode, buffering, encoding, errors, newline, closefd, opener)  # noqa: SIM115
        return fp, closes_at_once(fp, mode)

    fp, at_once = await run_sync(opened, limiter=limiter)
    made: AsyncFile[Any] = AsyncFile(fp, limiter=limiter)
    made._closes_at_once = made._reads_quickly = at_once
    return made


def wrap_file(file: IO[AnyStr], *, limiter: CapacityLimiter | None = None) -> AsyncFile[AnyStr]:
    """Make an asynchronous file of a file object, which belongs to it from now on; no checkpoint (FILE-11).

    :param file: an open file object. Those in memory, ``io.BytesIO`` and ``io.StringIO``, need no threads.
    :param limiter: as for ``AsyncFile``.
    """
    return AsyncFile(file, limiter=limiter)
