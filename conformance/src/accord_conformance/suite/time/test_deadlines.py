"""Deadlines of scopes: what is accepted, when they act, and what they can be asked."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import Any

import pytest

import accord
from accord_conformance.helpers import PATIENCE, block, rule, settle

GOOD_FAR = [inf, 1e9, 1e20, 1.7e308, 10**15, 2**1000]
REFUSED: list[tuple[Any, type[Exception]]] = [
    (nan, ValueError),
    (10**400, ValueError),
    ("5", TypeError),
    (True, TypeError),
    (1j, TypeError),
    ([], TypeError),
]


@rule("TIME-5")
@pytest.mark.parametrize("far", GOOD_FAR, ids="{:.1e}".format)
async def test_far_deadline(far: float) -> None:
    """A deadline that is far away does nothing, whichever way it was given."""
    for scope in (accord.CancelScope(deadline=far), accord.move_on_after(far), accord.move_on_at(far)):
        with scope:
            await accord.sleep(0.002)
            assert not scope.cancel_called
        assert not scope.cancelled_caught
    with accord.fail_after(far), accord.fail_at(far), accord.CancelScope() as scope:
        scope.deadline = far
        assert scope.deadline == float(far)
        assert accord.current_effective_deadline() <= far
        await accord.sleep(0.002)
    assert not scope.cancel_called


@rule("TIME-5")
@pytest.mark.parametrize("past", [-inf, -1, -1e300])
async def test_past_deadline(past: float) -> None:
    """A deadline that has passed cancels from entry: the body runs up to its first checkpoint."""
    for scope in (accord.CancelScope(deadline=past), accord.move_on_at(past), accord.move_on_after(past)):
        events: list[str] = []
        with scope:
            events.append("entered")
            assert scope.cancel_called
            await accord.lowlevel.checkpoint()
            events.append("passed a checkpoint")
        assert events == ["entered"]
        assert scope.cancelled_caught


@rule("TIME-5")
async def test_deadline_of_now() -> None:
    """A deadline that is reached exactly has passed."""
    with accord.CancelScope(deadline=accord.current_time()) as scope:
        assert scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("TIME-6")
@pytest.mark.parametrize(("bad", "error"), REFUSED)
async def test_refused_in_construction(bad: Any, error: type[Exception]) -> None:
    """What is no deadline or delay is refused where it is given."""
    for make in (accord.move_on_after, accord.move_on_at, accord.fail_after, accord.fail_at):
        with pytest.raises(error):
            make(bad)
    with pytest.raises(error):
        accord.CancelScope(deadline=bad)


@rule("TIME-6")
async def test_none_is_no_deadline_of_a_scope() -> None:
    """``None`` stands for "no deadline" in the four functions, but not in the scope itself."""
    none: Any = None
    with pytest.raises(TypeError):
        accord.CancelScope(deadline=none)
    with accord.CancelScope(deadline=accord.current_time() + 1000) as scope:
        with pytest.raises(TypeError):
            scope.deadline = none


@rule("TIME-6", "TIME-11")
@pytest.mark.parametrize(("bad", "error"), REFUSED)
@pytest.mark.parametrize("active", [False, True])
async def test_refused_in_setter(bad: Any, error: type[Exception], active: bool) -> None:
    """What is no deadline is refused by the setter, and the old deadline still counts."""
    deadline = accord.current_time() + 0.02
    scope = accord.CancelScope(deadline=deadline)
    if not active:
        with pytest.raises(error):
            scope.deadline = bad
        assert scope.deadline == deadline
    with scope:
        if active:
            with pytest.raises(error):
                scope.deadline = bad
        assert scope.deadline == deadline
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("TIME-7")
async def test_deadline_wakes_a_waiting_task() -> None:
    """A deadline interrupts what the body waits for, and what its tasks wait for."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("child")

    before = accord.current_time()
    with accord.move_on_after(0.02) as scope:
        async with accord.create_task_group() as group:
            group.start_soon(child)
            await accord.Event().wait()
    assert events == ["child"]
    assert scope.cancelled_caught
    assert 0.019 <= accord.current_time() - before < PATIENCE


@rule("TIME-7")
@pytest.mark.parametrize(
    "operation",
    [
        accord.lowlevel.checkpoint,
        accord.lowlevel.checkpoint_if_cancelled,
        lambda: accord.sleep(0),
        accord.sleep_forever,
    ],
)
async def test_first_checkpoint_after_blocking(operation: Callable[[], Any]) -> None:
    """The first checkpoint after the deadline raises, though the loop had no chance to notice."""
    with accord.move_on_after(0.01) as scope:
        await accord.lowlevel.checkpoint()
        block(0.02)
        await operation()
        pytest.fail("the checkpoint did not raise")
    assert scope.cancelled_caught


