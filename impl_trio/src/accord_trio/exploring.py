"""Letting somebody else decide which task takes the next step (run option ``schedule``).

Trio runs the runnable tasks in batches, one a turn, and leaves the order within a batch to its random generator. For
tests of schedulers there is a switch, which makes it sort the batch by the age of the tasks and then ask its generator
to shuffle. A run with a schedule sets the switch and stands in for the generator. It leaves one task of the user's in
the batch, which the schedule has chosen, and puts the others back to be in the next batch. Trio's own tasks, and
accord's among them, come first and in their order.

The switch and the generator belong to all runs of the process. Those of other threads, and without a schedule, are
served as usual.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, MutableSequence
from contextlib import contextmanager
from typing import Any

import trio

from accord.protocols import RunnableTask, Schedule
from accord.toolkit.coroutines import close_by_force

from .records import TaskRecord, known

Task = trio.lowlevel.Task

_SWITCH, _GENERATOR, _CONTEXT = "_ALLOW_DETERMINISTIC_SCHEDULING", "_r", "GLOBAL_RUN_CONTEXT"


def _internals() -> Any:
    internals = getattr(getattr(trio, "_core", None), "_run", None)
    if not all(hasattr(internals, name) for name in (_SWITCH, _GENERATOR, _CONTEXT)):
        raise RuntimeError(f"the option schedule does not know the scheduler of Trio {trio.__version__}")
    return internals


class _Dealer:
    """Deals the tasks of one run, batch by batch."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.runner: Any = None
        self.error: BaseException | None = None
        self.waiting: list[Task] = []
        # Whoever holds the handle of a task before it begins may cancel it (see ``groups``), as a schedule does.
        self.records: dict[Task, TaskRecord] = {}

    def deal(self, batch: MutableSequence[Task]) -> None:
        """Leave in ``batch``, which is worked off from its end, what runs in this turn."""
        self.runner = _internals().GLOBAL_RUN_CONTEXT.runner
        own = [task for task in batch if self.is_own(task)]
        tasks = [task for task in self.waiting if task in batch]
        tasks += [task for task in batch if task not in own and task not in tasks]
        batch[:] = reversed(own)
        if tasks:
            try:
                index = self.schedule.choose(list(self.described(tasks)))
            except BaseException as exc:
                self.error = exc
                raise
            chosen = tasks.pop(index)
            self.waiting = tasks
            self.runner.runq.extend(tasks)
            batch.insert(0, chosen)

    def is_own(self, task: Task) -> bool:
        """Whether a task is Trio's own, or one that accord started for itself beside the main task."""
        nursery = task.parent_nursery
        if nursery is None:
            return True
        return nursery.parent_task is self.runner.init_task and task is not self.runner.main_task

    def described(self, tasks: Iterable[Task]) -> Generator[RunnableTask, None, None]:
        """Say of tasks what the schedule may know."""
        for task in tasks:
            record = self.records.get(task) or known(task)
            coro: Any = task.coro
            if record is None or record.parent_id is None:
                yield RunnableTask(task, task.name, coro, None)
            else:
                self.records[task] = record
                yield RunnableTask(task, record.name, record.coro, record if record.starter is None else None)

    def close_tasks(self) -> None:
        """Close the tasks that were cut short by an error of the schedule, without reports about each."""
        for task in list(self.runner.tasks):
            record = known(task)
            if record is not None:
                close_by_force(record.coro)
            close_by_force(task.coro)
            nursery: Any
            for nursery in task.child_nurseries:
                nursery._children.clear()


class _Generator:
    """Stands in for Trio's random generator while there are runs with a schedule."""

    def __init__(self, usual: Any) -> None:
        self.usual = usual

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)

    def shuffle(self, batch: MutableSequence[Task]) -> None:
        """Put in order what Trio is about to run in this thread."""
        dealer = _dealers.get(threading.get_ident())
        if dealer is None:
            self.usual.shuffle(batch)
        else:
            dealer.deal(batch)


_lock = threading.Lock()
_dealers: dict[int, _Dealer] = {}
_before: list[tuple[bool, Any]] = []


@contextmanager
def scheduled(schedule: Schedule) -> Generator[None, None, None]:
    """Have the run of this thread follow a schedule; ``RuntimeError`` if this version of Trio can't.

    What the schedule raises leaves Trio as an internal error, and this block as it is.
    """
    internals = _internals()
    dealer = _Dealer(schedule)
    with _lock:
        if not _dealers:
            usual = getattr(internals, _GENERATOR)
            _before.append((getattr(internals, _SWITCH), usual))
            setattr(internals, _SWITCH, True)
            setattr(internals, _GENERATOR, _Generator(usual))
        _dealers[threading.get_ident()] = dealer
    try:
        yield
    except trio.TrioInternalError as exc:
        if dealer.error is None or exc.__cause__ is not dealer.error:
            raise
        dealer.close_tasks()
        raise dealer.error from None
    finally:
        dealer.error = None
        with _lock:
            del _dealers[threading.get_ident()]
            if not _dealers:
                switch, usual = _before.pop()
                setattr(internals, _SWITCH, switch)
                setattr(internals, _GENERATOR, usual)
