"""Capacity limiters: how many may do something at once, and who they are."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import NamedTuple

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


class CapacityLimiter:
    """A number of tokens, each borrower holding one at most; an asynchronous context manager (area LIMIT).

    :param total_tokens: an int of at least 0, or ``math.inf``.

    The borrower is the current task unless the caller names another object. Tokens go in order of arrival.
    """

    __slots__ = ("__weakref__", "_borrowers", "_total", "_waiting")

    def __init__(self, total_tokens: float) -> None:
        self._total = check_amount(total_tokens, "total_tokens")
        self._borrowers: dict[object, None] = {}
        self._waiting: deque[tuple[AnyParker, object]] = deque()

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

    async def acquire(self) -> None:
        """Take a token for the current task, waiting for those who came first; a checkpoint."""
        await self.acquire_on_behalf_of((here.backend or current_backend()).current_task())

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Take a token for ``borrower``; a checkpoint.

        Raises ``RuntimeError`` if the borrower has a token or waits for one already.
        """
        backend = here.backend or current_backend()
        if not self._waiting and len(self._borrowers) < self._total:
            if backend.checkpoint_due():
                await backend.checkpoint()
        else:
            await backend.checkpoint_if_cancelled()
        self._check_borrower(borrower)
        if not self._waiting and len(self._borrowers) < self._total:
            self._borrowers[borrower] = None
            return
        waiter = (backend.create_parker(), borrower)
        self._waiting.append(waiter)
        try:
            await waiter[0].park()
        except BaseException:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            raise

    def _check_borrower(self, borrower: object) -> None:
        if borrower in self._borrowers:
            raise RuntimeError(f"{borrower!r} holds a token of this limiter already")
        if self._waiting and any(borrower == waiting for _, waiting in self._waiting):
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
            parker, borrower = self._waiting.popleft()
            if parker.unpark(None):
                self._borrowers[borrower] = None

    def statistics(self) -> CapacityLimiterStatistics:
        """Return the numbers of tokens, their holders, and how many tasks wait."""
        return CapacityLimiterStatistics(len(self._borrowers), self._total, tuple(self._borrowers), len(self._waiting))

    __aenter__ = acquire

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<CapacityLimiter {len(self._borrowers)}/{self._total} borrowed, {len(self._waiting)} waiting>"
