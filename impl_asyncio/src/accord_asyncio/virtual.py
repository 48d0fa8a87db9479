"""A loop whose clock is an ``accord.testing.VirtualClock`` (run option ``virtual_time``, area VCLOCK).

When nothing is runnable the loop would sleep in its selector until the next timer. This one asks the clock instead,
which moves time, and then the loop goes on at once, or says how long to wait in earnest.

A descriptor counts as waited for while a task waits at its poller, or, if it is not accord's, while it is registered.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from math import inf, ulp
from time import monotonic
from typing import TYPE_CHECKING, Any

from accord.testing.clock import VirtualClock
from accord.toolkit.descriptors import is_listening

from .readiness import Direction

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

Events = list[tuple[selectors.SelectorKey, int]]

_LONGEST_WAIT = 86400.0  # seconds; the operating system counts milliseconds in 32 bits


class _Selector(selectors.BaseSelector):
    """The real selector, which waits only if the clock says so."""

    def __init__(self, poll: Callable[[], None], idle: Callable[[selectors.BaseSelector], Events]) -> None:
        self._real = selectors.DefaultSelector()
        self._poll = poll
        self._idle = idle

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> Events:
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout != 0:
            return self._idle(self._real)
        self._poll()
        return []

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with simulated time.

    :param clock: by default one of its own. Raises ``RuntimeError`` if another loop uses it.
    """

    def __init__(self, clock: VirtualClock | None = None) -> None:
        self.virtual_clock = VirtualClock() if clock is None else clock
        self._step_asked = False
        super().__init__(_Selector(self._on_poll, self._on_idle))
        try:
            self.virtual_clock.begin()
        except BaseException:
            super().close()
            raise
        self._adjust()

    def close(self) -> None:
        """Close the loop, and let go of the clock."""
        if not self.is_closed():
            super().close()
            self.virtual_clock.end()

    def time(self) -> float:
        """Return the simulated time, in seconds."""
        return self.virtual_clock.now

    def next_timer(self) -> float:
        """Return when the next timer is due, which the loop tells nobody; ``inf`` if there is none."""
        internals: Any = self
        timers: list[asyncio.TimerHandle] = internals._scheduled
        return min((timer.when() for timer in timers[:1]), default=inf)

    def step(self) -> None:
        """Move time on, as ``VirtualClock.advance`` has asked, to the next timer or to the end of the advance.

        Not before the next turn: to asyncio's debug mode a callback in which time moves is a slow one.
        """
        self._step_asked = True

    def _on_poll(self) -> None:
        if self._step_asked:
            self._step_asked = False
            self.virtual_clock.step(self.next_timer())
            self._adjust()

    def _adjust(self) -> None:
        """Have the loop run the timers that are due now: it runs those that are due before now and its resolution."""
        internals: Any = self
        internals._clock_resolution = ulp(self.virtual_clock.now)

    def _on_idle(self, selector: selectors.BaseSelector) -> Events:
        """Do what the clock says now that nothing is runnable and no descriptor is ready."""
        try:
            return self._wait(selector)
        finally:
            self._adjust()

    def _wait(self, selector: selectors.BaseSelector) -> Events:
        clock = self.virtual_clock
        deadline = self.next_timer()
        waits, listens = self._descriptors(selector)
        longest = clock.idle(deadline, waits)
        if longest == 0:
            return []
        if longest == inf:
            longest = clock.look_for_deadlock(deadline, waits or listens)
            if longest == 0:
                return []
        begun = monotonic()
        ready = selector.select(None if longest == inf else min(longest, _LONGEST_WAIT))
        clock.waited(monotonic() - begun, deadline, waits, bool(ready))
        return ready

    def _descriptors(self, selector: selectors.BaseSelector) -> tuple[bool, bool]:
        """Return whether a descriptor is waited for, and whether there is one on which something may come anyway."""
        internals: Any = self
        own: int = internals._ssock.fileno()
        listens = bool(internals._signal_handlers)
        for key in selector.get_map().values():
            if key.fd == own or not any(_is_waited_for(handle) for handle in key.data):
                continue
            if not is_listening(key.fd):
                return True, listens
            listens = True
        return False, listens


def _is_waited_for(handle: asyncio.Handle | None) -> bool:
    if handle is None or handle.cancelled():
        return False
    internals: Any = handle
    owner = getattr(internals._callback, "__self__", None)
    return owner.waiting if isinstance(owner, Direction) else True
