"""Listening sockets.

``serve`` takes several connections each time that the listener is ready, without a checkpoint between accepting one
and starting its handler, so that none is lost to a cancellation. What goes wrong with one connection, before or in
its handler, is that connection's affair: the server goes on.
"""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic

from .._tasks import TASK_STATUS_IGNORED, create_task_group
from .._time import sleep
from ..exceptions import BusyResourceError, ClosedResourceError
from ..protocols import TaskGroup, TaskStatus
from ..protocols.streams import OnError
from .resources import IP, SocketResource, adopt
from .sockets import SocketStream

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # that of typing has no default before Python 3.13

    S_co = TypeVar("S_co", bound=SocketStream, covariant=True, default=SocketStream)
else:
    from typing import TypeVar

    S_co = TypeVar("S_co", bound=SocketStream, covariant=True)

_logger = logging.getLogger("accord.net")

_KINDS = (socket.SOCK_STREAM, getattr(socket, "SOCK_SEQPACKET", socket.SOCK_STREAM))

_AT_ONCE = 32
"""How many connections are accepted before other tasks get their turn."""

_PAUSE = 0.1
"""Seconds to wait after the system ran out of what a connection needs."""

_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

# accept(2): errors of a connection that came and went are reported by accept, and mean nothing for the next one.
_GONE = {
    getattr(errno, name)
    for name in (
        *("ECONNABORTED", "EPROTO", "ENETDOWN", "ENOPROTOOPT", "EHOSTDOWN", "ENONET"),
        *("EHOSTUNREACH", "EOPNOTSUPP", "ENETUNREACH", "EPERM"),
    )
    if hasattr(errno, name)
}


async def run_handler(handler: Callable[[Any], Any], stream: Any, on_error: OnError) -> None:
    """Run a connection's handler; if it doesn't end normally its stream is closed (NET-12)."""
    try:
        await handler(stream)
    except Exception as exc:
        stream._close()
        if on_error == "raise":
            raise
        if on_error == "log":
            _logger.exception("the handler of a connection failed")
        else:
            on_error(exc)
    except BaseException:
        stream._close()
        raise


def check_on_error(on_error: object) -> None:
    """Refuse anything but ``"log"``, ``"raise"`` and functions."""
    if not callable(on_error) and on_error not in ("log", "raise"):
        raise ValueError(f'on_error must be "log", "raise" or a function, got {on_error!r}')


class SocketListener(SocketResource, Generic[S_co]):
    """A listening socket (area NET)."""

    __slots__ = ("_accepting", "_make_stream")

    def __init__(self, sock: socket.socket, make_stream: Callable[[socket.socket], S_co]) -> None:
        super().__init__(sock, connected=False)
        self._make_stream = make_stream
        self._accepting = False

    @classmethod
    async def from_socket(cls, sock_or_fd: socket.socket | int) -> SocketListener[SocketStream]:
        """Make a listener of a listening socket, which is closed with it; a checkpoint (NET-20).

        :param sock_or_fd: a socket or a descriptor. It stays the caller's if this raises: ``ValueError`` if it is not
            a listening stream socket, ``TypeError`` if it is no socket.
        """
        return await adopt(sock_or_fd, _listener_for, kinds=_KINDS, listening=True)

    async def accept(self) -> S_co:
        """Wait for a connection and return it; a checkpoint (NET-13).

        Raises ``ClosedResourceError``, ``BusyResourceError``, and ``OSError`` if the system has no more descriptors
        or memory.
        """
        return (await self._accept(1))[0]

    async def _accept(self, most: int) -> list[S_co]:
        if self._accepting:
            raise BusyResourceError("accepting connections from")
        self._accepting = True
        try:
            backend = self._backend
            if self._closed or backend.checkpoint_due():
                await backend.checkpoint()
                self._check_open()
            return await self._poller.readable(lambda: self._take(most))
        finally:
            self._accepting = False

    def _take(self, most: int) -> list[S_co]:
        """Accept what is there; ``BlockingIOError`` if there is nothing."""
        streams: list[S_co] = []
        while len(streams) < most:
            try:
                connection, _ = self._socket.accept()
            except OSError as exc:
                if exc.errno in _GONE:
                    continue
                if streams:
                    break
                raise
            try:
                streams.append(self._make_stream(connection))
            except OSError:
                connection.close()  # it was reset before it could be set up
        return streams

    async def serve(
        self,
        handler: Callable[[S_co], Any],
        /,
        task_group: TaskGroup | None = None,
        *,
        task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
        on_error: OnError = "log",
    ) -> None:
        """Run ``handler(stream)`` as a task for each connection, until the listener is closed or cancelled (NET-12).

        :param task_group: where to run the tasks; by default in a group of its own, which ends with this call.
        :param task_status: is told when connections are accepted; for ``await group.start(listener.serve, handler)``.
        :param on_error: what to do with an ``Exception`` that a handler raises: ``"log"`` it to the logger
            ``accord.net`` and go on; ``"raise"`` it, which ends the task group; or a function that is called with it.
            The stream of a handler that does not end normally is closed.
        """
        check_on_error(on_error)
        if task_group is None:
            async with create_task_group(name="serve") as group:
                await self._serve(handler, group, task_status, on_error)
        else:
            await self._serve(handler, task_group, task_status, on_error)

    async def _serve(
        self, handler: Callable[[S_co], Any], group: TaskGroup, task_status: TaskStatus[None], on_error: OnError
    ) -> None:
        name = getattr(handler, "__qualname__", None)
        task_status.started()
        while True:
            try:
                streams = await self._accept(_AT_ONCE)
            except ClosedResourceError:
                return
            except OSError as exc:
                if exc.errno not in _EXHAUSTED:
                    raise
                _logger.warning("can't accept a connection, trying again in %s s: %s", _PAUSE, exc)
                await sleep(_PAUSE)
                continue
            streams.reverse()
            try:
                while streams:
                    group.start_soon(run_handler, handler, streams[-1], on_error, name=name)
                    streams.pop()
            finally:
                for stream in streams:  # the group takes no more tasks
                    stream._close()

    def __repr__(self) -> str:
        return f"<SocketListener {'closed' if self._closed else 'open'}>"


def _listener_for(sock: socket.socket) -> SocketListener[SocketStream]:
    if sock.family in IP:
        return SocketListener(sock, SocketStream)
    from .unix_streams import stream_class  # not sooner: it builds on these modules

    return SocketListener(sock, stream_class(sock.type))
