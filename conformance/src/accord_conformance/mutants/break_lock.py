"""Mutants of locks."""

from __future__ import annotations

from typing import Any

from accord import Lock

from .making import Broken, mutant, replace


@mutant("LOCK-1")
def lock_that_never_waits(_: Broken) -> None:
    """Everybody gets the lock."""

    async def acquire(lock: Any) -> None:
        lock._owner = None
        lock.acquire_nowait()

    replace(Lock, acquire=acquire, __aenter__=acquire)
