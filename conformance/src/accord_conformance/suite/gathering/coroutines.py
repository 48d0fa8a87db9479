"""Coroutines that run beside others: one that returns, one that fails, one that hangs."""

from __future__ import annotations

from typing import TypeVar

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import settle

T = TypeVar("T")


async def give(value: T) -> T:
    """Return the value after a checkpoint."""
    await checkpoint()
    return value


async def fail(error: Exception) -> int:
    """Raise the error after a checkpoint."""
    await checkpoint()
    raise error


async def hang(log: list[str]) -> int:
    """Wait until it is cancelled, then clean up for a while and say so."""
    try:
        await accord.sleep_forever()
    finally:
        with accord.CancelScope(shield=True):
            await settle()
        log.append("cleaned up")
    return 0
