"""The task tree as text."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

import pytest

import accord
from accord.debug import format_task_tree
from accord_conformance.helpers import in_thread, rule, settle, untestable


async def _wait_deep(event: accord.Event) -> None:
    await _wait_deeper(event)


async def _wait_deeper(event: accord.Event) -> None:
    await event.wait()  # here


def needs_coroutines() -> None:
    """End the test if the backend's tasks don't tell their coroutines."""
    if not hasattr(accord.get_current_task(), "coro"):
        untestable("the TaskInfo of this backend does not tell the coroutine")


def _line_of(function: Callable[..., Any]) -> int:
    return function.__code__.co_firstlineno


@rule("DEBUG-1")
async def test_tree() -> None:
    """Each task stands once, under its parent, with its id."""
    event = accord.Event()

    async def parent() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(event.wait, name="grandchild")
            await event.wait()

    text = ""
    async with accord.create_task_group() as group:
        group.start_soon(parent, name="parent")
        group.start_soon(event.wait, name="other child")
        await settle()
        text = format_task_tree()
        ids = {task.name: task.id for task in accord.get_running_tasks()}
        event.set()
    indents: dict[str, int] = {}
    for name, number in ids.items():
        lines = [line for line in text.splitlines() if f"{name} (task {number})" in line]
        assert len(lines) == 1, text
        indents[name] = lines[0].index(name)
    main = next(name for name in ids if name not in ("parent", "grandchild", "other child"))
    assert indents[main] < indents["parent"] == indents["other child"] < indents["grandchild"]
    assert f"{len(ids)} tasks" in text
    assert text.index("parent (") < text.index("grandchild (")


@rule("DEBUG-1")
async def test_cancelled_tasks() -> None:
    """A task that is cancelled and cleans up is said to be, and no other is."""
    seen: list[str] = []

    async def look() -> None:
        try:
            await accord.sleep_forever()
        finally:
            seen.append(format_task_tree())

    async with accord.create_task_group() as group:
        handle = group.start_soon(look, name="about to end")
        group.start_soon(accord.sleep_forever, name="innocent")
        await settle()
        seen.append(format_task_tree())
        handle.cancel()
        await handle.wait()
        group.cancel()
    before, after = seen
    assert "), cancelled" not in before
    assert re.search(r"about to end \(task \d+\), cancelled", after)
    assert after.count("), cancelled") == 1


@rule("DEBUG-1")
async def test_in_a_callback() -> None:
    """A callback can ask, and then no task runs."""
    seen: list[str] = []
    done = accord.Event()

    def callback() -> None:
        seen.append(format_task_tree())
        done.set()

    accord.lowlevel.current_token().call_soon(callback)
    await done.wait()
    assert f"(task {accord.get_current_task().id})" in seen[0]
    assert "is running" not in seen[0]


@rule("DEBUG-1")
def test_outside_of_a_loop(run: Any) -> None:
    """Without a loop there is nothing to show; in the loop it is the same function in both places."""
    with pytest.raises(accord.NoEventLoopError):
        in_thread(format_task_tree)
    assert accord.testing.format_task_tree is format_task_tree

    async def main() -> str:
        return format_task_tree()

    assert " on " in run(main).splitlines()[0]


async def _tree_from(program: Callable[[accord.Event], Any]) -> str:
    """Return the task tree from the task of a program on, which waits for an event."""
    event = accord.Event()
    text = ""
    async with accord.create_task_group() as group:
        group.start_soon(program, event, name="subject")
        await settle()
        text = format_task_tree()
        event.set()
    return text[text.index("subject (task") :]


@rule("DEBUG-2")
async def test_where_tasks_wait() -> None:
    """The program's lines, from the outside inwards, and the operation."""
    needs_coroutines()
    lines = (await _tree_from(_wait_deep)).splitlines()[1:4]
    assert re.search(rf"test_task_tree.py:{_line_of(_wait_deep) + 1} _wait_deep$", lines[0])
    assert re.search(rf"test_task_tree.py:{_line_of(_wait_deeper) + 1} _wait_deeper$", lines[1])
    assert re.search(r"waits in \S*Event.wait$", lines[2])


@rule("DEBUG-2")
async def test_states() -> None:
    """The task that asks runs, and one that was just started has not begun."""
    needs_coroutines()
    text = ""
    async with accord.create_task_group() as group:
        group.start_soon(_wait_deep, accord.Event(), name="new")
        text = format_task_tree()
        group.cancel()
    running = text[: text.index("new (")]
    new = text[text.index("new (") :]
    assert "is running" in running
    assert "test_states" in running
    if "waits in" not in new:  # a loop that starts tasks at once
        assert "has not begun" in new


class _Awaitable:
    """An awaitable object of a program."""

    def __init__(self, event: accord.Event) -> None:
        self.event = event

    def __await__(self) -> Generator[Any, Any, None]:
        yield from self.event.wait().__await__()


async def _numbers(event: accord.Event) -> AsyncIterator[int]:
    await event.wait()
    yield 1


async def _in_awaitable(event: accord.Event) -> None:
    await _Awaitable(event)


async def _in_generator(event: accord.Event) -> None:
    async for _ in _numbers(event):
        pass


@rule("DEBUG-2")
@pytest.mark.parametrize(
    ("program", "inner"), [(_in_awaitable, "_Awaitable.__await__"), (_in_generator, "_numbers")], ids=["object", "gen"]
)
async def test_what_is_followed(program: Callable[[accord.Event], Any], inner: str) -> None:
    """Awaitable objects and async generators of the program are looked into."""
    needs_coroutines()
    text = await _tree_from(program)
    assert text.index(program.__qualname__) < text.index(inner) < text.index("Event.wait")
