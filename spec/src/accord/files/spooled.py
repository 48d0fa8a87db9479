"""A temporary file that is kept in memory until it is too big."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .._backends import current_backend, here
from ..sync import CapacityLimiter
from .async_file import AsyncFile
from .opening import check_mode

if TYPE_CHECKING:
    from _typeshed import OpenBinaryMode, OpenTextMode, ReadableBuffer

AnyStr = TypeVar("AnyStr", str, bytes)


class SpooledTemporaryFile(AsyncFile[AnyStr]):
    """An ``AsyncFile`` in memory, which becomes a temporary file when it holds more than ``max_size`` (area TEMP).

    :param max_size: bytes; 0 for no limit.
    :param suffix, prefix, dir: how and where the file is named, on systems where it must have a name.
    :param limiter: where operations take a token while they are in a thread.

    The others are those of ``open_file``. As long as it is in memory no operation needs a thread.
    """

    __slots__ = ("_in_memory", "_max_size", "_options")

    @overload
    def __init__(
        self: SpooledTemporaryFile[bytes],
        max_size: int = ...,
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
        self: SpooledTemporaryFile[str],
        max_size: int = ...,
        mode: OpenTextMode = ...,
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
        max_size: int = 0,
        mode: OpenBinaryMode | OpenTextMode = "w+b",
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
        if isinstance(max_size, bool) or not isinstance(max_size, int):
            raise TypeError(f"max_size must be an int, not {type(max_size).__name__}")
        if max_size < 0:
            raise ValueError(f"max_size must not be negative, got {max_size}")
        check_mode(mode)
        memory: Any = io.BytesIO()
        if "b" not in mode:
            memory = io.TextIOWrapper(memory, encoding, errors, newline, write_through=True)
        elif encoding is not None or errors is not None or newline is not None:
            raise ValueError("a binary file takes no encoding, errors or newline")
        super().__init__(memory, limiter=limiter)
        self._in_memory = True
        self._max_size = max_size
        names = {"suffix": suffix, "prefix": prefix, "dir": dir}
        form = {"mode": mode, "buffering": buffering, "encoding": encoding, "newline": newline, "errors": errors}
        self._options: dict[str, Any] = {**names, **form}

    @property
    def name(self) -> Any:
        """None as long as it is in memory; then what the file object says."""
        return None if self._in_memory else self._fp.name

    @property
    def mode(self) -> str:
        """The mode that it was made with; in the end that of the file object."""
        mode: str = self._options["mode"] if self._in_memory else self._fp.mode
        return mode

    async def rollover(self) -> None:
        """Become a file now, if it is none yet; a checkpoint. ``OSError`` as the standard library."""
        await self._do(self._roll, in_thread=self._in_memory)

    def _roll(self) -> None:
        """Become a file; in a thread, and in the operation whose turn it is."""
        if not self._in_memory:
            return
        memory = self._fp
        position = memory.tell()
        make: Callable[..., Any] = tempfile.TemporaryFile
        file = make(**self._options)
        try:
            content = (memory.buffer if self._is_text() else memory).getvalue()
            (file.buffer if self._is_text() else file).write(content)
            file.seek(position)
        except BaseException:
            file.close()
            raise
        self._fp = file
        self._ahead.replace(file)
        self._inline = self._closes_at_once = self._in_memory = False

    def _size_of(self, piece: Any) -> int:
        """How many bytes this takes at most, as far as one can tell without writing it."""
        if type(piece) is bytes:
            return len(piece)
        if isinstance(piece, str):
            if not self._is_text():
                return 0  # writing it will raise
            # Each line end may become two characters.
            return len(piece.encode(self._fp.encoding, self._fp.errors)) + 4 * piece.count("\n")
        with memoryview(piece) as view:
            return view.nbytes

    def _fits(self, *pieces: Any) -> bool:
        """Whether this can be written in memory now, without a thread; where that isn't sure, no."""
        if not self._in_memory or self._turns.taken:
            return False
        limit, fp = self._max_size, self._fp
        return not limit or fp.closed or fp.tell() + sum(map(self._size_of, pieces)) <= limit

    def _is_text(self) -> bool:
        return "b" not in self._options["mode"]

    def _write(self, b: Any) -> int:
        count = self._ahead.write(b)
        self._roll_if_too_big()
        return count

    def _write_lines(self, lines: Iterable[Any]) -> None:
        self._ahead.writelines(lines)
        self._roll_if_too_big()

    def _roll_if_too_big(self) -> None:
        if self._in_memory and self._max_size and self._fp.tell() > self._max_size:
            self._roll()

    def _truncate(self, size: int | None) -> int:
        if size is not None and size > self._max_size:
            self._roll()
        return self._ahead.truncate(size)

    @overload
    async def write(self: SpooledTemporaryFile[bytes], b: ReadableBuffer) -> int: ...
    @overload
    async def write(self: SpooledTemporaryFile[str], b: str) -> int: ...
    async def write(self, b: Any) -> int:
        """Write at the position, and become a file if that ends beyond ``max_size``; a checkpoint."""
        if self._in_memory and not self._turns.taken:
            # As in _do(), but writing a few bytes to memory should cost no more than it must.
            backend = here.backend or current_backend()
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._fits(b):
                return self._ahead.write(b)
        return await self._do(self._write, b, in_thread=not self._fits(b))

    @overload
    async def writelines(self: SpooledTemporaryFile[bytes], lines: Iterable[ReadableBuffer]) -> None: ...
    @overload
    async def writelines(self: SpooledTemporaryFile[str], lines: Iterable[str]) -> None: ...
    async def writelines(self, lines: Iterable[Any]) -> None:
        """Write several pieces, and become a file if that ends beyond ``max_size``; a checkpoint."""
        pieces = list(lines)
        await self._do(self._write_lines, pieces, in_thread=not self._fits(*pieces))

    async def truncate(self, size: int | None = None) -> int:
        """Make it ``size`` bytes long, in a file if that is beyond ``max_size``; return the new size; a checkpoint."""
        in_thread = self._in_memory and size is not None and size > self._max_size
        return await self._do(self._truncate, size, in_thread=in_thread)
