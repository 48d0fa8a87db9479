"""Waiting for tasks, at the exit of a group and in ``start()``.

A host that waits for its tasks is *sheltered*: scopes do not interrupt it, because they reach the tasks themselves, and
the wait ends with these. A native request is meant for the host alone, so that it has to be passed on to the tasks,
and is kept until they have ended.
"""

from __future__ import annotations

from asyncio import CancelledError, Future
from typing import Any

from accord.protocols import CancelReason
from accord.toolkit import StartStatus

from .parking import StubbornFuture
from .records import TaskRecord
from .scopes import CancelScope, update

NATIVE = CancelReason("native")


def next_wait(host: TaskRecord, request: CancelledError | None) -> Future[Any]:
    """Return what a sheltered host waits for next, until its tasks have ended.

    :param request: the native one that has come already. The first interrupts the wait; later ones, which have nothing
        more to say, are put off by asyncio until it is over, because that future refuses. It is not used from the start
        because a subclass of ``Future`` takes asyncio a third longer.
    """
    return Future(loop=host.state.loop) if request is None else StubbornFuture(loop=host.state.loop)


class Starter:
    """The caller's side of ``start()``, until the task is started or has ended."""

    __slots__ = ("cut", "error", "future", "holder", "over", "record", "started", "status", "value")

    def __init__(self, future: Future[Any], holder: CancelScope) -> None:
        self.future = future
        self.holder = holder
        self.status = StartStatus(self.on_started)
        self.record: TaskRecord | None = None
        self.started = False
        self.over = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.cut = False

    def on_started(self, value: Any) -> None:
        """Move the task into its group and let the caller of ``start()`` go on, unless that was cancelled."""
        if self.holder._effective:
            return
        self.value = value
        self.started = True
        if self.record is not None:  # None: called by the function before it returned its coroutine
            self.move(self.record)
        self.wake()

    def move(self, record: TaskRecord) -> None:
        """Give the task the group's scope as its outer scope."""
        group = record.group
        assert group is not None
        if record.starter is not None:
            record.starter = None
            self.holder.remove_task(record)
            group._scope.add_task(record)
            record._parent = group._scope
        record._start_value = self.value
        update(record)

    def wake(self) -> None:
        """Let the caller of ``start()`` go on."""
        self.over = True
        if not self.future.done():
            self.future.set_result(None)

    async def wait(self, host: TaskRecord) -> CancelledError | None:
        """Wait until the task is started or has ended; return the native request that came meanwhile."""
        request: CancelledError | None = None
        host.sheltered = True
        while not self.over:
            try:
                await self.future
            except CancelledError as exc:
                request = exc
                if not self.over:
                    self.future = next_wait(host, request)
                    self.holder.cancel_for(NATIVE)
        host.sheltered = False
        try:
            return request
        finally:
            del request  # its traceback leads here
