"""A file object whose operations are carried out in threads."""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from .._backends import current_backend, here
from .._mixins import Closing
from ..sync import CapacityLimiter
from ..to_thread import run_sync
from .quickness import is_in_memory
from .read_ahead import BATCH, ReadAhead
from .turns import Turns, run_surely

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

AnyStr = TypeVar("AnyStr", str, bytes)
T = TypeVar("T")


def _needs_no_io(fp: object) -> bool:
    # Not isinstance(): a method of a subclass may do anything.
    return type(fp) in (io.BytesIO, io.StringIO) or (type(fp) is io.TextIOWrapper and type(fp.buffer) is io.BytesIO)


def check_limiter(limiter: object) -> None:
    """Raise ``TypeError`` for what can't be a limiter."""
    if limiter is not None and not isinstance(limiter, CapacityLimiter):
        raise TypeError(f"limiter must be a CapacityLimiter, not {type(limiter).__name__}")


class AsyncFile(Closing, Generic[AnyStr]):
    """A file object of the standard library with asynchronous methods (area FILE).

    :param fp: the file object, which belongs to this object from now on: its own position may be ahead of the user's.
    :param limiter: where each operation takes a token while it is in a thread; by default as ``to_thread.run_sync``.

    Methods return and raise what those of ``fp`` do; after closing that is ``ValueError``. All are checkpoints, and
    done one at a time in the order of their calls. If one is cancelled before it has begun nothing has happened;
    afterwards the cancellation is put off. What is not a method of this class, such as ``name`` or ``fileno``, is that
    of ``fp``.

    Asynchronous iteration gives lines.
    """

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_closes_at_once",
        "_fp",
        "_inline",
        "_limiter",
        "_lines",
        "_reads_quickly",
        "_turns",
    )

    def __init__(self, fp: IO[AnyStr], *, limiter: CapacityLimiter | None = None) -> None:
        if not callable(getattr(fp, "close", None)):
            raise TypeError(f"fp must be a file object, not {type(fp).__name__}")
        check_limiter(limiter)
        self._limiter = limiter
        self._turns = Turns()
        self._fp: Any = fp
        # Whether operations, or closing alone, never wait for anything and need no thread.
        self._inline = self._closes_at_once = _needs_no_io(fp)
        # Whether reading needs no thread as long as the file is in the system's memory.
        self._reads_quickly = False
        self._ahead: ReadAhead[AnyStr] = ReadAhead(fp, 1 if self._inline else BATCH)
        self._lines: deque[Any] = self._ahead.lines

    @property
    def wrapped(self) -> IO[AnyStr]:
        """The file object; to use it directly while lines have been read ahead misses those."""
        fp: IO[AnyStr] = self._fp
        return fp

    @property
    def limiter(self) -> CapacityLimiter | None:
        """The limiter that was given, or None."""
        return self._limiter

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._fp, name)

    async def _do(self, operation: Callable[..., T], *args: Any, in_thread: bool = False, reads: bool = False) -> T:
        """Carry out an operation when it is its turn: in a thread, or here if it needs none."""
        turns = self._turns
        if turns.taken:
            await turns.wait()
        else:
            turns.taken = True
        try:
            if in_thread or not (self._inline or (reads and self._reads_quickly and is_in_memory(self._fp))):
                return await run_sync(operation, *args, limiter=self._limiter)
            backend = here.backend or current_backend()
            if backend.checkpoint_due():
                await backend.checkpoint()
            return operation(*args)
        finally:
            turns.give()

    async def _here(self) -> bool:
        """Check for cancellation before what was read ahead is used; whether it is still this task's turn."""
        backend = here.backend or current_backend()
        if backend.checkpoint_due():
            await backend.checkpoint()
        return not self._turns.taken

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AnyStr:
        lines = self._lines
        if lines and not self._turns.taken:
            # As _here(), but a line should cost no more than it must.
            backend = here.backend or current_backend()
            if backend.checkpoint_due():
                await backend.checkpoint()
            if lines and not self._turns.taken:
                first: AnyStr = lines.popleft()
                return first
        line = await self._do(self._ahead.readline, reads=True)
        if not line:
            raise StopAsyncIteration
        return line

    async def readline(self, size: int | None = -1) -> AnyStr:
        """Return the next line with its end, or an empty one at the end of the file.

        :param size: the most to return of it, in bytes or characters.
        """
        if size == -1 and self._lines and not self._turns.taken and await self._here() and self._lines:
            return self._ahead.readline()
        return await self._do(self._ahead.readline, size, reads=True)

    async def read(self, size: int | None = -1) -> AnyStr:
        """Return up to ``size`` bytes or characters, or all that is left; empty at the end of the file."""
        ahead = self._ahead
        if ahead.holds(size) and not self._turns.taken and await self._here() and ahead.holds(size):
            return ahead.read(size)
        return await self._do(ahead.read, size, reads=True)

    async def read1(self: AsyncFile[bytes], size: int | None = -1) -> bytes:
        """Return what there is, up to ``size`` bytes, after one read from the system at most; of binary files only."""
        return await self._do(self._ahead.read1, size, reads=True)

    async def readinto(self: AsyncFile[bytes], b: WriteableBuffer) -> int:
        """Fill ``b`` and return the number of bytes, less than it has room for at the end; of binary files only."""
        return await self._do(self._ahead.readinto, b, reads=True)

    async def readinto1(self: AsyncFile[bytes], b: WriteableBuffer) -> int:
        """Read into ``b`` what there is, after one read from the system at most; of binary files only."""
        return await self._do(self._ahead.readinto1, b, reads=True)

    async def readlines(self, hint: int | None = -1) -> list[AnyStr]:
        """Return the lines that are left, or as many as reach ``hint`` bytes or characters."""
        return await self._do(self._ahead.readlines, hint, reads=True)

    @overload
    async def write(self: AsyncFile[bytes], b: ReadableBuffer) -> int: ...
    @overload
    async def write(self: AsyncFile[str], b: str) -> int: ...
    async def write(self, b: Any) -> int:
        """Write at the position; return how many bytes or characters were written."""
        return await self._do(self._ahead.write, b)

    @overload
    async def writelines(self: AsyncFile[bytes], lines: Iterable[ReadableBuffer]) -> None: ...
    @overload
    async def writelines(self: AsyncFile[str], lines: Iterable[str]) -> None: ...
    async def writelines(self, lines: Iterable[Any]) -> None:
        """Write several pieces, to which no line ends are added; ``lines`` is iterated over in the thread."""
        await self._do(self._ahead.writelines, lines)

    async def truncate(self, size: int | None = None) -> int:
        """Make the file ``size`` bytes long, by default as long as the position says; return the new size."""
        return await self._do(self._ahead.truncate, size)

    async def seek(self, offset: int, whence: int | None = os.SEEK_SET) -> int:
        """Change the position and return it; as the standard library, with its limits for text."""
        return await self._do(self._ahead.seek, offset, whence)

    async def tell(self) -> int:
        """Return the position: of what was returned by reading, and not of what was read ahead."""
        return await self._do(self._ahead.tell)

    async def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        await self._do(self._ahead.flush)

    async def aclose(self) -> None:
        """Flush and close, after the operation that is under way; idempotent, a checkpoint (FILE-6).

        It is closed also if this raises. Waiting operations of other tasks raise ``ValueError``.
        """
        turns = self._turns
        if turns.taken:
            await turns.wait(shielded=True)
        else:
            turns.taken = True
        try:
            self._ahead.drop()
            if not (self._closes_at_once or self._fp.closed):
                await run_surely(self._close, self._limiter)
                return
            self._close()
        finally:
            turns.give()
        backend = here.backend or current_backend()
        if backend.checkpoint_due():
            await backend.checkpoint()

    def _close(self) -> None:
        self._fp.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._fp!r}>"
