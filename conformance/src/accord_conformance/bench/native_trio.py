"""The same jobs on Trio, as somebody would write them who knows no other library."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio

T = TypeVar("T")

TEN = range(10)


def run(_runtime: str, main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` on a new loop."""
    return trio.run(main)


def version(_runtime: str) -> str:
    """Return which version this is."""
    return f"Trio {trio.__version__}"


def programs(_runtime: str) -> dict[str, str]:
    """Return small programs whose time is of interest."""
    return {"import": "import trio", "run": "import trio\nasync def main(): pass\ntrio.run(main)"}


async def nothing() -> None:
    """Do the work of a trivial task."""


async def checkpoint(n: int) -> None:
    """Let others run."""
    for _ in range(n):
        await trio.lowlevel.checkpoint()


async def sleep_zero(n: int) -> None:
    """Let others run, by the other name."""
    for _ in range(n):
        await trio.sleep(0)


async def checkpoint_if_cancelled(n: int) -> None:
    """Check for cancellation only."""
    for _ in range(n):
        await trio.lowlevel.checkpoint_if_cancelled()


async def current_time(n: int) -> None:
    """Read the clock."""
    for _ in range(n):
        trio.current_time()


async def scope(n: int) -> None:
    """Enter and leave a scope."""
    for _ in range(n):
        with trio.CancelScope():
            pass


async def timeout(n: int) -> None:
    """Enter and leave a scope with a deadline."""
    for _ in range(n):
        with trio.move_on_after(10):
            pass


async def timeout_checkpoint(n: int) -> None:
    """Put a deadline around something that yields."""
    for _ in range(n):
        with trio.move_on_after(10):
            await trio.lowlevel.checkpoint()


async def fail_after(n: int) -> None:
    """Enter and leave a scope whose deadline is an error."""
    for _ in range(n):
        with trio.fail_after(10):
            pass


async def nested_scopes(n: int) -> None:
    """Enter and leave ten scopes."""
    make = trio.CancelScope
    for _ in range(n):
        with make(), make(), make(), make(), make(), make(), make(), make(), make(), make():
            pass


async def checkpoint_in_scopes(n: int) -> None:
    """Let others run, deep inside."""
    make = trio.CancelScope
    with make(), make(), make(), make(), make(), make(), make(), make(), make(), make():
        for _ in range(n):
            await trio.lowlevel.checkpoint()


async def expired(n: int) -> None:
    """Wait for something and be cut off at once, a hundred times."""
    for _ in range(n * 100):
        with trio.move_on_after(0):
            await trio.sleep(1)


async def deadline_churn(n: int) -> None:
    """Set and drop 20,000 deadlines that are far away."""
    for _ in range(n * 20_000):
        with trio.move_on_after(3600):
            pass


async def _group(n: int, tasks: int) -> None:
    for _ in range(n):
        async with trio.open_nursery() as nursery:
            for _ in range(tasks):
                nursery.start_soon(nothing)


async def group_empty(n: int) -> None:
    """Enter and leave a nursery."""
    await _group(n, 0)


async def group_1(n: int) -> None:
    """Run one trivial task in a nursery."""
    await _group(n, 1)


async def group_10(n: int) -> None:
    """Run ten."""
    await _group(n, 10)


async def group_1000(n: int) -> None:
    """Run a thousand."""
    await _group(n, 1000)


async def group_start(n: int) -> None:
    """Start a task and wait until it says that it is ready."""

    async def ready(*, task_status: trio.TaskStatus[None]) -> None:
        task_status.started()

    async with trio.open_nursery() as nursery:
        for _ in range(n):
            await nursery.start(ready)


async def group_cancel(n: int) -> None:
    """Start a thousand tasks that sleep, and cancel them."""
    for _ in range(n):
        async with trio.open_nursery() as nursery:
            for _ in range(1000):
                nursery.start_soon(trio.sleep_forever)
            await trio.sleep(0)
            nursery.cancel_scope.cancel()


