"""A backend that watches how it is used (area DEBUG).

It stands between the portable library and a real backend: it has the same members, does what the real one does, and
takes note of the cancellations that come out of it. So nothing of this is in the way of programs that don't ask for it,
and it works on every backend.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, cast

from .._backends import choose_backend
from ..protocols import Backend
from ..toolkit.checks import check_positive
from ..toolkit.coroutines import task_name
from .ledger import Ledger, serials, where
from .steps import StepWatch


class _Block:
    """A scope or a group that knows where it was entered."""

    __slots__ = ("__weakref__", "_place", "_real", "_serial", "_task", "_watch")

    def __init__(self, watch: Ledger, real: Any) -> None:
        self._watch = watch
        self._real = real
        self._place = self._task = ""
        self._serial = -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def _entered(self) -> None:
        self._serial = next(serials)
        self._place = where(sys._getframe())[0]
        self._task = self._watch.base.current_task().name

    def _explain(self, error: RuntimeError, what: str) -> None:
        if self._place:
            error.add_note(f"the {what} was entered in task {self._task!r} at {self._place}")

    def __repr__(self) -> str:
        return repr(self._real)


class _Scope(_Block):
    """A cancel scope, of which swallowed cancellations are told where it is left."""

    __slots__ = ()

    @property
    def deadline(self) -> float:
        deadline: float = self._real.deadline
        return deadline

    @deadline.setter
    def deadline(self, value: float, /) -> None:
        self._real.deadline = value

    @property
    def shield(self) -> bool:
        shield: bool = self._real.shield
        return shield

    @shield.setter
    def shield(self, value: bool, /) -> None:
        self._real.shield = value

    def __enter__(self) -> Self:
        self._real.__enter__()
        self._entered()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        swallowed = self._watch.swallowed_since(self._serial) if exc is None else None
        try:
            suppressed: bool = self._real.__exit__(exc_type, exc, tb)
        except RuntimeError as error:
            self._explain(error, "scope")
            raise
        finally:
            if self._real.cancelled_caught:
                self._watch.caught()
        if swallowed is not None:
            self._watch.warn(swallowed)
        return suppressed


class _Group(_Block):
    """A task group whose tasks are followed."""

    __slots__ = ()

    def start_soon(self, *args: Any, **keywords: Any) -> Any:
        handle = self._real.start_soon(*args, **keywords)
        self._watch.follow(handle)
        return handle

    def create_task(self, *args: Any, **keywords: Any) -> Any:
        handle = self._real.create_task(*args, **keywords)
        self._watch.follow(handle)
        return handle

    async def start(self, *args: Any, return_handle: bool = False, **keywords: Any) -> Any:
        handle = await self._watch.perform(self._real.start, *args, return_handle=True, **keywords)
        self._watch.follow(handle)
        return handle if return_handle else handle.start_value

    async def __aenter__(self) -> Self:
        await self._real.__aenter__()
        self._entered()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> bool:
        swallowed = self._watch.swallowed_since(self._serial) if exc is None else None
        try:
            suppressed: bool = await self._real.__aexit__(exc_type, exc, tb)
        except self._watch.cancelled:
            self._watch.note()
            raise
        except RuntimeError as error:
            self._explain(error, "task group")
            raise
        finally:
            if self._real.cancel_scope.cancelled_caught:
                self._watch.caught()
        if swallowed is not None:
            self._watch.warn(swallowed)
        return suppressed


class _Parker:
    """A parker whose cancellations are noted."""

    __slots__ = ("__weakref__", "_real", "_watch", "unpark")

    def __init__(self, watch: Ledger, real: Any) -> None:
        self._watch = watch
        self._real = real
        self.unpark = real.unpark

    async def park(self) -> Any:
        return await self._watch.perform(self._real.park)

    async def park_shielded(self) -> Any:
        return await self._real.park_shielded()


class _Poller:
    """A poller whose cancellations are noted."""

    __slots__ = ("__weakref__", "_real", "_watch", "close")

    def __init__(self, watch: Ledger, real: Any) -> None:
        self._watch = watch
        self._real = real
        self.close = real.close

    async def readable(self, attempt: Callable[[], Any], /) -> Any:
        return await self._watch.perform(self._real.readable, attempt)

    async def writable(self, attempt: Callable[[], Any], /) -> Any:
        return await self._watch.perform(self._real.writable, attempt)


class _Readiness:
    __slots__ = ("_real", "_watch")

    def __init__(self, watch: Ledger, real: Any) -> None:
        self._watch = watch
        self._real = real

    def create_poller(self, fd: int, /) -> _Poller:
        return _Poller(self._watch, self._real.create_poller(fd))


class _WatchedBackend:
    """The real backend, watched; satisfies ``accord.protocols.Backend``."""

    __slots__ = ("__weakref__", "_base", "_slow_step", "_watch", "readiness")

    def __init__(self, base: Backend, slow_step: float | None) -> None:
        self._base = base
        self._slow_step = slow_step
        self._watch = Ledger(base)
        self.readiness = None if base.readiness is None else _Readiness(self._watch, base.readiness)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._base, name)

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        """Run ``main``, and watch its loop from its begin to its end."""
        watches: list[StepWatch] = []
        if not callable(main):
            return self._base.run(main, args, options)

        def begin(*arguments: Any) -> Awaitable[Any]:
            self._watch.follow_current()
            if self._slow_step is not None:
                token = self._base.current_token()
                watches.append(StepWatch(token, self._slow_step, _WatchedBackend.run.__code__, self._watch.name_of))
            return main(*arguments)

        begin.__module__, _, begin.__qualname__ = task_name(main).rpartition(".")
        try:
            return self._base.run(begin, args, options)
        finally:
            for watch in watches:
                watch.stop()

    async def checkpoint(self) -> None:
        await self._watch.perform(self._base.checkpoint)

    async def checkpoint_if_cancelled(self) -> None:
        await self._watch.perform(self._base.checkpoint_if_cancelled)

    async def sleep_until(self, deadline: float, /) -> None:
        await self._watch.perform(self._base.sleep_until, deadline)

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> _Scope:
        return _Scope(self._watch, self._base.create_cancel_scope(deadline, delay, shield))

    def create_task_group(self, name: str | None, /) -> _Group:
        return _Group(self._watch, self._base.create_task_group(name))

    def create_parker(self) -> _Parker:
        return _Parker(self._watch, self._base.create_parker())

    def __repr__(self) -> str:
        return f"<watched {self._base!r}>"


def watched(backend: str | Backend | None = None, *, slow_step: float | None = 0.1) -> Backend:
    """Return a backend that does what another one does, and warns of mistakes: the debug mode (DEBUG-5 to DEBUG-8).

    :param backend: the name of an installed backend or a backend object, chosen as ``run`` does by default.
    :param slow_step: after how many seconds a step of a task that lets nobody else run is reported; None for never.

    Pass it to ``accord.run(main, backend=...)``. It emits a ``DebugWarning`` where a task swallows a cancellation and
    goes on or ends as if nothing had happened, and where a step takes long; and the ``RuntimeError`` for a scope or
    group that is left in a wrong task or order gets a note where it was entered. Raises what ``run`` raises for a wrong
    backend, and ``ValueError`` or ``TypeError`` for a wrong ``slow_step``.
    """
    if slow_step is not None:
        slow_step = check_positive(slow_step, "slow_step")
    return cast(Backend, _WatchedBackend(choose_backend(backend), slow_step))
