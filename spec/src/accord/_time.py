"""Time: the loop's clock, sleeping, and scopes with a deadline."""

from __future__ import annotations

from collections.abc import Coroutine
from math import inf
from types import TracebackType
from typing import Any, cast

from ._backends import current_backend, here
from ._scopes import CancelScope
from .protocols import Backend
from .toolkit.checks import check_deadline, check_delay, check_shield

_FAR = 1 << 50  # an int this side of it needs no check: it is a float too


def current_time() -> float:
    """Return the loop's clock, in seconds from an arbitrary origin (TIME-1)."""
    clock = here.credit.time
    return clock() if clock is not None else (here.backend or current_backend()).current_time()


def current_effective_deadline() -> float:
    """Return the earliest deadline that can cancel the current task, ``-inf`` if it is cancelled (TIME-10)."""
    return current_backend().current_effective_deadline()


def sleep(delay: float) -> Coroutine[Any, Any, None]:
    """Wait for ``delay`` seconds; a checkpoint, also for 0 (TIME-2, TIME-4).

    Raises ``ValueError`` for a negative delay or NaN and ``TypeError`` for what is no real number.
    """
    if delay.__class__ is int and delay == 0:  # what most calls say
        return (here.backend or current_backend()).checkpoint()
    if delay.__class__ is not float and not (delay.__class__ is int and 0 < delay < _FAR):
        delay = check_delay(delay)
    backend = here.backend or current_backend()
    if delay == 0:
        return backend.checkpoint()
    if delay > 0:
        return _sleep(backend, delay)
    check_delay(delay)
    raise ValueError(f"delay must not be negative, got {delay!r}")


async def _sleep(backend: Backend, delay: float) -> None:
    await backend.sleep_until(backend.current_time() + delay)


def sleep_until(deadline: float) -> Coroutine[Any, Any, None]:
    """Wait until the loop's clock reads ``deadline``; a checkpoint, also if it has passed (TIME-3)."""
    return (here.backend or current_backend()).sleep_until(check_deadline(deadline))


def sleep_forever() -> Coroutine[Any, Any, None]:
    """Wait until cancelled."""
    return (here.backend or current_backend()).sleep_until(inf)


def move_on_after(delay: float | None, shield: bool = False) -> CancelScope:
    """Return a scope that is cancelled ``delay`` seconds after its entry, and never raises (TIME-9, TIME-13).

    :param delay: seconds; None for no deadline; negative: cancelled at entry.
    """
    if delay is None or delay.__class__ is float:
        if delay != delay:
            check_delay(delay)
    elif delay.__class__ is not int or not -_FAR < delay < _FAR:
        delay = check_delay(delay)
    if shield is not False:
        check_shield(shield)
    backend: Any = here.backend or current_backend()
    scope: CancelScope = backend.create_cancel_scope(inf, delay, shield)
    return scope


def move_on_at(deadline: float | None, shield: bool = False) -> CancelScope:
    """Return a scope that is cancelled when the loop's clock reads ``deadline`` (None: never)."""
    checked = inf if deadline is None else check_deadline(deadline)
    return cast(CancelScope, current_backend().create_cancel_scope(checked, None, check_shield(shield)))


class _FailScope:
    """The context manager of ``fail_after`` and ``fail_at``: a scope that turns its own timeout into an error."""

    __slots__ = ("_delay", "_reason", "_scope")

    def __init__(self, scope: CancelScope, delay: float | None, reason: str | None) -> None:
        self._scope = scope
        self._delay = delay
        self._reason = reason

    def __enter__(self) -> CancelScope:
        return self._scope.__enter__()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        caught = self._scope.__exit__(exc_type, exc, tb)
        if exc is None or not caught:
            return caught
        reason = self._scope.cancel_reason
        if reason is None or reason.kind != "deadline":
            return caught
        after = "the deadline passed" if self._delay is None else f"timed out after {self._delay:g} seconds"
        error = TimeoutError(f"{after}: {self._reason}" if self._reason else after)
        try:
            raise error
        finally:
            # The interpreter has just chained the cancellation to it, which tells the user nothing (TIME-12).
            error.__context__ = None
            del error


def fail_after(delay: float | None, shield: bool = False, reason: str | None = None) -> _FailScope:
    """Return a context manager that raises ``TimeoutError`` if its block took ``delay`` seconds from entry.

    :param delay: seconds; None for no deadline.
    :param reason: a text to put into the error.

    Its ``as`` target is the scope. The error is raised if and only if the deadline cancelled the block (TIME-12).
    """
    return _FailScope(move_on_after(delay, shield), delay, reason)


def fail_at(deadline: float | None, shield: bool = False, reason: str | None = None) -> _FailScope:
    """Return a context manager that raises ``TimeoutError`` if its block ran until ``deadline`` (TIME-12)."""
    return _FailScope(move_on_at(deadline, shield), None, reason)
