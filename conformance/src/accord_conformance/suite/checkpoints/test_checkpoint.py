"""The three kinds of checkpoint, and what a cancelled operation lets others do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled
from accord_conformance.helpers import assert_never_yields, assert_yields, is_cancelled_by, rule, settle

Operation = Callable[[], Awaitable[object]]

YIELDING: list[Operation] = [checkpoint, lambda: accord.sleep(0), cancel_shielded_checkpoint]


@rule("CKPT-1", "CKPT-3")
@pytest.mark.parametrize("operation", YIELDING)
async def test_yields_each_time(operation: Operation) -> None:
    """Each call yields."""
    for _ in range(40):
        await assert_yields(operation)


@rule("CKPT-1", "CKPT-3")
@pytest.mark.parametrize("operation", YIELDING)
async def test_others_run(operation: Operation) -> None:
    """After two calls every task that was runnable has run."""
    ran: list[int] = []

    async def child(number: int) -> None:
        ran.append(number)

    async with accord.create_task_group() as group:
        for number in range(10):
            group.start_soon(child, number)
        assert ran == []
        await operation()
        await operation()
        assert sorted(ran) == list(range(10))


@rule("CKPT-1", "CKPT-3")
@pytest.mark.parametrize("operation", YIELDING)
async def test_woken_tasks_run(operation: Operation) -> None:
    """After two calls every task that was woken before has run."""
    ran: list[int] = []
    event = accord.Event()

    async def child(number: int) -> None:
        await event.wait()
        ran.append(number)

    async with accord.create_task_group() as group:
        for number in range(10):
            group.start_soon(child, number)
        await settle()
        event.set()
        await operation()
        await operation()
        assert sorted(ran) == list(range(10))


@rule("CKPT-1")
async def test_nobody_starves() -> None:
    """Tasks that do nothing but yield make the same progress."""
    counts = [0, 0, 0]
    stop = accord.Event()

    async def child(index: int) -> None:
        while not stop.is_set():
            counts[index] += 1
            await checkpoint()

    async with accord.create_task_group() as group:
        for index in range(3):
            group.start_soon(child, index)
        for _ in range(100):
            await checkpoint()
        stop.set()
    assert min(counts) >= 50
    assert max(counts) <= 2 * min(counts)


@rule("CKPT-1", "CKPT-2")
@pytest.mark.parametrize("operation", [checkpoint, lambda: accord.sleep(0), checkpoint_if_cancelled])
async def test_raises_if_cancelled(operation: Operation) -> None:
    """In a cancelled scope it raises, for whichever reason the scope is cancelled."""
    assert await is_cancelled_by(operation)
    with accord.CancelScope() as outer, accord.CancelScope() as inner:
        outer.cancel()
        await operation()
        pytest.fail("the checkpoint did not raise")
    assert outer.cancelled_caught
    assert not inner.cancelled_caught
    with accord.CancelScope(deadline=accord.current_time()) as scope:
        await operation()
        pytest.fail("the checkpoint did not raise")
    assert scope.cancelled_caught


@rule("CKPT-2")
async def test_does_not_yield() -> None:
    """``checkpoint_if_cancelled`` does not yield if nothing is cancelled, nor in a shield."""
    await assert_never_yields(checkpoint_if_cancelled)
    with accord.CancelScope() as outer:
        outer.cancel()
        with accord.CancelScope(shield=True):
            for _ in range(40):
                await assert_never_yields(checkpoint_if_cancelled)


@rule("CKPT-3")
async def test_shielded_checkpoint_in_cancelled_scope() -> None:
    """``cancel_shielded_checkpoint`` does not raise in a cancelled scope, and the next checkpoint does."""
    with accord.CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            await assert_yields(cancel_shielded_checkpoint)
        with pytest.raises(accord.get_cancelled_exc_class()):
            await checkpoint()


@rule("CKPT-3")
async def test_shielded_checkpoint_is_cancelled_meanwhile() -> None:
    """A cancellation that comes while it yields waits for the next checkpoint."""
    events: list[str] = []

    async def child() -> None:
        for _ in range(100):
            events.append("shielded")
            await cancel_shielded_checkpoint()
        events.append("passed")
        await checkpoint()
        events.append("not cancelled")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        for _ in range(10):
            await checkpoint()
        group.cancel()
    assert events == [*["shielded"] * 100, "passed"]


@rule("CKPT-3")
async def test_shielded_checkpoint_and_deadline() -> None:
    """A deadline that has passed does not make it raise either."""
    with accord.CancelScope(deadline=accord.current_time()) as scope:
        await cancel_shielded_checkpoint()
        events = ["passed"]
        await checkpoint()
    assert events == ["passed"]
    assert scope.cancelled_caught


@rule("CKPT-7")
@pytest.mark.parametrize(
    "operation",
    [
        checkpoint,
        checkpoint_if_cancelled,
        accord.sleep_forever,
        lambda: accord.sleep(0),
        lambda: accord.sleep(1000),
        lambda: accord.Event().wait(),
        lambda: accord.Lock().acquire(),
        lambda: accord.Semaphore(1).acquire(),
        lambda: accord.Semaphore(0).acquire(),
        lambda: accord.CapacityLimiter(1).acquire(),
        lambda: accord.CapacityLimiter(0).acquire(),
        lambda: accord.lowlevel.create_parker().park(),
    ],
)
async def test_others_run_although_cancellations_are_swallowed(operation: Operation) -> None:
    """A task that swallows its cancellations in a loop does not keep the others from running."""
    progress = 0
    stop = accord.Event()
    expected = accord.get_cancelled_exc_class()

    async def other() -> None:
        nonlocal progress
        with accord.CancelScope(shield=True):
            for _ in range(5):
                await checkpoint()
                progress += 1
            stop.set()

    async with accord.create_task_group() as group:
        group.start_soon(other)
        with accord.CancelScope() as scope:
            scope.cancel()
            for _ in range(1000):
                if stop.is_set():
                    break
                with pytest.raises(expected):
                    await operation()
            # Not later: the others run when the group is being left.
            assert progress == 5


@rule("CKPT-6")
async def test_arguments_come_first() -> None:
    """Bad arguments are refused in a cancelled scope too."""
    not_callable: Any = 3

    async def start() -> None:
        async with accord.create_task_group() as group:
            # Outside the group the error would come in an exception group.
            try:
                await group.start(not_callable)
            except TypeError as error:
                errors.append(error)

    errors: list[TypeError] = []
    # The scope stands inside, so that a cancellation is no way out.
    with pytest.raises(ValueError, match="-1"), accord.CancelScope() as scope:
        scope.cancel()
        await accord.sleep(-1)
    with pytest.raises(TypeError), accord.CancelScope() as scope:
        scope.cancel()
        await accord.to_thread.run_sync(not_callable)
    with accord.CancelScope() as scope:
        scope.cancel()
        await start()
    assert len(errors) == 1
