"""Parkers: waiting and waking, and what happens when both a waker and a cancellation come."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import Parker, cancel_shielded_checkpoint, checkpoint, create_parker, current_token
from accord_conformance.helpers import count_yields, cyclic_garbage, rule, settle

SHIELDED = pytest.mark.parametrize("shielded", [False, True])


class Waiter:
    """A task that parks in a scope of its own and notes what comes of it."""

    def __init__(self, shielded: bool = False) -> None:
        self.scope = accord.CancelScope()
        self.shielded = shielded
        self.parker: Parker[Any] | None = None
        self.result: list[object] = []
        self.interrupted = False
        self.cancelled_next = False

    async def __call__(self) -> None:
        """What the task does."""
        with self.scope:
            self.parker = create_parker()
            park = self.parker.park_shielded if self.shielded else self.parker.park
            try:
                self.result.append(await park())
            except accord.get_cancelled_exc_class():
                self.interrupted = True
                raise
            try:
                await checkpoint()
            except accord.get_cancelled_exc_class():
                self.cancelled_next = True
                raise

    def unpark(self, value: object) -> bool:
        """Wake the task."""
        assert self.parker is not None
        return self.parker.unpark(value)


@rule("PARK-1")
@SHIELDED
@pytest.mark.parametrize("value", [None, False, 0, "value", ValueError("a value too"), ()])
async def test_value(value: object, shielded: bool) -> None:
    """``park`` returns the very value that ``unpark`` was given, whatever it is."""
    waiter = Waiter(shielded)
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        assert waiter.result == []
        assert waiter.unpark(value) is True
    assert len(waiter.result) == 1
    assert waiter.result[0] is value


@rule("PARK-1")
@SHIELDED
async def test_from_a_callback(shielded: bool) -> None:
    """``unpark`` can be called in a callback."""
    waiter = Waiter(shielded)
    answers: list[bool] = []
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        current_token().call_soon(lambda: answers.append(waiter.unpark("value")))
    assert answers == [True]
    assert waiter.result == ["value"]


@rule("PARK-1")
async def test_waits() -> None:
    """``park`` waits as long as nobody calls."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await accord.sleep(0.02)
        assert waiter.result == []
        waiter.unpark("value")
    assert waiter.result == ["value"]


@rule("PARK-1")
async def test_many() -> None:
    """Each task gets its own value."""
    waiters = [Waiter() for _ in range(100)]
    async with accord.create_task_group() as group:
        for waiter in waiters:
            group.start_soon(waiter)
        await settle()
        order = list(range(100))
        random.Random(1).shuffle(order)
        for number in order:
            assert waiters[number].unpark(number)
    assert [waiter.result for waiter in waiters] == [[number] for number in range(100)]


@rule("PARK-3")
@SHIELDED
@pytest.mark.parametrize("cancelled", [False, True])
async def test_news_that_came_first(shielded: bool, cancelled: bool) -> None:
    """An ``unpark`` before ``park`` is remembered, and ``park`` does not yield, in a cancelled scope either."""
    results: list[object] = []
    with accord.CancelScope() as scope:
        parker = create_parker()
        assert parker.unpark("value") is True
        if cancelled:
            scope.cancel()

        async def park() -> None:
            results.append(await (parker.park_shielded() if shielded else parker.park()))

        assert await count_yields(park()) == 0
        await checkpoint()
        results.append("not cancelled")
    assert results == (["value"] if cancelled else ["value", "not cancelled"])


@rule("PARK-3")
async def test_news_that_came_first_after_other_waits() -> None:
    """Between ``unpark`` and ``park`` the task may do other things, wait included."""
    parker = create_parker()
    parker.unpark("value")
    await checkpoint()
    await accord.sleep(0.002)
    event = accord.Event()
    event.set()
    await event.wait()
    assert await parker.park() == "value"


