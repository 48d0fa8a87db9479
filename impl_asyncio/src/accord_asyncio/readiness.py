"""Pollers: a descriptor stays registered with the loop from one operation to the next.

The operation is tried in the loop's callback, so that a readable socket is read in the same turn of the loop, and a
level-triggered selector does not report it again while the task is on its way. Where the selector does report with
nobody waiting, the registration is taken back until the next wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from accord import BusyResourceError, ClosedResourceError

from .parking import Parker, checkpoint

T = TypeVar("T")


class _Direction:
    """Waiting for one of the two events of a descriptor."""

    __slots__ = ("_add", "_attempt", "_fd", "_parker", "_registered", "_remove", "_what")

    def __init__(self, fd: int, what: str, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        self._fd = fd
        self._what = what
        self._add = add
        self._remove = remove
        self._registered = False
        self._parker: Parker | None = None
        self._attempt: Callable[[], Any] | None = None

    async def perform(self, attempt: Callable[[], T]) -> T:
        if self._parker is not None:
            raise BusyResourceError(self._what)
        self._parker = parker = Parker()
        self._attempt = attempt
        try:
            if not self._registered:
                self._add(self._fd, self._on_ready)
                self._registered = True
            failed, value = await parker.park()
        finally:
            self._parker = None
            self._attempt = None
        if failed:
            try:
                raise value
            finally:
                del value
        result: T = value
        return result

    def _on_ready(self) -> None:
        parker, attempt = self._parker, self._attempt
        if parker is None or attempt is None or parker.woken:
            self.forget()
            return
        try:
            value = attempt()
        except (BlockingIOError, InterruptedError):
            return
        except BaseException as exc:
            parker.unpark((True, exc))
        else:
            parker.unpark((False, value))

    def forget(self) -> None:
        if self._registered:
            self._registered = False
            self._remove(self._fd)

    def close(self) -> None:
        self.forget()
        if self._parker is not None:
            self._parker.unpark((True, ClosedResourceError("this resource was closed while a task was waiting for it")))


class Poller:
    """See ``accord.protocols.Poller``."""

    __slots__ = ("_closed", "_reading", "_writing")

    def __init__(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        self._closed = False
        self._reading = _Direction(fd, "receiving from", loop.add_reader, loop.remove_reader)
        self._writing = _Direction(fd, "sending to", loop.add_writer, loop.remove_writer)

    async def readable(self, attempt: Callable[[], T], /) -> T:
        """See ``accord.protocols.Poller``."""
        return await self._perform(self._reading, attempt)

    async def writable(self, attempt: Callable[[], T], /) -> T:
        """See ``accord.protocols.Poller``."""
        return await self._perform(self._writing, attempt)

    async def _perform(self, direction: _Direction, attempt: Callable[[], T]) -> T:
        if self._closed:
            await checkpoint()
            raise ClosedResourceError
        return await direction.perform(attempt)

    def close(self) -> None:
        """See ``accord.protocols.Poller``."""
        self._closed = True
        self._reading.close()
        self._writing.close()


class Readiness:
    """See ``accord.protocols.Readiness``."""

    __slots__ = ()

    def create_poller(self, fd: int, /) -> Poller:
        """See ``accord.protocols.Readiness``."""
        return Poller(fd)
