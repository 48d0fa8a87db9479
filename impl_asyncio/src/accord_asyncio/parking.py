"""Parkers, checkpoints and the bare yield: all the ways in which the backend itself suspends a task.

What runs most often looks up the record of the task itself, without the call of ``current_record``.
"""

from __future__ import annotations

from asyncio import CancelledError, Future
from collections.abc import Generator
from types import coroutine
from typing import Any

from .current import current_record, current_task
from .records import TaskRecord


@coroutine
def bare_yield() -> Generator[None, None, None]:
    """Go to the end of the loop's queue."""
    yield


async def checkpoint() -> None:
    """See ``accord.protocols.Backend``."""
    try:
        record: TaskRecord = current_task()._accord_record
    except AttributeError:
        record = current_record()
    if record.state.heap:
        record.state.look_at_clock()
    record.yielding = True
    try:
        await bare_yield()
    finally:
        record.yielding = False
    if record.scope._effective:
        raise_cancelled(record)


async def checkpoint_if_cancelled() -> None:
    """See ``accord.protocols.Backend``."""
    try:
        record: TaskRecord = current_task()._accord_record
    except AttributeError:
        record = current_record()
    if record.state.heap:
        record.state.look_at_clock()
    if record.scope._effective:
        await checkpoint()


def checkpoint_due() -> bool:
    """See ``accord.protocols.Backend``."""
    try:
        record: TaskRecord = current_task()._accord_record
    except AttributeError:
        record = current_record()
    state = record.state
    if state.heap:
        state.look_at_clock()
    if record.scope._effective:
        return True
    state.budget_left -= 1
    if state.budget_left > 0:
        return False
    state.budget_left = state.budget
    return True


def raise_cancelled(record: TaskRecord) -> None:
    """Raise the cancellation that the task is under."""
    record.note_delivery()
    raise CancelledError(record.reason())


async def cancel_shielded_checkpoint() -> None:
    """See ``accord.protocols.Backend``."""
    await shielded_yield(current_record())


async def shielded_yield(record: TaskRecord) -> None:
    """Yield, and put off a native cancellation that arrives meanwhile."""
    record.yielding = True
    try:
        await bare_yield()
    except CancelledError as exc:
        record.put_off(exc)
    finally:
        record.yielding = False


class StubbornFuture(Future[Any]):
    """A future whose waiter can't be interrupted: cancelling is refused, and asyncio then waits for the result."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


class Parker:
    """See ``accord.protocols.Parker``."""

    __slots__ = ("_future", "_record")

    def __init__(self) -> None:
        try:
            record: TaskRecord = current_task()._accord_record
        except AttributeError:
            record = current_record()
        self._record = record
        self._future: Future[Any] = Future(loop=record.state.loop)

    @property
    def woken(self) -> bool:
        """Whether ``unpark`` would come too late."""
        return self._future.done()

    async def park(self) -> Any:
        """See ``accord.protocols.Parker``."""
        future = self._future
        record = self._record
        state = record.state
        if state.heap:
            state.look_at_clock()
        if record.scope._effective and not future.done():
            # Decided here, so that nothing is handed over during the yield.
            future.cancel()
            await shielded_yield(record)
            raise_cancelled(record)
        try:
            return await future
        except CancelledError as exc:
            if future.cancelled():
                raise
            record.put_off(exc)
            return future.result()

    async def park_shielded(self) -> Any:
        """See ``accord.protocols.Parker``."""
        if self._future.done():
            return self._future.result()
        self._future = future = StubbornFuture(loop=self._record.state.loop)
        try:
            return await future
        except CancelledError as exc:
            self._record.put_off(exc)
            return future.result()

    def unpark(self, value: Any, /) -> bool:
        """See ``accord.protocols.Parker``."""
        future = self._future
        if future.done():
            return False
        future.set_result(value)
        return True
