"""Cancel scopes.

The scopes that are active in a task form a chain by ``_parent``; the chain of a task in a group goes on with the
scope of the group, which belongs to another task. Downward there are no pointers but ``_tasks``: the tasks whose
outermost scope has this one as parent. What is below a scope in its own task is found from that task's innermost scope.

``_effective`` is kept true to its definition at all times: *cancelled itself, or not shielded and the parent
effective*. So asking is one attribute, and each change (cancel, shield, enter, another parent) walks down through what
it affects, once.

**Whose cancellation is it?** asyncio has a second source of ``CancelledError``: ``Task.cancel()``. A scope must catch
what scopes caused and must never swallow a native request. The ledger is: ``_native``, the task's count of native
requests (``Task.cancelling()``) when the scope was entered, and ``_mark``, the same count when a cancellation was first
delivered into the scope. The backend does not use ``Task.cancel()`` to deliver where it can, and takes its own requests
back at once where it can't, so that these counts hold native requests only. At the exit, a native request is
outstanding if

* the count rose after the delivery: it came on top of ours; or
* the count rose since the entry and the exception (or one that it directly replaced) does not bear our reason object:
  what travels is, or replaced, a native cancellation. A count that rose without such an exception is a leftover of
  code that swallowed a request or of ``asyncio.TaskGroup`` before Python 3.13, and means nothing.
"""

from __future__ import annotations

from asyncio import CancelledError, get_running_loop
from heapq import heappush
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from accord.protocols import CancelReason
from accord.toolkit import ScopeMixin, check_deadline, check_shield, split
from accord.toolkit.scopes import ACTIVE, LEFT, NEW

from .current import current_record, current_task, name_of_current_task
from .loops import DEADLINE, Entry

if TYPE_CHECKING:
    from .records import TaskRecord

CARRIES_NATIVE = "_accord_carries_native"


