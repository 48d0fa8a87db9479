"""The class of every operation, and the budget of yields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import Backend
from accord_conformance.helpers import count_yields, is_cancelled_by, rule
from accord_conformance.rules import load_rules

from . import (
    operations_files,
    operations_helpers,
    operations_iterating,
    operations_net,
    operations_paths,
    operations_processes,
    operations_signals,
    operations_testing,
    operations_threads,
)
from .cheap import KINDS, Operation
from .operations import ROWS, Row

WITH_ROWS = (
    operations_files,
    operations_helpers,
    operations_iterating,
    operations_net,
    operations_paths,
    operations_processes,
    operations_signals,
    operations_testing,
    operations_threads,
)
"""What adds rows to the table when it is imported."""

Run = Callable[..., Any]

OF_CORE = [row for row in ROWS if row.needs == "core"]
OF_TESTING = [row for row in ROWS if row.needs == "testing"]
OF_READINESS = [row for row in ROWS if row.needs == "readiness"]


async def check_class(row: Row) -> None:
    """Assert that an operation is of the class that its row says; for a run in which every ``Y`` yields."""
    async with row.prepare() as prepared:
        yields = await count_yields(prepared.call()) > 0
        assert prepared.took_effect is None or prepared.took_effect()
    async with row.prepare() as prepared:
        checks = await is_cancelled_by(prepared.call)
        if prepared.took_effect is not None:
            assert prepared.took_effect() is not checks, "it has raised a cancellation and taken effect, or neither"
    assert ("C" if checks else "-") + ("Y" if yields else "-") == row.expected


async def check_cancellation(row: Row) -> None:
    """Assert that an operation checks, or not, as its row says, each time."""
    for _ in range(20):
        async with row.prepare() as prepared:
            assert await is_cancelled_by(prepared.call) is (row.expected[0] == "C")


@rule("CKPT-4", "CKPT-5")
@pytest.mark.parametrize("row", OF_CORE, ids=str)
def test_class(run: Run, row: Row) -> None:
    """With a budget of one the operation is exactly of its class."""
    run(check_class, row, checkpoint_budget=1)


@rule("CKPT-4", "CKPT-5", needs=["testing"])
@pytest.mark.parametrize("row", OF_TESTING, ids=str)
def test_class_for_testing(run: Run, row: Row) -> None:
    """With a budget of one the operation of the testing part is exactly of its class."""
    run(check_class, row, checkpoint_budget=1)


@rule("CKPT-4", "CKPT-5", needs=["readiness"])
@pytest.mark.parametrize("row", OF_READINESS, ids=str)
def test_class_of_readiness(run: Run, row: Row) -> None:
    """With a budget of one the operation of the readiness part is exactly of its class."""
    run(check_class, row, checkpoint_budget=1)


@rule("CKPT-4")
@pytest.mark.parametrize("row", OF_CORE, ids=str)
async def test_checks_every_time(row: Row) -> None:
    """With the usual budget the operation still checks every time."""
    await check_cancellation(row)


@rule("CKPT-4", needs=["readiness"])
@pytest.mark.parametrize("row", OF_READINESS, ids=str)
async def test_checks_every_time_of_readiness(row: Row) -> None:
    """With the usual budget the operation of the readiness part still checks every time."""
    await check_cancellation(row)


@rule("CKPT-4")
async def test_group_entry() -> None:
    """Entering a task group neither checks nor yields."""
    group = accord.create_task_group()
    with accord.CancelScope() as scope:
        scope.cancel()
        assert await count_yields(group.__aenter__()) == 0
        await group.__aexit__(None, None, None)
    assert not scope.cancelled_caught


@rule("CKPT-4")
def test_table_is_complete() -> None:
    """The code has a row for each class and operation of the rule's table."""
    for line in load_rules()["CKPT-4"].text.splitlines():
        match = re.fullmatch(r"\| (?P<names>.+) \| (?P<expected>..) \|", line)
        if match is None or "`" not in match["names"]:
            continue
        for name in re.findall(r"`(?:await )?([\w.]+)`", match["names"]):
            last = name.rpartition(".")[2]
            rows = [row for row in ROWS if row.name == name]
            rows = rows or [row for row in ROWS if last in re.split(r"\W+", row.name)]
            assert rows, f"no row for {name}"
            assert any(row.expected == match["expected"] for row in rows), f"{name}: {match['expected']}"


def cheap_operations() -> list[Operation]:
    """Operations that never have to wait, of several kinds."""
    return [KINDS[name]() for name in ("event", "lock", "semaphore")]


@rule("CKPT-5")
async def test_budget() -> None:
    """Among any 16 operations that need not wait, of one kind or of several, one yields."""
    kinds = cheap_operations()
    for mixture in ([kinds[0]], [kinds[1]], [kinds[2]], kinds):
        yields = [await count_yields(mixture[index % len(mixture)]()) for index in range(200)]
        for start in range(len(yields) - 16):
            assert any(yields[start : start + 16])


@rule("CKPT-5")
async def test_budget_of_each_task() -> None:
    """A task that does only such operations lets the others run."""
    stop = accord.Event()
    done = 0

    async def greedy() -> None:
        nonlocal done
        kinds = cheap_operations()
        while not stop.is_set():
            await kinds[done % len(kinds)]()
            done += 1

    async with accord.create_task_group() as group:
        group.start_soon(greedy)
        for _ in range(10):
            await checkpoint()
        stop.set()
    assert 0 < done <= 16 * 12


@rule("CKPT-5")
def test_budget_of_one(run: Run) -> None:
    """With a budget of one each operation yields."""

    async def main() -> None:
        for operation in cheap_operations() * 20:
            assert await count_yields(operation()) > 0

    run(main, checkpoint_budget=1)


@rule("CKPT-5", "RUN-4")
@pytest.mark.parametrize(("bad", "error"), [(0, ValueError), (-1, ValueError), ("1", TypeError), (1.5, TypeError)])
def test_bad_budget(run: Run, bad: Any, error: type[Exception]) -> None:
    """A budget that makes no sense is refused before main is called."""
    called: list[bool] = []

    async def main() -> None:
        called.append(True)

    with pytest.raises(error):
        run(main, checkpoint_budget=bad)
    assert called == []


@rule("CKPT-5")
async def test_checkpoint_due(backend: Backend) -> None:
    """``checkpoint_due`` is true at least once in 16 times, and always for a cancelled task."""
    await checkpoint()
    due: list[object] = []
    for _ in range(100):
        due.append(backend.checkpoint_due())
        if due[-1]:
            await checkpoint()
    for start in range(len(due) - 16):
        assert any(due[start : start + 16])
    with accord.CancelScope() as scope:
        scope.cancel()
        assert all(backend.checkpoint_due() for _ in range(40))
