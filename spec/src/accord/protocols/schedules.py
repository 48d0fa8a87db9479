"""Schedules: who decides which runnable task takes the next step (run option ``schedule``, capability ``testing``)."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

from .tasks import TaskHandle


class RunnableTask(NamedTuple):
    """A task that could take a step now."""

    key: object
    """An object that stands for the task, the same at each of its steps; compared by identity."""
    name: str
    """The task's name as it is now; that of a root task may be another at its first step."""
    coro: Coroutine[Any, Any, Any]
    """What the task runs: its place can be read from it, and nothing may be done to it."""
    handle: TaskHandle[Any] | None
    """The handle of a task of a group of accord; None for others, and as long as ``start()`` waits for the task."""


class Schedule(Protocol):
    """Chooses the order in which the tasks of one run take their steps (SCHED-1 to SCHED-7)."""

    __slots__ = ()

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """Return the index of the task that takes the next step; it may cancel tasks through their handles.

        Called before each step of a task, outside of tasks. What it raises ends the run at once, with nothing cleaned
        up, and comes out of ``run``.

        :param tasks: those that are runnable, at least one, the one that has been so for longest first.
        """
        ...
