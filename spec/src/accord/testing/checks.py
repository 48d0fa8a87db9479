"""Checks of streams: what one is, how it is run, and what it uses to watch tasks that wait.

A check gets connected streams and raises ``AssertionError`` if they break the rule. It runs with a time limit, since a
wrong stream hangs, and twice where both ends can do the same, since what accepts a connection is often other code than
what makes it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, cast

from .._backends import current_backend
from .._closing import aclose_forcefully
from .._running import get_cancelled_exc_class
from .._scopes import CancelScope
from .._tasks import create_task_group, wait_all_tasks_blocked
from .._time import move_on_after
from ..protocols import TaskGroup

T = TypeVar("T")

MakePair = Callable[[], "Awaitable[tuple[Any, Any]] | AbstractAsyncContextManager[tuple[Any, Any]]"]
"""Makes two connected streams: an async function that returns both, or one that gives an async context manager."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the streams under test can do, and how much of it the checks ask for."""

    half_close: bool = True
    """Whether ``send_eof()`` works; if not, it has to raise ``NotImplementedError``."""
    abort: Callable[[Any], Awaitable[object]] | None = None
    """Called with one end, makes the other see an accident; without it, accidents are not checked."""
    one_fate: bool = True
    """Whether what breaks one direction breaks both."""
    large: int = 20_000_000
    """A number of bytes that no buffer on the way holds."""
    join: Callable[[list[Any]], Any] | None = None
    """Object streams only: puts received objects together, if they may be cut and joined on the way, as text may."""
    items: tuple[Any, ...] = ("one", "two", "three")
    """Object streams only: what is sent."""
    patience: float = 10.0
    """Seconds after which a check has failed."""


@dataclass(frozen=True, slots=True)
class Ends:
    """What a check works with."""

    subject: Any
    """The stream that is checked; for object streams the one that receives."""
    peer: Any
    """The stream that it is connected with."""
    options: Options
    group: TaskGroup
    """For tasks of the check; cancelled at its end."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a rule."""

    rule: str
    """The rule's id."""
    name: str
    """The name of the check."""
    expected: str
    """What has to happen, in a sentence."""
    function: Callable[[Ends], Awaitable[None]]
    both_ways: bool
    """Whether it is done a second time with the ends swapped."""

    def __str__(self) -> str:
        return f"{self.rule}-{self.name}"

    async def run(self, make_pair: MakePair, options: Options | None = None) -> None:
        """Carry out the check on new streams; ``AssertionError`` naming the rule if it fails."""
        options = options or Options()
        for swapped in (False, True) if self.both_ways else (False,):
            problem = await self._attempt(make_pair, options, swapped)
            if problem is not None:
                where = " (with the ends swapped)" if swapped else ""
                raise AssertionError(
                    f"{self.rule} {self.name}{where}: {self.expected}; {described(problem)}"
                ) from problem

    async def _attempt(self, make_pair: MakePair, options: Options, swapped: bool) -> BaseException | None:
        with move_on_after(options.patience) as scope:
            try:
                async with opened(make_pair) as (one, other), create_task_group() as group:
                    await self.function(Ends(*((other, one) if swapped else (one, other)), options, group))
                    group.cancel()
            except Exception as exc:
                return exc
        if scope.cancelled_caught:
            return TimeoutError(f"it did not come to an end within {options.patience:g} s")
        return None


class Checks:
    """A list of checks, filled by decorating them."""

    def __init__(self) -> None:
        self.all: list[Check] = []

    def check(self, rule: str, *, both_ways: bool = True) -> Callable[[Callable[[Ends], Awaitable[None]]], Any]:
        """Add a function, whose docstring says what has to happen."""

        def add(function: Callable[[Ends], Awaitable[None]]) -> Callable[[Ends], Awaitable[None]]:
            expected = (function.__doc__ or "").strip().rstrip(".")
            self.all.append(Check(rule, getattr(function, "__name__", "?"), expected, function, both_ways))
            return function

        return add


async def run_checks(checks: Iterable[T], run: Callable[[T], Awaitable[None]]) -> None:
    """Run checks one after the other; raise an ``ExceptionGroup`` of the ``AssertionError`` of each that failed."""
    failures: list[AssertionError] = []
    for check in checks:
        try:
            await run(check)
        except AssertionError as exc:
            failures.append(exc)
    if failures:
        raise ExceptionGroup("the streams break rules of streams", failures)


