"""When a scope is cancelled, when effectively so, and what a checkpoint in it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import product
from math import inf

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord_conformance.helpers import rule, settle

WAITING: list[Callable[[], Awaitable[object]]] = [
    checkpoint,
    accord.sleep_forever,
    lambda: accord.Event().wait(),
    lambda: accord.Lock().acquire(),
    lambda: accord.lowlevel.create_parker().park(),
]


@rule("CANCEL-1", "TIME-10")
@pytest.mark.parametrize("shields", list(product([False, True], repeat=3)))
@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_effectively_cancelled(cancelled: int, shields: tuple[bool, ...]) -> None:
    """Of three nested scopes each sees the cancellation of itself and of what its shield does not hide."""
    scopes = [accord.CancelScope(shield=shield) for shield in shields]
    seen: list[bool] = []
    with scopes[0]:
        with scopes[1]:
            with scopes[2]:
                scopes[cancelled].cancel()
                seen.append(accord.current_effective_deadline() == -inf)
            seen.append(accord.current_effective_deadline() == -inf)
        seen.append(accord.current_effective_deadline() == -inf)
    expected = [cancelled <= inner and not any(shields[cancelled + 1 : inner + 1]) for inner in (2, 1, 0)]
    assert seen == expected
    assert [scope.cancel_called for scope in scopes] == [index == cancelled for index in range(3)]


@rule("CANCEL-2")
@pytest.mark.parametrize("operation", WAITING)
async def test_every_checkpoint_raises(operation: Callable[[], Awaitable[object]]) -> None:
    """Each checkpoint raises again, though the exceptions before were caught."""
    expected = accord.get_cancelled_exc_class()
    with accord.CancelScope() as scope:
        scope.cancel()
        for _ in range(3):
            with pytest.raises(expected):
                await operation()
        with accord.CancelScope():
            with pytest.raises(expected):
                await operation()


@rule("CANCEL-2")
async def test_every_checkpoint_raises_after_waiting() -> None:
    """The same for a task that waited when it was cancelled."""
    expected = accord.get_cancelled_exc_class()
    raised: list[bool] = []

    async def child() -> None:
        for operation in [*WAITING, *reversed(WAITING)]:
            try:
                await operation()
            except expected:
                raised.append(True)

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        group.cancel()
    # The first operation, a checkpoint, had returned before the cancellation.
    assert len(raised) == 2 * len(WAITING) - 1


@rule("CANCEL-2", "CANCEL-30")
async def test_level_ends_with_the_scope() -> None:
    """Outside the scope nothing is cancelled."""
    with accord.CancelScope() as scope:
        scope.cancel()
        await checkpoint()
    for _ in range(3):
        await checkpoint()
        await accord.sleep(0.001)


@rule("CANCEL-3")
async def test_no_interruption_between_checkpoints() -> None:
    """The code between two checkpoints is carried out as a whole."""
    steps: list[int] = []

    async def child() -> None:
        while True:
            await checkpoint()
            steps.extend(range(10))

    async with accord.create_task_group() as group:
        group.start_soon(child)
        for _ in range(20):
            await checkpoint()
        group.cancel()
        after = len(steps)
    assert steps == list(range(10)) * (len(steps) // 10)
    assert len(steps) - after in (0, 10)


@rule("CANCEL-3", "CANCEL-4")
async def test_cancel_in_the_own_task() -> None:
    """A task that cancels its own scope goes on to its next checkpoint."""
    events: list[str] = []
    with accord.CancelScope() as scope:
        scope.cancel()
        events.append("goes on")
        await checkpoint()
        events.append("not cancelled")
    assert events == ["goes on"]
    assert scope.cancelled_caught


@rule("CANCEL-4")
async def test_cancel_in_a_callback() -> None:
    """A scope can be cancelled in a callback, where no task runs."""
    with accord.CancelScope() as scope:
        current_token().call_soon(scope.cancel)
        await accord.sleep_forever()
    assert scope.cancelled_caught
    assert scope.cancel_reason is not None
    assert scope.cancel_reason.source is None


@rule("CANCEL-4")
async def test_cancel_in_another_task() -> None:
    """A task that cancels another one's scope is not affected."""
    events: list[str] = []
    scope = accord.CancelScope()

    async def child() -> None:
        with scope:
            await accord.sleep_forever()
        events.append("left")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        scope.cancel()
        assert events == []
        await settle()
        assert events == ["left"]


