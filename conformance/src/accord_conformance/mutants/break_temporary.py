"""Mutants of temporary files and directories."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any

from accord import CancelScope, NamedTemporaryFile, SpooledTemporaryFile, TemporaryDirectory, TemporaryFile
from accord.files import temporary
from accord.lowlevel import checkpoint, checkpoint_if_cancelled
from accord.to_thread import run_sync

from .making import Broken, around, mutant, replace

temp: Any = temporary
Unnamed: Any = TemporaryFile
Named: Any = NamedTemporaryFile
Spooled: Any = SpooledTemporaryFile
Directory: Any = TemporaryDirectory
Block: Any = temporary._Block


@mutant("TEMP-1")
def temporary_files_forget_the_limiter(_: Broken) -> None:
    """Making a file takes a token of another limiter."""

    async def run(func: Any, *args: Any, limiter: Any = None) -> Any:
        return await run_sync(func, *args)

    replace(temp, run_sync=run)


@mutant("TEMP-1")
def temporary_files_are_made_on_the_loop(_: Broken) -> None:
    """Files and directories are made on the loop."""

    async def run(func: Any, *args: Any, limiter: Any = None) -> Any:
        await checkpoint()
        return func(*args)

    replace(temp, run_sync=run)


@mutant("TEMP-1")
def temporary_files_ignore_prefixes(_: Broken) -> None:
    """The names of files are the standard library's choice."""
    create: Callable[..., Any] = tempfile.NamedTemporaryFile

    def make(self: Any) -> Any:
        return create(**{**self._options, "prefix": None})

    replace(Named, _make=make)


@mutant("TEMP-1")
def blocks_are_entered_twice(_: Broken) -> None:
    """A block that is entered again forgets its first file."""

    async def enter(original: Any, self: Any) -> Any:
        self._file = None
        return await original(self)

    around(Block, "__aenter__", enter)


@mutant("TEMP-2")
def directories_stay_after_errors(_: Broken) -> None:
    """Only a block that ends in order removes its directory."""

    async def leave(original: Any, self: Any, kind: Any, *rest: Any) -> None:
        if kind is None:
            await original(self, kind, *rest)

    around(Directory, "__aexit__", leave)


@mutant("TEMP-2")
def directories_stay_after_cancellation(_: Broken) -> None:
    """Removing a directory is cancellable."""

    async def run(func: Any, limiter: Any) -> None:
        await run_sync(func, limiter=limiter)

    replace(temp, run_surely=run)


@mutant("TEMP-2")
def files_stay_after_cancellation(_: Broken) -> None:
    """A cancelled exit does not close the file."""

    async def end(original: Any, self: Any, file: Any) -> None:
        await checkpoint_if_cancelled()
        await original(self, file)

    around(Unnamed, "_end", end)
    around(Named, "_end", end)


@mutant("TEMP-3")
def made_before_the_check(_: Broken) -> None:
    """A file is made also in a cancelled scope, and nobody has it."""

    async def run(func: Any, *args: Any, limiter: Any = None) -> Any:
        made: Any = None
        with CancelScope(shield=True):
            made = await run_sync(func, *args, limiter=limiter)
        await checkpoint_if_cancelled()
        return made

    replace(temp, run_sync=run)


@mutant("TEMP-3")
def made_and_then_checked(_: Broken) -> None:
    """A cancellation that comes while a file is made is raised in place of entering the block."""

    async def run(func: Any, *args: Any, limiter: Any = None) -> Any:
        made = await run_sync(func, *args, limiter=limiter)
        await checkpoint_if_cancelled()
        return made

    replace(temp, run_sync=run)


@mutant("TEMP-4")
def delete_on_close_is_ignored(_: Broken) -> None:
    """delete_on_close=False deletes the file when it is closed, as AnyIO does on older Pythons."""

    def init(original: Any, self: Any, *args: Any, delete_on_close: bool = True, **keywords: Any) -> None:
        original(self, *args, **keywords)

    around(Named, "__init__", init)


