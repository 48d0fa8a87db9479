"""Run options of the asyncio backend, and loops that somebody else started."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import pytest
import uvloop

import accord
from accord.lowlevel import checkpoint, current_backend


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_detection_in_a_foreign_loop(factory: object) -> None:
    """In a loop that asyncio or uvloop started, accord finds its backend in tasks and in callbacks."""
    found: list[str] = []

    async def main() -> None:
        found.append(current_backend().name)
        asyncio.get_running_loop().call_soon(lambda: found.append(current_backend().name))
        with accord.move_on_after(0.01):
            await asyncio.sleep(1)

    with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]
        runner.run(main())
    assert found == ["asyncio", "asyncio"]
    with pytest.raises(accord.NoEventLoopError):
        current_backend()


def test_loop_options() -> None:
    """debug, loop_factory and use_uvloop decide which loop runs and how."""

    async def loop() -> tuple[str, bool]:
        running = asyncio.get_running_loop()
        return type(running).__module__, running.get_debug()

    def run(options: Mapping[str, object]) -> tuple[str, bool]:
        return accord.run(loop, backend="asyncio", backend_options=options)

    assert run({"debug": True})[1] is True
    assert run({"use_uvloop": True})[0] == "uvloop"
    assert run({"loop_factory": uvloop.new_event_loop})[0] == "uvloop"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"use_uvloop": "yes"}, TypeError),
        ({"checkpoint_budget": 0}, ValueError),
        ({"checkpoint_budget": True}, TypeError),
        ({"virtual_time": True, "use_uvloop": True}, ValueError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_wrong_options(options: Mapping[str, object], error: type[Exception]) -> None:
    """Wrong options are refused before anything runs, by name."""
    with pytest.raises(error, match=next(iter(options))):
        accord.run(checkpoint, backend="asyncio", backend_options=options)


def test_virtual_time() -> None:
    """With virtual time an hour takes no time, and threads hold the clock."""

    async def main() -> tuple[float, bool]:
        start = accord.current_time()
        with accord.move_on_after(3600):
            await accord.sleep_forever()
        with accord.move_on_after(0.001) as scope:
            await accord.to_thread.run_sync(time.sleep, 0.05)
        return accord.current_time() - start, scope.cancel_called

    assert accord.run(main, backend="asyncio", backend_options={"virtual_time": True}) == (3600.0, False)


def test_abandoned_tasks_are_cancelled_at_the_end() -> None:
    """Native tasks that main leaves behind are cancelled and awaited when the run ends."""
    ended: list[str] = []

    async def stay() -> None:
        try:
            await accord.sleep_forever()
        finally:
            ended.append("cleaned up")

    async def main() -> None:
        ended.append("started")
        tasks.append(asyncio.create_task(stay()))
        await accord.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    accord.run(main, backend="asyncio")
    assert ended == ["started", "cleaned up"]