async def event_round(n: int) -> None:
    """Wake one another in turns."""
    there = [trio.Event() for _ in range(n)]
    back = [trio.Event() for _ in range(n)]

    async def other() -> None:
        for event, answer in zip(there, back, strict=True):
            await event.wait()
            answer.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for event, answer in zip(there, back, strict=True):
            event.set()
            await answer.wait()


async def event_new(n: int) -> None:
    """Make an event, set it and wait for it."""
    for _ in range(n):
        event = trio.Event()
        event.set()
        await event.wait()


async def _enter(guard: trio.Lock | trio.Semaphore | trio.CapacityLimiter, n: int) -> None:
    for _ in range(n):
        async with guard:
            pass


async def lock(n: int) -> None:
    """Take a free lock and give it back."""
    await _enter(trio.Lock(), n)


lock_fast = lock


async def semaphore(n: int) -> None:
    """Take a free semaphore and give it back."""
    await _enter(trio.Semaphore(1), n)


async def limiter(n: int) -> None:
    """Take a free token and give it back."""
    await _enter(trio.CapacityLimiter(1), n)


async def _contend(guard: trio.Lock | trio.Semaphore | trio.CapacityLimiter, n: int) -> None:
    async def user() -> None:
        for _ in range(n // 10 + 1):
            async with guard:
                await trio.sleep(0)

    async with trio.open_nursery() as nursery:
        for _ in TEN:
            nursery.start_soon(user)


async def lock_contended(n: int) -> None:
    """Hand a lock around between ten tasks."""
    await _contend(trio.Lock(), n)


async def semaphore_contended(n: int) -> None:
    """Hand a semaphore of two around between ten tasks."""
    await _contend(trio.Semaphore(2), n)


async def limiter_contended(n: int) -> None:
    """Hand two tokens around between ten tasks."""
    await _contend(trio.CapacityLimiter(2), n)


async def condition_round(n: int) -> None:
    """Wake one another in turns, with a condition."""
    condition = trio.Condition()

    async def player() -> None:
        async with condition:
            for _ in range(n):
                condition.notify()
                await condition.wait()
            condition.notify()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(player)
        nursery.start_soon(player)


async def stream_round(n: int) -> None:
    """Send an item to another task and get one back."""
    send_there, receive_there = trio.open_memory_channel[int](0)
    send_back, receive_back = trio.open_memory_channel[int](0)

    async def other() -> None:
        for _ in range(n):
            await send_back.send(await receive_there.receive())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for number in range(n):
            await send_there.send(number)
            await receive_back.receive()


async def stream_buffered(n: int) -> None:
    """Put an item into a buffer and take it out."""
    send, receive = trio.open_memory_channel[int](math.inf)
    for number in range(n):
        await send.send(number)
        await receive.receive()


async def stream_pipe(n: int) -> None:
    """Send items to another task through a buffer."""
    send, receive = trio.open_memory_channel[int](100)

    async def produce() -> None:
        async with send:
            for number in range(n):
                await send.send(number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        async for _ in receive:
            pass


async def stream_nowait(n: int) -> None:
    """Put an item into a buffer and take it out, without waiting."""
    send, receive = trio.open_memory_channel[int](math.inf)
    for number in range(n):
        send.send_nowait(number)
        receive.receive_nowait()


def objects() -> dict[str, Callable[[], Any]]:
    """Return what makes each kind of object whose size is of interest."""
    return {
        "scope": trio.CancelScope,
        "event": trio.Event,
        "lock": trio.Lock,
        "stream pair": lambda: trio.open_memory_channel[int](10),
    }


async def sleepers(count: int, measure: Callable[[], None]) -> None:
    """Call ``measure`` before and after ``count`` tasks were started that sleep."""
    async with trio.open_nursery() as nursery:
        measure()
        for _ in range(count):
            nursery.start_soon(trio.sleep_forever)
        await trio.sleep(0)
        measure()
        nursery.cancel_scope.cancel()


async def stubborn(seconds: float) -> None:
    """Wait for work that is shielded."""
    with trio.CancelScope(shield=True):
        await trio.sleep(seconds)
