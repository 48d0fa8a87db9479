"""The waist: all that a backend supplies.

A backend is an object with these members, most easily an instance of a slotted class. It is found through the entry
point group ``accord.backends`` or passed to ``accord.run(..., backend=...)``; nothing else connects it to accord.
Everything that is not here (locks, streams, sockets, threads, ...) is portable code that stands on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, TypeVarTuple, Unpack

from .cancellation import CancelScope
from .loop import LoopToken
from .parking import Parker
from .readiness import Readiness
from .tasks import TaskGroup, TaskInfo
from .testing import Testing

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Backend(Protocol):
    """One way to run portable programs."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The backend's name, as in the entry point: short, lower case."""
        ...

    @property
    def version(self) -> str:
        """The version of the backend's distribution."""
        ...

    @property
    def spec_version(self) -> str:
        """The version of the rules, ``major.minor``, that the backend was written for."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """The optional parts it has: ``readiness``, ``testing`` (RUN-15)."""
        ...

    @property
    def variants(self) -> Mapping[str, Mapping[str, object]]:
        """Named sets of run options under which the conformance suite should run too, such as another event loop."""
        ...

    @property
    def cancelled_exc_class(self) -> type[BaseException]:
        """The class of the exceptions that deliver a cancellation."""
        ...

    def run(
        self,
        main: Callable[[Unpack[Ts]], Awaitable[T]],
        args: tuple[*Ts],
        options: Mapping[str, object],
        /,
    ) -> T:
        """Run ``main(*args)`` in a new loop until it ends; return its value or raise its exception (RUN-1 to RUN-9).

        :param options: the backend's own options; ``TypeError`` naming the first unknown one.
        """
        ...

    def is_running_here(self) -> object:
        """Something true if this thread is inside a loop of this backend now, in a task or a callback (RUN-10).

        Asked often: it should cost tens of nanoseconds.
        """
        ...

    def current_token(self) -> LoopToken:
        """The token of the loop that runs in this thread (RUN-12)."""
        ...

    def current_time(self) -> float:
        """The loop's clock, in seconds from an arbitrary origin; monotonic (TIME-1)."""
        ...

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> CancelScope:
        """Return a new scope.

        :param deadline: clock value at which it is cancelled, ``inf`` for never.
        :param delay: if not None, seconds from entry to the deadline, instead of ``deadline`` (TIME-9).
        :param shield: whether it starts shielded.

        Arguments were checked by the caller.
        """
        ...

    def current_effective_deadline(self) -> float:
        """The earliest deadline that can cancel the current task; ``-inf`` if it is cancelled (TIME-10)."""
        ...

    async def checkpoint(self) -> None:
        """Raise if cancelled, and let other tasks run (CKPT-1)."""
        ...

    async def checkpoint_if_cancelled(self) -> None:
        """Raise if cancelled, and do not yield otherwise (CKPT-2)."""
        ...

    async def cancel_shielded_checkpoint(self) -> None:
        """Let other tasks run, and never raise (CKPT-3)."""
        ...

    def checkpoint_due(self) -> bool:
        """Whether an operation that need not wait must call ``checkpoint()`` before it takes effect (CKPT-5).

        True if the current task is effectively cancelled, or if operations have skipped their yield as often as the
        run's budget allows (15 times in a row, unless the option ``checkpoint_budget`` says otherwise).
        """
        ...

    async def sleep_until(self, deadline: float, /) -> None:
        """Wait until the clock reads ``deadline`` (``inf``: for ever); a checkpoint in any case (TIME-3)."""
        ...

    def create_task_group(self, name: str | None, /) -> TaskGroup:
        """Return a new task group.

        :param name: how its errors call it; None for no name.
        """
        ...

    def current_task(self) -> TaskInfo:
        """The running task; ``RuntimeError`` in a callback, where none runs (TASK-40)."""
        ...

    def running_tasks(self) -> Sequence[TaskInfo]:
        """The tasks of this loop that were not started by the backend for itself (TASK-42)."""
        ...

    def watch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """Have ``callback()`` called on the loop when ``task``, which is not finished, ends (TASK-43)."""
        ...

    def unwatch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """Take back a ``watch_task`` with an equal callback, if it is still there."""
        ...

    def create_parker(self) -> Parker[Any]:
        """Return a parker for the current task (PARK-1)."""
        ...

    @property
    def readiness(self) -> Readiness | None:
        """The readiness part, or None."""
        ...

    @property
    def testing(self) -> Testing | None:
        """The testing part, or None."""
        ...
