"""Locks for many readers or one writer, fair to both.

There is one queue, and it is served from its head: a writer alone, readers as many as stand there. So a stream of
readers can't keep a writer away, nor writers the readers. The price is that a reader which wants the lock once more
would wait behind a writer that waits for it; that is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

from .._backends import current_backend, here
from ..exceptions import BrokenResourceError, WouldBlock
from ..protocols import TaskInfo
from ..protocols.parking import AnyParker


class RWLockStatistics(NamedTuple):
    """The state of a lock for readers and writers."""

    readers: tuple[TaskInfo, ...]
    """The tasks that hold it for reading."""
    writer: TaskInfo | None
    """The task that holds it for writing."""
    tasks_waiting_read: int
    """Number of tasks in ``acquire_read()``."""
    tasks_waiting_write: int
    """Number of tasks in ``acquire_write()``."""


# A task in the queue: its parker, itself, whether it wants to write.
_Waiter = tuple[AnyParker, TaskInfo, bool]


class RWLock:
    """A lock that many tasks hold for reading, or one for writing (area RWLOCK).

    ``async with lock.read():`` and ``async with lock.write():`` are the usual ways to hold it. It is not re-entrant,
    and who reads can't become the writer without giving it back in between.
    """

    __slots__ = ("__weakref__", "_readers", "_waiters", "_watched", "_writer")

    def __init__(self) -> None:
        self._readers: dict[TaskInfo, None] = {}
        self._writer: TaskInfo | None = None
        self._waiters: deque[_Waiter] = deque()
        self._watched: dict[TaskInfo, Callable[[], None]] = {}  # those that hold it while others wait

    def read(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager that holds the lock for reading; entering it is ``acquire_read``."""
        return _Holding(self.acquire_read, self.release_read)

    def write(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager that holds the lock for writing; entering it is ``acquire_write``."""
        return _Holding(self.acquire_write, self.release_write)

    async def acquire_read(self) -> None:
        """Take the lock for reading, waiting for those who came first; a checkpoint.

        Raises ``RuntimeError`` if the task holds it already, and ``BrokenResourceError`` if the writer has ended.
        """
        await self._acquire(False)

    async def acquire_write(self) -> None:
        """Take the lock for writing, waiting for those who came first; a checkpoint.

        Raises ``RuntimeError`` if the task holds it already, and ``BrokenResourceError`` if one who holds it has ended.
        """
        await self._acquire(True)

    def acquire_read_nowait(self) -> None:
        """Take the lock for reading; ``WouldBlock`` if a task writes or waits, else as ``acquire_read``."""
        self._acquire_nowait(False)

    def acquire_write_nowait(self) -> None:
        """Take the lock for writing; ``WouldBlock`` if a task holds it or waits, else as ``acquire_write``."""
        self._acquire_nowait(True)

    def _acquire_nowait(self, writes: bool) -> None:
        task = (here.backend or current_backend()).current_task()
        self._check(task, writes)
        if not self._is_free(writes):
            raise WouldBlock(f"the lock can't be taken for {'writing' if writes else 'reading'} at the moment")
        self._give(task, writes)

    async def _acquire(self, writes: bool) -> None:
        backend = here.backend or current_backend()
        if self._is_free(writes) and backend.checkpoint_due():
            await backend.checkpoint()
        task = backend.current_task()
        if task is self._writer or task in self._readers or self._dead(writes) is not None:
            await backend.checkpoint_if_cancelled()
            self._check(task, writes)
        if self._is_free(writes):
            self._give(task, writes)
            return
        parker = backend.create_parker()
        waiter = (parker, task, writes)
        self._waiters.append(waiter)
        self._watch()
        try:
            granted = await parker.park()
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
                # A writer may have been all that the readers behind it waited for.
                self._serve()
            raise
        if not granted:
            raise self._broken(writes)

    def _is_free(self, writes: bool) -> bool:
        return self._writer is None and not self._waiters and not (writes and self._readers)

    def _check(self, task: TaskInfo, writes: bool) -> None:
        if task is self._writer or task in self._readers:
            how = "writing" if task is self._writer else "reading"
            raise RuntimeError(f"task {task.name!r} holds this lock for {how} already; it can't be taken twice")
        if self._dead(writes) is not None:
            raise self._broken(writes)

    def _dead(self, writes: bool) -> TaskInfo | None:
        """Return a task that has ended and would be waited for."""
        if self._writer is not None:
            return self._writer if self._writer.finished else None
        return next((reader for reader in self._readers if reader.finished), None) if writes else None

    def _broken(self, writes: bool) -> BrokenResourceError:
        dead = self._dead(writes)
        name = "?" if dead is None else dead.name
        return BrokenResourceError(f"the lock can't be taken any more: task {name!r} held it and ended without release")

    def _give(self, task: TaskInfo, writes: bool) -> None:
        if writes:
            self._writer = task
        else:
            self._readers[task] = None

    def _serve(self) -> None:
        """Give the lock to those at the head of the queue who can have it."""
        while self._waiters and self._writer is None:
            parker, task, writes = self._waiters[0]
            if writes and self._readers:
                break
            self._waiters.popleft()
            if parker.unpark(True):
                self._give(task, writes)
        if self._waiters:
            self._watch()

    def _watch(self) -> None:
        for task in self._readers if self._writer is None else (self._writer,):
            if task not in self._watched and not task.finished:
                self._watched[task] = callback = partial(self._task_ended, task)
                current_backend().watch_task(task, callback)

    def _task_ended(self, task: TaskInfo) -> None:
        self._watched.pop(task, None)
        # Nobody can wait any more for what this task holds; who waits for something else goes on.
        failing = [waiter for waiter in self._waiters if waiter[2] or task is self._writer]
        for waiter in failing:
            self._waiters.remove(waiter)
            waiter[0].unpark(False)
        self._serve()

    def release_read(self) -> None:
        """Give the lock back; ``RuntimeError`` if the task doesn't hold it for reading. No checkpoint."""
        task = (here.backend or current_backend()).current_task()
        if task not in self._readers:
            raise RuntimeError(f"task {task.name!r} can't release this lock: it does not hold it for reading")
        del self._readers[task]
        self._released(task)

    def release_write(self) -> None:
        """Give the lock back; ``RuntimeError`` if the task doesn't hold it for writing. No checkpoint."""
        task = (here.backend or current_backend()).current_task()
        if task is not self._writer:
            raise RuntimeError(f"task {task.name!r} can't release this lock: it does not hold it for writing")
        self._writer = None
        self._released(task)

    def _released(self, task: TaskInfo) -> None:
        callback = self._watched.pop(task, None)
        if callback is not None:
            current_backend().unwatch_task(task, callback)
        if self._waiters:
            self._serve()

    def statistics(self) -> RWLockStatistics:
        """Return who holds the lock and how many tasks wait."""
        writing = sum(writes for _, _, writes in self._waiters)
        return RWLockStatistics(tuple(self._readers), self._writer, len(self._waiters) - writing, writing)

    def __repr__(self) -> str:
        holder = f"{len(self._readers)} reading" if self._writer is None else f"task {self._writer.name!r} writing"
        return f"<RWLock {holder}, {len(self._waiters)} waiting>"


class _Holding(AbstractAsyncContextManager[None]):
    """Holds a lock in one of the two ways; can be used again and again, and by several tasks."""

    __slots__ = ("_acquire", "_release")

    def __init__(self, acquire: Callable[[], Coroutine[Any, Any, None]], release: Callable[[], None]) -> None:
        self._acquire = acquire
        self._release = release

    async def __aenter__(self) -> None:
        await self._acquire()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._release()
