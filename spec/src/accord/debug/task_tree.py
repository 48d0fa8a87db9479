"""What the tasks of a loop are doing, as text (area DEBUG).

What a suspended task waits for is found by walking from its coroutine inwards, from each awaited object to the next,
as far as Python tells. Of the frames on the way those of the program are shown, and of the library's only the first
after them: the operation that the program has called.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from inspect import CORO_CREATED, getcoroutinestate
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

from .._backends import current_backend
from ..protocols import Backend, TaskInfo
from ..toolkit.errors import is_library_module

_HOSTS = ("asyncio", "trio", "selectors", "concurrent.futures", "contextlib")

_LINKS: dict[type, tuple[str, str]] = {
    CoroutineType: ("cr_frame", "cr_await"),
    GeneratorType: ("gi_frame", "gi_yieldfrom"),
    AsyncGeneratorType: ("ag_frame", "ag_await"),
}
"""Where what can be suspended keeps its frame, and what it waits for."""


def format_task_tree() -> str:
    """Return the tasks of the running loop as a tree, each with what it waits for; no checkpoint.

    To be called by a task or a callback. Each task stands under the one whose group it runs in, with its name, its id,
    whether it is cancelled, the lines of the program at which it is suspended, outermost first, and the operation that
    it waits in. Raises ``NoEventLoopError`` outside of a loop (DEBUG-1, DEBUG-2).
    """
    return draw_task_tree(current_backend(), sys._getframe(), states=True)


def draw_task_tree(backend: Backend, frame: FrameType, *, states: bool) -> str:
    """Return the tasks of the loop of this thread as a tree.

    :param frame: what runs now.
    :param states: whether to ask tasks if they are cancelled, which lets deadlines that have passed take effect.
    """
    tasks = sorted(backend.running_tasks(), key=_id)
    known = {task.id for task in tasks}
    children: dict[int | None, list[TaskInfo]] = {}
    for task in tasks:
        parent = task.parent_id
        children.setdefault(parent if parent in known else None, []).append(task)
    lines = [f"{len(tasks)} task{'' if len(tasks) == 1 else 's'} on {backend.name}, at {backend.current_time():.3f} s"]
    running = stack_of(frame)
    for root in children.get(None, ()):
        lines += _branch(root, children, running, states)
    return "\n".join(lines)


def _id(task: TaskInfo) -> int:
    return task.id


def _branch(
    task: TaskInfo, children: dict[int | None, list[TaskInfo]], running: Sequence[FrameType], states: bool
) -> list[str]:
    below = children.get(task.id, [])
    bar = "│" if below else " "
    lines = [describe_task(task) if states else _called(task)]
    lines += [f"{bar}   {line}" for line in describe_wait(getattr(task, "coro", None), running)]
    for child in below:
        last = child is below[-1]
        first, *rest = _branch(child, children, running, states)
        lines.append(f"{'└' if last else '├'}── {first}")
        lines += [f"{' ' if last else '│'}   {line}" for line in rest]
    return lines


def describe_task(task: TaskInfo) -> str:
    """Return the name, the number and the state of a task on one line."""
    return f"{_called(task)}{', cancelled' if task.has_pending_cancellation() else ''}"


def _called(task: TaskInfo) -> str:
    return f"{task.name} (task {task.id})"


def stack_of(frame: FrameType | None) -> list[FrameType]:
    """Return a frame and those that called it, outermost first."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames[::-1]


def describe_wait(coro: object, running: Sequence[FrameType]) -> list[str]:
    """Return what a task is doing, a line for each frame of the program and one for the operation.

    :param coro: what the task runs.
    :param running: the frames that run in the loop's thread now, outermost first.
    """
    frames = suspended_frames(coro)
    if not frames:
        return ["has ended, or can't be looked into"]
    if frames[0] in running:
        frames = list(running[running.index(frames[0]) :])
        lines = [place_of(frame) for frame in frames if not is_library(frame)]
        return [*lines, "is running"]
    if _has_not_begun(coro):
        return [*(place_of(frame) for frame in frames if not is_library(frame)), "has not begun"]
    own = [index for index, frame in enumerate(frames) if not is_library(frame)]
    lines = [place_of(frames[index]) for index in own]
    called = frames[own[-1] + 1 if own else 0 :]
    return [*lines, f"waits in {operation_of(called[0])}" if called else "waits"]


def _has_not_begun(coro: Any) -> bool:
    return _links_of(coro) == _LINKS[CoroutineType] and getcoroutinestate(coro) == CORO_CREATED


def is_library(frame: FrameType) -> bool:
    """Return whether a frame is accord's, a backend's, of the backend's host, or of what Python passes through."""
    module = str(frame.f_globals.get("__name__", ""))
    return is_library_module(module) or any(module == host or module.startswith(f"{host}.") for host in _HOSTS)


def place_of(frame: FrameType) -> str:
    """Return ``file:line function`` of a frame; files below the working directory relative to it."""
    path = Path(frame.f_code.co_filename)
    try:
        path = path.relative_to(os.getcwd())  # noqa: PTH109 - a directory that is gone must not matter
    except (ValueError, OSError):
        pass
    return f"{path}:{frame.f_lineno} {frame.f_code.co_qualname}"


def operation_of(frame: FrameType) -> str:
    """Return the full name of the function that a frame runs."""
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def suspended_frames(awaited: object) -> list[FrameType]:
    """Return the frames of a coroutine and of what it awaits, outermost first."""
    frames: list[FrameType] = []
    following: Any = awaited
    while following is not None:
        links = _links_of(following)
        if links is None:
            following = _wrapped_by(following)
            continue
        frame: FrameType | None = getattr(following, links[0])
        if frame is None:
            break
        frames.append(frame)
        following = getattr(following, links[1])
    return frames


def _links_of(awaited: object) -> tuple[str, str] | None:
    return _LINKS.get(type(awaited))


def _wrapped_by(awaited: object) -> object:
    """Return the coroutine or generator inside of a wrapper that Python made, such as a step of an async generator."""
    if type(awaited).__module__ != "builtins":
        return None
    return next((referent for referent in gc.get_referents(awaited) if _links_of(referent) is not None), None)
