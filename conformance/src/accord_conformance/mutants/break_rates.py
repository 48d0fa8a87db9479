"""Mutants of rate limiters."""

from __future__ import annotations

from collections import deque
from typing import Any

from accord import RateLimiter, WouldBlock, amap, get_cancelled_exc_class

from .making import Broken, around, mutant, replace
from .waiting import (
    ACQUIRE,
    counts_the_cancelled,
    needs_a_loop,
    never_yields,
    refuses_the_cancelled,
    replace_everywhere,
    takes_before_it_checks,
    yields_at_exit,
)


@mutant("RATE-1")
def rate_takes_bools(_: Broken) -> None:
    """True is 1."""

    def init(original: Any, self: Any, rate: Any, per: Any = 1.0, burst: Any = 1) -> None:
        original(self, *[int(value) if isinstance(value, bool) else value for value in (rate, per, burst)])

    around(RateLimiter, "__init__", init)


@mutant("RATE-1")
def rate_takes_any_burst(_: Broken) -> None:
    """A burst below 1 is one of 1."""

    def init(original: Any, self: Any, rate: Any, per: Any = 1.0, burst: Any = 1) -> None:
        original(self, rate, per, max(burst, 1) if type(burst) is int else burst)

    around(RateLimiter, "__init__", init)


@mutant("RATE-2")
def rate_starts_with_more(_: Broken) -> None:
    """There is one more at once than the burst."""

    def init(original: Any, self: Any, rate: Any, per: Any = 1.0, burst: Any = 1) -> None:
        original(self, rate, per, burst)
        self._burst += 1

    around(RateLimiter, "__init__", init)


@mutant("RATE-2")
def rate_saves_up_for_ever(_: Broken) -> None:
    """What was not used in a pause can all be used at once."""

    def take(self: Any, now: float) -> None:
        self._due = (now if self._due < 0 else self._due) + self._interval

    replace(RateLimiter, _take=take)


@mutant("RATE-2")
def rate_saves_nothing(_: Broken) -> None:
    """After a pause there is only one at once."""
    taken: dict[Any, int] = {}

    def free_at(original: Any, self: Any, backend: Any) -> float:
        early = original(self, backend)
        return float(early if taken.get(self, 0) < self._burst else self._due)

    def take(original: Any, self: Any, now: float) -> None:
        taken[self] = taken.get(self, 0) + 1
        original(self, now)

    around(RateLimiter, "_free_at", free_at)
    around(RateLimiter, "_take", take)


@mutant("RATE-3")
def rate_serves_the_newest(_: Broken) -> None:
    """Who comes stands in front of those who wait behind the first."""

    class Stack(deque[Any]):
        def append(self, item: Any) -> None:
            self.insert(1, item)

    def init(original: Any, self: Any, *args: Any, **keywords: Any) -> None:
        original(self, *args, **keywords)
        self._waiters = Stack()

    around(RateLimiter, "__init__", init)


@mutant("RATE-3")
def rate_waits_too_little(_: Broken) -> None:
    """An interval is shorter than it should be."""

    def take(original: Any, self: Any, now: float) -> None:
        original(self, now)
        self._due -= self._interval / 5

    around(RateLimiter, "_take", take)


@mutant("RATE-4")
def rate_counts_the_cancelled(_: Broken) -> None:
    """A cancelled operation is counted."""

    async def acquire(original: Any, self: Any) -> None:
        try:
            await original(self)
        except get_cancelled_exc_class():
            self._take(self._due)
            raise

    for name in ACQUIRE:
        around(RateLimiter, name, acquire)


@mutant("RATE-4")
def rate_forgets_the_next(broken: Broken) -> None:
    """Who is cancelled wakes nobody."""
    leaving: list[bool] = []

    class Forgetful(deque[Any]):
        served = False

        def remove(self, item: Any) -> None:
            if not self.served:
                leaving.append(True)
            self.served = False
            super().remove(item)

    def init(original: Any, self: Any, *args: Any, **keywords: Any) -> None:
        original(self, *args, **keywords)
        self._waiters = Forgetful()

    async def acquire(original: Any, self: Any) -> None:
        try:
            await original(self)
        finally:
            leaving.clear()

    def take(original: Any, self: Any, now: float) -> None:
        original(self, now)
        self._waiters.served = bool(self._waiters)

    def unpark(original: Any, parker: Any, value: Any) -> Any:
        return not leaving and original(parker, value)

    around(RateLimiter, "__init__", init)
    around(RateLimiter, "_take", take)
    around(RateLimiter, "acquire", acquire)
    around(broken.parker, "unpark", unpark)


@mutant("RATE-4")
def rate_is_taken_before_the_check(_: Broken) -> None:
    """acquire() in a cancelled scope counts an operation and raises."""
    takes_before_it_checks(RateLimiter, "acquire_nowait", *ACQUIRE)


@mutant("RATE-5")
def rate_nowait_overtakes(_: Broken) -> None:
    """acquire_nowait() says no only to those that are too early by themselves, and counts them."""

    def acquire_nowait(original: Any, self: Any) -> None:
        try:
            original(self)
        except WouldBlock:
            self._due += self._interval
            raise

    around(RateLimiter, "acquire_nowait", acquire_nowait)


@mutant("RATE-5")
def rate_nowait_refuses_the_cancelled(_: Broken) -> None:
    """acquire_nowait() raises in a cancelled scope."""
    refuses_the_cancelled(RateLimiter, "acquire_nowait")


@mutant("RATE-6")
def rate_never_yields(_: Broken) -> None:
    """acquire() of what is free only looks for a cancellation."""
    never_yields(RateLimiter, "acquire_nowait", *ACQUIRE)


@mutant("RATE-6")
def rate_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""
    yields_at_exit(RateLimiter)


@mutant("RATE-4")
def rate_statistics_count_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(RateLimiter, *ACQUIRE)


@mutant("RATE-7")
def rate_keeps_the_time_of_another_run(_: Broken) -> None:
    """The time is kept from run to run."""

    def free_at(original: Any, self: Any, backend: Any) -> float:
        due = self._due
        original(self, backend)
        self._due = max(self._due, due)
        return float(original(self, backend))

    around(RateLimiter, "_free_at", free_at)


@mutant("RATE-7")
def rate_needs_a_loop(_: Broken) -> None:
    """A limiter can't be made outside a loop."""
    needs_a_loop(RateLimiter, "__init__", "statistics")


@mutant("GATHER-9")
def amap_asks_once_more(_: Broken) -> None:
    """The limiter is asked before the item is there."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None, rate: Any = None) -> Any:
        results = await amap(func, items, limit=limit, rate=rate)
        if isinstance(rate, RateLimiter):
            await rate.acquire()
        return results

    replace_everywhere(amap, wrong)


@mutant("GATHER-9")
def amap_ignores_the_rate(_: Broken) -> None:
    """All calls begin at once."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None, rate: Any = None) -> Any:
        if rate is not None and not isinstance(rate, RateLimiter):
            RateLimiter(rate)
        return await amap(func, items, limit=limit)

    replace_everywhere(amap, wrong)


@mutant("GATHER-9")
def amap_takes_all_items(_: Broken) -> None:
    """The items are taken before the first call begins."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None, rate: Any = None) -> Any:
        return await amap(func, list(items), limit=limit, rate=rate)

    replace_everywhere(amap, wrong)
