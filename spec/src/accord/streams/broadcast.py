"""Broadcast streams: each item goes to every subscriber.

Each subscriber has a buffer of its own. An item is put into all of them in one step, or into none: so a send that was
cancelled has reached nobody. What happens when a subscriber's buffer is full is chosen when the stream is made.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from .._backends import current_backend, here
from .._mixins import MustBeClosed, Receiving
from ..exceptions import BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock
from ..protocols.parking import AnyParker
from ..toolkit.checks import check_amount

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

OnLag = Literal["block", "drop_oldest", "error"]
"""What happens to a subscriber that has no room for an item: the sender waits, the oldest item is dropped, or the
subscriber's stream is broken."""

# What a waiting task is woken with, instead of an item or of None:
_CLOSED: Any = object()
_ENDED: Any = object()


class BroadcastStatistics(NamedTuple):
    """The state of a broadcast stream."""

    max_buffer_size: float
    """How many items fit into the buffer of a subscriber."""
    subscribers: int
    """Number of open subscriptions."""
    tasks_waiting_send: int
    """Number of tasks in ``send()``."""


class SubscriptionStatistics(NamedTuple):
    """The state of a subscriber to a broadcast stream."""

    current_buffer_used: int
    """Number of items in its buffer."""
    max_buffer_size: float
    """How many items fit into it."""
    lost: int
    """How many items were dropped because it was full."""
    tasks_waiting_receive: int
    """Number of tasks in ``receive()``."""


class _Channel:
    """What the sending end and the subscribers share."""

    __slots__ = ("closed", "max_size", "on_lag", "senders", "subscriptions")

    def __init__(self, max_size: float, on_lag: OnLag) -> None:
        self.max_size = max_size
        self.on_lag = on_lag
        self.closed = False
        self.subscriptions: list[_Subscription] = []
        self.senders: deque[tuple[AnyParker, Any]] = deque()

    def has_room(self) -> bool:
        """Return whether an item can be put into all buffers."""
        if self.on_lag != "block":
            return True
        return all(len(subscription.buffer) < self.max_size for subscription in self.subscriptions)

    def put(self, item: Any) -> None:
        for subscription in [*self.subscriptions]:
            subscription.put(item)

    def serve(self) -> None:
        """Take the items of waiting senders, as far as there is room."""
        while self.senders and self.has_room():
            parker, item = self.senders.popleft()
            if parker.unpark(None):
                self.put(item)

    def leave(self, subscription: _Subscription) -> None:
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)
            self.serve()


class _Subscription:
    """What a channel knows of a subscriber."""

    __slots__ = ("broken", "buffer", "channel", "lost", "receivers")

    def __init__(self, channel: _Channel) -> None:
        self.channel = channel
        self.buffer: deque[Any] = deque()
        self.receivers: deque[AnyParker] = deque()
        self.lost = 0
        self.broken = False

    def put(self, item: Any) -> None:
        while self.receivers:
            if self.receivers.popleft().unpark(item):
                return
        if len(self.buffer) >= self.channel.max_size:
            if self.channel.on_lag == "error":
                self.broken = True
                self.buffer.clear()
                self.channel.leave(self)
                return
            self.buffer.popleft()
            self.lost += 1
        self.buffer.append(item)

    def wake(self, message: object) -> None:
        while self.receivers:
            self.receivers.popleft().unpark(message)


class BroadcastReceiveStream(MustBeClosed, Receiving[T_co]):
    """A subscriber's end; an asynchronous iterator, and a context manager that closes it (area BCAST)."""

    __slots__ = ("__weakref__", "_closed", "_subscription")

    def __init__(self, subscription: Any) -> None:
        self._subscription: _Subscription = subscription
        self._closed = False

    def _is_ready(self) -> bool:
        subscription = self._subscription
        return bool(subscription.buffer) or self._closed or subscription.broken or subscription.channel.closed

    def receive_nowait(self) -> T_co:
        """Return the next item without waiting, or raise as ``receive`` does; ``WouldBlock`` if there is none.

        No checkpoint.
        """
        subscription = self._subscription
        if self._closed:
            raise ClosedResourceError("this subscription to a broadcast stream is closed")
        if subscription.broken:
            size = subscription.channel.max_size
            raise BrokenResourceError(f"this subscriber to a broadcast stream fell behind by more than {size} items")
        if subscription.buffer:
            item: T_co = subscription.buffer.popleft()
            subscription.channel.serve()
            return item
        if subscription.channel.closed:
            raise EndOfStream("the broadcast stream was closed by its sender")
        raise WouldBlock("this subscriber to a broadcast stream has no item")

    async def receive(self) -> T_co:
        """Wait for the next item and return it; a checkpoint.

        Raises ``EndOfStream`` when the items are used up and the sending end is closed, ``BrokenResourceError`` if
        this subscriber fell behind and the stream has ``on_lag="error"``, ``ClosedResourceError`` if this end is
        closed, also while waiting. If it is cancelled no item is lost.
        """
        backend = here.backend or current_backend()
        if self._is_ready():
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._is_ready():
                return self.receive_nowait()
        parker = backend.create_parker()
        receivers = self._subscription.receivers
        receivers.append(parker)
        try:
            item: Any = await parker.park()
        except BaseException:
            if parker in receivers:
                receivers.remove(parker)
            raise
        if item is _CLOSED or item is _ENDED:
            return self.receive_nowait()
        received: T_co = item
        return received

    def close(self) -> None:
        """Close this end; idempotent, no checkpoint. Its items are dropped, and senders don't wait for it any more."""
        if not self._closed:
            self._closed = True
            self._subscription.buffer.clear()
            self._subscription.wake(_CLOSED)
            self._subscription.channel.leave(self._subscription)

    def statistics(self) -> SubscriptionStatistics:
        """Return the state of the subscription."""
        subscription = self._subscription
        waiting = len(subscription.receivers)
        return SubscriptionStatistics(
            len(subscription.buffer), subscription.channel.max_size, subscription.lost, waiting
        )

    def __repr__(self) -> str:
        return (
            f"<BroadcastReceiveStream {'closed' if self._closed else 'open'}, {len(self._subscription.buffer)} items>"
        )


