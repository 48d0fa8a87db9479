"""Blocks in the order of their numbers."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

import accord
from accord.testing import Sequencer
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import count_yields, is_cancelled_by, leaves, rule, settle


async def _enter(sequencer: Sequencer, number: int) -> None:
    async with sequencer(number):
        pass


@rule("HELP-1")
@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_order(order: tuple[int, ...]) -> None:
    """Whatever order tasks reach their blocks in, these run by number, and one after the other."""
    sequencer = Sequencer()
    seen: list[str] = []

    async def block(number: int) -> None:
        async with sequencer(number):
            seen.append(f"{number} begins")
            await settle_a_little()
            seen.append(f"{number} ends")

    async def settle_a_little() -> None:
        for _ in range(3):
            await accord.lowlevel.checkpoint()

    async with accord.create_task_group() as group:
        for number in order:
            group.start_soon(block, number)
            await settle_a_little()
    assert seen == [f"{number} {what}" for number in range(4) for what in ("begins", "ends")]


@rule("HELP-1")
async def test_first_number_and_errors() -> None:
    """The first number can be chosen; a block that raises an error has had its turn."""
    sequencer = Sequencer(first=5)

    async def fail() -> None:
        async with sequencer(5):
            raise KeyError("planned")

    async with accord.create_task_group() as group:
        late = await blocked(group, lambda: _enter(sequencer, 6))
        with pytest.raises(KeyError):
            await fail()
        await late.handle.wait()
        assert late.outcome == "returned"
    await _enter(sequencer, 7)


@rule("HELP-1")
async def test_is_a_checkpoint() -> None:
    """Entering checks each time, and yields within the budget, also if it need not wait."""
    for _ in range(20):
        assert await is_cancelled_by(partial(_enter, Sequencer(), 0))
    sequencer = Sequencer()
    assert sum([await count_yields(_enter(sequencer, number)) for number in range(100)]) > 0


@rule("HELP-2")
async def test_numbers_are_used_once() -> None:
    """A second block of a number is refused, before and after the first one had its turn, and disturbs nobody."""
    sequencer = Sequencer()
    async with accord.create_task_group() as group:
        waiting = await blocked(group, lambda: _enter(sequencer, 1))
        with pytest.raises(RuntimeError, match="block 1"):
            await _enter(sequencer, 1)
        await _enter(sequencer, 0)
        await waiting.handle.wait()
        assert waiting.outcome == "returned"
        with pytest.raises(RuntimeError, match="block 0"):
            await _enter(sequencer, 0)
    await _enter(sequencer, 2)


@rule("HELP-2")
async def test_wrong_numbers() -> None:
    """What is no number of a block is refused when the block is made."""
    with pytest.raises(ValueError, match="first"):
        Sequencer(first=3)(2)
    with pytest.raises(ValueError, match="first"):
        Sequencer()(-1)
    wrong: object
    for wrong in ("1", 1.0, True, None):
        with pytest.raises(TypeError, match="number"):
            Sequencer()(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="first"):
            Sequencer(wrong)  # type: ignore[arg-type]


@rule("HELP-3")
@pytest.mark.parametrize("when", ["before its turn", "in its turn"])
async def test_cancellation_breaks(when: str) -> None:
    """All that wait and all that come later get an error which names the cancelled block."""
    sequencer = Sequencer()

    async def stay(number: int) -> None:
        async with sequencer(number):
            await accord.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as outer:
            if when == "before its turn":
                number = 1
                cancelled: Attempt[None] = await blocked(outer, lambda: _enter(sequencer, 1))
            else:
                number = 0
                cancelled = await blocked(outer, lambda: stay(0))
            waiting = [Attempt(outer, partial(_enter, sequencer, number + more)) for more in (1, 2, 3)]
            await settle()
            cancelled.cancel()
            await settle()
            assert cancelled.outcome == "cancelled"
            for attempt in waiting:
                assert attempt.outcome == "raised"
                assert f"block {number} was cancelled" in str(attempt.error)
            await _enter(sequencer, 9)
    (error,) = leaves(caught.value)
    assert isinstance(error, RuntimeError)
    assert f"block {number} was cancelled" in str(error)
