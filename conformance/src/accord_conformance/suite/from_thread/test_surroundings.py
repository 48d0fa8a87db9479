"""from_thread: tasks that belong to nobody, context, interruptions, tracebacks."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Any

import pytest

import accord
from accord import from_thread
from accord.lowlevel import checkpoint, current_token
from accord.to_thread import run_sync
from accord_conformance.helpers import PATIENCE, rule, settle

from .threads import Call, in_foreign_thread, run_async


@rule("FROM-11")
async def test_root_tasks() -> None:
    """A task without a group is started from a task or a callback, and outlives the scope in which that happened."""
    seen: list[int | None] = []
    done = accord.Event()

    async def func() -> None:
        await checkpoint()
        await accord.sleep(0.001)
        seen.append(accord.get_current_task().parent_id)
        if len(seen) == 2:
            done.set()

    token = current_token()
    with accord.CancelScope() as scope:
        token.start_task(func)
        token.call_soon(token.start_task, func)
        scope.cancel()
    with accord.fail_after(PATIENCE):
        await done.wait()
    assert seen == [None, None]


@rule("FROM-11")
def test_root_tasks_end_with_the_run(run: Callable[..., Any]) -> None:
    """When the run ends such tasks are cancelled and waited for; afterwards none is started."""
    steps: list[str] = []

    async def func() -> None:
        steps.append("begun")
        try:
            await accord.sleep_forever()
        finally:
            steps.append("ended")

    async def main() -> Any:
        token = current_token()
        token.start_task(func)
        await settle()
        return token

    token = run(main)
    assert steps == ["begun", "ended"]
    late: list[BaseException] = []

    def start() -> None:
        try:
            token.start_task(func)
        except accord.RunFinishedError as error:
            late.append(error)

    async def begin() -> None:
        nonlocal token
        token = current_token()
        token.call_soon(start)

    run(begin)
    # Either the run took it, and has cancelled it before it began or after, or it was refused.
    assert steps[2:] in ([], ["begun", "ended"])


@rule("FROM-12")
@pytest.mark.parametrize("foreign", [True, False])
async def test_context(foreign: bool) -> None:
    """The function sees what the thread has set, at each of its steps, and what it sets stays there."""
    variable: ContextVar[str] = ContextVar("variable", default="nothing")
    token = current_token() if foreign else None
    seen: list[str] = []

    async def func() -> None:
        seen.append(variable.get())
        variable.set("the function")
        await checkpoint()
        await accord.sleep(0.001)
        seen.append(variable.get())

    def callback() -> None:
        seen.append(variable.get())
        variable.set("the callback")

    def work() -> None:
        variable.set("the thread")
        from_thread.run(func, token=token)
        from_thread.run_sync(callback, token=token)
        seen.append(variable.get())

    variable.set("the task")
    await (in_foreign_thread(work) if foreign else run_sync(work))
    assert seen == ["the thread", "the function", "the thread", "the thread"]
    assert variable.get() == "the task"


@rule("FROM-13")
def test_interrupted_thread(script: Callable[..., Any]) -> None:
    """A main thread that is interrupted while it waits goes on at once, and its function is cancelled."""
    result = script(
        """
import os, signal, threading, time
from accord import from_thread
from accord.lowlevel import current_token
signal.signal(signal.SIGINT, signal.default_int_handler)
tokens, cancelled = [], threading.Event()
started = threading.Event()
async def func():
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        await accord.sleep_forever()
    finally:
        cancelled.set()
async def main():
    tokens.append(current_token())
    event = accord.Event()
    tokens.append(event)
    started.set()
    await event.wait()
thread = threading.Thread(target=run, args=(main,))
thread.start()
started.wait(10)
try:
    from_thread.run(func, token=tokens[0])
except KeyboardInterrupt:
    print("interrupted", cancelled.wait(10))
from_thread.run_sync(tokens[1].set, token=tokens[0])
thread.join(10)
print("the loop has ended" if not thread.is_alive() else "stuck")
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "interrupted True\nthe loop has ended\n", "")


@rule("FROM-14")
@pytest.mark.parametrize("foreign", [True, False])
async def test_tracebacks(foreign: bool) -> None:
    """A traceback in the thread shows the user's functions, and no frame of the library from the loop's side."""
    token = current_token() if foreign else None

    def deeper() -> None:
        raise ValueError("on the loop")

    async def on_loop() -> None:
        await checkpoint()
        deeper()

    def work() -> None:
        calls: list[Call] = [
            partial(run_async, on_loop, token=token),
            partial(from_thread.run_sync, deeper, token=token),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="on the loop") as caught:
                call()
            names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
            assert names[0] == "work"
            assert names[-1] == "deeper"
            first = names.index("on_loop") if "on_loop" in names else names.index("deeper")
            # Between them, what the thread itself was in: the public function, and its wait.
            assert first <= 4
            assert names[first:] in (["on_loop", "deeper"], ["deeper"])

    await (in_foreign_thread(work) if foreign else run_sync(work))
