"""The checks of listeners."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._closing import aclose_forcefully
from .._scopes import CancelScope
from .._tasks import TASK_STATUS_IGNORED, create_task_group
from .._time import move_on_after, sleep_forever
from ..protocols import TaskGroup, TaskStatus
from ..sync import Event
from .checks import Attempt, cancelled_by, described, expect, run_checks, settle

MakeListener = Callable[[], Awaitable[tuple[Any, Callable[[], Awaitable[Any]]]]]
"""An async function that makes a listener, and returns it with an async function that connects to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a check of a listener works with."""

    listener: Any
    connect: Callable[[], Awaitable[Any]]
    group: TaskGroup


@dataclass(frozen=True, slots=True)
class ListenerCheck:
    """One check of a rule of listeners."""

    rule: str
    """The rule's id."""
    name: str
    """The name of the check."""
    expected: str
    """What has to happen, in a sentence."""
    function: Callable[[Place], Awaitable[None]]

    def __str__(self) -> str:
        return f"{self.rule}-{self.name}"

    async def run(self, make_listener: MakeListener, patience: float = 10.0) -> None:
        """Carry out the check on a new listener; ``AssertionError`` naming the rule if it fails."""
        problem: BaseException | None = None
        with move_on_after(patience) as scope:
            try:
                listener, connect = await make_listener()
                try:
                    async with create_task_group() as group:
                        await self.function(Place(listener, connect, group))
                        group.cancel()
                finally:
                    with CancelScope(shield=True):
                        await aclose_forcefully(listener)
            except Exception as exc:
                problem = exc
        if scope.cancelled_caught:
            problem = TimeoutError(f"it did not come to an end within {patience:g} s")
        if problem is not None:
            raise AssertionError(f"{self.rule} {self.name}: {self.expected}; {described(problem)}") from problem


_CHECKS: list[ListenerCheck] = []


def check(rule: str) -> Callable[[Callable[[Place], Awaitable[None]]], Callable[[Place], Awaitable[None]]]:
    """Add a function, whose docstring says what has to happen."""

    def add(function: Callable[[Place], Awaitable[None]]) -> Callable[[Place], Awaitable[None]]:
        expected = (function.__doc__ or "").strip().rstrip(".")
        _CHECKS.append(ListenerCheck(rule, getattr(function, "__name__", "?"), expected, function))
        return function

    return add


async def _echo(stream: Any) -> None:
    async with stream:
        async for item in stream:
            await stream.send(item)


async def _ask(place: Place) -> None:
    """Connect, and see an answer."""
    async with await place.connect() as client:
        await client.send(b"question")
        received = b""
        while len(received) < 8:
            received += await client.receive()
        expect(received == b"question", f"the answer was {received!r}")


@check("STREAM-26")
async def serves(place: Place) -> None:
    """serve() runs handler(stream) as a task for each connection, several at a time."""
    Attempt(place.group, partial(place.listener.serve, _echo))
    async with await place.connect():
        await _ask(place)
        await _ask(place)


@check("STREAM-27")
async def closing_ends_serving(place: Place) -> None:
    """serve() returns normally once the listener is closed; closing is idempotent, and one may serve no more."""
    serving = Attempt(place.group, partial(place.listener.serve, _echo))
    await settle()
    await _ask(place)
    await place.listener.aclose()
    await serving.returned("serve() on a listener that is closed")
    await place.listener.aclose()
    expect(await cancelled_by(place.listener.aclose), "aclose() in a cancelled scope has to raise that")
    await place.listener.serve(_echo)


@check("STREAM-27")
async def cancelling_ends_serving(place: Place) -> None:
    """serve() ends when it is cancelled, with its handlers, and the listener can serve again."""
    ended = Event()

    async def handle(stream: Any) -> None:
        async with stream:
            try:
                await sleep_forever()
            finally:
                ended.set()

    serving = Attempt(place.group, partial(place.listener.serve, handle))
    async with await place.connect() as client:
        await client.send(b"x")
        await settle()
        serving.scope.cancel()
        await serving.end()
        expect(serving.outcome == "cancelled", f"a cancelled serve() has to raise that, but {serving.outcome}")
        expect(ended.is_set(), "the handlers of a serve() that was cancelled have to end with it")
    Attempt(place.group, partial(place.listener.serve, _echo))
    await _ask(place)


@check("STREAM-28")
async def handlers_in_a_group_of_the_callers(place: Place) -> None:
    """With task_group the handlers are tasks of that group, and go on when serve() has ended."""
    serving = Attempt(place.group, partial(place.listener.serve, _echo, place.group))
    async with await place.connect() as client:
        await client.send(b"a")
        expect(await client.receive() == b"a", "the handler has to answer")
        await place.listener.aclose()
        await serving.returned("serve() with a task group, whose listener was closed,")
        await client.send(b"b")
        expect(await client.receive() == b"b", "the handler has to go on after the listener was closed")


@check("STREAM-29")
async def says_when_it_is_ready(place: Place) -> None:
    """serve() calls started() of its task_status once connections are taken; group.start() can wait for that."""

    async def serve(*, task_status: TaskStatus[None] = TASK_STATUS_IGNORED) -> None:
        await place.listener.serve(_echo, task_status=task_status)

    await place.group.start(serve)
    await _ask(place)


def listener_checks() -> tuple[ListenerCheck, ...]:
    """Return the checks of listeners, each with its rule and a ``run`` method."""
    return tuple(_CHECKS)


async def check_listener(make_listener: MakeListener, *, patience: float = 10.0) -> None:
    """Check that listeners keep the rules; an ``ExceptionGroup`` of ``AssertionError``, one for each rule broken.

    :param make_listener: an async function that returns a new listener of byte streams, and an async function that
        connects to it and returns the client's stream.
    :param patience: seconds after which a check has failed.
    """
    await run_checks(_CHECKS, lambda check: check.run(make_listener, patience))
