"""Schedules on asyncio: its internals, and native tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

import accord
from accord.protocols import RunnableTask
from accord.testing import ScheduleError, explore


class InTurn:
    """A schedule that changes nothing, and notes the names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """See ``accord.protocols.Schedule``."""
        self.names.append(tasks[0].name)
        return 0


def test_another_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asyncio without what this stands on is refused in so many words."""
    monkeypatch.delattr(asyncio.BaseEventLoop, "_run_once")
    with pytest.raises(RuntimeError, match="does not know the event loop of this version of Python"):
        accord.run(asyncio.sleep, 0, backend="asyncio", backend_options={"schedule": InTurn()})


@pytest.mark.parametrize("task_class", [asyncio.Task, vars(asyncio.tasks)["_PyTask"]])
def test_native_tasks(task_class: type[asyncio.Task[None]]) -> None:
    """Native tasks take part, in C and in Python; a method of a task that is called as a callback is no step."""
    schedule = InTurn()
    called: list[bool] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = task_class(asyncio.sleep(1), loop=loop, name="native")
        victim = task_class(asyncio.sleep(100), loop=loop, name="victim")
        await asyncio.sleep(0.5)
        loop.call_soon(victim.cancel)
        loop.call_soon(lambda: called.append(victim.cancelling() == 1))
        await task
        assert victim.cancelled()

    accord.run(main, backend="asyncio", backend_options={"schedule": schedule})
    assert called == [True]
    assert schedule.names.count("native") >= 2
    assert "victim" in schedule.names


def test_race_of_native_tasks() -> None:
    """A race between native tasks is found."""

    async def test() -> None:
        order: list[int] = []

        async def add(number: int) -> None:
            await asyncio.sleep(0)
            order.append(number)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(add(1)), group.create_task(add(2))]
        assert len(tasks) == 2
        assert order == [1, 2]

    with pytest.raises(ScheduleError):
        explore(test, backend="asyncio", seed=1)


@pytest.mark.parametrize("options", [{"use_uvloop": True}, {"loop_factory": asyncio.new_event_loop}])
def test_other_loops(options: dict[str, object]) -> None:
    """A loop that is not accord's has no schedule."""
    with pytest.raises(ValueError, match="accord's own event loop"):
        accord.run(asyncio.sleep, 0, backend="asyncio", backend_options={"schedule": InTurn(), **options})
