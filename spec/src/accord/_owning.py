"""Context managers that are entered and left in different tasks.

What has a cancel scope or a task group inside must be left by the task that entered it. A program that opens such a
thing in one function and closes it in another, perhaps in another task, lets a task of a group own it: that task enters
it, waits, and leaves it; only the value, and the wish to close, cross over.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from ._backends import current_backend, here
from ._running import get_cancelled_exc_class
from .protocols import TaskGroup, TaskStatus
from .protocols.parking import AnyParker
from .sync.events import Event
from .toolkit.coroutines import task_name

T = TypeVar("T")


class TaskOwned(Generic[T]):
    """A context manager that a task has entered, and leaves when this is closed (area OWNED).

    Itself an asynchronous context manager, whose target is the value.
    """

    __slots__ = ("__weakref__", "_closing", "_ended", "_value", "_waiters")

    def __init__(self) -> None:
        self._value: T | None = None
        self._closing = Event()
        self._ended = False
        self._waiters: list[AnyParker] = []

    @property
    def value(self) -> T:
        """What the context manager's entry returned."""
        return cast(T, self._value)

    @property
    def closed(self) -> bool:
        """Whether the context manager has been left, for whatever reason."""
        return self._ended

    async def aclose(self) -> None:
        """Have the context manager left by its task, and wait for that; idempotent, a checkpoint.

        What its exit raises is raised here. It is left even if this is cancelled.
        """
        self._closing.set()
        backend = here.backend or current_backend()
        if self._ended:
            if backend.checkpoint_due():
                await backend.checkpoint()
            return
        parker = backend.create_parker()
        self._waiters.append(parker)
        try:
            error: BaseException | None = await parker.park()
        except BaseException:
            if parker in self._waiters:
                self._waiters.remove(parker)
            raise
        try:
            if error is not None:
                raise error
        finally:
            del error, parker  # the error's traceback leads to this frame

    async def own(self, manager: AbstractAsyncContextManager[T, Any], *, task_status: TaskStatus[TaskOwned[T]]) -> None:
        """Enter the context manager, wait, and leave it. For the task."""
        self._value = await manager.__aenter__()
        try:
            try:
                task_status.started(self)
                await self._closing.wait()
            except BaseException as error:
                if not await manager.__aexit__(type(error), error, error.__traceback__):
                    raise
            else:
                await manager.__aexit__(None, None, None)
        except BaseException as error:
            if isinstance(error, get_cancelled_exc_class()) or not self._told(error):
                raise
        finally:
            self._ended = True
            self._told(None)

    def _told(self, error: BaseException | None) -> bool:
        """Wake those who wait in ``aclose``: the first with an error, if there is one; return whether it was told."""
        told = False
        while self._waiters and not (told and error is not None):
            told = self._waiters.pop(0).unpark(error) or told
        return told

    async def __aenter__(self) -> T:
        return self.value

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<TaskOwned {'closed' if self._ended else 'open'}>"


async def enter_in_task(
    group: TaskGroup, manager: AbstractAsyncContextManager[T, Any], *, name: object = None
) -> TaskOwned[T]:
    """Enter an asynchronous context manager in a new task of ``group``, which will also leave it; a checkpoint.

    :param group: the task group, which must stay open for as long as the context manager is entered.
    :param name: the task's name.

    What the entry raises is raised here. The context manager is left when the returned object is closed, or when the
    group is cancelled; what its exit raises goes to whoever waits for the closing, and to the group if nobody does.
    ``TypeError`` for what is no asynchronous context manager.
    """
    if not isinstance(manager, AbstractAsyncContextManager):
        raise TypeError(f"expected an async context manager, got {type(manager).__name__}")
    owned = TaskOwned[T]()
    return cast("TaskOwned[T]", await group.start(owned.own, manager, name=task_name(manager, name)))
