"""The jobs with processes, written against the portable API, which accord and AnyIO share: ``lib`` is either."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

CHUNK = bytes(65536)
CALLS = 200


async def process_wait(lib: Any, n: int) -> None:
    """Start a process with pipes and wait for its end."""
    for _ in range(n):
        async with await lib.open_process(["true"]) as process:
            await process.wait()


async def process_run(lib: Any, n: int) -> None:
    """Run a process for its output."""
    for _ in range(n):
        await lib.run_process(["echo", "x"])


async def process_bulk(lib: Any, n: int) -> None:
    """Send 64 KiB through a process and get them back."""
    async with await lib.open_process(["cat"], stderr=None) as process, lib.create_task_group() as group:

        async def feed() -> None:
            for _ in range(n):
                await process.stdin.send(CHUNK)
            await process.stdin.aclose()

        group.start_soon(feed)
        async for _ in process.stdout:
            pass


async def worker_process(lib: Any, n: int) -> None:
    """Make 200 calls in a worker process, which is started before the first one."""
    run_sync = import_module(f"{lib.__name__}.to_process").run_sync
    for _ in range(n * CALLS):
        await run_sync(os.getpid)
