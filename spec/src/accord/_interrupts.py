"""Ctrl-C: the first SIGINT cancels ``main``, and ``run`` raises ``KeyboardInterrupt`` when that has ended (area INT).

Hosts differ: one raises ``KeyboardInterrupt`` between any two instructions of any task, also in the middle of a
clean-up; the other cancels ``main`` once and forgets the interrupt if that is swallowed. Here it is a cancellation of a
scope around ``main``, on every backend: clean-up runs undisturbed, shields hold, and nothing is half done.

Whoever presses Ctrl-C again does not want to wait for the clean-up. From then on the host's own handler decides, since
only the host knows where it can be interrupted itself.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Awaitable, Callable
from math import inf
from types import FrameType
from typing import Any

from ._backends import current_backend
from .protocols import Backend
from .protocols.cancellation import CancelScope
from .protocols.loop import LoopToken
from .toolkit.coroutines import task_name


def takes_interrupts() -> bool:
    """Return whether SIGINT is to be treated: in the main thread, and only if the program leaves it to Python."""
    return (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


class Interrupts:
    """What SIGINT does to one run."""

    __slots__ = ("_host_handler", "_main", "_scope", "_token", "arrived")

    _scope: CancelScope
    _token: LoopToken

    def __init__(self, main: Callable[..., Awaitable[Any]]) -> None:
        self._main = main
        self._host_handler: Any = signal.default_int_handler
        self.arrived = False

    def run(self, run: Callable[..., Any], backend: Backend, args: tuple[Any, ...], options: Any) -> Any:
        """Run main, and raise ``KeyboardInterrupt`` if a SIGINT came (INT-1, INT-2)."""

        # The host makes a task of this function, with main's name.
        def main(*args: Any) -> Any:
            awaitable = self._main(*args)
            return self._attend(awaitable) if isinstance(awaitable, Awaitable) else awaitable

        main.__module__, _, main.__qualname__ = task_name(self._main).rpartition(".")
        try:
            value = run(backend, main, args, options)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as exc:
            if self.arrived:
                raise KeyboardInterrupt from exc
            raise
        if self.arrived:
            raise KeyboardInterrupt
        return value

    async def _attend(self, main: Awaitable[Any]) -> Any:
        backend = current_backend()
        self._token = backend.current_token()
        self._scope = backend.create_cancel_scope(inf, None, False)
        with self._scope:
            self._host_handler = signal.signal(signal.SIGINT, self._on_interrupt)
            try:
                return await main
            finally:
                if signal.getsignal(signal.SIGINT) == self._on_interrupt:
                    signal.signal(signal.SIGINT, self._host_handler)

    def _on_interrupt(self, signum: int, frame: FrameType | None) -> None:
        if self.arrived:
            self._host_handler(signum, frame)
        else:
            self.arrived = True
            self._token.call_soon(self._scope.cancel, "interrupted by SIGINT")
