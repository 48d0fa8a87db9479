"""Programs of file operations that are run on a file and on a file object of the standard library, to compare them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from accord import AsyncFile

Operation = tuple[Any, ...]

STATELESS = ("utf-8", "utf-32-le", "shift_jis", "latin-1")
ENCODINGS = (*STATELESS, "utf-8-sig", "utf-16", "utf-7", "iso2022_jp")
"""Text in those that are not stateless can't be written to in the middle."""
NEWLINES = (None, "", "\n", "\r", "\r\n")
PIECES = ("a", "bc", "\n", "\r", "\r\n", "\r\r\n", "dé", "x" * 300, "y" * 9000)
"""What files are made of: things that meet at the ends of lines, and one that is longer than every buffer."""
SIZES = (0, 1, 2, 3, 10, 500, 10_000)
WRITTEN = ("", "z", "zz\n", "w" * 200)
READS = ("readline", "readline", "readline", "next", "next", "next", "read", "readlines", "tell", "seek back")
CHANGES = ("seek", "write", "writelines", "truncate", "flush")


def random_operation(random: Random) -> Operation:
    """One operation with its arguments."""
    name = random.choice(READS if random.random() < 0.85 else CHANGES)
    match name:
        case "readline":
            return (name, random.choice(SIZES)) if random.random() < 0.5 else (name,)
        case "read" | "readlines":
            return (name, random.choice(SIZES)) if random.random() < 0.8 else (name,)
        case "seek back":
            return name, random.randrange(6)
        case "seek":
            return name, 0, random.randrange(3)
        case "write":
            return name, random.choice(WRITTEN)
        case "writelines":
            return name, (random.choice(WRITTEN), random.choice(WRITTEN))
        case _:
            return (name,)


def random_program(random: Random) -> tuple[str, list[Operation]]:
    """The content of a file and what to do with it."""
    pieces = PIECES if random.random() < 0.5 else [piece for piece in PIECES if "\r" not in piece]
    content = "".join(random.choices(pieces, k=random.randrange(60)))
    return content, [random_operation(random) for _ in range(random.randrange(1, 30))]


def for_bytes(program: Sequence[Operation]) -> list[Operation]:
    """The same for a binary file."""

    def encode(argument: Any) -> Any:
        if isinstance(argument, tuple):
            return tuple(map(encode, argument))  # pyright: ignore[reportUnknownArgumentType]
        return argument.encode() if isinstance(argument, str) else argument

    return [(name, *map(encode, arguments)) for name, *arguments in program]


def for_text(content: str, program: Sequence[Operation], encoding: str, newline: str | None) -> list[Operation]:
    """The same for a text file; without changes where a position can be in the middle of something."""
    if encoding in STATELESS and (newline not in {None, ""} or "\r" not in content):
        return list(program)
    return [operation for operation in program if operation[0] not in {"write", "writelines", "truncate"}]


def is_exact(encoding: str, newline: str | None) -> bool:
    """Whether there is only one number for each position of such a file, so that positions can be compared."""
    return encoding in {"utf-8", "latin-1"} and newline in {"\n", "\r", "\r\n"}


class Model:
    """A file object of the standard library, used as it should be."""

    def __init__(self, fp: Any) -> None:
        self.fp = fp
        self.cookies = [0]
        self._text_was_read = False
        self._was_written = False

    def do(self, name: str, *arguments: Any) -> object:
        """Carry out an operation; with what the standard library wants between reading and writing text."""
        if name == "next":
            return self.do("readline")
        if name == "seek back":
            return self.do("seek", self.cookies[arguments[0] % len(self.cookies)])
        if name in {"write", "writelines", "truncate"} and self._text_was_read:
            self.fp.seek(self.fp.tell())
        if name in {"write", "writelines", "truncate", "seek"}:
            self._text_was_read = False
            self._was_written = name != "seek"
        elif name.startswith("read"):
            if self._was_written:
                self.fp.flush()
                self._was_written = False
            self._text_was_read = isinstance(self.fp, io.TextIOBase)
        if name == "readlines" and arguments:
            return self._lines(*arguments)
        return getattr(self.fp, name)(*arguments)

    def _lines(self, hint: int) -> list[Any]:
        """What readlines() returns, without its side effect on tell()."""
        lines: list[Any] = []
        while (hint <= 0 or sum(map(len, lines)) < hint) and (line := self.fp.readline()):
            lines.append(line)
        return lines


class Subject:
    """The same for a file of accord's."""

    def __init__(self, file: AsyncFile[Any]) -> None:
        self.file = file
        self.cookies = [0]

    async def do(self, name: str, *arguments: Any) -> object:
        """Carry out an operation."""
        if name == "next":
            try:
                return await self.file.__anext__()
            except StopAsyncIteration:
                return "" if isinstance(self.file.wrapped, io.TextIOBase) else b""
        if name == "seek back":
            return await self.do("seek", self.cookies[arguments[0] % len(self.cookies)])
        return await getattr(self.file, name)(*arguments)


async def compare(model: Model, subject: Subject, program: Sequence[Operation], *, exact: bool = True) -> None:
    """Run a program on both, as long as it raises nothing, and compare what each operation returns or raises.

    :param exact: whether positions are compared too; those of some encodings can be written in several ways.
    """
    for operation in program:
        try:
            expected: Any = model.do(*operation)
        except Exception as error:
            with pytest.raises(type(error)):
                await subject.do(*operation)
            return
        got: Any = await subject.do(*operation)
        if operation[0] == "tell":
            model.cookies.append(expected)
            subject.cookies.append(got)
        if exact or operation[0] not in {"tell", "seek", "seek back"}:
            assert got == expected, f"{operation} of {program}"
