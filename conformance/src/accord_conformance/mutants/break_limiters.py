"""Mutants of capacity limiters."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan
from typing import Any

from accord import CapacityLimiter, WouldBlock, get_current_task, sleep_forever
from accord.lowlevel import checkpoint_if_cancelled

from .making import Broken, around, mutant, replace
from .waiting import (
    ACQUIRE,
    around_getter,
    around_setter,
    binds_to_a_loop,
    checks_again,
    counts_the_cancelled,
    counts_until_they_resume,
    is_up_for_grabs,
    needs_a_loop,
    never_yields,
    refuses_the_cancelled,
    trusts_unpark,
    yields_at_exit,
)


def _converts(convert: Callable[[Any], Any]) -> None:
    """Let ``total_tokens`` be converted before it is checked."""

    def put(original: Any, limiter: Any, value: Any) -> None:
        original(limiter, convert(value))

    around(CapacityLimiter, "__init__", put)
    around_setter(CapacityLimiter, "total_tokens", put)


@mutant("LIMIT-1")
def limiter_takes_bools(_: Broken) -> None:
    """True is 1."""
    _converts(lambda value: int(value) if isinstance(value, bool) else value)


@mutant("LIMIT-1")
def limiter_takes_whole_floats(_: Broken) -> None:
    """1.0 is 1."""
    _converts(lambda value: int(value) if isinstance(value, float) and value.is_integer() else value)


@mutant("LIMIT-1")
def limiter_calls_minus_infinity_a_float(_: Broken) -> None:
    """A value of -inf is a TypeError like other floats."""
    _converts(lambda value: 0.5 if value == -inf else value)


@mutant("LIMIT-1")
def limiter_calls_nan_a_float(_: Broken) -> None:
    """NaN is a TypeError like other floats."""
    _converts(lambda value: 0.5 if isinstance(value, float) and isnan(value) else value)


@mutant("LIMIT-1")
def limiter_is_set_before_the_check(_: Broken) -> None:
    """A value that is refused stays."""

    def set_total(original: Any, limiter: Any, value: Any) -> None:
        try:
            original(limiter, value)
        except (TypeError, ValueError):
            original(limiter, 0)
            raise

    around_setter(CapacityLimiter, "total_tokens", set_total)


@mutant("LIMIT-1")
def limiter_needs_a_token(_: Broken) -> None:
    """A limit of 0 is refused."""

    def positive(value: Any) -> Any:
        if value == 0 and not isinstance(value, bool):
            raise ValueError("total_tokens must be at least 1")
        return value

    _converts(positive)


@mutant("LIMIT-2")
def limiter_lets_a_borrower_wait_twice(_: Broken) -> None:
    """A second wait for a borrower is accepted, and one of the two never ends."""

    async def acquire(original: Any, limiter: Any, borrower: object) -> None:
        try:
            await original(limiter, borrower)
        except RuntimeError:
            if borrower in limiter.statistics().borrowers:
                raise
            await sleep_forever()

    around(CapacityLimiter, "acquire_on_behalf_of", acquire)


@mutant("LIMIT-2")
def limiter_nowait_overlooks_the_queue(_: Broken) -> None:
    """acquire_on_behalf_of_nowait() for a borrower that waits already raises WouldBlock."""

    def acquire(original: Any, limiter: Any, borrower: object) -> None:
        try:
            original(limiter, borrower)
        except RuntimeError:
            if borrower in limiter.statistics().borrowers:
                raise
            raise WouldBlock from None

    around(CapacityLimiter, "acquire_on_behalf_of_nowait", acquire)


@mutant("LIMIT-2")
def limiter_gives_the_same_token_again(_: Broken) -> None:
    """Who has a token may acquire again without effect."""

    async def acquire(original: Any, limiter: Any) -> None:
        if get_current_task() not in limiter.statistics().borrowers:
            await original(limiter)

    around(CapacityLimiter, "acquire", acquire)


@mutant("LIMIT-2")
def limiter_knows_no_tasks(_: Broken) -> None:
    """All tasks are one borrower."""

    async def acquire(limiter: Any) -> None:
        await limiter.acquire_on_behalf_of("a task")

    def acquire_nowait(limiter: Any) -> None:
        limiter.acquire_on_behalf_of_nowait("a task")

    def release(limiter: Any) -> None:
        limiter.release_on_behalf_of("a task")

    async def leave(limiter: Any, *_: object) -> None:
        limiter.release()

    replace(CapacityLimiter, acquire=acquire, acquire_nowait=acquire_nowait, release=release)
    replace(CapacityLimiter, __aenter__=acquire, __aexit__=leave)


@mutant("LIMIT-3")
def limiter_is_up_for_grabs(_: Broken) -> None:
    """A token that comes back is for whoever comes next."""
    is_up_for_grabs(CapacityLimiter, "_on_behalf_of")


@mutant("LIMIT-3")
def limiter_serves_the_newest(_: Broken) -> None:
    """The waiter that came last is served first."""

    def release(original: Any, limiter: Any, borrower: object) -> None:
        if limiter.statistics().tasks_waiting:
            limiter._waiting.move_to_end(list(limiter._waiting)[-1], last=False)
        original(limiter, borrower)

    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("LIMIT-4")
def limiter_hides_a_debt(_: Broken) -> None:
    """available_tokens is never negative."""
    around_getter(CapacityLimiter, "available_tokens", lambda get, limiter: max(0, get(limiter)))


@mutant("LIMIT-4")
def limiter_serves_all_when_raised(_: Broken) -> None:
    """Raising the limit wakes all waiters, whether or not they fit."""

    def set_total(original: Any, limiter: Any, value: Any) -> None:
        original(limiter, value)
        if limiter.total_tokens > limiter.borrowed_tokens - 1:
            original(limiter, inf)
            original(limiter, value)

    around_setter(CapacityLimiter, "total_tokens", set_total)


@mutant("LIMIT-4")
def limiter_serves_one_when_raised(_: Broken) -> None:
    """Raising the limit wakes one waiter, however many fit."""

    def set_total(original: Any, limiter: Any, value: Any) -> None:
        original(limiter, min(value, limiter.borrowed_tokens + 1))
        limiter._total = value

    around_setter(CapacityLimiter, "total_tokens", set_total)


@mutant("LIMIT-4")
def limiter_passes_tokens_on_beyond_the_limit(_: Broken) -> None:
    """Each token that comes back goes to a waiter, though the limit was lowered."""

    def release(original: Any, limiter: Any, borrower: object) -> None:
        original(limiter, borrower)
        total = limiter.total_tokens
        limiter.total_tokens = max(total, limiter.borrowed_tokens + 1)
        limiter.total_tokens = total

    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("LIMIT-4")
def limiter_cant_be_lowered_below_what_is_out(_: Broken) -> None:
    """The limit stays at the number of tokens that are out."""

    def set_total(original: Any, limiter: Any, value: Any) -> None:
        original(limiter, max(value, limiter.borrowed_tokens))

    around_setter(CapacityLimiter, "total_tokens", set_total)


@mutant("LIMIT-5")
def limiter_release_too_many_is_ignored(_: Broken) -> None:
    """A release for a borrower without a token does nothing."""

    def release(original: Any, limiter: Any, borrower: object) -> None:
        if borrower in limiter.statistics().borrowers:
            original(limiter, borrower)

    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("LIMIT-5")
def limiter_release_too_many_raises_the_limit(_: Broken) -> None:
    """A release for a borrower without a token raises, and there is one token more."""

    def release(original: Any, limiter: Any, borrower: object) -> None:
        try:
            original(limiter, borrower)
        except RuntimeError:
            limiter.total_tokens += 1
            raise

    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("LIMIT-5")
def limiter_counts_instead_of_looking_up(_: Broken) -> None:
    """A release for somebody without a token gives back the token of another."""

    def release(original: Any, limiter: Any, borrower: object) -> None:
        borrowers = limiter.statistics().borrowers
        original(limiter, borrowers[0] if borrowers and borrower not in borrowers else borrower)

    around(CapacityLimiter, "release_on_behalf_of", release)


@mutant("LIMIT-6")
def limiter_serves_the_cancelled(broken: Broken) -> None:
    """A token goes to a waiter that was cancelled."""
    trusts_unpark(broken, CapacityLimiter, "release", "release_on_behalf_of")


@mutant("LIMIT-6")
def limiter_serves_the_cancelled_when_raised(broken: Broken) -> None:
    """A token of a raised limit goes to a waiter that was cancelled."""
    trusts_unpark(broken, CapacityLimiter, "total_tokens")


@mutant("LIMIT-6")
def limiter_acquire_checks_again(_: Broken) -> None:
    """A waiter that has got a token raises if it is cancelled before it resumes."""
    checks_again(CapacityLimiter, "acquire_on_behalf_of")


@mutant("LIMIT-6")
def limiter_looks_at_the_borrower_first(_: Broken) -> None:
    """RuntimeError comes before the cancellation."""

    async def acquire(original: Any, limiter: Any) -> None:
        if get_current_task() in limiter.statistics().borrowers:
            raise RuntimeError("you have one already")
        await original(limiter)

    around(CapacityLimiter, "acquire", acquire)


@mutant("LIMIT-6")
def limiter_looks_at_others_first(_: Broken) -> None:
    """RuntimeError comes before the cancellation where the borrower is no task."""

    async def acquire(original: Any, limiter: Any, borrower: object) -> None:
        if borrower in limiter.statistics().borrowers:
            raise RuntimeError("it has one already")
        await original(limiter, borrower)

    around(CapacityLimiter, "acquire_on_behalf_of", acquire)


@mutant("LIMIT-6")
def limiter_bars_the_cancelled(_: Broken) -> None:
    """A borrower whose wait was cancelled may not wait again."""
    barred: set[object] = set()

    async def acquire(original: Any, limiter: Any, borrower: object) -> None:
        await checkpoint_if_cancelled()
        if borrower in barred:
            raise RuntimeError("the borrower waits already")
        barred.add(borrower)
        await original(limiter, borrower)
        barred.discard(borrower)

    around(CapacityLimiter, "acquire_on_behalf_of", acquire)


@mutant("LIMIT-7")
def limiter_nowait_refuses_the_cancelled(_: Broken) -> None:
    """The nowait methods raise in a cancelled scope."""
    refuses_the_cancelled(CapacityLimiter, "acquire_nowait", "acquire_on_behalf_of_nowait")


@mutant("LIMIT-7")
def limiter_nowait_says_no(_: Broken) -> None:
    """acquire_on_behalf_of_nowait() returns False where it should raise WouldBlock."""

    def acquire(original: Any, limiter: Any, borrower: object) -> bool:
        try:
            original(limiter, borrower)
        except WouldBlock:
            return False
        return True

    around(CapacityLimiter, "acquire_on_behalf_of_nowait", acquire)


@mutant("LIMIT-8")
def limiter_counts_waiters_until_they_resume(_: Broken) -> None:
    """Waiters that have got a token are counted until they have run."""
    counts_until_they_resume(CapacityLimiter, *ACQUIRE, "acquire_on_behalf_of")


@mutant("LIMIT-8")
def limiter_counts_the_cancelled(_: Broken) -> None:
    """Waiters that were cancelled are counted for ever."""
    counts_the_cancelled(CapacityLimiter, *ACQUIRE, "acquire_on_behalf_of")


@mutant("LIMIT-8")
def limiter_statistics_need_a_loop(_: Broken) -> None:
    """statistics() asks for the loop."""
    needs_a_loop(CapacityLimiter, "statistics")


@mutant("LIMIT-8")
def limiter_hides_its_borrowers(_: Broken) -> None:
    """The statistics have the names of the borrowers."""

    def statistics(original: Any, limiter: Any) -> Any:
        truth = original(limiter)
        return truth._replace(borrowers=tuple(map(repr, truth.borrowers)))

    around(CapacityLimiter, "statistics", statistics)


@mutant("LIMIT-9")
def limiter_never_yields(_: Broken) -> None:
    """acquire() of a token that is there only looks for a cancellation."""
    never_yields(CapacityLimiter, "acquire_nowait", *ACQUIRE)


@mutant("LIMIT-9")
def limiter_never_yields_for_others(_: Broken) -> None:
    """acquire_on_behalf_of() of a token that is there only looks for a cancellation."""
    never_yields(CapacityLimiter, "acquire_on_behalf_of_nowait", "acquire_on_behalf_of")


@mutant("LIMIT-9")
def limiter_yields_at_exit(_: Broken) -> None:
    """The end of the block is a checkpoint."""
    yields_at_exit(CapacityLimiter)


@mutant("LIMIT-10")
def limiter_binds_to_its_first_loop(_: Broken) -> None:
    """A limiter works only in the loop in which it was first used."""
    binds_to_a_loop(CapacityLimiter, *ACQUIRE)


@mutant("LIMIT-10")
def limiter_is_made_in_a_loop(_: Broken) -> None:
    """A limiter can't be made outside a loop."""
    needs_a_loop(CapacityLimiter, "__init__")
