"""Mutants of gather and amap."""

from __future__ import annotations

import inspect
from typing import Any

from accord import (
    CancelScope,
    Semaphore,
    amap,
    create_task_group,
    gather,
    get_cancelled_exc_class,
)
from accord.lowlevel import checkpoint, checkpoint_if_cancelled

from .making import Broken, around, mutant
from .waiting import replace_everywhere


@mutant("GATHER-1")
def gather_returns_a_list(_: Broken) -> None:
    """The values come as a list."""

    async def wrong(*coros: Any) -> Any:
        return list(await gather(*coros))

    replace_everywhere(gather, wrong)


@mutant("GATHER-1")
def gather_orders_by_time(_: Broken) -> None:
    """The values come in the order in which the coroutines end."""

    async def wrong(*coros: Any) -> Any:
        values: list[Any] = []

        async def note(coro: Any) -> None:
            values.append(await coro)

        await gather(*[note(coro) for coro in coros])
        return tuple(values)

    replace_everywhere(gather, wrong)


@mutant("GATHER-1")
def gather_runs_one_after_the_other(_: Broken) -> None:
    """Each coroutine is awaited before the next one is started."""

    async def wrong(*coros: Any) -> Any:
        await checkpoint()
        return tuple([await coro for coro in coros])

    replace_everywhere(gather, wrong)


@mutant("GATHER-2")
def gather_raises_the_first_error(_: Broken) -> None:
    """The first error comes bare."""

    async def wrong(*coros: Any) -> Any:
        try:
            return await gather(*coros)
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    replace_everywhere(gather, wrong)


@mutant("GATHER-2")
def gather_waits_for_all_before_it_fails(_: Broken) -> None:
    """The others go on when one has failed."""

    async def wrong(*coros: Any) -> Any:
        errors: list[Exception] = []

        async def note(coro: Any) -> Any:
            try:
                return await coro
            except Exception as error:
                errors.append(error)

        values = await gather(*[note(coro) for coro in coros])
        if errors:
            raise ExceptionGroup("failed", errors)
        return values

    replace_everywhere(gather, wrong)


@mutant("GATHER-2")
def amap_returns_exceptions(_: Broken) -> None:
    """Errors are results."""

    async def wrong(func: Any, items: Any, /, **keywords: Any) -> Any:
        async def note(item: Any) -> Any:
            try:
                return await func(item)
            except Exception as error:
                return error

        return await amap(note, items, **keywords)

    replace_everywhere(amap, wrong)


@mutant("GATHER-2")
def amap_with_limit_raises_the_first_error(_: Broken) -> None:
    """With a limit the first error comes bare."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        try:
            return await amap(func, items, limit=limit)
        except BaseExceptionGroup as group:
            if limit is None:
                raise
            raise group.exceptions[0] from None

    replace_everywhere(amap, wrong)


@mutant("GATHER-3")
def gather_is_not_cancelled(_: Broken) -> None:
    """The coroutines go on when the caller is cancelled."""

    async def wrong(*coros: Any) -> Any:
        await checkpoint_if_cancelled()
        with CancelScope(shield=True):
            return await gather(*coros)

    replace_everywhere(gather, wrong)


@mutant("GATHER-3")
def gather_swallows_the_cancellation(_: Broken) -> None:
    """gather() returns None when the caller is cancelled."""

    async def wrong(*coros: Any) -> Any:
        try:
            return await gather(*coros)
        except get_cancelled_exc_class():
            return None

    replace_everywhere(gather, wrong)


@mutant("GATHER-3")
def gather_leaves_coroutines_behind(broken: Broken) -> None:
    """A caller that is cancelled does not wait for the coroutines, which belong to the whole run."""
    groups: list[Any] = []

    def run(original: Any, main: Any, args: Any, options: Any) -> Any:
        async def main_in_group() -> Any:
            async with create_task_group() as group:
                groups.append(group)
                return await main(*args)

        return original(main_in_group, (), options)

    async def wrong(*coros: Any) -> Any:
        handles = [groups[-1].create_task(coro) for coro in coros]
        try:
            return tuple([await handle for handle in handles])
        except get_cancelled_exc_class():
            for handle in handles:
                handle.cancel()
            raise

    around(broken, "run", run)
    replace_everywhere(gather, wrong)


@mutant("GATHER-4")
def gather_of_nothing_is_no_checkpoint(_: Broken) -> None:
    """Without arguments gather() returns at once."""

    async def wrong(*coros: Any) -> Any:
        return await gather(*coros) if coros else ()

    replace_everywhere(gather, wrong)


@mutant("GATHER-4")
def amap_of_nothing_is_no_checkpoint(_: Broken) -> None:
    """Without items amap() returns at once."""

    async def wrong(func: Any, items: Any, /, **keywords: Any) -> Any:
        items = list(items)
        return await amap(func, items, **keywords) if items else []

    replace_everywhere(amap, wrong)


@mutant("GATHER-4")
def gather_starts_before_it_checks(_: Broken) -> None:
    """In a cancelled scope the coroutines are started and cancelled."""

    async def wrong(*coros: Any) -> Any:
        handles: list[Any] = []
        async with create_task_group() as group:
            handles += [group.create_task(coro) for coro in coros]
        await checkpoint_if_cancelled()
        return tuple(handle.return_value for handle in handles)

    replace_everywhere(gather, wrong)


@mutant("GATHER-4")
def gather_leaves_coroutines_open(_: Broken) -> None:
    """In a cancelled scope the coroutines are not closed."""

    async def wrong(*coros: Any) -> Any:
        await checkpoint_if_cancelled()
        return await gather(*coros)

    replace_everywhere(gather, wrong)


@mutant("GATHER-4")
def gather_looks_at_one_argument_at_a_time(_: Broken) -> None:
    """Arguments after the wrong one are not closed."""

    async def wrong(*coros: Any) -> Any:
        for number, coro in enumerate(coros):
            if not inspect.iscoroutine(coro):
                for before in coros[:number]:
                    before.close()
                raise TypeError("expected a coroutine object")
        return await gather(*coros)

    replace_everywhere(gather, wrong)


@mutant("GATHER-4")
def amap_starts_before_it_checks(_: Broken) -> None:
    """In a cancelled scope the calls are started and cancelled."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        values: list[Any] = []
        with CancelScope(shield=True):
            values += await amap(func, items, limit=limit)
        await checkpoint_if_cancelled()
        return values

    replace_everywhere(amap, wrong)