@rule("CANCEL-5")
async def test_idempotent() -> None:
    """Further calls change nothing, in whichever state the scope is."""
    scope = accord.CancelScope()
    for _ in range(2):
        scope.cancel("first")
    with scope:
        scope.cancel("second")
        try:
            await accord.sleep_forever()
        finally:
            scope.cancel("third")
    scope.cancel("fourth")
    assert scope.cancelled_caught
    assert scope.cancel_reason is not None
    assert scope.cancel_reason.message == "first"


@rule("CANCEL-6")
async def test_cancel_before_entry() -> None:
    """A scope that was cancelled before its entry cancels from the entry on."""
    scope = accord.CancelScope()
    scope.cancel()
    assert scope.cancel_called
    await checkpoint()
    events: list[str] = []
    with scope:
        events.append("entered")
        assert accord.current_effective_deadline() == -inf
        await checkpoint()
        events.append("not cancelled")
    assert events == ["entered"]
    assert scope.cancelled_caught


@rule("CANCEL-6")
async def test_cancel_after_exit() -> None:
    """A cancel after the exit sets ``cancel_called`` and nothing else."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as scope:
            await checkpoint()
        scope.cancel()
        assert scope.cancel_called
        assert not scope.cancelled_caught
        await checkpoint()
        await accord.sleep(0.001)
    assert not outer.cancel_called


@rule("CANCEL-6", "CANCEL-26")
async def test_cancel_after_exit_of_a_group() -> None:
    """A cancel of a group that was left does not reach tasks that it once had."""
    async with accord.create_task_group() as group:
        group.start_soon(checkpoint)
    group.cancel()
    async with accord.create_task_group() as other:
        handle = other.start_soon(accord.sleep, 0.005)
    assert handle.status is accord.HandleStatus.FINISHED


@rule("CANCEL-14")
async def test_entry_and_exit_are_no_checkpoints() -> None:
    """Neither the entry nor the exit raises or yields, in a cancelled scope either."""
    events: list[str] = []

    async def other() -> None:
        events.append("other task")

    async with accord.create_task_group() as group:
        group.start_soon(other)
        with accord.CancelScope() as outer:
            outer.cancel()
            with accord.CancelScope(), accord.move_on_after(1), accord.CancelScope(shield=True):
                events.append("inside")
            events.append("outside")
        assert not outer.cancelled_caught
        assert events == ["inside", "outside"]


@rule("CANCEL-11", "CANCEL-30")
async def test_body_finishes_first() -> None:
    """A body that has no checkpoint after the cancellation finishes, and what follows is not cancelled."""
    for _ in range(3):
        with accord.CancelScope() as scope:
            await checkpoint()
            scope.cancel()
        assert scope.cancel_called
        assert not scope.cancelled_caught
        await checkpoint()
        await accord.sleep(0.001)


@rule("CANCEL-30")
async def test_cancelled_and_finished_in_the_same_turn() -> None:
    """A task that is woken, then cancelled, and finishes its block is not hit by a cancellation that comes late."""
    for _ in range(10):
        event = accord.Event()
        scope = accord.CancelScope()
        events: list[str] = []

        async def child(
            event: accord.Event = event, scope: accord.CancelScope = scope, events: list[str] = events
        ) -> None:
            with scope:
                await event.wait()
                events.append("woken")
            await checkpoint()
            await accord.sleep(0.001)
            events.append("goes on")

        async with accord.create_task_group() as group:
            group.start_soon(child)
            await settle()
            event.set()
            scope.cancel()
        assert events == ["woken", "goes on"]
        assert not scope.cancelled_caught


@rule("CANCEL-30")
async def test_cancellation_caught_inside() -> None:
    """A body that catches its cancellation and ends leaves nothing behind either."""
    with accord.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(accord.get_cancelled_exc_class()):
            await accord.sleep_forever()
    assert not scope.cancelled_caught
    await checkpoint()
    await accord.sleep(0.001)
