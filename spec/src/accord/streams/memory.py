"""Memory object streams: a bounded queue with two ends, each of which can be cloned and closed.

Exact under cancellation, by the promise of parkers. A receiver that waits is woken *with* its item: if it can't be
woken, because it was cancelled, the item goes to the next. A sender that waits keeps its item until somebody takes it:
its parker is unparked by whoever takes the item, and if that fails, because the sender was cancelled, the item is not
delivered (MEM-6 to MEM-8).
"""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Any, Generic, NamedTuple, Self, TypeVar

from .._backends import current_backend, here
from .._mixins import MustBeClosed, Receiving
from ..exceptions import BrokenResourceError, ClosedResourceError, EndOfStream, WouldBlock
from ..protocols.parking import AnyParker
from ..toolkit.checks import check_amount

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

_NOTHING: Any = object()
# What a waiting task is woken with, instead of an item or of True:
_CLOSED: Any = object()
_ENDED: Any = object()


class MemoryObjectStreamStatistics(NamedTuple):
    """The state of a memory object stream."""

    current_buffer_used: int
    """Number of items in the buffer."""
    max_buffer_size: float
    """How many items fit into the buffer."""
    open_send_streams: int
    """Number of open sending ends."""
    open_receive_streams: int
    """Number of open receiving ends."""
    tasks_waiting_send: int
    """Number of tasks in ``send()``."""
    tasks_waiting_receive: int
    """Number of tasks in ``receive()``."""


# A task in ``receive()``, or in ``send()`` with its item: its parker, the end it waits in, the item. A tuple, which is
# made several times as fast as an instance of a class.
_Waiter = tuple[AnyParker, object, Any]


class _State:
    """What the two ends and their clones share."""

    __slots__ = ("buffer", "max_size", "receivers", "receiving_ends", "senders", "sending_ends")

    def __init__(self, max_size: float) -> None:
        self.max_size = max_size
        self.buffer: deque[Any] = deque()
        self.receivers: deque[_Waiter] | None = None  # many streams never see a waiter
        self.senders: deque[_Waiter] | None = None
        self.sending_ends = 0
        self.receiving_ends = 0

    def take(self) -> Any:
        """Return the next item, or ``_NOTHING``."""
        senders = self.senders
        if self.buffer:
            item = self.buffer.popleft()
            while senders and len(self.buffer) < self.max_size:
                parker, _, waiting = senders.popleft()
                if parker.unpark(True):
                    self.buffer.append(waiting)
            return item
        while senders:
            parker, _, item = senders.popleft()
            if parker.unpark(True):
                return item
        return _NOTHING

    def put(self, item: Any) -> bool:
        """Hand an item to a receiver or the buffer; false if there is no room."""
        receivers = self.receivers
        while receivers:
            if receivers.popleft()[0].unpark(item):
                return True
        if len(self.buffer) < self.max_size:
            self.buffer.append(item)
            return True
        return False

    def statistics(self) -> MemoryObjectStreamStatistics:
        waiting = len(self.senders or ()), len(self.receivers or ())
        return MemoryObjectStreamStatistics(
            len(self.buffer), self.max_size, self.sending_ends, self.receiving_ends, *waiting
        )


class _End(MustBeClosed):
    """What both ends do in the same way."""

    __slots__ = ("__weakref__", "_closed", "_state")

    def __init__(self, state: _State) -> None:
        self._state = state
        self._closed = False

    def statistics(self) -> MemoryObjectStreamStatistics:
        """Return the state of the stream."""
        return self._state.statistics()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'closed' if self._closed else 'open'}, {_described(self._state)}>"


class MemoryObjectReceiveStream(_End, Receiving[T_co]):
    """The receiving end; an asynchronous iterator, and a context manager that closes it (area MEM)."""

    __slots__ = ()

    def __init__(self, state: _State) -> None:
        super().__init__(state)
        state.receiving_ends += 1

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedResourceError("this receiving end of a memory object stream is closed")

    def receive_nowait(self) -> T_co:
        """Return the next item without waiting. No checkpoint.

        Raises ``WouldBlock``, ``EndOfStream`` if all sending ends are closed, ``ClosedResourceError``.
        """
        if self._closed:
            self._check_open()
        state = self._state
        item: T_co = state.buffer.popleft() if state.buffer and not state.senders else state.take()
        if item is _NOTHING:
            if not state.sending_ends:
                raise EndOfStream("all sending ends of the memory object stream are closed")
            raise WouldBlock("the memory object stream holds no item")
        return item

    async def receive(self) -> T_co:
        """Wait for the next item and return it; a checkpoint.

        Raises ``EndOfStream`` when the items are used up and all sending ends are closed, ``ClosedResourceError`` if
        this end is closed, also while waiting. If it is cancelled no item is lost.
        """
        credit = here.credit
        state = self._state
        if credit.left and state.buffer and not state.senders and not self._closed:
            credit.left -= 1
            item: T_co = state.buffer.popleft()
            return item
        backend = credit.backend or here.backend or current_backend()
        if state.buffer or state.senders or self._closed or not state.sending_ends:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._closed:
                self._check_open()
            item = state.take()
            if item is not _NOTHING:
                return item
            if not state.sending_ends:
                raise EndOfStream("all sending ends of the memory object stream are closed")
        parker = backend.create_parker()
        waiter = (parker, self, None)
        if state.receivers is None:
            state.receivers = deque()
        state.receivers.append(waiter)
        try:
            item = await parker.park()
        except BaseException:
            _leave(state.receivers, waiter)
            raise
        if item is _CLOSED:
            self._check_open()
        if item is _ENDED:
            raise EndOfStream("all sending ends of the memory object stream are closed")
        return item

    def clone(self) -> MemoryObjectReceiveStream[T_co]:
        """Return another receiving end of the same stream; each item goes to one of them."""
        self._check_open()
        return MemoryObjectReceiveStream(self._state)

    def close(self) -> None:
        """Close this end; idempotent, no checkpoint.

        Tasks that wait in it get ``ClosedResourceError``; after the last one senders get ``BrokenResourceError`` and
        the items in the buffer are dropped.
        """
        if self._closed:
            return
        self._closed = True
        state = self._state
        state.receiving_ends -= 1
        _wake_own(state.receivers, self)
        if not state.receiving_ends:
            state.buffer.clear()
            senders, state.senders = state.senders, None
            for parker, _, _ in senders or ():
                parker.unpark(_ENDED)


