"""Native cancellation of tasks that close files or end services: what has to be released is released."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import CapacityLimiter, to_thread


async def _cancelled_twice(task: asyncio.Task[Any]) -> None:
    """Cancel a task, once more while it deals with that, and wait for its end."""
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0.01)
    with pytest.raises(asyncio.CancelledError):
        await task


async def _write(file: accord.AsyncFile[str]) -> None:
    await file.write("written")


async def test_file_that_waits_for_a_token(tmp_path: Path) -> None:
    """A file whose closing waits for a token is flushed and closed, though no token is to be had (FILE-6)."""
    path = tmp_path / "file"
    limiter = CapacityLimiter(1)
    file = await accord.open_file(path, "w", limiter=limiter)
    await _write(file)
    async with limiter:
        task = asyncio.ensure_future(file.aclose())
        await asyncio.sleep(0.01)
        assert not task.done()
        await _cancelled_twice(task)
        assert file.wrapped.closed
    assert path.read_text() == "written"


async def test_file_that_waits_for_its_turn(tmp_path: Path) -> None:
    """A file is closed after the operation of another task, and the cancellation comes at the next wait (FILE-6)."""
    path = tmp_path / "file"
    file = await accord.open_file(path, "w")
    gate = threading.Event()

    def lines() -> Any:
        gate.wait(10)
        yield "written"

    async def close() -> None:
        await file.aclose()
        assert file.wrapped.closed
        await asyncio.sleep(0)
        raise AssertionError("the request was lost")

    writing = asyncio.ensure_future(file.writelines(lines()))
    await asyncio.sleep(0.01)
    task = asyncio.ensure_future(close())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writing
    assert path.read_text() == "written"


async def test_services_end() -> None:
    """Services of a body that is cancelled natively, and again while they are ended, all end with their clean-up."""
    log: list[str] = []

    async def serve(name: str) -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.05)
            log.append(name)

    async def body() -> None:
        async with accord.open_service_group() as group:
            for name in ("first", "second", "third"):
                group.start_soon(serve, name)
            await accord.sleep_forever()

    task = asyncio.ensure_future(body())
    await asyncio.sleep(0.01)
    await _cancelled_twice(task)
    assert sorted(log) == ["first", "second", "third"]


async def test_directory_is_deleted(tmp_path: Path) -> None:
    """A temporary directory is deleted when its block is cancelled natively, also while that waits (TEMP-2)."""
    limiter = CapacityLimiter(1)
    made: list[Path] = []

    async def use() -> None:
        async with accord.TemporaryDirectory(dir=str(tmp_path), limiter=limiter) as path:
            made.append(Path(path))
            await to_thread.run_sync(int)
            await accord.sleep_forever()

    task = asyncio.ensure_future(use())
    while not made:
        await asyncio.sleep(0.001)
    async with limiter:
        await _cancelled_twice(task)
    assert not made[0].exists()
