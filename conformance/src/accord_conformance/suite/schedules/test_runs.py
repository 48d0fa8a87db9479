"""Schedules that end a run, runs that are the same again, and runs without a schedule."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import RunnableTask
from accord_conformance.helpers import PATIENCE, in_thread, rule

from .orders import Order, Run, last, names_of, run_by, two_writers


class Stop(BaseException):
    """What a schedule raises."""


@rule("SCHED-5")
@pytest.mark.parametrize("error", [Stop("enough"), ValueError("enough")])
def test_errors_end_the_run(run: Run, error: BaseException) -> None:
    """An error of the schedule ends the run at once, although every task is shielded."""
    seen: list[str] = []

    async def main() -> None:
        with accord.CancelScope(shield=True):
            await two_writers(seen, 100)

    def choose(tasks: Sequence[RunnableTask]) -> int:
        if len(seen) >= 7:
            raise error
        return 0

    with pytest.raises(type(error), match="enough") as caught:
        run_by(run, Order(choose), main, checkpoint_budget=1)
    assert caught.value is error
    assert len(seen) == 7


@rule("SCHED-6")
@pytest.mark.parametrize("seed", range(5))
def test_again(run: Run, seed: int) -> None:
    """The same choices lead to the same steps, with deadlines that meet and cancellations of many tasks."""

    async def main() -> list[str]:
        seen: list[str] = []
        lock = accord.Lock()

        async def worker(name: str) -> None:
            try:
                for _ in range(3):
                    async with lock:
                        seen.append(name)
                    await accord.sleep(1)
                await accord.sleep_forever()
            finally:
                seen.append(f"{name} ends")
                with accord.CancelScope(shield=True):
                    await checkpoint()
                seen.append(f"{name} ended")

        with accord.move_on_after(5):
            async with accord.create_task_group() as group:
                for number in range(6):
                    group.start_soon(worker, f"worker {number}", name=f"worker {number}")
        return seen

    def once() -> tuple[list[str], list[list[str]]]:
        random = Random(seed)
        order = Order(lambda tasks: random.randrange(len(tasks)))
        seen = run_by(run, order, main, checkpoint_budget=1)
        return seen, [names_of(tasks) for tasks in order.asked[1:]]

    first = once()
    assert len(first[0]) == 6 * 5
    for _ in range(5):
        assert once() == first


@rule("SCHED-7")
def test_later_runs(run: Run) -> None:
    """A run without a schedule is not asked about, also after one that ended with an error of the schedule."""
    order = Order()
    run_by(run, order, checkpoint)
    asked = len(order.asked)

    def fail(_: object) -> int:
        raise Stop

    with pytest.raises(Stop):
        run(checkpoint, schedule=Order(fail))
    for _ in range(3):
        seen: list[str] = []
        run(two_writers, seen)
        assert sorted(seen) == ["a0", "a1", "a2", "b0", "b1", "b2"]
    assert len(order.asked) == asked


@rule("SCHED-7")
def test_other_threads(run: Run) -> None:
    """Runs in other threads at the same time have their own order, or their own schedule."""
    turn = threading.Barrier(2)
    orders = {"with": Order(last), "without": None}
    seen: dict[str, list[str]] = {name: [] for name in orders}

    def meeting(name: str) -> Callable[[], Any]:
        async def main() -> None:
            turn.wait(PATIENCE)
            await two_writers(seen[name], 50)
            turn.wait(PATIENCE)

        return main

    def scheduled() -> None:
        run(meeting("with"), schedule=orders["with"], checkpoint_budget=1)

    def plain() -> None:
        run(meeting("without"))

    run_by(run, Order(), checkpoint)
    thread = threading.Thread(target=scheduled)
    thread.start()
    try:
        in_thread(plain)
    finally:
        thread.join(PATIENCE)
    assert seen["with"] == [f"b{number}" for number in range(50)] + [f"a{number}" for number in range(50)]
    assert sorted(seen["without"]) == sorted(seen["with"])
    assert seen["without"] != seen["with"]
