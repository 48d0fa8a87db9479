"""The ten programs with a bug each in ``docs/examples/explore``: every bug is found, and none in the mended twins."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import accord
from accord.testing import ScheduleError, explore, replay
from accord_conformance import model

pytest.importorskip("trio")

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "explore"
BACKENDS: list[Any] = ["asyncio", "trio", model.backend]


def load_programs() -> tuple[Any, ...]:
    """Return what ``find_all.py`` explores."""
    sys.path.insert(0, str(FOLDER))
    try:
        import find_all  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(FOLDER))
    programs: tuple[Any, ...] = find_all.PROGRAMS
    return programs


PROGRAMS = load_programs()


def named(value: Any) -> str:
    """Name a program or backend in the test's id."""
    return value if isinstance(value, str) else str(value.name)


def test_ten() -> None:
    """There are ten of them, one in each other file of the folder."""
    assert sorted(program.name for program in PROGRAMS) == sorted(
        file.stem for file in FOLDER.glob("*.py") if file.stem != "find_all"
    )
    assert len(PROGRAMS) == 10


@pytest.mark.parametrize("program", PROGRAMS, ids=named)
@pytest.mark.parametrize("backend", BACKENDS, ids=named)
def test_found(program: Any, backend: Any) -> None:
    """A bug is found within 200 schedules, by each of three seeds, and found again by what is told of it."""
    for seed in (1, 2, 3):
        with pytest.raises(ScheduleError) as caught:
            explore(program.test, backend=backend, seed=seed, schedules=200, inject_cancellation=program.cancels)
        error = caught.value
        assert f"{program.name}.py" in error.trace
        assert "did not fail" not in str(error)
        with pytest.raises(ScheduleError) as again:
            replay(program.test, error.schedule, backend=backend)
        assert again.value.trace == error.trace


@pytest.mark.parametrize("program", PROGRAMS, ids=named)
@pytest.mark.parametrize("backend", BACKENDS, ids=named)
def test_nothing_in_the_twin(program: Any, backend: Any) -> None:
    """Nothing is found in the program without the bug, with and without a cancellation."""
    for injects in {False, program.cancels}:
        explore(program.fixed, backend=backend, seed=4, schedules=200, inject_cancellation=injects)


@pytest.mark.parametrize("program", PROGRAMS, ids=named)
def test_an_ordinary_run_is_lucky(program: Any) -> None:
    """The bug does not show in the order that asyncio always takes, and needs a cancellation if it says so."""
    accord.run(program.test, backend="asyncio", backend_options={"virtual_time": True})
    if program.cancels:
        explore(program.test, backend="asyncio", seed=1, schedules=100)


def test_report_in_the_guide() -> None:
    """The report that the guide shows is the one that its reader gets."""
    guide = (FOLDER.parents[1] / "explore.md").read_text(encoding="utf-8")
    [program] = [program for program in PROGRAMS if program.name == "lost_item"]
    with pytest.raises(ScheduleError) as caught:
        explore(program.test, backend="asyncio", seed=1, schedules=200, inject_cancellation=True)
    assert f"```text\n{caught.value}\n```" in guide
