"""The public half of task groups: what can be said before a backend has to start a task, and how errors are collected.

A backend's group class inherits ``TaskGroupMixin`` (which has no fields), declares the fields listed there, and
provides ``_spawn``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, TypeVarTuple

from ..protocols import CancelReason, CancelScope, TaskHandle
from .coroutines import call_for_coroutine, check_coroutine, close_quietly, task_name

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NEW, OPEN, ENDED = 0, 1, 2
"""The phases of a group's life."""


class GroupScope(CancelScope, Protocol):
    """What the mixin needs of the group's scope."""

    def cancel_for(self, reason: CancelReason) -> None:
        """Cancel for ``reason``, unless the scope is cancelled already."""
        ...


ScopeT = TypeVar("ScopeT", bound=GroupScope)


class TaskGroupMixin(Generic[ScopeT]):
    """The members of a task group that are the same on every backend."""

    if TYPE_CHECKING:
        # The fields of the concrete class.
        _name: str | None
        _phase: int
        _errors: list[BaseException] | None

        _scope: ScopeT

        def _spawn(self, coro: Any, name: str, context: Context | None) -> Any:
            """Run a coroutine as a task of the group and return its handle."""
    else:
        __slots__ = ()

    @property
    def cancel_scope(self) -> CancelScope:
        """See ``accord.protocols.TaskGroup``."""
        return self._scope

    def cancel(self, reason: str | None = None) -> None:
        """See ``accord.protocols.TaskGroup``."""
        self._scope.cancel(reason)

    def start_soon(
        self, func: Callable[[*Ts], Coroutine[Any, Any, T]], /, *args: *Ts, name: object = None
    ) -> TaskHandle[T]:
        """See ``accord.protocols.TaskGroup``."""
        if self._phase != OPEN:
            self.refuse_task(func)
        handle: TaskHandle[T] = self._spawn(call_for_coroutine(func, args), task_name(func, name), None)
        return handle

    def create_task(
        self, coro: Coroutine[Any, Any, T], /, *, name: object = None, context: Context | None = None
    ) -> TaskHandle[T]:
        """See ``accord.protocols.TaskGroup``."""
        check_coroutine(coro)
        if self._phase != OPEN:
            self.refuse_task(coro)
        handle: TaskHandle[T] = self._spawn(coro, task_name(coro, name), context)
        return handle

    def refuse_task(self, rejected: object) -> NoReturn:
        """Raise the error for a task that can't be started any more, or yet; closes ``rejected`` if it can be."""
        close_quietly(rejected)
        state = "has ended" if self._phase == ENDED else "was not entered with 'async with' yet"
        raise RuntimeError(f"no task can be started: {self.described()} {state}")

    def check_new(self) -> None:
        """Refuse a second entry."""
        if self._phase != NEW:
            raise RuntimeError(f"{self.described()} was entered before; a task group can be used only once")

    def check_open(self) -> None:
        """Refuse an exit without entry."""
        if self._phase != OPEN:
            raise RuntimeError(f"{self.described()} is not open")

    def described(self) -> str:
        """Return what errors call the group."""
        return f"task group {self._name!r}" if self._name else "this task group"

    def note_error(self, error: BaseException, name: str) -> None:
        """Collect an error of task ``name``, and cancel the rest of the group."""
        if self._errors is None:
            self._errors = [error]
        else:
            self._errors.append(error)
        self._scope.cancel_for(CancelReason("failure", None, name))

    def note_open_scope(self, name: str) -> None:
        """Collect the error for a scope that the body, of task ``name``, has not left."""
        self.note_error(RuntimeError(f"{self.described()} ended with a cancel scope still open in it"), name)

    def __repr__(self) -> str:
        return f"<TaskGroup{f' {self._name!r}' if self._name else ''} {('new', 'open', 'ended')[self._phase]}>"
