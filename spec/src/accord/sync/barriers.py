"""Barriers: a number of tasks that wait for one another.

The last task that arrives must know that the others are still there before it lets anybody go: one of them may have
been cancelled and not have run since. So it wakes all of them first. If all could be woken the round is complete, and
each finds its number when it resumes; otherwise those that were woken find none, and wait again.
"""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple

from .._backends import current_backend, here
from ..exceptions import BrokenBarrierError
from ..protocols.parking import AnyParker


class BarrierStatistics(NamedTuple):
    """The state of a barrier."""

    parties: int
    """How many tasks make a round."""
    tasks_waiting: int
    """Number of tasks in ``wait()``."""
    broken: bool
    """Whether the barrier was aborted, and not reset since."""


class _Waiter:
    """A task in ``wait()``."""

    __slots__ = ("broken", "index", "parker", "woken")

    def __init__(self, parker: AnyParker) -> None:
        self.parker = parker
        self.woken = False
        self.index: int | None = None
        self.broken: str | None = None


class Barrier:
    """Lets tasks go on when ``parties`` of them have arrived, again and again (area BARRIER).

    :param parties: an int of at least 1.

    ``async with`` waits at the entry, its target is what ``wait`` returns; the exit does nothing.
    """

    __slots__ = ("__weakref__", "_broken", "_parties", "_waiters")

    def __init__(self, parties: int) -> None:
        if isinstance(parties, bool) or not isinstance(parties, int):
            raise TypeError(f"parties must be an int, not {type(parties).__name__}")
        if parties < 1:
            raise ValueError(f"parties must be at least 1, got {parties}")
        self._parties = parties
        self._broken = False
        self._waiters: list[_Waiter] = []

    @property
    def parties(self) -> int:
        """How many tasks make a round."""
        return self._parties

    @property
    def broken(self) -> bool:
        """Whether the barrier was aborted, and not reset since."""
        return self._broken

    async def wait(self) -> int:
        """Wait until as many tasks wait as make a round, and return which of them this one is, from 0; a checkpoint.

        Raises ``BrokenBarrierError`` if the barrier is broken, or is aborted or reset meanwhile. If it raises, whatever
        it is, this task was not counted.
        """
        backend = here.backend or current_backend()
        if (self._broken or len(self._waiters) + 1 >= self._parties) and backend.checkpoint_due():
            await backend.checkpoint()
        if self._broken:
            raise BrokenBarrierError("the barrier was aborted")
        if self._all_there():
            waiters, self._waiters = self._waiters, []
            for index, waiter in enumerate(waiters):
                waiter.index = index
            return len(waiters)
        waiter = _Waiter(backend.create_parker())
        self._waiters.append(waiter)
        try:
            while True:
                await waiter.parker.park()
                if waiter.index is not None:
                    return waiter.index
                if waiter.broken is not None:
                    raise BrokenBarrierError(waiter.broken)
                waiter.parker, waiter.woken = backend.create_parker(), False
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            raise

    def _all_there(self) -> bool:
        """Wake all waiting tasks, and return whether they and the current one make a round."""
        if len(self._waiters) + 1 < self._parties:
            return False
        for waiter in [waiter for waiter in self._waiters if not waiter.woken]:
            waiter.woken = waiter.parker.unpark(None)
            if not waiter.woken:
                self._waiters.remove(waiter)
        return len(self._waiters) + 1 == self._parties

    def abort(self) -> None:
        """Break the barrier: those who wait, and all who come, get ``BrokenBarrierError``; no checkpoint."""
        self._broken = True
        self._drop("the barrier was aborted")

    def reset(self) -> None:
        """Make the barrier as it was at first; those who wait get ``BrokenBarrierError``. No checkpoint."""
        self._broken = False
        self._drop("the barrier was reset while this task waited for it")

    def _drop(self, message: str) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.broken = message
            waiter.parker.unpark(None)

    def statistics(self) -> BarrierStatistics:
        """Return how many tasks make a round, how many wait, and whether the barrier is broken."""
        return BarrierStatistics(self._parties, len(self._waiters), self._broken)

    __aenter__ = wait

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        pass

    def __repr__(self) -> str:
        return f"<Barrier {'broken, ' if self._broken else ''}{len(self._waiters)}/{self._parties} waiting>"
