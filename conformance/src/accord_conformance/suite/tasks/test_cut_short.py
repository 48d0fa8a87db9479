"""What a group knows of a cancellation from outside: also where a shield goes up or a handle is cancelled meanwhile.

A cancellation is on its way between the moment at which somebody requests it and the one at which the task's exception
reaches the group. What changes in between must not change what the exception is taken for.
"""

from __future__ import annotations

import accord
from accord.protocols import TaskStatus
from accord_conformance.helpers import rule, settle


@rule("TASK-45", "CANCEL-10")
async def test_body_cut_short_and_shielded_before_it_resumes() -> None:
    """A body that an outer scope has cancelled ends the group with that reason, if a shield goes up before it runs."""

    async def cancel_and_shield() -> None:
        scope.cancel("the text")
        group.cancel_scope.shield = True

    name = ""
    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            name = group.start_soon(cancel_and_shield).name
            await accord.sleep_forever()
        after = accord.current_effective_deadline()
    assert after == float("-inf")
    assert group.cancel_scope.cancel_reason == ("parent", "the text", name)
    assert group.cancel_scope.cancelled_caught
    assert not scope.cancelled_caught


@rule("TASK-45", "CANCEL-10")
async def test_task_cut_short_and_group_shielded_before_it_resumes() -> None:
    """The same of a task: the others, and the body, do not go on without it."""
    events: list[str] = []

    async def victim() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("victim")

    async def other() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("other")

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            group.start_soon(victim)
            await settle()
            scope.cancel("the text")
            group.cancel_scope.shield = True
            group.start_soon(other)
            await accord.sleep_forever()
    assert sorted(events) == ["other", "victim"]
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert reason[:2] == ("parent", "the text")


@rule("TASK-45", "CANCEL-24")
async def test_own_handle_does_not_replace_the_outer_reason() -> None:
    """A task that an outer scope cuts short gives the group the outer reason, if its own handle is cancelled on top."""

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            handle.cancel("its own")

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            handle = group.start_soon(child)
            await settle()
            scope.cancel("outer")
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert reason[:2] == ("parent", "outer")


@rule("TASK-26")
async def test_start_whose_caller_was_cancelled_by_the_task() -> None:
    """``start()`` raises its caller's cancellation also if the task ends normally, with or without ``started()``."""

    async def cancel_and_start(*, task_status: TaskStatus[None]) -> None:
        scope.cancel()
        task_status.started()

    async def cancel_and_end(*, task_status: TaskStatus[None]) -> None:
        scope.cancel()

    for func in (cancel_and_start, cancel_and_end):
        async with accord.create_task_group() as group:
            with accord.CancelScope() as scope:
                await group.start(func)
            assert scope.cancelled_caught
            assert not group.cancel_scope.cancel_called


@rule("TASK-26", "TASK-45")
async def test_start_cut_short_and_shielded_before_the_task_resumes() -> None:
    """``start()`` raises the cancellation that ended its task, also if a shield goes up before the task runs."""
    ended: list[str] = []

    async def start_slowly(*, task_status: TaskStatus[None]) -> None:
        try:
            await accord.sleep_forever()
        finally:
            ended.append("task")

    async def cancel_and_shield() -> None:
        await settle()
        scope.cancel("the text")
        group.cancel_scope.shield = True

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            group.start_soon(cancel_and_shield)
            try:
                await group.start(start_slowly)
            finally:
                ended.append("start")
    assert ended == ["task", "start"]
    reason = group.cancel_scope.cancel_reason
    assert reason is not None
    assert reason[:2] == ("parent", "the text")


@rule("TASK-25", "CANCEL-24")
async def test_reason_in_a_task_that_is_being_started() -> None:
    """A task that is being started sees why its caller was cancelled, also through the caller's handle."""
    reasons: list[accord.CancelReason | None] = []

    async def child(*, task_status: TaskStatus[None]) -> None:
        handle.cancel("the text")
        with accord.CancelScope() as scope:
            reasons.append(scope.cancel_reason)
        try:
            async with accord.create_task_group() as inner:
                await accord.sleep_forever()
        finally:
            reasons.append(inner.cancel_scope.cancel_reason)

    async def starter() -> None:
        await group.start(child)

    async with accord.create_task_group() as group:
        handle = group.start_soon(starter)
    assert [reason and reason[:2] for reason in reasons] == [("parent", "the text")] * 2
