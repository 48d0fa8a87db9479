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
    record.sheltered = True
    try:
        await bare_yield()
    finally:
        record.sheltered = False
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
    elif not record.state.credit.left:
        record.state.lend()


def checkpoint_due() -> bool:
    """See ``accord.protocols.Backend``; lends the rest of the budget where nothing can change the answer unnoticed."""
    try:
        record: TaskRecord = current_task()._accord_record
    except AttributeError:
        record = current_record()
    state = record.state
    heap = state.heap
    if heap and heap[0][0] <= state.time():
        state.look_at_clock()
    if record.scope._effective:
        return True
    credit = state.credit
    if credit.left:
        credit.left -= 1
        return False
    state.budget_left -= 1
    if not state.budget_left:
        state.budget_left = state.budget
        return True
    if credit.backend is not None and not heap:
        state.lend()
    return False


def raise_cancelled(record: TaskRecord) -> None:
    """Raise the cancellation that the task is under."""
    record.note_delivery()
    raise CancelledError(record.reason())


async def cancel_shielded_checkpoint() -> None:
    """See ``accord.protocols.Backend``; a native cancellation that arrives meanwhile is put off."""
    try:
        record: TaskRecord = current_task()._accord_record
    except AttributeError:
        record = current_record()
    before = record.requests_delivered() if record.task.cancelling() else 0
    record.sheltered = True
    try:
        await bare_yield()
    except CancelledError as exc:
        record.put_off(exc, before)
    finally:
        record.sheltered = False


class StubbornFuture(Future[Any]):
    """A future whose waiter can't be interrupted: cancelling is refused, and asyncio then waits for the result."""

    def cancel(self, msg: object = None) -> bool:  # noqa: ARG002
        """Refuse."""
        return False


_NOTHING: Any = object()


class Parker:
    """See ``accord.protocols.Parker``; it makes a future only when it parks."""

    __slots__ = ("_future", "_record", "_value")

    def __init__(self) -> None:
        try:
            record: TaskRecord = current_task()._accord_record
        except AttributeError:
            record = current_record()
        self._record = record
        self._future: Future[Any] | None = None
        self._value = _NOTHING

    @property
    def woken(self) -> bool:
        """Whether ``unpark`` would come too late."""
        return self._value is not _NOTHING if self._future is None else self._future.done()

    async def park(self) -> Any:
        """See ``accord.protocols.Parker``."""
        record = self._record
        state = record.state
        if state.heap:
            state.look_at_clock()
        if self._value is not _NOTHING:
            return self._value
        if record.scope._effective:
            # Decided here, so that nothing is handed over during the yield.
            self._value = None
            await cancel_shielded_checkpoint()
            raise_cancelled(record)
        future: Future[Any] = Future(loop=state.loop)
        self._future = future
        before = record.natives() if record.uncounted else record.task.cancelling()
        try:
            return await future
        except CancelledError as exc:
            if future.cancelled():
                raise
            record.put_off(exc, before)
            return future.result()

    async def park_shielded(self) -> Any:
        """See ``accord.protocols.Parker``."""
        if self._value is not _NOTHING:
            return self._value
        record = self._record
        future: Future[Any] = StubbornFuture(loop=record.state.loop)
        self._future = future
        before = record.requests_delivered()
        try:
            return await future
        except CancelledError as exc:
            record.put_off(exc, before)
            return future.result()

    def unpark(self, value: Any, /) -> bool:
        """See ``accord.protocols.Parker``."""
        future = self._future
        if future is not None:
            if future.done():
                return False
            future.set_result(value)
        elif self._value is _NOTHING:
            self._value = value
        else:
            return False
        return True
