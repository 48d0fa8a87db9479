"""Mutants of files: results, order, cancellation and closing."""

from __future__ import annotations

import io
import os
from collections import deque
from typing import Any

from accord import AsyncFile, CancelScope
from accord.files import async_file, opening, read_ahead, turns
from accord.lowlevel import checkpoint, checkpoint_if_cancelled, current_backend
from accord.to_thread import run_sync

from .making import Broken, add, around, mutant, replace
from .waiting import replace_everywhere

File: Any = AsyncFile
Ahead: Any = read_ahead.ReadAhead
Turns: Any = turns.Turns
hops: Any = turns
files: Any = async_file
opens: Any = opening
open_file: Any = opening.open_file


def opening_is(wrapper: Any) -> None:
    """Replace ``open_file``; ``wrapper`` gets the original first."""

    async def wrapped(*args: Any, **keywords: Any) -> Any:
        return await wrapper(open_file, *args, **keywords)

    replace_everywhere(open_file, wrapped)


async def on_the_loop(func: Any, *args: Any, **_: Any) -> Any:
    """Call a function where a thread should."""
    await checkpoint_if_cancelled()
    return func(*args)


async def without_limiter(func: Any, *args: Any, **_: Any) -> Any:
    """Forget the limiter on the way."""
    return await run_sync(func, *args)


@mutant("FILE-1")
def operations_block_the_loop(_: Broken) -> None:
    """Operations are called on the loop."""
    replace(files, run_sync=on_the_loop)


@mutant("FILE-1")
def opening_blocks_the_loop(_: Broken) -> None:
    """The file is opened on the loop."""
    replace(opens, run_sync=on_the_loop)


@mutant("FILE-1")
def operations_forget_the_limiter(_: Broken) -> None:
    """Only opening takes a token of the limiter."""
    replace(files, run_sync=without_limiter)


@mutant("FILE-1")
def opening_forgets_the_limiter(_: Broken) -> None:
    """Opening takes a token of another limiter."""
    replace(opens, run_sync=without_limiter)


@mutant("FILE-2")
def read_forgets_what_was_read_ahead(_: Broken) -> None:
    """read() asks the file object, which is further."""

    def read(self: Any, size: Any = -1) -> Any:
        return self._fp.read(size)

    def holds(self: Any, size: Any) -> Any:
        return False

    replace(Ahead, read=read, holds=holds)


@mutant("FILE-2")
def readlines_takes_the_next_batch(_: Broken) -> None:
    """readlines() goes on after what was read ahead."""

    def readlines(self: Any, hint: Any = -1) -> Any:
        return self._fp.readlines(hint)

    replace(Ahead, readlines=readlines)


@mutant("FILE-2")
def size_of_a_line_is_ignored(_: Broken) -> None:
    """readline(size) returns the whole line if it has been read ahead."""

    def readline(original: Any, self: Any, size: Any = -1) -> Any:
        return original(self, -1 if self.lines else size)

    around(Ahead, "readline", readline)


@mutant("FILE-2")
def closed_files_give_lines(_: Broken) -> None:
    """What was read ahead is still given after aclose()."""

    def drop(original: Any, self: Any) -> Any:
        return None

    around(Ahead, "drop", drop)


@mutant("FILE-3")
def cancellation_comes_after_the_operation(_: Broken) -> None:
    """An operation looks for a cancellation once more when it is done."""

    async def do(original: Any, *args: Any, **keywords: Any) -> Any:
        result = await original(*args, **keywords)
        await checkpoint_if_cancelled()
        return result

    around(File, "_do", do)


@mutant("FILE-3")
def operations_are_shielded(_: Broken) -> None:
    """An operation begins also in a cancelled scope."""

    async def do(original: Any, *args: Any, **keywords: Any) -> Any:
        result: Any = None
        with CancelScope(shield=True):
            result = await original(*args, **keywords)
        await checkpoint_if_cancelled()
        return result

    around(File, "_do", do)


@mutant("FILE-3")
def operations_are_abandoned(_: Broken) -> None:
    """A cancelled operation leaves its thread behind."""

    async def abandon(func: Any, *args: Any, **keywords: Any) -> Any:
        return await run_sync(func, *args, abandon_on_cancel=True, **keywords)

    replace(files, run_sync=abandon)


@mutant("FILE-4")
def nobody_waits_for_a_turn(_: Broken) -> None:
    """Operations on one file run in several threads at once."""

    async def wait(self: Any, *, shielded: bool = False) -> None:
        await checkpoint()

    replace(Turns, wait=wait)


class _LastFirst(deque[Any]):
    def popleft(self) -> Any:
        return self.pop()


@mutant("FILE-4")
def turns_go_to_the_last(_: Broken) -> None:
    """Of those that wait the last goes first."""

    def init(original: Any, self: Any) -> None:
        original(self)
        self._waiting = _LastFirst()

    around(Turns, "__init__", init)


@mutant("FILE-4")
def cancelled_turns_are_lost(_: Broken) -> None:
    """The turn is given to a task that was cancelled."""

    def give(self: Any) -> None:
        if self._waiting:
            self._waiting.popleft().unpark(None)
        else:
            self.taken = False

    async def wait(self: Any, *, shielded: bool = False) -> None:
        parker = current_backend().create_parker()
        self._waiting.append(parker)
        await (parker.park_shielded() if shielded else parker.park())

    replace(Turns, give=give, wait=wait)


