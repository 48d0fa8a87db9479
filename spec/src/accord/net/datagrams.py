"""What all datagram sockets share.

There is no queue of ours: datagrams that nobody has received yet are in the operating system's, which drops those that
come when it is full, and ``send`` waits until the system has taken the datagram. Each datagram stands for itself, so
the socket is as good as before after any error: what the system says about one datagram is raised once, by the
operation to which it says it.
"""

from __future__ import annotations

import errno
import socket
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from .._mixins import Receiving
from .._transfers import NOT_READY
from ..exceptions import BrokenResourceError, BusyResourceError
from ..streams.checking import check_item
from .resources import SocketResource

T = TypeVar("T")

_DIRECT_WAITS = 7
"""How often ``receive`` waits at once after it has found nothing: who asks and is answered would find nothing again."""


def as_bytes(item: object) -> bytes:
    """Return a datagram's or record's data, copied if it could change; ``TypeError`` for what can't be sent."""
    if type(item) is bytes:
        return item
    with check_item(item) as view:
        return view.tobytes()


def datagram_error(exc: OSError, what: str = "datagram") -> Exception:
    """Return the error for what the system says about a datagram (UDP-4, UDP-5)."""
    if exc.errno == errno.EMSGSIZE:
        return ValueError(f"the {what} is too long for this socket: nothing was sent")
    return BrokenResourceError(f"the system reports about a {what}: {exc.strerror or type(exc).__name__}")


class DatagramSocket(SocketResource, Receiving[T]):
    """A socket of datagrams; ``T`` is what ``receive`` returns."""

    __slots__ = ("_receiving", "_sending", "_waits")

    def __init__(self, sock: socket.socket, connected: bool) -> None:
        super().__init__(sock, connected)
        self._receiving = False
        self._sending = False
        self._waits = 0

    @abstractmethod
    def _take(self) -> T:
        """Return a datagram that has come; ``BlockingIOError`` if there is none."""

    async def receive(self) -> T:
        """Wait for a datagram and return it whole, with its sender's address if the socket isn't connected.

        A checkpoint (UDP-1 to UDP-4, UDP-7 to UDP-9). An empty datagram is one like any other. Raises
        ``ClosedResourceError``, ``BusyResourceError``, and ``BrokenResourceError`` for an error that the system
        reports,
        as that an earlier datagram has not reached its receiver; the socket can be used further. If it is cancelled no
        datagram is lost.
        """
        if self._receiving:
            raise BusyResourceError("receiving from")
        self._receiving = True
        try:
            backend = self._backend
            if self._closed or backend.checkpoint_due():
                await backend.checkpoint()
                self._check_open()
            if self._waits:
                self._waits -= 1
            else:
                try:
                    return self._take()
                except NOT_READY:
                    self._waits = _DIRECT_WAITS
            return await self._poller.readable(self._take)
        except OSError as exc:
            raise datagram_error(exc) from exc
        finally:
            self._receiving = False

    async def _send(self, attempt: Callable[[], object]) -> None:
        if self._sending:
            raise BusyResourceError("sending to")
        self._sending = True
        try:
            backend = self._backend
            if self._closed or backend.checkpoint_due():
                await backend.checkpoint()
                self._check_open()
            try:
                attempt()
            except NOT_READY:
                pass
            else:
                return
            await self._wait_and_send(attempt)
        except OSError as exc:
            raise datagram_error(exc) from exc
        finally:
            self._sending = False

    async def _wait_and_send(self, attempt: Callable[[], object]) -> None:
        await self._poller.writable(attempt)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}>"
