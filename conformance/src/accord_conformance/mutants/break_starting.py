"""Mutants of starting tasks: ``start_soon`` and ``create_task``."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import accord_conformance.model
from accord import Event, get_current_task
from accord.toolkit import call_for_coroutine, task_name

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

MODEL = "accord_conformance.model:backend"
model: Any = accord_conformance.model


def _wraps_coroutines(broken: Broken, wrap: Any) -> None:
    """Let each task run ``wrap(its coroutine)``."""

    def spawn(original: Any, group: Any, coro: Any, *args: Any) -> Any:
        return original(group, wrap(coro), *args)

    around(broken.group, "_spawn", spawn)


@mutant("TASK-10", MODEL)
def tasks_begin_in_the_call(_: Broken) -> None:
    """A task takes its first step before start_soon returns."""

    def begin(original: Any, task: Any) -> None:
        original(task)
        if task.group is None:
            return
        loop = model._here.loop
        loop.ready.remove(task)
        caller, loop.current = loop.current, task
        try:
            task.context.run(task.coro.send, None)
        except StopIteration as stop:
            task.end(stop.value, None)
        except BaseException as exc:
            task.end(None, exc)
        finally:
            loop.current = caller

    around(model._Task, "__post_init__", begin)


@mutant("TASK-10")
def tasks_begin_when_somebody_waits(broken: Broken) -> None:
    """A task does not run until its handle is awaited or its group is being left."""
    gates: dict[Any, Event] = {}

    async def wait_first(gate: Event, coro: Any) -> Any:
        await gate.wait()
        return await coro

    def spawn(original: Any, group: Any, coro: Any, *args: Any) -> Any:
        gate = Event()
        handle = original(group, wait_first(gate, coro), *args)
        gates[handle] = gate
        return handle

    async def wait(original: Any, handle: Any) -> None:
        if handle in gates:
            gates[handle].set()
        await original(handle)

    async def leave(original: Any, group: Any, *args: Any) -> Any:
        for handle in list(group._scope._tasks or ()):
            gates[handle].set()
        return await original(group, *args)

    around(broken.group, "_spawn", spawn)
    around(broken.task, "wait", wait)
    around(broken.group, "__aexit__", leave)


@mutant("TASK-11")
def tasks_cancelled_early_never_run(broken: Broken) -> None:
    """A task that is cancelled before its first step is thrown away."""

    async def careful(coro: Any) -> Any:
        if get_current_task().has_pending_cancellation():
            coro.close()
            await broken.checkpoint()
        return await coro

    _wraps_coroutines(broken, careful)


@mutant("TASK-12")
def refused_coroutines_stay_open(broken: Broken) -> None:
    """create_task of a closed group raises and leaves the coroutine as it is."""

    def refuse_task(*_: object) -> None:
        raise RuntimeError("no task can be started")

    replace(broken.group, refuse_task=refuse_task)


@mutant("TASK-12")
def group_that_is_being_left_takes_no_tasks(broken: Broken) -> None:
    """Tasks can't be started while the host waits in the exit."""

    def spawn(original: Any, group: Any, coro: Any, *args: Any) -> Any:
        if group._exit is not None:
            group.refuse_task(coro)
        return original(group, coro, *args)

    around(broken.group, "_spawn", spawn)


@mutant("TASK-12")
def closed_groups_forget_tasks(broken: Broken) -> None:
    """start_soon of a closed group returns without an error, and runs nothing."""

    def start_soon(original: Any, group: Any, *args: Any, **keywords: Any) -> Any:
        return original(group, *args, **keywords) if group._phase == 1 else None

    around(broken.group, "start_soon", start_soon)


@mutant("TASK-15")
def tasks_call_their_function(broken: Broken) -> None:
    """The function is called when the task runs, so that a mistake in the call counts as a failed task."""

    def start_soon(group: Any, func: Any, *args: Any, name: object = None) -> Any:
        async def work() -> Any:
            return await call_for_coroutine(func, args)

        return group.create_task(work(), name=task_name(func, name))

    replace(broken.group, start_soon=start_soon)


@mutant("TASK-15")
def only_native_coroutines_are_run(broken: Broken) -> None:
    """create_task takes only what an ``async def`` has returned."""

    def create_task(original: Any, group: Any, coro: Any, **keywords: Any) -> Any:
        if not inspect.iscoroutine(coro):
            raise TypeError("a coroutine object was expected")
        return original(group, coro, **keywords)

    around(broken.group, "create_task", create_task)


@mutant("TASK-15")
def coroutine_objects_stay_open(broken: Broken) -> None:
    """start_soon refuses a coroutine object and leaves it as it is."""

    def start_soon(original: Any, group: Any, func: Any, *args: Any, **keywords: Any) -> Any:
        if inspect.iscoroutine(func):
            raise TypeError(f"expected an async function, got a coroutine of {func.__qualname__}")
        return original(group, func, *args, **keywords)

    around(broken.group, "start_soon", start_soon)


@mutant("TASK-15")
def only_functions_have_names(_: Broken) -> None:
    """The name of a task is taken from the function without care."""

    def name_of(func: Any, name: object = None) -> str:
        return func.__qualname__ if name is None else str(name)

    replace_everywhere(task_name, name_of)


@mutant("TASK-16", MODEL)
def context_is_copied_at_the_first_step(_: Broken) -> None:
    """A task sees what its starter sets after the call."""

    class LazyCopy:
        def __init__(self, source: Any) -> None:
            self.source: Any = source
            self.copy: Any = None

        def run(self, *args: Any) -> Any:
            self.copy = self.copy or self.source.copy()
            return self.copy.run(*args)

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any) -> Any:
        current = model._here.loop.current
        return original(group, coro, name, LazyCopy(current.context) if context is None and current else context)

    around(model._Group, "_spawn", spawn)


@mutant("TASK-17")
def given_context_is_copied(broken: Broken) -> None:
    """create_task runs the coroutine in a copy of the context that it is given."""

    def create_task(original: Any, *args: Any, context: Any = None, **keywords: Any) -> Any:
        return original(*args, context=context and context.copy(), **keywords)

    around(broken.group, "create_task", create_task)


@mutant("TASK-20")
def partials_are_called_partial(_: Broken) -> None:
    """The default name is taken from the outermost callable."""

    def name_of(func: Any, name: object = None) -> str:
        if name is not None:
            return str(name)
        kind: Any = func.__class__
        named = func if hasattr(func, "__qualname__") else kind
        return f"{named.__module__}.{named.__qualname__}"

    replace_everywhere(task_name, name_of)


@mutant("TASK-20")
def names_have_no_module(_: Broken) -> None:
    """The default name is the function's alone."""

    def name_of(original: Any, func: Any, name: object = None) -> Any:
        while isinstance(func, partial):
            func = func.func
        return original(func, name if name is not None else getattr(func, "__name__", None))

    replace_everywhere(task_name, partial(name_of, task_name))


@mutant("TASK-20")
def names_may_be_anything(_: Broken) -> None:
    """A given name stays the object that it is."""

    def name_of(original: Any, func: Any, name: Any = None) -> Any:
        return original(func) if name is None else name

    replace_everywhere(task_name, partial(name_of, task_name))
