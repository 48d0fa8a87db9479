"""Loop tokens: how other threads and signal handlers reach a running loop."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")


class LoopToken(Protocol):
    """One run of a loop; hashable and weakly referable, the same object throughout the run (RUN-12)."""

    __slots__ = ()

    @property
    def backend_name(self) -> str:
        """The name of the backend that runs the loop."""
        ...

    def call_soon(self, func: Callable[[Unpack[Ts]], object], /, *args: *Ts) -> None:
        """Have ``func(*args)`` called on the loop's thread, soon and in order (RUN-13).

        Safe from any thread and from a signal handler. Raises ``RunFinishedError`` once the run has ended.
        """
        ...

    def start_task(self, func: Callable[[], Coroutine[Any, Any, None]], /) -> None:
        """Run ``func()`` in a root task, which belongs to no group; on the loop's thread, also in callbacks (FROM-11).

        The task is cancelled when the run ends. Nobody waits for it: ``func`` raises nothing but a cancellation. Raises
        ``RunFinishedError`` if the run ends already, and has not called ``func`` then.
        """
        ...

    def hold_clock(self) -> None:
        """Say that a ``call_soon`` from outside is on its way, so that simulated time must stand still (RUN-14)."""
        ...

    def release_clock(self) -> None:
        """Take back one ``hold_clock``; on the loop's thread."""
        ...
