"""Mutants of context variables."""

from __future__ import annotations

from contextvars import Context, copy_context
from typing import Any

import accord_conformance.model

from .making import Broken, around, mutant

MODEL = "accord_conformance.model:backend"
model: Any = accord_conformance.model


@mutant("CTX-1")
def context_is_that_of_the_group(broken: Broken) -> None:
    """A task runs in a copy of the context that the host had when it entered the group."""
    contexts: dict[Any, Context] = {}

    async def enter(original: Any, group: Any) -> Any:
        contexts[group] = copy_context()
        return await original(group)

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any, *args: Any) -> Any:
        return original(group, coro, name, contexts[group].copy() if context is None else context, *args)

    around(broken.group, "__aenter__", enter)
    around(broken.group, "_spawn", spawn)


@mutant("CTX-2", MODEL)
def context_is_shared(_: Broken) -> None:
    """A task runs in the context of the task that starts it, and not in a copy."""

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any) -> Any:
        caller = model._here.loop.current
        return original(group, coro, name, caller.context if context is None and caller else context)

    around(model._Group, "_spawn", spawn)


@mutant("CTX-2", MODEL)
def context_of_start_is_shared(_: Broken) -> None:
    """A task that start() begins runs in the context of its caller."""
    starting: list[object] = []

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        starting.append(args)
        return await original(*args, **keywords)

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any) -> Any:
        if starting:
            starting.pop()
            context = model._here.loop.current.context
        return original(group, coro, name, context)

    around(model._Group, "start", start)
    around(model._Group, "_spawn", spawn)


@mutant("CTX-3")
def given_context_is_ignored(broken: Broken) -> None:
    """create_task runs the coroutine in a copy of the caller's context in any case."""

    def create_task(original: Any, *args: Any, context: object = None, **keywords: Any) -> Any:
        del context
        return original(*args, **keywords)

    around(broken.group, "create_task", create_task)


@mutant("CTX-3", MODEL)
def given_context_is_for_the_first_step(_: Broken) -> None:
    """A task goes on in a copy of the given context after its first checkpoint."""

    class Once:
        def __init__(self, context: Context) -> None:
            self.context = context

        def run(self, *args: Any) -> Any:
            context, self.context = self.context, self.context.copy()
            result = context.run(*args)
            self.context = context.copy()
            return result

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any) -> Any:
        return original(group, coro, name, None if context is None else Once(context))

    around(model._Group, "_spawn", spawn)


@mutant("CTX-5", MODEL)
def only_the_first_step_has_the_context(_: Broken) -> None:
    """A task is resumed in whatever context its loop has."""

    class Once:
        def __init__(self, context: Context) -> None:
            self.context: Context | None = context

        def run(self, func: Any, *args: Any) -> Any:
            context, self.context = self.context, None
            return func(*args) if context is None else context.run(func, *args)

    def spawn(original: Any, group: Any, coro: Any, name: str, context: Any) -> Any:
        return original(group, coro, name, Once(copy_context() if context is None else context))

    around(model._Group, "_spawn", spawn)
