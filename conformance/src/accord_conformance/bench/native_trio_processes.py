"""The jobs with processes on Trio's own, as far as it has them."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from subprocess import PIPE

import trio

CHUNK = bytes(65536)
CALLS = 200


async def process_wait(n: int) -> None:
    """Start a process with pipes and wait for its end."""
    for _ in range(n):
        process = await trio.lowlevel.open_process(["true"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
        await process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            await stream.aclose()


async def process_run(n: int) -> None:
    """Run a process for its output."""
    for _ in range(n):
        await trio.run_process(["echo", "x"], capture_stdout=True, capture_stderr=True)


async def process_bulk(n: int) -> None:
    """Send 64 KiB through a process and get them back."""
    process = await trio.lowlevel.open_process(["cat"], stdin=PIPE, stdout=PIPE)
    writer, reader = process.stdin, process.stdout
    assert writer is not None
    assert reader is not None

    async def feed() -> None:
        async with writer:
            for _ in range(n):
                await writer.send_all(CHUNK)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(feed)
        async for _ in reader:
            pass
    await process.wait()


async def worker_process(n: int) -> None:
    """Make 200 calls in a worker process, by a pool and a thread."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for _ in range(n * CALLS):
            await trio.to_thread.run_sync(pool.submit(os.getpid).result)
