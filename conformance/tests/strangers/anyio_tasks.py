"""AnyIO's scopes, task groups, handles and task infos with accord's members; ``anyio_waist`` says what is whose."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any, Self

import anyio
import anyio.abc

import accord
from accord.protocols import CancelReason, HandleStatus


def translated(error: BaseException) -> BaseException:
    """Return accord's exception of the same name, with the same cause, and the same text if it has one."""
    cls: type[accord.AccordError] = getattr(accord, type(error).__name__)
    # Past the constructor: AnyIO's classes tell the text that they made, but not what of.
    new = cls.__new__(cls)
    new.args = (str(error) or cls.default,)
    new.__cause__ = error.__cause__
    return new


class CancelScope:
    """AnyIO's scope, and a reason that can be read."""

    def __init__(self, scope: anyio.CancelScope) -> None:
        self._scope = scope
        self._explicit: CancelReason | None = None

    @property
    def deadline(self) -> float:
        """AnyIO's."""
        return self._scope.deadline

    @deadline.setter
    def deadline(self, value: float) -> None:
        self._scope.deadline = value

    @property
    def shield(self) -> bool:
        """AnyIO's."""
        return self._scope.shield

    @shield.setter
    def shield(self, value: bool) -> None:
        self._scope.shield = value

    @property
    def cancel_called(self) -> bool:
        """AnyIO's."""
        return self._scope.cancel_called

    @property
    def cancelled_caught(self) -> bool:
        """AnyIO's."""
        return self._scope.cancelled_caught

    @property
    def cancel_reason(self) -> CancelReason | None:
        """Ours: what can be told from outside, which is the scope's own cause, without the task that failed."""
        if self._explicit is not None or not self._scope.cancel_called:
            return self._explicit
        return CancelReason("deadline" if anyio.current_time() >= self._scope.deadline else "failure")

    def cancel(self, reason: str | None = None) -> None:
        """AnyIO's; the reason is noted, because AnyIO only puts it into the text of the exception."""
        if not self._scope.cancel_called:
            try:
                source = anyio.get_current_task().name
            except RuntimeError:  # in a callback
                source = None
            self._explicit = CancelReason("explicit", reason, source)
        self._scope.cancel(reason)

    def __enter__(self) -> Self:
        self._scope.__enter__()
        return self

    def __exit__(self, *exc_info: Any) -> bool:
        return self._scope.__exit__(*exc_info)

    def __repr__(self) -> str:
        return repr(self._scope)


class TaskHandle:
    """AnyIO's handle, with accord's names for states and exceptions."""

    def __init__(self, handle: anyio.TaskHandle[Any, Any]) -> None:
        self._handle = handle

    @property
    def name(self) -> str:
        """AnyIO's."""
        return self._handle.name

    @property
    def coro(self) -> Coroutine[Any, Any, Any]:
        """AnyIO's."""
        return self._handle.coro

    @property
    def status(self) -> HandleStatus:
        """AnyIO's, by its name."""
        return HandleStatus[self._handle.status.name]

    @property
    def return_value(self) -> Any:
        """AnyIO's."""
        return self._outcome("return_value")

    @property
    def exception(self) -> BaseException | None:
        """AnyIO's."""
        error: BaseException | None = self._outcome("exception")
        return error

    @property
    def start_value(self) -> Any:
        """AnyIO's."""
        return self._handle.start_value

    def cancel(self, reason: str | None = None) -> None:
        """AnyIO's, which takes no reason."""
        self._handle.cancel()

    def wait(self) -> Coroutine[Any, Any, None]:
        """AnyIO's."""
        return self._handle.wait()

    def _outcome(self, name: str) -> Any:
        try:
            return getattr(self._handle, name)
        except (anyio.TaskFailed, anyio.TaskNotFinished) as exc:
            error = translated(exc)
        try:
            raise error
        finally:
            del error

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            return (yield from self._handle.__await__())
        except anyio.TaskFailed as exc:
            error = translated(exc)
        try:
            raise error
        finally:
            del error

    def __repr__(self) -> str:
        return repr(self._handle)


