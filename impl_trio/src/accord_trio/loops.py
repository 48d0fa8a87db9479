"""What the backend keeps for each run of Trio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVarTuple

import trio

from accord import RunFinishedError
from accord.protocols import CancelReason
from accord.toolkit import DEFAULT_BUDGET, task_name

if TYPE_CHECKING:
    from .records import TaskRecord
    from .virtual import Driver


Ts = TypeVarTuple("Ts")

DEADLINE = CancelReason("deadline")


class LoopToken:
    """See ``accord.protocols.LoopToken``."""

    __slots__ = ("__weakref__", "_token", "driver", "nursery")

    backend_name = "trio"

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        self._token = token
        self.driver: Driver | None = None
        """What moves simulated time."""
        self.nursery: trio.Nursery | None = None
        """Where a session has its root tasks; an ordinary run has them among the system tasks."""

    def call_soon(self, func: Callable[[*Ts], object], /, *args: *Ts) -> None:
        """See ``accord.protocols.LoopToken``."""
        try:
            self._token.run_sync_soon(func, *args)
        except trio.RunFinishedError:
            raise RunFinishedError("the Trio run that this token belongs to has ended") from None

    def start_task(self, func: Callable[[], Coroutine[Any, Any, None]], /) -> None:
        """See ``accord.protocols.LoopToken``."""
        try:
            if self.nursery is not None:
                self.nursery.start_soon(func, name=task_name(func))
            else:
                trio.lowlevel.spawn_system_task(func, name=task_name(func))
        except RuntimeError:  # the nursery is closed
            raise RunFinishedError("the Trio run that this token belongs to ends") from None

    def hold_clock(self) -> None:
        """See ``accord.protocols.LoopToken``; only a virtual clock can be held."""
        if self.driver is not None:
            self.driver.clock.hold()

    def release_clock(self) -> None:
        """See ``accord.protocols.LoopToken``."""
        if self.driver is not None:
            self.driver.clock.release()

    def __repr__(self) -> str:
        return "<trio LoopToken>"


class _ExitWatch(trio.abc.Instrument):
    """Tells the records of tasks that were not started by accord that they have ended."""

    def __init__(self) -> None:
        self.records: dict[trio.lowlevel.Task, TaskRecord] = {}

    def task_exited(self, task: trio.lowlevel.Task) -> None:
        record = self.records.pop(task, None)
        if record is not None:
            record.end_foreign()


class LoopState:
    """The backend's state for one run."""

    __slots__ = ("__weakref__", "_watch", "budget", "budget_left", "token")

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        self.token = LoopToken(token)
        self.budget = DEFAULT_BUDGET
        self.budget_left = DEFAULT_BUDGET
        self._watch: _ExitWatch | None = None

    def watch_exit(self, task: trio.lowlevel.Task, record: TaskRecord) -> None:
        """Have ``record`` told when ``task``, which accord did not start, ends."""
        if self._watch is None:
            self._watch = _ExitWatch()
            trio.lowlevel.add_instrument(self._watch)
        self._watch.records[task] = record


_state: trio.lowlevel.RunVar[LoopState] = trio.lowlevel.RunVar("accord state")


def current_state() -> LoopState:
    """Return the state of the run that this thread is in, made at the first call."""
    try:
        return _state.get()
    except LookupError:
        state = LoopState(trio.lowlevel.current_trio_token())
        _state.set(state)
        return state
