"""Cancel scopes: Trio's own, with a reason, a task that owns them, and defined answers to wrong use.

Trio does the cancelling. What is kept here is what Trio does not tell: which accord scope is innermost in a task, so
that a wrong exit can be refused before it does harm, and why a scope was cancelled.
"""

from __future__ import annotations

from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Self

import trio

from accord.protocols import CancelReason
from accord.toolkit import ScopeMixin, check_deadline, check_shield, split
from accord.toolkit.errors import members
from accord.toolkit.scopes import ACTIVE, LEFT, NEW

from .loops import DEADLINE
from .records import current_record, name_of_current_task

if TYPE_CHECKING:
    from .records import TaskRecord


class CancelScope(ScopeMixin):
    """See ``accord.protocols.CancelScope``."""

    __slots__ = ("_deadline", "_delay", "_host", "_native", "_parent", "_phase", "_reason", "_shield")

    _host: TaskRecord
    _parent: CancelScope | None

    def __init__(self, deadline: float, delay: float | None, shield: bool) -> None:
        self._deadline = deadline
        self._delay = delay
        self._shield = shield
        self._phase = NEW
        self._reason: CancelReason | None = None
        self._native: trio.CancelScope | None = None

    @property
    def deadline(self) -> float:
        """See ``accord.protocols.CancelScope``."""
        if self._native is not None:
            return self._native.deadline
        return self._deadline if self._delay is None else trio.current_time() + self._delay

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        deadline = check_deadline(value)
        self.look_at_clock()  # by the former deadline it may be cancelled already
        self._deadline = deadline
        self._delay = None
        if self._native is not None:
            self._native.deadline = deadline
            self.look_at_clock()

    @property
    def shield(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        return self._shield

    @shield.setter
    def shield(self, value: bool, /) -> None:
        self._shield = check_shield(value)
        if self._native is not None:
            self._native.shield = value

    @property
    def cancel_called(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        if self._reason is not None:
            return True
        if self._native is not None:
            called = self._native.cancel_called
        else:
            called = self._phase == NEW and self._deadline != inf and self._deadline <= trio.current_time()
        if called:
            self._reason = DEADLINE
        return called

    @property
    def cancelled_caught(self) -> bool:
        """See ``accord.protocols.CancelScope``."""
        return self._native is not None and self._native.cancelled_caught

    @property
    def cancel_reason(self) -> CancelReason | None:
        """See ``accord.protocols.CancelScope``."""
        if self.cancel_called or self._phase != ACTIVE:
            return self._reason
        reason = self.effective_reason()
        return None if reason is None else reason._replace(kind="parent")

    def effective_reason(self) -> CancelReason | None:
        """The reason of the nearest cancelled scope, from this one outward to a shield; None if not cancelled."""
        if self.cancel_called or self._phase != ACTIVE:
            return self._reason
        if self._shield:
            return None
        return self._host.outer_reason() if self._parent is None else self._parent.effective_reason()

    def reason_outside(self) -> CancelReason | None:
        """Why a scope outside of this one was cancelled, the nearest one, whatever shields there are by now."""
        return self._host.nearest_reason() if self._parent is None else self._parent.nearest_reason()

    def nearest_reason(self) -> CancelReason | None:
        """As ``reason_outside``, beginning with this scope."""
        return self._reason if self.cancel_called else self.reason_outside()

    def cancel(self, reason: str | None = None) -> None:
        """See ``accord.protocols.CancelScope``."""
        if not self.cancel_called:
            self.cancel_for(CancelReason("explicit", reason, name_of_current_task()))

    def cancel_for(self, reason: CancelReason) -> None:
        """Cancel for ``reason``, unless the scope is cancelled already."""
        if not self.cancel_called:
            self._reason = reason
            if self._native is not None and self._phase == ACTIVE:
                self._native.cancel()

    def bind(self, native: trio.CancelScope) -> None:
        """Begin, with Trio's scope, which has just been entered in the current task."""
        host = current_record()
        self._phase = ACTIVE
        self._host = host
        self._parent = host.scope
        host.scope = self
        self._native = native
        if self._delay is not None:
            self._deadline = trio.current_time() + self._delay
        if self._deadline != inf:
            native.deadline = self._deadline
        if self._shield:
            native.shield = True
        if self._reason is not None:
            native.cancel()

    def __enter__(self) -> Self:
        self.check_new()
        native = trio.CancelScope()
        native.__enter__()
        self.bind(native)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        self.leave(exc)
        native = self._native
        assert native is not None
        if exc is not None and members(exc) and split(exc, trio.Cancelled)[0] is None:
            exc_type = exc = tb = None  # Trio would raise a copy of a group that does not concern it
        return bool(native.__exit__(exc_type, exc, tb)) and exc is not None

    def leave(self, exc: BaseException | None) -> None:
        """Take the scope from its task's chain; ``RuntimeError`` where it may not be left."""
        self.check_active()
        host = self._host
        if host.scope is not self or current_record() is not host:
            self.refuse_exit(host, current_record())
        if exc is not None:
            # Asked while the scope is active: deadlines that have passed unnoticed, its own as the reason for an error
            # and outer ones, which the cancellation then belongs to (TIME-15).
            scope: CancelScope | None = self
            while scope is not None:
                scope.look_at_clock()
                scope = scope._parent
        self._phase = LEFT
        host.scope = self._parent

    def look_at_clock(self) -> None:
        """Cancel the scope if its deadline has passed, as asking Trio's scope does."""
        _ = self.cancel_called
