"""A first-in-first-out queue of waiting tasks, the common part of everything that makes tasks wait.

An entry is a parker. One whose task was cancelled stays until that task has taken it out, and refuses ``unpark``
meanwhile, so that waking skips it. The length counts the tasks that wait and were neither woken nor taken out.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from .._backends import current_backend, here
from ..protocols.parking import AnyParker


class WaitQueue:
    """Waiting tasks, in order of arrival."""

    __slots__ = ("_parkers",)

    def __init__(self) -> None:
        self._parkers: deque[AnyParker] | None = None  # most primitives never see a waiter

    def __len__(self) -> int:
        return len(self._parkers) if self._parkers else 0

    def __bool__(self) -> bool:
        return bool(self._parkers)

    def join(self) -> AnyParker:
        """Return a new parker of the current task, at the end of the queue."""
        parker = (here.backend or current_backend()).create_parker()
        if self._parkers is None:
            self._parkers = deque()
        self._parkers.append(parker)
        return parker

    def leave(self, parker: AnyParker) -> None:
        """Take a parker out whose task no longer waits; it may be gone already."""
        parkers = self._parkers
        if parkers:
            if parkers[-1] is parker:
                parkers.pop()
            else:
                try:
                    parkers.remove(parker)
                except ValueError:
                    pass

    async def wait(self) -> Any:
        """Wait in the queue until woken, and return the value given."""
        parker = self.join()
        try:
            return await parker.park()
        except BaseException:
            self.leave(parker)
            raise

    def wake(self, value: Any = None) -> bool:
        """Wake the first task that can still be woken; false if there is none."""
        parkers = self._parkers
        while parkers:
            if parkers.popleft().unpark(value):
                return True
        return False

    def wake_all(self, value: Any = None) -> None:
        """Wake all tasks."""
        parkers, self._parkers = self._parkers, None
        if parkers:
            for parker in parkers:
                parker.unpark(value)
