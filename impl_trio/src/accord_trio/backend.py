"""The backend object: the waist, member by member."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from math import inf
from typing import TypeVar, TypeVarTuple, Unpack

import trio

from accord.protocols import TaskInfo

from . import records, runner
from .blocked import Testing
from .groups import TaskGroup
from .loops import LoopToken, current_state
from .parking import Parker, with_own_context
from .readiness import Readiness
from .records import current_record
from .scopes import CancelScope

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _user_tasks(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    """The tasks below ``task``, itself included."""
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _user_tasks(child)


class TrioBackend:
    """The Trio backend; see ``accord.protocols.Backend`` for its members."""

    __slots__ = ("readiness", "testing", "version")

    name = "trio"
    spec_version = "0.1"
    capabilities = frozenset({"readiness", "testing"})
    cancelled_exc_class: type[BaseException] = trio.Cancelled
    variants: Mapping[str, Mapping[str, object]] = {"budget-1": {"checkpoint_budget": 1}}

    # What needs no code here costs no call here either.
    is_running_here = staticmethod(trio.lowlevel.in_trio_run)
    current_time = staticmethod(trio.current_time)
    current_task = staticmethod(current_record)
    checkpoint = staticmethod(trio.lowlevel.checkpoint)
    cancel_shielded_checkpoint = staticmethod(trio.lowlevel.cancel_shielded_checkpoint)
    create_cancel_scope = staticmethod(CancelScope)
    create_task_group = staticmethod(TaskGroup)
    create_parker = staticmethod(Parker)

    def __init__(self) -> None:
        self.readiness = Readiness()
        self.testing = Testing()
        try:
            self.version = version("accord-trio")
        except PackageNotFoundError:
            self.version = "unknown"

    def run(
        self,
        main: Callable[[Unpack[Ts]], Awaitable[T]],
        args: tuple[*Ts],
        options: Mapping[str, object],
        /,
    ) -> T:
        """See ``accord.protocols.Backend``."""
        result: T = runner.run(main, args, options)
        return result

    def current_token(self) -> LoopToken:
        """See ``accord.protocols.Backend``."""
        return current_state().token

    def current_effective_deadline(self) -> float:
        """See ``accord.protocols.Backend``."""
        if not trio.lowlevel.in_trio_task():
            return inf
        deadline = trio.current_effective_deadline()
        return -inf if deadline <= trio.current_time() else deadline

    async def checkpoint_if_cancelled(self) -> None:
        """See ``accord.protocols.Backend``."""
        deadline = trio.current_effective_deadline()
        if deadline != inf and deadline <= trio.current_time():
            await trio.lowlevel.checkpoint()

    def checkpoint_due(self) -> bool:
        """See ``accord.protocols.Backend``."""
        deadline = trio.current_effective_deadline()
        if deadline != inf and deadline <= trio.current_time():
            return True
        state = current_record().state
        state.budget_left -= 1
        if state.budget_left > 0:
            return False
        state.budget_left = state.budget
        return True

    async def sleep_until(self, deadline: float, /) -> None:
        """See ``accord.protocols.Backend``."""
        if deadline <= trio.current_time():
            await trio.lowlevel.checkpoint()
        else:
            await with_own_context(trio.sleep_until, deadline)

    def running_tasks(self) -> Sequence[TaskInfo]:
        """See ``accord.protocols.Backend``."""
        # The root task opens one nursery after the other: for its own tasks, and last for the main task.
        root = trio.lowlevel.current_root_task()
        if root is None or not root.child_nurseries:
            return []
        mains = root.child_nurseries[-1].child_tasks
        if (nursery := current_state().token.nursery) is not None:
            mains = nursery.child_tasks  # the main task of a session only holds the nursery
        return [records.find(task) for main in mains for task in _user_tasks(main)]

    def watch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """See ``accord.protocols.Backend``."""
        if isinstance(task, records.TaskRecord):
            task.watch(callback)

    def unwatch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """See ``accord.protocols.Backend``."""
        if isinstance(task, records.TaskRecord):
            task.unwatch(callback)

    def __repr__(self) -> str:
        return f"<accord trio backend {self.version}>"


backend = TrioBackend()
