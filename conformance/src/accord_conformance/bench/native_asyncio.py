"""The same jobs on asyncio, as somebody would write them who knows no other library; also on uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version as distribution_version
from typing import Any, TypeVar

T = TypeVar("T")

TEN = range(10)


def loop_factory(runtime: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the loop; ``ImportError`` if that loop isn't installed."""
    if runtime == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    return asyncio.new_event_loop


def run(runtime: str, main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` on a new loop."""

    async def call() -> T:
        return await main()

    with asyncio.Runner(loop_factory=loop_factory(runtime)) as runner:
        return runner.run(call())


def version(runtime: str) -> str:
    """Return which version of the loop this is; ``ImportError`` if it isn't installed."""
    return f"uvloop {distribution_version('uvloop')}" if runtime == "uvloop" else "standard library"


def programs(runtime: str) -> dict[str, str]:
    """Return small programs whose time is of interest."""
    if runtime == "uvloop":
        return {"run": "import uvloop\nasync def main(): pass\nuvloop.run(main())"}
    return {"import": "import asyncio", "run": "import asyncio\nasync def main(): pass\nasyncio.run(main())"}


async def nothing() -> None:
    """Do the work of a trivial task."""


async def checkpoint(n: int) -> None:
    """Let others run."""
    for _ in range(n):
        await asyncio.sleep(0)


sleep_zero = checkpoint


async def checkpoint_if_cancelled(n: int) -> None:
    """Ask whether somebody wants to cancel this task."""
    for _ in range(n):
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError


async def current_time(n: int) -> None:
    """Read the loop's clock."""
    for _ in range(n):
        asyncio.get_running_loop().time()


async def scope(n: int) -> None:
    """Enter and leave a timeout without a deadline."""
    for _ in range(n):
        async with asyncio.timeout(None):
            pass


async def timeout(n: int) -> None:
    """Enter and leave a timeout."""
    for _ in range(n):
        async with asyncio.timeout(10):
            pass


fail_after = timeout


async def timeout_checkpoint(n: int) -> None:
    """Put a timeout around something that yields."""
    for _ in range(n):
        async with asyncio.timeout(10):
            await asyncio.sleep(0)


def _timeouts() -> tuple[asyncio.Timeout, ...]:
    return tuple([asyncio.timeout(None) for _ in TEN])


async def nested_scopes(n: int) -> None:
    """Enter and leave ten timeouts."""
    for _ in range(n):
        a, b, c, d, e, f, g, h, i, j = _timeouts()
        async with a, b, c, d, e, f, g, h, i, j:
            pass


async def checkpoint_in_scopes(n: int) -> None:
    """Let others run, deep inside."""
    a, b, c, d, e, f, g, h, i, j = _timeouts()
    async with a, b, c, d, e, f, g, h, i, j:
        for _ in range(n):
            await asyncio.sleep(0)


async def expired(n: int) -> None:
    """Wait for something and be cut off at once, a hundred times."""
    for _ in range(n * 100):
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(1)
        except TimeoutError:
            pass


async def deadline_churn(n: int) -> None:
    """Set and drop 20,000 timeouts that are far away."""
    for _ in range(n * 20_000):
        async with asyncio.timeout(3600):
            pass


async def _group(n: int, tasks: int) -> None:
    for _ in range(n):
        async with asyncio.TaskGroup() as group:
            for _ in range(tasks):
                group.create_task(nothing())


async def group_empty(n: int) -> None:
    """Enter and leave a group."""
    await _group(n, 0)


async def group_1(n: int) -> None:
    """Run one trivial task in a group."""
    await _group(n, 1)


async def group_10(n: int) -> None:
    """Run ten."""
    await _group(n, 10)


async def group_1000(n: int) -> None:
    """Run a thousand."""
    await _group(n, 1000)


async def group_start(n: int) -> None:
    """Start a task and wait until it says that it is ready, by a future."""

    async def ready(future: asyncio.Future[None]) -> None:
        future.set_result(None)

    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for _ in range(n):
            future: asyncio.Future[None] = loop.create_future()
            group.create_task(ready(future))
            await future


async def group_cancel(n: int) -> None:
    """Start a thousand tasks that sleep, and cancel them."""
    loop = asyncio.get_running_loop()
    for _ in range(n):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_sleep_forever(loop)) for _ in range(1000)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()


async def _sleep_forever(loop: asyncio.AbstractEventLoop) -> None:
    await loop.create_future()


async def event_round(n: int) -> None:
    """Wake one another in turns."""
    there = [asyncio.Event() for _ in range(n)]
    back = [asyncio.Event() for _ in range(n)]

    async def other() -> None:
        for event, answer in zip(there, back, strict=True):
            await event.wait()
            answer.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        for event, answer in zip(there, back, strict=True):
            event.set()
            await answer.wait()


async def event_new(n: int) -> None:
    """Make an event, set it and wait for it."""
    for _ in range(n):
        event = asyncio.Event()
        event.set()
        await event.wait()


async def _enter(guard: asyncio.Lock | asyncio.Semaphore, n: int) -> None:
    for _ in range(n):
        async with guard:
            pass


async def lock(n: int) -> None:
    """Take a free lock and give it back."""
    await _enter(asyncio.Lock(), n)


lock_fast = lock


async def semaphore(n: int) -> None:
    """Take a free semaphore and give it back."""
    await _enter(asyncio.Semaphore(1), n)


limiter = semaphore


async def _contend(guard: asyncio.Lock | asyncio.Semaphore, n: int) -> None:
    async def user() -> None:
        for _ in range(n // 10 + 1):
            async with guard:
                await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for _ in TEN:
            group.create_task(user())


async def lock_contended(n: int) -> None:
    """Hand a lock around between ten tasks."""
    await _contend(asyncio.Lock(), n)


async def semaphore_contended(n: int) -> None:
    """Hand a semaphore of two around between ten tasks."""
    await _contend(asyncio.Semaphore(2), n)


limiter_contended = semaphore_contended


async def condition_round(n: int) -> None:
    """Wake one another in turns, with a condition."""
    condition = asyncio.Condition()

    async def player() -> None:
        async with condition:
            for _ in range(n):
                condition.notify()
                await condition.wait()
            condition.notify()

    async with asyncio.TaskGroup() as group:
        group.create_task(player())
        group.create_task(player())


async def stream_round(n: int) -> None:
    """Send an item to another task and get one back."""
    there: asyncio.Queue[int] = asyncio.Queue(1)
    back: asyncio.Queue[int] = asyncio.Queue(1)

    async def other() -> None:
        for _ in range(n):
            await back.put(await there.get())

    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        for number in range(n):
            await there.put(number)
            await back.get()


async def stream_buffered(n: int) -> None:
    """Put an item into a queue and take it out."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    for number in range(n):
        await queue.put(number)
        await queue.get()


async def stream_pipe(n: int) -> None:
    """Send items to another task through a queue."""
    queue: asyncio.Queue[int] = asyncio.Queue(100)

    async def produce() -> None:
        for number in range(n):
            await queue.put(number)

    async with asyncio.TaskGroup() as group:
        group.create_task(produce())
        for _ in range(n):
            await queue.get()


async def stream_nowait(n: int) -> None:
    """Put an item into a queue and take it out, without waiting."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    for number in range(n):
        queue.put_nowait(number)
        queue.get_nowait()


def objects() -> dict[str, Callable[[], Any]]:
    """Return what makes each kind of object whose size is of interest."""
    return {
        "scope": lambda: asyncio.timeout(None),
        "event": asyncio.Event,
        "lock": asyncio.Lock,
        "stream pair": asyncio.Queue,
    }


async def sleepers(count: int, measure: Callable[[], None]) -> None:
    """Call ``measure`` before and after ``count`` tasks were started that sleep."""
    loop = asyncio.get_running_loop()
    measure()
    tasks = [loop.create_task(_sleep_forever(loop)) for _ in range(count)]
    await asyncio.sleep(0)
    measure()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def stubborn(seconds: float) -> None:
    """Wait for a native task that goes on cleaning up, however often it is cancelled."""
    await asyncio.ensure_future(_clean_up(seconds))


async def _clean_up(seconds: float) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        try:
            await asyncio.sleep(left)
        except asyncio.CancelledError:
            continue
