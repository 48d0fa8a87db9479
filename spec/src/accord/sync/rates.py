"""Rate limits: how often something may be done.

The generic cell rate algorithm, which needs one number and no timer. Operations are due at regular intervals; the
number is the time at which the schedule would be kept if no more came. An operation may come early, by as many
intervals as the burst allows beyond one, and each moves the time on by one interval. In any span of time there are then
at most ``burst`` operations and as many more as the rate gives for the span.

Who waits takes nothing until it is its turn, so there is nothing to give back when it is cancelled. Only the first of
the queue sleeps; whoever leaves the head of the queue, served or cancelled, wakes the next.
"""

from __future__ import annotations

from collections import deque
from math import inf
from types import TracebackType
from typing import NamedTuple

from .._backends import current_backend, here
from ..exceptions import WouldBlock
from ..protocols import Backend, LoopToken
from ..protocols.parking import AnyParker
from ..toolkit.checks import check_positive


class RateLimiterStatistics(NamedTuple):
    """The state of a rate limiter."""

    tasks_waiting: int
    """Number of tasks in ``acquire()``."""


class RateLimiter:
    """Lets operations begin at a limited rate; an asynchronous context manager whose exit does nothing (area RATE).

    :param rate: how many operations per ``per`` seconds; a positive, finite number.
    :param per: seconds.
    :param burst: how many may begin at once after a pause: an int of at least 1.

    The time is that of the loop's clock, and each run begins with a full burst. Tasks are served in order of arrival.
    """

    __slots__ = ("__weakref__", "_burst", "_due", "_interval", "_per", "_rate", "_token", "_waiters")

    def __init__(self, rate: float, per: float = 1.0, burst: int = 1) -> None:
        self._rate = check_positive(rate, "rate")
        self._per = check_positive(per, "per")
        if isinstance(burst, bool) or not isinstance(burst, int):
            raise TypeError(f"burst must be an int, not {type(burst).__name__}")
        if burst < 1:
            raise ValueError(f"burst must be at least 1, got {burst}")
        self._burst = burst
        self._interval = self._per / self._rate
        self._due = -inf  # when an operation would be neither early nor late
        self._token: LoopToken | None = None
        self._waiters: deque[AnyParker] = deque()

    @property
    def rate(self) -> float:
        """How many operations per ``per`` seconds."""
        return self._rate

    @property
    def per(self) -> float:
        """The seconds that ``rate`` is meant for."""
        return self._per

    @property
    def burst(self) -> int:
        """How many operations may begin at once after a pause."""
        return self._burst

    def _free_at(self, backend: Backend) -> float:
        """Return the clock value from which the next operation may begin."""
        token = backend.current_token()
        if token is not self._token and token != self._token:
            # The clock of another run has nothing to do with the one that the time was taken from.
            self._token, self._due = token, -inf
        return self._due - (self._burst - 1) * self._interval

    def _take(self, now: float) -> None:
        self._due = max(self._due, now) + self._interval

    def acquire_nowait(self) -> None:
        """Begin an operation; ``WouldBlock`` if it is too early, or if others wait. No checkpoint."""
        backend = here.backend or current_backend()
        now = backend.current_time()
        if self._waiters or now < self._free_at(backend):
            raise WouldBlock("the rate limit does not allow an operation yet")
        self._take(now)

    async def acquire(self) -> None:
        """Wait until an operation may begin; a checkpoint. If it raises, no operation was counted."""
        backend = here.backend or current_backend()
        if not self._waiters and backend.current_time() >= self._free_at(backend):
            if backend.checkpoint_due():
                await backend.checkpoint()
            now = backend.current_time()
            if not self._waiters and now >= self._free_at(backend):
                self._take(now)
                return
        parker = backend.create_parker()
        self._waiters.append(parker)
        try:
            if self._waiters[0] is not parker:
                await parker.park()
            await backend.sleep_until(self._free_at(backend))
            self._take(backend.current_time())
        finally:
            first = self._waiters[0] is parker
            self._waiters.remove(parker)
            if first and self._waiters:
                # If this one was cancelled it can't be woken, and comes here by itself.
                self._waiters[0].unpark(None)

    def statistics(self) -> RateLimiterStatistics:
        """Return how many tasks wait."""
        return RateLimiterStatistics(len(self._waiters))

    __aenter__ = acquire

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        pass

    def __repr__(self) -> str:
        return f"<RateLimiter {self._rate:g} in {self._per:g} s, burst {self._burst}, {len(self._waiters)} waiting>"
