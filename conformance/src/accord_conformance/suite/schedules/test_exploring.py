"""``explore`` and ``replay``."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord.protocols import Backend
from accord.testing import ScheduleError, replay
from accord_conformance.helpers import rule

from .orders import Explorer, Overdrawn, race, steps


@pytest.fixture
def exploring(backend: Backend, run_options: dict[str, Any]) -> Explorer:
    """``explore`` on the tested backend."""
    return Explorer(backend, run_options)


@rule("SCHED-8")
def test_all_orders_come_up(exploring: Explorer) -> None:
    """Three tasks are seen in each of their six orders, in as many runs as were asked for."""
    seen: set[tuple[str, ...]] = set()
    runs: list[None] = []

    async def test() -> None:
        runs.append(None)
        await race(seen)

    result = exploring(test, schedules=80, seed=1)
    assert result.schedules == len(runs) == 80
    assert len(seen) == 6
    assert result.seed == 1
    assert result.cancelled == 0
    assert not result.complete
    assert result.steps >= 80 * 4


@rule("SCHED-8")
def test_one_is_left_behind(exploring: Explorer) -> None:
    """Some schedule keeps a task from its first step until others have taken twenty."""
    most = 0

    async def test() -> None:
        nonlocal most
        order: list[str] = []
        async with accord.create_task_group() as group:
            for name in "abc":
                group.start_soon(steps, name, 10, order, name=name)
        most = max(most, order.index("c0"), order.index("a0"), order.index("b0"))

    exploring(test, schedules=60, seed=3)
    assert most == 20


@rule("SCHED-8")
def test_arguments_and_runs_of_their_own(exploring: Explorer) -> None:
    """The arguments are passed on; each run has its own clock."""
    begins: list[float] = []

    async def test(first: int, second: str) -> None:
        assert (first, second) == (1, "two")
        begins.append(accord.current_time())
        await accord.sleep(7)

    exploring(test, 1, "two", schedules=5)
    assert len(begins) == 5
    assert len(set(begins)) == 1


class Account:
    """What two tasks take from, one after the other if they are lucky."""

    def __init__(self) -> None:
        self.balance = 100

    async def withdraw(self, amount: int) -> None:
        """Look, go away, and take what may be gone."""
        if self.balance >= amount:
            await accord.Lock().acquire()
            self.balance -= amount


async def overdraw() -> None:
    """Fails if two tasks look before one has taken."""
    account = Account()
    async with accord.create_task_group() as group:
        for _ in range(6):
            group.start_soon(account.withdraw, 20)
    if account.balance < 0:
        raise Overdrawn(f"the balance is {account.balance}")


@rule("SCHED-9")
def test_seed(exploring: Explorer) -> None:
    """The same seed gives the same error, word by word; another one another."""
    first, second = exploring.fails(overdraw, seed=11), exploring.fails(overdraw, seed=11)
    assert str(first) == str(second)
    assert first.schedule == second.schedule
    assert first.trace == second.trace
    seeds = {exploring.fails(overdraw, seed=seed).seed for seed in range(5)}
    assert len(seeds) == 5


@rule("SCHED-9")
def test_same_orders(exploring: Explorer) -> None:
    """The same seed runs through the same orders, also if no run fails."""

    def orders(seed: int) -> list[list[str]]:
        found: list[list[str]] = []

        async def test() -> None:
            order: list[str] = []
            found.append(order)
            async with accord.create_task_group() as group:
                for name in "abcd":
                    group.start_soon(steps, name, 3, order, name=name)

        exploring(test, seed=seed, schedules=10)
        return found

    assert orders(5) == orders(5)
    assert orders(5) != orders(6)


@rule("SCHED-9")
def test_one_schedule_alone(exploring: Explorer) -> None:
    """The seed of the error runs the failing schedule and no other."""
    runs: list[int] = []

    async def fails_late() -> None:
        order: list[str] = []
        runs.append(1)
        async with accord.create_task_group() as group:
            for name in "abc":
                group.start_soon(steps, name, 2, order, name=name)
        assert order != ["c0", "a0", "b0", "a1", "b1", "c1"]
        assert order[:2] != ["c0", "c1"]

    error = exploring.fails(fails_late, seed=2, schedules=300)
    again = exploring.fails(fails_late, seed=error.seed, schedules=1)
    assert again.trace == error.trace
    assert again.schedule == error.schedule
    assert again.seed == error.seed
    assert "schedule 1 of 1 " in str(again)


@rule("SCHED-9")
def test_seed_of_its_own(exploring: Explorer) -> None:
    """Without a seed a new one is drawn each time."""
    assert len({exploring(checkpoint, schedules=1).seed for _ in range(4)}) > 1


@rule("SCHED-10")
def test_error(exploring: Explorer) -> None:
    """The error tells what happened, how to run it again, and who went on where."""
    error = exploring.fails(overdraw, seed=4)
    assert isinstance(error, AssertionError)
    assert isinstance(error.__cause__, Overdrawn)
    text = str(error)
    for part in ("overdraw", "Overdrawn: the balance is -20", f"seed={error.seed}", f'"{error.schedule}"', error.trace):
        assert part in text, part
    lines, begin = inspect.getsourcelines(Account.withdraw)
    acquires = begin + next(number for number, line in enumerate(lines) if "acquire" in line)
    assert f"test_exploring.py:{acquires}" in error.trace
    assert "await accord.Lock().acquire()" in error.trace
    assert "begins withdraw()" in error.trace
    assert "withdraw#2" in error.trace
    for hidden in ("locks.py", "attempts.py", "parking.py", "model.py"):
        assert hidden not in error.trace


@rule("SCHED-10")
def test_replay(exploring: Explorer) -> None:
    """The schedule of the error runs it again, as often as one likes."""
    error = exploring.fails(overdraw, seed=8)
    for _ in range(3):
        with pytest.raises(ScheduleError) as caught:
            exploring.call(replay, overdraw, error.schedule)
        assert caught.value.trace == error.trace
        assert isinstance(caught.value.__cause__, Overdrawn)


@rule("SCHED-10")
def test_replay_that_does_not_fail(exploring: Explorer) -> None:
    """A replay of a test that passes returns; moves that are not possible are left out."""
    exploring.call(replay, checkpoint, "arrival")
    exploring.call(replay, checkpoint, "1.7-c2.3-500.1")


@rule("SCHED-10")
def test_failure_that_does_not_recur(exploring: Explorer) -> None:
    """A failure that a second run by the same schedule does not have is told, and that it is of this kind."""
    runs: list[None] = []

    async def test() -> None:
        await race(set())
        runs.append(None)
        if len(runs) == 3:
            raise Overdrawn("once")

    error = exploring.fails(test, seed=1)
    assert "Overdrawn: once" in str(error)
    assert "did not fail" in str(error)
    assert len(runs) == 4


@rule("SCHED-10")
def test_error_in_a_callback(exploring: Explorer) -> None:
    """Where an error of a callback ends the run, the test has failed, although it has raised nothing itself."""

    async def test() -> None:
        current_token().call_soon(fail)
        await accord.sleep(1)
        raise Overdrawn("a loop that has only reported it goes on")

    def fail() -> None:
        raise Overdrawn("in a callback")

    assert exploring.fails(test, seed=1).__cause__ is not None


@rule("SCHED-10")
def test_error_in_a_group(exploring: Explorer) -> None:
    """An error of a child task is shown as such, not as a group."""

    async def test() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(fail)

    async def fail() -> None:
        raise Overdrawn("in a child")

    error = exploring.fails(test, seed=1)
    assert "Overdrawn: in a child" in str(error).partition("\n")[0]
    assert isinstance(error.__cause__, ExceptionGroup)
