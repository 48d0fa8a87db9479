"""Mutants of virtual time."""

from __future__ import annotations

import sys
from importlib import import_module
from math import inf
from time import monotonic
from typing import Any

from accord import sleep
from accord.testing import VirtualClock

from .making import Broken, always, around, mutant, replace

_BEGUN = monotonic()


def _beside(broken: Broken, name: str) -> Any:
    """Return a module of the backend's package."""
    return import_module(f"{type(broken.base).__module__.rpartition('.')[0]}.{name}")


@mutant("VCLOCK-1")
def virtual_time_is_whatever_is_true(broken: Broken) -> None:
    """The option's value is not looked at but for its truth."""

    def check(options: Any) -> VirtualClock | None:
        value = options.get("virtual_time")
        return (value if isinstance(value, VirtualClock) else VirtualClock()) if value else None

    replace(_beside(broken, "runner"), check_virtual_time=check)


@mutant("VCLOCK-1")
def virtual_time_in_false(broken: Broken) -> None:
    """False means a clock too."""

    def check(original: Any, options: Any) -> Any:
        return original({name: value or True for name, value in options.items()})

    around(_beside(broken, "runner"), "check_virtual_time", check)


@mutant("VCLOCK-2")
def start_is_ignored(_: Broken) -> None:
    """Every clock begins at 0."""

    def init(original: Any, self: Any, **options: Any) -> None:
        original(self, **options)
        self._now = self._target = 0.0

    around(VirtualClock, "__init__", init)


@mutant("VCLOCK-2")
def computing_takes_time(_: Broken) -> None:
    """The clock goes on with real time."""

    def now(self: Any) -> float:
        return float(self._now + monotonic() - _BEGUN)

    replace(VirtualClock, now=property(now))


@mutant("VCLOCK-2")
def start_may_be_infinite(_: Broken) -> None:
    """What is no finite number becomes 0."""

    def init(original: Any, self: Any, *, start: Any = 0.0, **options: Any) -> None:
        original(self, start=0.0 if isinstance(start, float) and not -inf < start < inf else start, **options)

    around(VirtualClock, "__init__", init)


@mutant("VCLOCK-3")
def jumps_a_little_too_far(_: Broken) -> None:
    """After a jump the clock reads a microsecond more than the deadline."""

    def idle(original: Any, self: Any, deadline: float, waits: bool) -> float:
        pause: float = original(self, deadline, waits)
        if pause == 0:
            self._now += 1e-6
        return pause

    around(VirtualClock, "idle", idle)