@rule("PARK-4")
@SHIELDED
async def test_second_unpark(shielded: bool) -> None:
    """A second ``unpark`` is refused, before the task runs, after it has, and if it had not parked yet."""
    waiter = Waiter(shielded)
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        assert waiter.unpark("first") is True
        assert waiter.unpark("second") is False
        await settle()
        assert waiter.unpark("third") is False
    assert waiter.result == ["first"]
    parker = create_parker()
    assert parker.unpark("first") is True
    assert parker.unpark("second") is False
    assert await parker.park() == "first"
    assert parker.unpark("third") is False


@rule("PARK-5", "PARK-2")
async def test_in_a_cancelled_scope() -> None:
    """``park`` in a cancelled scope raises; while it yields before it raises nothing is handed to it."""
    answers: list[bool] = []

    async def waker() -> None:
        with accord.CancelScope(shield=True):
            for _ in range(10):
                if parkers:
                    answers.append(parkers[0].unpark("value"))
                await cancel_shielded_checkpoint()

    parkers: list[Parker[Any]] = []
    async with accord.create_task_group() as group:
        group.start_soon(waker)
        with accord.CancelScope() as scope:
            scope.cancel()
            parker = create_parker()
            parkers.append(parker)
            with pytest.raises(accord.get_cancelled_exc_class()):
                await parker.park()
            assert parker.unpark("value") is False
    assert answers
    assert not any(answers)


@rule("PARK-5")
async def test_after_a_cancelled_wait() -> None:
    """Any number of calls after a cancelled wait are refused."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        waiter.scope.cancel()
        await settle()
        assert waiter.interrupted
        assert waiter.unpark("value") is False
        assert waiter.unpark("value") is False
    assert waiter.result == []


@rule("PARK-6", "PARK-2", "CANCEL-25")
async def test_unparked_then_cancelled() -> None:
    """A task that was unparked and then cancelled returns the value and is cancelled at its next checkpoint."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        assert waiter.unpark("value") is True
        waiter.scope.cancel()
        assert waiter.unpark("other") is False
    assert waiter.result == ["value"]
    assert not waiter.interrupted
    assert waiter.cancelled_next


@rule("PARK-6", "PARK-2", "CANCEL-25")
async def test_cancelled_then_unparked() -> None:
    """A task that was cancelled and then unparked raises, and the ``unpark`` is refused."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        waiter.scope.cancel()
        assert waiter.unpark("value") is False
    assert waiter.result == []
    assert waiter.interrupted


@rule("PARK-6", "PARK-2")
@pytest.mark.parametrize("unpark_first", [False, True])
async def test_both_in_callbacks(unpark_first: bool) -> None:
    """The order counts also if both are done in callbacks of the same turn."""
    waiter = Waiter()
    answers: list[bool] = []
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        actions: list[Callable[[], object]] = [lambda: answers.append(waiter.unpark("value")), waiter.scope.cancel]
        for action in actions if unpark_first else reversed(actions):
            current_token().call_soon(action)
    assert answers == [unpark_first]
    assert waiter.result == (["value"] if unpark_first else [])
    assert waiter.interrupted is not unpark_first


@rule("PARK-6", "CANCEL-16")
async def test_cancelled_then_shielded() -> None:
    """A wait that was cancelled stays so if a shield is raised afterwards and before the task runs."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        group.cancel()
        waiter.scope.shield = True
        answer = waiter.unpark("value")
    assert waiter.result == (["value"] if answer else [])
    assert waiter.interrupted is not answer


@rule("PARK-7")
@pytest.mark.parametrize("cancelled_before", [False, True])
async def test_shielded_wait(cancelled_before: bool) -> None:
    """``park_shielded`` waits on through cancellation, and the next checkpoint raises."""
    waiter = Waiter(shielded=True)
    if cancelled_before:
        waiter.scope.cancel()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        waiter.scope.cancel()
        await accord.sleep(0.01)
        assert waiter.result == []
        assert not waiter.interrupted
        assert waiter.unpark("value") is True
    assert waiter.result == ["value"]
    assert waiter.cancelled_next
    assert waiter.scope.cancelled_caught