@rule("TIME-7", "CKPT-5")
async def test_first_cheap_operation_after_blocking() -> None:
    """An operation that need not wait notices the deadline too."""
    event = accord.Event()
    event.set()
    with accord.move_on_after(0.01) as scope:
        await event.wait()
        block(0.02)
        await event.wait()
        pytest.fail("the operation did not raise")
    assert scope.cancelled_caught


@rule("TIME-8")
async def test_cancel_called_before_entry() -> None:
    """A deadline that passes before the entry makes ``cancel_called`` True at once."""
    scope = accord.CancelScope(deadline=accord.current_time() + 0.01)
    assert not scope.cancel_called
    block(0.02)
    assert scope.cancel_called
    with scope:
        assert scope.cancel_called


@rule("TIME-8", "TIME-10", "CANCEL-24")
async def test_cancel_called_while_blocked() -> None:
    """A deadline that passes while the thread is blocked is seen by everything that can be asked."""
    with accord.move_on_after(0.01) as scope, accord.CancelScope() as inner:
        assert not scope.cancel_called
        block(0.02)
        assert scope.cancel_called
        assert not inner.cancel_called
        assert accord.current_effective_deadline() == -inf
        reason = scope.cancel_reason
        assert reason is not None
        assert reason.kind == "deadline"


@rule("TIME-8", "CANCEL-30")
async def test_deadline_after_exit() -> None:
    """A deadline that passes after the exit changes nothing."""
    with accord.move_on_after(0.01) as scope:
        pass
    await accord.sleep(0.03)
    assert not scope.cancel_called
    assert not scope.cancelled_caught
    assert scope.cancel_reason is None


@rule("TIME-9")
async def test_delay_counts_from_entry() -> None:
    """The time between the making of a scope and its entry does not count."""
    scope = accord.move_on_after(0.05)
    await accord.sleep(0.1)
    assert not scope.cancel_called
    before = accord.current_time()
    with scope:
        assert before + 0.05 <= scope.deadline <= accord.current_time() + 0.05
        await accord.lowlevel.checkpoint()
        await accord.sleep(0.01)
        assert not scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught
    failing = accord.fail_after(0.05)
    await accord.sleep(0.1)
    with failing as inner:
        await accord.sleep(0.01)
    assert not inner.cancel_called


@rule("TIME-9")
async def test_none_means_no_deadline() -> None:
    """None as delay or deadline makes a scope without one."""
    with accord.move_on_after(None) as first, accord.move_on_at(None) as second:
        with accord.fail_after(None) as third, accord.fail_at(None) as fourth:
            assert [scope.deadline for scope in (first, second, third, fourth)] == [inf] * 4
            await accord.sleep(0.001)


@rule("TIME-9", "TIME-5")
@pytest.mark.parametrize("delay", [-1, -0.001, -inf, 0])
async def test_negative_delay(delay: float) -> None:
    """A negative delay, or none at all, has passed at the entry."""
    with accord.move_on_after(delay) as scope:
        assert scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught
    with pytest.raises(TimeoutError):
        with accord.fail_after(delay):
            await accord.sleep_forever()


@rule("TIME-10", "CANCEL-21")
async def test_effective_deadline() -> None:
    """The effective deadline is the earliest one up to the first shield."""
    now = accord.current_time()
    assert accord.current_effective_deadline() == inf
    with accord.move_on_at(now + 100):
        assert accord.current_effective_deadline() == now + 100
        with accord.move_on_at(now + 200):
            assert accord.current_effective_deadline() == now + 100
            with accord.move_on_at(now + 50):
                assert accord.current_effective_deadline() == now + 50
            with accord.move_on_at(now + 300, shield=True) as shield:
                assert accord.current_effective_deadline() == now + 300
                with accord.move_on_at(now + 400):
                    assert accord.current_effective_deadline() == now + 300
                shield.shield = False
                assert accord.current_effective_deadline() == now + 100
        assert accord.current_effective_deadline() == now + 100
    assert accord.current_effective_deadline() == inf


@rule("TIME-10")
async def test_effective_deadline_of_cancelled() -> None:
    """A task that is effectively cancelled has the deadline minus infinity, except in a shield."""
    with accord.CancelScope() as outer:
        with accord.CancelScope():
            outer.cancel()
            assert accord.current_effective_deadline() == -inf
            with accord.CancelScope(shield=True):
                assert accord.current_effective_deadline() == inf
            with accord.move_on_after(100, shield=True) as shield:
                assert accord.current_effective_deadline() == shield.deadline
                shield.cancel()
                assert accord.current_effective_deadline() == -inf


