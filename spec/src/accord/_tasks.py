"""Task groups and questions about tasks, as portable functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ._backends import current_backend, here
from .protocols import TaskGroup, TaskInfo


def create_task_group(*, name: str | None = None) -> TaskGroup:
    """Return a new task group, to be entered with ``async with``.

    :param name: how its errors call it.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    return (here.backend or current_backend()).create_task_group(name)


def get_current_task() -> TaskInfo:
    """Return the running task; ``RuntimeError`` in a callback, where no task runs (TASK-40)."""
    return current_backend().current_task()


def get_running_tasks() -> Sequence[TaskInfo]:
    """Return the tasks of this loop, without those that the backend started for itself (TASK-42)."""
    return current_backend().running_tasks()


async def wait_all_tasks_blocked() -> None:
    """Wait until every other task waits for something; for tests (TIME-14).

    Raises ``NotImplementedError`` on a backend without the capability ``testing``.
    """
    backend = current_backend()
    testing = backend.testing
    if testing is None:
        raise NotImplementedError(f"backend {backend.name!r} does not have the capability 'testing'")
    await testing.wait_all_tasks_blocked()


class _IgnoredTaskStatus:
    __slots__ = ()

    def started(self, value: Any = None, /) -> None:
        """Do nothing, however often."""

    def __repr__(self) -> str:
        return "TASK_STATUS_IGNORED"


TASK_STATUS_IGNORED = _IgnoredTaskStatus()
"""What a function that reports readiness takes as default ``task_status`` when it is called directly (TASK-44)."""
