"""Signals as an async iterator (area SIGNAL).

Python calls signal handlers in the main thread, between two instructions of whatever runs there. So a handler does two
things only: it notes the signal in the receiver, and asks the loop by its token to wake the task that iterates.

Receivers of one signal are a stack, like the handlers that they replace: each remembers what it found. One that is left
from the middle of the stack hands what it found to the next above, so that in the end everything is as it was, in
whatever order they are left.
"""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any, Generic, Self, TypeVar

from ._backends import current_backend
from .exceptions import ClosedResourceError, RunFinishedError
from .protocols.loop import LoopToken
from .protocols.parking import AnyParker
from .sync.guards import ResourceGuard

__all__ = ["open_signal_receiver"]

S = TypeVar("S", bound=int)

_UNCATCHABLE = {getattr(signal, name) for name in ("SIGKILL", "SIGSTOP") if hasattr(signal, name)}

_open: list[_Receiver[Any]] = []
"""The receivers that are open, in the order in which they were opened; only the main thread sees it."""


def open_signal_receiver(*signals: S) -> AbstractContextManager[AsyncIterator[S], None]:
    """Return a context manager that catches ``signals`` while it is open, and gives an iterator of those that came.

    :param signals: members of ``signal.Signals``, or their numbers; the iterator yields what was passed.

    A signal that comes again before it was taken from the iterator counts once; different ones come in the order of
    their arrival. Several receivers can be open for one signal, and each gets it. Each step of the iteration is a
    checkpoint, and one task at a time may iterate (``BusyResourceError``); after the block it is a
    ``ClosedResourceError``.

    Raises ``TypeError`` without signals and for what is no number, ``ValueError`` for what is no signal or can't be
    caught; entering raises ``NoEventLoopError`` outside a loop and ``RuntimeError`` outside the main thread. Rules
    SIGNAL-1 to SIGNAL-10.
    """
    if not signals:
        raise TypeError("open_signal_receiver() needs at least one signal")
    for signum in signals:
        _check(signum)
    return _Receiver(signals)


def is_receiving() -> bool:
    """Return whether a receiver is open, so that a signal may wake a task."""
    return bool(_open)


def _check(signum: object) -> None:
    if not isinstance(signum, int) or isinstance(signum, bool):
        raise TypeError(f"a signal must be a member of signal.Signals or its number, not {type(signum).__name__}")
    if signum in _UNCATCHABLE:
        raise ValueError(f"{signal.Signals(signum).name} can't be caught")
    if signum not in signal.valid_signals():
        raise ValueError(f"there is no signal {int(signum)}")


class _Receiver(Generic[S]):
    """Both the context manager and the iterator."""

    __slots__ = ("_found", "_guard", "_parker", "_pending", "_signals", "_state", "_token")

    _token: LoopToken

    def __init__(self, signals: tuple[S, ...]) -> None:
        self._signals: dict[int, S] = {}
        for signum in signals:
            self._signals.setdefault(int(signum), signum)
        self._pending: deque[int] = deque()
        self._found: dict[int, Any] = {}
        self._parker: AnyParker | None = None
        self._guard = ResourceGuard("receiving signals from")
        self._state = "new"

    def __enter__(self) -> Self:
        if self._state != "new":
            raise RuntimeError("a signal receiver can be opened only once")
        self._token = current_backend().current_token()
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("signals can be received only in the main thread")
        for signum in self._signals:
            if signal.getsignal(signum) is None:
                raise RuntimeError(f"signal {signum} has a handler that Python can't put back")
        self._state = "open"
        _open.append(self)
        try:
            for signum in self._signals:
                self._catch(signum)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        if self._state == "open":
            self._close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> S:
        with self._guard:
            backend = current_backend()
            if self._pending or self._state != "open":
                if backend.checkpoint_due():
                    await backend.checkpoint()
                if self._state != "open":
                    raise ClosedResourceError("the signal receiver is not open")
            else:
                self._parker = backend.create_parker()
                try:
                    closed = await self._parker.park()
                finally:
                    self._parker = None
                if closed:
                    raise ClosedResourceError("the signal receiver was closed")
            return self._signals[self._pending.popleft()]

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        """Note a signal; in the main thread, between two instructions of anything."""
        for receiver in _open:
            if signum in receiver._found:
                receiver._note(signum)

    def _note(self, signum: int) -> None:
        if signum not in self._pending:
            self._pending.append(signum)
            try:
                self._token.call_soon(self._wake)
            except RunFinishedError:
                pass  # the block was never left, and nobody iterates any more

    def _wake(self) -> None:
        if self._parker is not None and self._pending:
            self._parker.unpark(False)

    def _catch(self, signum: int) -> None:
        # Noted before: from then on the handler may be called.
        self._found[signum] = signal.getsignal(signum)
        try:
            signal.signal(signum, self._on_signal)
        except (OSError, ValueError) as exc:
            del self._found[signum]
            raise ValueError(f"signal {signum} can't be caught") from exc

    def _release(self, signum: int) -> None:
        above = _open[_open.index(self) + 1 :]
        nearest = next((receiver for receiver in above if signum in receiver._found), None)
        if nearest is None:
            signal.signal(signum, self._found[signum])
        elif nearest._found[signum] == self._on_signal:
            nearest._found[signum] = self._found[signum]
        del self._found[signum]

    def _close(self) -> None:
        """Put the handlers back, wake the task that iterates, and raise again what nobody has taken (SIGNAL-8)."""
        self._state = "closed"
        try:
            while self._found:
                self._release(next(iter(self._found)))
        finally:
            if self._found:  # the handler of another signal has raised
                self._close()
        _open.remove(self)
        if self._parker is not None:
            self._parker.unpark(True)
        self._pass_on()

    def _pass_on(self) -> None:
        while self._pending:
            signum = self._pending.popleft()
            if not any(signum in receiver._found for receiver in _open):
                try:
                    signal.raise_signal(signum)
                finally:  # what is in force now may raise, as it does for Ctrl-C
                    self._pass_on()

    def __repr__(self) -> str:
        return f"<signal receiver, {self._state}: {', '.join(map(repr, self._signals.values()))}>"
