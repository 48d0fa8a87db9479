"""File objects under observation: they note their calls, can be held up, and can be made to fail."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from typing import Any

import accord
from accord_conformance.helpers import PATIENCE


class CountingLimiter(accord.CapacityLimiter):
    """A limiter that counts how often a token was taken."""

    taken = 0

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """Take a token and count it."""
        super().acquire_on_behalf_of_nowait(borrower)
        self.taken += 1


class Watched(io.BytesIO):
    """A file in memory that behaves as one on a disk: its calls are noted, and wait while the gate is closed."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data)
        self.calls: list[str] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.fails: dict[str, BaseException] = {}
        """What the methods of these names raise."""

    def _note(self, name: str) -> None:
        self.calls.append(name)
        self.threads.add(threading.get_ident())
        if not self.gate.wait(PATIENCE):
            raise TimeoutError("the gate stayed closed")
        if name in self.fails:
            raise self.fails[name]

    def read(self, size: int | None = -1, /) -> bytes:
        """Note it, and read."""
        self._note("read")
        return super().read(size)

    def read1(self, size: int | None = -1, /) -> bytes:
        """Note it, and read."""
        self._note("read1")
        return super().read1(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Note it, and read a line."""
        self._note("readline")
        return super().readline(size)

    def write(self, data: Any, /) -> int:
        """Note it, and write."""
        self._note("write")
        return super().write(data)

    def truncate(self, size: int | None = None, /) -> int:
        """Note it, and truncate."""
        self._note("truncate")
        return super().truncate(size)

    def flush(self) -> None:
        """Note it."""
        self._note("flush")

    def close(self) -> None:
        """Note it the first time, and close whatever happens."""
        if not self.closed:
            try:
                self._note("close")
            finally:
                super().close()


class Pipe(Watched):
    """A file object without positions, of which there is one line for each time that the gate is opened."""

    def tell(self) -> int:
        """Refuse."""
        raise io.UnsupportedOperation("a pipe has no positions")

    def seekable(self) -> bool:
        """Say no."""
        return False


async def until(condition: Callable[[], object]) -> None:
    """Wait for what threads do in their own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await accord.sleep(0.002)