def described(error: BaseException) -> str:
    """Say what went wrong: for an exception group what its first member says."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    text = str(error)
    if isinstance(error, AssertionError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


@asynccontextmanager
async def opened(make_pair: MakePair) -> AsyncGenerator[tuple[Any, Any], None]:
    """Make a pair and close both streams afterwards, whatever state they are in."""
    made = make_pair()
    if isinstance(made, AbstractAsyncContextManager):
        async with made as pair:
            yield pair
        return
    pair = await made
    try:
        yield pair
    finally:
        with CancelScope(shield=True):
            for stream in pair:
                await aclose_forcefully(stream)


class Attempt(Generic[T]):
    """One operation in a task of its own, with a scope of its own and a note of how it ended."""

    def __init__(self, group: TaskGroup, operation: Callable[[], Awaitable[T]]) -> None:
        self.outcome: Literal["blocked", "returned", "raised", "cancelled"] = "blocked"
        self.value: T = cast(T, None)
        self.error: BaseException = AssertionError("it raised nothing")
        self.scope = CancelScope()
        self._operation = operation
        self._handle = group.start_soon(self._run, name="attempt")

    async def _run(self) -> None:
        with self.scope:
            try:
                self.value = await self._operation()
            except get_cancelled_exc_class():
                self.outcome = "cancelled"
                raise
            except Exception as exc:
                self.outcome, self.error = "raised", exc
            else:
                self.outcome = "returned"

    async def end(self) -> None:
        """Wait until it has ended."""
        await self._handle.wait()

    async def returned(self, what: str) -> T:
        """Wait for its end and return its value; an error if it ended in another way."""
        await self.end()
        if self.outcome != "returned":
            raise AssertionError(f"{what} {self.outcome}") from self.error
        return self.value

    async def raised(self, expected: type[BaseException], what: str) -> None:
        """Wait for its end, which has to be an exception of exactly that class."""
        await self.end()
        if type(self.error) is not expected:
            got = type(self.error).__name__ if self.outcome == "raised" else f"it {self.outcome}"
            raise AssertionError(f"{what} has to raise {expected.__name__}, not: {got}") from self.error


async def blocked(group: TaskGroup, operation: Callable[[], Awaitable[T]], what: str) -> Attempt[T]:
    """Begin an operation that can't complete yet, and return when it waits."""
    attempt = Attempt(group, operation)
    await settle()
    if attempt.outcome != "blocked":
        raise AssertionError(f"{what} has to wait, but it {attempt.outcome}: {described(attempt.error)}")
    return attempt


async def settle() -> None:
    """Let all tasks run until they wait for something, as exactly as the backend can tell."""
    backend = current_backend()
    if "testing" in backend.capabilities:
        await wait_all_tasks_blocked()
        return
    for _ in range(50):
        await backend.cancel_shielded_checkpoint()


@contextmanager
def expecting(error: type[BaseException], what: str) -> Generator[None, None, None]:
    """Expect that the block raises an exception of exactly that class."""
    try:
        yield
    except error as exc:
        if type(exc) is not error and error not in (TypeError, ValueError):
            raise AssertionError(f"{what} has to raise {error.__name__}, not {type(exc).__name__}") from exc
        if not str(exc):
            raise AssertionError(f"{what} raised a {type(exc).__name__} without a text") from exc
    except Exception as exc:
        raise AssertionError(f"{what} has to raise {error.__name__}, not {type(exc).__name__}: {exc}") from exc
    else:
        raise AssertionError(f"{what} has to raise {error.__name__}, and raised nothing")


def expect(condition: object, what: str) -> None:
    """Raise ``AssertionError`` with this text unless the condition holds."""
    if not condition:
        raise AssertionError(what)


async def cancelled_by(operation: Callable[[], Awaitable[object]]) -> bool:
    """Whether an operation raises a cancellation when it is called in a cancelled scope."""
    with CancelScope() as scope:
        scope.cancel()
        await operation()
    return scope.cancelled_caught
