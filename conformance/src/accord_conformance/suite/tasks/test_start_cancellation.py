"""TaskGroup.start() and cancellation: of the caller, of the group, and in which scope the task is when."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import checkpoint
from accord.protocols import TaskStatus
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import is_cancelled_by, rule, settle

Status = TaskStatus[object]


@rule("TASK-24", "TASK-26")
async def test_started_after_the_caller_was_cancelled() -> None:
    """started() does nothing if the caller of start() was cancelled before; start() raises the cancellation."""
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        with accord.CancelScope(shield=True):
            await settle()
            scope.cancel()
            await settle()
            task_status.started()
            steps.append("no error")
        await checkpoint()
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            await group.start(work)
            steps.append("start returned")
        assert scope.cancelled_caught
    assert steps == ["no error"]


@rule("TASK-25")
async def test_starting_task_is_not_cancelled_with_the_group() -> None:
    """Until started() the group's cancellation does not concern the task; from then on it does."""
    steps: list[str] = []
    go = accord.Event()

    async def work(*, task_status: Status) -> None:
        await go.wait()
        await checkpoint()
        steps.append("starting")
        task_status.started()
        await checkpoint()
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as outer:
        async with accord.create_task_group() as group:
            attempt = await blocked(outer, lambda: group.start(work))
            group.cancel()
            with accord.CancelScope(shield=True):
                await settle()
                assert attempt.outcome == "blocked"
                go.set()
        await settle()
        assert attempt.outcome == "returned"
    assert steps == ["starting"]


@rule("TASK-25")
@pytest.mark.parametrize("early", [True, False])
async def test_started_task_is_not_cancelled_with_the_caller(early: bool) -> None:
    """After started() the task no longer belongs to the scope in which start() was called."""
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        if not early:
            await checkpoint()
        task_status.started()
        await settle()
        steps.append("went on")

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            await group.start(work)
            scope.cancel()
            await checkpoint()
        assert scope.cancelled_caught
    assert steps == ["went on"]


@rule("TASK-25")
async def test_started_task_is_not_bound_by_the_deadline_of_the_caller() -> None:
    """The deadline around start() no longer counts for the task once it has started."""
    deadlines: list[float] = []

    async def work(*, task_status: Status) -> None:
        deadlines.append(accord.current_effective_deadline())
        task_status.started()
        deadlines.append(accord.current_effective_deadline())

    async with accord.create_task_group() as group:
        with accord.move_on_after(1000) as scope:
            await group.start(work)
    assert deadlines == [scope.deadline, float("inf")]


@rule("TASK-26")
async def test_cancelling_the_caller_cancels_the_starting_task() -> None:
    """A cancelled start() cancels the task, waits until it has cleaned up, and leaves the group alone."""
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await settle()
            steps.append("task")

    async with accord.create_task_group() as group:
        sibling = group.start_soon(accord.sleep_forever)
        with accord.move_on_after(0.02) as scope:
            await group.start(work)
        steps.append("caller")
        assert scope.cancelled_caught
        assert not group.cancel_scope.cancel_called
        await checkpoint()
        assert sibling.status is accord.HandleStatus.PENDING
        sibling.cancel()
    assert steps == ["task", "caller"]


@rule("TASK-26", "TASK-8")
async def test_starting_task_fails_while_it_cleans_up() -> None:
    """An error in the clean-up after a cancelled start() comes out of start(), and does not reach the group."""

    async def work(*, task_status: Status) -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise ValueError

    async with accord.create_task_group() as group:
        with pytest.raises(ValueError), accord.move_on_after(0.01):
            await group.start(work)
        assert not group.cancel_scope.cancel_called


@rule("TASK-22", "TASK-24", "TASK-26", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_caller_is_cancelled_around_started(gap: str) -> None:
    """If started() came first start() returns and the task stays; otherwise both are cancelled."""
    statuses: list[Status] = []
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        statuses.append(task_status)
        try:
            await accord.sleep_forever()
        finally:
            steps.append("ended")

    async with accord.create_task_group() as outer, accord.create_task_group() as group:
        attempt = await blocked(outer, lambda: group.start(work))
        served = await race(gap, attempt, lambda: statuses[0].started("value"))
        if served:
            assert attempt.value == "value"
        await settle()
        assert steps == ([] if served else ["ended"])
        assert not group.cancel_scope.cancel_called
        group.cancel()
    assert steps == ["ended"]


@rule("TASK-28")
@pytest.mark.parametrize("early", [True, False])
async def test_start_in_a_cancelled_scope(early: bool) -> None:
    """start() in a cancelled scope raises the cancellation; the task passes no checkpoint and is not in the group."""
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        if early:
            task_status.started()
        await checkpoint()
        steps.append("passed a checkpoint")
        if not early:
            task_status.started()

    async with accord.create_task_group() as group:
        assert await is_cancelled_by(lambda: group.start(work))
        await settle()
    assert steps == []
    assert not group.cancel_scope.cancel_called
