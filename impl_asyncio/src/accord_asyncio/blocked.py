"""The testing part: ``wait_all_tasks_blocked`` without a timer (TIME-14), and runners.

A task is blocked if the future that it waits for is not done. While some task is not, the loop is busy anyway, so that
looking again at each turn of the loop costs no idle time. Two looks in a row have to agree, because a callback between
the two (of a socket, say) may be about to wake a task.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .current import current_record
from .parking import Parker
from .records import TaskRecord, waited_for

if TYPE_CHECKING:
    from .sessions import Session


def _is_blocked(task: asyncio.Task[Any]) -> bool:
    waiter = waited_for(task)
    return waiter is not None and not waiter.done()


class _Watch:
    """One call of ``wait_all_tasks_blocked``."""

    def __init__(self, record: TaskRecord) -> None:
        self.record = record
        self.parker = Parker()
        self.agreed = False

    def look(self) -> None:
        if self.parker.woken:
            return
        loop: Any = self.record.state.loop
        own = self.record.task
        blocked = all(_is_blocked(task) for task in asyncio.all_tasks(loop) if task is not own)
        if blocked and self.agreed:
            clock = self.record.state.token.clock
            if clock is None or not clock.advancing:
                self.parker.unpark(None)
                return
            loop.step()
            blocked = False
        self.agreed = blocked
        loop.call_soon(self.look)


class Testing:
    """See ``accord.protocols.Testing``."""

    __slots__ = ()

    async def wait_all_tasks_blocked(self) -> None:
        """See ``accord.protocols.Testing``."""
        watch = _Watch(current_record())
        watch.record.state.loop.call_soon(watch.look)
        await watch.parker.park()

    def create_runner(self, options: Mapping[str, object], /) -> Session:
        """See ``accord.protocols.Testing``."""
        from .sessions import Session  # no part of an ordinary run

        return Session(options)
