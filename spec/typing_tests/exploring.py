"""What type checkers infer for schedules and ``explore``; checked, never run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

import accord
from accord.protocols import RunnableTask, Schedule
from accord.testing import ExploreResult, ScheduleError, explore, replay


class Last:
    """A schedule."""

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        return len(tasks) - 1


schedule: Schedule = Last()
no_schedule: Schedule = object()  # type: ignore[assignment]


async def check(number: int, text: str) -> None:
    pass


def calls() -> None:
    result = explore(check, 1, "two", backend="trio", schedules=10, seed=1)
    assert_type(result, ExploreResult)
    assert_type(result.seed, int | None)
    assert_type(result.complete, bool)
    explore(check, 1, "two", inject_cancellation=lambda name: name.startswith("worker"))
    explore(check, 1, "two", exhaustive=True, max_schedules=5)
    explore(check, 1)  # type: ignore[arg-type]
    explore(check, "one", "two")  # type: ignore[arg-type]
    explore(len, "text")  # type: ignore[arg-type]
    replay(check, "1.2", 1, "two")
    replay(check, 1, 1, "two")  # type: ignore[arg-type]
    accord.run(check, 1, "two", backend_options={"schedule": schedule})


def attributes(error: ScheduleError, task: RunnableTask) -> None:
    assert_type(error.seed, int | None)
    assert_type(error.schedule, str)
    assert_type(error.trace, str)
    assert_type(task.name, str)
