"""TaskGroup.start(): the value, failures before and after started(), and to whom the task belongs meanwhile."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord.protocols import TaskHandle, TaskInfo, TaskStatus
from accord_conformance.attempts import blocked
from accord_conformance.helpers import assert_yields, rule, settle

Status = TaskStatus[object]


class CustomBaseException(BaseException):
    """Neither an Exception nor one of Python's own."""


@rule("TASK-22")
async def test_start_returns_the_value_of_started() -> None:
    """start() returns what was passed to started(), None by default, and the task goes on in the group."""
    steps: list[str] = []

    async def work(*args: object, task_status: Status) -> None:
        task_status.started(*args)
        await settle()
        steps.append("went on")

    async with accord.create_task_group() as group:
        assert await group.start(work, "value") == "value"
        assert steps == []
        assert await group.start(work) is None
    assert steps == ["went on", "went on"]


@rule("TASK-22")
async def test_start_waits_for_started() -> None:
    """start() does not return before started() was called."""
    steps: list[str] = []

    async def work(*, task_status: Status) -> None:
        await settle()
        steps.append("ready")
        task_status.started()

    async with accord.create_task_group() as group:
        await group.start(work)
        steps.append("returned")
    assert steps == ["ready", "returned"]


@rule("TASK-23")
@pytest.mark.parametrize("early", [True, False])
async def test_error_before_started_is_raised_by_start(early: bool) -> None:
    """An exception before started() comes out of start() as it is, and the group does not notice."""

    async def fail(error: BaseException, *, task_status: Status) -> None:
        if not early:
            await checkpoint()
        raise error

    async with accord.create_task_group() as group:
        sibling = group.start_soon(accord.sleep_forever)
        errors: list[BaseException] = [ValueError("busy"), ExceptionGroup("mine", [KeyError()]), CustomBaseException()]
        for error in errors:
            with pytest.raises(type(error)) as caught:
                await group.start(fail, error)
            assert caught.value is error
        await settle()
        assert not group.cancel_scope.cancel_called
        assert sibling.status is accord.HandleStatus.PENDING
        sibling.cancel()


@rule("TASK-23")
async def test_end_without_started() -> None:
    """A task that ends without started() makes start() raise RuntimeError, and the group goes on."""

    async def silent(*, task_status: Status) -> None:
        await checkpoint()

    async with accord.create_task_group() as group:
        with pytest.raises(RuntimeError, match="started"):
            await group.start(silent)
        await checkpoint()


@rule("TASK-23", "TASK-25")
async def test_error_after_started_belongs_to_the_group() -> None:
    """An exception after started() is collected by the group."""

    async def fail(*, task_status: Status) -> None:
        task_status.started()
        await checkpoint()
        raise ValueError

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            await group.start(fail)
    assert [type(error) for error in caught.value.exceptions] == [ValueError]


@rule("TASK-24")
async def test_second_started_raises_in_its_caller() -> None:
    """A second started() raises RuntimeError where it is called, and start() keeps the first value."""
    errors: list[BaseException] = []

    async def twice(*, task_status: Status) -> None:
        task_status.started(1)
        try:
            task_status.started(2)
        except RuntimeError as error:
            errors.append(error)
        await checkpoint()

    async with accord.create_task_group() as group:
        assert await group.start(twice) == 1
    assert len(errors) == 1


@rule("TASK-25", "TASK-1")
async def test_exit_waits_for_a_task_that_is_starting() -> None:
    """A group isn't left while a task is on its way into it."""
    steps: list[str] = []
    go = accord.Event()

    async def work(*, task_status: Status) -> None:
        await go.wait()
        task_status.started()
        await settle()
        steps.append("task")

    async with accord.create_task_group() as outer:
        async with accord.create_task_group() as group:
            attempt = await blocked(outer, lambda: group.start(work))
            current_token().call_soon(go.set)
        steps.append("after the group")
    assert attempt.outcome == "returned"
    assert steps == ["task", "after the group"]


@rule("TASK-27")
async def test_started_by_another_task() -> None:
    """started() may be called by another task, whose parent and scopes stay as they are."""
    parents: list[int | None] = []

    async def helper(task_status: Status) -> None:
        parents.append(accord.get_current_task().parent_id)
        task_status.started("by the helper")
        parents.append(accord.get_current_task().parent_id)
        await checkpoint()

    async def work(*, task_status: Status) -> None:
        parents.append(accord.get_current_task().id)
        async with accord.create_task_group() as inner:
            inner.start_soon(helper, task_status)

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            assert await group.start(work) == "by the helper"
            scope.cancel()
            await checkpoint()
        await settle()
    me, before, after = parents
    assert before == me
    assert after == me


@rule("TASK-27", "TASK-39")
async def test_started_by_a_callback() -> None:
    """started() may be called by a callback; the task is then a child of the group's host."""
    info: list[TaskInfo] = []

    async def work(*, task_status: Status) -> None:
        info.append(accord.get_current_task())
        current_token().call_soon(task_status.started, "by a callback")
        await settle()
        await accord.sleep(0.01)
        await checkpoint()

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            assert await group.start(work) == "by a callback"
            scope.cancel()
            await checkpoint()
        assert not info[0].finished
    assert info[0].finished
    assert info[0].parent_id == accord.get_current_task().id
    assert not group.cancel_scope.cancel_called


@rule("TASK-28")
async def test_start_yields() -> None:
    """start() yields, also if the task is ready at once."""

    async def work(*, task_status: Status) -> None:
        task_status.started()

    async with accord.create_task_group() as group:
        await assert_yields(lambda: group.start(work))


@rule("TASK-29")
async def test_start_returns_a_handle_if_asked() -> None:
    """With return_handle=True start() returns the handle, which has the value, also if that is None."""

    async def work(*args: object, task_status: Status) -> str:
        task_status.started(*args)
        await checkpoint()
        return "result"

    async with accord.create_task_group() as group:
        handle: TaskHandle[str] = await group.start(work, "ready", return_handle=True, name="mine")
        assert handle.start_value == "ready"
        assert handle.name == "mine"
        assert await handle == "result"
        none: TaskHandle[str] = await group.start(work, return_handle=True)
        assert none.start_value is None


@rule("TASK-29")
async def test_other_handles_have_no_start_value() -> None:
    """start_value of a handle from start_soon or create_task raises RuntimeError."""
    async with accord.create_task_group() as group:
        handles = [group.start_soon(checkpoint), group.create_task(checkpoint())]
        for handle in handles:
            with pytest.raises(RuntimeError):
                _ = handle.start_value
    for handle in handles:
        with pytest.raises(RuntimeError):
            _ = handle.start_value


@rule("TASK-44")
async def test_ignored_task_status() -> None:
    """TASK_STATUS_IGNORED accepts any number of calls."""
    for value in (None, 1, "x"):
        accord.TASK_STATUS_IGNORED.started(value)
    accord.TASK_STATUS_IGNORED.started()
