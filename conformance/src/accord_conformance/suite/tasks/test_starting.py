"""start_soon and create_task: when the task runs, in which context, under which name, and what is refused."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint
from accord.protocols import TaskStatus
from accord_conformance.helpers import rule, settle


@rule("TASK-10")
async def test_task_does_not_run_in_the_call() -> None:
    """Tasks take their first step after start_soon and create_task have returned, when the caller yields."""
    steps: list[str] = []

    async def work(name: str) -> None:
        steps.append(name)

    async with accord.create_task_group() as group:
        group.start_soon(work, "start_soon")
        group.create_task(work("create_task"))
        steps.append("body")
        await settle()
        assert steps[0] == "body"
        assert sorted(steps[1:]) == ["create_task", "start_soon"]


@rule("TASK-11")
@pytest.mark.parametrize("by", ["group", "handle", "outer scope", "outer scope before"])
async def test_task_cancelled_before_its_first_step(by: str) -> None:
    """A task that is cancelled at once still runs up to its first checkpoint."""
    steps: list[str] = []

    async def work() -> None:
        try:
            steps.append("first step")
            await checkpoint()
            steps.append("passed a checkpoint")
        finally:
            steps.append("clean-up")

    with accord.CancelScope() as outer:
        if by == "outer scope before":
            outer.cancel()
        async with accord.create_task_group() as group:
            handle = group.start_soon(work)
            if by == "group":
                group.cancel()
            elif by == "handle":
                handle.cancel()
            else:
                outer.cancel()
    assert steps == ["first step", "clean-up"]
    assert handle.status is accord.HandleStatus.CANCELLED


@rule("TASK-12")
async def test_closed_group_takes_no_tasks() -> None:
    """Before entry and after exit the three ways to start a task raise RuntimeError and run nothing."""
    ran: list[str] = []

    async def work(*, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
        ran.append("work")
        task_status.started()

    async def attempt() -> None:
        coroutine = work()
        with pytest.raises(RuntimeError):
            group.create_task(coroutine)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
        with pytest.raises(RuntimeError):
            group.start_soon(work)
        with pytest.raises(RuntimeError):
            await group.start(work)

    group = accord.create_task_group()
    await attempt()
    async with group:
        await group.start(work)
    await attempt()
    assert ran == ["work"]


@rule("TASK-12", "TASK-1")
@pytest.mark.parametrize("steps", range(6))
async def test_tasks_that_come_when_the_group_is_being_left(steps: int) -> None:
    """However late a task comes, it either runs before the exit returns, or is refused and its coroutine closed."""
    left = False
    ran: list[bool] = []

    async def work() -> None:
        await cancel_shielded_checkpoint()
        ran.append(left)

    async def intrude() -> None:
        for _ in range(steps):
            await cancel_shielded_checkpoint()
        coroutine = work()
        try:
            handle = group.create_task(coroutine)
        except RuntimeError:
            assert ran == []
        else:
            await handle.wait()
            assert ran == [False]
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED

    async with accord.create_task_group() as outer:
        async with accord.create_task_group() as group:
            outer.start_soon(intrude)
            group.start_soon(cancel_shielded_checkpoint)
        left = True


def no_coroutine(*args: object, **keywords: object) -> None:
    """A synchronous function."""


class NoCoroutine:
    """Its instances are synchronous callables, and have a synchronous method."""

    def __call__(self, *args: object, **keywords: object) -> int:
        """Return something that is no coroutine."""
        return 1

    def method(self, *args: object, **keywords: object) -> int:
        """Return something that is no coroutine."""
        return 1


async def takes_one(value: int, *, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> int:
    """An asynchronous function with one argument."""
    task_status.started()
    return value


_untyped: Any = takes_one


@rule("TASK-15")
@pytest.mark.parametrize(
    ("func", "name"),
    [
        (no_coroutine, "no_coroutine"),
        (partial(no_coroutine, 1), "no_coroutine"),
        (NoCoroutine(), "NoCoroutine"),
        (NoCoroutine().method, "method"),
        (takes_one, "takes_one"),
        (partial(_untyped, 1, 2), "takes_one"),
        (5, "int"),
        (None, "None"),
    ],
)
async def test_what_is_no_asynchronous_function_is_refused(func: Callable[..., Any], name: str) -> None:
    """start_soon and start raise a TypeError that names the callable, and the group goes on."""
    async with accord.create_task_group() as group:
        with pytest.raises(TypeError, match=name):
            group.start_soon(func)
        with pytest.raises(TypeError, match=name):
            await group.start(func)
        assert await group.start_soon(takes_one, 3) == 3
    assert not group.cancel_scope.cancel_called


@rule("TASK-15")
async def test_coroutine_objects_are_refused_by_start_soon() -> None:
    """start_soon and start raise a TypeError for a coroutine object, name its function, and close it."""
    async with accord.create_task_group() as group:
        coroutine: Any = takes_one(1)
        with pytest.raises(TypeError, match="takes_one"):
            group.start_soon(coroutine)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED
        coroutine = takes_one(1)
        with pytest.raises(TypeError, match="takes_one"):
            await group.start(coroutine)
        assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


@rule("TASK-15")
@pytest.mark.parametrize("value", [takes_one, partial(takes_one, 1), no_coroutine, 5, None])
async def test_create_task_takes_coroutine_objects_only(value: Any) -> None:
    """create_task raises a TypeError for what is no coroutine object, and the group goes on."""
    async with accord.create_task_group() as group:
        with pytest.raises(TypeError):
            group.create_task(value)
        assert await group.create_task(takes_one(3)) == 3


@rule("TASK-15")
async def test_create_task_takes_each_kind_of_coroutine_object() -> None:
    """Steps of an asynchronous generator have the interface of a coroutine, and can be run as tasks."""

    async def generate() -> AsyncGenerator[int, str]:
        await checkpoint()
        assert (yield 1) == "sent"
        try:
            yield 2
        except KeyError:
            yield 3

    async with accord.create_task_group() as group:
        async with aclosing(generate()) as generator:
            assert await group.create_task(generator.asend(None)) == 1  # type: ignore[arg-type]
            assert await group.create_task(generator.asend("sent")) == 2
            assert await group.create_task(generator.athrow(KeyError())) == 3


@rule("TASK-15")
async def test_callables_of_each_kind_are_accepted() -> None:
    """Methods, partials and callable objects run as well as functions."""

    class Worker:
        async def __call__(self, value: int) -> int:
            return value

        async def method(self, value: int) -> int:
            return value

    async with accord.create_task_group() as group:
        handles = [
            group.start_soon(takes_one, 1),
            group.start_soon(Worker(), 1),
            group.start_soon(Worker().method, 1),
            group.start_soon(partial(takes_one, 1)),
            group.start_soon(partial(Worker(), 1)),
            group.start_soon(lambda: takes_one(1)),
        ]
    assert [handle.return_value for handle in handles] == [1] * len(handles)


@rule("TASK-16", "CTX-1", "CTX-2")
async def test_task_has_a_copy_of_the_context_at_the_call() -> None:
    """A task sees the caller's context as it was at the call, and its changes are its own."""
    variable: ContextVar[str] = ContextVar("variable")
    seen: list[str] = []

    async def work(*, task_status: TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
        seen.append(variable.get())
        variable.set("by the task")
        task_status.started()

    async with accord.create_task_group() as group:
        variable.set("at start_soon")
        group.start_soon(work)
        variable.set("at create_task")
        group.create_task(work())
        variable.set("later")
        await settle()
        await group.start(work)
    assert sorted(seen) == ["at create_task", "at start_soon", "later"]
    assert variable.get() == "later"


@rule("TASK-17", "CTX-3")
async def test_task_runs_in_the_given_context_itself() -> None:
    """What a task sets is visible in the context that was given to create_task, and not in the caller's."""
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    context = copy_context()
    context.run(variable.set, "given")
    seen: list[str] = []

    async def work() -> None:
        seen.append(variable.get())
        variable.set("first step")
        await checkpoint()
        seen.append(variable.get())
        variable.set("second step")

    async with accord.create_task_group() as group:
        await group.create_task(work(), context=context)
    assert seen == ["given", "first step"]
    assert context[variable] == "second step"
    assert variable.get() == "nothing"


@rule("TASK-20")
async def test_default_name_is_that_of_the_function() -> None:
    """The default name is module.qualname of the function, through partials and methods, or of an object's class."""

    class Worker:
        async def __call__(self) -> str:
            return accord.get_current_task().name

        async def method(self) -> str:
            return accord.get_current_task().name

    async def work(*args: object) -> str:
        return accord.get_current_task().name

    here = f"{__name__}.test_default_name_is_that_of_the_function.<locals>"
    async with accord.create_task_group() as group:
        handles = {
            f"{here}.work": [
                group.start_soon(work),
                group.start_soon(partial(work)),
                group.start_soon(partial(partial(work), 1)),
            ],
            f"{here}.Worker.method": [group.start_soon(Worker().method), group.start_soon(partial(Worker().method))],
            f"{here}.Worker": [group.start_soon(Worker()), group.start_soon(partial(Worker()))],
        }
    for name, tasks in handles.items():
        assert [handle.name for handle in tasks] == [name] * len(tasks)
        assert [handle.return_value for handle in tasks] == [name] * len(tasks)


@rule("TASK-20")
async def test_explicit_name_wins() -> None:
    """A name that is given is the task's name, as a string."""

    async def work(*, task_status: TaskStatus[str] = accord.TASK_STATUS_IGNORED) -> str:
        task_status.started(accord.get_current_task().name)
        return accord.get_current_task().name

    async with accord.create_task_group() as group:
        handles = [group.start_soon(work, name="mine"), group.create_task(work(), name=5)]
        assert await group.start(work, name=("a", 1)) == "('a', 1)"
    assert [handle.return_value for handle in handles] == ["mine", "5"]
    assert [handle.name for handle in handles] == ["mine", "5"]
