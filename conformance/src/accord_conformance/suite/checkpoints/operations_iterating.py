"""The rows of CKPT-4's table for accord.itertools and accord.functools."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator

import accord

from .operations import Prepared, row, simple_row


@row("step of accord.itertools", "CY")
async def _step_of_an_iterator() -> AsyncGenerator[Prepared, None]:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    iterator = accord.itertools.islice(numbers(), None)

    async def step() -> None:
        await anext(iterator)

    yield Prepared(step, lambda: bool(taken))


async def _add(left: int, right: int) -> int:
    return left + right


simple_row("reduce", "CY", lambda: accord.functools.reduce(_add, (), 0))


@row("functools.lru_cache and cache: a call with a value", "CY")
async def _call_with_a_value() -> AsyncGenerator[Prepared, None]:
    @accord.functools.cache
    async def function() -> None:
        """Do nothing."""

    await function()
    yield Prepared(function, lambda: function.cache_info().hits == 1)
