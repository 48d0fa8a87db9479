"""Context variables and tasks."""

from __future__ import annotations

import contextvars

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import rule

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture(autouse=True)
def _unset() -> None:
    variable.set("unset")


async def note(seen: list[str]) -> None:
    """Note the variable's value, before and after a checkpoint."""
    seen.append(variable.get())
    await checkpoint()
    seen.append(variable.get())


@rule("CTX-1")
async def test_snapshot_at_the_call() -> None:
    """A task sees the value at the time of the call, whatever the starter sets afterwards."""
    first: list[str] = []
    second: list[str] = []
    third: list[str] = []
    async with accord.create_task_group() as group:
        variable.set("one")
        group.start_soon(note, first)
        variable.set("two")
        group.create_task(note(second))
        variable.set("three")
        group.start_soon(note, third)
        variable.set("four")
    assert (first, second, third) == (["one"] * 2, ["two"] * 2, ["three"] * 2)
    assert variable.get() == "four"


@rule("CTX-1")
async def test_starter_counts_and_not_the_host() -> None:
    """A task that another task starts in the same group gets that task's context."""
    seen: list[str] = []

    async def child() -> None:
        variable.set("child")
        group.start_soon(note, seen)
        variable.set("later")

    async with accord.create_task_group() as group:
        variable.set("host")
        group.start_soon(child)
    assert seen == ["child"] * 2


@rule("CTX-2")
async def test_changes_stay_inside() -> None:
    """What a task sets is seen neither by its starter nor by its siblings."""
    seen: list[str] = []

    async def child() -> None:
        variable.set("child")
        await checkpoint()
        assert variable.get() == "child"

    variable.set("host")
    async with accord.create_task_group() as group:
        group.start_soon(child)
        await checkpoint()
        await checkpoint()
        group.start_soon(note, seen)
    assert variable.get() == "host"
    assert seen == ["host"] * 2


@rule("CTX-1", "CTX-2")
@pytest.mark.parametrize("yields", [False, True])
async def test_start(yields: bool) -> None:
    """A task that is started by ``start`` sees the caller's value, and keeps its own to itself."""
    seen: list[str] = []

    async def child(*, task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
        seen.append(variable.get())
        variable.set("child")
        if yields:
            await checkpoint()
        task_status.started()
        seen.append(variable.get())
        await checkpoint()
        seen.append(variable.get())

    variable.set("host")
    async with accord.create_task_group() as group:
        await group.start(child)
        assert variable.get() == "host"
        variable.set("later")
    assert variable.get() == "later"
    assert seen == ["host", "child", "child"]


@rule("CTX-2")
async def test_changes_before_the_first_checkpoint() -> None:
    """What a task sets before its first checkpoint stays inside as well."""

    async def child() -> None:
        variable.set("child")

    variable.set("host")
    async with accord.create_task_group() as group:
        group.start_soon(child)
        group.create_task(child())
    assert variable.get() == "host"


@rule("CTX-3")
async def test_explicit_context() -> None:
    """A task with an explicit context runs in that very context."""
    seen: list[str] = []

    async def child() -> None:
        seen.append(variable.get())
        await checkpoint()
        variable.set("child")

    variable.set("given")
    context = contextvars.copy_context()
    variable.set("host")
    async with accord.create_task_group() as group:
        group.create_task(child(), context=context)
    assert seen == ["given"]
    assert context[variable] == "child"
    assert variable.get() == "host"


@rule("CTX-3")
async def test_one_context_for_several_tasks() -> None:
    """Tasks that are given the same context share it."""
    seen: list[str] = []

    async def write() -> None:
        variable.set("written")

    context = contextvars.copy_context()
    async with accord.create_task_group() as group:
        handle = group.create_task(write(), context=context)
        await handle.wait()
        group.create_task(note(seen), context=context)
    assert seen == ["written"] * 2


@rule("CTX-5")
async def test_values_across_checkpoints() -> None:
    """Each task sees its own value after each checkpoint, whatever wakes it."""

    async def child(name: str) -> None:
        variable.set(name)
        await checkpoint()
        assert variable.get() == name
        await accord.sleep(0.005)
        assert variable.get() == name
        with accord.move_on_after(0.005):
            await accord.sleep_forever()
        assert variable.get() == name
        assert await accord.to_thread.run_sync(variable.get) == name
        assert variable.get() == name

    async with accord.create_task_group() as group:
        for number in range(5):
            group.start_soon(child, f"value {number}")


@rule("CTX-5")
async def test_value_when_cancelled() -> None:
    """A task that is cancelled by another one cleans up in its own context."""
    seen: list[str] = []

    async def child() -> None:
        variable.set("child")
        try:
            await accord.sleep_forever()
        finally:
            seen.append(variable.get())

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await checkpoint()
        await checkpoint()
        variable.set("host")
        group.cancel()
    assert seen == ["child"]
    assert variable.get() == "host"
