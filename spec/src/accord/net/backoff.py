"""Waiting for something of which no readiness tells.

A UNIX socket whose peer has a full queue fails with EAGAIN as one does whose own buffer is full, but the system reports
it as writable all the time: there is nothing that a poller could wait for. A blocking call in a worker thread would be
woken in time, but it can't be interrupted, and a few dozen of them use up the threads of everybody else. So it is tried
again after a pause that grows.
"""

from __future__ import annotations

from .._time import sleep

_SHORTEST = 0.001
_LONGEST = 0.05


class Backoff:
    """Pauses, each twice as long as the one before up to a limit."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds = _SHORTEST

    async def pause(self) -> None:
        """Wait; a checkpoint."""
        await sleep(self._seconds)
        self._seconds = min(2 * self._seconds, _LONGEST)
