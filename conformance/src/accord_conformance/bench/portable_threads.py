"""The jobs about threads, written against the portable API, which accord and AnyIO share: ``lib`` is either.

A job that calls the loop from a thread makes all its calls in one worker, so that what is measured is the call.
"""

from __future__ import annotations

from typing import Any

AT_ONCE = 20


def _nothing() -> None:
    pass


async def _nothing_async() -> None:
    pass


async def thread_call(lib: Any, n: int) -> None:
    """Call a function in a thread, one after the other."""
    run_sync = lib.to_thread.run_sync
    for _ in range(n):
        await run_sync(_nothing)


async def thread_calls(lib: Any, n: int) -> None:
    """Call a function in threads, 20 at once."""
    for _ in range(n):
        async with lib.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(lib.to_thread.run_sync, _nothing)


async def from_thread_run(lib: Any, n: int) -> None:
    """Run an async function on the loop from a worker."""

    def work() -> None:
        run = lib.from_thread.run
        for _ in range(n):
            run(_nothing_async)

    await lib.to_thread.run_sync(work)


async def from_thread_run_sync(lib: Any, n: int) -> None:
    """Call a function on the loop from a worker."""

    def work() -> None:
        run_sync = lib.from_thread.run_sync
        for _ in range(n):
            run_sync(_nothing)

    await lib.to_thread.run_sync(work)


async def portal_call(lib: Any, n: int) -> None:
    """Call an async function through a portal."""

    def work(portal: Any) -> None:
        call = portal.call
        for _ in range(n):
            call(_nothing_async)

    async with lib.from_thread.BlockingPortal() as portal:
        await lib.to_thread.run_sync(work, portal)
