"""Schedules on Trio: its internals, and native tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio

import accord
from accord.protocols import RunnableTask
from accord.testing import ScheduleError, explore

internals: Any = vars(trio)["_core"]._run


class InTurn:
    """A schedule that changes nothing, and notes the names."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """See ``accord.protocols.Schedule``."""
        self.names.append(tasks[0].name)
        return 0


def test_restored() -> None:
    """During the run Trio's generator is replaced, and afterwards it is what it was, also after a failure."""
    usual = internals._r, internals._ALLOW_DETERMINISTIC_SCHEDULING

    async def main() -> None:
        assert internals._r is not usual[0]
        assert internals._r.random() < 1
        raise ValueError("from main")

    with pytest.raises(ValueError, match="from main"):
        accord.run(main, backend="trio", backend_options={"schedule": InTurn()})
    assert (internals._r, internals._ALLOW_DETERMINISTIC_SCHEDULING) == usual


@pytest.mark.parametrize("name", ["_r", "_ALLOW_DETERMINISTIC_SCHEDULING"])
def test_another_trio(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A Trio without what this stands on is refused in so many words."""
    monkeypatch.delattr(internals, name)
    with pytest.raises(RuntimeError, match=f"does not know the scheduler of Trio {trio.__version__}"):
        accord.run(trio.sleep, 0, backend="trio", backend_options={"schedule": InTurn()})


def test_native_tasks() -> None:
    """Tasks of native nurseries take part; Trio's own don't."""
    schedule = InTurn()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep, 1, name="native")
        trio.lowlevel.spawn_system_task(trio.sleep, 1, name="system")
        await trio.sleep(2)

    accord.run(main, backend="trio", backend_options={"schedule": schedule})
    assert "native" in schedule.names
    assert not {"system", "<init>", "<TrioToken.run_sync_soon task>"} & set(schedule.names)


def test_race_of_native_tasks() -> None:
    """A race between native tasks is found."""

    async def test() -> None:
        order: list[int] = []

        async def add(number: int) -> None:
            await trio.lowlevel.checkpoint()
            order.append(number)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(add, 1)
            nursery.start_soon(add, 2)
        assert order == [1, 2]

    with pytest.raises(ScheduleError):
        explore(test, backend="trio", seed=1)
