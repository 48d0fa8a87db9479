"""What the tests of native cancellation share: ways to wait, and the running native task."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import create_parker


def me() -> asyncio.Task[Any]:
    """The running task."""
    task = asyncio.current_task()
    assert task is not None
    return task


async def turns(number: int) -> None:
    """Let the loop turn some times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def forever() -> None:
    """Wait for a native future that nobody completes."""
    await asyncio.get_running_loop().create_future()


async def in_group() -> None:
    """Wait for a task of a group."""
    async with accord.create_task_group() as group:
        group.start_soon(accord.sleep_forever)


async def in_native_group() -> None:
    """Wait for a task of a native group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(1000))


async def on_lock() -> None:
    """Wait for a lock."""
    lock = accord.Lock()

    async def hold() -> None:
        async with lock:
            await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(hold)
        await turns(3)
        await lock.acquire()


async def on_native_queue() -> None:
    """Wait for an item of a native queue."""
    await asyncio.Queue[int]().get()


WAITS: list[Callable[[], Awaitable[object]]] = [
    accord.sleep_forever,
    lambda: accord.sleep(1000),
    lambda: accord.Event().wait(),
    lambda: create_parker().park(),
    forever,
    lambda: asyncio.sleep(1000),
    on_native_queue,
    on_lock,
    in_group,
    in_native_group,
]


def describe(wait: Callable[[], Awaitable[object]]) -> str:
    """The name of a way to wait, for test ids."""
    return getattr(wait, "__name__", "wait").replace("<lambda>", "wait")


ways_to_wait = pytest.mark.parametrize("wait", WAITS, ids=describe)
