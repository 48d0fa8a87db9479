"""What the iterator of a receiver yields, and when."""

from __future__ import annotations

import signal
import threading
import time

import pytest

import accord
from accord import open_signal_receiver
from accord_conformance.helpers import PATIENCE, count_yields, is_cancelled_by, rule, settle

from .handlers import ONE, TWO, recorded


@rule("SIGNAL-1")
@pytest.mark.parametrize("order", [(ONE, TWO), (TWO, ONE)])
async def test_in_order(order: tuple[signal.Signals, signal.Signals]) -> None:
    """What came before the iteration is yielded in the order of arrival, and no other handler gets it."""
    with recorded() as recorder, open_signal_receiver(ONE, TWO) as receiver:
        for signum in order:
            signal.raise_signal(signum)
        got = [await anext(receiver), await anext(receiver)]
    assert got == list(order)
    assert all(type(signum) is signal.Signals for signum in got)
    assert recorder.came == []


@rule("SIGNAL-1")
async def test_while_waiting() -> None:
    """A task that waits gets the signal, and iterates on."""
    got: list[signal.Signals] = []

    async def iterate() -> None:
        async for signum in receiver:
            got.append(signum)  # noqa: PERF401  - one at a time is what is tested

    with recorded(), open_signal_receiver(ONE, TWO) as receiver:
        async with accord.create_task_group() as group:
            group.start_soon(iterate)
            for signum in (ONE, TWO, ONE):
                await settle()
                signal.raise_signal(signum)
            await settle()
            group.cancel_scope.cancel()
    assert got == [ONE, TWO, ONE]


@rule("SIGNAL-1")
async def test_number() -> None:
    """A signal that was named by its number is yielded as a number."""
    with recorded(), open_signal_receiver(int(ONE)) as receiver:
        signal.raise_signal(ONE)
        got = await anext(receiver)
    assert got == ONE
    assert type(got) is int


@rule("SIGNAL-1")
async def test_others_pass_by() -> None:
    """A signal that was not named is left to its handler."""
    with recorded() as recorder, open_signal_receiver(ONE) as receiver:
        signal.raise_signal(TWO)
        signal.raise_signal(ONE)
        assert await anext(receiver) == ONE
        assert recorder.came == [TWO]


@rule("SIGNAL-2")
async def test_pending_once() -> None:
    """A signal that comes three times before it is taken is yielded once, in its first place."""
    with recorded(), open_signal_receiver(ONE, TWO) as receiver:
        for signum in (ONE, ONE, TWO, ONE):
            signal.raise_signal(signum)
        assert [await anext(receiver), await anext(receiver)] == [ONE, TWO]
        with accord.move_on_after(0.05) as scope:
            await anext(receiver)
        assert scope.cancelled_caught


@rule("SIGNAL-2")
async def test_again_after_it_was_taken() -> None:
    """After it was yielded it is yielded again, behind what came before."""
    with recorded(), open_signal_receiver(ONE, TWO) as receiver:
        signal.raise_signal(ONE)
        signal.raise_signal(TWO)
        assert await anext(receiver) == ONE
        signal.raise_signal(ONE)
        assert [await anext(receiver), await anext(receiver)] == [TWO, ONE]


@rule("SIGNAL-3", "SIGNAL-10")
async def test_cancelled_step_takes_nothing() -> None:
    """A step in a cancelled scope raises, also if a signal is pending, which the next step yields."""
    with recorded(), open_signal_receiver(ONE) as receiver:
        signal.raise_signal(ONE)
        for _ in range(3):
            assert await is_cancelled_by(receiver.__anext__)
        assert await anext(receiver) == ONE


@rule("SIGNAL-3")
@pytest.mark.parametrize("signal_first", [True, False])
async def test_cancelled_while_waiting(signal_first: bool) -> None:
    """Signal and cancellation in one turn: the signal is yielded, by this step or by the next, once."""
    got: list[signal.Signals] = []

    async def step() -> None:
        with scope:
            got.append(await anext(receiver))

    with recorded() as recorder, open_signal_receiver(ONE) as receiver:
        scope = accord.CancelScope()
        async with accord.create_task_group() as group:
            group.start_soon(step)
            await settle()
            if signal_first:
                signal.raise_signal(ONE)
            scope.cancel()
            if not signal_first:
                signal.raise_signal(ONE)
        if not got:
            got.append(await anext(receiver))
        assert got == [ONE]
    assert recorder.came == []


@rule("SIGNAL-6")
async def test_wakes_a_sleeping_loop() -> None:
    """The loop is woken at once also by a signal that the system gives to another thread."""
    with recorded(), open_signal_receiver(ONE) as receiver:
        end = threading.Event()
        other = threading.Thread(target=end.wait, daemon=True)
        other.start()

        def interrupt_other() -> None:
            time.sleep(0.1)
            assert other.ident is not None
            signal.pthread_kill(other.ident, ONE)

        started = time.monotonic()
        threading.Thread(target=interrupt_other, daemon=True).start()
        try:
            with accord.fail_after(PATIENCE):
                assert await anext(receiver) == ONE
        finally:
            end.set()
            other.join()
        assert time.monotonic() - started < PATIENCE / 2


@rule("SIGNAL-10")
async def test_lets_others_run() -> None:
    """Of many steps that need not wait some yield."""
    yields = 0
    with recorded(), open_signal_receiver(ONE) as receiver:
        for _ in range(40):
            signal.raise_signal(ONE)
            yields += await count_yields(receiver.__anext__())
    assert yields >= 2
