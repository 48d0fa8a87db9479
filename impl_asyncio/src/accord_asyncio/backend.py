"""The backend object: the waist, member by member."""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError, Future, get_running_loop
from collections.abc import Awaitable, Callable, Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple, Unpack

from accord.protocols import TaskInfo

from . import current, parking, records, runner, scopes
from .blocked import Testing
from .current import current_record
from .groups import TaskGroup
from .loops import LoopToken, current_time, state_of
from .parking import Parker
from .readiness import Readiness
from .scopes import CancelScope

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


def _eager_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def _variants() -> dict[str, Mapping[str, object]]:
    from importlib.util import find_spec

    variants: dict[str, Mapping[str, object]] = {"debug": {"debug": True}, "budget-1": {"checkpoint_budget": 1}}
    if find_spec("uvloop") is not None:
        variants["uvloop"] = {"use_uvloop": True}
    if sys.version_info >= (3, 12):
        variants["eager"] = {"loop_factory": _eager_loop}
    return variants


_MEMBERS: dict[str, Callable[..., object]] = {
    "cancel_shielded_checkpoint": parking.cancel_shielded_checkpoint,
    "checkpoint": parking.checkpoint,
    "checkpoint_due": parking.checkpoint_due,
    "checkpoint_if_cancelled": parking.checkpoint_if_cancelled,
    "create_cancel_scope": CancelScope,
    "create_parker": Parker,
    "create_task_group": TaskGroup,
    "current_task": current_record,
    "current_time": current_time,
    "is_running_here": asyncio._get_running_loop,
}


class AsyncioBackend:
    """The asyncio backend; see ``accord.protocols.Backend`` for its members.

    What is asked often is no method but a function or a class in a field, which costs a call less.
    """

    __slots__ = ("_variants", "readiness", "testing", *_MEMBERS)

    if TYPE_CHECKING:

        def is_running_here(self) -> object: ...
        def current_time(self) -> float: ...
        async def checkpoint(self) -> None: ...
        async def checkpoint_if_cancelled(self) -> None: ...
        async def cancel_shielded_checkpoint(self) -> None: ...
        def checkpoint_due(self) -> bool: ...
        def create_parker(self) -> Parker: ...
        def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> CancelScope: ...
        def create_task_group(self, name: str | None, /) -> TaskGroup: ...
        def current_task(self) -> TaskInfo: ...

    name = "asyncio"
    spec_version = "0.1"
    capabilities = frozenset({"readiness", "testing"})
    cancelled_exc_class: type[BaseException] = CancelledError

    def __init__(self) -> None:
        for name, member in _MEMBERS.items():
            setattr(self, name, member)
        self.readiness = Readiness()
        self.testing = Testing()
        self._variants: Mapping[str, Mapping[str, object]] | None = None

    @property
    def version(self) -> str:
        """See ``accord.protocols.Backend``."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("accord-asyncio")
        except PackageNotFoundError:
            return "unknown"

    @property
    def variants(self) -> Mapping[str, Mapping[str, object]]:
        """See ``accord.protocols.Backend``."""
        if self._variants is None:
            self._variants = _variants()
        return self._variants

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
        return state_of(get_running_loop()).token

    def current_effective_deadline(self) -> float:
        """See ``accord.protocols.Backend``."""
        return inf if current.current_task() is None else scopes.effective_deadline(current_record())

    async def sleep_until(self, deadline: float, /) -> None:
        """See ``accord.protocols.Backend``."""
        record = current_record()
        state = record.state
        if state.heap:
            state.look_at_clock()
        if record.scope._effective:
            # Decided here: a shield that goes up during the yield comes too late (CANCEL-16).
            await parking.cancel_shielded_checkpoint()
            parking.raise_cancelled(record)
        if deadline == inf:
            await Future(loop=state.loop)  # nobody but a cancellation ends it, so that it needs no parker
        now = state.time()
        if deadline <= now:
            await parking.checkpoint()
            return
        while now < deadline:
            parker = Parker()
            timer = state.loop.call_at(min(deadline, now + state.farthest), parker.unpark, None)
            try:
                await parker.park()
            finally:
                timer.cancel()
            if deadline <= now + state.farthest:
                return
            now = state.time()

    def running_tasks(self) -> Sequence[TaskInfo]:
        """See ``accord.protocols.Backend``."""
        return [records.adopt(task) for task in asyncio.all_tasks()]

    def watch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """See ``accord.protocols.Backend``."""
        if isinstance(task, records.TaskRecord):
            task.watch(callback)

    def unwatch_task(self, task: TaskInfo, callback: Callable[[], object], /) -> None:
        """See ``accord.protocols.Backend``."""
        if isinstance(task, records.TaskRecord):
            task.unwatch(callback)

    def __repr__(self) -> str:
        return f"<accord asyncio backend {self.version}>"


backend = AsyncioBackend()
