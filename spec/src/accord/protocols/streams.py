"""Streams of objects and of bytes, and listeners: what portable code passes around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, Self, TypeVar

from .resources import AsyncResource
from .tasks import TaskGroup, TaskStatus

T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")

OnError = Literal["log", "raise"] | Callable[[Exception], object]
"""What a listener does with the exception of a handler: log it and go on, raise it, or call a function."""


class ObjectReceiveStream(AsyncResource, Protocol[T_co]):
    """Receives objects, in order and each once."""

    __slots__ = ()

    async def receive(self) -> T_co:
        """Return the next object; ``EndOfStream`` after the last, ``ClosedResourceError`` after ``aclose``."""
        ...

    def __aiter__(self) -> Self:
        """Iterate over the objects until the end of the stream."""
        ...

    async def __anext__(self) -> T_co:
        """Return the next object or end the iteration."""
        ...


class ObjectSendStream(AsyncResource, Protocol[T_contra]):
    """Sends objects, in order."""

    __slots__ = ()

    async def send(self, item: T_contra, /) -> None:
        """Send an object, waiting for room; ``BrokenResourceError`` if nobody can receive it any more."""
        ...


class ObjectStream(ObjectReceiveStream[T], ObjectSendStream[T], Protocol[T]):
    """Both directions."""

    __slots__ = ()

    async def send_eof(self) -> None:
        """End the sending direction; idempotent."""
        ...


class ByteReceiveStream(AsyncResource, Protocol):
    """Receives bytes."""

    __slots__ = ()

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Return 1 to ``max_bytes`` bytes; ``EndOfStream`` at the end, never an empty value."""
        ...

    def __aiter__(self) -> Self:
        """Iterate over the chunks until the end of the stream."""
        ...

    async def __anext__(self) -> bytes:
        """Return the next chunk or end the iteration."""
        ...


class ByteSendStream(AsyncResource, Protocol):
    """Sends bytes."""

    __slots__ = ()

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send all of ``item``; ``BrokenResourceError`` if the peer is gone."""
        ...


class ByteStream(ByteReceiveStream, ByteSendStream, Protocol):
    """Both directions."""

    __slots__ = ()

    async def send_eof(self) -> None:
        """End the sending direction; idempotent."""
        ...


class Listener(AsyncResource, Protocol[T_co]):
    """Accepts connections."""

    __slots__ = ()

    async def serve(
        self,
        handler: Callable[[T_co], Any],
        /,
        task_group: TaskGroup | None = None,
        *,
        task_status: TaskStatus[None] = ...,
        on_error: OnError = ...,
    ) -> None:
        """Run ``handler(stream)`` as a task for each connection, until the listener is closed or cancelled.

        :param task_group: where to run the tasks; by default in a group of its own.
        :param task_status: is told when connections are accepted.
        :param on_error: what happens to an ``Exception`` that a handler raises: ``"log"``, ``"raise"`` or a function.
        """
        ...


class UnreliableObjectStream(ObjectReceiveStream[T], ObjectSendStream[T], Protocol[T]):
    """Both directions of datagrams: objects may be lost, doubled or out of order, and there is no end of stream."""

    __slots__ = ()


class ByteStreamConnectable(Protocol):
    """Something that one can connect to as often as one likes."""

    __slots__ = ()

    async def connect(self) -> ByteStream:
        """Make a connection and return it; ``ConnectionFailed`` if there is none to be had."""
        ...


class ObjectStreamConnectable(Protocol[T]):
    """The same for streams of objects."""

    __slots__ = ()

    async def connect(self) -> ObjectStream[T]:
        """Make a connection and return it; ``ConnectionFailed`` if there is none to be had."""
        ...
