"""Locks: one task at a time, in order of arrival.

A released lock is handed to the first waiting task at once, so nobody can come in between. A lock whose owner ended
without releasing it is broken for good: what it protected may be half done, and waiting for a dead task is a deadlock.
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import NamedTuple

from .._backends import current_backend, here
from ..exceptions import BrokenResourceError, WouldBlock
from ..protocols import TaskInfo
from ..protocols.parking import AnyParker


class LockStatistics(NamedTuple):
    """The state of a lock."""

    locked: bool
    """Whether a task holds it."""
    owner: TaskInfo | None
    """The task that holds it."""
    tasks_waiting: int
    """Number of tasks in ``acquire()``."""


Waiter = tuple[AnyParker, TaskInfo]


class Lock:
    """Mutual exclusion between tasks; an asynchronous context manager (area LOCK)."""

    __slots__ = ("__weakref__", "_owner", "_waiters", "_watched")

    def __init__(self) -> None:
        self._owner: TaskInfo | None = None
        self._waiters: deque[Waiter] | None = None
        self._watched = False  # whether the end of the owner would be noticed

    async def acquire(self) -> None:
        """Take the lock, waiting for those who came first; a checkpoint.

        Raises ``RuntimeError`` if the task holds it already and ``BrokenResourceError`` if its owner has ended.
        """
        backend = here.backend or current_backend()
        if self._owner is None:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._owner is None:
                self._owner = backend.current_task()
                return
        await self._acquire_held()

    async def _acquire_held(self) -> None:
        backend = here.backend or current_backend()
        await backend.checkpoint_if_cancelled()
        task = backend.current_task()
        owner = self._owner
        if owner is None:
            self._owner = task
            return
        self._check_owner(owner, task)
        await self.join(task)

    async def join(self, task: TaskInfo) -> None:
        """Wait for the lock, which is held, at the end of the queue."""
        parker = self.enqueue((here.backend or current_backend()).create_parker(), task)
        try:
            granted = await parker.park()
        except BaseException:
            self.leave(parker, task)
            raise
        if not granted:
            raise self.broken()

    def enqueue(self, parker: AnyParker, task: TaskInfo) -> AnyParker:
        """Put a task at the end of the queue, whose parker will be woken with whether it has got the lock."""
        owner = self._owner
        assert owner is not None
        if self._waiters is None:
            self._waiters = deque()
        self._waiters.append((parker, task))
        if not self._watched:
            self._watched = True
            current_backend().watch_task(owner, self._owner_ended)
        return parker

    def leave(self, parker: AnyParker, task: TaskInfo) -> None:
        """Take a task that no longer waits out of the queue; it may be gone already."""
        waiter = (parker, task)
        if self._waiters is not None and waiter in self._waiters:
            self._waiters.remove(waiter)
        if not self._waiters:
            self._unwatch()

    def acquire_nowait(self) -> None:
        """Take the lock; ``WouldBlock`` if another task holds it, otherwise as ``acquire``. No checkpoint."""
        task = (here.backend or current_backend()).current_task()
        owner = self._owner
        if owner is not None:
            self._check_owner(owner, task)
            raise WouldBlock(f"the lock is held by task {owner.name!r}")
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
        if self._watched:
            self._unwatch()
        waiters = self._waiters
        while waiters:
            parker, task = waiters.popleft()
            if parker.unpark(True):
                self._owner = task
                if waiters:
                    self._watched = True
                    current_backend().watch_task(task, self._owner_ended)
                return
        self._owner = None

    def _unwatch(self) -> None:
        if self._watched and self._owner is not None:
            self._watched = False
            current_backend().unwatch_task(self._owner, self._owner_ended)

    def _owner_ended(self) -> None:
        self._watched = False
        waiters, self._waiters = self._waiters, None
        for parker, _ in waiters or ():
            parker.unpark(False)

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
        self.release()

    def __repr__(self) -> str:
        holder = "unlocked" if self._owner is None else f"held by task {self._owner.name!r}"
        return f"<Lock {holder}, {len(self._waiters or ())} waiting>"
