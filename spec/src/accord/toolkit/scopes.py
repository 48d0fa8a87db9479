"""The public half of cancel scopes: their phases, the refusal of a wrong exit, and what they look like.

A backend's scope class inherits ``ScopeMixin`` (which has no fields) and declares the fields listed there.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NoReturn

from ..protocols import CancelReason, TaskInfo

NEW, ACTIVE, LEFT = 0, 1, 2
"""The phases of a scope's life."""


class ScopeMixin:
    """What cancel scopes of every backend have in common."""

    if TYPE_CHECKING:
        # The fields of the concrete class.
        _phase: int
        _deadline: float
        _shield: bool
        _reason: CancelReason | None
    else:
        __slots__ = ()

    def check_new(self) -> None:
        """Refuse a second entry."""
        if self._phase != NEW:
            raise RuntimeError("this cancel scope was entered before; a scope can be used only once")

    def check_active(self) -> None:
        """Refuse an exit without entry."""
        if self._phase != ACTIVE:
            raise RuntimeError(
                "this cancel scope was left before" if self._phase == LEFT else "this cancel scope was not entered"
            )

    def refuse_exit(self, host: TaskInfo, current: TaskInfo) -> NoReturn:
        """Raise the error for an exit in another task than the scope's host, or before that of an inner scope."""
        if current is not host:
            raise RuntimeError(
                f"this cancel scope was entered in task {host.name!r} and can't be left in task {current.name!r}; "
                "usual causes: an async generator or fixture that is finished by another task than it was started in"
            )
        raise RuntimeError(
            f"this cancel scope is not the innermost one of task {host.name!r}: a scope or task group that was entered "
            "after it is still open"
        )

    def __repr__(self) -> str:
        phase = ("new", "active", "left")[self._phase]
        cancelled = f", {self._reason}" if self._reason is not None else ""
        deadline = "" if self._deadline == inf else f", deadline {self._deadline:g}"
        return f"<CancelScope {phase}{', shielded' if self._shield else ''}{deadline}{cancelled}>"
