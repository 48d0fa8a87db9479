"""The jobs, written against the portable API, which accord and AnyIO share: ``lib`` is either.

Every function does its job ``n`` times. What is looked up once in real code (a function, a class) is looked up once
here. Preparation is small against ``n`` repetitions, so the whole function can be timed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

TEN = range(10)


async def nothing() -> None:
    """Do the work of a trivial task."""


async def checkpoint(lib: Any, n: int) -> None:
    """Let others run."""
    operation = lib.lowlevel.checkpoint
    for _ in range(n):
        await operation()


async def sleep_zero(lib: Any, n: int) -> None:
    """Let others run, by the other name."""
    operation = lib.sleep
    for _ in range(n):
        await operation(0)


async def checkpoint_if_cancelled(lib: Any, n: int) -> None:
    """Check for cancellation only."""
    operation = lib.lowlevel.checkpoint_if_cancelled
    for _ in range(n):
        await operation()


async def current_time(lib: Any, n: int) -> None:
    """Read the clock."""
    operation = lib.current_time
    for _ in range(n):
        operation()


async def scope(lib: Any, n: int) -> None:
    """Enter and leave a scope."""
    make = lib.CancelScope
    for _ in range(n):
        with make():
            pass


async def timeout(lib: Any, n: int) -> None:
    """Enter and leave a scope with a deadline."""
    make = lib.move_on_after
    for _ in range(n):
        with make(10):
            pass


async def timeout_checkpoint(lib: Any, n: int) -> None:
    """Put a deadline around something that yields."""
    make, operation = lib.move_on_after, lib.lowlevel.checkpoint
    for _ in range(n):
        with make(10):
            await operation()


async def fail_after(lib: Any, n: int) -> None:
    """Enter and leave a scope whose deadline is an error."""
    make = lib.fail_after
    for _ in range(n):
        with make(10):
            pass


async def nested_scopes(lib: Any, n: int) -> None:
    """Enter and leave ten scopes."""
    make = lib.CancelScope
    for _ in range(n):
        with make(), make(), make(), make(), make(), make(), make(), make(), make(), make():
            pass


async def checkpoint_in_scopes(lib: Any, n: int) -> None:
    """Let others run, deep inside."""
    make, operation = lib.CancelScope, lib.lowlevel.checkpoint
    with make(), make(), make(), make(), make(), make(), make(), make(), make(), make():
        for _ in range(n):
            await operation()


async def expired(lib: Any, n: int) -> None:
    """Wait for something and be cut off at once, a hundred times."""
    make, operation = lib.move_on_after, lib.sleep
    for _ in range(n * 100):
        with make(0):
            await operation(1)


async def deadline_churn(lib: Any, n: int) -> None:
    """Set and drop 20,000 deadlines that are far away."""
    make = lib.move_on_after
    for _ in range(n * 20_000):
        with make(3600):
            pass


async def _group(lib: Any, n: int, tasks: int) -> None:
    make = lib.create_task_group
    for _ in range(n):
        async with make() as group:
            for _ in range(tasks):
                group.start_soon(nothing)


async def group_empty(lib: Any, n: int) -> None:
    """Enter and leave a group."""
    await _group(lib, n, 0)


async def group_1(lib: Any, n: int) -> None:
    """Run one trivial task in a group."""
    await _group(lib, n, 1)


async def group_10(lib: Any, n: int) -> None:
    """Run ten."""
    await _group(lib, n, 10)


async def group_1000(lib: Any, n: int) -> None:
    """Run a thousand."""
    await _group(lib, n, 1000)


async def group_start(lib: Any, n: int) -> None:
    """Start a task and wait until it says that it is ready."""

    async def ready(*, task_status: Any) -> None:
        task_status.started()

    async with lib.create_task_group() as group:
        for _ in range(n):
            await group.start(ready)


async def group_cancel(lib: Any, n: int) -> None:
    """Start a thousand tasks that sleep, and cancel them."""
    for _ in range(n):
        async with lib.create_task_group() as group:
            for _ in range(1000):
                group.start_soon(lib.sleep_forever)
            await lib.sleep(0)
            group.cancel_scope.cancel()


async def event_round(lib: Any, n: int) -> None:
    """Wake one another in turns."""
    there = [lib.Event() for _ in range(n)]
    back = [lib.Event() for _ in range(n)]

    async def other() -> None:
        for event, answer in zip(there, back, strict=True):
            await event.wait()
            answer.set()

    async with lib.create_task_group() as group:
        group.start_soon(other)
        for event, answer in zip(there, back, strict=True):
            event.set()
            await answer.wait()


async def event_new(lib: Any, n: int) -> None:
    """Make an event, set it and wait for it."""
    make = lib.Event
    for _ in range(n):
        event = make()
        event.set()
        await event.wait()


async def _enter(guard: Any, n: int) -> None:
    for _ in range(n):
        async with guard:
            pass


async def lock(lib: Any, n: int) -> None:
    """Take a free lock and give it back."""
    await _enter(lib.Lock(), n)


async def lock_fast(lib: Any, n: int) -> None:
    """Take a free lock without yielding, where that has to be asked for."""
    try:
        guard = lib.Lock(fast_acquire=True)
    except TypeError:
        guard = lib.Lock()
    await _enter(guard, n)


async def semaphore(lib: Any, n: int) -> None:
    """Take a free semaphore and give it back."""
    await _enter(lib.Semaphore(1), n)


async def limiter(lib: Any, n: int) -> None:
    """Take a free token and give it back."""
    await _enter(lib.CapacityLimiter(1), n)


async def _contend(lib: Any, guard: Any, n: int) -> None:
    sleep = lib.sleep

    async def user() -> None:
        for _ in range(n // 10 + 1):
            async with guard:
                await sleep(0)

    async with lib.create_task_group() as group:
        for _ in TEN:
            group.start_soon(user)


async def lock_contended(lib: Any, n: int) -> None:
    """Hand a lock around between ten tasks."""
    await _contend(lib, lib.Lock(), n)


async def semaphore_contended(lib: Any, n: int) -> None:
    """Hand a semaphore of two around between ten tasks."""
    await _contend(lib, lib.Semaphore(2), n)


async def limiter_contended(lib: Any, n: int) -> None:
    """Hand two tokens around between ten tasks."""
    await _contend(lib, lib.CapacityLimiter(2), n)


async def condition_round(lib: Any, n: int) -> None:
    """Wake one another in turns, with a condition."""
    condition = lib.Condition()

    async def player() -> None:
        async with condition:
            for _ in range(n):
                condition.notify()
                await condition.wait()
            condition.notify()

    async with lib.create_task_group() as group:
        group.start_soon(player)
        group.start_soon(player)


async def stream_round(lib: Any, n: int) -> None:
    """Send an item to another task and get one back."""
    send_there, receive_there = lib.create_memory_object_stream(0)
    send_back, receive_back = lib.create_memory_object_stream(0)

    async def other() -> None:
        for _ in range(n):
            await send_back.send(await receive_there.receive())

    async with send_there, receive_there, send_back, receive_back, lib.create_task_group() as group:
        group.start_soon(other)
        for number in range(n):
            await send_there.send(number)
            await receive_back.receive()


async def stream_buffered(lib: Any, n: int) -> None:
    """Put an item into a buffer and take it out."""
    send, receive = lib.create_memory_object_stream(math.inf)
    async with send, receive:
        for number in range(n):
            await send.send(number)
            await receive.receive()


async def stream_pipe(lib: Any, n: int) -> None:
    """Send items to another task through a buffer."""
    send, receive = lib.create_memory_object_stream(100)

    async def produce() -> None:
        async with send:
            for number in range(n):
                await send.send(number)

    async with receive, lib.create_task_group() as group:
        group.start_soon(produce)
        async for _ in receive:
            pass


async def stream_nowait(lib: Any, n: int) -> None:
    """Put an item into a buffer and take it out, without waiting."""
    send, receive = lib.create_memory_object_stream(math.inf)
    async with send, receive:
        for number in range(n):
            send.send_nowait(number)
            receive.receive_nowait()


async def sleepers(lib: Any, count: int, measure: Callable[[], None]) -> None:
    """Call ``measure`` before and after ``count`` tasks were started that sleep."""
    async with lib.create_task_group() as group:
        measure()
        for _ in range(count):
            group.start_soon(lib.sleep_forever)
        await lib.sleep(0)
        measure()
        group.cancel_scope.cancel()


async def cut_off(lib: Any, stubborn: Callable[[float], Awaitable[None]], seconds: float) -> None:
    """Cancel something that takes its time."""
    with lib.move_on_after(0.01):
        await stubborn(seconds)


def objects(lib: Any) -> dict[str, Callable[[], Any]]:
    """Return what makes each kind of object whose size is of interest."""
    return {
        "scope": lib.CancelScope,
        "event": lib.Event,
        "lock": lib.Lock,
        "stream pair": lambda: lib.create_memory_object_stream(10),
    }
