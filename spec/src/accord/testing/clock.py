"""Virtual time: what the clock reads, and when it may move (area VCLOCK).

Tests that sleep are slow, and tests that sleep a little less fail on busy machines. Under a virtual clock nothing ever
sleeps: when every task is blocked, time jumps to the next deadline. What a task computes takes no time at all.

A backend asks the clock what to do each time that it has nothing to run (``idle``), and tells it how long it has waited
then (``waited``). All that decides about time is here, so that it is the same on every backend:

* *advance* goes first: what was asked for by hand happens in any case.
* *held*: a thread works for a task of the run. Time stands still, because nobody knows how long that takes.
* *I/O*: a task waits for a descriptor. Time flows at the real rate as long as the loop waits, so that what is under way
  arrives before a timeout strikes, and nothing hangs where the answer depends on a timer.
* Otherwise time jumps.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator
from math import inf, isfinite
from typing import Any

from .._tasks import wait_all_tasks_blocked
from ..toolkit.checks import check_positive
from ..toolkit.outcomes import Outcome
from .deadlocks import DeadlockError, Suspicion

__all__ = ["DeadlockError", "VirtualClock"]

_NEVER = 1e10
"""Seconds: a deadline that is centuries away is as good as none."""


def _check_seconds(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, float | int):
        raise TypeError(f"{name} must be a real number (seconds), not {type(value).__name__}")
    try:
        seconds = float(value)
    except OverflowError:
        raise ValueError(f"{name} is too large for a float") from None
    if not isfinite(seconds):
        raise ValueError(f"{name} must be finite, got {seconds}")
    return seconds


class _Advance:
    """What ``advance`` returns: can be awaited, and need not be."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, None]:
        return wait_all_tasks_blocked().__await__()


