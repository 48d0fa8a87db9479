"""Scopes and the tasks beneath them."""

from __future__ import annotations

import time

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import block, rule, settle


@rule("CANCEL-20")
async def test_scope_of_the_group() -> None:
    """A task that is started in an inner scope is not cancelled with it."""
    events: list[str] = []

    async def child() -> None:
        await accord.sleep(0.01)
        events.append("finished")

    async with accord.create_task_group() as group:
        with accord.CancelScope() as scope:
            group.start_soon(child)
            await settle()
            scope.cancel()
            await accord.sleep_forever()
    assert events == ["finished"]


@rule("CANCEL-20")
async def test_shield_where_a_task_is_started() -> None:
    """A shield around the start of a task does not protect the task."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("cancelled")

    async with accord.create_task_group() as group:
        with accord.CancelScope(shield=True):
            group.start_soon(child)
            await settle()
            group.cancel()
            await settle()
            assert events == ["cancelled"]


@rule("CANCEL-21")
async def test_scopes_of_two_tasks() -> None:
    """Two tasks enter and leave scopes at the same time without disturbing each other."""
    entered = accord.Event()
    events: list[str] = []

    async def first() -> None:
        with accord.CancelScope() as scope:
            entered.set()
            scope.cancel()
            await settle_twice()
            with pytest.raises(accord.get_cancelled_exc_class()):
                await checkpoint()
            events.append("first")

    async def second() -> None:
        await entered.wait()
        with accord.CancelScope():
            await checkpoint()
            await accord.sleep(0.005)
        await checkpoint()
        events.append("second")

    async def settle_twice() -> None:
        for _ in range(10):
            await accord.lowlevel.cancel_shielded_checkpoint()

    async with accord.create_task_group() as group:
        group.start_soon(first)
        group.start_soon(second)
    assert sorted(events) == ["first", "second"]


@rule("CANCEL-26")
@pytest.mark.parametrize("depth", [1, 3, 6])
async def test_all_tasks_beneath(depth: int) -> None:
    """A cancellation reaches the tasks of nested groups at any depth."""
    cancelled: list[int] = []

    async def child(level: int) -> None:
        try:
            if level < depth:
                async with accord.create_task_group() as group:
                    group.start_soon(child, level + 1)
                    group.start_soon(child, level + 1)
            else:
                await accord.sleep_forever()
        except accord.get_cancelled_exc_class():
            cancelled.append(level)
            raise

    with accord.CancelScope() as scope:
        async with accord.create_task_group() as group:
            group.start_soon(child, 0)
            await settle()
            scope.cancel()
    assert sorted(cancelled) == sorted(level for level in range(depth + 1) for _ in range(2**level))
    assert scope.cancelled_caught


@rule("CANCEL-26")
async def test_deadline_reaches_all_tasks() -> None:
    """A deadline does the same."""
    cancelled: list[int] = []

    async def child(number: int) -> None:
        try:
            await accord.Event().wait()
        finally:
            cancelled.append(number)

    with accord.move_on_after(0.01):
        async with accord.create_task_group() as outer:
            async with accord.create_task_group() as inner:
                for number in range(10):
                    (outer if number % 2 else inner).start_soon(child, number)
    assert sorted(cancelled) == list(range(10))


@rule("CANCEL-26")
async def test_task_started_while_cancelled() -> None:
    """A task that is started in a group that is cancelled already is cancelled at its first checkpoint."""
    events: list[str] = []

    async def child() -> None:
        events.append("begins")
        await checkpoint()
        events.append("not cancelled")

    async with accord.create_task_group() as group:
        group.cancel()
        group.start_soon(child)
    assert events == ["begins"]


@rule("CANCEL-26")
async def test_host_in_a_task_of_another_group() -> None:
    """A group that a task opened after the cancellation is cancelled too."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            async with accord.create_task_group() as inner:
                inner.start_soon(grandchild)
            events.append("group left")

    async def grandchild() -> None:
        events.append("grandchild begins")
        await checkpoint()
        events.append("not cancelled")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        group.cancel()
    assert events == ["grandchild begins"]


