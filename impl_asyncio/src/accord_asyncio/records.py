"""One record for each task: its state, its handle, its outermost scope, and what users may ask about it, in one object.

**Delivery.** To cancel a task is to cancel the future that it waits for: the ``CancelledError`` bears our reason, and
``Task.cancelling()`` stays the count of native requests. If that future is done already the task has been woken, and
keeps what it was woken for (CANCEL-25). Only a task that waits for no future, in a bare ``yield`` of foreign code, is
cancelled by ``Task.cancel()``, taken back by ``uncancel()`` as soon as it was delivered.

Cancellation is level-triggered, also for code that awaits native futures, and costs nothing while nothing happens:
after a delivery the task is looked at once more. If it waits for another future, this is cancelled as well; if it
still waits for the same one, which refused, a callback of that future brings the next look. Code that swallows
cancellations in a loop is served with increasing delays.

**Native requests** that meet a woken task are put off: the task keeps what it got, and the request is delivered at its
next suspension, unless ``uncancel()`` has taken it back by then (NATIVE-8).
"""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Callable
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from accord.protocols import CancelReason, HandleStatus
from accord.protocols.parking import AnyParker
from accord.toolkit import HandleMixin
from accord.toolkit.coroutines import close_quietly
from accord.toolkit.handles import UNSET
from accord.toolkit.scopes import ACTIVE, LEFT

from .current import ATTRIBUTE, name_of_current_task
from .loops import LoopState, state_of
from .scopes import CancelScope

if TYPE_CHECKING:
    from .groups import TaskGroup

_ids = count(1)

PATIENCE = 8  # deliveries in a row before they are delayed
LONGEST_DELAY = 0.05
MOST_STRIKES = PATIENCE + 10  # from where on the delay is the longest; a power of what goes on for hours would overflow

PARENT = CancelReason("parent")

_NO_TASK: Any = None


def waited_for(task: asyncio.Task[Any]) -> asyncio.Future[Any] | None:
    """Return the future that a suspended task waits for; None in a bare yield or while it runs."""
    internals: Any = task
    waiter: asyncio.Future[Any] | None = internals._fut_waiter
    return waiter


def requested(task: asyncio.Task[Any]) -> bool:
    """Return whether a cancellation will be thrown into the task at its next step."""
    internals: Any = task
    pending: bool = internals._must_cancel
    return pending


