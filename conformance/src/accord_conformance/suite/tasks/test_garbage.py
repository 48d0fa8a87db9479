"""What is left of groups and tasks: nothing."""

from __future__ import annotations

import gc
import weakref

import accord
from accord.lowlevel import checkpoint
from accord.protocols import TaskStatus
from accord_conformance.helpers import cyclic_garbage, rule, settle


class Thing:
    """Something that can be referred to weakly."""


@rule("TASK-9")
async def test_open_group_keeps_no_finished_tasks() -> None:
    """Arguments and results of tasks that have ended are freed while their group goes on."""
    references: list[weakref.ref[Thing]] = []

    async def work(thing: Thing) -> Thing:
        references.append(weakref.ref(thing))
        result = Thing()
        references.append(weakref.ref(result))
        await checkpoint()
        return result

    async def begin(thing: Thing, *, task_status: TaskStatus[Thing] = accord.TASK_STATUS_IGNORED) -> None:
        references.append(weakref.ref(thing))
        task_status.started(thing)

    async with accord.create_task_group() as group:
        for _ in range(10):
            group.start_soon(work, Thing())
            group.create_task(work(Thing()))
            await group.start(begin, Thing())
            group.start_soon(accord.sleep_forever).cancel()
        await settle()
        await checkpoint()
        gc.collect()
        assert len(references) == 50
        assert [reference() for reference in references if reference() is not None] == []


@rule("TASK-36")
async def test_handle_of_a_finished_task_keeps_no_frame() -> None:
    """The locals of a coroutine are freed when its task has ended, though the handle is kept."""
    references: list[weakref.ref[Thing]] = []

    async def work() -> None:
        thing = Thing()
        references.append(weakref.ref(thing))
        await checkpoint()

    async with accord.create_task_group() as group:
        handles = [group.start_soon(work), group.create_task(work())]
        await settle()
        await checkpoint()
        assert [reference() for reference in references] == [None, None]
    assert [handle.return_value for handle in handles] == [None, None]


async def _finish() -> None:
    async with accord.create_task_group() as group:
        group.start_soon(checkpoint)
        await group.start_soon(checkpoint)


async def _fail_once(*, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
    await checkpoint()
    raise ValueError


@rule("TASK-36")
async def test_no_garbage_of_finished_tasks() -> None:
    """A group whose tasks finish leaves no reference cycles."""
    assert await cyclic_garbage(_finish) == []


@rule("TASK-36")
async def test_no_garbage_of_failing_tasks() -> None:
    """A group with an error in a task, in the body, or in a nested group leaves no reference cycles."""

    async def fail() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(_fail_once)
                group.start_soon(accord.sleep_forever)
        except* ValueError:
            pass

    async def fail_in_body() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep_forever)
                await _fail_once()
        except* ValueError:
            pass

    async def fail_nested() -> None:
        try:
            async with accord.create_task_group() as outer, accord.create_task_group() as group:
                outer.start_soon(accord.sleep_forever)
                group.start_soon(_fail_once)
        except* ValueError:
            pass

    assert await cyclic_garbage(fail) == []
    assert await cyclic_garbage(fail_in_body) == []
    assert await cyclic_garbage(fail_nested) == []


@rule("TASK-36")
async def test_no_garbage_of_cancelled_tasks() -> None:
    """A group that is cancelled, by itself, by a handle or from outside, leaves no reference cycles."""

    async def by_group() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep_forever)
            await checkpoint()
            group.cancel()

    async def by_handle() -> None:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever)
            await checkpoint()
            handle.cancel()

    async def from_outside() -> None:
        with accord.CancelScope() as scope:
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep_forever)
                await checkpoint()
                scope.cancel()

    assert await cyclic_garbage(by_group) == []
    assert await cyclic_garbage(by_handle) == []
    assert await cyclic_garbage(from_outside) == []


@rule("TASK-36")
async def test_no_garbage_of_start() -> None:
    """start() leaves no reference cycles, whether it succeeds, fails or is cancelled."""

    async def begin(*, task_status: TaskStatus[None]) -> None:
        task_status.started()

    async def hang(*, task_status: TaskStatus[None]) -> None:
        await accord.sleep_forever()

    async def succeed() -> None:
        async with accord.create_task_group() as group:
            await group.start(begin)

    async def fail() -> None:
        async with accord.create_task_group() as group:
            try:
                await group.start(_fail_once)
            except ValueError:
                pass

    async def cancel() -> None:
        async with accord.create_task_group() as group:
            with accord.CancelScope() as scope:
                accord.lowlevel.current_token().call_soon(scope.cancel)
                await group.start(hang)

    assert await cyclic_garbage(succeed) == []
    assert await cyclic_garbage(fail) == []
    assert await cyclic_garbage(cancel) == []


@rule("TASK-36")
async def test_no_garbage_of_awaited_handles() -> None:
    """Awaiting the handle of a failed or cancelled task leaves no reference cycles."""

    async def failed() -> None:
        try:
            async with accord.create_task_group() as group:
                handle = group.start_soon(_fail_once)
                with accord.CancelScope(shield=True):
                    try:
                        await handle
                    except accord.TaskFailed:
                        pass
        except* ValueError:
            pass

    async def cancelled() -> None:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever)
            handle.cancel()
            try:
                await handle
            except accord.TaskCancelled:
                pass

    assert await cyclic_garbage(failed) == []
    assert await cyclic_garbage(cancelled) == []
