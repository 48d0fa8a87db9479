"""Iterating over directories: entries are read in worker threads, in batches, and handed out one by one.

A hop to a thread takes far longer than reading an entry, so a hop reads many: few at first, since the first may be all
that is wanted, and then more each time. The limiter's token is held during a hop only. What was read is kept by the
iterator and not by the task that iterates, so that a cancelled one loses nothing.

The iterators are objects and no async generators: what they have open is closed when they are dropped, without the
help of a loop.
"""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Generic, Self, TypeVar

from .._backends import current_backend, here
from .._mixins import Closing
from ..exceptions import BusyResourceError, ClosedResourceError
from ..sync import CapacityLimiter
from ..to_thread import run_sync
from ..toolkit.errors import prune

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_NOTHING: Any = object()

FIRST_BATCH = 256
LARGEST_BATCH = 4096
FIRST_SECONDS = 0.001
MOST_SECONDS = 0.016


class _Budget:
    """How much may be read in one hop: so many entries, or for so long; more each time."""

    __slots__ = ("_ends_at", "_entries", "_left", "_seconds")

    def __init__(self) -> None:
        self._entries = FIRST_BATCH
        self._seconds = FIRST_SECONDS
        self._left = 0
        self._ends_at = 0.0

    def begin(self) -> None:
        self._left = self._entries
        self._ends_at = monotonic() + self._seconds
        self._entries = min(2 * self._entries, LARGEST_BATCH)
        self._seconds = min(2 * self._seconds, MOST_SECONDS)

    def spend(self, entries: int = 1) -> bool:
        """Note what was read and return whether there may be more."""
        self._left -= entries
        return self._left > 0 and monotonic() < self._ends_at


