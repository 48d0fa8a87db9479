"""Cancel scopes: how a piece of work is told to stop, and why.

Cancellation is level-triggered. While a scope is *effectively cancelled* (it, or an ancestor that no shield hides, was
cancelled) every checkpoint inside it raises the backend's cancellation exception, again and again, until the scope is
left. The scope that was cancelled catches the exception; code in between only cleans up.
"""

from __future__ import annotations

from types import TracebackType
from typing import Literal, NamedTuple, Protocol, Self

CancelKind = Literal["deadline", "explicit", "failure", "parent", "native", "shutdown"]
"""Who cancelled: the clock, a call of ``cancel()``, a task of the group that failed, an enclosing scope, the host
loop's own cancellation, or the end of the run."""


class CancelReason(NamedTuple):
    """Why a scope is cancelled (rule CANCEL-24)."""

    kind: CancelKind
    """What caused the cancellation."""
    message: str | None = None
    """The text given to ``cancel()``, if any."""
    source: str | None = None
    """The name of the task that cancelled or failed, where one is known."""

    def __str__(self) -> str:
        """Say it in one sentence, without object addresses."""
        causes = {
            "deadline": "the deadline passed",
            "explicit": "cancel() was called",
            "failure": "a task of the group failed",
            "parent": "an enclosing scope was cancelled",
            "native": "the event loop cancelled the task",
            "shutdown": "the run is ending",
        }
        by = f" by task {self.source!r}" if self.source else ""
        text = f": {self.message}" if self.message else ""
        return f"cancelled because {causes[self.kind]}{by}{text}"


class CancelScope(Protocol):
    """A block of code that can be cancelled as a whole; a synchronous, single-use context manager."""

    __slots__ = ()

    @property
    def deadline(self) -> float:
        """The clock value, in seconds, at which the scope is cancelled; ``inf`` for never (TIME-5, TIME-6)."""
        ...

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        """Move the deadline; on a cancelled scope this does not un-cancel.

        Raises ``TypeError`` for what is no real number and ``ValueError`` for NaN.
        """
        ...

    @property
    def shield(self) -> bool:
        """Whether cancellation from outside stops at this scope (CANCEL-15 to CANCEL-19)."""
        ...

    @shield.setter
    def shield(self, value: bool, /) -> None:
        """Raise or lower the shield with immediate effect; ``TypeError`` for what is no bool."""
        ...

    @property
    def cancel_called(self) -> bool:
        """Whether this very scope was cancelled, by ``cancel()`` or by its deadline (TIME-8)."""
        ...

    @property
    def cancelled_caught(self) -> bool:
        """Whether the scope, when left, caught a cancellation of its own (CANCEL-11)."""
        ...

    @property
    def cancel_reason(self) -> CancelReason | None:
        """Why the scope is effectively cancelled, or None (CANCEL-24)."""
        ...

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the scope: idempotent, synchronous, no checkpoint, allowed before entry and after exit.

        :param reason: a text for people; the first caller's wins (CANCEL-5).
        """
        ...

    def __enter__(self) -> Self:
        """Start the scope in the current task; ``RuntimeError`` if it was entered before (CANCEL-7)."""
        ...

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        """End the scope; true if a cancellation of its own was caught. Never a checkpoint (CANCEL-14).

        Raises ``RuntimeError`` in a foreign task or while an inner scope is still open (CANCEL-8, CANCEL-9).
        """
        ...