class VirtualClock:
    """Simulated time for one run at a time: the run option ``virtual_time`` of a backend (area VCLOCK).

    :param start: what the clock reads at first, in seconds; any finite number.
    :param autojump: whether time jumps to the next deadline when every task is blocked. Without it time moves by
        ``advance`` alone.
    :param io_grace: seconds of real time without any event after which time jumps although a task waits for a
        descriptor; None for never. For tests whose peers are in the same process and sleep.

    Raises ``TypeError`` or ``ValueError`` for what is no such number.
    """

    __slots__ = (
        "__weakref__",
        "_autojump",
        "_holds",
        "_io_grace",
        "_now",
        "_suspicion",
        "_target",
        "_thread",
        "deadlock",
        "on_deadlock",
    )

    def __init__(self, *, start: float = 0.0, autojump: bool = True, io_grace: float | None = None) -> None:
        self._now = _check_seconds(start, "start")
        self._io_grace = inf if io_grace is None else check_positive(io_grace, "io_grace")
        self.autojump = autojump
        self._target = self._now
        # One operation on a list is atomic, whatever thread or signal handler it is made in.
        self._holds: list[None] = []
        self._thread: int | None = None
        self._suspicion: Suspicion | None = None
        self.on_deadlock: Callable[[], object] | None = None
        """Set by the backend: cancels the main task after ``deadlock`` was set. None: deadlocks are not looked for."""
        self.deadlock: DeadlockError | None = None
        """Set when a deadlock was found in this run (VCLOCK-11)."""

    @property
    def now(self) -> float:
        """What the clock reads, in seconds: the same as ``current_time()`` in its run."""
        return self._now

    @property
    def autojump(self) -> bool:
        """Whether time jumps to the next deadline when every task is blocked; may be changed at any time."""
        return self._autojump

    @autojump.setter
    def autojump(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"autojump must be a bool, not {type(value).__name__}")
        self._autojump = value

    @property
    def running(self) -> bool:
        """Whether a run uses the clock."""
        return self._thread is not None

    def advance(self, seconds: float) -> Awaitable[None]:
        """Move time on by so much; all that is due meanwhile happens in the order of deadlines, each at its own time.

        :param seconds: 0 or more, finite; ``ValueError`` or ``TypeError`` otherwise.

        To be called in the run's thread, by a task or a callback; from another thread as
        ``token.call_soon(clock.advance, seconds)`` (``RuntimeError`` otherwise). No checkpoint, and returns at once:
        time moves as soon as every task is blocked. To wait until it has, and until all that this caused is over, await
        the result, which is a checkpoint. Several calls add up. Outside of a run the clock is set forward (VCLOCK-5).
        """
        step = _check_seconds(seconds, "seconds")
        if step < 0:
            raise ValueError(f"seconds must not be negative, got {seconds}: time doesn't go backwards")
        if self._thread is None:
            self._now += step
            self._target = self._now
        elif self._thread != threading.get_ident():
            raise RuntimeError("from another thread call token.call_soon(clock.advance, seconds)")
        else:
            self._target = max(self._target, self._now) + step
        return _Advance()

    # What follows is for backends.

    @property
    def advancing(self) -> bool:
        """Whether an ``advance`` is under way: until it is over, tasks don't count as blocked (VCLOCK-5)."""
        return self._target > self._now

    def check_free(self) -> None:
        """Raise ``RuntimeError`` if a run uses the clock."""
        if self._thread is not None:
            raise RuntimeError("this VirtualClock is in use: a clock serves one run at a time")

    def begin(self) -> None:
        """Begin a run in this thread; ``RuntimeError`` if another run uses the clock."""
        self.check_free()
        self._thread = threading.get_ident()
        self._suspicion = Suspicion()
        self.deadlock = None

    def end(self) -> None:
        """End the run."""
        self._thread = self.on_deadlock = self._suspicion = None
        self._target = self._now
        self._holds.clear()

    def hold(self) -> None:
        """Let time stand still until ``release``: ``LoopToken.hold_clock``."""
        self._holds.append(None)

    def release(self) -> None:
        """Take back one ``hold``."""
        if self._holds:  # the run may be over
            self._holds.pop()

    def step(self, deadline: float) -> None:
        """Move time, as ``advance`` has asked, to the next deadline or to the end of the advance."""
        self._now = min(max(deadline, self._now), self._target)

    def idle(self, deadline: float, waits_for_io: bool) -> float:
        """Return how many seconds of real time the loop waits for events at most; 0 if time was moved.

        :param deadline: when the next timer is due, which lies in the future; ``inf`` if there is none.
        :param waits_for_io: whether a task waits for a descriptor that is no listening socket.
        """
        if self._target > self._now:
            self.step(deadline)
            return 0.0
        if not self._autojump or self._holds or deadline - self._now > _NEVER:
            return inf
        if waits_for_io:
            return min(deadline - self._now, self._io_grace)
        self._now = max(self._now, deadline)
        return 0.0

    def waited(self, seconds: float, deadline: float, waits_for_io: bool, happened: bool) -> None:
        """Take note that the loop has waited.

        :param seconds: of real time.
        :param deadline: as it was passed to ``idle``.
        :param waits_for_io: the same.
        :param happened: whether an event ended the wait.
        """
        if happened and self._suspicion is not None:
            self._suspicion.clear()
        if not waits_for_io or self._holds or not self._autojump or deadline - self._now > _NEVER:
            return
        if not happened and seconds >= self._io_grace:
            self._now = deadline
        else:
            self._now = min(self._now + seconds, deadline)

    def look_for_deadlock(self, deadline: float, may_come: bool) -> float:
        """Return after how many seconds of real time to ask again whether this is a deadlock; report one (VCLOCK-11).

        To be called where ``idle`` returned ``inf``.

        :param deadline: as it was passed to ``idle``.
        :param may_come: whether the backend knows of something that may still wake a task.
        """
        suspicion, report = self._suspicion, self.on_deadlock
        if suspicion is None or report is None or self.deadlock is not None or not self._autojump:
            return inf
        if may_come or self._holds or deadline - self._now <= _NEVER:
            suspicion.clear()
            return inf
        pause = suspicion.pause()
        if pause == 0:
            self.deadlock = DeadlockError.here()
            report()
        return pause

    def take_deadlock(self, outcome: Outcome) -> None:
        """Make the deadlock that was found, if any, what the run raises; what main raised, if anything, is its cause.

        To be called at the end of the main task, in place of a cancellation too.
        """
        self.on_deadlock = None
        if self.deadlock is not None:
            error, self.deadlock = self.deadlock, None
            error.__cause__ = outcome.error
            outcome.error = error

    def __repr__(self) -> str:
        state = [f"reads {self._now:g}"]
        if self._holds:
            state.append("held")
        if self.advancing:
            state.append(f"advances to {self._target:g}")
        if not self._autojump:
            state.append("jumps by hand")
        return f"<VirtualClock {', '.join(state)}>"
