"""A loop in which somebody else decides which task takes the next step (run option ``schedule``).

asyncio keeps what is due in one queue: steps of tasks, which may come in any order, and callbacks, whose order is
promised. Before each turn the steps are taken out of it. The turn then carries out the callbacks, in their order, and
one step that the schedule has chosen.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from accord.protocols import RunnableTask, Schedule
from accord.toolkit.coroutines import close_by_force

from .loops import state_of
from .records import find
from .virtual import VirtualLoop

# The second is the same in Python, which debuggers put in the place of the first.
_TASKS: tuple[type[Any], ...] = (asyncio.Task, vars(asyncio.tasks).get("_PyTask", asyncio.Task))


def _task_of(handle: asyncio.Handle) -> Any:
    """Return the task that a callback is a step of; None for other callbacks, also for methods such as ``cancel``."""
    internals: Any = handle
    callback = internals._callback
    owner: Any = getattr(callback, "__self__", None)
    is_step = getattr(callback, "__name__", "step").endswith(("step", "wakeup"))
    return owner if is_step and issubclass(type(owner), _TASKS) else None


def _runnable(task: asyncio.Task[Any]) -> RunnableTask:
    record = find(task)
    coro: Any = task.get_coro()
    if record is None or record.group is None:
        return RunnableTask(task, task.get_name(), coro, None)
    return RunnableTask(task, record.name, record.coro, record if record.starter is None else None)


class ScheduledLoop(VirtualLoop):
    """An event loop with simulated time and with a schedule."""

    def __init__(self, schedule: Schedule, *args: Any) -> None:
        super().__init__(*args)
        self._schedule = schedule
        self._runnable: list[tuple[asyncio.Task[Any], asyncio.Handle]] = []
        self._error: BaseException | None = None
        internals: Any = self
        self._queue: deque[asyncio.Handle] = getattr(internals, "_ready", None)  # type: ignore[assignment]
        if not isinstance(self._queue, deque) or not hasattr(asyncio.BaseEventLoop, "_run_once"):
            self.close()
            raise RuntimeError("the option schedule does not know the event loop of this version of Python")

    def _run_once(self) -> None:
        # Other threads append to the queue at any time: what they add stays behind what is put back here.
        callbacks: list[asyncio.Handle] = []
        for _ in range(len(self._queue)):
            handle = self._queue.popleft()
            task = _task_of(handle)
            if task is None:
                callbacks.append(handle)
            else:
                self._runnable.append((task, handle))
        self._queue.extendleft(reversed(callbacks))
        if self._error is not None:
            raise self._error  # again, since asyncio turns once more to cancel what is left
        if self._runnable:
            self._queue.append(self._runnable.pop(self._chosen())[1])
        turn: Any = super()
        turn._run_once()

    def _chosen(self) -> int:
        if state_of(self).token.ending:
            return 0  # what goes on after the main task is asyncio's own
        try:
            return self._schedule.choose([_runnable(task) for task, _ in self._runnable])
        except BaseException as exc:
            self._error = exc
            raise

    def close(self) -> None:
        """See ``asyncio``; the tasks that a schedule has cut short, by an error, are closed and not reported."""
        task: Any
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False
            record = find(task)
            if record is not None:
                close_by_force(record.coro)
            close_by_force(task.get_coro())
        self._error = None
        super().close()
