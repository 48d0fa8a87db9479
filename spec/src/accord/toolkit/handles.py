"""The public half of task handles: status, outcome and waiting, the same on every backend.

A backend's handle class inherits ``HandleMixin`` (which has no fields), declares the fields listed there, and calls
``_settle`` when the task ends.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._backends import current_backend
from ..exceptions import TaskCancelled, TaskFailed, TaskNotFinished
from ..protocols import HandleStatus
from ..protocols.parking import AnyParker

T = TypeVar("T")

UNSET: Any = object()
"""What a field holds that was not given a value."""


class HandleMixin(Generic[T]):
    """Status, outcome and waiting of a task handle."""

    if TYPE_CHECKING:
        # The fields of the concrete class.
        _status: HandleStatus
        _value: Any  # the value returned, or UNSET
        _error: BaseException | None
        _start_value: Any  # UNSET unless begun by start()
        _waiters: list[AnyParker] | None
        _watchers: list[Callable[[], object]] | None
        _coro: Any

        @property
        def name(self) -> str:
            """See ``protocols.TaskHandle``; the concrete class has it."""
            ...
    else:
        __slots__ = ()

    @property
    def coro(self) -> Coroutine[Any, Any, T]:
        """See ``protocols.TaskHandle``."""
        coro: Coroutine[Any, Any, T] = self._coro
        return coro

    @property
    def status(self) -> HandleStatus:
        """See ``protocols.TaskHandle``."""
        return self._status

    @property
    def finished(self) -> bool:
        """Whether the task has ended."""
        return self._status not in (HandleStatus.PENDING, HandleStatus.CANCELLING)

    @property
    def exception(self) -> BaseException | None:
        """See ``protocols.TaskHandle``."""
        if not self.finished:
            raise TaskNotFinished(f"task {self.name!r} has not ended yet")
        if self._status is HandleStatus.CANCELLED:
            raise TaskCancelled(f"task {self.name!r} was cancelled")
        return self._error

    @property
    def return_value(self) -> T:
        """See ``protocols.TaskHandle``."""
        error = self.exception
        if error is not None:
            raise TaskFailed(f"task {self.name!r} failed: {type(error).__name__}: {error}") from error
        value: T = self._value
        return value

    @property
    def start_value(self) -> Any:
        """See ``protocols.TaskHandle``."""
        if self._start_value is UNSET:
            raise RuntimeError(f"task {self.name!r} was not begun by start(), so that it has no start value")
        return self._start_value

    async def wait(self) -> None:
        """See ``protocols.TaskHandle``."""
        backend = current_backend()
        if self.finished:
            if backend.checkpoint_due():
                await backend.checkpoint()
            return
        me: object = self
        if backend.current_task() is me:
            raise RuntimeError(f"task {self.name!r} waits for itself, which would never end")
        parker = backend.create_parker()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(parker)
        try:
            await parker.park()
        except BaseException:
            if self._waiters is not None and parker in self._waiters:
                self._waiters.remove(parker)
            raise

    async def _wait_value(self) -> T:
        await self.wait()
        return self.return_value

    def __await__(self) -> Generator[Any, Any, T]:
        """See ``protocols.TaskHandle``."""
        return self._wait_value().__await__()

    def watch(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` when the task has ended."""
        if self._watchers is None:
            self._watchers = []
        self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], object]) -> None:
        """Forget ``callback``."""
        if self._watchers is not None and callback in self._watchers:
            self._watchers.remove(callback)

    def _settle(self, status: HandleStatus) -> None:
        """Enter a final status, wake those who wait and call those who watch; called once by the backend."""
        self._status = status
        waiters, watchers = self._waiters, self._watchers
        if waiters is not None:
            self._waiters = None
            for parker in waiters:
                parker.unpark(None)
        if watchers is not None:
            self._watchers = None
            for callback in watchers:
                callback()

    def __repr__(self) -> str:
        return f"<TaskHandle {self.name!r} {self._status.value}>"


class StartStatus:
    """The ``task_status`` argument of a task begun by ``start()``."""

    __slots__ = ("_called", "_on_started")

    def __init__(self, on_started: Callable[[Any], None]) -> None:
        self._on_started: Callable[[Any], None] | None = on_started
        self._called = False

    def started(self, value: Any = None) -> None:
        """See ``protocols.TaskStatus``."""
        if self._called:
            raise RuntimeError("started() was called twice by the same task")
        self._called = True
        on_started, self._on_started = self._on_started, None
        if on_started is not None:
            on_started(value)

    def disconnect(self) -> None:
        """Forget the caller of ``start()``, which was cancelled or has its answer: from now on a no-op."""
        self._on_started = None
