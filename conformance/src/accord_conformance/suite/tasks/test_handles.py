"""Task handles: status, outcome, waiting, and cancelling one task."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord import HandleStatus
from accord.lowlevel import checkpoint
from accord.protocols import TaskHandle
from accord_conformance.attempts import GAPS, blocked, race
from accord_conformance.helpers import leaves, rule, settle


def _status(handle: TaskHandle[Any]) -> HandleStatus:
    # Type checkers believe that a property that was compared keeps its value.
    return handle.status


async def _return(value: object) -> object:
    return value


async def _fail() -> None:
    raise ValueError("no luck")


async def _stubborn(end: accord.Event, error: Exception | None = None) -> str:
    """Go on in spite of cancellations until ``end``, and then return or raise."""
    with accord.CancelScope(shield=True):
        await end.wait()
    if error is not None:
        raise error
    return "done"


@rule("TASK-30", "TASK-31")
async def test_finished_task() -> None:
    """A task that returns goes from PENDING to FINISHED, and its value can be read then and not before."""
    async with accord.create_task_group() as group:
        handle = group.start_soon(_return, 1)
        assert _status(handle) is HandleStatus.PENDING
        with pytest.raises(accord.TaskNotFinished):
            _ = handle.return_value
        with pytest.raises(accord.TaskNotFinished):
            _ = handle.exception
        await handle.wait()
        assert _status(handle) is HandleStatus.FINISHED
        assert handle.return_value == 1
        assert handle.exception is None


@rule("TASK-30", "TASK-31")
async def test_failed_task() -> None:
    """A task that raises is FAILED; each access of its value raises a TaskFailed of its own from the exception."""
    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            handle = group.start_soon(_fail, name="unlucky")
    assert _status(handle) is HandleStatus.FAILED
    error = handle.exception
    assert isinstance(error, ValueError)
    with pytest.raises(accord.TaskFailed, match="unlucky") as first:
        _ = handle.return_value
    with pytest.raises(accord.TaskFailed) as second:
        _ = handle.return_value
    assert first.value.__cause__ is error
    assert second.value.__cause__ is error
    assert first.value is not second.value
    assert not isinstance(first.value, accord.TaskCancelled)


@rule("TASK-30", "TASK-31", "TASK-32")
async def test_cancelled_task() -> None:
    """A task that is cancelled by its handle is CANCELLING, then CANCELLED; value and exception raise TaskCancelled."""
    async with accord.create_task_group() as group:
        handle = group.start_soon(accord.sleep_forever, name="idle")
        await settle()
        handle.cancel()
        assert _status(handle) is HandleStatus.CANCELLING
        with pytest.raises(accord.TaskNotFinished):
            _ = handle.return_value
        with pytest.raises(accord.TaskNotFinished):
            _ = handle.exception
        await handle.wait()
        assert _status(handle) is HandleStatus.CANCELLED
        with pytest.raises(accord.TaskCancelled, match="idle"):
            _ = handle.return_value
        with pytest.raises(accord.TaskCancelled, match="idle"):
            _ = handle.exception


@rule("TASK-30", "TASK-31")
async def test_cancelling_task_may_finish() -> None:
    """A task that returns in spite of its cancellation is FINISHED, and has its value."""
    end = accord.Event()
    async with accord.create_task_group() as group:
        handle = group.start_soon(_stubborn, end)
        await settle()
        handle.cancel()
        await settle()
        assert _status(handle) is HandleStatus.CANCELLING
        with pytest.raises(accord.TaskNotFinished):
            _ = handle.return_value
        end.set()
        assert await handle == "done"
    assert _status(handle) is HandleStatus.FINISHED
    assert handle.exception is None


@rule("TASK-30", "TASK-32", "TASK-8")
async def test_cancelling_task_may_fail() -> None:
    """A task that fails while it is being cancelled is FAILED, and the group raises the error."""
    end, error = accord.Event(), ValueError()
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            handle = group.start_soon(_stubborn, end, error)
            await settle()
            handle.cancel()
            end.set()
    assert _status(handle) is HandleStatus.FAILED
    assert handle.exception is error
    assert leaves(caught.value) == [error]


@rule("TASK-30")
async def test_cancelled_group_leaves_status_pending() -> None:
    """Cancelling the group changes the status of a task only when the task has ended."""
    end = accord.Event()
    async with accord.create_task_group() as group:
        stubborn = group.start_soon(_stubborn, end)
        idle = group.start_soon(accord.sleep_forever)
        await settle()
        group.cancel()
        assert _status(idle) is HandleStatus.PENDING
        with accord.CancelScope(shield=True):
            await settle()
        assert _status(stubborn) is HandleStatus.PENDING
        assert _status(idle) is HandleStatus.CANCELLED
        end.set()
    assert _status(stubborn) is HandleStatus.FINISHED


@rule("TASK-32")
async def test_cancel_concerns_one_task_only() -> None:
    """Siblings of a task that was cancelled by its handle go on, and the group ends without an exception."""
    async with accord.create_task_group() as group:
        one, other = (group.start_soon(accord.sleep_forever) for _ in range(2))
        await settle()
        one.cancel()
        await one.wait()
        await settle()
        assert not group.cancel_scope.cancel_called
        assert _status(other) is HandleStatus.PENDING
        other.cancel("enough")
    assert (one.status, other.status) == (HandleStatus.CANCELLED, HandleStatus.CANCELLED)
    assert not group.cancel_scope.cancelled_caught


@rule("TASK-32", "TASK-30", "CANCEL-25")
@pytest.mark.parametrize("served_first", [True, False])
async def test_cancel_around_the_end(served_first: bool) -> None:
    """A task that got what it waited for before cancel() finishes; one that was cancelled first does not."""
    event = accord.Event()
    async with accord.create_task_group() as group:
        handle = group.start_soon(event.wait)
        await settle()
        if served_first:
            event.set()
        handle.cancel()
        event.set()
    assert _status(handle) is (HandleStatus.FINISHED if served_first else HandleStatus.CANCELLED)


@rule("TASK-32")
@pytest.mark.parametrize("depth", [1, 2])
async def test_cancelled_task_with_groups_of_its_own(depth: int) -> None:
    """A task whose cancellation passes through its own task groups is CANCELLED, with no error anywhere."""

    async def work(depth: int) -> None:
        async with accord.create_task_group() as inner:
            for _ in range(2):
                if depth:
                    inner.start_soon(work, depth - 1)
                else:
                    inner.start_soon(accord.sleep_forever)

    async with accord.create_task_group() as group:
        handle = group.start_soon(work, depth)
        await settle()
        handle.cancel()
    assert _status(handle) is HandleStatus.CANCELLED
    assert not group.cancel_scope.cancel_called


@rule("TASK-32")
async def test_cancel_by_the_task_itself_and_after_its_end() -> None:
    """A task can cancel itself by its handle; cancelling one that has ended does nothing."""
    steps: list[str] = []

    async def work() -> None:
        mine.cancel()
        steps.append("still here")
        await checkpoint()
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as group:
        mine = group.start_soon(work)
        finished = group.start_soon(_return, 1)
    assert steps == ["still here"]
    assert _status(mine) is HandleStatus.CANCELLED
    finished.cancel()
    mine.cancel()
    assert _status(finished) is HandleStatus.FINISHED
    assert finished.return_value == 1
    assert _status(mine) is HandleStatus.CANCELLED


@rule("TASK-33")
async def test_wait_returns_for_each_outcome() -> None:
    """wait() returns None for each outcome; await returns the value or raises TaskFailed or TaskCancelled."""

    async def wait_and_await(handle: TaskHandle[object]) -> object:
        await handle.wait()
        try:
            return await handle
        except accord.TaskFailed as error:
            return type(error)

    async with accord.create_task_group() as waiters:
        with pytest.raises(ExceptionGroup):
            async with accord.create_task_group() as group:
                tasks = [group.start_soon(_return, 1), group.start_soon(accord.sleep_forever), group.start_soon(_fail)]
                results = [waiters.start_soon(wait_and_await, handle) for handle in tasks for _ in range(2)]
    assert [result.return_value for result in results] == [
        1,
        1,
        accord.TaskCancelled,
        accord.TaskCancelled,
        accord.TaskFailed,
        accord.TaskFailed,
    ]


@rule("TASK-33")
async def test_cancelled_waiter_does_not_cancel_the_task() -> None:
    """Cancelling a task that waits for another one does not concern that one, nor the other waiters."""
    end = accord.Event()
    async with accord.create_task_group() as group:
        handle = group.start_soon(_stubborn, end)

        async def wait() -> str:
            return await handle

        one, other = await blocked(group, wait), await blocked(group, wait)
        one.cancel()
        await settle()
        assert one.outcome == "cancelled"
        assert other.outcome == "blocked"
        assert _status(handle) is HandleStatus.PENDING
        end.set()
    assert (other.outcome, other.value) == ("returned", "done")
    assert _status(handle) is HandleStatus.FINISHED


@rule("TASK-33")
@pytest.mark.parametrize("gap", [GAPS[0], GAPS[3]])
async def test_waiter_is_cancelled_around_the_end_of_the_task(gap: str) -> None:
    """A waiter that is cancelled before the task ends raises that; one that is cancelled later returns."""
    # The task ends a step after its own cancellation, so the other two gaps can't be reached from here.
    async with accord.create_task_group() as group:
        handle = group.start_soon(accord.sleep_forever)
        await race(gap, await blocked(group, handle.wait), handle.cancel)


@rule("TASK-34")
async def test_waiting_for_oneself() -> None:
    """A task that waits for its own handle gets a RuntimeError."""
    errors: list[BaseException] = []

    async def work() -> None:
        try:
            await mine.wait()
        except RuntimeError as error:
            errors.append(error)
        try:
            await mine
        except RuntimeError as error:
            errors.append(error)

    async with accord.create_task_group() as group:
        mine = group.start_soon(work)
    assert len(errors) == 2


@rule("TASK-35")
async def test_awaited_failure_still_counts() -> None:
    """A failure that was seen and handled by a waiter is raised by the group all the same."""
    seen: list[BaseException | None] = []
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            handle = group.start_soon(_fail)
            with accord.CancelScope(shield=True):
                try:
                    await handle
                except accord.TaskFailed as error:
                    seen.append(error.__cause__)
    assert seen == leaves(caught.value)
    assert handle.exception is seen[0]


@rule("TASK-37")
async def test_repr_in_each_state() -> None:
    """The repr of a handle shows name and status; those of groups and scopes never raise."""
    group, scope = accord.create_task_group(name="mine"), accord.CancelScope()
    assert repr(group)
    assert repr(scope)
    async with group:
        with scope:
            assert repr(scope)
        assert repr(group)
        handles = [group.start_soon(_return, 1, name="first"), group.start_soon(accord.sleep_forever, name="second")]
        await settle()
        group.cancel()
        assert repr(group)
    assert repr(group)
    assert repr(scope)
    for handle in handles:
        assert handle.name in repr(handle)
        assert handle.status.value in repr(handle)
