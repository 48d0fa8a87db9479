"""Mutants of files: lines that are read ahead, and the position."""

from __future__ import annotations

from typing import Any

from accord import AsyncFile
from accord.files import read_ahead
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace

File: Any = AsyncFile
Ahead: Any = read_ahead.ReadAhead


@mutant("FILE-8")
def lines_come_one_by_one(_: Broken) -> None:
    """Each line is a hop, as in AnyIO."""

    def init(original: Any, self: Any, fp: Any, batch: Any = 1) -> Any:
        return original(self, fp, 1)

    around(Ahead, "__init__", init)


@mutant("FILE-8")
def pipes_are_read_ahead(_: Broken) -> None:
    """Positions are not asked for, so that pipes are read ahead too."""

    def readline(original: Any, self: Any, size: Any = -1) -> Any:
        if not self.lines and size in (-1, None):
            try:
                self._fp.tell()
            except OSError:
                while line := self._fp.readline():
                    self.lines.append(line)
        return original(self, size)

    around(Ahead, "readline", readline)


@mutant("FILE-8")
def reading_ahead_learns_nothing(_: Broken) -> None:
    """64 KiB are read for each line, also by who jumps about."""

    def drop(original: Any, self: Any) -> None:
        original(self)
        self._hint = self._batch

    around(Ahead, "drop", drop)


@mutant("FILE-9")
def position_is_that_of_the_file_object(_: Broken) -> None:
    """tell() tells how far was read ahead."""

    def tell(self: Any) -> Any:
        return self._fp.tell()

    replace(Ahead, tell=tell)


@mutant("FILE-9")
def writes_go_behind_what_was_read_ahead(_: Broken) -> None:
    """write() does not go back."""

    def write(self: Any, data: Any) -> Any:
        return self._fp.write(data)

    replace(Ahead, write=write)


@mutant("FILE-9")
def truncates_behind_what_was_read_ahead(_: Broken) -> None:
    """truncate() does not go back."""

    def truncate(self: Any, size: Any = None) -> Any:
        return self._fp.truncate(size)

    replace(Ahead, truncate=truncate)


@mutant("FILE-9")
def text_is_written_where_the_decoder_is(_: Broken) -> None:
    """Text is written as the standard library does, somewhere behind the position."""
    replace(Ahead, _place=Ahead._settle)


@mutant("FILE-9")
def relative_seeks_count_from_the_file_object(_: Broken) -> None:
    """seek(0, SEEK_CUR) does not go back."""

    def seek(self: Any, offset: int, whence: int = 0) -> Any:
        position = self._fp.seek(offset, whence)
        self.drop()
        return position

    replace(Ahead, seek=seek)


@mutant("FILE-9")
def seeking_keeps_what_was_read_ahead(_: Broken) -> None:
    """After seek() the old lines come."""

    def seek(self: Any, offset: Any, whence: Any = 0) -> Any:
        return self._fp.seek(offset, whence or 0)

    replace(Ahead, seek=seek)


@mutant("FILE-9")
def readinto_forgets_what_was_read_ahead(_: Broken) -> None:
    """readinto() asks the file object, which is further."""

    def read_into(self: Any, b: Any, read: Any, more: Any) -> Any:
        return read(b)

    replace(Ahead, _read_into=read_into)


@mutant("FILE-9")
def errors_come_before_the_lines(_: Broken) -> None:
    """An error drops the lines that were read before it."""

    def fill(original: Any, self: Any) -> Any:
        line = original(self)
        if self._failure is not None:
            self.lines.clear()
            raise self._failure
        return line

    around(Ahead, "_fill", fill)


@mutant("FILE-9")
def cancelled_batches_are_lost(_: Broken) -> None:
    """Lines that were read ahead go with the task that is cancelled meanwhile."""

    async def following(original: Any, self: Any) -> Any:
        try:
            line = await original(self)
            await checkpoint_if_cancelled()
        except BaseException:
            self._lines.clear()
            raise
        return line

    around(File, "__anext__", following)


@mutant("FILE-9")
def failed_reads_lose_what_was_read_ahead(_: Broken) -> None:
    """read() takes what was read ahead, and then something fails."""

    def read(original: Any, self: Any, size: Any = -1) -> Any:
        if not self.lines or (size or -1) >= 0:
            return original(self, size)
        return self._take(None) + self._fp.read()

    around(Ahead, "read", read)
