"""Blocks that make checkpoints, and blocks that make none."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled, create_parker
from accord.testing import assert_checkpoints, assert_no_checkpoints
from accord_conformance.helpers import rule


async def _nothing() -> None:
    sum(range(100))


async def _check_and_yield() -> None:
    await checkpoint_if_cancelled()
    await cancel_shielded_checkpoint()


async def _shielded_wait() -> None:
    parker = create_parker()
    accord.lowlevel.current_token().call_soon(parker.unpark, None)
    await parker.park_shielded()


async def _wait() -> None:
    parker = create_parker()
    accord.lowlevel.current_token().call_soon(parker.unpark, None)
    await parker.park()


async def _shielded_and_then_not() -> None:
    await cancel_shielded_checkpoint()
    await _wait()


async def _lock() -> None:
    async with accord.Lock():
        pass


CHECKPOINTS = [checkpoint, _check_and_yield, _wait, _shielded_and_then_not, _lock]
HALVES = {
    "did not yield": checkpoint_if_cancelled,
    "did not check": cancel_shielded_checkpoint,
    "yielded, but": _shielded_wait,
    "neither": _nothing,
}


@rule("HELP-4")
@pytest.mark.parametrize("operation", CHECKPOINTS)
async def test_checkpoints(operation: Callable[[], Awaitable[object]]) -> None:
    """A block that checks and yields, in whatever way, passes; each time, whatever the budget."""
    for _ in range(40):
        with assert_checkpoints():
            await operation()


@rule("HELP-4")
@pytest.mark.parametrize("missing", HALVES)
async def test_halves(missing: str) -> None:
    """A block that does one of the two, or nothing, fails; the text says what was missing."""
    with pytest.raises(AssertionError, match=missing), assert_checkpoints():
        await HALVES[missing]()


@rule("HELP-4")
async def test_other_tasks_do_not_count() -> None:
    """What other tasks do while the block waits in a shield is not the block's."""
    async with accord.create_task_group() as group:
        for _ in range(3):
            group.start_soon(checkpoint)
        with pytest.raises(AssertionError, match="did not check"), assert_checkpoints():
            await cancel_shielded_checkpoint()


@rule("HELP-4", "HELP-5")
async def test_errors_pass() -> None:
    """What the block raises is raised, and no assertion in its place; also a cancellation."""
    with pytest.raises(KeyError), assert_checkpoints():
        raise KeyError("planned")
    with pytest.raises(KeyError), assert_no_checkpoints():
        await checkpoint()
        raise KeyError("planned")
    with accord.CancelScope() as scope:
        scope.cancel()
        with assert_no_checkpoints():
            await checkpoint()
    assert scope.cancelled_caught


@rule("HELP-4", "HELP-5")
async def test_profiler_is_put_back() -> None:
    """After nested blocks a profile function from before is in force again."""

    def profile(*_: object) -> None:
        pass

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        with assert_checkpoints(), assert_checkpoints():
            await checkpoint()
        assert sys.getprofile() is profile
        with pytest.raises(AssertionError), assert_no_checkpoints():
            await checkpoint()
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(before)


@rule("HELP-4", "HELP-5")
async def test_in_a_callback() -> None:
    """In a callback there is no task to watch."""
    errors: list[BaseException] = []
    done = accord.Event()

    def callback() -> None:
        for block in (assert_checkpoints, assert_no_checkpoints):
            try:
                with block():
                    pass
            except RuntimeError as error:
                errors.append(error)
        done.set()

    accord.lowlevel.current_token().call_soon(callback)
    await done.wait()
    assert len(errors) == 2


@rule("HELP-5")
async def test_no_checkpoints() -> None:
    """A block that only computes, starts tasks or sets events passes."""
    event = accord.Event()
    async with accord.create_task_group() as group:
        with assert_no_checkpoints():
            await _nothing()
            group.start_soon(checkpoint)
            event.set()
            accord.Semaphore(1).acquire_nowait()


@rule("HELP-5")
@pytest.mark.parametrize(
    ("operation", "found"),
    [
        (checkpoint, "checked for a cancellation and yielded"),
        (checkpoint_if_cancelled, "checked for a cancellation$"),
        (cancel_shielded_checkpoint, "it yielded"),
        (_lock, "checked"),
        (_wait, "yielded"),
    ],
)
async def test_any_half_is_found(operation: Callable[[], Awaitable[object]], found: str) -> None:
    """A check alone, a yield alone, and both are found and told apart."""
    with pytest.raises(AssertionError, match=found), assert_no_checkpoints():
        await operation()
