"""Mutants of paths and of iterating over directories."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import accord.files
import accord.paths.iterating
import accord.paths.path
import accord.paths.questions
from accord.paths import Path as OurPath
from accord.paths import PathIterator
from accord.paths.iterating import Entries, WalkDown
from accord.paths.pure import PurePathWithLimiter

from .making import Broken, around, mutant, replace

Path: Any = OurPath
Pure: Any = PurePathWithLimiter
Iteration: Any = PathIterator
Down: Any = WalkDown
Batch: Any = Entries


@mutant("PATH-1")
def paths_are_equal_to_paths_of_their_class(_: Broken) -> None:
    """A path is not equal to pathlib's of the same name."""

    def equal(path: Any, other: Any) -> bool:
        return isinstance(other, OurPath) and str(path) == str(other)

    replace(Path, __eq__=equal, __hash__=pathlib.PurePath.__hash__)


@mutant("PATH-1")
def paths_have_a_hash_of_their_own(_: Broken) -> None:
    """A path is another key of a dict than pathlib's, which it is equal to."""

    def own_hash(path: Any) -> int:
        return hash(("path", str(path)))

    replace(Path, __hash__=own_hash)


@mutant("PATH-2")
def derived_paths_lose_the_limiter(_: Broken) -> None:
    """A path made of another has the default limiter."""

    def with_segments(path: Any, *segments: Any) -> Any:
        return type(path)(*segments)

    replace(Pure, with_segments=with_segments)


@mutant("PATH-2")
def derived_paths_lose_the_class(_: Broken) -> None:
    """A path made of one of a subclass is of the base."""

    def with_segments(path: Any, *segments: Any) -> Any:
        return OurPath(*segments, limiter=path._limiter)

    replace(Pure, with_segments=with_segments)


@mutant("PATH-3")
def copies_lose_the_limiter(_: Broken) -> None:
    """copy() goes the way of pickle()."""
    del Pure.__copy__


@mutant("PATH-3")
def any_limiter_is_accepted(_: Broken) -> None:
    """A wrong limiter is found out about with the first call."""

    def init(path: Any, *args: Any, limiter: Any = None) -> None:
        if hasattr(path, "_raw_paths") is False and hasattr(pathlib.PurePath, "with_segments"):
            pathlib.PurePath.__init__(path, *args)
        path._limiter = limiter

    replace(Pure, __init__=init)


@mutant("PATH-4")
def a_parameter_is_missing(_: Broken) -> None:
    """touch() has no exist_ok."""
    original = Path.touch

    async def touch(self: Any, mode: int = 0o666) -> None:
        await original(self, mode)

    replace(Path, touch=touch)


@mutant("PATH-4")
def a_method_is_missing(_: Broken) -> None:
    """There is no hardlink_to()."""
    del Path.hardlink_to


@mutant("PATH-5")
def short_calls_are_made_on_the_loop(_: Broken) -> None:
    """What usually takes no time is not worth a thread."""

    async def stat(path: Any, *, follow_symlinks: bool = True) -> Any:
        await accord.lowlevel.checkpoint()
        return path.sync.stat(follow_symlinks=follow_symlinks)

    replace(accord.paths.questions.PathQuestions, stat=stat)


@mutant("PATH-5")
def the_limiter_is_forgotten(_: Broken) -> None:
    """Calls use the default limiter."""

    def run_sync(original: Any, *args: Any, **_keywords: Any) -> Any:
        return original(*args)

    around(accord.paths.questions, "run_sync", run_sync)


@mutant("PATH-5")
def a_file_is_written_in_three_hops(_: Broken) -> None:
    """write_text() opens, writes and closes, each in a call of its own."""

    async def write_text(path: Any, data: str, *args: Any, **keywords: Any) -> Any:
        await path.touch()
        await path.stat()
        return await original(path, data, *args, **keywords)

    original = Path.write_text
    replace(Path, write_text=write_text)


@mutant("PATH-6")
def cancelled_calls_are_abandoned(_: Broken) -> None:
    """A cancelled call leaves the thread to itself."""

    def run_sync(original: Any, *args: Any, **keywords: Any) -> Any:
        return original(*args, abandon_on_cancel=True, **keywords)

    around(accord.paths.questions, "run_sync", run_sync)


@mutant("PATH-7")
def data_is_looked_at_late(_: Broken) -> None:
    """The file is emptied before what is to be written is looked at."""

    async def write_text(path: Any, data: Any, *args: Any, **keywords: Any) -> Any:
        if not isinstance(data, str):
            path.sync.write_bytes(b"")
        return await original(path, data, *args, **keywords)

    original = Path.write_text
    replace(Path, write_text=write_text)


@mutant("PATH-8")
def the_working_directory_has_a_dot(_: Broken) -> None:
    """Entries of the working directory are called ./name."""

    def joined(directory: str, name: str) -> Any:
        return f"{directory}{os.sep}{name}" if directory != "." else f".{os.sep}.{name}"

    replace(accord.paths.iterating, joined=joined)
    replace(accord.paths.path, joined=joined)


