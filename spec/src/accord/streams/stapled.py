"""Several streams or listeners that are used as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar, cast

from .._attributes import TypedAttributeProvider
from .._backends import current_backend
from .._closing import aclose_all
from .._mixins import Closing, Receiving
from .._tasks import TASK_STATUS_IGNORED, create_task_group
from ..exceptions import BusyResourceError, ClosedResourceError
from ..protocols import (
    ByteReceiveStream,
    ByteSendStream,
    Listener,
    ObjectReceiveStream,
    ObjectSendStream,
    TaskGroup,
    TaskStatus,
)
from ..protocols.streams import OnError
from .checking import attributes_of

T = TypeVar("T")


class _Stapled(TypedAttributeProvider, Receiving[Any]):
    """What stapled streams of both kinds share: the end of sending, and closing both."""

    __slots__ = ("__weakref__", "_closed", "_sending", "receive_stream", "send_stream")

    def __init__(self, send_stream: Any, receive_stream: Any) -> None:
        self.send_stream = send_stream
        self.receive_stream = receive_stream
        self._closed = False
        self._sending = 0

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of both streams; where both know one, that of the receiving stream."""
        return attributes_of(self.send_stream, self.receive_stream)

    async def _send_all(self, item: Any) -> None:
        # The sending stream refuses a second sender by itself; the count is for send_eof(), which would cut it off.
        self._sending += 1
        try:
            await self.send_stream.send(item)
        finally:
            self._sending -= 1

    async def send_eof(self) -> None:
        """End the sending direction by closing the sending stream; idempotent, a checkpoint if closing that is one.

        Raises ``BusyResourceError`` while a task sends, ``ClosedResourceError`` on a closed stream.
        """
        if self._sending:
            raise BusyResourceError("sending to")
        await current_backend().checkpoint_if_cancelled()
        if self._closed:
            raise ClosedResourceError("this stream is closed")
        await self.send_stream.aclose()

    async def aclose(self) -> None:
        """Close both streams, whatever happens, and then raise what they raised; a checkpoint if that is one."""
        self._closed = True
        await aclose_all(self.send_stream, self.receive_stream)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.send_stream!r} and {self.receive_stream!r}>"


class StapledByteStream(_Stapled):
    """A byte stream made of one for each direction (STREAM-50 to STREAM-52).

    Each direction keeps the rules by itself: one may be broken while the other goes on.

    :param send_stream: where ``send`` goes. ``send_eof`` closes it.
    :param receive_stream: where ``receive`` comes from.
    """

    __slots__ = ()

    def __init__(self, send_stream: ByteSendStream, receive_stream: ByteReceiveStream) -> None:
        super().__init__(send_stream, receive_stream)

    async def receive(self, max_bytes: int = 65536, /) -> bytes:
        """Receive as the receiving stream does."""
        received: bytes = await self.receive_stream.receive(max_bytes)
        return received

    async def send(self, item: bytes | bytearray | memoryview, /) -> None:
        """Send as the sending stream does."""
        await self._send_all(item)


class StapledObjectStream(_Stapled, Generic[T]):
    """An object stream made of one for each direction (STREAM-50 to STREAM-52).

    :param send_stream: where ``send`` goes. ``send_eof`` closes it.
    :param receive_stream: where ``receive`` comes from.
    """

    __slots__ = ()

    def __init__(self, send_stream: ObjectSendStream[T], receive_stream: ObjectReceiveStream[T]) -> None:
        super().__init__(send_stream, receive_stream)

    async def receive(self) -> T:
        """Receive as the receiving stream does."""
        received: T = await self.receive_stream.receive()
        return received

    async def send(self, item: T, /) -> None:
        """Send as the sending stream does."""
        await self._send_all(item)

    def send_nowait(self, item: T, /) -> None:
        """Send without waiting, as the sending stream does; ``NotImplementedError`` if it can't."""
        send_nowait = getattr(self.send_stream, "send_nowait", None)
        if send_nowait is None:
            raise NotImplementedError(f"a {type(self.send_stream).__name__} can't send without waiting")
        send_nowait(item)


class _Countdown:
    """A task status that is started once all of several tasks are, or have ended."""

    __slots__ = ("_left", "_status")

    def __init__(self, count: int, status: TaskStatus[None]) -> None:
        self._left = count
        self._status = status

    def step(self) -> None:
        self._left -= 1
        if not self._left:
            self._status.started()


class _OneOfThem:
    """The task status of one of them."""

    __slots__ = ("_countdown", "_done")

    def __init__(self, countdown: _Countdown) -> None:
        self._countdown = countdown
        self._done = False

    def started(self, _value: object = None, /) -> None:
        if not self._done:
            self._done = True
            self._countdown.step()


class MultiListener(TypedAttributeProvider, Closing, Generic[T]):
    """Several listeners that are used as one (STREAM-53, STREAM-54).

    :param listeners: at least one; those of a ``MultiListener`` among them are taken out of it, so that it is empty.
    """

    __slots__ = ("__weakref__", "listeners")

    def __init__(self, listeners: Iterable[Listener[T]]) -> None:
        flat: list[Listener[T]] = []
        for listener in listeners:
            if isinstance(listener, MultiListener):
                inner = cast("MultiListener[T]", listener)
                flat += inner.listeners
                inner.listeners = ()
            else:
                flat.append(listener)
        if not flat:
            raise ValueError("listeners must not be empty")
        self.listeners: tuple[Listener[T], ...] = tuple(flat)
        """The listeners."""

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """Those of all listeners; where several know one, that of the first."""
        return attributes_of(*reversed(self.listeners))

    async def serve(
        self,
        handler: Callable[[T], Any],
        /,
        task_group: TaskGroup | None = None,
        *,
        task_status: TaskStatus[None] = TASK_STATUS_IGNORED,
        on_error: OnError = "log",
    ) -> None:
        """Run ``handler(stream)`` as a task for each connection of any of the listeners; return when all are closed.

        :param task_group: where to run the tasks; by default in a group of its own, which ends with this call.
        :param task_status: started once all listeners are ready.
        :param on_error: what happens to an ``Exception`` that a handler raises: ``"log"``, ``"raise"`` or a function.

        What one of them raises ends all, in an exception group.
        """
        countdown = _Countdown(len(self.listeners), task_status)
        async with create_task_group(name="serve") as group:
            for listener in self.listeners:
                group.start_soon(
                    self._serve_one,
                    partial(listener.serve, handler, task_group or group, on_error=on_error),
                    _OneOfThem(countdown),
                    name=f"serve {type(listener).__name__}",
                )

    async def _serve_one(self, serve: Callable[..., Any], status: _OneOfThem) -> None:
        await serve(task_status=status)
        status.started()  # it was closed before it began

    async def aclose(self) -> None:
        """Close all listeners, whatever happens, and then raise what they raised; a checkpoint if that is one."""
        await aclose_all(*self.listeners)

    def __repr__(self) -> str:
        return f"<MultiListener of {', '.join(map(repr, self.listeners)) or 'nothing'}>"