@rule("TIME-10", "CANCEL-20")
async def test_effective_deadline_of_child() -> None:
    """A task has the deadlines around its group, not those around the place that started it."""
    now = accord.current_time()
    seen: list[float] = []

    async def child() -> None:
        seen.append(accord.current_effective_deadline())
        with accord.move_on_at(now + 50):
            seen.append(accord.current_effective_deadline())

    with accord.move_on_at(now + 100):
        async with accord.create_task_group() as group:
            with accord.move_on_at(now + 10):
                group.start_soon(child)
    assert seen == [now + 100, now + 50]


@rule("TIME-11")
async def test_earlier_deadline() -> None:
    """An earlier deadline counts at once, for a task that waits already too."""
    events: list[bool] = []

    async def child(scope: accord.CancelScope) -> None:
        with scope:
            await accord.sleep_forever()
        events.append(scope.cancelled_caught)

    scope = accord.move_on_after(1000)
    async with accord.create_task_group() as group:
        group.start_soon(child, scope)
        await settle()
        scope.deadline = accord.current_time() + 0.01
    assert events == [True]


@rule("TIME-11")
async def test_deadline_moved_into_the_past() -> None:
    """A deadline that is moved into the past cancels at once."""
    with accord.move_on_after(1000) as scope:
        scope.deadline = accord.current_time() - 1
        assert scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("TIME-11")
async def test_later_deadline() -> None:
    """A deadline that is moved on each sign of life does not act."""
    with accord.move_on_after(0.05) as scope:
        for _ in range(4):
            await accord.sleep(0.02)
            scope.deadline = accord.current_time() + 1000
    assert not scope.cancel_called
    with accord.move_on_after(0.01) as scope:
        scope.deadline = inf
        await accord.sleep(0.03)
    assert not scope.cancel_called


@rule("TIME-11")
async def test_deadline_of_cancelled_scope() -> None:
    """Moving the deadline of a cancelled scope does not take the cancellation back."""
    with accord.CancelScope() as scope:
        scope.cancel()
        scope.deadline = inf
        assert scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught
    with accord.CancelScope(deadline=-inf) as scope:
        scope.deadline = inf
        assert scope.cancel_called
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("TIME-11")
async def test_deadline_before_entry() -> None:
    """A deadline that is set before the entry counts, and replaces a delay."""
    for scope in (accord.CancelScope(), accord.move_on_after(1000), accord.move_on_after(0.001)):
        scope.deadline = deadline = accord.current_time() + 500
        with scope:
            assert scope.deadline == deadline
            assert accord.current_effective_deadline() == deadline
            await accord.sleep(0.01)
        assert not scope.cancel_called


@rule("TIME-15", "CANCEL-10")
@pytest.mark.parametrize("outer_first", [False, True])
async def test_outer_deadline_wins(outer_first: bool) -> None:
    """If two nested deadlines have passed the outer scope catches, in whichever order they passed."""
    now = accord.current_time()
    events: list[str] = []
    with accord.move_on_at(now + (0.01 if outer_first else 0.02)) as outer:
        with accord.move_on_at(now + (0.02 if outer_first else 0.01)) as inner:
            block(0.03)
            await accord.lowlevel.checkpoint()
        events.append("between")
    assert events == []
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@rule("TIME-15", "CANCEL-10")
async def test_outer_deadline_during_clean_up() -> None:
    """If the outer deadline passes while the inner scope unwinds, the outer scope catches."""
    events: list[str] = []
    now = accord.current_time()
    with accord.move_on_at(now + 0.03) as outer:
        with accord.move_on_at(now + 0.01) as inner:
            try:
                await accord.sleep_forever()
            finally:
                block(0.05)
        events.append("between")
    assert events == []
    assert outer.cancelled_caught
    assert not inner.cancelled_caught


@rule("TIME-15")
async def test_inner_deadline_alone() -> None:
    """If only the inner deadline has passed, the code between the two goes on."""
    with accord.move_on_after(1000) as outer:
        with accord.move_on_after(0.01) as inner:
            await accord.sleep_forever()
        await accord.lowlevel.checkpoint()
    assert inner.cancelled_caught
    assert not outer.cancel_called


@rule("TIME-7")
async def test_many_deadlines() -> None:
    """Of many scopes at the same time each gets its own deadline, those that were left get none."""
    caught: list[int] = []
    all_caught = accord.Event()

    async def child(number: int) -> None:
        with accord.move_on_after(0.01 if number % 2 else 1000) as scope:
            await accord.sleep(0.01 if number % 4 == 0 else 100)
        if scope.cancelled_caught:
            caught.append(number)
            if len(caught) == 100:
                all_caught.set()

    with accord.move_on_after(5) as outer:
        async with accord.create_task_group() as group:
            for number in range(200):
                group.start_soon(child, number)
            await all_caught.wait()
            await accord.sleep(0.02)
            await settle()
            assert sorted(caught) == list(range(1, 200, 2))
            group.cancel()
    assert not outer.cancel_called
