"""Tests that are run under many schedules."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import checkpoint


class Counter:
    """Counts, and loses what comes between reading and writing."""

    def __init__(self) -> None:
        self.value = 0

    async def count(self) -> None:
        """Add 1."""
        value = self.value
        await checkpoint()
        self.value = value + 1


@pytest.fixture
def step() -> int:
    """A synchronous fixture."""
    return 1


@pytest.fixture
async def number() -> int:
    """An asynchronous fixture."""
    await checkpoint()
    return 7


runs: list[str] = []


@pytest.mark.accord_explore(schedules=7)
@pytest.mark.parametrize("name", ["one", "other"])
async def test_sound(name: str, step: int) -> None:
    """Holds in every order, and sleeps for days."""
    runs.append(name)
    await accord.sleep(step * 86_400)


def test_number_of_runs() -> None:
    """Looks how often the test before was run."""
    assert {runs.count("one"), runs.count("other")} == {7}


@pytest.mark.accord_explore(seed=1)
@pytest.mark.accord(virtual_time=True)
async def test_race() -> None:
    """Fails in some orders."""
    counter = Counter()
    async with accord.create_task_group() as group:
        group.start_soon(counter.count)
        group.start_soon(counter.count)
    assert counter.value == 2, "one is lost"


@pytest.mark.accord_explore
async def test_skip() -> None:
    """Has nothing to do."""
    await checkpoint()
    pytest.skip("not here")


@pytest.mark.accord_explore
async def test_async_fixture(number: int) -> None:
    """Can't have what it asks for."""
    assert number
