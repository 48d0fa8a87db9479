"""What tests need from a backend (capability ``testing``)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Runner(Protocol):
    """A loop that runs only while it is asked to, for test frameworks and interactive shells."""

    __slots__ = ()

    def run(self, main: Callable[[Unpack[Ts]], Awaitable[T]], args: tuple[*Ts], /) -> T:
        """Run ``main(*args)`` in a new root task until it ends; return its value or raise its exception (RUNNER-1).

        Between calls the loop stands still, and keeps its tasks (RUNNER-2). Errors of callbacks that the host would
        only have logged are raised too (RUNNER-6). ``RuntimeError`` after ``close()``.
        """
        ...

    def close(self) -> None:
        """Cancel the tasks that are left, let them end, and end the loop; does nothing if it has ended (RUNNER-4)."""
        ...


class Testing(Protocol):
    """The testing part of a backend."""

    __slots__ = ()

    async def wait_all_tasks_blocked(self) -> None:
        """Return when every other task waits for something that no runnable task or callback will bring (TIME-14).

        A checkpoint. Uses no timer and no processor time while it waits.
        """
        ...

    def create_runner(self, options: Mapping[str, object], /) -> Runner:
        """Return a runner with a new loop of its own, which belongs to this thread (RUNNER-1).

        :param options: as for ``Backend.run``; ``TypeError`` naming the first unknown one.
        """
        ...