@rule("CANCEL-23")
async def test_waiting_for_clean_up_uses_no_processor_time() -> None:
    """While a cancelled task cleans up for long, nothing is busy."""

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.5)

    async def waits_for_a_task() -> None:
        async with accord.create_task_group() as inner:
            inner.start_soon(child)

    async with accord.create_task_group() as group:
        group.start_soon(child)
        group.start_soon(waits_for_a_task)
        await settle()
        group.cancel()
        before = time.process_time()
    assert time.process_time() - before < 0.2


@rule("CANCEL-23")
async def test_waiting_for_a_thread_uses_no_processor_time() -> None:
    """While a cancelled task waits for a thread, nothing is busy."""
    before = time.process_time()
    with accord.move_on_after(0.01):
        async with accord.create_task_group() as group:
            group.start_soon(accord.to_thread.run_sync, time.sleep, 0.5)
            await accord.to_thread.run_sync(time.sleep, 0.5)
    assert time.process_time() - before < 0.2


@rule("CANCEL-25")
@pytest.mark.parametrize("woken_first", [False, True])
async def test_event_and_cancellation(woken_first: bool) -> None:
    """A task that waits for an event gets what comes first."""
    events: list[str] = []
    event = accord.Event()
    scope = accord.CancelScope()

    async def child() -> None:
        with scope:
            await event.wait()
            events.append("woken")
            await checkpoint()
            events.append("not cancelled")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        for action in (event.set, scope.cancel) if woken_first else (scope.cancel, event.set):
            action()
    assert events == (["woken"] if woken_first else [])
    assert scope.cancelled_caught


@rule("CANCEL-25")
@pytest.mark.parametrize("granted_first", [False, True])
async def test_lock_and_cancellation(granted_first: bool) -> None:
    """A task that waits for a lock gets it or leaves it to the next."""
    owners: list[str] = []
    lock = accord.Lock()
    scope = accord.CancelScope()

    async def child(name: str, inside: accord.CancelScope) -> None:
        with inside:
            async with lock:
                owners.append(name)

    async with accord.create_task_group() as group:
        await lock.acquire()
        group.start_soon(child, "first", scope)
        await settle()
        group.start_soon(child, "second", accord.CancelScope())
        await settle()
        for action in (lock.release, scope.cancel) if granted_first else (scope.cancel, lock.release):
            action()
    assert owners == (["first", "second"] if granted_first else ["second"])
    assert not lock.locked()


@rule("CANCEL-25")
@pytest.mark.parametrize("sent_first", [False, True])
async def test_item_and_cancellation(sent_first: bool) -> None:
    """A task that waits for an item gets it or leaves it to the next."""
    received: list[tuple[str, int]] = []
    send, receive = accord.create_memory_object_stream[int]()
    scope = accord.CancelScope()

    async def child(name: str, inside: accord.CancelScope) -> None:
        with inside:
            received.append((name, await receive.receive()))

    with send, receive:
        async with accord.create_task_group() as group:
            group.start_soon(child, "first", scope)
            await settle()
            group.start_soon(child, "second", accord.CancelScope())
            await settle()
            if sent_first:
                send.send_nowait(1)
                scope.cancel()
                send.send_nowait(2)
            else:
                scope.cancel()
                send.send_nowait(1)
    assert sorted(received) == ([("first", 1), ("second", 2)] if sent_first else [("second", 1)])


@rule("CANCEL-25", "TIME-7")
async def test_event_and_deadline() -> None:
    """A task whose event is set before the loop notices that its deadline has passed gets one of the two, whole."""
    event = accord.Event()
    results: list[str] = []
    scope = accord.CancelScope()

    async def child() -> None:
        with scope:
            await event.wait()
            results.append("woken")

    group = accord.create_task_group()
    async with group:
        group.start_soon(child)
        await settle()
        scope.deadline = accord.current_time() + 0.005
        time.sleep(0.02)
        event.set()
    assert results == ([] if scope.cancelled_caught else ["woken"])


@rule("CANCEL-21")
async def test_root_task_has_no_scope() -> None:
    """The root task begins without any scope, and tasks beside it do not change that."""
    block(0)
    assert accord.current_effective_deadline() == float("inf")

    async def child() -> None:
        with accord.CancelScope() as scope:
            scope.cancel()
            await checkpoint()

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        assert accord.current_effective_deadline() == float("inf")
        await checkpoint()
