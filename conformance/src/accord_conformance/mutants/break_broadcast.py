"""Mutants of broadcast streams and latest values."""

from __future__ import annotations

from typing import Any

from accord import BroadcastReceiveStream, BroadcastSendStream, LatestValue, LatestValueStream
from accord.lowlevel import checkpoint, checkpoint_if_cancelled
from accord.streams import broadcast

from .making import Broken, around, mutant, replace
from .waiting import around_setter, checks_again, refuses_the_cancelled, trusts_unpark

_Channel: Any = vars(broadcast)["_Channel"]
_Subscription: Any = vars(broadcast)["_Subscription"]


@mutant("BCAST-1")
def broadcast_takes_any_way_to_lag(_: Broken) -> None:
    """What on_lag says is not looked at."""

    def init(original: Any, self: Any, size: Any, on_lag: Any = "block") -> None:
        original(self, size, on_lag if on_lag in {"drop_oldest", "error"} else "block")

    around(BroadcastSendStream, "__init__", init)


@mutant("BCAST-2")
def broadcast_shares_items(_: Broken) -> None:
    """Each item goes to one subscriber."""

    def put(self: Any, item: Any) -> None:
        if self.subscriptions:
            self.subscriptions[0].put(item)
            self.subscriptions.append(self.subscriptions.pop(0))

    replace(_Channel, put=put)


@mutant("BCAST-2")
def broadcast_replays(_: Broken) -> None:
    """A new subscriber gets what an older one has in its buffer."""

    def subscribe(original: Any, self: Any) -> Any:
        stream = original(self)
        for other in self._channel.subscriptions[:1]:
            if other is not stream._subscription:
                stream._subscription.buffer.extend(other.buffer)
        return stream

    around(BroadcastSendStream, "subscribe", subscribe)


@mutant("BCAST-3")
def broadcast_never_blocks(_: Broken) -> None:
    """The buffers grow."""

    def has_room(_self: Any) -> bool:
        return True

    def put(self: Any, item: Any) -> None:
        while self.receivers:
            if self.receivers.popleft().unpark(item):
                return
        self.buffer.append(item)

    replace(_Channel, has_room=has_room)
    replace(_Subscription, put=put)


@mutant("BCAST-3")
def broadcast_waits_for_the_closed(_: Broken) -> None:
    """When a subscriber leaves nobody looks at the senders."""

    def leave(self: Any, subscription: Any) -> None:
        if subscription in self.subscriptions:
            self.subscriptions.remove(subscription)

    replace(_Channel, leave=leave)


@mutant("BCAST-4")
def broadcast_drops_the_newest(_: Broken) -> None:
    """A subscriber that lags does not get the new item."""

    def put(original: Any, self: Any, item: Any) -> None:
        if self.channel.on_lag == "drop_oldest" and len(self.buffer) >= self.channel.max_size:
            self.lost += 1
        else:
            original(self, item)

    around(_Subscription, "put", put)


@mutant("BCAST-4")
def broadcast_does_not_count(_: Broken) -> None:
    """What is dropped is not counted."""

    def put(original: Any, self: Any, item: Any) -> None:
        original(self, item)
        self.lost = 0

    around(_Subscription, "put", put)


@mutant("BCAST-4")
def broadcast_errors_are_forgotten(_: Broken) -> None:
    """A subscriber that fell behind is told once."""

    def receive_nowait(original: Any, self: Any) -> Any:
        broken = self._subscription.broken
        try:
            return original(self)
        finally:
            if broken:
                self._subscription.broken = False

    around(BroadcastReceiveStream, "receive_nowait", receive_nowait)


@mutant("BCAST-5")
def broadcast_send_reaches_some(_: Broken) -> None:
    """A sender that waits has given its item to those who had room."""

    async def send(original: Any, self: Any, item: Any) -> None:
        channel = self._channel
        if not channel.closed and not channel.has_room():
            for subscription in channel.subscriptions:
                if len(subscription.buffer) < channel.max_size:
                    subscription.put(item)
        await original(self, item)

    around(BroadcastSendStream, "send", send)


@mutant("BCAST-5")
def broadcast_serves_the_cancelled(broken: Broken) -> None:
    """An item is given to a receiver that was cancelled."""
    trusts_unpark(broken, BroadcastSendStream, "send_nowait")


@mutant("BCAST-5")
def broadcast_receive_checks_again(_: Broken) -> None:
    """A receiver that has got its item raises if it is cancelled before it resumes."""
    checks_again(BroadcastReceiveStream, "receive")


