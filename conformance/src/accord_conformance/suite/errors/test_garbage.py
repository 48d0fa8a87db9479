"""Operations of every kind leave no reference cycles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord_conformance.helpers import cyclic_garbage, rule

Operation = Callable[[], Awaitable[object]]


async def _cancelled(operation: Operation) -> None:
    """Block in an operation until it is cancelled."""
    with accord.CancelScope() as scope:
        current_token().call_soon(scope.cancel)
        await operation()


async def _timed_out(operation: Operation) -> None:
    """Block in an operation until its time is over."""
    try:
        with accord.fail_after(0.001):
            await operation()
    except TimeoutError:
        pass


async def _served(operation: Operation, serve: Callable[[], object]) -> None:
    """Block in an operation until it is served by a callback."""
    current_token().call_soon(serve)
    await operation()


async def _event(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(accord.Event().wait)


async def _lock(block: Callable[[Operation], Awaitable[object]]) -> None:
    lock = accord.Lock()

    async def hold() -> None:
        async with lock:
            await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(hold)
        await checkpoint()
        await block(lock.acquire)
        group.cancel()


async def _semaphore(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(accord.Semaphore(0).acquire)


async def _limiter(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(accord.CapacityLimiter(0).acquire)


async def _condition(block: Callable[[Operation], Awaitable[object]]) -> None:
    condition = accord.Condition()
    async with condition:
        await block(condition.wait)


async def _future(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(accord.Future[int]().wait)


async def _send(block: Callable[[Operation], Awaitable[object]]) -> None:
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        await block(partial(send.send, 1))


async def _receive(block: Callable[[Operation], Awaitable[object]]) -> None:
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        await block(receive.receive)


async def _sleep(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(accord.sleep_forever)


async def _gather(block: Callable[[Operation], Awaitable[object]]) -> None:
    await block(lambda: accord.gather(accord.sleep_forever(), accord.sleep_forever()))


WAITS: list[Any] = [_event, _lock, _semaphore, _limiter, _condition, _future, _send, _receive, _sleep, _gather]


@rule("ERR-8")
@pytest.mark.parametrize("wait", WAITS)
@pytest.mark.parametrize("end", [_cancelled, _timed_out])
async def test_interrupted_waits(wait: Callable[[Any], Awaitable[object]], end: Any) -> None:
    """An operation that waits, and is cancelled or runs out of time, leaves no reference cycles."""
    assert await cyclic_garbage(lambda: wait(end)) == []


@rule("ERR-8")
async def test_served_waits() -> None:
    """An operation that waits, and gets what it waits for, leaves no reference cycles."""

    async def event() -> None:
        event = accord.Event()
        await _served(event.wait, event.set)

    async def semaphore() -> None:
        semaphore = accord.Semaphore(0)
        await _served(semaphore.acquire, semaphore.release)

    async def future() -> None:
        future: accord.Future[int] = accord.Future()
        await _served(future.wait, lambda: setattr(future, "return_value", 1))

    async def receive() -> None:
        send, receive = accord.create_memory_object_stream[int]()
        with send, receive:
            await _served(receive.receive, lambda: send.send_nowait(1))

    async def send() -> None:
        send, receive = accord.create_memory_object_stream[int]()
        with send, receive:
            await _served(lambda: send.send(1), receive.receive_nowait)

    for operation in (event, semaphore, future, receive, send):
        assert await cyclic_garbage(operation) == [], operation.__name__


@rule("ERR-8")
async def test_failures() -> None:
    """Operations that fail leave no reference cycles, once their errors are dropped."""

    async def closed_stream() -> None:
        send, receive = accord.create_memory_object_stream[int]()
        with send:
            current_token().call_soon(receive.close)
            try:
                await receive.receive()
            except accord.ClosedResourceError:
                pass

    async def failed_future() -> None:
        future: accord.Future[int] = accord.Future()
        future.exception = ValueError()
        try:
            await future
        except accord.FutureFailed:
            pass

    async def abandoned_lock() -> None:
        lock = accord.Lock()
        async with accord.create_task_group() as group:
            group.start_soon(lock.acquire)
        try:
            await lock.acquire()
        except accord.BrokenResourceError:
            pass

    async def failing_gather() -> None:
        try:
            await accord.gather(abandoned_lock(), failed_future(), _fail())
        except* ValueError:
            pass

    for operation in (closed_stream, failed_future, abandoned_lock, failing_gather):
        assert await cyclic_garbage(operation) == [], operation.__name__


async def _fail() -> None:
    await checkpoint()
    raise ValueError


@rule("ERR-8", "THREAD-9")
async def test_threads() -> None:
    """Calls in threads that return or raise leave no reference cycles."""

    def fail() -> None:
        raise ValueError

    async def failing() -> None:
        try:
            await accord.to_thread.run_sync(fail)
        except ValueError:
            pass

    async def returning() -> None:
        await accord.to_thread.run_sync(lambda: None)

    assert await cyclic_garbage(returning) == []
    assert await cyclic_garbage(failing) == []


@rule("ERR-8", "CANCEL-28")
async def test_deadlines() -> None:
    """Scopes with deadlines, used up or not, leave no reference cycles."""

    async def unused() -> None:
        with accord.fail_after(100), accord.move_on_after(100):
            await checkpoint()

    async def moved_on() -> None:
        with accord.move_on_after(0):
            await checkpoint()

    assert await cyclic_garbage(unused) == []
    assert await cyclic_garbage(moved_on) == []
