"""Condition variables on a lock.

``notify`` wakes a waiting task and puts it into the queue of the lock in the same moment. So it is decided at once who
was notified (a task that was cancelled before is passed over), and the lock comes to the notified tasks in order. From
then on a task can't be cancelled any more until it has the lock and returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, TypeVar

from .._backends import current_backend, here
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


# A task in ``wait()``: the parker that a notification wakes, the one that the lock wakes, the task.
_Waiter = tuple[AnyParker, AnyParker, TaskInfo]


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
        backend = here.backend or current_backend()
        # A cancelled task must neither release the lock nor be notified.
        await backend.checkpoint_if_cancelled()
        lock = self._lock
        task = lock.check_held("wait with")
        parker, lock_parker = backend.create_parker(), backend.create_parker()
        waiter = (parker, lock_parker, task)
        self._waiters.append(waiter)
        lock.release()
        try:
            await parker.park()
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            owner = lock.statistics().owner
            if owner is None:
                lock.acquire_nowait()
                lock_parker.unpark(True)
            elif owner.finished:
                lock_parker.unpark(False)
            else:
                lock.enqueue(lock_parker, task)
            if not await lock_parker.park_shielded():
                raise lock.broken() from None
            raise
        if not await lock_parker.park_shielded():
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
            parker, lock_parker, task = self._waiters.popleft()
            if parker.unpark(None):
                self._lock.enqueue(lock_parker, task)
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
