"""The benchmark measures what it says, compares neighbours, and survives a contender that fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from accord_conformance.bench import cli, extras, native_asyncio, native_trio, table, worker
from accord_conformance.bench.contenders import Contender, find
from accord_conformance.bench.measure import Plan, Result, measure
from accord_conformance.bench.rows import ROWS, Row, Target

ROW = Row("checkpoint", "a row", Target(2.0, 0.5))
PLAN = Plan(rounds=3, block=0.001)


def contender(title: str, job: Callable[[int], Any], log: list[str] | None = None) -> Contender:
    """Make a contender of which all rows have the same job."""

    def start(main: Callable[[], Any], _options: Mapping[str, object]) -> Any:
        if log is not None:
            log.append(title)
        return asyncio.run(main())

    return Contender(title, "1", start, lambda _name: job, {"run": "pass"})


async def quick(_n: int) -> None:
    """Do nothing."""


async def slow(n: int) -> None:
    """Take a while for each repetition."""
    for _ in range(n):
        sum(range(1000))


async def broken(_n: int) -> None:
    """Fail."""
    raise LookupError("no such operation")


def record(**ratios: float) -> dict[str, Any]:
    """Return what a worker writes for a row with these ratios."""
    targets = {"native": ROW.asyncio.native, "AnyIO": ROW.asyncio.anyio}
    times = dict.fromkeys(("accord", *ratios), 1.0)
    return {
        "kind": "row",
        "operation": "a row",
        "microseconds": times,
        "ratios": ratios,
        "targets": targets,
        "errors": {},
    }


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
@pytest.mark.parametrize("base", ["portable", "native_asyncio", "native_trio"])
def test_rows_have_jobs(row: Row, base: str) -> None:
    """Each row has a job in the portable modules and in both native ones."""
    assert callable(find(base, row.function))


def test_rows_differ() -> None:
    """No two rows have the same title, and those with the same job have other options."""
    assert len({row.title for row in ROWS}) == len(ROWS)
    assert len({(row.function, *row.options.items()) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
@pytest.mark.parametrize(("module", "runtime"), [(native_asyncio, "asyncio"), (native_trio, "trio")])
def test_native_jobs_run(row: Row, module: Any, runtime: str) -> None:
    """The native jobs end by themselves."""
    module.run(runtime, partial(find(f"native_{runtime}", row.function), 1))


def test_turns_change_from_round_to_round() -> None:
    """Every contender has one block in each round, and not always after the same other one."""
    log: list[str] = []
    result = measure(ROW, [contender("accord", slow, log), contender("native", slow, log)], PLAN)
    assert {title: len(times) for title, times in result.times.items()} == {"accord": 3, "native": 3}
    assert log[-6:] == ["accord", "native", "native", "accord", "accord", "native"]


def test_ratio_is_the_median_of_neighbours() -> None:
    """One block that was disturbed does not change the ratio."""
    result = Result(ROW, {"accord": [2.0, 2.0, 50.0], "native": [1.0, 1.0, 1.0]})
    assert result.ratio("native") == 2.0
    assert result.ratio("AnyIO") is None
    assert result.best("native") == 1_000_000


def test_slow_code_has_a_large_ratio() -> None:
    """What takes longer is seen to take longer."""
    result = measure(ROW, [contender("accord", slow), contender("native", partial(_some, 4))], PLAN)
    ratio = result.ratio("native")
    assert ratio is not None
    assert ratio > 1.5


async def _some(part: int, n: int) -> None:
    for _ in range(n):
        sum(range(1000 // part))


def test_a_contender_that_fails_is_left_out() -> None:
    """Its error is noted and the others are measured."""
    result = measure(ROW, [contender("accord", slow), contender("AnyIO", broken)], PLAN)
    assert result.errors == {"AnyIO": "LookupError: no such operation"}
    assert result.best("accord")
    failed = measure(ROW, [contender("accord", broken)], PLAN)
    assert table.verdict(worker.as_record(failed, "asyncio")) == "failed"


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ({"native": 1.9, "AnyIO": 0.4}, "met"),
        ({"native": 2.2, "AnyIO": 0.4}, "near"),
        ({"native": 1.9, "AnyIO": 0.9}, "missed"),
        ({"native": 1.9}, "met"),
        ({}, "-"),
    ],
)
def test_verdict(ratios: dict[str, float], expected: str) -> None:
    """The worst of the ratios decides; one that could not be measured doesn't count."""
    assert table.verdict(record(**ratios)) == expected
    assert expected in table.row_line(record(**ratios))


def test_target_of_a_runtime() -> None:
    """On uvloop the targets are those of asyncio unless it has its own; a runtime that nobody knows has none."""
    row = Row("checkpoint", "a row", Target(1.0, 1.0), trio=Target(3.0))
    assert row.target("uvloop") == row.target("asyncio") == Target(1.0, 1.0)
    assert row.target("trio") == Target(3.0)
    assert row.target("something else") == Target()


def test_memory() -> None:
    """The sizes are those of the objects: a list of a thousand small integers has 8 kB."""

    async def sleepers(_count: int, read: Callable[[], None]) -> None:
        read()
        read()

    jobs: dict[str, Any] = {
        "sleepers": sleepers,
        "connections": sleepers,
        "sleep_zero": quick,
        "objects": lambda: {"list": lambda: [0] * 1000},
    }
    one = Contender("accord", "1", contender("accord", quick).start, jobs.__getitem__, {})
    sizes = extras.memory(one)
    assert 8000 <= sizes["list"] < 8200
    assert abs(sizes["sleeping task"]) < 100


def test_process_times() -> None:
    """Programs that do more take longer."""
    one = Contender(
        "accord", "1", contender("accord", quick).start, lambda _name: quick, {"run": "import time; time.sleep(0.2)"}
    )
    times = extras.process_times([one], rounds=1)
    assert times["run"]["accord"] > times["nothing"]["Python"] + 100


def test_command(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The command prints a table with the rows that were asked for, and writes the same figures as JSON."""
    assert cli.main(["asyncio", "--quick", "--filter", "current_time", "--json", str(tmp_path / "figures.json")]) == 0
    printed = capsys.readouterr().out
    assert "current_time()" in printed
    assert "1 operations:" in printed
    [[runtime, row]] = json.loads((tmp_path / "figures.json").read_text())
    assert runtime["runtime"] == "asyncio"
    assert row["microseconds"]["accord"] > 0
    assert row["ratios"]["native"] > 0


def test_command_refuses_an_unknown_operation(capsys: pytest.CaptureFixture[str]) -> None:
    """A filter that fits nothing is an error, not an empty table."""
    assert cli.main(["asyncio", "--filter", "no such thing"]) == 2
    assert "no such thing" in capsys.readouterr().err
