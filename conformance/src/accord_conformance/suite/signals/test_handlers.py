"""What receivers do to the handlers that were there, and to one another."""

from __future__ import annotations

import signal
from collections.abc import Callable
from contextlib import ExitStack
from itertools import permutations
from typing import Any

import pytest

import accord
from accord import open_signal_receiver
from accord_conformance.helpers import cyclic_garbage, rule, settle

from .handlers import ONE, TWO, Recorder, handler_of, recorded

Run = Callable[..., Any]


class Oops(Exception):
    """An error of the tests."""


@rule("SIGNAL-4")
async def test_restored() -> None:
    """After the block the handlers are those from before, and get what comes."""
    with recorded() as recorder:
        with open_signal_receiver(ONE, TWO):
            pass
        for signum in (ONE, TWO):
            assert handler_of(signum) is recorder
            signal.raise_signal(signum)
        assert recorder.came == [ONE, TWO]


@rule("SIGNAL-4")
@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN], ids=["default", "ignored"])
async def test_system_handlers_restored(handler: Any) -> None:
    """The system's default and "ignored" are restored too."""
    with recorded():
        signal.signal(ONE, handler)
        with open_signal_receiver(ONE):
            assert handler_of(ONE) is not handler
        assert handler_of(ONE) is handler


@rule("SIGNAL-4")
async def test_restored_after_an_error() -> None:
    """An exception that leaves the block passes, and the handler is restored."""
    with recorded() as recorder:
        with pytest.raises(Oops), open_signal_receiver(ONE):
            raise Oops
        assert handler_of(ONE) is recorder


@rule("SIGNAL-4")
async def test_restored_after_a_cancellation() -> None:
    """A cancellation that leaves the block passes, and the handler is restored."""
    with recorded() as recorder:
        with accord.CancelScope() as scope, open_signal_receiver(ONE) as receiver:
            scope.cancel()
            await anext(receiver)
        assert scope.cancelled_caught
        assert handler_of(ONE) is recorder


@rule("SIGNAL-4", "INT-4")
async def test_interrupt_handler_restored() -> None:
    """SIGINT interrupts nothing while a receiver gets it, and afterwards its handler is the one from before."""
    before = signal.getsignal(signal.SIGINT)
    with open_signal_receiver(signal.SIGINT) as receiver:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
            assert await anext(receiver) == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) is before
    await accord.lowlevel.checkpoint()


@rule("SIGNAL-4")
async def test_leaves_no_garbage() -> None:
    """A receiver that was used leaves nothing to the cycle collector, and nothing holds its handler."""

    async def use() -> None:
        with open_signal_receiver(ONE, TWO) as outer, open_signal_receiver(ONE):
            signal.raise_signal(TWO)
            assert await anext(outer) == TWO

    with recorded():
        assert await cyclic_garbage(use) == []


@rule("SIGNAL-5")
async def test_nested() -> None:
    """Both receivers get the signal; the outer one goes on after the inner one was left."""
    with recorded() as recorder:
        with open_signal_receiver(ONE, TWO) as outer:
            with open_signal_receiver(ONE) as inner:
                signal.raise_signal(ONE)
                assert await anext(inner) == ONE
                assert await anext(outer) == ONE
            signal.raise_signal(ONE)
            signal.raise_signal(TWO)
            assert [await anext(outer), await anext(outer)] == [ONE, TWO]
        assert recorder.came == []
        assert handler_of(ONE) is recorder


@rule("SIGNAL-5")
@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_left_in_any_order(order: tuple[int, ...]) -> None:
    """Three receivers that overlap: those that are open get the signal, and the last restores the handler."""
    with recorded() as recorder:
        stacks = [ExitStack() for _ in range(3)]
        receivers = [stack.enter_context(open_signal_receiver(ONE)) for stack in stacks]
        left: set[int] = set()
        for index in order:
            stacks[index].close()
            left.add(index)
            if len(left) < 3:
                signal.raise_signal(ONE)
            for other in {0, 1, 2} - left:
                assert await anext(receivers[other]) == ONE
        assert handler_of(ONE) is recorder
        assert recorder.came == []


