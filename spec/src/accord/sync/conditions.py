"""Condition variables on a lock.

``notify`` moves a waiting task to the queue of the lock, and it is woken once, with the lock in its hands. So nothing
is lost between being notified and having the lock, and nobody is woken only to wait again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, TypeVar

from .._backends import current_backend
from ..protocols import TaskInfo
from ..protocols.parking import AnyParker
from .locks import Lock, LockStatistics

T = TypeVar("T")


class ConditionStatistics(NamedTuple):
    """The state of a condition."""

    tasks_waiting: int
    """Number of tasks in ``wait()`` that were not notified."""
    lock_statistics: LockStatistics
    """The state of the lock."""


class _Waiter:
    __slots__ = ("parker", "task")

    def __init__(self, parker: AnyParker, task: TaskInfo) -> None:
        self.parker = parker
        self.task = task


class Condition:
    """Waiting for a state that is protected by a lock; an asynchronous context manager on it (area COND).

    :param lock: the lock to use; by default a new one.
    """

    __slots__ = ("__weakref__", "_lock", "_waiters")

    def __init__(self, lock: Lock | None = None) -> None:
        if lock is not None and not isinstance(lock, Lock):
            raise TypeError(f"lock must be a Lock, not {type(lock).__name__}")
        self._lock = Lock() if lock is None else lock
        self._waiters: deque[_Waiter] = deque()

    async def acquire(self) -> None:
        """Take the lock; see ``Lock.acquire``."""
        await self._lock.acquire()

    def acquire_nowait(self) -> None:
        """Take the lock if it is free; see ``Lock.acquire_nowait``."""
        self._lock.acquire_nowait()

    def release(self) -> None:
        """Release the lock; see ``Lock.release``."""
        self._lock.release()

    def locked(self) -> bool:
        """Return whether the lock is held."""
        return self._lock.locked()

    async def wait(self) -> None:
        """Release the lock, wait to be notified, and take it again; a checkpoint.

        The lock is held again whether this returns or raises (COND-3). ``RuntimeError`` if it is not held.
        """
        task = self._lock.check_held("wait with")
        backend = current_backend()
        # A cancelled task must neither release the lock nor be notified.
        await backend.checkpoint_if_cancelled()
        waiter = _Waiter(backend.create_parker(), task)
        self._waiters.append(waiter)
        self._lock.release()
        try:
            granted = await waiter.parker.park()
        except BaseException:
            notified = waiter not in self._waiters
            if not notified:
                self._waiters.remove(waiter)
            self._lock.leave(waiter.parker, task)
            await self._take_back(task)
            if notified:
                # It was given a notification and can't act on it: the next one gets it (COND-5).
                self._notify(1)
            raise
        if not granted:
            raise self._lock.broken()

    async def _take_back(self, task: TaskInfo) -> None:
        lock = self._lock
        if not lock.locked():
            lock.acquire_nowait()
        else:
            parker = lock.enqueue(current_backend().create_parker(), task)
            if not await parker.park_shielded():
                raise lock.broken()

    async def wait_for(self, predicate: Callable[[], T]) -> T:
        """Wait until ``predicate()`` is true, asking at each notification, and return what it returned (COND-6).

        No checkpoint if it is true at once.
        """
        while not (result := predicate()):
            await self.wait()
        return result

    def notify(self, n: int = 1) -> None:
        """Notify the first ``n`` waiting tasks; ``RuntimeError`` if the lock is not held. No checkpoint."""
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"n must be an int, not {type(n).__name__}")
        if n < 0:
            raise ValueError(f"n must not be negative, got {n}")
        self._lock.check_held("notify with")
        self._notify(n)

    def notify_all(self) -> None:
        """Notify all waiting tasks; ``RuntimeError`` if the lock is not held. No checkpoint."""
        self._lock.check_held("notify with")
        self._notify(len(self._waiters))

    def _notify(self, n: int) -> None:
        while n > 0 and self._waiters:
            waiter = self._waiters.popleft()
            self._lock.enqueue(waiter.parker, waiter.task)
            n -= 1

    def statistics(self) -> ConditionStatistics:
        """Return how many tasks wait, and the state of the lock."""
        return ConditionStatistics(len(self._waiters), self._lock.statistics())

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._lock.release()

    def __repr__(self) -> str:
        return f"<Condition {len(self._waiters)} waiting, {self._lock!r}>"
