"""Events: a flag that is raised once."""

from __future__ import annotations

from typing import NamedTuple

from .._backends import current_backend, here
from ..protocols.parking import AnyParker


class EventStatistics(NamedTuple):
    """The state of an event."""

    tasks_waiting: int
    """Number of tasks in ``wait()``."""


class Event:
    """A flag that starts low, is raised by ``set()`` and stays so (EVENT-1 to EVENT-6)."""

    __slots__ = ("__weakref__", "_set", "_waiters")

    def __init__(self) -> None:
        self._set = False
        self._waiters: list[AnyParker] | None = None  # most events never see one

    def set(self) -> None:
        """Raise the flag and wake all waiting tasks; idempotent, no checkpoint."""
        self._set = True
        waiters = self._waiters
        if waiters is not None:
            self._waiters = None
            for parker in waiters:
                parker.unpark(None)

    def is_set(self) -> bool:
        """Return whether the flag is up."""
        return self._set

    async def wait(self) -> None:
        """Wait until the flag is up; a checkpoint."""
        credit = here.credit
        if credit.left and self._set:
            credit.left -= 1
            return
        backend = credit.backend or here.backend or current_backend()
        if self._set:
            if backend.checkpoint_due():
                await backend.checkpoint()
            return
        parker = backend.create_parker()
        if self._waiters is None:
            self._waiters = [parker]
        else:
            self._waiters.append(parker)
        try:
            await parker.park()
        except BaseException:
            if self._waiters and parker in self._waiters:
                self._waiters.remove(parker)
            raise

    def statistics(self) -> EventStatistics:
        """Return how many tasks wait."""
        return EventStatistics(len(self._waiters or ()))

    def __repr__(self) -> str:
        return f"<Event {'set' if self._set else 'unset'}, {len(self._waiters or ())} waiting>"
