"""The exhaustive search."""

from __future__ import annotations

from itertools import permutations
from math import comb
from typing import Any

import pytest

import accord
from accord.protocols import Backend
from accord.testing import replay
from accord_conformance.helpers import rule

from .orders import Explorer, steps


@pytest.fixture
def exploring(backend: Backend, run_options: dict[str, Any]) -> Explorer:
    """``explore`` on the tested backend."""
    return Explorer(backend, run_options)


@rule("SCHED-16")
def test_each_order_once(exploring: Explorer) -> None:
    """Three tasks with one step each have six orders, of which each is seen; then the search is complete."""
    seen: list[str] = []

    async def test() -> None:
        order: list[str] = []
        async with accord.create_task_group() as group:
            for name in "abc":
                group.start_soon(steps, name, 1, order, name=name)
        seen.append("".join(order))

    result = exploring(test, exhaustive=True)
    assert result.complete
    assert result.schedules == len(seen)
    assert result.seed is None
    assert {word.replace("0", "") for word in seen} == {"".join(order) for order in permutations("abc")}


@rule("SCHED-16")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_number_of_schedules(exploring: Explorer, count: int) -> None:
    """Two tasks with n checkpoints each can be interleaved in (2n+2 over n+1) ways, and all of them are seen."""
    traces: set[tuple[str, ...]] = set()

    async def test() -> None:
        order: list[str] = []

        async def walk(name: str) -> None:
            await steps(name, count, order)
            order.append(f"{name} ends")

        async with accord.create_task_group() as group:
            for name in "ab":
                group.start_soon(walk, name, name=name)
        traces.add(tuple(order))

    result = exploring(test, exhaustive=True)
    assert result.complete
    assert len(traces) == comb(2 * count + 2, count + 1)
    assert result.schedules >= len(traces)


@rule("SCHED-16")
def test_bound(exploring: Explorer) -> None:
    """The search ends at the bound, and says that it is not complete; at the exact size it is."""
    runs: list[None] = []

    async def test() -> None:
        runs.append(None)
        async with accord.create_task_group() as group:
            group.start_soon(steps, "a", 1, list[str]())
            group.start_soon(steps, "b", 1, list[str]())

    result = exploring(test, exhaustive=True, max_schedules=4)
    assert (result.schedules, result.complete, len(runs)) == (4, False, 4)
    size = exploring(test, exhaustive=True).schedules
    assert exploring(test, exhaustive=True, max_schedules=size).complete
    assert not exploring(test, exhaustive=True, max_schedules=size - 1).complete


@rule("SCHED-16", "SCHED-10")
def test_finds(exploring: Explorer) -> None:
    """The one order of many that fails is found, and can be replayed."""

    async def test() -> None:
        order: list[str] = []
        async with accord.create_task_group() as group:
            for name in "ab":
                group.start_soon(steps, name, 3, order, name=name)
        assert order != ["b0", "a0", "a1", "b1", "b2", "a2"]

    error = exploring.fails(test, exhaustive=True)
    assert error.seed is None
    assert "seed=" not in str(error)
    with pytest.raises(AssertionError):
        exploring.call(replay, test, error.schedule)


@rule("SCHED-16")
def test_not_the_same_twice(exploring: Explorer) -> None:
    """A test that starts more tasks from run to run can't be searched, which is said."""
    runs: list[None] = []

    async def test() -> None:
        runs.append(None)
        async with accord.create_task_group() as group:
            for number in range(1 + len(runs)):
                group.start_soon(steps, str(number), 1, list[str]())

    with pytest.raises(RuntimeError, match="does not do the same twice"):
        exploring(test, exhaustive=True)
