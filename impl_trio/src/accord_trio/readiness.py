"""Pollers on Trio's waits for readiness."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from accord import BusyResourceError, ClosedResourceError

from .loops import current_state
from .parking import with_own_context

T = TypeVar("T")

_CLOSED = "this resource was closed while a task was waiting for it"


class Poller:
    """See ``accord.protocols.Poller``."""

    __slots__ = ("_busy", "_closed", "_fd")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._closed = False
        self._busy: set[str] = set()

    async def readable(self, attempt: Callable[[], T], /) -> T:
        """See ``accord.protocols.Poller``."""
        return await self._perform("receiving from", trio.lowlevel.wait_readable, attempt)

    async def writable(self, attempt: Callable[[], T], /) -> T:
        """See ``accord.protocols.Poller``."""
        return await self._perform("sending to", trio.lowlevel.wait_writable, attempt)

    async def _perform(self, action: str, wait: Callable[[int], Awaitable[None]], attempt: Callable[[], T]) -> T:
        if self._closed:
            await trio.lowlevel.checkpoint()
            raise ClosedResourceError
        if action in self._busy:
            raise BusyResourceError(action)
        self._busy.add(action)
        try:
            while True:
                try:
                    await with_own_context(wait, self._fd)
                except trio.ClosedResourceError:
                    raise ClosedResourceError(_CLOSED) from None
                if self._closed:
                    raise ClosedResourceError(_CLOSED)
                try:
                    return attempt()
                except (BlockingIOError, InterruptedError):
                    continue
        finally:
            self._busy.discard(action)

    def close(self) -> None:
        """See ``accord.protocols.Poller``."""
        if not self._closed:
            self._closed = True
            trio.lowlevel.notify_closing(self._fd)


class Readiness:
    """See ``accord.protocols.Readiness``."""

    __slots__ = ()

    def create_poller(self, fd: int, /) -> Poller:
        """See ``accord.protocols.Readiness``."""
        driver = current_state().token.driver
        if driver is None:
            return Poller(fd)
        from .virtual import VirtualPoller  # no part of an ordinary run

        return VirtualPoller(fd, driver)