@rule("PARK-7", "CANCEL-23")
async def test_shielded_wait_uses_no_processor_time() -> None:
    """A cancelled task that waits shielded is idle."""
    waiter = Waiter(shielded=True)
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        group.cancel()
        with accord.CancelScope(shield=True):
            before = time.process_time()
            await accord.sleep(0.3)
            assert time.process_time() - before < 0.15
        waiter.unpark("value")
    assert waiter.result == ["value"]


@rule("PARK-7")
async def test_shielded_wait_and_deadline() -> None:
    """A deadline does not interrupt ``park_shielded``."""
    waiter = Waiter(shielded=True)
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        waiter.scope.deadline = accord.current_time() + 0.005
        await accord.sleep(0.02)
        assert not waiter.interrupted
        assert waiter.unpark("value") is True
    assert waiter.result == ["value"]
    assert waiter.cancelled_next


@rule("PARK-8")
@SHIELDED
async def test_waiter_does_not_run_in_unpark(shielded: bool) -> None:
    """``unpark`` returns before the waiter goes on, in a task and in a callback."""
    waiters = [Waiter(shielded) for _ in range(2)]
    seen: list[bool] = []

    def callback() -> None:
        waiters[1].unpark("second")
        seen.append(waiters[1].result == [])

    async with accord.create_task_group() as group:
        for waiter in waiters:
            group.start_soon(waiter)
        await settle()
        waiters[0].unpark("first")
        seen.append(waiters[0].result == [])
        current_token().call_soon(callback)
    assert seen == [True, True]
    assert [waiter.result for waiter in waiters] == [["first"], ["second"]]


@rule("PARK-11", "PARK-2")
@pytest.mark.parametrize("noticed", [False, True])
async def test_deadline(noticed: bool) -> None:
    """A deadline cancels the wait; around its moment, either the value is delivered or it is refused."""
    waiter = Waiter()
    async with accord.create_task_group() as group:
        group.start_soon(waiter)
        await settle()
        waiter.scope.deadline = accord.current_time() + 0.005
        if noticed:
            await accord.sleep(0.03)
        else:
            time.sleep(0.02)
        answer = waiter.unpark("value")
    assert waiter.result == (["value"] if answer else [])
    assert waiter.interrupted is not answer
    if noticed:
        assert answer is False


@rule("PARK-2")
async def test_random_order() -> None:
    """In every order of parking, waking and cancelling, each value is either delivered or refused."""
    choose = random.Random(7)
    for _ in range(200):
        waiters = [Waiter() for _ in range(3)]
        accepted: list[object] = []
        async with accord.create_task_group() as group:
            for waiter in waiters:
                group.start_soon(waiter)
            await settle()
            for step in range(12):
                waiter = choose.choice(waiters)
                action = choose.randrange(4)
                if action == 0:
                    waiter.scope.cancel()
                elif action == 1 and waiter.unpark(step):
                    accepted.append(step)
                elif action == 2:
                    await checkpoint()
            for waiter in waiters:
                waiter.scope.cancel()
        assert sorted(accepted) == sorted(value for waiter in waiters for value in waiter.result)  # type: ignore[type-var]
        assert all(waiter.interrupted is (waiter.result == []) for waiter in waiters)


@rule("PARK-2", "CANCEL-28")
async def test_no_cyclic_garbage() -> None:
    """Parkers leave nothing to the cycle collector, woken or cancelled."""

    async def park_and_wake() -> None:
        for wakes in (True, False):
            waiter = Waiter()
            async with accord.create_task_group() as group:
                group.start_soon(waiter)
                await settle()
                if wakes:
                    waiter.unpark("value")
                else:
                    waiter.scope.cancel()

    assert await cyclic_garbage(park_and_wake) == []
