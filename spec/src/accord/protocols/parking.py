"""Parking: the one primitive on which everything that waits is built.

A task makes a parker, leaves it where others find it, and parks. Whoever has news calls ``unpark``. The whole value of
the primitive is one exact promise: **either** ``unpark`` returned True and ``park`` returns its value, **or** ``park``
raises and every ``unpark`` returned False. So a lock that hands itself over, or a stream that hands over an item, asks
``unpark`` and knows at once whether the waiter has it; nothing is ever lost or given twice.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Parker(Protocol[T]):
    """A place where one task waits once; made by the task that will wait."""

    __slots__ = ()

    async def park(self) -> T:
        """Wait for ``unpark`` and return its value; a checkpoint, except that news that came first wins (PARK-1 to 6).

        Raises the cancellation exception if the task is cancelled before it was unparked.
        """
        ...

    async def park_shielded(self) -> T:
        """Wait for ``unpark`` as ``park`` does, putting off every cancellation, also the host loop's own (PARK-7)."""
        ...

    def unpark(self, value: T, /) -> bool:
        """Wake the waiter with a value; True if it will get it, False if it was cancelled or woken before (PARK-2).

        To be called on the loop's thread, from a task or a callback. Synchronous, never runs the waiter's code.
        """
        ...


AnyParker = Parker[Any]
