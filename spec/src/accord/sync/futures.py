"""Futures: one outcome, set once, awaited by any number of tasks."""

from __future__ import annotations

from collections.abc import Generator
from enum import Enum
from typing import Any, Generic, TypeVar, cast

from ..exceptions import FutureAlreadyFinished, FutureCancelled, FutureFailed, FutureNotFinished
from .events import Event

T = TypeVar("T")


class FutureStatus(Enum):
    """Where a future stands."""

    PENDING = "pending"
    """No outcome yet."""
    FINISHED = "finished"
    """It has a value."""
    CANCELLED = "cancelled"
    """It was cancelled and will never have a value."""
    FAILED = "failed"
    """It was given an exception."""


class Future(Generic[T]):
    """A value that somebody will provide (area FUTURE); not safe between threads.

    :param name: shown in errors.
    """

    __slots__ = ("__weakref__", "_done", "_error", "_name", "_status", "_value")

    def __init__(self, *, name: str | None = None) -> None:
        self._name = name
        self._status = FutureStatus.PENDING
        self._value: T | None = None
        self._error: BaseException | None = None
        self._done = Event()

    def _described(self) -> str:
        return f"future {self._name!r}" if self._name else "the future"

    @property
    def status(self) -> FutureStatus:
        """Where the future stands."""
        return self._status

    @property
    def return_value(self) -> T:
        """The value.

        Reading raises ``FutureNotFinished``, ``FutureCancelled`` or ``FutureFailed`` (its cause is the exception).
        Setting finishes the future and wakes those who wait; ``FutureAlreadyFinished`` if it has an outcome,
        ``FutureCancelled`` if it was cancelled.
        """
        error = self.exception
        if error is not None:
            raise FutureFailed(f"{self._described()} failed: {type(error).__name__}: {error}") from error
        return cast(T, self._value)

    @return_value.setter
    def return_value(self, value: T) -> None:
        self._check_pending()
        self._value = value
        self._finish(FutureStatus.FINISHED)

    @property
    def exception(self) -> BaseException | None:
        """The exception, None if there is a value; read and set as ``return_value``."""
        if self._status is FutureStatus.PENDING:
            raise FutureNotFinished(f"{self._described()} has no outcome yet")
        if self._status is FutureStatus.CANCELLED:
            raise FutureCancelled(f"{self._described()} was cancelled")
        return self._error

    @exception.setter
    def exception(self, error: BaseException) -> None:
        if not isinstance(error, BaseException):
            raise TypeError(f"exception must be an exception, not {type(error).__name__}")
        self._check_pending()
        self._error = error
        self._finish(FutureStatus.FAILED)

    def _check_pending(self) -> None:
        if self._status is FutureStatus.CANCELLED:
            raise FutureCancelled(f"{self._described()} was cancelled")
        if self._status is not FutureStatus.PENDING:
            raise FutureAlreadyFinished(f"{self._described()} has an outcome already")

    def _finish(self, status: FutureStatus) -> None:
        self._status = status
        self._done.set()

    def cancel(self) -> None:
        """Cancel the future, so that it never has a value; nothing happens if it has an outcome."""
        if self._status is FutureStatus.PENDING:
            self._finish(FutureStatus.CANCELLED)

    async def wait(self) -> None:
        """Wait until the future has an outcome, of whatever kind; a checkpoint."""
        await self._done.wait()

    async def _wait_value(self) -> T:
        await self.wait()
        return self.return_value

    def __await__(self) -> Generator[Any, Any, T]:
        """Wait for the outcome, then return or raise as ``return_value`` does."""
        return self._wait_value().__await__()

    def __repr__(self) -> str:
        return f"<Future{f' {self._name!r}' if self._name else ''} {self._status.value}>"
