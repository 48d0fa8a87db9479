"""A value that changes, for tasks that want to know what it is now, and not all that it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar, cast

from .._backends import current_backend, here
from .._mixins import ClosingAtOnce, Receiving
from ..exceptions import ClosedResourceError, EndOfStream
from ..protocols.parking import AnyParker

T = TypeVar("T")


class LatestValueStatistics(NamedTuple):
    """The state of a latest value."""

    tasks_waiting: int
    """Number of tasks that wait for a change, in ``wait_for()`` or in ``receive()`` of a subscriber."""


class _Condition(Generic[T]):
    """A task in ``wait_for()``."""

    __slots__ = ("error", "parker", "predicate", "value")

    def __init__(self, parker: AnyParker, predicate: Callable[[T], object]) -> None:
        self.parker = parker
        self.predicate = predicate
        self.value: T | None = None
        self.error: Exception | None = None

    def is_met(self, value: T) -> bool:
        """Return whether the task need not wait any more, and keep the value, or an error, for it."""
        try:
            if not self.predicate(value):
                return False
        except Exception as error:
            # Not passed on through the parker: frames of the traceback's callers know that, and it would be a cycle.
            self.error = error
        self.value = value
        return True


class LatestValue(ClosingAtOnce, Generic[T]):
    """Holds a value and tells those who wait when it is set; a context manager that closes it (area LATEST).

    :param value: the value at the start.

    Setting never waits: subscribers get the newest value and may miss others. Needs no running loop.
    """

    __slots__ = ("__weakref__", "_changed", "_closed", "_conditions", "_value", "_version")

    def __init__(self, value: T) -> None:
        self._value = value
        self._version = 0
        self._closed = False
        self._changed: list[AnyParker] = []
        self._conditions: list[_Condition[T]] = []

    @property
    def value(self) -> T:
        """The value now. Setting it wakes those who wait; ``ClosedResourceError`` if closed. No checkpoint."""
        return self._value

    @value.setter
    def value(self, value: T) -> None:
        if self._closed:
            raise ClosedResourceError("this latest value is closed")
        self._value = value
        self._version += 1
        self._wake()
        for condition in [*self._conditions]:
            if condition.is_met(value) and condition in self._conditions:
                self._conditions.remove(condition)
                condition.parker.unpark(True)

    def _wake(self) -> None:
        changed, self._changed = self._changed, []
        for parker in changed:
            parker.unpark(None)

    async def wait_for(self, predicate: Callable[[T], object]) -> T:
        """Wait for a value of which ``predicate(value)`` is true, and return it; a checkpoint.

        The predicate is asked at once, and then each time that the value is set, so that no value is missed. Raises
        what it raises, and ``ClosedResourceError`` if the value is closed before.
        """
        backend = here.backend or current_backend()
        value = self._value
        if predicate(value):
            if backend.checkpoint_due():
                await backend.checkpoint()
            return value
        if self._closed:
            await backend.checkpoint_if_cancelled()
            raise ClosedResourceError("this latest value is closed and will never be another")
        condition = _Condition(backend.create_parker(), predicate)
        self._conditions.append(condition)
        try:
            is_met = await condition.parker.park()
        except BaseException:
            if condition in self._conditions:
                self._conditions.remove(condition)
            raise
        if not is_met:
            raise ClosedResourceError("this latest value was closed, and will never be another")
        error, condition.error = condition.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # its traceback leads to this frame
        return cast(T, condition.value)

    def subscribe(self) -> LatestValueStream[T]:
        """Return a stream of the value as it is now, and then of its changes. No checkpoint."""
        return LatestValueStream(self)

    def has_news(self, seen: int) -> bool:
        """Return whether a subscriber that has seen this version need not wait."""
        return self._closed or self._version > seen

    def news(self, seen: int) -> tuple[int, T] | None:
        """Return the version and the value, or None if version ``seen`` is the newest.

        Raises ``EndOfStream`` if there will never be a newer one. For subscribers.
        """
        if self._version > seen:
            return self._version, self._value
        if self._closed:
            raise EndOfStream("the latest value was closed")
        return None

    def watch(self, parker: AnyParker) -> None:
        """Have a parker woken at the next change, or at the end. For subscribers."""
        self._changed.append(parker)

    def unwatch(self, parker: AnyParker) -> None:
        """Take back ``watch``, if it is still there."""
        if parker in self._changed:
            self._changed.remove(parker)

    def close(self) -> None:
        """Let the value stay as it is for ever; idempotent, no checkpoint.

        Subscribers get it if they haven't yet, and then ``EndOfStream``.
        """
        self._closed = True
        self._wake()
        conditions, self._conditions = self._conditions, []
        for condition in conditions:
            condition.parker.unpark(False)

    def statistics(self) -> LatestValueStatistics:
        """Return how many tasks wait."""
        return LatestValueStatistics(len(self._changed) + len(self._conditions))

    def __repr__(self) -> str:
        return f"<LatestValue {'closed' if self._closed else 'open'}, version {self._version}>"


class LatestValueStream(Receiving[T]):
    """A stream of the newest values; an asynchronous iterator, and a context manager that closes it (area LATEST).

    It holds nothing, so that it need not be closed.
    """

    __slots__ = ("__weakref__", "_closed", "_parkers", "_seen", "_source")

    def __init__(self, source: LatestValue[T]) -> None:
        self._source = source
        self._seen = -1
        self._closed = False
        self._parkers: list[AnyParker] = []

    def _take(self) -> tuple[int, T] | None:
        if self._closed:
            raise ClosedResourceError("this subscription to a latest value is closed")
        return self._source.news(self._seen)

    async def receive(self) -> T:
        """Wait until the value is another than the one received last, and return it; a checkpoint.

        Raises ``EndOfStream`` if there will be none, ``ClosedResourceError`` if this end is closed, also while waiting.
        """
        backend = here.backend or current_backend()
        if (self._closed or self._source.has_news(self._seen)) and backend.checkpoint_due():
            await backend.checkpoint()
        while (news := self._take()) is None:
            parker: Any = backend.create_parker()
            self._parkers.append(parker)
            self._source.watch(parker)
            try:
                await parker.park()
            finally:
                self._parkers.remove(parker)
                self._source.unwatch(parker)
        self._seen, value = news
        return value

    async def aclose(self) -> None:
        """Close this end; idempotent, no checkpoint."""
        self._closed = True
        for parker in self._parkers:
            parker.unpark(None)

    def __repr__(self) -> str:
        return f"<LatestValueStream {'closed' if self._closed else 'open'} of {self._source!r}>"
