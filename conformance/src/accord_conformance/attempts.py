"""Operations in tasks of their own, cancelled and served in every order: what tests of waiting have in common.

Cancellation goes wrong in gaps: after a task was cancelled and before it resumes, or after it was given something and
before it resumes. So each operation that waits is tested with both events in both orders, with and without a step of
the waiting task in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar, cast

import accord
from accord.protocols import Backend, TaskGroup

from .helpers import settle

T = TypeVar("T")

GAPS = ("cancelled and resumed before", "cancelled just before", "cancelled just after", "resumed and cancelled after")
"""When a waiting task is cancelled, seen from the moment at which it is given what it waits for."""


class Attempt(Generic[T]):
    """One operation in a task of a group, with a scope of its own and a note of how it ended."""

    def __init__(self, group: TaskGroup, operation: Callable[[], Awaitable[T]]) -> None:
        self.outcome: Literal["blocked", "returned", "raised", "cancelled"] = "blocked"
        """What the operation did so far; ``cancelled`` if it raised a cancellation."""
        self.value: T = cast(T, None)
        """What it returned."""
        self.error: BaseException = AssertionError("the operation raised nothing")
        """What it raised."""
        self.scope = accord.CancelScope()
        self._operation = operation
        self.handle = group.start_soon(self._run, name="attempt")

    async def _run(self) -> None:
        with self.scope:
            try:
                self.value = await self._operation()
            except accord.get_cancelled_exc_class():
                self.outcome = "cancelled"
                raise
            except Exception as error:
                self.outcome, self.error = "raised", error
            else:
                self.outcome = "returned"

    def cancel(self) -> None:
        """Cancel the operation."""
        self.scope.cancel()


async def blocked(group: TaskGroup, operation: Callable[[], Awaitable[T]]) -> Attempt[T]:
    """Begin an operation that can't complete yet, and return when it waits."""
    attempt = Attempt(group, operation)
    await settle()
    assert attempt.outcome == "blocked", f"the operation did not wait: {attempt.outcome}"
    return attempt


async def race(gap: str, attempt: Attempt[Any], serve: Callable[[], object]) -> bool:
    """Cancel an operation and give it what it waits for, in the order that ``gap`` says; return which came first.

    True: it was served first, so that it must return. False: it was cancelled first, so that it must raise that. Waits
    until its task has ended.
    """
    match gap:
        case "cancelled and resumed before":
            attempt.cancel()
            await settle()
            serve()
        case "cancelled just before":
            attempt.cancel()
            serve()
        case "cancelled just after":
            serve()
            attempt.cancel()
        case _:
            serve()
            await settle()
            attempt.cancel()
    await attempt.handle.wait()
    served = gap in GAPS[2:]
    assert attempt.outcome == ("returned" if served else "cancelled"), f"{gap} it was served, it {attempt.outcome}"
    return served


def run_everywhere(run: Callable[..., T], main: Callable[[], Awaitable[T]]) -> list[T]:
    """Run ``main`` twice on the backend under test, and then on each backend that is installed; return the results."""
    results = [run(main), run(main)]
    installed: list[str | Backend] = [*accord.get_available_backends()]
    return results + [accord.run(main, backend=backend) for backend in installed]
