"""Synchronization between tasks of one loop, written once over parkers.

None of these is safe to share between threads. Each can be made outside a loop and used in one run after another, on
any backend, as long as nobody waits in it from an earlier run.

Here are those that most programs use. The others, ``barriers``, ``rates`` and ``rwlocks``, are imported when they are
asked for.
"""

from .conditions import Condition, ConditionStatistics
from .events import Event, EventStatistics
from .futures import Future, FutureStatus
from .guards import ResourceGuard
from .limiters import CapacityLimiter, CapacityLimiterStatistics
from .locks import Lock, LockStatistics
from .semaphores import Semaphore, SemaphoreStatistics

__all__ = [
    "CapacityLimiter",
    "CapacityLimiterStatistics",
    "Condition",
    "ConditionStatistics",
    "Event",
    "EventStatistics",
    "Future",
    "FutureStatus",
    "Lock",
    "LockStatistics",
    "ResourceGuard",
    "Semaphore",
    "SemaphoreStatistics",
]