class BroadcastSendStream(MustBeClosed, Generic[T_contra]):
    """The sending end of a broadcast stream; a context manager that closes it (area BCAST).

    :param max_buffer_size: how many items fit into each subscriber's buffer: an int of at least 1, or ``math.inf``.
    :param on_lag: what happens when a subscriber has no room for an item: ``"block"``, the sender waits;
        ``"drop_oldest"``, the subscriber's oldest item is dropped and counted; ``"error"``, its stream is broken.

    Any number of tasks may send. Needs no running loop. Raises ``ValueError`` or ``TypeError`` for other arguments.
    """

    __slots__ = ("__weakref__", "_channel")

    def __init__(self, max_buffer_size: float, on_lag: OnLag = "block") -> None:
        if check_amount(max_buffer_size, "max_buffer_size") < 1:
            raise ValueError("max_buffer_size must be at least 1, got 0")
        if on_lag not in {"block", "drop_oldest", "error"}:
            raise ValueError(f"on_lag must be 'block', 'drop_oldest' or 'error', not {on_lag!r}")
        self._channel = _Channel(max_buffer_size, on_lag)

    def subscribe(self: BroadcastSendStream[T]) -> BroadcastReceiveStream[T]:
        """Return a new subscriber's end, which gets what is sent from now on; ``ClosedResourceError`` if closed.

        No checkpoint.
        """
        self._check_open()
        subscription = _Subscription(self._channel)
        self._channel.subscriptions.append(subscription)
        return BroadcastReceiveStream[T](subscription)

    def _check_open(self) -> None:
        if self._channel.closed:
            raise ClosedResourceError("this broadcast stream is closed")

    def send_nowait(self, item: T_contra, /) -> None:
        """Send an item to all subscribers without waiting; ``WouldBlock`` if one of them has no room. No checkpoint."""
        self._check_open()
        if self._channel.senders or not self._channel.has_room():
            raise WouldBlock("a subscriber to the broadcast stream has no room")
        self._channel.put(item)

    async def send(self, item: T_contra, /) -> None:
        """Send an item to all subscribers, waiting for room if the stream is to block; a checkpoint.

        Without subscribers the item goes to nobody. Raises ``ClosedResourceError`` if the stream is closed, also while
        waiting. If it raises, whatever it is, nobody got the item or will get it.
        """
        backend = here.backend or current_backend()
        channel = self._channel
        if channel.closed or (not channel.senders and channel.has_room()):
            if backend.checkpoint_due():
                await backend.checkpoint()
            self._check_open()
            if not channel.senders and channel.has_room():
                channel.put(item)
                return
        parker = backend.create_parker()
        sender = (parker, item)
        channel.senders.append(sender)
        try:
            answer = await parker.park()
        except BaseException:
            if sender in channel.senders:
                channel.senders.remove(sender)
            raise
        if answer is _CLOSED:
            self._check_open()

    def close(self) -> None:
        """Close the stream; idempotent, no checkpoint.

        Tasks that wait in ``send`` get ``ClosedResourceError``; subscribers get what is left in their buffers and then
        ``EndOfStream``.
        """
        channel = self._channel
        if not channel.closed:
            channel.closed = True
            while channel.senders:
                channel.senders.popleft()[0].unpark(_CLOSED)
            for subscription in channel.subscriptions:
                subscription.wake(_ENDED)
            channel.subscriptions.clear()

    def statistics(self) -> BroadcastStatistics:
        """Return the state of the stream."""
        channel = self._channel
        return BroadcastStatistics(channel.max_size, len(channel.subscriptions), len(channel.senders))

    def _is_open(self) -> bool:
        channel = getattr(self, "_channel", None)
        return channel is not None and not channel.closed

    def __repr__(self) -> str:
        channel = self._channel
        state = "closed" if channel.closed else "open"
        return (
            f"<BroadcastSendStream {state}, {len(channel.subscriptions)} subscribers, {len(channel.senders)} sending>"
        )


create_broadcast_stream = BroadcastSendStream
"""The name that goes with ``create_memory_object_stream``; ``create_broadcast_stream[Item](...)`` gives the type."""
