"""Capacity limiters: how many may do something at once, and who they are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, NamedTuple

from .._backends import current_backend, here
from ..exceptions import WouldBlock
from ..protocols.parking import AnyParker
from ..toolkit.checks import check_amount


class CapacityLimiterStatistics(NamedTuple):
    """The state of a capacity limiter."""

    borrowed_tokens: int
    """Number of tokens that are out."""
    total_tokens: float
    """Number of tokens in all."""
    borrowers: tuple[object, ...]
    """Who holds a token."""
    tasks_waiting: int
    """Number of tasks that wait for a token."""


_CURRENT_TASK = object()


class CapacityLimiter:
    """A number of tokens, each borrower holding one at most; an asynchronous context manager (area LIMIT).

    :param total_tokens: an int of at least 0, or ``math.inf``.

    The borrower is the current task unless the caller names another object. Tokens go in order of arrival.
    """

    __slots__ = ("__weakref__", "_borrowers", "_total", "_waiting")

    def __init__(self, total_tokens: float) -> None:
        self._total = check_amount(total_tokens, "total_tokens")
        self._borrowers: dict[object, None] = {}
        self._waiting: OrderedDict[object, AnyParker] = OrderedDict()

    @property
    def total_tokens(self) -> float:
        """Number of tokens in all; raising it wakes as many tasks as fit, lowering it takes no token away."""
        return self._total

    @total_tokens.setter
    def total_tokens(self, value: float) -> None:
        self._total = check_amount(value, "total_tokens")
        self._grant()

    @property
    def borrowed_tokens(self) -> int:
        """Number of tokens that are out."""
        return len(self._borrowers)

    @property
    def available_tokens(self) -> float:
        """Number of tokens that are left; negative after the total was lowered below what is out."""
        return self._total - len(self._borrowers)

    def acquire_nowait(self) -> None:
        """Take a token for the current task; ``WouldBlock`` if none is free. No checkpoint."""
        self.acquire_on_behalf_of_nowait((here.backend or current_backend()).current_task())

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """Take a token for ``borrower``; ``WouldBlock`` if none is free, ``RuntimeError`` if it has one."""
        self._check_borrower(borrower)
        if self._waiting or len(self._borrowers) >= self._total:
            raise WouldBlock("no token is free")
        self._borrowers[borrower] = None

    def acquire(self) -> Coroutine[Any, Any, None]:
        """Take a token for the current task, waiting for those who came first; a checkpoint."""
        return self._acquire(_CURRENT_TASK)

    def acquire_on_behalf_of(self, borrower: object) -> Coroutine[Any, Any, None]:
        """Take a token for ``borrower``; a checkpoint.

        Raises ``RuntimeError`` if the borrower has a token or waits for one already.
        """
        return self._acquire(borrower)

    async def _acquire(self, borrower: object) -> None:
        credit = here.credit
        free = not self._waiting and len(self._borrowers) < self._total
        if credit.left and free:
            credit.left -= 1
            if borrower is _CURRENT_TASK:
                borrower = credit.backend.current_task()
            if borrower not in self._borrowers:
                self._borrowers[borrower] = None
                return
        backend = credit.backend or here.backend or current_backend()
        if borrower is _CURRENT_TASK:
            borrower = backend.current_task()
        if free and backend.checkpoint_due():
            await backend.checkpoint()
        if borrower in self._borrowers or borrower in self._waiting:
            await backend.checkpoint_if_cancelled()
            self._check_borrower(borrower)
        if not self._waiting and len(self._borrowers) < self._total:
            self._borrowers[borrower] = None
            return
        parker = backend.create_parker()
        self._waiting[borrower] = parker
        try:
            await parker.park()
        except BaseException:
            if self._waiting.get(borrower) is parker:
                del self._waiting[borrower]
            raise

    def _check_borrower(self, borrower: object) -> None:
        if borrower in self._borrowers:
            raise RuntimeError(f"{borrower!r} holds a token of this limiter already")
        if borrower in self._waiting:
            raise RuntimeError(f"{borrower!r} waits for a token of this limiter already")

    def release(self) -> None:
        """Give back the token of the current task; ``RuntimeError`` if it has none. No checkpoint."""
        self.release_on_behalf_of((here.backend or current_backend()).current_task())

    def release_on_behalf_of(self, borrower: object) -> None:
        """Give back the token of ``borrower``; ``RuntimeError`` if it has none. No checkpoint."""
        if borrower not in self._borrowers:
            raise RuntimeError(f"{borrower!r} holds no token of this limiter")
        del self._borrowers[borrower]
        if self._waiting:
            self._grant()

    def _grant(self) -> None:
        while self._waiting and len(self._borrowers) < self._total:
            borrower, parker = self._waiting.popitem(last=False)
            if parker.unpark(None):
                self._borrowers[borrower] = None

    def statistics(self) -> CapacityLimiterStatistics:
        """Return the numbers of tokens, their holders, and how many tasks wait."""
        return CapacityLimiterStatistics(len(self._borrowers), self._total, tuple(self._borrowers), len(self._waiting))

    __aenter__ = acquire

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release_on_behalf_of((here.backend or current_backend()).current_task())

    def __repr__(self) -> str:
        return f"<CapacityLimiter {len(self._borrowers)}/{self._total} borrowed, {len(self._waiting)} waiting>"
