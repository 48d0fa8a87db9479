"""What every object that owns a socket shares: its poller, its typed attributes, and closing both in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .._backends import current_backend
from ..exceptions import ClosedResourceError
from ..protocols import Poller
from .attributes import TypedAttributeProvider, socket_attributes

if TYPE_CHECKING:
    import socket


def create_poller(fd: int) -> Poller:
    """Return a poller of the running backend; ``NotImplementedError`` if it has none."""
    backend = current_backend()
    readiness = backend.readiness
    if readiness is None:
        raise NotImplementedError(f"backend {backend.name!r} does not have the capability 'readiness'")
    return readiness.create_poller(fd)


class SocketResource(TypedAttributeProvider):
    """The closing of a socket together with its poller."""

    __slots__ = ("__weakref__", "_closed", "_connected", "_poller", "_socket")

    def __init__(self, sock: socket.socket, connected: bool) -> None:
        sock.setblocking(False)
        self._poller = create_poller(sock.fileno())
        self._socket = sock
        self._closed = False
        self._connected = connected

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """See ``TypedAttributeProvider``."""
        self._check_open()
        return socket_attributes(self._socket, connected=self._connected)

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedResourceError("this socket is closed")

    async def aclose(self) -> None:
        """Close the socket; tasks that wait for it get ``ClosedResourceError``. Idempotent, a checkpoint."""
        if not self._closed:
            self._closed = True
            self._poller.close()
            self._socket.close()
        await current_backend().checkpoint()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()
