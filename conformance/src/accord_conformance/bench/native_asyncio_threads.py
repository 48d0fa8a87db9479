"""The jobs about threads, natively on asyncio; see ``portable_threads`` for what they do."""

from __future__ import annotations

import asyncio

from .portable_threads import AT_ONCE


def _nothing() -> None:
    pass


async def _nothing_async() -> None:
    pass


async def _call_nothing() -> None:
    _nothing()


async def thread_call(n: int) -> None:
    """Call a function in a thread, one after the other."""
    run = asyncio.get_running_loop().run_in_executor
    for _ in range(n):
        await run(None, _nothing)


async def thread_calls(n: int) -> None:
    """Call a function in threads, 20 at once."""
    run = asyncio.get_running_loop().run_in_executor
    for _ in range(n):
        await asyncio.gather(*(run(None, _nothing) for _ in range(AT_ONCE)))


async def from_thread_run(n: int) -> None:
    """Run an async function on the loop from a worker."""
    loop = asyncio.get_running_loop()

    def work() -> None:
        for _ in range(n):
            asyncio.run_coroutine_threadsafe(_nothing_async(), loop).result()

    await asyncio.to_thread(work)


async def from_thread_run_sync(n: int) -> None:
    """Call a function on the loop from a worker."""
    loop = asyncio.get_running_loop()

    def work() -> None:
        for _ in range(n):
            asyncio.run_coroutine_threadsafe(_call_nothing(), loop).result()

    await asyncio.to_thread(work)


# asyncio has no portal; the call is the same.
portal_call = from_thread_run
