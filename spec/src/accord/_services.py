"""Services: background tasks that serve a block of code, and end after it.

A task group treats its body and its tasks alike. Where the tasks serve the body, that is wrong in three moments: at
the end of the body the tasks have to be stopped; when all is cancelled the body may need them for its clean-up; and if
one of them fails, the others are still needed while the body ends. So each service runs in a shielded scope of its own,
which is cancelled when the body has ended, one service after the other, the last one first.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, TypeVarTuple, Unpack

from ._scopes import CancelScope
from ._tasks import create_task_group
from .protocols import CancelScope as CancelScopeProtocol
from .protocols import TaskStatus
from .sync.events import Event
from .toolkit.coroutines import call_for_coroutine, close_quietly, task_name

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_ENDED = "the body of the service group has ended"


class _Service:
    """One task of a service group."""

    __slots__ = ("done", "scope")

    def __init__(self, shield: bool) -> None:
        self.scope = CancelScope(shield=shield)
        self.done = Event()


class _Status(Generic[T]):
    """What a service that is begun by ``start()`` says that it is ready to."""

    __slots__ = ("_group", "_inner", "_service")

    def __init__(self, inner: TaskStatus[Any], group: ServiceGroup, service: _Service) -> None:
        self._inner = inner
        self._group = group
        self._service = service

    def started(self, value: Any = None, /) -> None:
        """See ``accord.protocols.TaskStatus``."""
        self._inner.started(value)
        self._group.admit(self._service)


class ServiceGroup:
    """A group of services; an asynchronous, single-use context manager (area SERVICE).

    :param name: how its errors call it.

    The body is cancelled before its services, whatever the reason. When it has ended they are cancelled and waited for
    one after the other, the last one first. Errors are raised as by a task group.
    """

    __slots__ = ("__weakref__", "_group", "_services")

    def __init__(self, name: str | None = None) -> None:
        self._group = create_task_group(name=name)
        self._services: list[_Service] = []

    @property
    def cancel_scope(self) -> CancelScopeProtocol:
        """The scope around the body; services end after it."""
        return self._group.cancel_scope

    def cancel(self, reason: str | None = None) -> None:
        """Cancel the body, and so end the services after it; same as ``cancel_scope.cancel(reason)``."""
        self._group.cancel(reason)

    def start_soon(
        self, func: Callable[[Unpack[Ts]], Coroutine[Any, Any, object]], /, *args: *Ts, name: object = None
    ) -> CancelScope:
        """Run ``func(*args)`` as a service and return the scope that it runs in; to cancel that ends it alone.

        :param name: the task's name; by default taken from ``func``.

        Raises ``TypeError`` for what is no async function, ``RuntimeError`` if the group is not open. No checkpoint.
        """
        service = _Service(shield=True)
        coro = call_for_coroutine(func, args)
        try:
            self._group.start_soon(self._serve, service, coro, name=task_name(func, name))
        except RuntimeError:
            close_quietly(coro)
            raise
        self._services.append(service)
        return service.scope

    async def start(
        self, func: Callable[..., Coroutine[Any, Any, object]], /, *args: object, name: object = None
    ) -> Any:
        """Run ``func(*args, task_status=...)`` as a service, wait until it calls ``task_status.started(value)``.

        Returns the value, and raises as ``TaskGroup.start`` does. Until then the service is cancelled with the caller.
        A checkpoint.
        """
        service = _Service(shield=False)

        async def begin(*, task_status: TaskStatus[Any]) -> None:
            status = _Status[Any](task_status, self, service)
            await self._serve(service, call_for_coroutine(func, args, {"task_status": status}))

        return await self._group.start(begin, name=task_name(func, name))

    def admit(self, service: _Service) -> None:
        """Make a service that is ready one of the group's."""
        service.scope.shield = True
        self._services.append(service)

    async def _serve(self, service: _Service, coro: Coroutine[Any, Any, object]) -> None:
        try:
            with service.scope:
                await coro
        finally:
            if service in self._services:
                self._services.remove(service)
            service.done.set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool:
        try:
            with CancelScope(shield=True):
                while self._services:
                    service = self._services[-1]
                    service.scope.cancel(_ENDED)
                    await service.done.wait()
        except BaseException as error:
            # The host loop's own cancellation of this task: then there is no time for an order.
            for service in self._services:
                service.scope.cancel(_ENDED)
            return await self._group.__aexit__(type(error), error, error.__traceback__)
        return await self._group.__aexit__(exc_type, exc, tb)


def open_service_group(*, name: str | None = None) -> ServiceGroup:
    """Return a new service group, to be entered with ``async with``.

    :param name: how its errors call it.
    """
    return ServiceGroup(name)
