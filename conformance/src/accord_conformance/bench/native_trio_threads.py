"""The jobs about threads, natively on Trio; see ``portable_threads`` for what they do."""

from __future__ import annotations

import trio

from .portable_threads import AT_ONCE


def _nothing() -> None:
    pass


async def _nothing_async() -> None:
    pass


async def thread_call(n: int) -> None:
    """Call a function in a thread, one after the other."""
    for _ in range(n):
        await trio.to_thread.run_sync(_nothing)


async def thread_calls(n: int) -> None:
    """Call a function in threads, 20 at once."""
    for _ in range(n):
        async with trio.open_nursery() as nursery:
            for _ in range(AT_ONCE):
                nursery.start_soon(trio.to_thread.run_sync, _nothing)


async def from_thread_run(n: int) -> None:
    """Run an async function on the loop from a worker."""

    def work() -> None:
        for _ in range(n):
            trio.from_thread.run(_nothing_async)

    await trio.to_thread.run_sync(work)


async def from_thread_run_sync(n: int) -> None:
    """Call a function on the loop from a worker."""

    def work() -> None:
        for _ in range(n):
            trio.from_thread.run_sync(_nothing)

    await trio.to_thread.run_sync(work)


async def portal_call(n: int) -> None:
    """Run an async function in a task of its own from a thread, as a portal does."""
    token = trio.lowlevel.current_trio_token()

    def work() -> None:
        for _ in range(n):
            trio.from_thread.run(_nothing_async, trio_token=token)

    await trio.to_thread.run_sync(work)
