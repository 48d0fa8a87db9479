"""Mistakes that each thing one can wait for may be given: what the mutants of locks, streams and the like share.

They wrap public methods, and parkers, on which all waiting stands; so they don't depend on how a class keeps its state.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import getattr_static
from typing import Any
from weakref import WeakKeyDictionary

from accord import Event, WouldBlock, get_current_task
from accord.lowlevel import checkpoint, checkpoint_if_cancelled, current_token

from .making import Broken, around, replace

ACQUIRE = ("acquire", "__aenter__")


def checks_again(owner: Any, *names: str) -> None:
    """Let asynchronous methods look for a cancellation once more before they return."""

    async def checked(original: Any, *args: Any) -> Any:
        result = await original(*args)
        await checkpoint_if_cancelled()
        return result

    for name in names:
        around(owner, name, checked)


def takes_before_it_checks(owner: Any, nowait: str, *names: str) -> None:
    """Let asynchronous methods do what can be done at once before they look for a cancellation."""

    async def hasty(original: Any, self: Any, *args: Any) -> Any:
        try:
            result = getattr(self, nowait)(*args)
        except Exception:
            return await original(self, *args)
        await checkpoint()
        return result

    for name in names:
        around(owner, name, hasty)


def never_yields(owner: Any, nowait: str, *names: str) -> None:
    """Let asynchronous methods look for a cancellation, but not yield where they need not wait."""

    async def selfish(original: Any, self: Any, *args: Any) -> Any:
        await checkpoint_if_cancelled()
        try:
            return getattr(self, nowait)(*args)
        except WouldBlock:
            return await original(self, *args)

    for name in names:
        around(owner, name, selfish)


def yields_at_exit(owner: Any) -> None:
    """Make the exit of ``async with`` a checkpoint."""

    async def leave(original: Any, *args: Any) -> None:
        await checkpoint()
        await original(*args)

    around(owner, "__aexit__", leave)


def refuses_the_cancelled(owner: Any, *names: str) -> None:
    """Let synchronous methods raise if the task is cancelled."""

    def nervous(original: Any, *args: Any) -> Any:
        try:
            cancelled = get_current_task().has_pending_cancellation()
        except RuntimeError:  # this is a callback
            cancelled = False
        if cancelled:
            raise RuntimeError("the task is cancelled")
        return original(*args)

    for name in names:
        _around_any(owner, name, nervous)


def needs_a_task(owner: Any, *names: str) -> None:
    """Let synchronous methods ask for the current task, which callbacks don't have."""

    def curious(original: Any, *args: Any) -> Any:
        get_current_task()
        return original(*args)

    for name in names:
        _around_any(owner, name, curious)


def needs_a_loop(owner: Any, *names: str) -> None:
    """Let synchronous methods ask for the loop."""

    def dependent(original: Any, *args: Any, **keywords: Any) -> Any:
        current_token()
        return original(*args, **keywords)

    for name in names:
        _around_any(owner, name, dependent)


def binds_to_a_loop(owner: Any, *names: str) -> None:
    """Let an object work only in the loop in which one of these methods was called first."""
    homes: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def bound(original: Any, self: Any, *args: Any) -> Any:
        if homes.setdefault(self, current_token()) != current_token():
            raise RuntimeError(f"{self!r} is bound to a different event loop")
        return original(self, *args)

    for name in names:
        _around_any(owner, name, bound)


def trusts_unpark(broken: Broken, owner: Any, *names: str) -> None:
    """Let methods take it for granted that each waiter they wake gets what it is given."""
    wakes_only(broken, sys.maxsize, owner, *names)