class CancelScope(ScopeMixin):
    """See ``accord.protocols.CancelScope``."""

    __slots__ = (
        "_caught",
        "_deadline",
        "_delay",
        "_effective",
        "_entry",
        "_host",
        "_mark",
        "_native",
        "_parent",
        "_phase",
        "_reason",
        "_shield",
        "_tasks",
    )

    _host: TaskRecord
    _parent: CancelScope | None
    _native: int

    def __init__(self, deadline: float, delay: float | None, shield: bool) -> None:
        self._deadline = deadline
        self._delay = delay
        self._shield = shield
        self._phase = NEW
        self._effective = False
        self._caught = False
        self._reason: CancelReason | None = None
        self._entry: Entry | None = None
        self._tasks: dict[TaskRecord, None] | None = None
        self._mark: int | None = None

    @property
    def deadline(self) -> float:
        """See ``accord.protocols.CancelScope``."""
        if self._delay is not None and self._phase == NEW:
            return get_running_loop().time() + self._delay
        return self._deadline

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        deadline = check_deadline(value)
        cancelled = self.cancel_called  # by the former deadline, perhaps
        self._deadline = deadline
        self._delay = None
        if self._phase == ACTIVE and not cancelled:
            state = self._host.state
            if self._entry is not None:
                state.disarm(self)
            if deadline <= state.time():
                self.cancel_for(DEADLINE)
            elif deadline != inf:
                state.arm(self, deadline)

    @property
    def shield(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        return self._shield

    @shield.setter
    def shield(self, value: bool, /) -> None:
        self._shield = check_shield(value)
        if self._phase == ACTIVE:
            update(self)

    @property
    def cancel_called(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        if self._reason is not None:
            return True
        if self._phase != LEFT and self._deadline != inf and self._deadline <= get_running_loop().time():
            self.cancel_for(DEADLINE)
            return True
        return False

    @property
    def cancelled_caught(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        return self._caught

    @property
    def cancel_reason(self) -> CancelReason | None:
        """See ``accord.protocols.CancelScope``."""
        if self.cancel_called or not self._effective or self._phase == LEFT:
            return self._reason
        scope: CancelScope | None = self._parent
        while scope is not None and scope._reason is None:
            scope = scope._parent
        return None if scope is None or scope._reason is None else scope._reason._replace(kind="parent")

    def cancel(self, reason: str | None = None) -> None:
        """See ``accord.protocols.CancelScope``."""
        if not self.cancel_called:
            self.cancel_for(CancelReason("explicit", reason, name_of_current_task()))

    def cancel_for(self, reason: CancelReason) -> None:
        """Cancel for ``reason``, unless the scope is cancelled already."""
        if self._reason is not None:
            return
        if self._entry is not None:
            self._host.state.disarm(self)
        self._reason = reason
        if self._phase == ACTIVE and not self._effective:
            update(self)

    def add_task(self, record: TaskRecord) -> None:
        """Make the scope the parent of a task's outermost scope."""
        if self._tasks is None:
            self._tasks = {record: None}
        else:
            self._tasks[record] = None

    def remove_task(self, record: TaskRecord) -> None:
        """Forget a task that has ended or moved."""
        if self._tasks is not None:
            self._tasks.pop(record, None)

    def __enter__(self) -> Self:
        if self._phase != NEW:
            self.check_new()
        try:
            host: TaskRecord = current_task()._accord_record
        except AttributeError:
            host = current_record()
        parent = host.scope
        self._phase = ACTIVE
        self._host = host
        self._parent = parent
        self._native = host.natives() if host.uncounted else host.task.cancelling()
        host.scope = self
        if self._delay is not None or self._deadline != inf:
            state = host.state
            now = state.time()
            deadline = self._deadline
            if self._delay is not None:
                self._deadline = deadline = now + self._delay
            if self._reason is None:
                if deadline <= now:
                    self._reason = DEADLINE
                elif deadline != inf:
                    # As state.arm does it, without the call.
                    entry: Entry = (deadline, next(state.sequence), self)
                    self._entry = entry
                    heappush(state.heap, entry)
                    if state.credit.left:
                        state.take_credit_back()
                    if deadline < state.armed:
                        state.set_timer(deadline)
        if self._reason is not None or (parent._effective and not self._shield):
            self._effective = True
            self._mark = self._native
            host.state.observe(host)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        if self._phase != ACTIVE or (host := self._host).scope is not self or current_task() is not host.task:
            self.check_active()
            self.refuse_exit(self._host, current_record())
        self._phase = LEFT
        parent: Any = self._parent
        host.scope = parent
        if self._entry is not None:
            heap = host.state.heap
            if heap and heap[-1] is self._entry:
                heap.pop()  # as state.disarm does it, without the call
                self._entry = None
            else:
                host.state.disarm(self)
        if parent._effective and not self._effective:
            # The end of a shield: what follows in the task is cancelled, also where it awaits native futures.
            host.state.observe(host)
        if exc is None:
            self._effective = False
            return False
        return self._reason is not None and self._catch(exc)

    def _catch(self, exc: BaseException) -> bool:
        """Whether the scope, cancelled and just left, catches ``exc``; raises what is left of a group."""
        parent = self._parent
        assert parent is not None
        # An outer deadline that passed unnoticed makes the cancellation the outer scope's (TIME-15).
        self._host.state.look_at_clock()
        outward = parent._effective and not self._shield
        if isinstance(exc, CancelledError):
            # Asked also where the answer changes nothing here, because it leaves its mark on the exception.
            if self._native_outstanding(exc) or outward:
                return False
            self._caught = True
            return True
        self.put_off_swallowed()
        if outward:
            return False
        cancelled, rest = split(exc, CancelledError)
        if cancelled is None:
            return False
        self._caught = True
        if rest is None:
            return True
        context = exc.__context__
        try:
            raise rest
        finally:
            # The group that is being handled here is not a cause, but what this one was made of (CANCEL-12).
            rest.__context__ = context
            del rest

    def _native_outstanding(self, exc: CancelledError) -> bool:
        count = self._host.natives()
        if count <= self._native:
            return False
        if self._mark is not None and self._mark < count:
            # It rides on an exception that bears our reason; the scopes outside, which may know less, have to be told.
            setattr(exc, CARRIES_NATIVE, True)
            return True
        replaced: BaseException | None = exc
        while isinstance(replaced, CancelledError):
            ours = replaced.args and isinstance(replaced.args[0], CancelReason)
            if not ours or hasattr(replaced, CARRIES_NATIVE):
                return True
            replaced = replaced.__context__
        return False

    def put_off_swallowed(self) -> None:
        """Have a native request delivered again that came on top of ours, and that a group of errors can't carry."""
        if self._mark is not None and self._host.requests_delivered() > self._mark:
            self._host.put_off(CancelledError(), self._mark)


def update(top: CancelScope) -> None:
    """Make ``_effective`` true again for ``top`` and all that is below, and deliver to the tasks that became cancelled.

    ``top`` is active, and it or its parent has changed.
    """
    parent = top._parent
    effective = top._reason is not None or (parent is not None and not top._shield and parent._effective)
    if effective == top._effective:
        return
    todo = [(top, effective)]
    delivered: list[TaskRecord] = []
    for scope, effective in todo:  # grows while it is walked
        host = scope._host
        chain: list[CancelScope] = []
        inner = host.scope
        while inner is not scope:
            chain.append(inner)
            assert inner._parent is not None
            inner = inner._parent
        while True:
            scope._effective = effective
            if scope._tasks:
                for record in scope._tasks:
                    below = record._reason is not None or (effective and not record._shield)
                    if below != record._effective:
                        todo.append((record, below))
            if not chain:
                if effective:
                    host.deliver()
                    delivered.append(host)
                break
            scope = chain.pop()
            below = scope._reason is not None or (effective and not scope._shield)
            if below == scope._effective:
                break
            effective = below
    if delivered:
        # Not sooner, so that the next look comes after the tasks have run.
        top._host.state.observe(*delivered)


def effective_deadline(record: TaskRecord) -> float:
    """The earliest deadline that can cancel ``record``'s task."""
    record.state.look_at_clock()
    scope: CancelScope | None = record.scope
    if scope is not None and scope._effective:
        return -inf
    earliest = inf
    while scope is not None:
        earliest = min(earliest, scope._deadline)
        scope = None if scope._shield else scope._parent
    return earliest