class MemoryObjectSendStream(_End, Generic[T_contra]):
    """The sending end; a context manager that closes it (area MEM)."""

    __slots__ = ()

    def __init__(self, state: _State) -> None:
        super().__init__(state)
        state.sending_ends += 1

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedResourceError("this sending end of a memory object stream is closed")
        if not self._state.receiving_ends:
            raise BrokenResourceError("all receiving ends of the memory object stream are closed")

    def send_nowait(self, item: T_contra, /) -> None:
        """Send an item without waiting. No checkpoint.

        Raises ``WouldBlock`` if the buffer is full and nobody waits for an item, ``BrokenResourceError`` if all
        receiving ends are closed, ``ClosedResourceError`` if this end is closed.
        """
        state = self._state
        if self._closed or not state.receiving_ends:
            self._check_open()
        if not state.receivers and len(state.buffer) < state.max_size:
            state.buffer.append(item)
        elif not state.put(item):
            raise WouldBlock("the memory object stream is full")

    async def send(self, item: T_contra, /) -> None:
        """Send an item, waiting until it is in the buffer or with a receiver; a checkpoint.

        Raises ``BrokenResourceError`` if all receiving ends are closed and ``ClosedResourceError`` if this end is
        closed, also while waiting. If it raises, whatever it is, the item was not and will not be delivered.
        """
        credit = here.credit
        state = self._state
        roomy = len(state.buffer) < state.max_size
        if credit.left and roomy and not state.receivers and not self._closed and state.receiving_ends:
            credit.left -= 1
            state.buffer.append(item)
            return
        backend = credit.backend or here.backend or current_backend()
        if roomy or state.receivers or self._closed or not state.receiving_ends:
            if backend.checkpoint_due():
                await backend.checkpoint()
            if self._closed or not state.receiving_ends:
                self._check_open()
            if state.put(item):
                return
        parker = backend.create_parker()
        waiter = (parker, self, item)
        if state.senders is None:
            state.senders = deque()
        state.senders.append(waiter)
        try:
            answer = await parker.park()
        except BaseException:
            _leave(state.senders, waiter)
            raise
        if answer is _CLOSED:
            self._check_open()
        if answer is _ENDED:
            raise BrokenResourceError("all receiving ends of the memory object stream are closed")

    def clone(self) -> MemoryObjectSendStream[T_contra]:
        """Return another sending end of the same stream."""
        if self._closed:
            self._check_open()
        return MemoryObjectSendStream(self._state)

    def close(self) -> None:
        """Close this end; idempotent, no checkpoint.

        Tasks that wait in it get ``ClosedResourceError``; after the last one receivers get what is left in the buffer
        and then ``EndOfStream``.
        """
        if self._closed:
            return
        self._closed = True
        state = self._state
        state.sending_ends -= 1
        _wake_own(state.senders, self)
        if not state.sending_ends:
            receivers, state.receivers = state.receivers, None
            for parker, _, _ in receivers or ():
                parker.unpark(_ENDED)


def _described(state: _State) -> str:
    sending, receiving = len(state.senders or ()), len(state.receivers or ())
    return f"{len(state.buffer)}/{state.max_size} items, {sending} sending, {receiving} receiving"


def _leave(waiters: deque[_Waiter] | None, waiter: _Waiter) -> None:
    if waiters and waiter in waiters:
        waiters.remove(waiter)


def _wake_own(waiters: deque[_Waiter] | None, stream: object) -> None:
    for waiter in [waiter for waiter in waiters or () if waiter[1] is stream]:
        _leave(waiters, waiter)
        waiter[0].unpark(_CLOSED)


class create_memory_object_stream(tuple[MemoryObjectSendStream[T], MemoryObjectReceiveStream[T]]):  # noqa: N801
    """Return a new memory object stream, as the pair of its sending and its receiving end.

    :param max_buffer_size: how many items ``send`` puts into a buffer before it waits: an int of at least 0 (with 0 it
        waits for a receiver), or ``math.inf``.

    ``create_memory_object_stream[Item](...)`` tells type checkers what the stream carries. Raises ``ValueError`` or
    ``TypeError`` for another ``max_buffer_size``. Needs no running loop.
    """

    __slots__ = ()

    def __new__(cls, max_buffer_size: float = 0) -> Self:
        """Make the pair."""
        state = _State(check_amount(max_buffer_size, "max_buffer_size"))
        return super().__new__(cls, (MemoryObjectSendStream[T](state), MemoryObjectReceiveStream[T](state)))

    @property
    def send_stream(self) -> MemoryObjectSendStream[T]:
        """The sending end."""
        return self[0]

    @property
    def receive_stream(self) -> MemoryObjectReceiveStream[T]:
        """The receiving end."""
        return self[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self[0].close()
        self[1].close()
