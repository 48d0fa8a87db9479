"""Entry, life and exit of task groups: what the exit waits for, and who may leave a group."""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord_conformance.attempts import GAPS, blocked, race
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


@rule("TASK-6", "TASK-5", "CANCEL-25")
@pytest.mark.parametrize("gap", GAPS)
async def test_outer_scope_is_cancelled_around_the_end_of_the_last_task(gap: str) -> None:
    """A task that was served in time ends normally, and so does its group; otherwise the outer scope catches."""
    event = accord.Event()
    reached: list[str] = []

    async def host() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(event.wait)
        reached.append("after the group")

    async with accord.create_task_group() as outer:
        attempt = await blocked(outer, host)
        served = await race(gap, attempt, event.set)
    assert reached == ["after the group"] * served
    assert attempt.scope.cancelled_caught is not served


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
        assert not group.cancel_scope.cancel_called
        assert handle.status is accord.HandleStatus.CANCELLED
        await checkpoint()
    assert not outer.cancel_scope.cancel_called
