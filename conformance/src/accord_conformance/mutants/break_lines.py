"""Mutants of the lines of streams."""

from __future__ import annotations

from typing import Any

import accord
from accord import DelimiterNotFound
from accord.streams.lines import LineIterator

from .making import Broken, around, mutant, replace

Lines: Any = LineIterator


@mutant("LINES-1")
def text_ends_lines_at_odd_places(_: Broken) -> None:
    """Text is split as str.splitlines does."""

    def add(original: Any, lines: Any, piece: Any) -> None:
        original(lines, piece.replace("\u2028", "\n") if isinstance(piece, str) else piece)

    around(Lines, "_add", add)


@mutant("LINES-1")
def pieces_are_lines(_: Broken) -> None:
    """Each piece ends a line."""

    def add(original: Any, lines: Any, piece: Any) -> None:
        original(lines, piece)
        if lines._pieces:
            lines._lines.extend(lines._pieces)
            lines._pieces, lines._length = [], 0

    around(Lines, "_add", add)


@mutant("LINES-1")
def carriage_returns_are_kept(_: Broken) -> None:
    """Only a newline is taken off."""

    def complete(original: Any, lines: Any, line: Any, newline: Any, _carriage: Any) -> None:
        original(lines, line, newline, newline)

    around(Lines, "_complete", complete)


@mutant("LINES-1")
def the_last_line_needs_an_end(_: Broken) -> None:
    """What is left at the end of the stream is dropped."""

    def end(lines: Any) -> None:
        lines._ended = True

    replace(Lines, _end=end)


@mutant("LINES-2")
def the_limit_is_for_pieces(_: Broken) -> None:
    """A long line passes if it came as a whole."""

    def complete(original: Any, lines: Any, *args: Any) -> None:
        limit, lines._max_line = lines._max_line, 1 << 30
        original(lines, *args)
        lines._max_line = limit

    around(Lines, "_complete", complete)


@mutant("LINES-2")
def endless_lines_fill_the_memory(_: Broken) -> None:
    """The limit is looked at when the line is complete."""

    def add(original: Any, lines: Any, piece: Any) -> None:
        limit, lines._max_line = lines._max_line, 1 << 30
        original(lines, piece)
        lines._max_line = limit

    around(Lines, "_add", add)


@mutant("LINES-2")
def a_long_line_is_skipped(_: Broken) -> None:
    """After the error the iteration goes on."""

    async def step(original: Any, lines: Any) -> Any:
        try:
            return await original(lines)
        except DelimiterNotFound:
            lines._failure, lines._ended = None, False
            raise

    around(Lines, "__anext__", step)


@mutant("LINES-3")
def lines_that_are_there_are_no_checkpoint(_: Broken) -> None:
    """Only receiving checks for a cancellation."""

    async def step(original: Any, lines: Any) -> Any:
        return lines._lines.popleft() if lines._lines else await original(lines)

    around(Lines, "__anext__", step)


@mutant("LINES-3")
def a_cancelled_step_forgets_the_beginning(_: Broken) -> None:
    """What had come of a line is lost with a cancellation."""

    async def step(original: Any, lines: Any) -> Any:
        try:
            return await original(lines)
        except accord.get_cancelled_exc_class():
            lines._pieces, lines._length = [], 0
            raise

    around(Lines, "__anext__", step)


@mutant("LINES-4")
def an_error_is_an_end(_: Broken) -> None:
    """After an error of the stream the iteration is over."""

    async def step(original: Any, lines: Any) -> Any:
        try:
            return await original(lines)
        except accord.BrokenResourceError:
            lines._ended = True
            raise

    around(Lines, "__anext__", step)


@mutant("LINES-4")
def the_end_closes_the_stream(_: Broken) -> None:
    """The stream is closed at its end."""

    async def step(original: Any, lines: Any) -> Any:
        try:
            return await original(lines)
        except StopAsyncIteration:
            await lines._stream.aclose()
            raise

    around(Lines, "__anext__", step)
