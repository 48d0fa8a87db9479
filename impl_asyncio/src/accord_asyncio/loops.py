"""What the backend keeps for each event loop: deadlines, cancellations to look after, the checkpoint budget.

All deadlines of a loop stand in one heap behind one timer. A scope that is left leaves a dead entry in the heap, unless
the entry is still the last of the array (the usual case: scopes nest), where it is popped at once. Dead entries are
swept out when they are the majority.

A task that is effectively cancelled is under observation (``recheck``) until it ends or the cancellation does: see
``records.TaskRecord.recheck``.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any, TypeVarTuple

from accord import RunFinishedError
from accord.protocols import CancelReason
from accord.toolkit import DEFAULT_BUDGET, Credit, task_name

if TYPE_CHECKING:
    from accord.testing import VirtualClock

    from .records import TaskRecord
    from .scopes import CancelScope

# uvloop turns delays into milliseconds in 64 bits; no timer is set farther away than this (seconds).
FARTHEST = 86400.0
SWEEP_AT = 500
ATTRIBUTE = "_accord_state"

DEADLINE = CancelReason("deadline")


Ts = TypeVarTuple("Ts")


class LoopToken:
    """See ``accord.protocols.LoopToken``.

    asyncio forgets what it was given after its last turn. So the calls are kept here, and those that the loop has not
    come to are carried out when it is closed (RUN-13). There is no lock, which a signal handler could meet locked.
    """

    __slots__ = ("__weakref__", "_calls", "_loop", "_tasks", "clock", "ending")

    backend_name = "asyncio"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.clock: VirtualClock | None = getattr(loop, "virtual_clock", None)
        """What ``VirtualLoop`` has in place of real time."""
        self.ending = False
        """Whether main has ended: what is started now might come too late to be cancelled."""

    def call_soon(self, func: Callable[[*Ts], object], /, *args: *Ts) -> None:
        """See ``accord.protocols.LoopToken``."""
        call = partial(func, *args)
        self._calls.append(call)
        try:
            self._loop.call_soon_threadsafe(self._carry_out)
        except RuntimeError:
            try:
                self._calls.remove(call)
            except ValueError:
                return  # finish() was faster
            if self._loop.is_closed():
                raise RunFinishedError("the event loop that this token belongs to is closed") from None
            raise

    def _carry_out(self) -> None:
        if self._calls:
            self._calls.popleft()()

    def start_task(self, func: Callable[[], Coroutine[Any, Any, None]], /) -> None:
        """See ``accord.protocols.LoopToken``."""
        if self.ending or self._loop.is_closed():
            raise RunFinishedError("the run that this token belongs to ends")
        # The loop refers to its tasks weakly.
        task = asyncio.Task(func(), loop=self._loop, name=task_name(func))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def finish(self) -> None:
        """Carry out what the loop, which is closed, has left undone; errors go where it would send them."""
        while self._calls:
            try:
                self._carry_out()
            except Exception as exc:
                self._loop.call_exception_handler({"message": "a call from outside failed", "exception": exc})

    def hold_clock(self) -> None:
        """See ``accord.protocols.LoopToken``; only a virtual clock can be held."""
        if self.clock is not None:
            self.clock.hold()

    def release_clock(self) -> None:
        """See ``accord.protocols.LoopToken``."""
        if self.clock is not None:
            self.clock.release()

    def __repr__(self) -> str:
        return f"<asyncio LoopToken {'finished' if self._loop.is_closed() else 'running'}>"


Entry = tuple[float, int, "CancelScope"]


class LoopState:
    """The backend's state for one loop."""

    __slots__ = (
        "__weakref__",
        "_dead",
        "_rechecking",
        "_rechecks",
        "armed",
        "budget",
        "budget_left",
        "credit",
        "farthest",
        "heap",
        "loop",
        "observed",
        "sequence",
        "time",
        "token",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # The usual clock, without the method around it.
        self.time = time.monotonic if type(loop).time is asyncio.BaseEventLoop.time else loop.time
        self.token = LoopToken(loop)
        # With simulated time each stop on the way to a deadline would be one more jump.
        self.farthest = FARTHEST if self.token.clock is None else inf
        self.heap: list[Entry] = []
        self.budget = DEFAULT_BUDGET
        self.budget_left = DEFAULT_BUDGET  # without what is lent
        self.credit = Credit()
        self.credit.time = self.time
        self.observed = 0  # how many records are: all of tasks that are cancelled, and some that were
        self.sequence = count()
        self.armed = inf
        self._dead = 0
        self._rechecks: dict[TaskRecord, None] = {}
        self._rechecking = False

    def arm(self, scope: CancelScope, deadline: float) -> None:
        """Have ``scope`` cancelled when the clock reads ``deadline``."""
        entry = (deadline, next(self.sequence), scope)
        scope._entry = entry
        heappush(self.heap, entry)
        if self.credit.left:
            self.take_credit_back()
        if deadline < self.armed:
            self.set_timer(deadline)

    def disarm(self, scope: CancelScope) -> None:
        """Forget the deadline of ``scope``, which has one."""
        heap = self.heap
        entry = scope._entry
        scope._entry = None
        if heap and heap[-1] is entry:
            heap.pop()
        elif heap and heap[0] is entry:
            heappop(heap)
            self._uncover()
        else:
            self._dead += 1
            if self._dead > SWEEP_AT and self._dead * 2 > len(heap):
                heap[:] = [entry for entry in heap if entry[2]._entry is entry]
                heapify(heap)
                self._dead = 0

    def _uncover(self) -> None:
        """Remove dead entries from the top, so that a heap without a deadline is empty."""
        heap = self.heap
        while heap and heap[0][2]._entry is not heap[0]:
            heappop(heap)
            self._dead -= 1

    def set_timer(self, deadline: float) -> None:
        """Have ``expire`` called when the clock reads ``deadline``."""
        # A timer that has become too early only wakes the loop once for nothing, so none is ever cancelled.
        when = min(deadline, self.time() + self.farthest)
        self.armed = when
        self.loop.call_at(when, self._on_timer, when)

    def _on_timer(self, when: float) -> None:
        if when != self.armed:
            return
        self.armed = inf
        self.expire(max(self.time(), when))
        if self.heap:
            self.set_timer(self.heap[0][0])

    def look_at_clock(self) -> None:
        """Cancel the scopes whose deadline has passed, also if the loop has had no chance to notice."""
        if self.heap and self.heap[0][0] <= (now := self.time()):
            self.expire(now)

    def expire(self, now: float) -> None:
        """Cancel the scopes whose deadline is not after ``now``."""
        heap = self.heap
        while heap and heap[0][0] <= now:
            entry = heappop(heap)
            scope = entry[2]
            if scope._entry is entry:
                scope._entry = None
                scope.cancel_for(DEADLINE)
            else:
                self._dead -= 1
        self._uncover()

    def lend(self) -> None:
        """Lend what is left of the budget, but for the operation that will have to yield, if nothing is cancelled."""
        if self.credit.backend is not None and not self.heap and not self.observed:
            self.credit.left = self.budget_left - 1
            self.budget_left = 1

    def take_credit_back(self) -> None:
        """Have operations ask again."""
        self.budget_left += self.credit.left
        self.credit.left = 0

    def observe(self, *records: TaskRecord) -> None:
        """Look at cancelled tasks again, after what is ready now has run."""
        if self.credit.left:
            self.take_credit_back()
        for record in records:
            if not record.observed:
                record.observed = True
                self.observed += 1
            self._rechecks[record] = None
        if not self._rechecking:
            self._rechecking = True
            self.loop.call_soon(self._recheck)

    def end(self) -> None:
        """Part from the loop, which has been closed, and finish what it has left undone."""
        delattr(self.loop, ATTRIBUTE)
        self.token.finish()

    def _recheck(self) -> None:
        records, self._rechecks = self._rechecks, {}
        self._rechecking = False
        again = [record for record in records if record.recheck()]
        if again:
            self.observe(*again)


def current_time() -> float:
    """See ``accord.protocols.Backend``."""
    return asyncio.get_running_loop().time()


def state_of(loop: asyncio.AbstractEventLoop) -> LoopState:
    """Return the state of ``loop``, made at the first call.

    It is an attribute of the loop: a table would have to hold the loop, or lose the state too early.
    """
    state: LoopState | None = getattr(loop, ATTRIBUTE, None)
    if state is None:
        state = LoopState(loop)
        setattr(loop, ATTRIBUTE, state)
    return state
