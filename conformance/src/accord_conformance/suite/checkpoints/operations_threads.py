"""The rows of CKPT-4's table for portals; ``to_thread.run_sync`` has its own among the simple ones."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from accord.from_thread import BlockingPortal

from .operations import Prepared, noop, row


@row("BlockingPortal.call_async", "CY")
async def _call_async() -> AsyncGenerator[Prepared, None]:
    async with BlockingPortal() as portal:
        yield Prepared(lambda: portal.call_async(noop))


@row("BlockingPortal.sleep_until_stopped", "CY")
async def _sleep_until_stopped() -> AsyncGenerator[Prepared, None]:
    async with BlockingPortal() as portal:
        await portal.stop()
        yield Prepared(portal.sleep_until_stopped)


@row("BlockingPortal.stop", "--")
async def _stop() -> AsyncGenerator[Prepared, None]:
    async with BlockingPortal() as portal:
        yield Prepared(portal.stop)


@row("leaving a portal", "-Y")
async def _leave() -> AsyncGenerator[Prepared, None]:
    async def leave() -> None:
        # The entry does neither, so that what is seen is the exit's.
        async with BlockingPortal():
            pass

    yield Prepared(leave)