class TaskRecord(CancelScope, HandleMixin[Any]):
    """State, handle, scope and ``TaskInfo`` of one task."""

    __slots__ = (
        "__weakref__",
        "_coro",
        "_error",
        "_name",
        "_start_value",
        "_status",
        "_strikes",
        "_value",
        "_waiters",
        "_watchers",
        "floor",
        "group",
        "hit",
        "id",
        "issued",
        "observed",
        "parent_id",
        "scope",
        "sheltered",
        "starter",
        "state",
        "stepped",
        "task",
        "uncounted",
    )

    task: asyncio.Task[Any]

    # As a scope it has neither deadline nor shield, catches nothing and is no scope of a group: no need for fields.
    _deadline = inf
    _delay = None
    _shield = False
    _caught = False
    _entry = None
    _tasks = None
    _native = 0

    def __init__(
        self, state: LoopState, coro: Any, name: str | None, parent: CancelScope | None, parent_id: int | None
    ) -> None:
        self._phase = ACTIVE
        self._effective = False if parent is None else parent._effective
        self._reason = None
        self._mark = None
        self._host = self
        self._parent = parent
        self.state = state
        self.scope: CancelScope = self
        self.id = next(_ids)
        self.parent_id = parent_id
        self.group: TaskGroup | None = None
        self.starter: Any = None
        self.hit: asyncio.Future[Any] | None = None
        self.issued = 0  # requests of our own that were not taken back yet
        self.uncounted = 0  # these, and native ones that are put off
        self.floor = 0  # how many native ones there were before those that are put off
        self.observed = False
        self.stepped = False
        self.sheltered = False  # in a suspension that scopes do not interrupt
        self.task = _NO_TASK  # until there is one
        self._name = name
        self._coro = coro
        self._strikes = 0
        self._status = HandleStatus.PENDING
        self._value: Any = UNSET
        self._error: BaseException | None = None
        self._start_value: Any = UNSET
        self._waiters: list[AnyParker] | None = None
        self._watchers: list[Callable[[], object]] | None = None

    @property
    def name(self) -> str:
        """See ``accord.protocols.TaskInfo``."""
        return self._name if self._name is not None else self.task.get_name()

    @property
    def finished(self) -> bool:
        """See ``accord.protocols.TaskInfo``."""
        return self._phase == LEFT

    def has_pending_cancellation(self) -> bool:
        """See ``accord.protocols.TaskInfo``."""
        if self.finished:
            return False
        self.state.look_at_clock()
        waiter = waited_for(self.task)
        return self.scope._effective or requested(self.task) or (waiter is not None and waiter.cancelled())

    def cancel(self, reason: str | None = None) -> None:
        """See ``accord.protocols.TaskHandle``."""
        if not self.finished and self._reason is None:
            self._status = HandleStatus.CANCELLING
            self.cancel_for(CancelReason("explicit", reason, name_of_current_task()))

    def reason(self) -> CancelReason:
        """Why the task is effectively cancelled: the reason of the nearest scope that was cancelled."""
        scope: CancelScope | None = self.scope
        while scope is not None and scope._reason is None:
            scope = scope._parent
        return PARENT if scope is None or scope._reason is None else scope._reason

    def note_delivery(self) -> None:
        """Note in the scopes that are being cancelled how many native requests there were before."""
        natives = self.requests_delivered()
        scope: CancelScope | None = self.scope
        while scope is not None and scope._effective:
            mark = scope._mark
            if mark is None or natives < mark:
                scope._mark = natives
            if scope is self:
                return
            scope = scope._parent

    def deliver(self) -> None:
        """Cancel what the task waits for; the caller puts the task under observation."""
        if self.task is None:
            return  # it is just being made
        self.note_delivery()
        internals: Any = self.task
        waiter = internals._fut_waiter if self.stepped else None
        if waiter is not None and not waiter.done():
            self.hit = waiter
            if not self.sheltered:
                waiter.cancel(self.reason())

    def recheck(self) -> bool:
        """Deliver again where the task, still cancelled, has begun another wait; true to be asked once more."""
        if self._phase != ACTIVE:
            return self._unobserved()
        if not self.stepped:
            return True
        if self.issued:
            self.take_back()
        task = self.task
        if not self.scope._effective:
            self.hit = None
            self._strikes = 0
            return self._unobserved()
        waiter = waited_for(task)
        if waiter is None:
            if not self.sheltered and not requested(task):
                self.note_delivery()
                self.issued += 1
                self.uncounted += 1
                task.cancel(self.reason())
            return True
        if waiter.done():
            return True
        if waiter is self.hit:
            self.hit = None
            waiter.add_done_callback(self._look_again)
            return False
        self._strikes = min(self._strikes + 1, MOST_STRIKES)
        if self._strikes > PATIENCE:
            self.state.loop.call_later(min(2.0 ** (self._strikes - PATIENCE) / 1000, LONGEST_DELAY), self._deliver_late)
            return False
        self.deliver()
        return True

    def _unobserved(self) -> bool:
        self.observed = False
        self.state.observed -= 1
        return False

    def _look_again(self, _: object) -> None:
        self.state.observe(self)

    def _deliver_late(self) -> None:
        if self._phase == ACTIVE and self.scope._effective:
            self.deliver()
        self.state.observe(self)

    def take_back(self) -> None:
        """Withdraw the ``Task.cancel()`` requests that were ours and have been delivered."""
        while self.issued:
            self.issued -= 1
            self.uncounted -= 1
            self.task.uncancel()

    def natives(self) -> int:
        """The native requests that are neither taken back nor put off."""
        count = self.task.cancelling()
        if not self.uncounted:
            return count
        # One that is put off may have been taken back meanwhile, which only the count tells.
        return max(count - self.uncounted, min(count, self.floor))

    def requests_delivered(self) -> int:
        """The native requests that are not taken back, without one that is yet to be delivered."""
        if not self.task.cancelling():
            return 0
        return self.natives() - (requested(self.task) and not self.issued)

    def put_off(self, exc: CancelledError, before: int) -> None:
        """Deliver a native request again at the next suspension of the task, unless it is taken back by then.

        :param before: how many requests there were before it.
        """
        requests = self.natives() - before
        if requests > 0:
            # Until then it does not count, or a scope would take it for one that it has seen go by.
            self.floor = min(before, self.floor) if self.uncounted > self.issued else before
            self.uncounted += requests
            self.state.loop.call_soon(self._redeliver, before, requests, exc.args[:1])

    def _redeliver(self, before: int, requests: int, args: tuple[Any, ...]) -> None:
        self.uncounted -= requests
        task = self.task
        if self._phase == ACTIVE and self.natives() > before:
            task.uncancel()
            task.cancel(*args)

    def end(self, status: HandleStatus) -> None:
        """Enter the final status; the task runs no more code of its user."""
        self._phase = LEFT
        if self._name is None:
            self._name = self.task.get_name()
        self.hit = None
        # Task and record refer to each other, and the record to itself as a scope; such circles would wait for the
        # garbage collector (TASK-36).
        self.task = self.scope = self._host = _NO_TASK
        if self._waiters is None and self._watchers is None:
            self._status = status
        else:
            self._settle(status)

    def end_unstarted(self, _: object) -> None:
        """End the record of a task that was cancelled natively before its first step; otherwise it has ended itself."""
        if self._phase == ACTIVE and self.group is not None:
            close_quietly(self._coro)
            self.group._task_ended(self, HandleStatus.CANCELLED)

    def end_foreign(self, task: asyncio.Task[Any]) -> None:
        """End the record of a task that was not started by a group."""
        self.end(HandleStatus.CANCELLED if task.cancelled() else HandleStatus.FINISHED)

    def __repr__(self) -> str:
        return f"<TaskHandle {self.name!r} {self._status.value}>"


class Task(asyncio.Task[Any]):
    """A native task with a place for its record, which is cheaper than a dictionary for its attributes."""

    __slots__ = (ATTRIBUTE,)

    _accord_record: TaskRecord


# For task classes whose instances take no attribute.
_odd_tasks: WeakKeyDictionary[asyncio.Task[Any], TaskRecord] = WeakKeyDictionary()


def attach(task: asyncio.Task[Any], record: TaskRecord) -> None:
    """Make ``record`` the record of ``task``."""
    record.task = task
    try:
        setattr(task, ATTRIBUTE, record)
    except AttributeError:
        _odd_tasks[task] = record


def find(task: asyncio.Task[Any]) -> TaskRecord | None:
    """Return the record of ``task`` if it has one."""
    record: TaskRecord | None = getattr(task, ATTRIBUTE, None)
    return record if record is not None else _odd_tasks.get(task)


def adopt(task: asyncio.Task[Any]) -> TaskRecord:
    """Return the record of a task, and make one if it was started by somebody else."""
    record = find(task)
    if record is None:
        record = TaskRecord(state_of(task.get_loop()), task.get_coro(), None, None, None)
        record.stepped = True
        attach(task, record)
        task.add_done_callback(record.end_foreign)
    return record
