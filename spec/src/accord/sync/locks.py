"""Locks: one task at a time, in order of arrival.

A released lock is handed to the first waiting task at once, so nobody can come in between. A lock whose owner ended
without releasing it is broken for good: what it protected may be half done, and waiting for a dead task is a deadlock.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import NamedTuple

from .._backends import current_backend, here
from ..exceptions import BrokenResourceError, WouldBlock
from ..protocols import Backend, TaskInfo
from ..protocols.parking import AnyParker


class LockStatistics(NamedTuple):
    """The state of a lock."""

    locked: bool
    """Whether a task holds it."""
    owner: TaskInfo | None
    """The task that holds it."""
    tasks_waiting: int
    """Number of tasks in ``acquire()``."""


class Lock:
    """Mutual exclusion between tasks; an asynchronous context manager (area LOCK)."""

    __slots__ = ("__weakref__", "_backend", "_owner", "_waiters", "_watched")

    def __init__(self) -> None:
        self._owner: TaskInfo | None = None
        self._backend: Backend  # the owner's; not to be looked up once more at the release
        self._waiters: deque[tuple[AnyParker, TaskInfo]] | None = None
        # The tasks that had the lock while others waited, with what is called when they end; empty once it is free.
        # So a task that takes the lock again and again is not watched anew each time.
        self._watched: dict[TaskInfo, Callable[[], None]] | None = None

    async def acquire(self) -> None:
        """Take the lock, waiting for those who came first; a checkpoint.

        Raises ``RuntimeError`` if the task holds it already and ``BrokenResourceError`` if its owner has ended.
        """
        credit = here.credit
        if credit.left and self._owner is None:
            credit.left -= 1
            self._backend = backend = credit.backend
            self._owner = backend.current_task()
            return
        backend = credit.backend or here.backend or current_backend()
        if self._owner is None:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._owner is None:
                self._backend = backend
                self._owner = backend.current_task()
                return
        task = backend.current_task()
        owner = self._owner
        # The end of a task that is watched would not be news.
        unknown = self._watched is None or owner not in self._watched
        if owner is task or (unknown and owner.finished):
            await backend.checkpoint_if_cancelled()
            self._check_owner(owner, task)
        parker = backend.create_parker()
        if unknown:
            self.enqueue(parker, task)
        else:
            assert self._waiters is not None
            self._waiters.append((parker, task))
        try:
            granted = await parker.park()
        except BaseException:
            self._leave(parker)
            raise
        if not granted:
            raise self.broken()

    def enqueue(self, parker: AnyParker, task: TaskInfo) -> None:
        """Put a task at the end of the queue, whose parker will be woken with whether it has got the lock."""
        waiters = self._waiters
        if waiters is None:
            waiters = self._waiters = deque()
        waiters.append((parker, task))
        owner = self._owner
        assert owner is not None
        if self._watched is None or owner not in self._watched:
            self._watch(owner)

    def _leave(self, parker: AnyParker) -> None:
        waiters = self._waiters
        if waiters:
            for index, (other, _) in enumerate(waiters):
                if other is parker:
                    del waiters[index]
                    return

    def _watch(self, owner: TaskInfo) -> None:
        if self._watched is None:
            self._watched = {}
        self._watched[owner] = callback = partial(self._task_ended, owner)
        current_backend().watch_task(owner, callback)

    def _unwatch(self) -> None:
        watched, self._watched = self._watched, None
        if watched:
            backend = current_backend()
            for task, callback in watched.items():
                backend.unwatch_task(task, callback)

    def _task_ended(self, task: TaskInfo) -> None:
        if self._watched is not None:
            self._watched.pop(task, None)
        if self._owner is task:
            waiters, self._waiters = self._waiters, None
            for parker, _ in waiters or ():
                parker.unpark(False)
            self._unwatch()

    def acquire_nowait(self) -> None:
        """Take the lock; ``WouldBlock`` if another task holds it, otherwise as ``acquire``. No checkpoint."""
        backend = here.backend or current_backend()
        task = backend.current_task()
        owner = self._owner
        if owner is not None:
            self._check_owner(owner, task)
            raise WouldBlock(f"the lock is held by task {owner.name!r}")
        self._backend = backend
        self._owner = task

    def _check_owner(self, owner: TaskInfo, task: TaskInfo) -> None:
        if owner is task:
            raise RuntimeError(f"task {task.name!r} holds this lock already; a lock can't be taken twice")
        if owner.finished:
            raise self.broken()

    def broken(self) -> BrokenResourceError:
        """Return the error for a lock whose owner has ended."""
        name = "?" if self._owner is None else self._owner.name
        return BrokenResourceError(f"the lock can't be taken any more: its owner, task {name!r}, ended without release")

    def check_held(self, action: str) -> TaskInfo:
        """Return the current task if it holds the lock; ``RuntimeError`` otherwise."""
        task = (here.backend or current_backend()).current_task()
        owner = self._owner
        if owner is not task:
            holder = "nobody holds it" if owner is None else f"task {owner.name!r} holds it"
            raise RuntimeError(f"task {task.name!r} can't {action} this lock: {holder}")
        return task

    def release(self) -> None:
        """Give the lock to the first waiting task, or free it; ``RuntimeError`` if another task holds it.

        No checkpoint.
        """
        if self._owner is not (here.backend or current_backend()).current_task():
            self.check_held("release")
        waiters = self._waiters
        while waiters:
            parker, task = waiters.popleft()
            if parker.unpark(True):
                self._owner = task
                if waiters and (self._watched is None or task not in self._watched):
                    self._watch(task)
                return
        self._owner = None
        if self._watched is not None:
            self._unwatch()

    def locked(self) -> bool:
        """Return whether a task holds the lock."""
        return self._owner is not None

    def statistics(self) -> LockStatistics:
        """Return who holds the lock and how many tasks wait."""
        return LockStatistics(self._owner is not None, self._owner, len(self._waiters or ()))

    __aenter__ = acquire

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        owner = self._owner
        if self._watched is None and not self._waiters and owner is not None and owner is self._backend.current_task():
            self._owner = None  # as release() does it for a lock that nobody waits for, in half the time
        else:
            self.release()

    def __repr__(self) -> str:
        holder = "unlocked" if self._owner is None else f"held by task {self._owner.name!r}"
        return f"<Lock {holder}, {len(self._waiters or ())} waiting>"
