"""Cancellations that ``explore`` injects."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import Backend, HandleStatus
from accord.testing import ScheduleError, replay
from accord_conformance.helpers import rule

from .orders import Explorer


@pytest.fixture
def exploring(backend: Backend, run_options: dict[str, Any]) -> Explorer:
    """``explore`` on the tested backend."""
    return Explorer(backend, run_options)


@rule("SCHED-14")
def test_one_task_is_cancelled(exploring: Explorer) -> None:
    """In some runs one task is cancelled, as its handle tells; the main task never is, and no other one ends."""
    seen: list[list[HandleStatus]] = []
    ends: set[str] = set()

    async def worker() -> None:
        try:
            await checkpoint()
            await accord.sleep(1)
        except accord.get_cancelled_exc_class():
            ends.add("after the begin")
            raise

    async def test() -> None:
        async with accord.create_task_group() as group:
            handles = [group.start_soon(worker) for _ in range(3)]
            for handle in handles:
                await handle.wait()
        seen.append([handle.status for handle in handles])

    result = exploring(test, seed=1, schedules=80, inject_cancellation=True)
    cancelled = [statuses.count(HandleStatus.CANCELLED) for statuses in seen]
    assert set(cancelled) == {0, 1}
    assert sum(cancelled) <= result.cancelled < result.schedules
    assert result.cancelled >= 20
    victims = {statuses.index(HandleStatus.CANCELLED) for statuses in seen if HandleStatus.CANCELLED in statuses}
    assert victims == {0, 1, 2}
    assert ends


@rule("SCHED-14")
def test_where_it_strikes(exploring: Explorer) -> None:
    """A task is cancelled at each of its checkpoints in one run or another."""
    places: set[int] = set()

    async def worker() -> None:
        for place in range(5):
            try:
                await checkpoint()
            except accord.get_cancelled_exc_class():
                places.add(place)
                raise

    async def test() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(worker)

    exploring(test, seed=1, schedules=150, inject_cancellation=True)
    assert places == set(range(5))


@rule("SCHED-14")
def test_not_asked_for(exploring: Explorer) -> None:
    """Without the option nothing is cancelled."""

    async def test() -> None:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep, 1)
        assert handle.status is HandleStatus.FINISHED

    assert exploring(test, seed=1, schedules=60).cancelled == 0


@rule("SCHED-14")
def test_by_name(exploring: Explorer) -> None:
    """A function of the name says who may be cancelled."""
    cancelled: set[str] = set()

    async def worker(name: str) -> None:
        try:
            await accord.sleep(1)
        except accord.get_cancelled_exc_class():
            cancelled.add(name)
            raise

    async def test() -> None:
        async with accord.create_task_group() as group:
            for name in ("one", "two", "three"):
                group.start_soon(worker, name, name=name)

    def is_two(name: str) -> bool:
        return name == "two"

    exploring(test, seed=1, schedules=60, inject_cancellation=is_two)
    assert cancelled == {"two"}


class Permits:
    """A permit that is lost if its holder is cancelled."""

    def __init__(self) -> None:
        self.free = 2

    async def use(self) -> None:
        """Take one, and give it back."""
        self.free -= 1
        await accord.sleep(1)
        self.free += 1


async def lose_a_permit() -> None:
    """Fails if a task is cancelled while it sleeps."""
    permits = Permits()
    async with accord.create_task_group() as group:
        group.start_soon(permits.use)
        group.start_soon(permits.use)
    assert permits.free == 2, f"{permits.free} permits are left"


@rule("SCHED-14", "SCHED-10")
def test_report(exploring: Explorer) -> None:
    """The error tells who was cancelled, and where; its schedule cancels it again, at the same place."""
    exploring(lose_a_permit, seed=1)
    error = exploring.fails(lose_a_permit, seed=1, inject_cancellation=True)
    assert "1 permits are left" in str(error).partition("\n")[0]
    assert "inject_cancellation=True" in str(error)
    [line] = [line for line in error.trace.splitlines() if "is cancelled here" in line]
    assert line.split()[:2] in (["x", "use"], ["x", "use#2"])
    assert "test_injecting.py" in line
    assert error.schedule.startswith("c")
    with pytest.raises(ScheduleError) as caught:
        exploring.call(replay, lose_a_permit, error.schedule)
    assert caught.value.trace == error.trace
    again = exploring.fails(lose_a_permit, seed=error.seed, schedules=1, inject_cancellation=True)
    assert again.trace == error.trace


@rule("SCHED-14", "SCHED-16")
def test_exhaustively(exploring: Explorer) -> None:
    """An exhaustive search cancels at every place, and tries what comes without."""
    ends: dict[str, int] = {}

    async def worker() -> None:
        end = "new"
        try:
            end = "first"
            await checkpoint()
            end = "second"
            await checkpoint()
            end = "none"
        finally:
            ends[end] = ends.get(end, 0) + 1

    async def test() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(worker)

    result = exploring(test, exhaustive=True, inject_cancellation=True)
    assert result.complete
    assert set(ends) == {"first", "second", "none"}
    assert result.cancelled < result.schedules
