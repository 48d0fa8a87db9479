"""The rows of CKPT-4's table for the helpers of tests."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable

from accord.testing import Sequencer, VirtualClock

from .operations import Prepared, row


@row("entering a block of a Sequencer", "CY")
async def _enter() -> AsyncGenerator[Prepared, None]:
    yield Prepared(Sequencer()(0).__aenter__)


@row("leaving a block of a Sequencer", "--")
async def _leave() -> AsyncGenerator[Prepared, None]:
    block = Sequencer()(0)
    await block.__aenter__()
    yield Prepared(lambda: block.__aexit__(None, None, None))


@row("awaiting VirtualClock.advance", "CY", "testing")
async def _advance() -> AsyncGenerator[Prepared, None]:
    def advance() -> Awaitable[None]:
        return VirtualClock().advance(1)

    yield Prepared(advance)