@mutant("GATHER-4")
def amap_calls_before_it_checks(_: Broken) -> None:
    """In a cancelled scope the function is called, and its coroutines are closed."""

    async def wrong(func: Any, items: Any, /, **keywords: Any) -> Any:
        return list(await gather(*[func(item) for item in items]))

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_forgets_its_limit(_: Broken) -> None:
    """All calls run at once."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        return await amap(func, items)

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_exceeds_its_limit(_: Broken) -> None:
    """One call more than the limit runs."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        return await amap(func, items, limit=limit and limit + 1)

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_orders_by_time(_: Broken) -> None:
    """The results come in the order in which the calls end."""

    async def wrong(func: Any, items: Any, /, **keywords: Any) -> Any:
        values: list[Any] = []

        async def note(item: Any) -> None:
            values.append(await func(item))

        await amap(note, items, **keywords)
        return values

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_returns_a_tuple(_: Broken) -> None:
    """The results come as a tuple."""

    async def wrong(func: Any, items: Any, /, **keywords: Any) -> Any:
        return tuple(await amap(func, items, **keywords))

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_takes_zero_for_no_limit(_: Broken) -> None:
    """A limit of 0 means none."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        return await amap(func, items, limit=limit or None)

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_takes_bools(_: Broken) -> None:
    """True is 1."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        return await amap(func, items, limit=1 if limit is True else limit)

    replace_everywhere(amap, wrong)


@mutant("GATHER-5")
def amap_takes_an_item_before_it_checks(_: Broken) -> None:
    """A wrong limit is refused when the first item has been taken."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        items = list(items)
        return await amap(func, items, limit=limit)

    replace_everywhere(amap, wrong)


@mutant("GATHER-6")
def amap_takes_all_items_at_first(_: Broken) -> None:
    """The iterable is made a list."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        return await amap(func, list(items) if limit else items, limit=limit)

    replace_everywhere(amap, wrong)


@mutant("GATHER-6")
def amap_takes_one_item_ahead(_: Broken) -> None:
    """The next item is taken, and then there is a wait for room."""

    async def wrong(func: Any, items: Any, /, *, limit: Any = None) -> Any:
        if limit is None:
            return await amap(func, items)
        await checkpoint_if_cancelled()
        room = Semaphore(limit)

        async def call(item: Any) -> Any:
            try:
                return await func(item)
            finally:
                room.release()

        handles: list[Any] = []
        async with create_task_group() as group:
            for item in items:
                await room.acquire()
                handles.append(group.start_soon(call, item))
        return [handle.return_value for handle in handles]

    replace_everywhere(amap, wrong)
