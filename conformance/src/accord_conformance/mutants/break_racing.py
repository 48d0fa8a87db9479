"""Mutants of race."""

from __future__ import annotations

from typing import Any

import accord
from accord import create_task_group, gather, get_cancelled_exc_class, race
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, mutant
from .waiting import replace_everywhere


def _replace(wrong: Any) -> None:
    replace_everywhere(race, wrong)


async def _decided(coros: Any, results: list[Any], stop: bool = True, shield: bool = True) -> None:
    """Run a race as it should be, except for what the caller leaves out."""

    async def run(coro: Any) -> None:
        value = await coro
        results.append(value)
        if stop:
            group.cancel_scope.shield = shield
            group.cancel()

    async with create_task_group() as group:
        for coro in coros:
            group.start_soon(run, coro)


@mutant("RACE-1")
def race_takes_the_last(_: Broken) -> None:
    """Who returns last, though it was cancelled, wins."""

    async def wrong(*coros: Any) -> Any:
        results: list[Any] = []
        await race(*[_noted(coro, results) for coro in coros])
        return results[-1]

    _replace(wrong)


async def _noted(coro: Any, results: list[Any]) -> Any:
    results.append(await coro)
    return results[-1]


@mutant("RACE-1")
def race_ignores_none(_: Broken) -> None:
    """Who returns nothing does not win."""

    async def wrong(*coros: Any) -> Any:
        async def run(coro: Any) -> Any:
            value = await coro
            if value is None:
                await accord.sleep_forever()
            return value

        return await race(*[run(coro) for coro in coros])

    _replace(wrong)


@mutant("RACE-1")
def race_waits_for_all(_: Broken) -> None:
    """The others are not cancelled."""

    async def wrong(*coros: Any) -> Any:
        results: list[Any] = []
        await _decided(coros, results, stop=False)
        return results[0]

    _replace(wrong)


@mutant("RACE-1")
def race_runs_one_after_the_other(_: Broken) -> None:
    """The second begins when the first has ended."""

    async def wrong(*coros: Any) -> Any:
        values = [await race(coro) for coro in coros]
        return values[0]

    _replace(wrong)


@mutant("RACE-2")
def race_passes_over_errors(_: Broken) -> None:
    """Who fails is out, as long as another one runs."""

    async def wrong(*coros: Any) -> Any:
        failed = 0

        async def run(coro: Any) -> Any:
            nonlocal failed
            try:
                return await coro
            except Exception:
                failed += 1
                if failed == len(coros):
                    raise
                await accord.sleep_forever()

        return await race(*[run(coro) for coro in coros])

    _replace(wrong)


@mutant("RACE-2")
def race_forgets_errors_of_losers(_: Broken) -> None:
    """After the race nobody looks at errors."""

    async def wrong(*coros: Any) -> Any:
        results: list[Any] = []

        async def run(coro: Any) -> Any:
            try:
                value = await coro
            except Exception:
                if results:
                    return None
                raise
            results.append(value)
            return value

        return await race(*[run(coro) for coro in coros])

    _replace(wrong)


@mutant("RACE-2")
def race_raises_the_first_error(_: Broken) -> None:
    """The first error comes bare."""

    async def wrong(*coros: Any) -> Any:
        try:
            return await race(*coros)
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    _replace(wrong)


@mutant("RACE-3")
def race_is_shielded(_: Broken) -> None:
    """A cancellation of the caller does not reach the coroutines."""

    async def wrong(*coros: Any) -> Any:
        await checkpoint_if_cancelled()
        with accord.CancelScope(shield=True):
            return await race(*coros)

    _replace(wrong)


@mutant("RACE-3")
def race_returns_none_if_cancelled(_: Broken) -> None:
    """A cancellation of the caller is swallowed."""

    async def wrong(*coros: Any) -> Any:
        await checkpoint_if_cancelled()
        try:
            return await race(*coros)
        except get_cancelled_exc_class():
            return None

    _replace(wrong)


@mutant("RACE-4")
def race_loses_the_value(_: Broken) -> None:
    """A cancellation that comes while the losers clean up is raised."""

    async def wrong(*coros: Any) -> Any:
        results: list[Any] = []
        await _decided(coros, results, shield=False)
        return results[0]

    _replace(wrong)


@mutant("RACE-4")
def race_checks_again(_: Broken) -> None:
    """At the end there is another look for a cancellation."""

    async def wrong(*coros: Any) -> Any:
        value = await race(*coros)
        await checkpoint_if_cancelled()
        return value

    _replace(wrong)


@mutant("RACE-5")
def race_of_nobody_returns_none(_: Broken) -> None:
    """Without coroutines the value is None."""

    async def wrong(*coros: Any) -> Any:
        return await race(*coros) if coros else await checkpoint()

    _replace(wrong)


@mutant("RACE-5")
def race_begins_in_a_cancelled_scope(_: Broken) -> None:
    """The coroutines are started before anybody looks."""

    async def wrong(*coros: Any) -> Any:
        if not coros:
            raise ValueError("nobody")
        results: list[Any] = []
        await _decided(coros, results)
        return results[0]

    _replace(wrong)


@mutant("RACE-6")
def race_waits_for_the_cancelled(_: Broken) -> None:
    """If all were cancelled the value is None."""

    async def wrong(*coros: Any) -> Any:
        try:
            return await race(*coros)
        except accord.TaskCancelled:
            return None

    _replace(wrong)


@mutant("RACE-6")
def race_ends_with_the_first_cancelled(_: Broken) -> None:
    """Who is cancelled ends the race."""

    async def wrong(*coros: Any) -> Any:
        async def run(coro: Any) -> Any:
            try:
                return await coro
            except get_cancelled_exc_class():
                return await gather()  # the empty tuple: nobody has won

        return await race(*[run(coro) for coro in coros])

    _replace(wrong)
