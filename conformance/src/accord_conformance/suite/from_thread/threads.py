"""Threads that the loop does not know, and the calls without their types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accord import from_thread
from accord.to_thread import run_sync
from accord_conformance.helpers import in_thread

Call = Callable[..., Any]

# Without types, for use with partial().
run_async: Call = from_thread.run
run_callback: Call = from_thread.run_sync


async def in_foreign_thread(func: Callable[[], Any]) -> Any:
    """Call a function in a thread that the loop does not know, while the loop goes on."""
    return await run_sync(in_thread, func)
