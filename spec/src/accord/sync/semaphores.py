"""Semaphores: a counter that tasks take from and give to."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import NamedTuple

from .._backends import current_backend, here
from ..exceptions import WouldBlock
from ..protocols.parking import AnyParker


class SemaphoreStatistics(NamedTuple):
    """The state of a semaphore."""

    tasks_waiting: int
    """Number of tasks in ``acquire()``."""


def _check_count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    return value


class Semaphore:
    """A counter that is never negative; an asynchronous context manager (area SEM).

    :param initial_value: the value at the start, at least 0.
    :param max_value: the most that ``release()`` may bring it to; None for no limit.

    Tasks get what is released in the order of their arrival. Any task may release.
    """

    __slots__ = ("__weakref__", "_max_value", "_value", "_waiters")

    def __init__(self, initial_value: int, *, max_value: int | None = None) -> None:
        if _check_count(initial_value, "initial_value") < 0:
            raise ValueError(f"initial_value must not be negative, got {initial_value}")
        if max_value is not None and _check_count(max_value, "max_value") < initial_value:
            raise ValueError(f"max_value ({max_value}) must not be less than initial_value ({initial_value})")
        self._value = initial_value
        self._max_value = max_value
        self._waiters: deque[AnyParker] | None = None

    async def acquire(self) -> None:
        """Take one, waiting until there is one; a checkpoint."""
        credit = here.credit
        if credit.left and self._value:
            credit.left -= 1
            self._value -= 1
            return
        backend = credit.backend or here.backend or current_backend()
        if self._value:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._value:
                self._value -= 1
                return
        parker = backend.create_parker()
        waiters = self._waiters
        if waiters is None:
            waiters = self._waiters = deque()
        waiters.append(parker)
        try:
            await parker.park()
        except BaseException:
            if parker in waiters:
                waiters.remove(parker)
            raise

    def acquire_nowait(self) -> None:
        """Take one; ``WouldBlock`` if there is none. No checkpoint."""
        if not self._value:
            raise WouldBlock("the semaphore's value is 0")
        self._value -= 1

    def release(self) -> None:
        """Give one, to the first waiting task if there is any; ``ValueError`` beyond ``max_value``. No checkpoint."""
        if self._max_value is not None and self._value >= self._max_value:
            raise ValueError(f"the semaphore was released more often than its max_value ({self._max_value}) allows")
        waiters = self._waiters
        while waiters:
            if waiters.popleft().unpark(None):
                return
        self._value += 1

    @property
    def value(self) -> int:
        """The current value."""
        return self._value

    @property
    def max_value(self) -> int | None:
        """The most that the value may be, or None."""
        return self._max_value

    def statistics(self) -> SemaphoreStatistics:
        """Return how many tasks wait."""
        return SemaphoreStatistics(len(self._waiters or ()))

    __aenter__ = acquire

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Semaphore value {self._value}, {len(self._waiters or ())} waiting>"
