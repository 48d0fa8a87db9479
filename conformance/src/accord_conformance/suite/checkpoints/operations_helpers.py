"""The rows of CKPT-4's table for the helpers of concurrent programs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import accord

from .operations import Prepared, return_at_once, row, simple_row, start_at_once


@row("race", "CY")
async def _race() -> AsyncGenerator[Prepared, None]:
    yield Prepared(lambda: accord.race(return_at_once(1), return_at_once(2)))


@row("RateLimiter.acquire", "CY")
async def _rate_acquire() -> AsyncGenerator[Prepared, None]:
    limiter = accord.RateLimiter(1, per=1000)

    def taken() -> bool:
        try:
            limiter.acquire_nowait()
        except accord.WouldBlock:
            return True
        return False

    yield Prepared(limiter.acquire, taken)


@row("entering a RateLimiter", "CY")
async def _rate_enter() -> AsyncGenerator[Prepared, None]:
    yield Prepared(accord.RateLimiter(1, per=1000).__aenter__)


@row("leaving a RateLimiter", "--")
async def _rate_exit() -> AsyncGenerator[Prepared, None]:
    limiter = accord.RateLimiter(1, per=1000)
    await limiter.__aenter__()
    yield Prepared(lambda: limiter.__aexit__(None, None, None))


@row("Barrier.wait", "CY")
async def _barrier_wait() -> AsyncGenerator[Prepared, None]:
    yield Prepared(accord.Barrier(1).wait)


@row("entering a Barrier", "CY")
async def _barrier_enter() -> AsyncGenerator[Prepared, None]:
    yield Prepared(accord.Barrier(1).__aenter__)


@row("leaving a Barrier", "--")
async def _barrier_exit() -> AsyncGenerator[Prepared, None]:
    barrier = accord.Barrier(1)
    await barrier.__aenter__()
    yield Prepared(lambda: barrier.__aexit__(None, None, None))


@row("RWLock.acquire_read", "CY")
async def _read_acquire() -> AsyncGenerator[Prepared, None]:
    lock = accord.RWLock()
    yield Prepared(lock.acquire_read, lambda: bool(lock.statistics().readers))


@row("RWLock.acquire_write", "CY")
async def _write_acquire() -> AsyncGenerator[Prepared, None]:
    lock = accord.RWLock()
    yield Prepared(lock.acquire_write, lambda: lock.statistics().writer is not None)


@row("entering RWLock.read()", "CY")
async def _read_enter() -> AsyncGenerator[Prepared, None]:
    lock = accord.RWLock()
    yield Prepared(lock.read().__aenter__, lambda: bool(lock.statistics().readers))


@row("leaving RWLock.write()", "--")
async def _write_exit() -> AsyncGenerator[Prepared, None]:
    lock = accord.RWLock()
    manager = lock.write()
    await manager.__aenter__()
    yield Prepared(lambda: manager.__aexit__(None, None, None), lambda: lock.statistics().writer is None)


async def _empty_service_group() -> None:
    async with accord.open_service_group():
        pass


simple_row("exit of a service group", "-Y", _empty_service_group)


@row("ServiceGroup.start", "CY")
async def _service_start() -> AsyncGenerator[Prepared, None]:
    async with accord.open_service_group() as group:
        yield Prepared(lambda: group.start(start_at_once))


@row("BroadcastSendStream.send", "CY")
async def _broadcast_send() -> AsyncGenerator[Prepared, None]:
    with accord.create_broadcast_stream[int](1) as send, send.subscribe() as subscriber:
        yield Prepared(lambda: send.send(1), lambda: subscriber.statistics().current_buffer_used == 1)


@row("BroadcastReceiveStream.receive", "CY")
async def _broadcast_receive() -> AsyncGenerator[Prepared, None]:
    with accord.create_broadcast_stream[int](1) as send, send.subscribe() as subscriber:
        send.send_nowait(1)
        yield Prepared(subscriber.receive, lambda: subscriber.statistics().current_buffer_used == 0)


@row("aclose of a broadcast stream", "--")
async def _broadcast_aclose() -> AsyncGenerator[Prepared, None]:
    with accord.create_broadcast_stream[int](1) as send, send.subscribe() as subscriber:
        yield Prepared(subscriber.aclose, lambda: send.statistics().subscribers == 0)


@row("LatestValueStream.receive", "CY")
async def _latest_receive() -> AsyncGenerator[Prepared, None]:
    yield Prepared(accord.LatestValue(1).subscribe().receive)


@row("LatestValue.wait_for", "CY")
async def _latest_wait_for() -> AsyncGenerator[Prepared, None]:
    latest = accord.LatestValue(1)
    yield Prepared(lambda: latest.wait_for(lambda value: value == 1))


@accord.as_stream
async def _one() -> AsyncIterator[int]:
    yield 1


@row("GeneratorStream.receive", "CY")
async def _generator_receive() -> AsyncGenerator[Prepared, None]:
    async with _one() as stream:
        yield Prepared(stream.receive)


@asynccontextmanager
async def _manager() -> AsyncGenerator[int, None]:
    yield 1


@row("enter_in_task", "CY")
async def _enter_in_task() -> AsyncGenerator[Prepared, None]:
    async with accord.create_task_group() as group:
        yield Prepared(lambda: accord.enter_in_task(group, _manager()))
        group.cancel()


@row("TaskOwned.aclose", "CY")
async def _owned_aclose() -> AsyncGenerator[Prepared, None]:
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, _manager())
        yield Prepared(owned.aclose)
