"""Pollers: a descriptor stays registered with the loop from one operation to the next.

The operation is tried in the loop's callback, so that a readable socket is read in the same turn of the loop, and a
level-triggered selector does not report it again while the task is on its way. Where the selector does report with
nobody waiting, the registration is taken back until the next wait.

A loop may give up watching on its own: uvloop does so after an error on the descriptor, though what was read just then
may have been data that came before the error. It drops the callback with the registration, and so a weak reference to
the callback tells when that happens: by then a task that was resumed in the callback may already wait again.

The task is resumed from the loop's callback at once, where a future that is done would send it to the end of the loop's
queue: that saves a turn of the loop each time that a ``receive`` waits, and leaves no gap in which the task could be
cancelled after the attempt was made.
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError, Future
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import ReferenceType, ref

from accord import BusyResourceError, ClosedResourceError

from .current import current_record, current_task
from .parking import cancel_shielded_checkpoint, checkpoint, raise_cancelled
from .records import TaskRecord

T = TypeVar("T")


def _resume(future: Future[None]) -> None:
    """Complete a future for which one task waits, and run the task until it waits again.

    To be called by the loop only: within a task another one can't be run.
    """
    internals: Any = future
    ((wakeup, context),) = internals._callbacks
    future.remove_done_callback(wakeup)
    future.set_result(None)
    context.run(wakeup, future)


class Direction:
    """Waiting for one of the two events of a descriptor."""

    __slots__ = (
        "_add",
        "_attempt",
        "_callback",
        "_closed",
        "_error",
        "_fd",
        "_future",
        "_loop",
        "_registered",
        "_remove",
        "_value",
        "_what",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        fd: int,
        what: str,
        add: Callable[..., object],
        remove: Callable[[int], object],
    ) -> None:
        self._loop = loop
        self._fd = fd
        self._what = what
        self._add = add
        self._remove = remove
        self._closed = False
        self._registered = False
        self._callback: ReferenceType[Callable[[], object]] | None = None
        self._future: Future[None] | None = None
        self._value: Any = None
        self._error: BaseException | None = None
        self._attempt: Callable[[], Any] | None = None

    @property
    def waiting(self) -> bool:
        """Whether a task waits."""
        return self._future is not None and not self._future.done()

    async def perform(self, attempt: Callable[[], T], /) -> T:
        """Wait for the event and return what ``attempt`` returns."""
        if self._future is not None:
            raise BusyResourceError(self._what)
        if self._closed:
            await checkpoint()
            raise ClosedResourceError
        try:
            record: TaskRecord = current_task()._accord_record
        except AttributeError:
            record = current_record()
        if record.state.heap:
            record.state.look_at_clock()
        if record.scope._effective:
            await cancel_shielded_checkpoint()
            raise_cancelled(record)
        if self._callback is None:
            self._register()
        future: Future[None] = Future(loop=self._loop)
        self._future = future
        self._attempt = attempt
        before = record.natives()
        try:
            await future
        except CancelledError as exc:
            if future.cancelled():
                raise
            record.put_off(exc, before)
        finally:
            value, self._value = self._value, None
            error, self._error = self._error, None
            self._future = self._attempt = None
        if error is None:
            result: T = value
            return result
        try:
            raise error
        finally:
            del error

    def _on_ready(self) -> None:
        future, attempt = self._future, self._attempt
        if future is None or attempt is None or future.done():
            self.forget()
            return
        try:
            # Not the future's and in no variable: it would live on in this frame, inside of which the task runs.
            self._value = attempt()
        except (BlockingIOError, InterruptedError):
            return
        except BaseException as exc:
            self._error = exc
        self._attempt = attempt = None
        _resume(future)

    def _register(self) -> None:
        self.forget()
        callback = self._on_ready
        self._add(self._fd, callback)
        self._registered = True
        self._callback = ref(callback, self._on_dropped)

    def _on_dropped(self, _: object) -> None:
        self._callback = None
        if self._future is not None and not self._loop.is_closed():
            self._loop.call_soon(self._watch_again)  # the loop is about to close what it watched with

    def _watch_again(self) -> None:
        if self._callback is None and self._future is not None and not self._future.done():
            self._register()

    def forget(self) -> None:
        """Take the registration back."""
        if self._registered:
            self._registered = False
            self._callback = None
            self._remove(self._fd)

    def close(self) -> None:
        """Wake the task that waits, with an error."""
        self._closed = True
        self.forget()
        if self._future is not None and not self._future.done():
            self._error = ClosedResourceError("this resource was closed while a task was waiting for it")
            self._future.set_result(None)


_OPERATIONS = ("readable", "writable")


class Poller:
    """See ``accord.protocols.Poller``; its operations are those of its two directions."""

    __slots__ = ("_reading", "_writing", *_OPERATIONS)

    if TYPE_CHECKING:

        async def readable(self, attempt: Callable[[], T], /) -> T:
            """See ``accord.protocols.Poller``."""
            ...

        async def writable(self, attempt: Callable[[], T], /) -> T:
            """See ``accord.protocols.Poller``."""
            ...

    def __init__(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        self._reading = Direction(loop, fd, "receiving from", loop.add_reader, loop.remove_reader)
        self._writing = Direction(loop, fd, "sending to", loop.add_writer, loop.remove_writer)
        for name, direction in zip(_OPERATIONS, (self._reading, self._writing), strict=True):
            setattr(self, name, direction.perform)  # in a field, which saves a coroutine

    def close(self) -> None:
        """See ``accord.protocols.Poller``."""
        self._reading.close()
        self._writing.close()


class Readiness:
    """See ``accord.protocols.Readiness``."""

    __slots__ = ()

    def create_poller(self, fd: int, /) -> Poller:
        """See ``accord.protocols.Readiness``."""
        return Poller(fd)
