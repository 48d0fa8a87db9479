"""Mutants of the context manager mixins."""

from __future__ import annotations

from typing import Any

from accord import AsyncContextManagerMixin, ContextManagerMixin, _contexts
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

Sync: Any = ContextManagerMixin
Async: Any = AsyncContextManagerMixin
Module: Any = _contexts


@mutant("MIXIN-1")
def exceptions_are_not_swallowed(_: Broken) -> None:
    """What the method swallows is raised all the same."""

    def leave(original: Any, *args: Any) -> None:
        original(*args)

    around(Sync, "__exit__", leave)


@mutant("MIXIN-1")
def entry_of_the_mixin_is_a_checkpoint(_: Broken) -> None:
    """The async mixin yields at each entry."""

    async def enter(original: Any, instance: Any) -> Any:
        await checkpoint()
        return await original(instance)

    around(Async, "__aenter__", enter)


@mutant("MIXIN-2")
def second_entry_is_let_in(_: Broken) -> None:
    """An instance that is entered can be entered again."""

    def make(original: Any, instance: Any, slot: str, *rest: Any) -> Any:
        Module._fields(instance).pop(slot, None)
        return original(instance, slot, *rest)

    around(Module, "_make", make)


@mutant("MIXIN-2")
def failed_entry_stays(_: Broken) -> None:
    """An instance whose entry failed counts as entered."""

    async def enter(instance: Any) -> Any:
        made = Module._make(instance, Module._ASYNC, "__asynccontextmanager__", "asynccontextmanager")
        return await made.__aenter__()

    replace(Async, __aenter__=enter)


@mutant("MIXIN-3")
def methods_are_not_checked(_: Broken) -> None:
    """What the method returns is entered as it is."""

    def make(instance: Any, slot: str, method: str, _decorator: str) -> Any:
        fields = Module._fields(instance)
        if slot in fields:
            raise RuntimeError(f"{type(instance).__name__} is entered")
        made = fields[slot] = getattr(instance, method)()
        return made

    replace(Module, _make=make)


@mutant("MIXIN-4")
def both_kinds_have_one_place(_: Broken) -> None:
    """A class that is both kinds keeps one context manager."""
    replace(Module, _ASYNC=Module._SYNC)
