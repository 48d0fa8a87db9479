"""The backend object: the waist, member by member."""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import inf
from typing import TypeVar

from typing_extensions import TypeVarTuple, Unpack

from accord.protocols import TaskInfo

from . import current, parking, records, runner, scopes
from .blocked import Testing
from .current import current_record
from .groups import TaskGroup
from .loops import FARTHEST, LoopToken, state_of
from .parking import Parker, bare_yield
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
    variants: dict[str, Mapping[str, object]] = {"debug": {"debug": True}, "budget-1": {"checkpoint_budget": 1}}
    if find_spec("uvloop") is not None:
        variants["uvloop"] = {"use_uvloop": True}
    if sys.version_info >= (3, 12):
        variants["eager"] = {"loop_factory": _eager_loop}
    return variants


class AsyncioBackend:
    """The asyncio backend; see ``accord.protocols.Backend`` for its members."""

    __slots__ = ("_variants", "is_running_here", "readiness", "testing", "version")

    name = "asyncio"
    spec_version = "0.1"
    capabilities = frozenset({"readiness", "testing"})
    cancelled_exc_class: type[BaseException] = CancelledError

    def __init__(self) -> None:
        self.is_running_here: Callable[[], object] = asyncio._get_running_loop
        self.readiness = Readiness()
        self.testing = Testing()
        try:
            self.version = version("accord-asyncio")
        except PackageNotFoundError:
            self.version = "unknown"
        self._variants: Mapping[str, Mapping[str, object]] | None = None

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
        return state_of(asyncio.get_running_loop()).token

    def current_time(self) -> float:
        """See ``accord.protocols.Backend``."""
        return asyncio.get_running_loop().time()

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> CancelScope:
        """See ``accord.protocols.Backend``."""
        return CancelScope(deadline, delay, shield)

    def current_effective_deadline(self) -> float:
        """See ``accord.protocols.Backend``."""
        return inf if current.current_task() is None else scopes.effective_deadline(current_record())

    async def checkpoint(self) -> None:
        """See ``accord.protocols.Backend``."""
        record = current_record()
        if record.state.heap:
            record.state.look_at_clock()
        record.yielding = True
        try:
            await bare_yield()
        finally:
            record.yielding = False
        if record.scope._effective:
            parking.raise_cancelled(record)

    async def checkpoint_if_cancelled(self) -> None:
        """See ``accord.protocols.Backend``."""
        record = current_record()
        if record.state.heap:
            record.state.look_at_clock()
        if record.scope._effective:
            await self.checkpoint()

    async def cancel_shielded_checkpoint(self) -> None:
        """See ``accord.protocols.Backend``."""
        await parking.shielded_yield(current_record())

    def checkpoint_due(self) -> bool:
        """See ``accord.protocols.Backend``."""
        record = current_record()
        state = record.state
        if state.heap:
            state.look_at_clock()
        if record.scope._effective:
            return True
        state.budget_left -= 1
        if state.budget_left > 0:
            return False
        state.budget_left = state.budget
        return True

    async def sleep_until(self, deadline: float, /) -> None:
        """See ``accord.protocols.Backend``."""
        record = current_record()
        state = record.state
        now = state.time()
        if deadline <= now:
            await self.checkpoint()
            return
        while now < deadline:
            parker = Parker()
            if deadline == inf:
                await parker.park()
            timer = state.loop.call_at(min(deadline, now + FARTHEST), parker.unpark, None)
            try:
                await parker.park()
            finally:
                timer.cancel()
            if deadline <= now + FARTHEST:
                return
            now = state.time()

    def create_task_group(self, name: str | None, /) -> TaskGroup:
        """See ``accord.protocols.Backend``."""
        return TaskGroup(name)

    def current_task(self) -> TaskInfo:
        """See ``accord.protocols.Backend``."""
        return current_record()

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

    def create_parker(self) -> Parker:
        """See ``accord.protocols.Backend``."""
        return Parker()

    def __repr__(self) -> str:
        return f"<accord asyncio backend {self.version}>"


backend = AsyncioBackend()