@rule("SIGNAL-4", "SIGNAL-5")
async def test_handler_of_the_program_in_between() -> None:
    """A handler that the program installs within a block is what an inner receiver restores, and the outer removes."""
    between = Recorder()
    with recorded() as recorder:
        with open_signal_receiver(ONE):
            signal.signal(ONE, between)
            with open_signal_receiver(ONE) as inner:
                signal.raise_signal(ONE)
                assert await anext(inner) == ONE
            assert handler_of(ONE) is between
        assert handler_of(ONE) is recorder
    assert between.came == []


@rule("SIGNAL-7")
async def test_closed() -> None:
    """After the block each step raises ClosedResourceError."""
    with recorded():
        with open_signal_receiver(ONE) as receiver:
            signal.raise_signal(ONE)
            assert await anext(receiver) == ONE
        for _ in range(2):
            with pytest.raises(accord.ClosedResourceError):
                await anext(receiver)


@rule("SIGNAL-7")
async def test_closed_while_waiting() -> None:
    """A task that waits when the block is left is woken with ClosedResourceError."""
    errors: list[Exception] = []

    async def step() -> None:
        try:
            await anext(receiver)
        except accord.ClosedResourceError as error:
            errors.append(error)

    with recorded():
        async with accord.create_task_group() as group:
            with open_signal_receiver(ONE) as receiver:
                group.start_soon(step)
                await settle()
    assert len(errors) == 1


@rule("SIGNAL-7")
async def test_one_task_iterates() -> None:
    """A second task gets BusyResourceError, and the first gets the signal."""
    got: list[signal.Signals] = []

    async def step() -> None:
        got.append(await anext(receiver))

    with recorded(), open_signal_receiver(ONE) as receiver:
        async with accord.create_task_group() as group:
            group.start_soon(step)
            await settle()
            for _ in range(2):
                with pytest.raises(accord.BusyResourceError):
                    await anext(receiver)
            signal.raise_signal(ONE)
    assert got == [ONE]


@rule("SIGNAL-7")
async def test_opened_once() -> None:
    """Neither within its block nor after it a receiver can be opened again, and the handlers stay right."""
    with recorded() as recorder:
        manager = open_signal_receiver(ONE)
        with manager as receiver:
            with pytest.raises(RuntimeError), manager:
                pass
            signal.raise_signal(ONE)
            assert await anext(receiver) == ONE
        with pytest.raises(RuntimeError), manager:
            pass
        assert handler_of(ONE) is recorder


@rule("SIGNAL-8")
async def test_left_over_is_raised_again() -> None:
    """What is pending when the block is left goes to the handlers from before, in order."""
    with recorded() as recorder:
        with open_signal_receiver(ONE, TWO):
            signal.raise_signal(TWO)
            signal.raise_signal(ONE)
        assert recorder.came == [TWO, ONE]


@rule("SIGNAL-8")
async def test_left_over_is_not_given_twice() -> None:
    """What another open receiver has got too is not raised again."""
    with recorded() as recorder, open_signal_receiver(ONE) as outer:
        with open_signal_receiver(ONE):
            signal.raise_signal(ONE)
            assert await anext(outer) == ONE
        with accord.move_on_after(0.05) as scope:
            await anext(outer)
        assert scope.cancelled_caught
    assert recorder.came == []


@rule("SIGNAL-8")
async def test_left_over_whose_handler_raises() -> None:
    """If one handler raises, that comes out of the block, and the others are still called and restored."""

    def fail(_signum: int, _frame: object) -> None:
        raise Oops

    with recorded() as recorder:
        signal.signal(ONE, fail)
        with pytest.raises(Oops), open_signal_receiver(ONE, TWO):
            signal.raise_signal(ONE)
            signal.raise_signal(TWO)
        assert recorder.came == [TWO]
        assert handler_of(ONE) is fail
        assert handler_of(TWO) is recorder