@mutant("PATH-8")
def links_are_always_followed(_: Broken) -> None:
    """walk() takes links to directories for directories."""

    def scan(original: Any, directory: str, _follow_symlinks: bool) -> Any:
        return original(directory, True)

    around(accord.paths.iterating, "_scan", scan)


def _spend_nothing(*_args: Any) -> bool:
    return True


def _spend_all(*_args: Any) -> bool:
    return False


@mutant("PATH-9")
def everything_is_read_at_once(_: Broken) -> None:
    """The first step reads all there is."""
    replace(accord.paths.iterating._Budget, spend=_spend_nothing)


@mutant("PATH-9")
def each_entry_has_a_hop(_: Broken) -> None:
    """Each step goes to a thread."""
    replace(accord.paths.iterating._Budget, spend=_spend_all)


@mutant("PATH-9")
def directories_are_read_on_the_loop(_: Broken) -> None:
    """The entries are read in the loop's thread."""

    async def run_sync(func: Any, *args: Any, **_keywords: Any) -> Any:
        await accord.lowlevel.checkpoint()
        return func(*args)

    replace(accord.paths.iterating, run_sync=run_sync)


@mutant("PATH-10")
def errors_come_before_entries(_: Broken) -> None:
    """An error is raised at once; what was read before it in the same batch is lost."""

    def take(original: Any, entries: Any) -> Any:
        if entries._error is not None:
            entries._items.clear()
        return original(entries)

    around(Batch, "_take", take)


@mutant("PATH-10")
def errors_end_iterations_quietly(_: Broken) -> None:
    """A directory that can't be read looks empty."""

    def fill(original: Any, entries: Any) -> None:
        original(entries)
        entries._error = None

    around(Batch, "_fill", fill)


@mutant("PATH-11")
def a_cancelled_step_drops_its_entry(_: Broken) -> None:
    """The entry is taken before the checkpoint."""

    async def step(original: Any, entries: Any) -> Any:
        if getattr(entries, "_items", None) and accord.lowlevel.current_backend().checkpoint_due():
            entries._items.popleft()
        return await original(entries)

    around(Iteration, "__anext__", step)


@mutant("PATH-12")
def closing_leaves_the_directory_open(_: Broken) -> None:
    """aclose() marks the iterator as closed and leaves the rest to the garbage collector."""

    async def aclose(entries: Any) -> None:
        entries._closed = True
        await accord.lowlevel.checkpoint()

    replace(Iteration, aclose=aclose)


@mutant("PATH-12")
def a_cancelled_close_does_not_close(_: Broken) -> None:
    """aclose() raises the cancellation before it has closed."""

    async def aclose(original: Any, entries: Any) -> None:
        await accord.lowlevel.checkpoint()
        await original(entries)

    around(Iteration, "aclose", aclose)


@mutant("PATH-12")
def closed_iterators_just_end(_: Broken) -> None:
    """A step after aclose() looks like the end."""

    async def step(original: Any, entries: Any) -> Any:
        try:
            return await original(entries)
        except accord.ClosedResourceError:
            raise StopAsyncIteration from None

    around(Iteration, "__anext__", step)


@mutant("PATH-12")
def names_are_read_by_hand(_: Broken) -> None:
    """The directory is closed at its end only; dropping it is a ResourceWarning."""

    def names_in(directory: str) -> Any:
        for entry in os.scandir(directory):
            yield entry.name

    replace(accord.paths.path, names_in=names_in)


@mutant("PATH-13")
def pruning_comes_too_late(_: Broken) -> None:
    """What was read ahead is walked into, whatever the caller does to the list."""

    def take(original: Any, entries: Any) -> Any:
        taken: Any = original(entries)
        if entries._given is not None:
            directory, _, before = entries._given
            entries._given = directory, before, before
        return taken

    around(Down, "_take", take)


@mutant("PATH-13")
def names_can_only_be_taken_out(_: Broken) -> None:
    """What the caller adds to the list is left out."""

    def descend(original: Any, walk: Any) -> None:
        if walk._given is not None:
            _, names, before = walk._given
            names[:] = [name for name in names if name in before]
        original(walk)

    around(Down, "_descend", descend)


@mutant("PATH-13")
def errors_are_reported_while_reading_ahead(_: Broken) -> None:
    """on_error is called in the worker thread, as soon as the directory was tried."""

    def fill(original: Any, walk: Any) -> None:
        original(walk)
        for names in walk._scanned.values():
            if isinstance(names, OSError) and walk._on_error is not None:
                walk._on_error(names)

    around(Down, "_fill", fill)


@mutant("PATH-14")
def files_have_the_default_limiter(_: Broken) -> None:
    """open() does not pass the limiter on."""

    async def open_(path: Any, *args: Any, **keywords: Any) -> Any:
        open_file: Any = accord.files.open_file
        return await open_file(path, *args, **keywords)

    replace(Path, open=open_)
