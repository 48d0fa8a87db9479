"""What a run does about signals: they wake the loop, and Ctrl-C does not strike where asyncio can't bear it (area INT).

``accord.run`` treats the first SIGINT itself while ``main`` runs, and leaves the second to the handler that was there
before: this one, which raises ``KeyboardInterrupt`` in whatever runs. Before and after ``main``, in the code that makes
and takes apart a loop, that would leave a loop which can't be closed. There the first is put off to the end of the run.

asyncio's own runner takes SIGINT into its hands only where it finds Python's default handler, so it keeps out.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


class Interrupts:
    """A context manager for the whole of a run; raises ``KeyboardInterrupt`` at the end if one was put off."""

    __slots__ = ("_installed", "_put_off", "in_main")

    def __init__(self) -> None:
        self.in_main = False
        """Whether ``main`` is running."""
        self._put_off = False
        self._installed = False

    def _on_interrupt(self, _signum: int, _frame: object) -> None:
        if self.in_main or self._put_off:
            raise KeyboardInterrupt
        self._put_off = True

    def __enter__(self) -> Self:
        if _in_main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._installed = True
            signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._installed and signal.getsignal(signal.SIGINT) == self._on_interrupt:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._put_off and not isinstance(exc, KeyboardInterrupt | SystemExit):
            raise KeyboardInterrupt from exc


@contextmanager
def signals_wake(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """Have a signal wake the loop that runs in the main thread (SIGNAL-6).

    asyncio's selector loops notice a signal only if it happens to interrupt their wait: not if another thread was
    chosen to receive it, and not if it came just before. The other loops see to it themselves.
    """
    wakes: socket.socket | None = getattr(loop, "_csock", None) if isinstance(loop, BaseSelectorEventLoop) else None
    if wakes is None or not _in_main_thread():
        yield
        return
    _set_wakeup(wakes.fileno(), -1)
    try:
        yield
    finally:
        _set_wakeup(-1, wakes.fileno())


def _set_wakeup(descriptor: int, instead_of: int) -> None:
    found = signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    if found != instead_of:
        signal.set_wakeup_fd(found)  # somebody else's
