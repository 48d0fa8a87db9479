"""The model's testing part.

Its scheduler says itself when all tasks are blocked, can stop between two turns, and takes tasks in any order. This
module is told which one the model is: whoever begins a backend with a copy of the model has it for the copy.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Any

from accord import toolkit
from accord.protocols import CancelReason, HandleStatus, RunnableTask, Schedule
from accord.toolkit import coroutines
from accord.toolkit.checks import refuse_schedule


def order_by(schedule: Schedule | None, random: Random | None) -> Callable[[list[Any]], int]:
    """Return what puts the runnable tasks of a round in order and says how many of them take a step.

    With a schedule a round is one step, of the task that it chooses.
    """

    def shuffle(ready: list[Any]) -> int:
        if random is not None:
            random.shuffle(ready)
        return len(ready)

    def choose(ready: list[Any]) -> int:
        if not ready or schedule is None:
            return 0
        try:
            handles = [task if task.group and task.caller is None else None for task in ready]
            tasks = [
                RunnableTask(task, task.name, task.coro, handle) for task, handle in zip(ready, handles, strict=True)
            ]
            index = schedule.choose(tasks)
        except BaseException:
            tasks = ready[0].base.loop.tasks
            ready.clear()
            while tasks:
                coroutines.close_by_force(tasks.popitem()[0].coro)
            raise
        ready.insert(0, ready.pop(index))
        return 1

    return shuffle if schedule is None else choose


def _stepped(model: Any) -> Any:
    """Return the class of the model's loops, made to survive what callbacks raise."""

    def call(loop: Any, func: Callable[..., object], args: tuple[Any, ...] = ()) -> None:
        try:
            func(*args)
        except BaseException as exc:
            loop.errors.append(exc)

    return type("Loop", (model._Loop,), {"__slots__": ("errors",), "call": call})


class Runner:
    """Satisfies ``protocols.Runner``: the model's loop, turned only as long as a call needs it."""

    def __init__(self, model: Any, options: Mapping[str, object]) -> None:
        refuse_schedule(options)
        self._model = model
        self._loop: Any = _stepped(model)(*model._settings(options))
        self._loop.errors = []
        self._closed = False
        with self._here():
            # The loop looks at its root task to know whether it ends. This one does nothing, and is not listed.
            self._loop.root = model._Task(None, "runner")
            self._loop.ready.clear()
            self._loop.tasks.clear()

    @contextmanager
    def _here(self) -> Generator[None, None, None]:
        model = self._model
        if model.backend.is_running_here():
            raise RuntimeError("a runner can't be used here: a loop runs in this thread")
        hooks, model._here.loop = sys.get_asyncgen_hooks(), self._loop
        sys.set_asyncgen_hooks(self._loop.generators.append, None)
        try:
            yield
        finally:
            del model._here.loop
            sys.set_asyncgen_hooks(*hooks)

    def _start(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        async def root() -> Any:
            return await coroutines.call_for_awaitable(main, args)

        return self._model._Task(root(), toolkit.task_name(main))

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], /) -> Any:
        """Turn the loop until a new root task has ended."""
        if self._closed:
            raise RuntimeError("the runner is closed")
        with self._here():
            task = self._start(main, args)
            while not task.finished:
                self._loop.call(self._loop.turn)
        self._raise_errors(task)
        return task._value

    def _raise_errors(self, *tasks: Any) -> None:
        errors = [*[task._error for task in tasks if task._error is not None], *self._loop.errors]
        self._loop.errors.clear()
        for task in tasks:
            task._error = None
        if len(errors) > 1:
            raise toolkit.exit_exception(BaseExceptionGroup("errors that no task raised", errors))
        if errors:
            raise toolkit.exit_exception(errors.pop())

    def close(self) -> None:
        """Cancel all tasks, and let them end."""
        if self._closed:
            return
        self._closed = True
        loop = self._loop
        with self._here():
            loop.root._settle(HandleStatus.FINISHED)
            while loop.tasks:
                for task in loop.tasks:
                    task.base.cancel_for(CancelReason("shutdown"))
                loop.call(loop.turn)
            last = self._start(self._close_generators, ())
            while not last.finished:
                loop.call(loop.turn)
            with loop.guard:
                loop.closed = True
            loop.call(loop.turn)
        self._raise_errors(last)

    async def _close_generators(self) -> None:
        for generator in self._loop.generators:
            await generator.aclose()


class Testing:
    """Satisfies ``protocols.Testing``."""

    __slots__ = ("_model",)

    def __init__(self, model: Any) -> None:
        self._model = model

    def create_runner(self, options: Mapping[str, object], /) -> Runner:
        """Return a runner."""
        return Runner(self._model, options)

    async def wait_all_tasks_blocked(self) -> None:
        """Wait for the scheduler to find nothing runnable."""
        parker = self._model._Parker()
        self._model._here.loop.blocked.append(parker)
        await parker.park()
