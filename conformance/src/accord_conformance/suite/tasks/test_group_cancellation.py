"""When a task group is cancelled: by failures, by outer scopes, and before its entry."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, current_backend
from accord_conformance.helpers import rule, settle


@rule("TASK-2")
async def test_failure_of_a_task_cancels_body_and_siblings() -> None:
    """An error in one task cancels the body and the other tasks."""
    cancelled: list[str] = []

    async def fail() -> None:
        raise ValueError

    async def wait(name: str) -> None:
        try:
            await accord.sleep_forever()
        except accord.get_cancelled_exc_class():
            cancelled.append(name)
            raise

    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            group.start_soon(wait, "sibling")
            await settle()
            group.start_soon(fail)
            await wait("body")
    assert sorted(cancelled) == ["body", "sibling"]


@rule("TASK-2")
async def test_failure_of_the_body_cancels_tasks() -> None:
    """An error in the body cancels the tasks."""
    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever)
            await settle()
            raise ValueError
    assert handle.status is accord.HandleStatus.CANCELLED
    assert group.cancel_scope.cancel_called


@rule("TASK-2")
async def test_whoever_sees_a_failed_task_sees_its_group_cancelled() -> None:
    """A task that waits for the handle of a failing task finds the group's scope cancelled when it resumes."""
    seen: list[bool] = []

    async def fail() -> None:
        await settle()
        raise ValueError

    async def watch() -> None:
        with accord.CancelScope(shield=True):
            await handle.wait()
            seen.append(group.cancel_scope.cancel_called)

    async with accord.create_task_group() as outer:
        with pytest.raises(ExceptionGroup):
            async with accord.create_task_group() as group:
                handle = group.start_soon(fail)
                outer.start_soon(watch)
    assert seen == [True]


@rule("TASK-2", "TASK-43")
async def test_nobody_sees_a_failed_task_in_a_group_that_goes_on() -> None:
    """Neither a callback at the end of a failing task nor a task that looks at each step finds its group going on."""
    seen: list[tuple[bool, bool]] = []

    def look() -> None:
        seen.append((handle.status is accord.HandleStatus.FAILED, group.cancel_scope.cancel_called))

    async def fail() -> None:
        current_backend().watch_task(accord.get_current_task(), look)
        await checkpoint()
        raise ValueError

    async def watch() -> None:
        while handle.status is accord.HandleStatus.PENDING:
            await cancel_shielded_checkpoint()
            look()

    async with accord.create_task_group() as outer:
        with pytest.raises(ExceptionGroup):
            async with accord.create_task_group() as group:
                handle = group.start_soon(fail)
                outer.start_soon(watch)
    assert (True, True) in seen
    assert (True, False) not in seen


@rule("TASK-2")
async def test_failure_cancels_the_group_though_an_outer_scope_is_cancelled() -> None:
    """The group's scope is cancelled by a failing task also if an outer scope was cancelled before."""

    async def fail() -> None:
        with accord.CancelScope(shield=True):
            await settle()
            raise ValueError

    async def wait() -> None:
        # Shielded from the outer scope, but inside a scope of the group: only the group's own cancellation counts.
        with accord.CancelScope(shield=True):
            while not group.cancel_scope.cancel_called:
                await accord.sleep(0.005)

    with pytest.raises(ExceptionGroup), accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(wait)
            outer.cancel()
    assert group.cancel_scope.cancel_called


@rule("TASK-2", "CANCEL-24")
async def test_failure_is_the_reason_of_the_cancellation() -> None:
    """The scope of a group that a task's failure cancelled says so and names the task."""

    async def fail() -> None:
        raise ValueError

    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            group.start_soon(fail, name="the culprit")
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert (reason.kind, reason.source) == ("failure", "the culprit")


@rule("TASK-45")
@pytest.mark.parametrize("cut", ["task", "body"])
async def test_work_cut_short_from_outside_cancels_the_group(cut: str) -> None:
    """When body or a task was ended by an outer scope, the group is cancelled too, and a late shield saves nobody."""
    steps: list[str] = []
    go = accord.Event()

    async def resist() -> None:
        with accord.CancelScope(shield=True):
            await go.wait()
        await checkpoint()
        steps.append("passed a checkpoint")

    async def raise_shield() -> None:
        with accord.CancelScope(shield=True):
            await settle()
            steps.append(f"cancelled: {scope.cancel_called}")
            scope.shield = True
            go.set()

    async with accord.create_task_group() as helpers:
        with accord.CancelScope() as outer:
            async with accord.create_task_group() as group:
                scope = group.cancel_scope
                group.start_soon(resist)
                if cut == "task":
                    group.start_soon(accord.sleep_forever)
                await settle()
                outer.cancel("enough")
                helpers.start_soon(raise_shield)
                with accord.CancelScope(shield=cut == "task"):
                    await go.wait()
    assert steps == ["cancelled: True"]
    reason = scope.cancel_reason
    assert reason is not None
    assert (reason.kind, reason.message) == ("parent", "enough")


@rule("TASK-45", "TASK-32")
async def test_task_cancelled_by_its_handle_does_not_cancel_the_group() -> None:
    """A task that its handle cancelled, while an outer scope is not cancelled, leaves the group's scope as it is."""
    async with accord.create_task_group() as group:
        handle = group.start_soon(accord.sleep_forever)
        await settle()
        handle.cancel()
        await handle.wait()
        assert not group.cancel_scope.cancel_called
        await checkpoint()


@rule("TASK-14")
async def test_cancel_before_entry() -> None:
    """A group that was cancelled before its entry cancels its body and tasks from the entry on."""
    for by_scope in (False, True):
        reached: list[str] = []
        group = accord.create_task_group()
        if by_scope:
            group.cancel_scope.cancel()
        else:
            group.cancel()
        async with group:
            handle = group.start_soon(accord.sleep_forever)
            reached.append("entered")
            await checkpoint()
            reached.append("passed a checkpoint")
        assert reached == ["entered"]
        assert handle.status is accord.HandleStatus.CANCELLED
        assert group.cancel_scope.cancelled_caught


@rule("TASK-14")
async def test_deadline_and_shield_before_entry() -> None:
    """Deadline and shield of the group's scope can be set before the entry."""
    group = accord.create_task_group()
    group.cancel_scope.deadline = accord.current_time() - 1
    async with group:
        await accord.sleep_forever()
    assert group.cancel_scope.cancelled_caught
    group = accord.create_task_group()
    group.cancel_scope.shield = True
    reached: list[str] = []
    with accord.CancelScope() as outer:
        outer.cancel()
        async with group:
            await checkpoint()
            await group.start_soon(checkpoint)
            reached.append("shielded")
    assert reached == ["shielded"]
