"""Events: a flag that is raised once."""

from __future__ import annotations

from typing import NamedTuple

from .._backends import current_backend, here
from ._queues import WaitQueue


class EventStatistics(NamedTuple):
    """The state of an event."""

    tasks_waiting: int
    """Number of tasks in ``wait()``."""


class Event:
    """A flag that starts low, is raised by ``set()`` and stays so (EVENT-1 to EVENT-6)."""

    __slots__ = ("__weakref__", "_queue", "_set")

    def __init__(self) -> None:
        self._set = False
        self._queue = WaitQueue()

    def set(self) -> None:
        """Raise the flag and wake all waiting tasks; idempotent, no checkpoint."""
        self._set = True
        self._queue.wake_all()

    def is_set(self) -> bool:
        """Return whether the flag is up."""
        return self._set

    async def wait(self) -> None:
        """Wait until the flag is up; a checkpoint."""
        if self._set:
            backend = here.backend or current_backend()
            if backend.checkpoint_due():
                await backend.checkpoint()
        else:
            await self._queue.wait()

    def statistics(self) -> EventStatistics:
        """Return how many tasks wait."""
        return EventStatistics(len(self._queue))

    def __repr__(self) -> str:
        return f"<Event {'set' if self._set else 'unset'}, {len(self._queue)} waiting>"