@mutant("TEMP-4")
def delete_is_ignored(_: Broken) -> None:
    """delete=False deletes the directory."""

    def init(original: Any, self: Any, *args: Any, delete: bool = True, **keywords: Any) -> None:
        original(self, *args, **keywords)

    around(Directory, "__init__", init)


@mutant("TEMP-4")
def files_that_are_gone_are_an_error(_: Broken) -> None:
    """A file that somebody else has deleted is an error at the end of the block."""
    import os

    replace(temp, _unlink=os.unlink)


@mutant("TEMP-4")
def errors_of_cleanup_are_raised(_: Broken) -> None:
    """ignore_cleanup_errors is not passed on."""

    def init(original: Any, self: Any, *args: Any, ignore_cleanup_errors: bool = False, **keywords: Any) -> None:
        original(self, *args, **keywords)

    around(Directory, "__init__", init)


def never_fits(_file: Any, *_pieces: Any) -> bool:
    """Let each write be looked at afterwards."""
    return False


@mutant("TEMP-5")
def full_means_too_big(_: Broken) -> None:
    """A file of exactly max_size is no longer in memory."""

    def check(self: Any) -> None:
        if self._in_memory and self._max_size and self._fp.tell() >= self._max_size:
            self._roll()

    replace(Spooled, _fits=never_fits, _roll_if_too_big=check)


@mutant("TEMP-5")
def characters_are_counted(_: Broken) -> None:
    """Text is counted in characters."""

    def counted(self: Any) -> None:
        position = self._fp.tell()
        self._fp.seek(0)
        size = len(self._fp.read())
        self._fp.seek(position)
        if self._in_memory and self._max_size and size > self._max_size:
            self._roll()

    replace(Spooled, _roll_if_too_big=counted)


@mutant("TEMP-5")
def position_is_lost_when_it_becomes_a_file(_: Broken) -> None:
    """After rollover() the position is at the beginning."""

    def roll(original: Any, self: Any) -> None:
        was_in_memory = self._in_memory
        original(self)
        if was_in_memory:
            self._fp.seek(0)

    around(Spooled, "_roll", roll)


@mutant("TEMP-5")
def memory_needs_threads(_: Broken) -> None:
    """Each operation takes a token, in memory too."""

    def do(original: Any, self: Any, *args: Any, in_thread: Any = False) -> Any:
        return original(self, *args, in_thread=True)

    around(Spooled, "_do", do)


@mutant("TEMP-5")
def zero_is_a_limit(_: Broken) -> None:
    """Without a limit everything is too big."""

    def check(self: Any) -> None:
        if self._in_memory and self._fp.tell() > self._max_size:
            self._roll()

    replace(Spooled, _fits=never_fits, _roll_if_too_big=check)


@mutant("TEMP-6")
def memory_writes_before_it_checks(_: Broken) -> None:
    """A write in a cancelled scope has written."""

    async def write(self: Any, b: Any) -> Any:
        count = self._write(b)
        await checkpoint()
        return count

    replace(Spooled, write=write)


@mutant("TEMP-6")
def memory_is_no_checkpoint_of_its_own(_: Broken) -> None:
    """Operations in memory neither check nor yield."""

    async def do(original: Any, self: Any, operation: Any, *args: Any, in_thread: bool = False) -> Any:
        if self._in_memory and not in_thread:
            return operation(*args)
        return await original(self, operation, *args, in_thread=in_thread)

    around(Spooled, "_do", do)


@mutant("TEMP-6")
def memory_is_gone_if_there_is_no_disk(_: Broken) -> None:
    """If it can't become a file the content is lost."""

    def roll(original: Any, self: Any) -> None:
        try:
            original(self)
        except OSError:
            self._fp.seek(0)
            self._fp.truncate()
            raise

    around(Spooled, "_roll", roll)
