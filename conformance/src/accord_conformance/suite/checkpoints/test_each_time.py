"""Operations that need not wait notice each cancellation at once, also just after others that found none.

A backend may spare them the question as long as it knows the answer; here the answer changes in every way there is,
while they are being spared it.
"""

from __future__ import annotations

import pytest

import accord
from accord.lowlevel import Parker, cancel_shielded_checkpoint, create_parker
from accord_conformance.helpers import block, count_yields, rule

from .cheap import KINDS, Kind, Operation

each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


async def spared(kind: Kind) -> Operation:
    """Return an operation that was done several times, and has yielded just before them and not since."""
    operation = kind()
    for _ in range(40):
        if await count_yields(operation()):
            break
    for _ in range(4):
        await operation()
    return operation


async def is_cut(operation: Operation) -> bool:
    """Return whether a cancellation ends the operation."""
    try:
        await operation()
    except accord.get_cancelled_exc_class():
        return True
    return False


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_own_scope(kind: Kind) -> None:
    """The task cancels a scope that it is in; when it has left it, nothing is cancelled any more."""
    operation = await spared(kind)
    with accord.CancelScope() as scope:
        await operation()
        scope.cancel()
        assert await is_cut(operation)
        assert await is_cut(operation)
    assert not await is_cut(operation)


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_entering_a_cancelled_scope(kind: Kind) -> None:
    """The task enters a scope that was cancelled before, or whose deadline has passed."""
    operation = await spared(kind)
    scope = accord.CancelScope()
    scope.cancel()
    with scope:
        assert await is_cut(operation)
    await operation()
    with accord.move_on_after(-1):
        assert await is_cut(operation)
    assert not await is_cut(operation)


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_lowered_shield(kind: Kind) -> None:
    """A shield goes down, or ends, inside a scope that is cancelled."""
    operation = await spared(kind)
    with accord.CancelScope() as outer:
        outer.cancel()
        with accord.CancelScope(shield=True) as inner:
            for _ in range(20):
                assert not await is_cut(operation)
            inner.shield = False
            assert await is_cut(operation)
        with accord.CancelScope(shield=True):
            assert not await is_cut(operation)
        assert await is_cut(operation)


@rule("CKPT-5", "TIME-7")
@each_kind
async def test_deadline_of_a_new_scope(kind: Kind) -> None:
    """The deadline of a scope passes while nobody looks at the clock."""
    operation = await spared(kind)
    with accord.move_on_after(0.02) as scope:
        block(0.04)
        assert await is_cut(operation)
    assert scope.cancel_called


@rule("CKPT-5", "TIME-7")
@each_kind
async def test_deadline_that_is_set_late(kind: Kind) -> None:
    """A scope that has been entered gets a deadline, which passes while nobody looks at the clock."""
    with accord.CancelScope() as scope:
        operation = await spared(kind)
        scope.deadline = accord.current_time() + 0.02
        block(0.04)
        assert await is_cut(operation)


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_group_that_is_cancelled(kind: Kind) -> None:
    """The task cancels the group that it is the host of."""
    operation = await spared(kind)
    async with accord.create_task_group() as group:
        await operation()
        group.cancel()
        assert await is_cut(operation)


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_task_of_a_cancelled_group(kind: Kind) -> None:
    """A task that is started in a cancelled group has its first operation cut, though its starter's were not."""
    cut: list[bool] = []

    async def task() -> None:
        cut.append(await is_cut(kind()))

    operation = await spared(kind)
    async with accord.create_task_group() as group:
        with accord.CancelScope(shield=True):
            group.cancel()
            group.start_soon(task)
            for _ in range(4):
                assert not await is_cut(operation)
    assert cut == [True]


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_task_that_stays_cancelled(kind: Kind) -> None:
    """A task that has been cancelled for long, and waits in a shield, is cut when it leaves it; others are not."""
    waiting, woken = accord.Event(), accord.Event()
    cut: list[bool] = []

    async def stubborn() -> None:
        operation = kind()
        with accord.CancelScope() as scope:
            scope.cancel()
            assert await is_cut(accord.sleep_forever)
            with accord.CancelScope(shield=True):
                waiting.set()
                await woken.wait()
            cut.append(await is_cut(operation))

    async with accord.create_task_group() as group:
        group.start_soon(stubborn)
        await waiting.wait()
        for _ in range(10):
            await cancel_shielded_checkpoint()
        operation = await spared(kind)
        woken.set()
        for _ in range(4):
            assert not await is_cut(operation)
    assert cut == [True]


@rule("CKPT-5", "PARK-7")
@each_kind
async def test_task_that_waits_though_it_is_cancelled(kind: Kind) -> None:
    """A task that was cancelled long ago, in a wait that nothing interrupts, is cut after it; others are not."""
    parkers: list[Parker[object]] = []
    cut: list[bool] = []

    async def stubborn() -> None:
        operation = kind()
        with accord.CancelScope() as scope:
            scope.cancel()
            parkers.append(create_parker())
            await parkers[0].park_shielded()
            cut.append(await is_cut(operation))

    async with accord.create_task_group() as group:
        group.start_soon(stubborn)
        for _ in range(10):
            await cancel_shielded_checkpoint()
        operation = await spared(kind)
        parkers[0].unpark(None)
        await operation()
    assert cut == [True]


@rule("CKPT-5", "CKPT-4")
@each_kind
async def test_handle_that_is_cancelled(kind: Kind) -> None:
    """A task cancels itself by its handle."""
    cut: list[bool] = []

    async def task() -> None:
        operation = await spared(kind)
        handles[0].cancel()
        cut.append(await is_cut(operation))

    async with accord.create_task_group() as group:
        handles = [group.start_soon(task)]
    assert cut == [True]
