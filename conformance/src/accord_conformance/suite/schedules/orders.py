"""What the tests of schedules share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest

import accord
from accord.protocols import Backend, RunnableTask
from accord.testing import ExploreResult, ScheduleError, explore
from accord_conformance.helpers import untestable

Run = Callable[..., Any]
Test = Callable[..., Awaitable[object]]


class Order:
    """A schedule that notes what it was asked, and chooses by a function; by default in the order of arrival."""

    def __init__(self, choose: Callable[[Sequence[RunnableTask]], int] = lambda _: 0) -> None:
        self._choose = choose
        self.asked: list[list[RunnableTask]] = []
        self.chosen: list[RunnableTask] = []

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """See ``accord.protocols.Schedule``."""
        self.asked.append(list(tasks))
        index = self._choose(tasks)
        self.chosen.append(tasks[index])
        return index

    def names(self) -> list[str]:
        """The names of the tasks in the order of their steps."""
        return [task.name for task in self.chosen]


def last(tasks: Sequence[RunnableTask]) -> int:
    """Choose the task that became runnable last."""
    return len(tasks) - 1


def run_by(run: Run, schedule: Order, main: Test, *, ignored: str = "is ignored", **options: object) -> Any:
    """Run ``main`` by a schedule, where the backend and its variant have the option.

    :param ignored: why the test ends as untestable if the option is taken and has no effect; empty if it goes on.
    """
    begun: list[None] = []

    async def noted() -> Any:
        begun.append(None)
        if ignored and not schedule.asked:
            untestable(f"no schedules: the option {ignored}")
        return await main()

    try:
        return run(noted, schedule=schedule, **options)
    except (TypeError, ValueError) as error:
        if begun or not any(name in str(error) for name in ("'schedule'", "needs accord's own event loop")):
            raise
        untestable(f"no schedules: {error}")


class Explorer:
    """``explore`` on the tested backend, where that can be done."""

    def __init__(self, backend: Backend, run_options: Mapping[str, object]) -> None:
        self._where: dict[str, Any] = {"backend": backend, "backend_options": run_options}

    def __call__(self, test: Test, *args: Any, **options: Any) -> ExploreResult:
        """Explore a test."""
        result: ExploreResult = self.call(explore, test, *args, **options)
        return result

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Call ``explore`` or ``replay``."""
        try:
            return function(*args, **self._where, **options)
        except (TypeError, ValueError, RuntimeError) as error:
            if not any(
                text in str(error) for text in ("'schedule'", "needs accord's own event loop", "does not follow it")
            ):
                raise
            untestable(f"no schedules: {error}")

    def fails(self, test: Test, *args: Any, **options: Any) -> ScheduleError:
        """Explore a test, which has to fail."""
        with pytest.raises(ScheduleError) as caught:
            self(test, *args, **options)
        return caught.value


async def steps(name: str, count: int, seen: list[str]) -> None:
    """Take some steps, and note each."""
    for number in range(count):
        seen.append(f"{name}{number}")
        await accord.lowlevel.checkpoint()


async def race(seen: set[tuple[str, ...]]) -> None:
    """Three tasks with one step each."""
    order: list[str] = []
    async with accord.create_task_group() as group:
        for name in "abc":
            group.start_soon(steps, name, 1, order, name=name)
    seen.add(tuple(order))


class Overdrawn(Exception):
    """The error that is looked for."""


def names_of(tasks: Sequence[RunnableTask]) -> list[str]:
    """The names of tasks."""
    return [task.name for task in tasks]


async def two_writers(seen: list[str], count: int = 3) -> None:
    """Two tasks that take some steps each."""
    async with accord.create_task_group() as group:
        group.start_soon(steps, "a", count, seen, name="a")
        group.start_soon(steps, "b", count, seen, name="b")