@mutant("FILE-4")
def what_was_read_ahead_has_no_turn(_: Broken) -> None:
    """Lines that are there are given while another operation is under way."""

    async def readline(original: Any, self: Any, size: int = -1) -> Any:
        return self._ahead.readline(size) if self._lines else await original(self, size)

    around(File, "readline", readline)


@mutant("FILE-5")
def open_checks_afterwards(_: Broken) -> None:
    """open_file() raises a cancellation that came while it opened, and forgets the file."""

    async def opened(original: Any, *args: Any, **keywords: Any) -> Any:
        file = await original(*args, **keywords)
        await checkpoint_if_cancelled()
        return file

    opening_is(opened)


@mutant("FILE-5")
def open_leaves_modes_to_the_thread(_: Broken) -> None:
    """A wrong mode is found after the checkpoint."""

    def check_mode(mode: Any) -> Any:
        return None

    replace(opens, check_mode=check_mode)


@mutant("FILE-6")
def close_is_cancellable(_: Broken) -> None:
    """aclose() raises a cancellation before it closes."""

    async def aclose(original: Any, self: Any) -> None:
        await checkpoint_if_cancelled()
        await original(self)

    around(File, "aclose", aclose)


@mutant("FILE-6")
def close_does_not_check(_: Broken) -> None:
    """aclose() raises no cancellation."""

    async def aclose(original: Any, self: Any) -> None:
        with CancelScope(shield=True):
            await original(self)

    around(File, "aclose", aclose)


@mutant("FILE-6")
def close_waits_for_its_turn_unshielded(_: Broken) -> None:
    """aclose() gives up while it waits for another operation."""

    def wait(original: Any, self: Any, shielded: Any = False) -> Any:
        return original(self)

    around(Turns, "wait", wait)


@mutant("FILE-6")
def close_waits_for_a_token_unshielded(_: Broken) -> None:
    """aclose() gives up while it waits for a thread."""

    async def run(func: Any, limiter: Any) -> None:
        await run_sync(func, limiter=limiter)

    replace(files, run_surely=run)


@mutant("FILE-6")
def close_needs_a_thread(_: Broken) -> None:
    """If no thread can be had the file stays open."""

    async def run(func: Any, limiter: Any) -> None:
        with CancelScope(shield=True):
            await hops.run_sync(func, limiter=limiter)
        await checkpoint_if_cancelled()

    replace(files, run_surely=run)


@mutant("FILE-6")
def close_does_not_wait(_: Broken) -> None:
    """aclose() closes under an operation."""

    async def aclose(self: Any) -> None:
        self._fp.close()
        await checkpoint()

    replace(File, aclose=aclose)


@mutant("FILE-7")
def written_files_are_closed_on_the_loop(_: Broken) -> None:
    """A file that has something to write is closed on the loop."""

    def closes_at_once(fp: Any, mode: Any) -> Any:
        return True

    replace(opens, closes_at_once=closes_at_once)


@mutant("FILE-7")
def big_files_are_closed_on_the_loop(_: Broken) -> None:
    """A file is closed on the loop whatever its size."""
    from accord.files import quickness

    subject: Any = quickness
    replace(subject, SMALL=1 << 60)


@mutant("FILE-7")
def everything_small_is_read_on_the_loop(_: Broken) -> None:
    """A small file is read on the loop, whether it is in the system's memory or not."""

    def is_in_memory(fp: Any) -> bool:
        return os.fstat(fp.fileno()).st_size <= 65536

    replace(files, is_in_memory=is_in_memory)


@mutant("FILE-7")
def what_grew_is_read_on_the_loop(_: Broken) -> None:
    """The size that counts is that of the file when it was opened."""
    from accord.files import quickness

    subject: Any = quickness
    replace(subject, AT_ONCE=1 << 60, _scratch=bytearray(1 << 24))


@mutant("FILE-10")
def memory_needs_a_token(_: Broken) -> None:
    """Files in memory are read in threads."""

    def needs_no_io(fp: Any) -> Any:
        return False

    replace(files, _needs_no_io=needs_no_io)


@mutant("FILE-10")
def subclasses_count_as_memory(_: Broken) -> None:
    """Whatever is derived from io.BytesIO is called on the loop."""

    def needs_no_io(fp: Any) -> Any:
        return isinstance(fp, io.BytesIO | io.StringIO)

    replace(files, _needs_no_io=needs_no_io)


@mutant("FILE-10")
def memory_is_no_checkpoint(_: Broken) -> None:
    """Operations in memory neither check nor yield."""

    async def do(original: Any, self: Any, operation: Any, *args: Any, in_thread: bool = False) -> Any:
        if self._inline and not in_thread:
            return operation(*args)
        return await original(self, operation, *args, in_thread=in_thread)

    around(File, "_do", do)


@mutant("FILE-10")
def lines_that_are_there_are_no_checkpoints(_: Broken) -> None:
    """What was read ahead is given without a check."""

    async def here(self: Any) -> bool:
        return not self._turns.taken

    replace(File, _here=here)


@mutant("FILE-11")
def anything_can_be_wrapped(_: Broken) -> None:
    """What is no file object is found out later."""

    class Anything:
        def close(self) -> None: ...

    def init(original: Any, self: Any, fp: Any, **keywords: Any) -> None:
        original(self, fp if hasattr(fp, "close") else Anything(), **keywords)

    around(File, "__init__", init)


@mutant("FILE-11")
def unclosed_files_are_closed_silently(_: Broken) -> None:
    """A finalizer closes the file object, so that nobody is warned."""

    def closes(self: Any) -> Any:
        return self._fp.close()

    add(File, __del__=closes)
