"""Portals on the backend under test, and tools for threads that use them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import accord
from accord.from_thread import BlockingPortal, start_blocking_portal
from accord.lowlevel import checkpoint
from accord.protocols import Backend
from accord_conformance.helpers import PATIENCE

Start = Callable[..., AbstractContextManager[BlockingPortal]]


def starter(backend: Backend, options: dict[str, object]) -> Start:
    """What starts portals on a backend."""

    def start(**keywords: Any) -> AbstractContextManager[BlockingPortal]:
        return start_blocking_portal(backend, options, **keywords)

    return start


async def add(first: int, second: int) -> int:
    """A function that takes some turns of the loop."""
    await checkpoint()
    return first + second


class Sleeper:
    """A function that waits until it is cancelled, and says how it went."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    async def __call__(self) -> None:
        """Wait."""
        self.begun.set()
        try:
            await accord.sleep_forever()
        finally:
            self.ended.set()


def until(condition: Callable[[], object]) -> None:
    """Wait, in a thread, for what happens in its own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)
