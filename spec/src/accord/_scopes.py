"""``CancelScope``: the name to construct and annotate with; the object is the running backend's own."""

from __future__ import annotations

from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ._backends import current_backend, here
from .toolkit.checks import check_deadline, check_shield

if TYPE_CHECKING:
    from .protocols import CancelReason


class CancelScope:
    """A block of code that can be cancelled as a whole; see ``protocols.CancelScope`` for its members.

    :param deadline: clock value at which it is cancelled, ``inf`` for never.
    :param shield: whether cancellation from outside stops at this scope.

    Raises ``TypeError`` and ``ValueError`` for arguments of the wrong kind, ``NoEventLoopError`` outside a loop.
    """

    __slots__ = ()

    def __new__(cls, *, deadline: float = inf, shield: bool = False) -> Self:
        """Return a new scope of the running backend."""
        if deadline != inf:
            deadline = check_deadline(deadline)
        if shield is not False:
            check_shield(shield)
        backend: Any = here.backend or current_backend()
        scope: Self = backend.create_cancel_scope(deadline, None, shield)
        return scope

    if TYPE_CHECKING:

        @property
        def deadline(self) -> float: ...
        @deadline.setter
        def deadline(self, value: float, /) -> None: ...
        @property
        def shield(self) -> bool: ...
        @shield.setter
        def shield(self, value: bool, /) -> None: ...
        @property
        def cancel_called(self) -> bool: ...
        @property
        def cancelled_caught(self) -> bool: ...
        @property
        def cancel_reason(self) -> CancelReason | None: ...
        def cancel(self, reason: str | None = None) -> None: ...
        def __enter__(self) -> Self: ...
        def __exit__(
            self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
        ) -> bool: ...
