"""Lines of a file, read many at a time, while the position stays the one that the user sees.

A hop to a thread takes as long as reading hundreds of lines. So when one line is asked for, lines of 64 KiB are read
and kept. What is kept belongs to the file: other reads take from it first, and whatever depends on the position
(``tell``, a relative ``seek``, ``write``, ``truncate``) first puts the file back to where the user is. For bytes that
is a sum. In a text file a position is a cookie that only ``tell`` can make, at a price; so there is one for each batch,
and to go back means to seek to it and to read as many characters as the user has had.

How much is read ahead adapts: after lines were read in vain the next time it is one line, and then sixteen times as
much each time. A file without positions, such as a pipe or a terminal, is never read ahead: its next line may not have
been written yet.

In a text file of the standard library a ``write`` that follows a read goes to where the last piece was read to, some
thousand bytes ahead. Here it goes to the position.

Everything here is synchronous: it runs in threads, or on the loop where it needs no I/O.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from operator import index
from typing import Any, Generic, TypeVar

AnyStr = TypeVar("AnyStr", str, bytes)

BATCH = 65536
"""Bytes or characters that are read ahead at most, and then to the end of the line."""


class ReadAhead(Generic[AnyStr]):
    """The operations of a file object that have to do with its position.

    :param fp: the file object; nobody else may use it.
    :param batch: how much to read ahead at most; 1 for nothing.
    """

    __slots__ = (
        "_batch",
        "_failure",
        "_fp",
        "_hint",
        "_is_text",
        "_size",
        "_start",
        "_text_was_read",
        "_was_written",
        "lines",
    )

    def __init__(self, fp: Any, batch: int = BATCH) -> None:
        self._fp = fp
        self._batch = self._hint = batch
        self.lines: deque[Any] = deque()
        """What has been read and not been given out; never an empty line."""
        # Where the batch began that `lines` are the rest of, and how long it was. Without positions there is no rest.
        self._start = 0
        self._size = 0
        self._is_text = False
        # What reading raised after it had given lines; it comes out once they have been given out.
        self._failure: Exception | None = None
        self._text_was_read = False
        self._was_written = False

    def replace(self, fp: Any) -> None:
        """Go on with another file object, which is a file with the same content and position; read ahead there."""
        self._fp = fp
        self._batch = self._hint = BATCH

    # Reading

    def readline(self, size: int | None = -1) -> AnyStr:
        """Return the next line, or an empty one at the end."""
        size = -1 if size is None else index(size)
        if not self.lines:
            whole: AnyStr | None = self._read(self._fp.readline, size) if size >= 0 else self._fill()
            if whole is not None:
                return whole
        first: AnyStr = self.lines.popleft() if size < 0 else self._take(min(size, len(self.lines[0])))
        return first

    def _fill(self) -> Any:
        """Read a batch; return a line instead if no more than that could be read."""
        if self._failure is not None:
            error, self._failure = self._failure, None
            try:
                raise error
            finally:
                del error  # its traceback leads to this frame
        if self._was_written:
            self._flush_first()
        fp, lines = self._fp, self.lines
        try:
            start = fp.tell()
        except (OSError, AttributeError):
            return self._read(fp.readline)
        hint, size = self._hint, 0
        readline, line = fp.readline, None
        try:
            while size < hint:
                line = readline()
                if not line:
                    break
                lines.append(line)
                size += len(line)
        except Exception as exc:
            if not lines:
                raise
            self._failure = exc
        if not lines:
            return line
        self._is_text = self._text_was_read = isinstance(lines[0], str)
        self._start, self._size, self._hint = start, size, min(hint * 16, self._batch)
        return None

    def readlines(self, hint: int | None = -1) -> list[AnyStr]:
        """Return all lines that are left, or as many as reach ``hint`` bytes or characters."""
        hint = -1 if hint is None else index(hint)
        if hint <= 0:
            if self._failure is not None:
                self._settle()
            rest = [*self.lines, *self._read(self._fp.readlines)]
            self.lines.clear()
            return rest
        lines: list[AnyStr] = []
        total = 0
        while total < hint and (line := self.readline()):
            lines.append(line)
            total += len(line)
        return lines

    def read(self, size: int | None = -1) -> AnyStr:
        """Return everything that is left, or up to ``size``."""
        result: AnyStr
        if not self.lines:
            result = self._read(self._fp.read, size)
            return result
        size = -1 if size is None else index(size)
        lacking = size - self._ahead() if size >= 0 else -1
        if size >= 0 >= lacking:
            result = self._take(size)
            return result
        if self._failure is not None:
            self._settle()
            return self.read(size)
        rest = self._read(self._fp.read, lacking)
        # Only now, because reading may have raised.
        result = self._take(None) + rest
        return result

    def read1(self, size: int | None = -1) -> bytes:
        """Return what is there, up to ``size``, after one read of the file at most."""
        size, read1 = -1 if size is None else index(size), self._fp.read1
        result: bytes = self._take(None if size < 0 else size) if self.lines else self._read(read1, size)
        return result

    def readinto(self, b: Any) -> int:
        """Fill a buffer as far as possible; return the number of bytes."""
        return self._read_into(b, self._fp.readinto, more=True)

    def readinto1(self, b: Any) -> int:
        """Fill a buffer with what is there, after one read of the file at most; return the number of bytes."""
        return self._read_into(b, self._fp.readinto1, more=False)

    def _read_into(self, b: Any, read: Callable[[Any], int], *, more: bool) -> int:
        if self._failure is not None:
            self._settle()
        if self._was_written:
            self._flush_first()
        if not self.lines:
            return read(b)
        with memoryview(b) as given, given.cast("B") as view:
            ahead = min(self._ahead(), len(view))
            count = 0
            if more and ahead < len(view):
                with view[ahead:] as rest:
                    count = read(rest) or 0
            view[:ahead] = self._take(ahead)
            return ahead + count

    def _read(self, read: Callable[..., Any], *args: Any) -> Any:
        """Read from the file itself, of which nothing was read ahead but perhaps an error."""
        if self._failure is not None:
            self._settle()
        if self._was_written:
            self._flush_first()
        result = read(*args)
        self._text_was_read = not isinstance(result, bytes)  # for a list one can't tell, and does no harm
        return result

    def _flush_first(self) -> None:
        """Prepare for reading after writing, which Python 3.11 gets wrong where what was written is still buffered."""
        self._fp.flush()
        self._was_written = False

    def _ahead(self) -> int:
        """How much has been read ahead."""
        return sum(map(len, self.lines))

    def holds(self, size: int | None) -> bool:
        """Whether ``read(size)`` needs nothing of the file."""
        left = -1 if size is None else index(size)
        if left < 0:
            return False
        for line in self.lines:
            if left <= len(line):
                return not _is_within_an_end(line, left)
            left -= len(line)
        return False

    def _take(self, size: int | None) -> Any:
        """Return the first ``size`` that were read ahead, or all."""
        lines = self.lines
        empty = lines[0][:0]
        taken: list[Any] = []
        within = False
        while lines and size != 0:
            line = lines.popleft()
            if size is not None:
                if len(line) > size:
                    within = _is_within_an_end(line, size)
                    lines.appendleft(line[size:])
                    line = line[:size]
                size -= len(line)
            taken.append(line)
        if within:
            # Whether the rest is a line depends on how the file treats the ends of lines.
            self._settle()
        return empty.join(taken)

    # The position

    def _settle(self) -> None:
        """Put the file to where the user is."""
        if self.lines or self._failure is not None:
            used = self._size - self._ahead()
            if self._is_text:
                self._fp.seek(self._start)
                if used:
                    self._fp.read(used)
            else:
                self._fp.seek(self._start + used)
            self.drop()

    def drop(self) -> None:
        """Forget what was read ahead."""
        if self.lines or self._failure is not None:
            self.lines.clear()
            self._failure = None
            self._hint = 1

    def tell(self) -> int:
        """Return the position."""
        if self.lines and not self._is_text:
            return self._start + self._size - self._ahead()
        self._settle()
        position: int = self._fp.tell()
        return position

    def seek(self, offset: int, whence: int | None = os.SEEK_SET) -> int:
        """Change the position and return it."""
        whence = os.SEEK_SET if whence is None else whence
        if whence == os.SEEK_CUR:
            self._settle()
        position: int = self._fp.seek(offset, whence)
        self.drop()
        self._text_was_read = False
        return position

    # What acts at the position

    def _place(self) -> None:
        self._settle()
        if self._text_was_read:
            if self._fp.seekable():
                self._fp.seek(self._fp.tell())
            self._text_was_read = False

    def write(self, data: Any) -> int:
        """Write at the position."""
        self._place()
        self._was_written = True
        count: int = self._fp.write(data)
        return count

    def writelines(self, lines: Iterable[Any]) -> None:
        """Write several pieces at the position."""
        self._place()
        self._was_written = True
        self._fp.writelines(lines)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file off at the position or another size; return the size."""
        self._place()
        cut: int = self._fp.truncate(size)
        return cut

    def flush(self) -> None:
        """Hand what is buffered to the operating system."""
        self._fp.flush()


def _is_within_an_end(line: Any, size: int) -> bool:
    """Whether the two characters that end a line would be parted."""
    return isinstance(line, str) and 0 < size == len(line) - 1 and line.endswith("\r\n")
