"""Task groups, the handles of the tasks in them, and what can be asked about any task."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, TypeVarTuple, Unpack

from .cancellation import CancelScope

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)
Ts = TypeVarTuple("Ts")


class HandleStatus(Enum):
    """Where a task stands (TASK-30)."""

    PENDING = "pending"
    """Not finished, and nobody cancelled it through its handle."""
    CANCELLING = "cancelling"
    """Cancelled through its handle, not finished yet; it may still end in any way."""
    FINISHED = "finished"
    """Returned a value."""
    FAILED = "failed"
    """Raised an exception that was no cancellation."""
    CANCELLED = "cancelled"
    """Ended by a cancellation."""


class TaskInfo(Protocol):
    """What can be asked about a task; one object per task, equal and hashable by identity (TASK-38)."""

    __slots__ = ()

    @property
    def id(self) -> int:
        """A number that no other task of this process had or gets (TASK-38)."""
        ...

    @property
    def parent_id(self) -> int | None:
        """The id of the task whose group it runs in; None for a root task (TASK-39)."""
        ...

    @property
    def name(self) -> str:
        """The name given at the start, else ``module.qualname`` of the function (TASK-20)."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the task has ended."""
        ...

    def has_pending_cancellation(self) -> bool:
        """Whether its next checkpoint would raise a cancellation; False once it has ended (TASK-41)."""
        ...


class TaskHandle(Protocol[T_co]):
    """One task of a group: wait for it, look at its outcome, cancel it alone."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The task's name (TASK-20)."""
        ...

    @property
    def coro(self) -> Coroutine[Any, Any, T_co]:
        """The coroutine that the task runs."""
        ...

    @property
    def status(self) -> HandleStatus:
        """Where the task stands (TASK-30)."""
        ...

    @property
    def return_value(self) -> T_co:
        """What the task returned (TASK-31).

        Raises ``TaskNotFinished``, ``TaskCancelled`` or ``TaskFailed`` (its cause is the task's exception).
        """
        ...

    @property
    def exception(self) -> BaseException | None:
        """The exception that the task raised, or None (TASK-31); ``TaskNotFinished``, ``TaskCancelled``."""
        ...

    @property
    def start_value(self) -> Any:
        """What a task begun by ``start()`` passed to ``started()`` (TASK-29); ``RuntimeError`` for others."""
        ...

    def cancel(self, reason: str | None = None) -> None:
        """Cancel this task only; nothing happens if it has ended (TASK-32)."""
        ...

    async def wait(self) -> None:
        """Wait until the task has ended, in whatever way; a checkpoint (TASK-33)."""
        ...

    def __await__(self) -> Generator[Any, Any, T_co]:
        """Wait for the task, then return or raise as ``return_value`` does (TASK-33, TASK-34)."""
        ...


class TaskStatus(Protocol[T_contra]):
    """What a function begun by ``TaskGroup.start()`` uses to say that it is ready."""

    __slots__ = ()

    def started(self, value: T_contra = ..., /) -> None:
        """Let ``start()`` return ``value`` and move the task into the group (TASK-24 to TASK-27).

        Callable from any code on the loop's thread. Raises ``RuntimeError`` at a second call.
        """
        ...


class TaskGroup(Protocol):
    """Tasks that end together: an asynchronous, single-use context manager."""

    __slots__ = ()

    @property
    def cancel_scope(self) -> CancelScope:
        """The scope around the body and all tasks of the group; usable before entry (TASK-14)."""
        ...

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the body and all tasks; same as ``cancel_scope.cancel(reason)``."""
        ...

    def start_soon(
        self,
        func: Callable[[Unpack[Ts]], Coroutine[Any, Any, T]],
        /,
        *args: *Ts,
        name: object = None,
    ) -> TaskHandle[T]:
        """Call ``func(*args)`` and run the coroutine as a task; returns before its first step (TASK-10).

        :param name: the task's name, turned into a string; by default taken from ``func``.

        Raises ``TypeError`` for what is no async function, ``RuntimeError`` if the group is not open. No checkpoint.
        """
        ...

    def create_task(
        self, coro: Coroutine[Any, Any, T], /, *, name: object = None, context: Context | None = None
    ) -> TaskHandle[T]:
        """Run a coroutine object as a task (TASK-17).

        :param context: the context to run in, itself and no copy; by default a copy of the caller's.

        Raises as ``start_soon`` does, and closes ``coro`` if it is not run. No checkpoint.
        """
        ...

    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, object]],
        /,
        *args: object,
        name: object = None,
        return_handle: bool = False,
    ) -> Any:
        """Run ``func(*args, task_status=...)`` as a task and wait until it calls ``task_status.started(value)``.

        :param return_handle: return the task's handle (with ``start_value``) and not the value.

        Raises the task's own exception if it fails first and ``RuntimeError`` if it ends without ``started()``
        (TASK-22 to TASK-29). A checkpoint.
        """
        ...

    async def __aenter__(self) -> Self:
        """Open the group; ``RuntimeError`` if it was opened before. No checkpoint."""
        ...

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        """Wait for all tasks, then report (TASK-1 to TASK-9); yields at least once, cancels nothing by itself."""
        ...