class PathIterator(Closing, Generic[T_co]):
    """What ``Path.iterdir``, ``glob``, ``rglob`` and ``walk`` return: an async iterator that can be closed.

    Each step is a checkpoint. It raises the ``OSError`` of what could not be read, once all entries read before have
    been handed out; after that, and at the end, ``StopAsyncIteration``. ``BusyResourceError`` if another task is
    waiting for its step, ``ClosedResourceError`` once the iterator was closed (PATH-8 to PATH-13).
    """

    __slots__ = ("__weakref__", "_budget", "_closed", "_filling", "_limiter")

    def __init__(self, limiter: CapacityLimiter | None) -> None:
        self._limiter = limiter
        self._budget = _Budget()
        self._filling = False
        self._closed = False

    @abstractmethod
    def _fill(self) -> None:
        """Read more; in a worker thread."""

    @abstractmethod
    def _ready(self) -> bool:
        """Return whether a step needs no ``_fill``."""

    @abstractmethod
    def _take(self) -> T_co:
        """Return the next entry; raise what comes in its place; ``_NOTHING`` to be asked again."""

    @abstractmethod
    def _release(self) -> None:
        """Close whatever is open and forget what was read."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        checked = False
        while True:
            if self._filling:
                raise BusyResourceError("iterating over")
            if self._closed or self._ready():
                if not checked:
                    checked = True
                    backend = here.backend or current_backend()
                    if backend.checkpoint_due():
                        await backend.checkpoint()
                        continue  # others may have taken or closed it meanwhile
                if self._closed:
                    raise ClosedResourceError("this iterator is closed")
                entry = self._take()
                if entry is not _NOTHING:
                    return entry
                continue
            checked = True
            self._filling = True
            try:
                await run_sync(self._fill, limiter=self._limiter)
            finally:
                self._filling = False
                if self._closed:
                    self._release()

    async def aclose(self) -> None:
        """Close what the iterator has open, whatever happens; idempotent, a checkpoint.

        A task that waits for a step gets ``ClosedResourceError`` as soon as its thread is done.
        """
        self._closed = True
        if not self._filling:
            # To close a directory is no input and no output: nothing of it is still to be written.
            self._release()
        await current_backend().checkpoint()


class Entries(PathIterator[T_co]):
    """Iterates in batches over an iterator that blocks.

    :param source: what is iterated over, in threads. Dropping it must close what it has open.
    :param convert: makes an entry of an item, on the loop; it may raise, which ends the iteration.
    """

    __slots__ = ("_convert", "_error", "_items", "_source")

    def __init__(self, source: Iterator[Any], convert: Callable[[Any], T_co], limiter: CapacityLimiter | None) -> None:
        super().__init__(limiter)
        self._source: Iterator[Any] | None = source
        self._convert = convert
        self._items: deque[Any] = deque()
        self._error: Exception | None = None

    def _fill(self) -> None:
        assert self._source is not None
        budget = self._budget
        budget.begin()
        try:
            for item in self._source:
                self._items.append(item)
                if not budget.spend():
                    return
        except Exception as exc:
            prune(exc)
            self._error = exc
        self._source = None

    def _ready(self) -> bool:
        return bool(self._items) or self._source is None

    def _take(self) -> T_co:
        if self._items:
            try:
                return self._convert(self._items.popleft())
            except BaseException:
                self._release()
                raise
        if self._error is not None:
            error, self._error = self._error, None
            try:
                raise error
            finally:
                del error  # its traceback leads to this frame
        raise StopAsyncIteration

    def _release(self) -> None:
        self._source = None
        self._error = None
        self._items.clear()


def names_in(directory: str) -> Iterator[str]:
    """Iterate over the names in a directory, and close it in any case."""
    with os.scandir(directory) as entries:
        for entry in entries:
            yield entry.name


def joined(directory: str, name: str) -> str:
    """Return the path of an entry as pathlib writes it."""
    if directory == ".":
        return name
    return directory + name if directory.endswith(os.sep) else f"{directory}{os.sep}{name}"


_Names = tuple[list[str], list[str]]


def _scan(directory: str, follow_symlinks: bool) -> _Names | OSError:
    """Return the names of the directories and of all others in a directory, or why that is not possible."""
    directories: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                try:
                    is_directory = entry.is_dir(follow_symlinks=follow_symlinks)
                    if sys.version_info >= (3, 12) and not follow_symlinks and is_directory:
                        is_directory = not entry.is_junction()
                except OSError:
                    is_directory = False
                (directories if is_directory else others).append(entry.name)
    except OSError as exc:
        # Nobody needs to know these frames, which lead to what the error is kept in.
        return exc.with_traceback(None)
    return directories, others


OnError = Callable[[OSError], object] | None


def _report(error: OSError, on_error: OnError) -> Any:
    """Tell ``on_error`` of a directory that could not be read; it may raise."""
    try:
        if on_error is not None:
            on_error(error)
    finally:
        del error  # the traceback of what is raised leads to this frame
    return _NOTHING


class WalkDown(PathIterator[tuple[T, list[str], list[str]]]):
    """Walks a tree from the top, and reads ahead what comes next if the caller leaves the lists of names as they are.

    The caller may change the list of directories that it was given, so what lies below is decided at the next step.
    What was read ahead in vain is dropped.
    """

    __slots__ = ("_follow_symlinks", "_given", "_make", "_on_error", "_pending", "_scanned")

    def __init__(
        self,
        top: str,
        make: Callable[[str], T],
        on_error: OnError,
        follow_symlinks: bool,
        limiter: CapacityLimiter | None,
    ) -> None:
        super().__init__(limiter)
        self._make = make
        self._on_error = on_error
        self._follow_symlinks = follow_symlinks
        self._pending = [top]  # what is still to be visited; the next is the last
        self._scanned: dict[str, _Names | OSError] = {}
        self._given: tuple[str, list[str], list[str]] | None = None
        """The directory of the last step, its list of directories, and what that list was."""

    def _fill(self) -> None:
        pending, scanned, budget = self._pending, self._scanned, self._budget
        budget.begin()
        below: list[str] = []
        place = len(pending)
        while below or place:
            if below:
                directory = below.pop()
            else:
                place -= 1
                directory = pending[place]
            names = scanned.get(directory)
            size = 0
            if names is None:
                names = scanned[directory] = _scan(directory, self._follow_symlinks)
                size = 1 if isinstance(names, OSError) else 1 + len(names[0]) + len(names[1])
            if not isinstance(names, OSError):
                below += [joined(directory, name) for name in reversed(names[0])]
            if not budget.spend(size):
                return

    def _descend(self) -> None:
        """Put what is in the directory of the last step next, as the caller has left it."""
        if self._given is None:
            return
        directory, names, before = self._given
        self._given = None
        self._pending += [joined(directory, name) for name in reversed(names)]
        for name in {*before}.difference(names):
            path = joined(directory, name)
            inside = joined(path, "")
            for scanned in [scanned for scanned in self._scanned if scanned == path or scanned.startswith(inside)]:
                del self._scanned[scanned]

    def _ready(self) -> bool:
        self._descend()
        return not self._pending or self._pending[-1] in self._scanned

    def _take(self) -> tuple[T, list[str], list[str]]:
        if not self._pending:
            raise StopAsyncIteration
        directory = self._pending.pop()
        names = self._scanned.pop(directory)
        try:
            if isinstance(names, OSError):
                nothing: tuple[T, list[str], list[str]] = _report(names, self._on_error)
                return nothing
            self._given = directory, names[0], names[0].copy()
            return self._make(directory), *names
        except BaseException:
            self._release()
            raise
        finally:
            del names  # the traceback of an error leads to this frame

    def _release(self) -> None:
        self._pending = []
        self._scanned = {}
        self._given = None


def _found_upwards(top: str, follow_symlinks: bool) -> Iterator[tuple[str, list[str], list[str]] | OSError]:
    """Walk a tree, what is inside a directory before the directory; errors stand where the directory would be."""
    pending: list[str | tuple[str, list[str], list[str]]] = [top]
    while pending:
        current = pending.pop()
        if not isinstance(current, str):
            yield current
            continue
        names = _scan(current, follow_symlinks)
        if isinstance(names, OSError):
            yield names
            continue
        pending.append((current, *names))
        pending += [joined(current, name) for name in reversed(names[0])]


def walk_up(
    top: str, make: Callable[[str], T], on_error: OnError, follow_symlinks: bool, limiter: CapacityLimiter | None
) -> PathIterator[tuple[T, list[str], list[str]]]:
    """Return an iterator over a tree from below."""

    def convert(found: tuple[str, list[str], list[str]] | OSError) -> Any:
        if isinstance(found, OSError):
            return _report(found, on_error)
        directory, directories, others = found
        return make(directory), directories, others

    return Entries(_found_upwards(top, follow_symlinks), convert, limiter)