def wakes_only(broken: Broken, most: int, owner: Any, *names: str) -> None:
    """Let methods wake no more than so many waiters, and believe that they have woken each."""
    counts: list[int] = []  # of the calls that are running

    def unpark(original: Any, parker: Any, value: Any) -> Any:
        if not counts:
            return original(parker, value)
        counts[-1] += 1
        if counts[-1] <= most:
            original(parker, value)
        return True

    def method(original: Any, *args: Any) -> Any:
        counts.append(0)
        try:
            return original(*args)
        finally:
            counts.pop()

    around(broken.parker, "unpark", unpark)
    for name in names:
        _around_any(owner, name, method)


def counts_until_they_resume(owner: Any, *names: str, field: str = "tasks_waiting") -> None:
    """Let statistics count a waiter until it has run again."""
    inside: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def counted(original: Any, self: Any, *args: Any) -> Any:
        inside[self] = inside.get(self, 0) + 1
        try:
            return await original(self, *args)
        finally:
            inside[self] -= 1

    for name in names:
        around(owner, name, counted)

    def statistics(original: Any, self: Any) -> Any:
        return original(self)._replace(**{field: inside.get(self, 0)})

    around(owner, "statistics", statistics)


def counts_the_cancelled(owner: Any, *names: str, field: str = "tasks_waiting") -> None:
    """Let statistics count waiters that were cancelled for ever."""
    gone: WeakKeyDictionary[Any, int] = WeakKeyDictionary()

    async def counted(original: Any, self: Any, *args: Any) -> Any:
        try:
            return await original(self, *args)
        except BaseException:
            gone[self] = gone.get(self, 0) + 1
            raise

    def statistics(original: Any, self: Any) -> Any:
        truth = original(self)
        return truth._replace(**{field: getattr(truth, field) + gone.get(self, 0)})

    for name in names:
        around(owner, name, counted)
    around(owner, "statistics", statistics)


def is_up_for_grabs(owner: Any, suffix: str = "") -> None:
    """Let what is released be free for anybody; one of those who wait is told to try again.

    :param suffix: of the methods ``acquire``, ``acquire..._nowait`` and ``release``.
    """
    queues: WeakKeyDictionary[Any, list[Event]] = WeakKeyDictionary()

    async def acquire(self: Any, *args: Any) -> None:
        await checkpoint_if_cancelled()
        while True:
            try:
                getattr(self, f"acquire{suffix}_nowait")(*args)
            except WouldBlock:
                event = Event()
                queues.setdefault(self, []).append(event)
                await event.wait()
            else:
                return

    def release(original: Any, self: Any, *args: Any) -> None:
        original(self, *args)
        if queue := queues.get(self):
            queue.pop(0).set()

    async def leave(self: Any, *_: object) -> None:
        self.release()

    replace(owner, **{f"acquire{suffix}": acquire})
    around(owner, f"release{suffix}", release)
    if not suffix:
        replace(owner, __aenter__=acquire, __aexit__=leave)


def _around_any(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Replace a method, or how a property is set."""
    if isinstance(getattr_static(owner, name), property):
        around_setter(owner, name, wrapper)
    else:
        around(owner, name, wrapper)


def around_setter(owner: Any, name: str, wrapper: Callable[[Any, Any, Any], Any]) -> None:
    """Replace how a property is set: ``wrapper`` is called with the original setter, the object and the value."""
    old = getattr_static(owner, name)

    def put(self: Any, value: Any) -> None:
        wrapper(old.fset, self, value)

    replace(owner, **{name: property(old.fget, put)})


def around_getter(owner: Any, name: str, wrapper: Callable[[Any, Any], Any]) -> None:
    """Replace how a property is read: ``wrapper`` is called with the original getter and the object."""
    old = getattr_static(owner, name)

    def get(self: Any) -> Any:
        return wrapper(old.fget, self)

    replace(owner, **{name: property(get, old.fset)})


def replace_everywhere(original: Any, new: Any) -> None:
    """Replace a function of accord in each of its modules that knows it by its name."""
    name: str = original.__name__
    for module in [module for key, module in sys.modules.items() if key.partition(".")[0] == "accord"]:
        if getattr(module, name, None) is original:
            replace(module, **{name: new})
