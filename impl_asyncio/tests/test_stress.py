"""The stress test with native asyncio mixed in: native tasks, timeouts, groups and cancellations, at random.

``python impl_asyncio/tests/test_stress.py SECONDS [uvloop]`` runs it for longer.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any

import pytest

import accord
from accord_conformance.stress.arena import Arena, check

TASKS = 20
WORK_PER_TASK = 25

OPTIONS: dict[str, Mapping[str, object]] = {"stock": {}, "uvloop": {"use_uvloop": True}}


async def mixed_work(arena: Arena) -> None:
    """Do one piece of accord's work inside or around something native."""
    kind = arena.random.randrange(5)
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        if kind == 0:
            async with asyncio.timeout(arena.pause()):
                await arena.any_work()
        elif kind == 1:
            with accord.move_on_after(arena.pause()):
                async with asyncio.timeout(0.02):
                    await arena.any_work()
        elif kind == 2:
            with accord.move_on_after(0.01):
                async with asyncio.TaskGroup() as native:
                    native.create_task(arena.any_work())
                    await arena.any_work()
        elif kind == 3:
            async with accord.create_task_group() as group:
                group.start_soon(arena.any_work)
                await wait_for(arena.any_work())
        else:
            await arena.any_work()
    except* TimeoutError:
        pass
    check(task.cancelling() >= before, "somebody took back a request that was not theirs")
    if task.cancelling() > before:
        # It came when the work was done; then it has to come at the next suspension (NATIVE-8).
        await asyncio.sleep(0)
        check(False, "a native cancellation was lost")


async def wait_for(work: Coroutine[Any, Any, None]) -> None:
    """Do work within a native time limit."""
    if sys.version_info >= (3, 12):
        await asyncio.wait_for(work, 0.01)
    else:  # before, asyncio's own wait_for() swallows a cancellation that comes together with its result
        async with asyncio.timeout(0.01):
            await work


async def native_task(arena: Arena) -> None:
    """Be a task that asyncio started, which is cancelled now and then and goes on."""
    for _ in range(WORK_PER_TASK):
        try:
            await mixed_work(arena)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            assert task is not None
            check(task.cancelling() > 0, "a cancellation came that nobody had requested")
            while task.cancelling():
                task.uncancel()


async def cancel_at_random(arena: Arena, tasks: list[asyncio.Task[None]]) -> None:
    """Cancel native tasks natively until all have ended."""
    while any(not task.done() for task in tasks):
        arena.random.choice(tasks).cancel()
        await asyncio.sleep(arena.pause())


async def play(seed: int) -> None:
    """Run one round and check its books."""
    arena = Arena(Random(seed))
    tasks = [asyncio.create_task(native_task(arena)) for _ in range(TASKS)]
    await cancel_at_random(arena, tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
    limiter = accord.to_thread.current_default_thread_limiter()
    with accord.move_on_after(5):
        while limiter.borrowed_tokens:
            await accord.sleep(0.01)
    await arena.drain()
    arena.balance()
    check(limiter.borrowed_tokens == 0, "a thread's token is borrowed")
    check(len(asyncio.all_tasks()) == 1, "tasks are left")


@pytest.mark.parametrize("loop", OPTIONS)
def test_native_stress(loop: str) -> None:
    """A few rounds leave no invariant broken."""
    for seed in range(3):
        accord.run(play, seed, backend="asyncio", backend_options=OPTIONS[loop])


def main(seconds: float, loop: str) -> None:
    """Run rounds for the given time."""
    options: Mapping[str, Any] = OPTIONS[loop]
    end = time.monotonic() + seconds
    seed = 0
    while time.monotonic() < end:
        try:
            accord.run(play, seed, backend="asyncio", backend_options=options)
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            raise
        seed += 1
    print(f"{loop}: {seed} rounds, no broken invariant")


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "stock")
