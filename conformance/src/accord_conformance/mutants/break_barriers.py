"""Mutants of barriers."""

from __future__ import annotations

from typing import Any

from accord import Barrier, BrokenBarrierError, get_cancelled_exc_class

from .making import Broken, around, mutant, replace
from .waiting import binds_to_a_loop, counts_the_cancelled, needs_a_loop, needs_a_task, yields_at_exit

WAIT = ("wait", "__aenter__")


def _around_wait(wrapper: Any) -> None:
    for name in WAIT:
        around(Barrier, name, wrapper)


@mutant("BARRIER-1")
def barrier_takes_bools(_: Broken) -> None:
    """True is 1."""

    def init(original: Any, self: Any, parties: Any) -> None:
        original(self, int(parties) if isinstance(parties, bool) else parties)

    around(Barrier, "__init__", init)


@mutant("BARRIER-1")
def barrier_of_nobody(_: Broken) -> None:
    """A barrier of none is one of one."""

    def init(original: Any, self: Any, parties: Any) -> None:
        original(self, 1 if parties == 0 else parties)

    around(Barrier, "__init__", init)


@mutant("BARRIER-2")
def barrier_opens_early(_: Broken) -> None:
    """One less is enough."""

    def init(original: Any, self: Any, parties: Any) -> None:
        original(self, parties)
        self._parties = max(1, parties - 1)

    around(Barrier, "__init__", init)


@mutant("BARRIER-2")
def barrier_counts_down(_: Broken) -> None:
    """The last to come has number 0."""

    async def wait(original: Any, self: Any) -> Any:
        return self.parties - 1 - await original(self)

    _around_wait(wait)


@mutant("BARRIER-2")
def barrier_is_used_once(_: Broken) -> None:
    """After the first round the barrier is open."""
    rounds: dict[Any, int] = {}

    async def wait(original: Any, self: Any) -> Any:
        if self in rounds and self.parties > 1:
            return 0
        number = await original(self)
        rounds[self] = 1
        return number

    _around_wait(wait)


@mutant("BARRIER-3")
def barrier_counts_the_dying(broken: Broken) -> None:
    """A task that was cancelled and has not run yet completes a round."""
    asking: list[bool] = []

    def all_there(original: Any, self: Any) -> Any:
        asking.append(True)
        try:
            return original(self)
        finally:
            asking.clear()

    def unpark(original: Any, parker: Any, value: Any) -> Any:
        return original(parker, value) or bool(asking)

    around(Barrier, "_all_there", all_there)
    around(broken.parker, "unpark", unpark)


@mutant("BARRIER-3")
def barrier_breaks_by_a_cancellation(_: Broken) -> None:
    """A task that is cancelled breaks the barrier."""

    async def wait(original: Any, self: Any) -> Any:
        waiting = self.statistics().tasks_waiting + 1 < self.parties
        try:
            return await original(self)
        except get_cancelled_exc_class():
            if waiting:
                self.abort()
            raise

    _around_wait(wait)


@mutant("BARRIER-3")
def barrier_lets_those_go_that_were_woken(_: Broken) -> None:
    """Who was woken goes on, whether the round is complete or not."""

    def all_there(original: Any, self: Any) -> Any:
        there = original(self)
        if not there:
            for waiter in [waiter for waiter in self._waiters if waiter.woken]:
                waiter.index = 0
                self._waiters.remove(waiter)
        return there

    around(Barrier, "_all_there", all_there)


@mutant("BARRIER-3")
def barrier_counts_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(Barrier, *WAIT)


@mutant("BARRIER-4")
def barrier_forgets_abort(_: Broken) -> None:
    """abort() does what reset() does."""

    def abort(self: Any) -> None:
        self.reset()

    replace(Barrier, abort=abort)


@mutant("BARRIER-4")
def barrier_abort_is_for_newcomers(_: Broken) -> None:
    """Those who wait go on waiting."""

    def abort(self: Any) -> None:
        self._broken = True

    replace(Barrier, abort=abort)


@mutant("BARRIER-4")
def barrier_shares_its_error(_: Broken) -> None:
    """All get the same exception."""
    error = BrokenBarrierError()

    async def wait(original: Any, self: Any) -> Any:
        try:
            return await original(self)
        except BrokenBarrierError:
            raise error from None

    _around_wait(wait)


@mutant("BARRIER-5")
def barrier_reset_keeps_those_who_wait(_: Broken) -> None:
    """reset() only mends the barrier."""

    def reset(self: Any) -> None:
        self._broken = False

    replace(Barrier, reset=reset)


@mutant("BARRIER-5")
def barrier_stays_broken(_: Broken) -> None:
    """reset() breaks it."""

    def reset(original: Any, self: Any) -> None:
        original(self)
        self._broken = True

    around(Barrier, "reset", reset)


@mutant("BARRIER-6")
def barrier_never_yields(_: Broken) -> None:
    """The last of a round goes on at once, cancelled or not."""

    async def wait(original: Any, self: Any) -> Any:
        return 0 if self.parties == 1 and not self.broken else await original(self)

    _around_wait(wait)


@mutant("BARRIER-6")
def barrier_error_before_the_cancellation(_: Broken) -> None:
    """A broken barrier doesn't look for a cancellation."""

    async def wait(original: Any, self: Any) -> Any:
        if self.broken:
            raise BrokenBarrierError
        return await original(self)

    _around_wait(wait)


@mutant("BARRIER-6")
def barrier_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""
    yields_at_exit(Barrier)


@mutant("BARRIER-6")
def barrier_is_aborted_by_tasks_only(_: Broken) -> None:
    """abort() asks for the current task."""
    needs_a_task(Barrier, "abort")


@mutant("BARRIER-7")
def barrier_binds_to_its_first_loop(_: Broken) -> None:
    """A barrier works only in the loop in which it was first used."""
    binds_to_a_loop(Barrier, *WAIT)


@mutant("BARRIER-7")
def barrier_statistics_need_a_loop(_: Broken) -> None:
    """statistics() asks for the loop."""
    needs_a_loop(Barrier, "statistics")
