"""Readiness of file descriptors (capability ``readiness``): all that sockets and pipes need from a backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Poller(Protocol):
    """Waits for one file descriptor.

    The operation is handed in and not left to the caller, so that a backend can run it the moment that the descriptor
    is ready, in its own callback, and keep the descriptor registered from one operation to the next. It also makes
    cancellation exact: either the operation ran and its result is returned, or it did not run.
    """

    __slots__ = ()

    async def readable(self, attempt: Callable[[], T], /) -> T:
        """Call ``attempt`` until it does not raise ``BlockingIOError``, each time after waiting for data (POLL-1 to 4).

        Returns what ``attempt`` returns and raises what it raises. One task at a time: ``BusyResourceError`` for a
        second. ``ClosedResourceError`` once closed. A checkpoint.
        """
        ...

    async def writable(self, attempt: Callable[[], T], /) -> T:
        """The same for room to write; independent of ``readable``."""
        ...

    def close(self) -> None:
        """Forget the descriptor, without closing it; waiting tasks get ``ClosedResourceError`` (POLL-5). Idempotent."""
        ...


class Readiness(Protocol):
    """The readiness part of a backend."""

    __slots__ = ()

    def create_poller(self, fd: int, /) -> Poller:
        """Return a poller for a non-blocking descriptor that stays open until ``Poller.close`` was called."""
        ...
