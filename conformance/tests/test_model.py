"""The model is a backend, keeps the rules, stays small, and can be seen under many schedules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import protocols
from accord.lowlevel import checkpoint
from accord.protocols import Backend, CancelScope, HandleStatus, LoopToken, Parker, TaskGroup, TaskHandle, TaskInfo
from accord_conformance import model
from accord_conformance.__main__ import main
from accord_conformance.rules import load_rules

MAX_LINES = 500

# What the type checkers compare with the Protocols.
BACKEND: Backend = model.backend
TESTING: protocols.Testing = model.backend.testing
SCOPE: type[CancelScope] = model._Scope
GROUP: type[TaskGroup] = model._Group
HANDLE: type[TaskHandle[Any]] = model._Task
INFO: type[TaskInfo] = model._Task
PARKER: type[Parker[Any]] = model._Parker


def token(loop: model._Loop) -> LoopToken:
    """Return a loop, which is a token too."""
    return loop


def run(program: Callable[..., Any], **options: object) -> Any:
    """Run a program on the model."""
    return accord.run(program, backend=model.backend, backend_options=options)


SCHEDULED = ("CANCEL", "CKPT", "PARK", "TASK")
"""The areas of which the order of tasks is most likely to break something."""


LONGEST = {
    "streams": ["STREAM", "TLS"],
    "files": ["ERR", "FILE", "HTTP", "INT", "PATH"],
    "testing": ["DEBUG", "HELP", "PLUGIN", "RUNNER", "SCHED", "VCLOCK"],
}
"""The areas that take longest, in tests of their own, so that these can be shared among processes."""

REST = sorted(load_rules().titles.keys() - {area for areas in LONGEST.values() for area in areas})


@pytest.mark.parametrize(
    ("variant", "areas"),
    [("plain", REST), *(("plain", areas) for areas in LONGEST.values()), ("shuffled", SCHEDULED)],
    ids=["plain", *LONGEST, "shuffled"],
)
def test_conformance(variant: str, areas: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The model keeps the rules, in order of arrival and in other orders."""
    options = ["--variant", variant] if variant != "plain" else []
    status = main(["run", "accord_conformance.model:backend", *options, *(f"--area={area}" for area in areas)])
    assert status == 0, capsys.readouterr().out
    assert "CONFORMANT" in capsys.readouterr().out


def test_size() -> None:
    """The model is small enough to be read."""
    assert len(Path(model.__file__).read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_frozen_clock() -> None:
    """The frozen clock moves to deadlines, exactly, and nowhere else."""

    async def program() -> None:
        assert token(model._here.loop) is accord.lowlevel.current_token()
        start = accord.current_time()
        for _ in range(100):
            await checkpoint()
        assert accord.current_time() == start
        await accord.sleep(1e6)
        assert accord.current_time() == start + 1e6

    run(program, frozen=True)


def order_of_tasks(**options: object) -> list[int]:
    """Return in which order tasks go on that were made runnable together."""
    order: list[int] = []

    async def child(number: int) -> None:
        await checkpoint()
        order.append(number)

    async def program() -> None:
        async with accord.create_task_group() as group:
            for number in range(4):
                group.start_soon(child, number)

    run(program, **options)
    return order


def test_seeds() -> None:
    """Without a seed tasks run in order of arrival; a seed stands for one order, and seeds for all."""
    assert order_of_tasks() == [0, 1, 2, 3]
    assert order_of_tasks(seed=5) == order_of_tasks(seed=5)
    assert len({tuple(order_of_tasks(seed=seed)) for seed in range(300)}) == 24


def test_rounds() -> None:
    """Every schedule lets each runnable task take one step a round, so that none falls behind another (CKPT-1)."""
    steps: set[int] = set()

    async def child() -> None:
        for _ in range(3):
            await checkpoint()

    async def program() -> None:
        async with accord.create_task_group() as group:
            handles = [group.start_soon(child) for _ in range(3)]
            taken = 0
            while not all(handle.status is HandleStatus.FINISHED for handle in handles):
                await checkpoint()
                taken += 1
            steps.add(taken)

    for seed in range(200):
        run(program, seed=seed)
    assert steps == {4, 5}  # each child takes four steps, before or after the host's in each round


def test_clock_that_moves_while_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that passes between two looks at the clock is not forgotten for anybody."""
    ticks = count()
    monkeypatch.setattr(model, "monotonic", lambda: next(ticks) / 1000)

    async def program() -> int:
        with accord.move_on_after(1):
            async with accord.create_task_group() as group:
                for number in range(20):
                    group.start_soon(accord.sleep, number / 5)
                await accord.sleep_forever()
        return 1

    for seed in range(20):
        assert run(program, seed=seed) == 1
