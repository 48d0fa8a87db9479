"""Parkers on Trio's ``wait_task_rescheduled``, whose abort function decides between woken and cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from sys import exception
from typing import Any, TypeVar

from trio import Cancelled
from trio.lowlevel import Abort, Task, current_task, reschedule, wait_task_rescheduled

T = TypeVar("T")

_NEW, _PARKED, _WOKEN, _CANCELLED = range(4)


async def with_own_context(wait: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Await ``wait(*args)``; a cancellation from it has the exception that this task handles as context.

    Trio creates it in the task that cancels, where it picks up what that task is handling (ERR-9).
    """
    handled = exception()
    try:
        return await wait(*args)
    except Cancelled as exc:
        if exc is not handled:
            exc.__context__ = handled
        raise
    finally:
        del handled


def _refuse(_: object) -> Abort:
    return Abort.FAILED


class Parker:
    """See ``accord.protocols.Parker``."""

    __slots__ = ("_phase", "_task", "_value")

    def __init__(self) -> None:
        self._phase = _NEW
        self._task: Task | None = None
        self._value: Any = None

    async def park(self) -> Any:
        """See ``accord.protocols.Parker``."""
        if self._phase == _NEW:
            self._task = current_task()
            self._phase = _PARKED
            # As with_own_context does it, without its coroutine.
            handled = exception()
            try:
                await wait_task_rescheduled(self._abort)
            except Cancelled as exc:
                if exc is not handled:
                    exc.__context__ = handled
                raise
            finally:
                del handled
        return self._value

    async def park_shielded(self) -> Any:
        """See ``accord.protocols.Parker``."""
        if self._phase == _NEW:
            self._task = current_task()
            self._phase = _PARKED
            await wait_task_rescheduled(_refuse)
        return self._value

    def _abort(self, _: object) -> Abort:
        self._phase = _CANCELLED
        self._task = None
        return Abort.SUCCEEDED

    def unpark(self, value: Any, /) -> bool:
        """See ``accord.protocols.Parker``."""
        if self._phase >= _WOKEN:
            return False
        task, self._task = self._task, None
        self._phase = _WOKEN
        self._value = value
        if task is not None:
            reschedule(task)
        return True
