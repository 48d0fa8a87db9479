"""The jobs with processes on asyncio's own."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

CHUNK = bytes(65536)
CALLS = 200


async def process_wait(n: int) -> None:
    """Start a process with pipes and wait for its end."""
    for _ in range(n):
        process = await asyncio.create_subprocess_exec("true", stdin=PIPE, stdout=PIPE, stderr=PIPE)
        await process.wait()


async def process_run(n: int) -> None:
    """Run a process for its output."""
    for _ in range(n):
        process = await asyncio.create_subprocess_exec("echo", "x", stdout=PIPE, stderr=PIPE)
        await process.communicate()


async def process_bulk(n: int) -> None:
    """Send 64 KiB through a process and get them back."""
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    writer, reader = process.stdin, process.stdout
    assert writer is not None
    assert reader is not None

    async def feed() -> None:
        for _ in range(n):
            writer.write(CHUNK)
            await writer.drain()
        writer.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(feed())
        while await reader.read(65536):
            pass
    await process.wait()


async def worker_process(n: int) -> None:
    """Make 200 calls in a worker process, which is started before the first one."""
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for _ in range(n * CALLS):
            await loop.run_in_executor(pool, os.getpid)