@mutant("VCLOCK-3")
def jumps_in_whole_seconds(_: Broken) -> None:
    """Time jumps to the next full second behind the deadline, so that several deadlines are met at once."""

    def idle(original: Any, self: Any, deadline: float, waits: bool) -> float:
        pause: float = original(self, -(-deadline // 1) if deadline < inf else inf, waits)
        return pause

    around(VirtualClock, "idle", idle)


@mutant("VCLOCK-4")
def all_are_blocked_after_a_millisecond(broken: Broken) -> None:
    """``wait_all_tasks_blocked`` is a short sleep."""

    async def wait_all_tasks_blocked(_: Any) -> None:
        await sleep(0.001)

    replace(type(broken.base.testing), wait_all_tasks_blocked=wait_all_tasks_blocked)


@mutant("VCLOCK-5")
def advance_in_one_step(_: Broken) -> None:
    """Time is at the end of the advance before anything fires."""

    def step(self: Any, _: float) -> None:
        self._now = self._target

    replace(VirtualClock, step=step)


@mutant("VCLOCK-5")
def advances_do_not_add_up(_: Broken) -> None:
    """A second advance takes the place of the first."""

    def advance(original: Any, self: Any, seconds: Any) -> Any:
        self._target = self._now
        return original(self, seconds)

    around(VirtualClock, "advance", advance)


@mutant("VCLOCK-5")
def blocked_before_the_advance_is_over(broken: Broken) -> None:
    """``wait_all_tasks_blocked`` does not care for an advance that is under way."""
    del broken
    replace(VirtualClock, advancing=False)


@mutant("VCLOCK-6")
def advance_backwards(_: Broken) -> None:
    """A negative span is taken for its amount."""

    def advance(original: Any, self: Any, seconds: Any) -> Any:
        return original(self, abs(seconds) if isinstance(seconds, int | float) else seconds)

    around(VirtualClock, "advance", advance)


@mutant("VCLOCK-6")
def advance_from_any_thread(_: Broken) -> None:
    """A thread may advance the clock, which the loop learns at some later time."""

    def advance(original: Any, self: Any, seconds: Any) -> Any:
        if self._thread is not None:
            self._thread = sys.modules["threading"].get_ident()
        return original(self, seconds)

    around(VirtualClock, "advance", advance)


@mutant("VCLOCK-7")
def jumps_by_itself_anyway(_: Broken) -> None:
    """``autojump=False`` has no effect."""

    def set_autojump(self: Any, _: Any) -> None:
        self._autojump = True

    replace(VirtualClock, autojump=property(always(True), set_autojump))


@mutant("VCLOCK-8")
def nothing_holds_the_clock(_: Broken) -> None:
    """Time jumps over a thread that works."""
    replace(VirtualClock, hold=always(None))


@mutant("VCLOCK-8")
def one_release_for_all_holds(_: Broken) -> None:
    """The first release lets time go on, whoever else holds it."""

    def release(self: Any) -> None:
        self._holds.clear()

    replace(VirtualClock, release=release)


@mutant("VCLOCK-9")
def jumps_over_io(_: Broken) -> None:
    """Time jumps though a task waits for I/O."""

    def idle(original: Any, self: Any, deadline: float, _: bool) -> Any:
        return original(self, deadline, False)

    around(VirtualClock, "idle", idle)


@mutant("VCLOCK-9")
def stands_still_during_io(_: Broken) -> None:
    """No time passes while a task waits for I/O."""

    def waited(original: Any, self: Any, _: float, *rest: Any) -> Any:
        return original(self, 0.0, *rest)

    around(VirtualClock, "waited", waited)


@mutant("VCLOCK-9")
def listening_is_io(broken: Broken) -> None:
    """A server that waits for its first client keeps time from jumping."""
    replace(_beside(broken, "virtual"), is_listening=always(False))


@mutant("VCLOCK-10")
def grace_is_no_time(_: Broken) -> None:
    """With any ``io_grace`` time jumps over I/O at once."""

    def idle(original: Any, self: Any, deadline: float, waits: bool) -> float:
        pause: float = original(self, deadline, waits and self._io_grace == inf)
        return pause

    around(VirtualClock, "idle", idle)


@mutant("VCLOCK-11")
def deadlock_is_a_cancellation(_: Broken) -> None:
    """The run raises the cancellation."""

    def take_deadlock(self: Any, _: Any) -> None:
        self.deadlock = None

    replace(VirtualClock, take_deadlock=take_deadlock)


@mutant("VCLOCK-11")
def deadlock_without_tree(_: Broken) -> None:
    """The error does not say who waits where."""
    error: Any = sys.modules["accord.testing.deadlocks"].DeadlockError

    def here(cls: Any) -> Any:
        return cls("deadlock")

    replace(error, here=classmethod(here))


@mutant("VCLOCK-12")
def nothing_may_still_come(_: Broken) -> None:
    """What may come from outside does not count."""

    def look(original: Any, self: Any, deadline: float, _: bool) -> float:
        pause: float = original(self, deadline, False)
        return pause

    around(VirtualClock, "look_for_deadlock", look)


@mutant("VCLOCK-12")
def signals_do_not_come(_: Broken) -> None:
    """An open signal receiver does not count."""
    replace(import_module("accord.signals"), is_receiving=always(False))


@mutant("VCLOCK-13")
def clock_is_shared(_: Broken) -> None:
    """Several runs may use a clock at a time."""
    replace(VirtualClock, check_free=always(None))


@mutant("VCLOCK-13")
def clock_serves_once(_: Broken) -> None:
    """A clock stays in use when its run has ended."""
    replace(VirtualClock, end=always(None))
