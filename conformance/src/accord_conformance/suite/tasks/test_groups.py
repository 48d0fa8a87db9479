"""Entry, life and exit of task groups: what they wait for, when they cancel, and what they pass on."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.helpers import assert_yields, count_yields, rule, settle


@rule("TASK-1")
async def test_exit_waits_for_all_tasks() -> None:
    """The code after a group runs after the last of its tasks."""
    ended: list[int] = []

    async def work(steps: int) -> None:
        for _ in range(steps):
            await checkpoint()
        ended.append(steps)

    async with accord.create_task_group() as group:
        for steps in (5, 1, 3):
            group.start_soon(work, steps)
    assert sorted(ended) == [1, 3, 5]


@rule("TASK-1", "TASK-12")
async def test_exit_waits_for_tasks_started_during_exit() -> None:
    """Tasks that tasks start while the host waits in the exit are waited for, at any depth."""
    ended: list[int] = []

    async def work(depth: int) -> None:
        await settle()
        if depth:
            group.start_soon(work, depth - 1)
            group.create_task(work(0))
        await settle()
        ended.append(depth)

    async with accord.create_task_group() as group:
        group.start_soon(work, 2)
    assert sorted(ended) == [0, 0, 0, 1, 2]


@rule("TASK-1")
async def test_exit_waits_for_clean_up_after_the_body_failed() -> None:
    """Tasks that take time to clean up are waited for although the body raised."""
    ended: list[str] = []

    async def work() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.02)
            ended.append("clean")

    with pytest.raises(ExceptionGroup):
        async with accord.create_task_group() as group:
            group.start_soon(work)
            await settle()
            raise ValueError
    assert ended == ["clean"]


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


@rule("TASK-6")
async def test_exit_brings_in_no_cancellation() -> None:
    """If all work ended normally, a cancellation of an outer scope in the meantime does not appear at the exit."""
    reached: list[str] = []

    async def work() -> None:
        with accord.CancelScope(shield=True):
            await settle()
            outer.cancel()
            await settle()

    with accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            group.start_soon(work)
        reached.append("after the group")
    assert reached == ["after the group"]
    assert not outer.cancelled_caught


@rule("TASK-6", "TASK-7")
async def test_empty_group_in_a_cancelled_scope() -> None:
    """The exit of a group without tasks raises no cancellation."""
    reached: list[str] = []
    with accord.CancelScope() as outer:
        outer.cancel()
        async with accord.create_task_group():
            pass
        reached.append("after the group")
    assert reached == ["after the group"]


async def _empty_group() -> None:
    async with accord.create_task_group():
        pass


@rule("TASK-7")
async def test_exit_yields() -> None:
    """The exit yields, also of an empty group, in a cancelled scope, and after all tasks have ended."""
    await assert_yields(_empty_group)
    with accord.CancelScope() as outer:
        outer.cancel()
        assert await count_yields(_empty_group()) > 0
    group = accord.create_task_group()
    await group.__aenter__()
    group.start_soon(cancel_shielded_checkpoint)
    await settle()
    assert await count_yields(group.__aexit__(None, None, None)) > 0


@rule("TASK-7", "TASK-1")
async def test_waiting_in_the_exit_is_not_interrupted() -> None:
    """A cancellation while the host waits in the exit does not make it leave its tasks."""
    steps: list[str] = []

    async def work() -> None:
        with accord.CancelScope(shield=True):
            await settle()
            outer.cancel()
            await accord.sleep(0.02)
            steps.append("task")

    with accord.CancelScope() as outer:
        async with accord.create_task_group() as group:
            group.start_soon(work)
        steps.append("host")
    assert steps == ["task", "host"]


@rule("TASK-13")
async def test_group_can_be_entered_once() -> None:
    """A second entry raises RuntimeError, while the group is open and after its exit, and does no harm."""
    async with accord.create_task_group() as group:
        with pytest.raises(RuntimeError):
            await group.__aenter__()
        handle = group.start_soon(checkpoint)
    assert handle.status is accord.HandleStatus.FINISHED
    with pytest.raises(RuntimeError):
        await group.__aenter__()


@rule("TASK-13")
async def test_exit_in_another_task() -> None:
    """Leaving a group in another task raises RuntimeError, and its host can go on and leave it as usual."""
    errors: list[BaseException] = []

    async def leave() -> None:
        try:
            await group.__aexit__(None, None, None)
        except RuntimeError as error:
            errors.append(error)

    async with accord.create_task_group() as outer:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever)
            await outer.start_soon(leave).wait()
            assert len(errors) == 1
            assert handle.status is accord.HandleStatus.PENDING
            later = group.start_soon(checkpoint)
            await later.wait()
            handle.cancel()
        assert handle.status is accord.HandleStatus.CANCELLED
        await checkpoint()
    assert not outer.cancel_scope.cancel_called


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
