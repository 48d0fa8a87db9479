"""Blocks of different tasks that run one after the other, in the order of their numbers (area HELP)."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType

from .._backends import current_backend
from ..sync.events import Event


class Sequencer:
    """Puts blocks of several tasks in an order: ``async with sequencer(2):`` waits until block 1 has ended.

    :param first: the number that begins.

    For tests of what happens if one task is faster than the other. Each number is used once: ``RuntimeError`` for a
    second block of the same number. A block that is cancelled, before its turn or during it, breaks the sequence: all
    blocks that wait, and those that come later, raise ``RuntimeError``, because their turn would never come. A block
    that raises something else has had its turn. Needs no running loop; serves one loop (HELP-1 to HELP-3).
    """

    __slots__ = ("_broken", "_ended", "_events", "_first", "_taken")

    def __init__(self, first: int = 0) -> None:
        _check_number(first, "first")
        self._first = first
        self._taken: set[int] = set()
        self._ended: set[int] = set()
        self._events: dict[int, Event] = {}
        self._broken: str | None = None

    def __call__(self, number: int) -> AbstractAsyncContextManager[None]:
        """Return the block with a number, counted from ``first`` without gaps.

        Entering it is a checkpoint and waits for the end of the block before. Raises ``TypeError`` for what is no int
        and ``ValueError`` for a number below ``first``; entering raises ``RuntimeError`` for a second block of the same
        number, and if the sequence is broken.
        """
        _check_number(number, "number")
        if number < self._first:
            raise ValueError(f"the first number of this sequencer is {self._first}, got {number}")
        return _Block(self, number)

    def take(self, number: int) -> None:
        """Begin to wait for the turn of a number."""
        if number in self._taken:
            raise RuntimeError(f"block {number} was used before: each number has one block")
        self._taken.add(number)

    async def wait_for(self, number: int) -> None:
        """Wait until it is the turn of a number."""
        backend = current_backend()
        if backend.checkpoint_due():
            await backend.checkpoint()
        before = number - 1
        if number > self._first and before not in self._ended and self._broken is None:
            event = self._events[before] = Event()
            await event.wait()
        if self._broken is not None:
            raise RuntimeError(f"block {number} never has its turn: {self._broken}")

    def end(self, number: int) -> None:
        """Let the next one have its turn."""
        self._ended.add(number)
        event = self._events.pop(number, None)
        if event is not None:
            event.set()

    def break_off(self, number: int) -> None:
        """Let nobody else have a turn."""
        if self._broken is None:
            self._broken = f"block {number} was cancelled"
        events = list(self._events.values())
        self._events.clear()
        for event in events:
            event.set()

    def __repr__(self) -> str:
        state = self._broken or f"ended: {', '.join(map(str, sorted(self._ended))) or 'none'}"
        return f"<Sequencer, {state}>"


class _Block(AbstractAsyncContextManager[None]):
    __slots__ = ("_number", "_sequencer")

    def __init__(self, sequencer: Sequencer, number: int) -> None:
        self._sequencer = sequencer
        self._number = number

    async def __aenter__(self) -> None:
        sequencer = self._sequencer
        sequencer.take(self._number)
        try:
            await sequencer.wait_for(self._number)
        except BaseException as exc:
            if not isinstance(exc, Exception):
                sequencer.break_off(self._number)
            raise

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc is None or isinstance(exc, Exception):
            self._sequencer.end(self._number)
        else:
            self._sequencer.break_off(self._number)


def _check_number(value: object, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
