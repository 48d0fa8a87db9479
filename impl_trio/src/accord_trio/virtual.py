"""Trio's clock as an ``accord.testing.VirtualClock`` (run option ``virtual_time``, area VCLOCK).

Trio asks its clock how long it may sleep each time that nothing is runnable, and tells instruments when it has slept.
Whether time may jump can't be decided there: descriptors may be ready that were not looked at yet, and tasks that wait
for all others to be blocked come first. So a system task waits for that too. If it is woken together with none but
such tasks, everything is blocked.

Where time has to pass in earnest the system task sleeps until something has happened, and then looks again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from math import inf
from time import monotonic
from typing import TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from accord.testing.clock import VirtualClock
from accord.toolkit import Outcome
from accord.toolkit.descriptors import is_listening

from .readiness import Poller
from .records import TaskRecord

T = TypeVar("T")

FARTHEST = 86400.0  # seconds of one sleep
OWN_WAITS = 1  # Trio's own, for calls from other threads


class Driver(trio.abc.Clock, trio.abc.Instrument):
    """What stands between the clock and a run of Trio."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._watchers = 0  # how many tasks wait, by accord, for all others to be blocked
        self.listening = 0
        """How many tasks wait for listening sockets."""
        self._scheduled = 0
        self._active = False
        self._deadline = inf
        self._longest = FARTHEST
        self._waits = False
        self._begun: float | None = None
        self._asleep: trio.Event | None = None

    def start_clock(self) -> None:
        """See ``trio.abc.Clock``."""
        self.clock.begin()

    def after_run(self) -> None:
        """See ``trio.abc.Instrument``."""
        self.clock.end()

    def current_time(self) -> float:
        """Return the simulated time, in seconds."""
        return self.clock.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return for how long Trio may sleep now that nothing is runnable."""
        self._deadline = deadline
        if deadline <= self.clock.now:
            return 0
        if self._asleep is None:
            return FARTHEST  # the system task comes before
        if self._active:
            self._asleep.set()
            return 0
        self._begun = monotonic()
        return self._longest

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002
        """Begin to count what is woken."""
        self._scheduled = 0

    def after_io_wait(self, timeout: float) -> None:
        """Tell the clock how long Trio has slept."""
        if self._begun is None:
            return
        waited, self._begun = monotonic() - self._begun, None
        if timeout < self._longest and not self._scheduled:
            return  # only a look, because a task waits for all others to be blocked
        self.clock.waited(waited, self._deadline, self._waits, self._scheduled > 0)
        if self._asleep is not None:
            self._asleep.set()

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002
        """Count what is woken."""
        self._scheduled += 1
        self._active = True

    async def drive(self) -> None:
        """Move time whenever nothing else is left to do; for as long as the run lasts."""
        clock = self.clock
        while True:
            await wait_all_tasks_blocked()
            if self._scheduled > 1 + self._watchers or (self._watchers and not clock.advancing):
                continue
            self._waits, listens = self._descriptors()
            longest = clock.idle(self._deadline, self._waits)
            if longest == inf:
                longest = clock.look_for_deadlock(self._deadline, self._waits or listens)
            if longest > 0:
                self._longest = min(longest, FARTHEST)
                self._asleep = trio.Event()
                self._active = False
                await self._asleep.wait()
                self._asleep = None

    def _descriptors(self) -> tuple[bool, bool]:
        """Return whether a descriptor is waited for, and whether there is a listening socket."""
        found = trio.lowlevel.current_statistics().io_statistics
        names = "tasks_waiting_read", "tasks_waiting_write", "tasks_waiting"
        waiting: int = sum(getattr(found, name, 0) for name in names)
        return waiting > self.listening + OWN_WAITS, self.listening > 0

    async def wait_all_tasks_blocked(self) -> None:
        """See ``accord.protocols.Testing``; as long as the clock advances, tasks don't count as blocked."""
        self._watchers += 1
        try:
            while True:
                before = self.clock.now
                await wait_all_tasks_blocked()
                # The system task, woken at the same time, may just have moved time.
                if self.clock.now == before and not self.clock.advancing:
                    return
        finally:
            self._watchers -= 1

    @contextmanager
    def ending_deadlocks(self, record: TaskRecord, outcome: Outcome) -> Generator[None, None, None]:
        """A block for the main task of a run, which a deadlock cancels."""
        record.native = trio.CancelScope()
        self.clock.on_deadlock = partial(record.cancel, "deadlock")
        try:
            with record.native:
                yield
        except BaseException as exc:
            if self.clock.deadlock is None:
                raise
            outcome.error = exc
        finally:
            self.clock.take_deadlock(outcome)


class VirtualPoller(Poller):
    """A poller that tells a listening socket, which merely idles, from other descriptors."""

    __slots__ = ("_driver",)

    def __init__(self, fd: int, driver: Driver) -> None:
        super().__init__(fd)
        self._driver = driver

    async def _perform(self, action: str, wait: Callable[[int], Awaitable[None]], attempt: Callable[[], T]) -> T:
        if not is_listening(self._fd):
            return await super()._perform(action, wait, attempt)
        self._driver.listening += 1
        try:
            return await super()._perform(action, wait, attempt)
        finally:
            self._driver.listening -= 1
