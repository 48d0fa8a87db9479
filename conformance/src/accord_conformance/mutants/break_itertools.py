"""Mutants of accord.itertools."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import accord.itertools
from accord.itertools import _joining, _selecting, _steps

from .making import Broken, around, mutant, replace

Functions: Any = accord.itertools
Joining: Any = _joining
Selecting: Any = _selecting
Parts: Any = _steps


@mutant("ITER-1")
def groups_are_those_of_a_dictionary(_: Broken) -> None:
    """The function groupby puts all items together that have the same key."""

    async def finish(original: Any, groups: Any) -> Any:
        found = await original(groups)
        while found is not Parts.END and (more := await original(groups)) is not Parts.END:
            if more[0] == found[0]:
                found[1].extend(more[1])
            else:
                groups._held = Parts.NOTHING
                break
        return found

    around(Joining.GroupBy, "_step", finish)


@mutant("ITER-1")
def slice_looks_ahead(_: Broken) -> None:
    """An islice finds out that it has ended by the item after the last one."""

    async def step(original: Any, it: Any) -> Any:
        found = await original(it)
        if found is Parts.END and it._stop is not None:
            await it._source.next()
        return found

    around(Selecting.Slice, "_step", step)


@mutant("ITER-1")
def last_batch_is_dropped(_: Broken) -> None:
    """A batched iterator drops a batch that is incomplete."""

    async def step(original: Any, batches: Any) -> Any:
        batch = await original(batches)
        return batch if batch is Parts.END or len(batch) == batches._n else Parts.END

    around(Joining.Batched, "_step", step)


async def _nothing() -> None:
    pass


@mutant("ITER-2")
def steps_of_ordinary_iterables_are_none(_: Broken) -> None:
    """An ordinary iterable is used up without a checkpoint."""
    replace(Parts, pause=_nothing)


@mutant("ITER-2")
def steps_are_only_one_checkpoint(_: Broken) -> None:
    """Of the items that a step uses up, only the first one is a checkpoint."""
    pause = Parts.pause

    async def next_item(original: Any, source: Any) -> Any:
        replace(Parts, pause=_nothing)
        try:
            return await original(source)
        finally:
            replace(Parts, pause=pause)

    around(Parts.Source, "next", next_item)


@mutant("ITER-3")
def cancelled_batch_is_lost(_: Broken) -> None:
    """The items of a batch are in a local variable."""

    async def step(original: Any, batches: Any) -> Any:
        try:
            return await original(batches)
        except BaseException:
            batches._batch = []
            raise

    around(Joining.Batched, "_step", step)


@mutant("ITER-3")
def cancelled_function_uses_up_its_item(_: Broken) -> None:
    """The item for which a function of the caller was called is gone if that was cancelled."""

    async def ask(it: Any, function: Any, *args: Any) -> Any:
        try:
            return await function(*args)
        except BaseException:
            it._release()
            raise

    replace(Selecting.Held, _ask=ask)


@mutant("ITER-4")
def failed_function_is_called_again(_: Broken) -> None:
    """A function of the caller that failed is called again for the same item."""

    async def ask(_it: Any, function: Any, *args: Any) -> Any:
        return await function(*args)

    replace(Selecting.Held, _ask=ask)


@mutant("ITER-4")
def failure_is_the_end(_: Broken) -> None:
    """An iterator has ended once a step has failed, as a generator has."""

    async def following(original: Any, it: Any) -> Any:
        try:
            return await original(it)
        except Exception:
            it._ended = True
            raise

    around(Parts.Steps, "__anext__", following)


@mutant("ITER-5")
def numbers_are_not_checked(_: Broken) -> None:
    """Numbers are taken as they are."""

    def check(value: Any, *_args: Any) -> Any:
        return value

    replace(Functions, _check=check)


@mutant("ITER-6")
def two_tasks_are_let_in(_: Broken) -> None:
    """Nothing refuses a second task."""

    async def following(original: Any, it: Any) -> Any:
        it._running = False
        return await original(it)

    around(Parts.Steps, "__anext__", following)


@mutant("ITER-6")
def tee_takes_for_each(_: Broken) -> None:
    """Nothing keeps two iterators of a tee from taking an item at a time."""

    async def fill(shared: Any, link: Any) -> None:
        link.item = await shared._source.next()
        link.following = Joining._Link()

    replace(Joining.Shared, fill=fill)


@mutant("ITER-7")
def iterators_are_generators(_: Broken) -> None:
    """The function batched is an asynchronous generator, and closes what it iterates over."""
    original = Functions.batched

    async def batched(iterable: Any, n: int, **keywords: Any) -> AsyncGenerator[Any]:
        try:
            async for batch in original(iterable, n, **keywords):
                yield batch
        finally:
            if hasattr(iterable, "aclose"):
                await iterable.aclose()

    replace(Functions, batched=batched)