class TaskGroup:
    """AnyIO's task group, whose handles and scope are wrapped."""

    def __init__(self) -> None:
        self._group = anyio.create_task_group()
        self._scope: CancelScope | None = None

    @property
    def cancel_scope(self) -> CancelScope:
        """AnyIO's, which is None on Trio until the group was entered."""
        if self._scope is None or self._scope._scope is None:
            self._scope = CancelScope(self._group.cancel_scope)
        return self._scope

    def cancel(self, reason: str | None = None) -> None:
        """AnyIO's."""
        self.cancel_scope.cancel(reason)

    def start_soon(
        self, func: Callable[..., Coroutine[Any, Any, Any]], /, *args: Any, name: object = None
    ) -> TaskHandle:
        """AnyIO's."""
        return TaskHandle(self._group.start_soon(func, *args, name=name))

    def create_task(
        self, coro: Coroutine[Any, Any, Any], /, *, name: object = None, context: Context | None = None
    ) -> TaskHandle:
        """AnyIO's."""
        return TaskHandle(self._group.create_task(coro, name=name, context=context))

    async def start(
        self,
        func: Callable[..., Coroutine[Any, Any, Any]],
        /,
        *args: Any,
        name: object = None,
        return_handle: bool = False,
    ) -> Any:
        """AnyIO's."""
        if return_handle:
            return TaskHandle(await self._group.start(func, *args, name=name, return_handle=True))
        return await self._group.start(func, *args, name=name)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    def __aexit__(self, *exc_info: Any) -> Coroutine[Any, Any, bool]:
        return self._group.__aexit__(*exc_info)

    def __repr__(self) -> str:
        return repr(self._group)


class TaskInfo:
    """What AnyIO says about a task, in one object for each task.

    It must not keep the task alive, and AnyIO's own object keeps the coroutine; so the values are copied.
    """

    def __init__(self, info: anyio.TaskInfo) -> None:
        self.id = info.id
        self.parent_id = info.parent_id
        self.name = info.name or ""
        self._watchers: list[Callable[[], object]] = []
        self._coro: weakref.ref[Any] = weakref.ref(info.coro)
        # Another reference, whose callback leads to the list and not to this object: that would be a cycle.
        self._freed = weakref.ref(info.coro, partial(_call_all, self._watchers))

    @property
    def finished(self) -> bool:
        """Ours: whether the task's coroutine, which AnyIO shows, has ended."""
        coro = self._coro()
        return coro is None or inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED

    def has_pending_cancellation(self) -> bool:
        """AnyIO's, of the tasks that it says are running."""
        return any(info.id == self.id and info.has_pending_cancellation() for info in anyio.get_running_tasks())

    def watch(self, callback: Callable[[], object]) -> None:
        """Ours: call ``callback`` when the task's coroutine is freed."""
        self._watchers.append(callback)

    def unwatch(self, callback: Callable[[], object]) -> None:
        """Ours: forget ``callback``."""
        if callback in self._watchers:
            self._watchers.remove(callback)

    def end(self) -> None:
        """Ours: call the watchers now, where somebody knows better when the task ends."""
        _call_all(self._watchers, None)

    def __repr__(self) -> str:
        return f"TaskInfo(id={self.id!r}, name={self.name!r})"


def _call_all(watchers: list[Callable[[], object]], _: object) -> None:
    while watchers:
        watchers.pop(0)()


_infos: weakref.WeakKeyDictionary[Any, TaskInfo] = weakref.WeakKeyDictionary()


def known_info(coro: Any) -> TaskInfo | None:
    """Return the object for the task that runs a coroutine, if there is one already."""
    return _infos.get(coro)


def find_info(info: anyio.TaskInfo) -> TaskInfo:
    """Return the object for the task that AnyIO describes."""
    found = known_info(info.coro)
    if found is None:
        found = _infos[info.coro] = TaskInfo(info)
    return found