@mutant("BCAST-6")
def broadcast_end_drops_items(_: Broken) -> None:
    """When the sender is closed the buffers are emptied."""

    def close(original: Any, self: Any) -> None:
        for subscription in self._channel.subscriptions:
            subscription.buffer.clear()
        original(self)

    around(BroadcastSendStream, "close", close)


@mutant("BCAST-6")
def broadcast_close_wakes_nobody(_: Broken) -> None:
    """Who waits when an end is closed waits on."""

    def wake(_self: Any, _message: Any) -> None:
        pass

    replace(_Subscription, wake=wake)


@mutant("BCAST-6")
def broadcast_is_quiet(_: Broken) -> None:
    """Unclosed ends are no warning."""

    def delete(_self: Any) -> None:
        pass

    replace(BroadcastReceiveStream, __del__=delete)


@mutant("BCAST-7")
def broadcast_send_does_not_check(_: Broken) -> None:
    """A send that need not wait neither checks nor yields."""

    async def send(original: Any, self: Any, item: Any) -> None:
        if not self._channel.senders and self._channel.has_room():
            self.send_nowait(item)
        else:
            await original(self, item)

    around(BroadcastSendStream, "send", send)


@mutant("BCAST-7")
def broadcast_close_yields(_: Broken) -> None:
    """aclose() is a checkpoint."""

    async def aclose(original: Any, self: Any) -> None:
        await original(self)
        await checkpoint()

    around(BroadcastReceiveStream, "aclose", aclose)


@mutant("LATEST-1")
def latest_refuses_the_cancelled(_: Broken) -> None:
    """The value can't be set in a cancelled scope."""
    refuses_the_cancelled(LatestValue, "value")


@mutant("LATEST-2")
def latest_ignores_equal_values(_: Broken) -> None:
    """Setting an equal value wakes nobody."""

    def put(original: Any, self: Any, value: Any) -> None:
        if value != self.value:
            original(self, value)

    around_setter(LatestValue, "value", put)


@mutant("LATEST-2")
def latest_begins_with_the_next(_: Broken) -> None:
    """A subscriber waits for the first change."""

    def init(original: Any, self: Any, source: Any) -> None:
        original(self, source)
        self._seen = source._version

    around(LatestValueStream, "__init__", init)


@mutant("LATEST-3")
def latest_asks_when_the_task_runs(_: Broken) -> None:
    """Values that last for a moment are missed."""

    async def wait_for(self: Any, predicate: Any) -> Any:
        async for value in self.subscribe():
            if predicate(value):
                return value
        return None

    replace(LatestValue, wait_for=wait_for)


@mutant("LATEST-3")
def latest_raises_where_it_is_set(_: Broken) -> None:
    """What a predicate raises comes out where the value is set."""

    def put(original: Any, self: Any, value: Any) -> None:
        for condition in self._conditions:
            condition.predicate(value)
        original(self, value)

    around_setter(LatestValue, "value", put)


@mutant("LATEST-4")
def latest_loses_the_last_value(_: Broken) -> None:
    """After close() there is only the end."""

    def news(original: Any, self: Any, seen: Any) -> Any:
        return original(self, self._version if self._closed else seen)

    around(LatestValue, "news", news)


@mutant("LATEST-4")
def latest_can_be_set_when_closed(_: Broken) -> None:
    """A closed value changes."""

    def put(original: Any, self: Any, value: Any) -> None:
        closed, self._closed = self._closed, False
        try:
            original(self, value)
        finally:
            self._closed = closed

    around_setter(LatestValue, "value", put)


@mutant("LATEST-5")
def latest_is_seen_before_it_is_received(_: Broken) -> None:
    """A cancelled receive has seen the value."""

    async def receive(original: Any, self: Any) -> Any:
        try:
            return await original(self)
        except BaseException:
            self._seen = self._source._version + 1
            raise

    around(LatestValueStream, "receive", receive)


@mutant("LATEST-5")
def latest_checks_again(_: Broken) -> None:
    """A task that has got a value looks for a cancellation."""

    async def wait_for(original: Any, self: Any, predicate: Any) -> Any:
        value = await original(self, predicate)
        await checkpoint_if_cancelled()
        return value

    around(LatestValue, "wait_for", wait_for)


@mutant("LATEST-5")
def latest_does_not_check(_: Broken) -> None:
    """A value that fits is returned without a look for a cancellation."""

    async def wait_for(original: Any, self: Any, predicate: Any) -> Any:
        if predicate(self.value):
            return self.value
        return await original(self, predicate)

    around(LatestValue, "wait_for", wait_for)
