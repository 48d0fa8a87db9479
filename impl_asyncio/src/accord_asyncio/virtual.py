"""A loop whose clock jumps instead of waiting (run option ``virtual_time``).

When nothing is runnable and no descriptor is ready, the loop would sleep in its selector until the next timer. This
one adds the time to its clock and goes on at once, unless somebody has said that a call from another thread is on its
way (``LoopToken.hold_clock``); then it waits for that call.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike


class _Selector(selectors.BaseSelector):
    """The real selector, asked without waiting."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.offset = 0.0
        self.holds = 0

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if self.holds or timeout is None:
            return self._real.select(None)
        self.offset += timeout
        return []

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with simulated time, which begins at 0."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Return the simulated time, in seconds."""
        return self._virtual.offset

    def hold_clock(self) -> None:
        """Let time stand still until ``release_clock``."""
        self._virtual.holds += 1

    def release_clock(self) -> None:
        """Take back one ``hold_clock``."""
        self._virtual.holds -= 1
