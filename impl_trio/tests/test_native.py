"""accord in the company of native Trio code."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest
import trio

import accord
from accord.lowlevel import checkpoint, checkpoint_if_cancelled, current_backend


def test_detection_in_a_foreign_run() -> None:
    """In a run that Trio's own function started, accord finds its backend in tasks and in callbacks."""
    found: list[str] = []

    async def main() -> None:
        found.append(current_backend().name)
        trio.lowlevel.current_trio_token().run_sync_soon(lambda: found.append(current_backend().name))
        await accord.sleep(0.01)

    trio.run(main)
    assert found == ["trio", "trio"]
    with pytest.raises(accord.NoEventLoopError):
        current_backend()


@pytest.mark.parametrize(
    "operation", [checkpoint, checkpoint_if_cancelled, accord.sleep_forever, accord.Lock().acquire]
)
def test_native_scope_around_accord(operation: Callable[[], Awaitable[None]]) -> None:
    """Accord's operations see the cancellation of a native scope, which catches it."""

    async def main() -> None:
        with trio.CancelScope() as scope:
            scope.cancel()
            await operation()
        assert scope.cancelled_caught
        with trio.move_on_after(0.01) as scope:
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep_forever)
        assert scope.cancelled_caught

    trio.run(main)


def test_accord_scope_around_native_code() -> None:
    """A scope of accord cancels native code, native nurseries included."""

    async def main() -> None:
        with accord.move_on_after(0.01) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.sleep_forever)
        assert scope.cancelled_caught
        assert scope.cancel_reason is not None
        assert scope.cancel_reason.kind == "deadline"

    accord.run(main, backend="trio")


def test_tasks_of_a_native_nursery() -> None:
    """Native tasks have a TaskInfo, belong to no group, and appear among the running tasks."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever, name="native")
            await trio.testing.wait_all_tasks_blocked()
            names = [task.name for task in accord.get_running_tasks()]
            assert "native" in names
            nursery.cancel_scope.cancel()

    import trio.testing

    accord.run(main, backend="trio")


def test_lock_of_a_native_task() -> None:
    """The end of a native task that holds a lock is noticed by those who wait."""

    async def main() -> None:
        lock = accord.Lock()

        async def take() -> None:
            await lock.acquire()
            await accord.sleep(0.01)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            while not lock.locked():
                await accord.sleep(0)
            with pytest.raises(accord.BrokenResourceError):
                await lock.acquire()

    accord.run(main, backend="trio")


def test_trio_options() -> None:
    """Options of trio.run are passed on; others are refused with a list."""
    calls: list[str] = []

    class Instrument(trio.abc.Instrument):
        def before_run(self) -> None:
            calls.append("before run")

    accord.run(checkpoint, backend="trio", backend_options={"instruments": [Instrument()]})
    assert calls == ["before run"]
    with pytest.raises(TypeError, match="instruments"):
        accord.run(checkpoint, backend="trio", backend_options={"use_uvloop": True})


def test_virtual_time() -> None:
    """With virtual time an hour takes no time, and threads hold the clock."""

    async def main() -> tuple[float, bool]:
        start = accord.current_time()
        with accord.move_on_after(3600):
            await accord.sleep_forever()
        with accord.move_on_after(0.001) as scope:
            await accord.to_thread.run_sync(time.sleep, 0.05)
        return accord.current_time() - start, scope.cancel_called

    assert accord.run(main, backend="trio", backend_options={"virtual_time": True}) == (3600.0, False)
    with pytest.raises(ValueError, match="clock"):
        options = {"virtual_time": True, "clock": trio.testing.MockClock()}
        accord.run(main, backend="trio", backend_options=options)
