"""Native requests and scopes in one task: none is lost, and a woken task keeps what it got (NATIVE-1, 2 and 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, create_parker

from .waits import forever, me, turns, ways_to_wait


@ways_to_wait
@pytest.mark.parametrize("native_first", [False, True])
@pytest.mark.parametrize("by_deadline", [False, True])
async def test_both_in_one_turn(wait: Callable[[], Awaitable[object]], native_first: bool, by_deadline: bool) -> None:
    """A native request is not lost if a scope is cancelled in the same turn, in either order (NATIVE-1)."""
    scope = accord.CancelScope()

    async def body() -> None:
        with scope:
            await wait()
        await asyncio.sleep(0.02)
        await accord.sleep(0.02)

    def cancel_scope() -> None:
        if by_deadline:
            scope.deadline = accord.current_time() - 1
        else:
            scope.cancel()

    task = asyncio.ensure_future(body())
    await turns(10)
    for cancel in (task.cancel, cancel_scope) if native_first else (cancel_scope, task.cancel):
        cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@pytest.mark.parametrize("gap", range(4))
@pytest.mark.parametrize("native_first", [False, True])
async def test_some_turns_apart(gap: int, native_first: bool) -> None:
    """The same some turns apart, while the task unwinds through clean-up that waits (NATIVE-1)."""
    scope = accord.CancelScope()
    events: list[str] = []

    async def body() -> None:
        with scope:
            try:
                await forever()
            finally:
                with accord.CancelScope(shield=True):
                    await turns(2)
                events.append("cleaned up")
        await asyncio.sleep(0.02)

    task = asyncio.ensure_future(body())
    await turns(3)
    for cancel in (task.cancel, scope.cancel) if native_first else (scope.cancel, task.cancel):
        cancel()
        await turns(gap)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_native_request_while_a_scope_is_left() -> None:
    """A native request that comes just before a scope is left is not lost (NATIVE-1)."""

    async def body() -> None:
        with accord.CancelScope() as scope:
            scope.cancel()
            me().cancel()
        assert not scope.cancelled_caught
        await asyncio.sleep(0.02)

    task = asyncio.ensure_future(body())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_native_request_in_a_shield() -> None:
    """A native request reaches a task inside a shield: a shield is no shield against the host (NATIVE-1)."""

    async def body() -> None:
        with accord.CancelScope() as outer:
            outer.cancel()
            with accord.CancelScope(shield=True):
                await asyncio.sleep(1000)

    task = asyncio.ensure_future(body())
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("yields", [cancel_shielded_checkpoint, checkpoint])
async def test_native_request_at_a_checkpoint(yields: Callable[[], Awaitable[object]]) -> None:
    """A native request during a checkpoint is delivered there or at the next wait (NATIVE-1)."""
    events: list[str] = []

    async def body() -> None:
        events.append("begins")
        await yields()
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    while not events:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["begins"]


async def test_native_request_during_a_shielded_wait() -> None:
    """``park_shielded`` puts a native request off, and the next wait raises (NATIVE-1, PARK-7)."""
    events: list[object] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park_shielded())
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    task.cancel()
    await turns(3)
    assert events == []
    assert parkers[0].unpark("value")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["value"]


@ways_to_wait
async def test_native_request_passes(wait: Callable[[], Awaitable[object]]) -> None:
    """A native cancellation passes scopes that were not cancelled, with its message (NATIVE-2)."""
    scopes = [accord.CancelScope(), accord.CancelScope(shield=True), accord.move_on_after(1000)]
    events: list[str] = []
    raised: list[BaseException] = []

    async def body() -> None:
        try:
            with scopes[0], scopes[1], scopes[2]:
                await wait()
            events.append("caught by a scope")
        except asyncio.CancelledError as error:
            raised.append(error)
            raise

    task = asyncio.ensure_future(body())
    await turns(10)
    task.cancel("the message")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert events == []
    assert not any(scope.cancelled_caught or scope.cancel_called for scope in scopes)
    assert len(raised) == 1


async def test_native_message() -> None:
    """The message of a native request arrives where the host promises that (NATIVE-2)."""

    async def body() -> None:
        with accord.CancelScope():
            await forever()

    task = asyncio.ensure_future(body())
    await turns(2)
    task.cancel("the message")
    try:
        await task
    except asyncio.CancelledError as error:
        assert error.args == ("the message",)


async def test_reason_of_a_native_request() -> None:
    """A native request makes no scope cancelled (NATIVE-2)."""
    reasons: list[object] = []

    async def body() -> None:
        with accord.CancelScope() as scope:
            try:
                await accord.sleep_forever()
            finally:
                reasons.append(scope.cancel_reason)
                reasons.append(scope.cancel_called)

    task = asyncio.ensure_future(body())
    await turns(2)
    task.cancel()
    await asyncio.wait([task])
    assert reasons == [None, False]
    assert task.cancelled()


@pytest.mark.parametrize("woken_first", [False, True])
async def test_woken_and_natively_cancelled(woken_first: bool) -> None:
    """A parked task that was woken keeps the value, one that was cancelled first gets none (NATIVE-8)."""
    events: list[object] = []
    answers: list[bool] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park())
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    for action in (lambda: answers.append(parkers[0].unpark("value")), task.cancel)[:: 1 if woken_first else -1]:
        action()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answers == [woken_first]
    assert events == (["value"] if woken_first else [])


@pytest.mark.parametrize("sent_first", [False, True])
async def test_item_and_native_request(sent_first: bool) -> None:
    """An item that was handed to a receiver is not lost when the receiver is natively cancelled (NATIVE-8, D07)."""
    received: list[int] = []
    send, receive = accord.create_memory_object_stream[int](1)

    async def body() -> None:
        received.append(await receive.receive())
        await asyncio.sleep(0.02)
        received.append(-1)

    with send, receive:
        task = asyncio.ensure_future(body())
        await turns(3)
        for action in (lambda: send.send_nowait(1), task.cancel)[:: 1 if sent_first else -1]:
            action()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not sent_first:
            received.append(receive.receive_nowait())
    assert received == [1]


@pytest.mark.parametrize("taken_first", [False, True])
async def test_sender_and_native_request(taken_first: bool) -> None:
    """A send whose item was taken returns, one that was cancelled first has delivered nothing (NATIVE-8, D06)."""
    events: list[str] = []
    send, receive = accord.create_memory_object_stream[int]()

    async def body() -> None:
        await send.send(1)
        events.append("sent")
        await asyncio.sleep(0.02)

    def take() -> None:
        try:
            events.append(f"taken {receive.receive_nowait()}")
        except accord.WouldBlock:
            events.append("nothing there")

    with send, receive:
        task = asyncio.ensure_future(body())
        await turns(3)
        for action in (take, task.cancel)[:: 1 if taken_first else -1]:
            action()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert events == (["taken 1", "sent"] if taken_first else ["nothing there"])


@pytest.mark.parametrize("granted_first", [False, True])
async def test_lock_and_native_request(granted_first: bool) -> None:
    """A lock that was handed over stays with a natively cancelled task until that releases it (NATIVE-8)."""
    owners: list[str] = []
    lock = accord.Lock()

    async def body(name: str) -> None:
        async with lock:
            owners.append(name)
            await asyncio.sleep(0.005)

    await lock.acquire()
    tasks = [asyncio.ensure_future(body(name)) for name in ("first", "second")]
    await turns(3)
    for action in (lock.release, tasks[0].cancel)[:: 1 if granted_first else -1]:
        action()
    await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    assert not tasks[1].cancelled()
    assert owners == (["first", "second"] if granted_first else ["second"])
    assert not lock.locked()


async def test_request_that_is_taken_back() -> None:
    """A request to a woken task that is taken back before the task waits again is not delivered (NATIVE-8)."""
    events: list[object] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park())
        assert me().cancelling() == 1
        me().uncancel()
        await accord.sleep(0.002)
        await asyncio.sleep(0.002)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    parkers[0].unpark("value")
    task.cancel()
    await task
    assert events == ["value", "not cancelled"]
