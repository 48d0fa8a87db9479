"""A backend whose types are wrong, one mistake in each of some classes; what it does is right.

Its objects are those of a good backend, in wrappers. It is found as ``wrong_types:backend`` in this folder.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from broken_backends import any_installed

from accord.protocols import CancelScope, LoopToken, Runner, TaskGroup, TaskInfo
from accord_conformance.loader import load_backend

_good: Any = load_backend(any_installed())


class Scope:
    """Lacks ``shield``, and its deadline cannot be assigned."""

    def __init__(self, good: CancelScope) -> None:
        self._good = good

    @property
    def deadline(self) -> float:
        """Read only."""
        return self._good.deadline

    @property
    def cancel_called(self) -> bool:
        """As it should be."""
        return self._good.cancel_called

    @property
    def cancelled_caught(self) -> bool:
        """As it should be."""
        return self._good.cancelled_caught

    @property
    def cancel_reason(self) -> Any:
        """As it should be."""
        return self._good.cancel_reason

    def cancel(self, reason: str | None = None) -> None:
        """As it should be."""
        self._good.cancel(reason)

    def __enter__(self) -> Scope:
        self._good.__enter__()
        return self

    def __exit__(self, *exc: Any) -> bool:
        return bool(self._good.__exit__(*exc))


class Parker:
    """``unpark`` takes no value, and is a coroutine function."""

    async def park(self) -> Any:
        """As it should be."""

    async def park_shielded(self) -> Any:
        """As it should be."""

    async def unpark(self) -> bool:
        """Do it wrong."""
        return True

    @property
    def woken(self) -> bool:
        """As it should be."""
        return True


class Token:
    """``backend_name`` is a method."""

    def __init__(self, good: LoopToken) -> None:
        self._good = good

    def backend_name(self) -> str:
        """Do it wrong."""
        return "wrong"

    def call_soon(self, func: Callable[..., object], /, *args: Any) -> None:
        """As it should be."""
        self._good.call_soon(func, *args)

    def hold_clock(self) -> None:
        """As it should be."""

    def release_clock(self) -> None:
        """As it should be."""


def _local_testing() -> Any:
    class Testing:
        """As it should be, but nobody can name it."""

        async def wait_all_tasks_blocked(self) -> None:
            """As it should be."""

        def create_runner(self, options: Mapping[str, object], /) -> Runner:
            """As it should be."""
            runner: Runner = _good.testing.create_runner(options)
            return runner

    return Testing()


class Backend:
    """Its ``current_time`` needs an argument and gives text."""

    name = "wrong"
    version = "1.0"
    spec_version = "0.1"
    capabilities = frozenset({"testing"})
    variants: Mapping[str, Mapping[str, object]] = {}
    cancelled_exc_class: type[BaseException] = _good.cancelled_exc_class
    readiness = None

    def __init__(self) -> None:
        self.testing: Any = _local_testing()

    def current_time(self, unit: str) -> str:
        """Do it wrong."""
        return f"{_good.current_time()} {unit}"

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, object], /) -> Any:
        """As it should be."""
        return _good.run(main, args, options)

    def create_cancel_scope(self, deadline: float, delay: float | None, shield: bool, /) -> Scope:
        """As it should be."""
        return Scope(_good.create_cancel_scope(deadline, delay, shield))

    def create_task_group(self, name: str | None, /) -> TaskGroup:
        """As it should be."""
        group: TaskGroup = _good.create_task_group(name)
        return group

    def create_parker(self) -> Parker:
        """As it should be."""
        return Parker()

    def current_token(self) -> Token:
        """As it should be."""
        return Token(_good.current_token())

    def current_task(self) -> TaskInfo:
        """As it should be."""
        task: TaskInfo = _good.current_task()
        return task

    def __getattr__(self, member: str) -> Any:
        return getattr(_good, member)


backend = Backend()
