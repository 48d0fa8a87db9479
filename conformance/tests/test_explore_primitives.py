"""accord's own primitives under many schedules, with a task cancelled in most of them, on each backend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

import accord
from accord.testing import explore
from accord_conformance import model

pytest.importorskip("trio")

BACKENDS: list[Any] = ["asyncio", "trio", model.backend]


def named(value: Any) -> str:
    """Name a backend in the test's id."""
    return value if isinstance(value, str) else str(value.name)


async def memory_stream() -> None:
    """What was sent is received once, and what was not sent is not received."""
    send, receive = accord.create_memory_object_stream[tuple[int, int]](1)
    sent: list[tuple[int, int]] = []
    got: list[tuple[int, int]] = []

    async def produce(stream: accord.MemoryObjectSendStream[tuple[int, int]], name: int) -> None:
        async with stream:
            for number in range(3):
                await stream.send((name, number))
                sent.append((name, number))

    async def consume(stream: accord.MemoryObjectReceiveStream[tuple[int, int]]) -> None:
        async with stream:
            async for item in stream:
                got.append(item)  # noqa: PERF401 - a list that is extended has none of them until the end

    async with receive, accord.create_task_group() as group:
        with send:
            for name in range(2):
                group.start_soon(produce, send.clone(), name)
                group.start_soon(consume, receive.clone())
        await accord.sleep(1)
        got.extend([item async for item in receive])  # consumers may have been cancelled
    assert sorted(got) == sorted(sent)


async def lock() -> None:
    """One task is inside at a time, and nobody stays there."""
    the_lock = accord.Lock()
    inside = 0

    async def enter() -> None:
        nonlocal inside
        for _ in range(3):
            async with the_lock:
                inside += 1
                assert inside == 1
                try:
                    await accord.lowlevel.checkpoint()
                finally:
                    inside -= 1

    async with accord.create_task_group() as group:
        for _ in range(4):
            group.start_soon(enter)
    assert not the_lock.locked()


async def _use_by_five(what: AbstractAsyncContextManager[object]) -> None:
    async def use() -> None:
        async with what:
            await accord.sleep(1)

    async with accord.create_task_group() as group:
        for _ in range(5):
            group.start_soon(use)


async def semaphore() -> None:
    """All permits come back."""
    permits = accord.Semaphore(2)
    await _use_by_five(permits)
    assert permits.value == 2


async def limiter() -> None:
    """All tokens come back."""
    tokens = accord.CapacityLimiter(2)
    await _use_by_five(tokens)
    assert tokens.borrowed_tokens == 0


async def condition() -> None:
    """A notification reaches somebody who waits, also if the first of them is cancelled at that moment."""
    the_condition = accord.Condition()
    news = 0

    async def wait() -> None:
        async with the_condition:
            while news < 3:
                await the_condition.wait()

    async with accord.create_task_group() as group:
        for _ in range(3):
            group.start_soon(wait)
        for _ in range(3):
            async with the_condition:
                news += 1
                the_condition.notify()
        async with the_condition:
            the_condition.notify_all()
    assert not the_condition.locked()


async def start() -> None:
    """A task that is started, and cancelled by anybody, leaves its group in order."""
    ended: list[str] = []

    async def service(*, task_status: accord.abc.TaskStatus[int]) -> None:
        try:
            await accord.lowlevel.checkpoint()
            task_status.started(1)
            await accord.sleep(1)
        finally:
            ended.append("service")

    async def caller(group: accord.abc.TaskGroup) -> None:
        try:
            assert await group.start(service) == 1
        except RuntimeError as error:  # the service was cancelled before it had started
            assert "without calling" in str(error)
        finally:
            ended.append("caller")

    async with accord.create_task_group() as group:
        group.start_soon(caller, group)
    assert ended.count("service") <= 1
    assert ended.count("caller") <= 1


@pytest.mark.parametrize("test", [memory_stream, lock, semaphore, limiter, condition, start])
@pytest.mark.parametrize("backend", BACKENDS, ids=named)
def test_primitive(test: Callable[[], Awaitable[None]], backend: Any) -> None:
    """The invariant holds in 150 schedules, and in most of these a task was cancelled."""
    result = explore(test, backend=backend, seed=7, schedules=150, inject_cancellation=True)
    assert result.schedules == 150
    assert result.cancelled >= 50


async def two_owners() -> None:
    """Two tasks and one lock."""
    the_lock = accord.Lock()
    inside = 0

    async def enter() -> None:
        nonlocal inside
        async with the_lock:
            inside += 1
            assert inside == 1
            await accord.lowlevel.checkpoint()
            inside -= 1

    async with accord.create_task_group() as group:
        group.start_soon(enter)
        group.start_soon(enter)
    assert not the_lock.locked()


@pytest.mark.parametrize("backend", BACKENDS, ids=named)
def test_all_schedules_of_a_lock(backend: Any) -> None:
    """There is no order in which two tasks get a lock both."""
    result = explore(two_owners, backend=backend, exhaustive=True)
    assert result.complete
    assert result.schedules >= 6
