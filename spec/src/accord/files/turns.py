"""What operations on one file have in common: they take turns, and closing happens whatever else does.

A file object has one position, and most are not safe between threads. So of the operations on one file that several
tasks begin, one is in a thread at a time, and the others wait in the order in which they came (FILE-4).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .._backends import current_backend, here
from .._scopes import CancelScope
from ..protocols.parking import AnyParker
from ..sync import CapacityLimiter
from ..to_thread import run_sync


class Turns:
    """Whose turn it is. ``taken`` is set by who finds it false; the others wait, and it is handed to the first."""

    __slots__ = ("_waiting", "taken")

    def __init__(self) -> None:
        self.taken = False
        self._waiting: deque[AnyParker] = deque()

    async def wait(self, *, shielded: bool = False) -> None:
        """Wait for a turn that another task has; ``shielded`` puts off every cancellation."""
        parker = (here.backend or current_backend()).create_parker()
        self._waiting.append(parker)
        try:
            await (parker.park_shielded() if shielded else parker.park())
        except BaseException:
            if parker in self._waiting:
                self._waiting.remove(parker)
            raise

    def give(self) -> None:
        """End a turn; the next one begins."""
        while self._waiting:
            if self._waiting.popleft().unpark(None):
                return
        self.taken = False


async def run_surely(func: Callable[[], object], limiter: CapacityLimiter | None) -> None:
    """Call ``func`` in a thread, also if the task is cancelled; a cancellation is raised afterwards.

    If no thread is to be had, because none can be started or the host's own cancellation comes while it waits for a
    token, ``func`` is called here: what has to be released is released.
    """
    begun = False

    def call() -> None:
        nonlocal begun
        begun = True
        func()

    try:
        with CancelScope(shield=True):
            await run_sync(call, limiter=limiter)
    except BaseException as exc:
        if begun:
            raise
        func()
        if not isinstance(exc, Exception):
            raise
    await (here.backend or current_backend()).checkpoint_if_cancelled()
