"""What ``explore`` finds, how it tells of it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import Backend
from accord.testing import explore, replay
from accord_conformance.helpers import leaves, rule

from .orders import Explorer, Overdrawn, race, steps


@pytest.fixture
def exploring(backend: Backend, run_options: dict[str, Any]) -> Explorer:
    """``explore`` on the tested backend."""
    return Explorer(backend, run_options)


async def lock_in_two_orders() -> None:
    """Two tasks, two locks."""
    locks = accord.Lock(), accord.Lock()

    async def take(first: accord.Lock, second: accord.Lock) -> None:
        async with first:
            await second.acquire()
            second.release()

    async with accord.create_task_group() as group:
        group.start_soon(take, locks[0], locks[1])
        group.start_soon(take, locks[1], locks[0])


@rule("SCHED-11")
def test_deadlock(exploring: Explorer) -> None:
    """A deadlock is found, with the places where the tasks wait."""
    error = exploring.fails(lock_in_two_orders, seed=1)
    assert "deadlock" in str(error).partition("\n")[0]
    waiting = str(error).rpartition("they wait:")[2].splitlines()[1:]
    assert len(waiting) == 3
    assert sum("await second.acquire()" in line for line in waiting) == 2
    assert sum("async with accord.create_task_group() as group:" in line for line in waiting) == 1
    assert error.__cause__ is None


@rule("SCHED-11")
def test_shielded_deadlock(exploring: Explorer) -> None:
    """Tasks that wait for ever behind a shield, where nothing can cancel them, are no obstacle."""

    async def test() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(wait_behind_a_shield)

    async def wait_behind_a_shield() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.Event().wait()

    error = exploring.fails(test, seed=1)
    assert "deadlock" in str(error).partition("\n")[0]
    assert "await accord.sleep_forever()" in str(error)


@rule("SCHED-11")
def test_long_sleep(exploring: Explorer) -> None:
    """A task that sleeps for a thousand hours is no deadlock."""

    async def test() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 3_600_000)
            group.start_soon(accord.sleep, 1)

    exploring(test, schedules=3)


@rule("SCHED-12")
@pytest.mark.parametrize("stubborn", [False, True])
def test_no_end(exploring: Explorer, stubborn: bool) -> None:
    """A loop without an end is one after some steps, also if it does not listen to cancellations."""

    async def test() -> None:
        with accord.CancelScope(shield=stubborn):
            while True:
                await checkpoint()

    error = exploring.fails(test, seed=1, max_steps=300)
    assert "no end after 300 steps" in str(error).partition("\n")[0]


@rule("SCHED-12")
def test_fairness(exploring: Explorer) -> None:
    """A task that asks again and again lets the other one answer, in every schedule."""

    async def test() -> None:
        answers: list[int] = []

        async def answer() -> None:
            await checkpoint()
            answers.append(42)

        async with accord.create_task_group() as group:
            group.start_soon(answer)
            while not answers:
                await checkpoint()

    exploring(test, seed=1, schedules=150, max_steps=1000)


@rule("SCHED-13")
def test_shorter(exploring: Explorer) -> None:
    """Of many exchanges the two are left that the failure needs."""

    async def test() -> None:
        order: list[str] = []
        async with accord.create_task_group() as group:
            for name in "abcd":
                group.start_soon(steps, name, 4, order, name=name)
        assert order.index("d3") > order.index("b0") or order.index("a1") < order.index("d3")

    error = exploring.fails(test, seed=1, schedules=300)
    # d takes its four steps before b begins and before a takes its second: at least one move for each.
    moves = error.schedule.split("-")
    assert len(moves) <= 6, error
    assert error.trace.count("  > ") == len(moves)
    assert f"{len(moves)} moves" in str(error)
    for left_out in range(len(moves)):
        rest = "-".join(moves[:left_out] + moves[left_out + 1 :])
        exploring.call(replay, test, rest or "arrival")


@rule("SCHED-13")
def test_nothing_to_shorten(exploring: Explorer) -> None:
    """What fails in the order of arrival is told in that order, whatever schedule found it."""

    async def test() -> None:
        await race(set())
        raise Overdrawn("always")

    for seed in range(4):
        assert exploring.fails(test, seed=seed).schedule == "arrival"


@rule("SCHED-15")
def test_operations_yield(exploring: Explorer) -> None:
    """Others come between two operations that need not wait, unless the budget is given."""
    between: list[bool] = []

    async def test() -> None:
        order: list[str] = []

        async def lock_twice() -> None:
            for number in range(2):
                async with accord.Lock():
                    order.append(f"lock{number}")

        async with accord.create_task_group() as group:
            group.start_soon(lock_twice)
            group.start_soon(steps, "x", 1, order)
        between.append(order == ["lock0", "x0", "lock1"])

    exploring(test, seed=1, schedules=150)
    assert any(between)


@rule("SCHED-15")
def test_budget(backend: Backend, run_options: dict[str, Any]) -> None:
    """A budget that is given takes the place of that."""
    orders: set[tuple[str, ...]] = set()

    async def test() -> None:
        order: list[str] = []

        async def lock(name: str) -> None:
            for _ in range(5):
                async with accord.Lock():
                    order.append(name)

        async with accord.create_task_group() as group:
            group.start_soon(lock, "a")
            group.start_soon(lock, "b")
        orders.add(tuple(order))

    Explorer(backend, {**run_options, "checkpoint_budget": 1000})(test, seed=1, schedules=30)
    assert orders == {("a",) * 5 + ("b",) * 5, ("b",) * 5 + ("a",) * 5}


class Skipped(BaseException):
    """How a test framework skips a test."""


@rule("SCHED-17")
@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, Skipped])
@pytest.mark.parametrize("in_group", [False, True])
def test_no_failure(exploring: Explorer, kind: type[BaseException], in_group: bool) -> None:
    """What is no failure ends the search and comes out."""

    async def leave() -> None:
        raise kind("not here")

    async def test() -> None:
        if in_group:
            async with accord.create_task_group() as group:
                group.start_soon(leave)
        await leave()

    with pytest.raises((kind, BaseExceptionGroup)) as caught:
        exploring(test, schedules=5)
    assert [type(leaf) for leaf in leaves(caught.value)] == [kind]


@rule("SCHED-17")
def test_interrupt_while_a_schedule_is_made_shorter(exploring: Explorer) -> None:
    """An interrupt ends the search at any time."""
    runs: list[None] = []

    async def test() -> None:
        await race(set())
        runs.append(None)
        if len(runs) == 2:
            raise KeyboardInterrupt
        raise Overdrawn("always")

    with pytest.raises(KeyboardInterrupt):
        exploring(test, seed=1)
    assert len(runs) == 2


@rule("SCHED-17")
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"schedules": 0}, ValueError),
        ({"schedules": "many"}, TypeError),
        ({"seed": "1"}, TypeError),
        ({"seed": True}, TypeError),
        ({"max_steps": -1}, ValueError),
        ({"inject_cancellation": "worker"}, TypeError),
        ({"exhaustive": True, "seed": 1}, ValueError),
        ({"exhaustive": True, "max_schedules": 0}, ValueError),
    ],
)
def test_wrong_arguments(exploring: Explorer, options: dict[str, Any], error: type[Exception]) -> None:
    """Arguments are checked before anything runs, and named."""
    runs: list[None] = []

    async def test() -> None:
        runs.append(None)

    with pytest.raises(error, match=next(name for name in (*options, "seed") if name != "exhaustive")):
        exploring(test, **options)
    assert not runs


@rule("SCHED-17")
def test_no_test(exploring: Explorer) -> None:
    """What is no async function is refused, and options of the backend are its own affair."""
    exploring(checkpoint, schedules=1)
    wrong: Any = None
    with pytest.raises(TypeError, match="async function"):
        exploring(wrong)
    wrong = len
    with pytest.raises(TypeError, match=r"builtins\.len is no async function"):
        exploring(wrong, "text")
    for text in ("", "12", "1.2-x", "c.1", "12.3c"):
        with pytest.raises(ValueError, match="is no schedule"):
            exploring.call(replay, checkpoint, text)


@rule("SCHED-17")
async def test_inside_a_loop() -> None:
    """Inside of a loop it is refused."""
    with pytest.raises(RuntimeError, match="a loop of backend"):
        explore(checkpoint, schedules=1)
