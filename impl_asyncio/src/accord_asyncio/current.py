"""The record of the running task, in one lookup.

It is an attribute of the task object. The way to the task object depends on the version: ``asyncio.current_task`` is
fast from Python 3.12 on. Before, it is Python code over a system call, so that there the loop last seen in the thread
is tried first in asyncio's table of running tasks: an entry is there only while that loop runs a task.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import TaskRecord

ATTRIBUTE = "_accord_record"


def _adopt(task: asyncio.Task[Any] | None) -> TaskRecord:
    from .records import adopt

    if task is None:
        raise RuntimeError("no task is running: this is a callback of the event loop, and the call needs a task")
    return adopt(task)


current_task: Callable[[], Any]
"""Return the running task or None; what is read of it may be an attribute of ours."""

if sys.version_info >= (3, 12):
    current_task = asyncio.current_task

else:
    from asyncio import tasks

    _current_tasks: dict[Any, asyncio.Task[Any]] = vars(tasks)["_current_tasks"]

    class _Seen(threading.local):
        loop: Any = None

    _seen = _Seen()

    def _current_task() -> asyncio.Task[Any] | None:
        task = _current_tasks.get(_seen.loop)
        if task is None:
            loop = _seen.loop = asyncio.get_running_loop()
            task = _current_tasks.get(loop)
        return task

    current_task = _current_task


def current_record() -> TaskRecord:
    """Return the record of the running task; ``RuntimeError`` in a callback."""
    task = current_task()
    try:
        record: TaskRecord = task._accord_record
    except AttributeError:
        return _adopt(task)
    return record


def name_of_current_task() -> str | None:
    """Return the name of the running task, or None in a callback."""
    return None if current_task() is None else current_record().name
