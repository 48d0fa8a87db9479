"""Parkers on Trio's ``wait_task_rescheduled``, whose abort function decides between woken and cancelled."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

T = TypeVar("T")

_NEW, _PARKED, _WOKEN, _CANCELLED = range(4)


async def with_own_context(wait: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Await ``wait(*args)``; a cancellation from it has the exception that this task handles as context.

    Trio creates it in the task that cancels, where it picks up what that task is handling (ERR-9).
    """
    handled = sys.exception()
    try:
        return await wait(*args)
    except trio.Cancelled as exc:
        if exc is not handled:
            exc.__context__ = handled
        raise
    finally:
        del handled


def _refuse(_: object) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED


class Parker:
    """See ``accord.protocols.Parker``."""

    __slots__ = ("_phase", "_task", "_value")

    def __init__(self) -> None:
        self._phase = _NEW
        self._task: trio.lowlevel.Task | None = None
        self._value: Any = None

    async def park(self) -> Any:
        """See ``accord.protocols.Parker``."""
        return await self._park(self._abort)

    async def park_shielded(self) -> Any:
        """See ``accord.protocols.Parker``."""
        return await self._park(_refuse)

    async def _park(self, abort: Callable[[Any], trio.lowlevel.Abort]) -> Any:
        if self._phase == _NEW:
            self._task = trio.lowlevel.current_task()
            self._phase = _PARKED
            await with_own_context(trio.lowlevel.wait_task_rescheduled, abort)
        return self._value

    def _abort(self, _: object) -> trio.lowlevel.Abort:
        self._phase = _CANCELLED
        self._task = None
        return trio.lowlevel.Abort.SUCCEEDED

    def unpark(self, value: Any, /) -> bool:
        """See ``accord.protocols.Parker``."""
        if self._phase >= _WOKEN:
            return False
        task, self._task = self._task, None
        self._phase = _WOKEN
        self._value = value
        if task is not None:
            trio.lowlevel.reschedule(task)
        return True
