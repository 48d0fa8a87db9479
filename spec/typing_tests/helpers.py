"""What type checkers infer for the helpers of concurrent programs; checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, assert_type

import accord
from accord.protocols import TaskInfo


def exception_groups(error: Exception) -> None:
    try:
        pass
    except* (ValueError, KeyError) as group:
        assert_type(accord.leaves(group), tuple[ValueError | KeyError, ...])
        assert_type(accord.unwrap_single(group), ValueError | KeyError | BaseExceptionGroup[ValueError | KeyError])
    assert_type(accord.leaves(error), tuple[BaseException, ...])
    assert_type(accord.leaves(error, OSError), tuple[OSError, ...])
    assert_type(accord.unwrap_single(error), BaseException)
    with accord.raise_single(OSError) as nothing:
        assert_type(nothing, None)
    accord.raise_single(int)  # type: ignore[arg-type]


async def number(text: str) -> int:
    return int(text)


async def nothing() -> None:
    pass


async def racing() -> None:
    assert_type(await accord.race(number("1")), int)
    assert_type(await accord.race(number("1"), nothing()), int | None)
    assert_type(await accord.race(*[number("1")]), int)
    await accord.race(number)  # type: ignore[call-overload]


async def synchronization() -> None:
    limiter = accord.RateLimiter(10, burst=2)
    async with limiter as nothing_:
        assert_type(nothing_, None)
    assert_type(limiter.statistics().tasks_waiting, int)
    assert_type(await accord.amap(number, ["1"], limit=1, rate=limiter), list[int])
    assert_type(await accord.amap(number, ["1"], rate=2.5), list[int])
    await accord.amap(number, ["1"], rate="fast")  # type: ignore[arg-type]
    barrier = accord.Barrier(2)
    assert_type(await barrier.wait(), int)
    async with barrier as index:
        assert_type(index, int)
    assert_type(barrier.statistics(), accord.BarrierStatistics)
    lock = accord.RWLock()
    async with lock.read() as nothing_, lock.write():
        assert_type(nothing_, None)
    assert_type(lock.statistics().writer, TaskInfo | None)


async def ready(port: int, *, task_status: accord.TaskStatus[str]) -> None:
    task_status.started("ready")


async def services() -> None:
    async with accord.open_service_group(name="background") as group:
        assert_type(group, accord.ServiceGroup)
        assert_type(group.start_soon(number, "1"), accord.CancelScope)
        assert_type(await group.start(ready, 80), Any)
        group.start_soon(number, 1)  # type: ignore[arg-type]


async def broadcasting() -> None:
    with accord.create_broadcast_stream[int](10, "drop_oldest") as send:
        assert_type(send, accord.BroadcastSendStream[int])
        with send.subscribe() as subscriber:
            assert_type(await subscriber.receive(), int)
            assert_type(subscriber.statistics().lost, int)
        receiving: accord.abc.ObjectReceiveStream[int] = subscriber
        sending: accord.abc.ObjectSendStream[int] = send
        await send.send("1")  # type: ignore[arg-type]
    latest = accord.LatestValue("value")
    assert_type(latest.value, str)
    assert_type(await latest.wait_for(lambda value: value == "other"), str)
    latest.value = 1  # type: ignore[assignment]
    values: accord.abc.ObjectReceiveStream[str] = latest.subscribe()
    async for value in latest.subscribe():
        assert_type(value, str)
    await receiving.aclose()
    await sending.aclose()
    await values.aclose()


@accord.as_stream
async def numbers(to: int) -> AsyncIterator[int]:
    yield to


async def generators(manager: AbstractAsyncContextManager[str]) -> None:
    async with numbers(3) as stream:
        assert_type(await stream.receive(), int)
        receiving: accord.abc.ObjectReceiveStream[int] = stream
        async for item in receiving:
            assert_type(item, int)
    numbers("3")  # type: ignore[arg-type]
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, manager)
        assert_type(owned.value, str)
        async with owned as value:
            assert_type(value, str)
