"""Native cancellation of tasks that wait for threads (THREAD-11, FROM-7, FROM-8)."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

import accord
from accord import from_thread
from accord.to_thread import current_default_thread_limiter, run_sync


async def test_call_waits_for_its_function() -> None:
    """A native cancellation is put off like any other, and the token is held until the function has ended."""
    release = threading.Event()
    values: list[object] = []

    async def call() -> None:
        values.append(await run_sync(release.wait, 10))
        await asyncio.sleep(0)
        values.append("not cancelled")

    task = asyncio.ensure_future(call())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.02)
    assert not task.done()
    assert current_default_thread_limiter().borrowed_tokens == 1
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert values == [True]
    assert current_default_thread_limiter().borrowed_tokens == 0


async def test_abandoned_by_native_cancellation() -> None:
    """An abandoned call ends at once; its token is held until the function has ended."""
    release = threading.Event()
    task = asyncio.ensure_future(run_sync(release.wait, 10, abandon_on_cancel=True))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    limiter = current_default_thread_limiter()
    assert limiter.borrowed_tokens == 1
    release.set()
    while limiter.borrowed_tokens:
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("abandon", [True, False])
async def test_worker_sees_native_cancellation(abandon: bool) -> None:
    """``check_cancelled`` raises after a native cancellation of the host, and lets it pass on."""
    seen: list[str] = []

    def work() -> None:
        end = time.monotonic() + 10
        try:
            while time.monotonic() < end:
                from_thread.check_cancelled()
                time.sleep(0.001)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = asyncio.ensure_future(run_sync(work, abandon_on_cancel=abandon))
    await asyncio.sleep(0.02)
    task.cancel("a message")
    with pytest.raises(asyncio.CancelledError):
        await task
    while not seen:
        await asyncio.sleep(0.001)
    assert seen == ["cancelled"]


async def test_function_is_cancelled_natively() -> None:
    """A function that the host runs for its worker is cancelled with it."""
    steps: list[str] = []

    async def wait() -> None:
        try:
            await accord.sleep_forever()
        finally:
            steps.append("function")

    def work() -> None:
        try:
            from_thread.run(wait)
        finally:
            steps.append("thread")

    task = asyncio.ensure_future(run_sync(work))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert steps == ["function", "thread"]


def test_loop_of_somebody_else() -> None:
    """Workers, tokens and portals work in a loop that accord did not start."""

    async def add(first: int, second: int) -> int:
        await asyncio.sleep(0)
        return first + second

    def work(token: Any, portal: from_thread.BlockingPortal) -> list[int]:
        return [
            from_thread.run(add, 1, 2),
            from_thread.run(add, 3, 4, token=token),
            from_thread.run_sync(int, "5"),
            portal.call(add, 6, 7),
        ]

    async def main() -> list[int]:
        values: list[int] = []
        async with from_thread.BlockingPortal() as portal:
            values += await run_sync(work, accord.lowlevel.current_token(), portal)
        return values

    assert asyncio.run(main()) == [3, 7, 5, 13]
