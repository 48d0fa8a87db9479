"""Deadlocks under virtual time: when it is certain that no task will ever run again (VCLOCK-11).

The loop knows its deadlines, descriptors and holds. Beyond them only a signal handler or a thread could wake a task. A
thread that was started during the run has a reason to be there, so it is waited for. Of one that was there before, say
that of a test runner, nobody knows; it is given a moment.
"""

from __future__ import annotations

import sys
import threading
from math import inf
from time import monotonic
from typing import Any, Self
from weakref import WeakSet

PATIENCE = 1.0
"""Seconds that threads from before the run are given."""
_INTERVAL = 0.02
"""Seconds between two looks at the threads of the run."""

OWN_THREADS = {"accord worker thread", "accord reaper", "accord watches the loop"}
"""Threads of accord that wake no task: one that works for a task holds the clock."""


class DeadlockError(RuntimeError):
    """Every task of a run under virtual time waits, and nothing can wake one of them."""

    @classmethod
    def here(cls) -> Self:
        """Return an error that shows what the tasks of the running loop wait for."""
        from ..debug.task_tree import format_task_tree

        return cls(f"deadlock: every task waits, and nothing can wake one of them\n{format_task_tree()}")


class Suspicion:
    """What is known about the threads of the process since the begin of a run."""

    __slots__ = ("_before", "_since")

    def __init__(self) -> None:
        self._before = WeakSet(threading.enumerate())
        self._since: float | None = None

    def clear(self) -> None:
        """Forget what was suspected: something has happened."""
        self._since = None

    def pause(self) -> float:
        """Return after how many seconds to look again; 0 if it is a deadlock, ``inf`` if a signal may come."""
        signals: Any = sys.modules.get("accord.signals")
        if signals is not None and signals.is_receiving():
            self._since = None
            return inf
        own = threading.get_ident()
        others = [thread for thread in threading.enumerate() if thread.ident != own and thread.name not in OWN_THREADS]
        if any(thread not in self._before for thread in others):
            self._since = None
            return _INTERVAL
        if not others:
            return 0.0
        now = monotonic()
        if self._since is None:
            self._since = now
        return max(0.0, PATIENCE - (now - self._since))
