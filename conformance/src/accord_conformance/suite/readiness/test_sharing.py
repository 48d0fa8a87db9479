"""Pollers that several tasks use, that are closed, and whose descriptor gets another one."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import accord
from accord.lowlevel import current_backend
from accord_conformance.helpers import rule, settle

from .pairs import make_pair


def none_to_write() -> int:
    """An attempt that is never ready."""
    raise BlockingIOError


@rule("POLL-4")
async def test_second_reader() -> None:
    """A second reader is refused, though it could succeed, and the first is not disturbed."""
    received: list[bytes] = []

    async def reader() -> None:
        received.append(await pair.poller.readable(pair.take))

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.readable(none_to_write)
            pair.far.send(b"data")
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.readable(lambda: b"stolen")
        assert received == [b"data"]
        with accord.move_on_after(0.005):
            await pair.poller.readable(pair.take)
        pair.far.send(b"more")
        assert await pair.poller.readable(pair.take) == b"more"


@rule("POLL-4")
async def test_second_writer() -> None:
    """A second writer is refused, and the first is not disturbed."""
    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            handle = group.start_soon(pair.poller.writable, pair.put)
            await settle()
            with pytest.raises(accord.BusyResourceError):
                await pair.poller.writable(none_to_write)
            pair.drain()
        assert handle.return_value > 0


@rule("POLL-4")
async def test_both_directions() -> None:
    """Reading and writing wait at the same time, and each goes on by itself."""
    events: list[str] = []

    async def reader() -> None:
        await pair.poller.readable(pair.take)
        events.append("read")

    async def writer() -> None:
        await pair.poller.writable(pair.put)
        events.append("written")

    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            group.start_soon(writer)
            await settle()
            pair.far.send(b"data")
            while not events:
                await accord.sleep(0.001)
            assert events == ["read"]
            pair.drain()
        assert events == ["read", "written"]


@rule("POLL-5")
async def test_close_wakes() -> None:
    """Closing wakes the tasks that wait in both directions."""
    errors: list[str] = []

    async def wait(operation: Callable[[], Coroutine[Any, Any, object]]) -> None:
        try:
            await operation()
        except accord.ClosedResourceError as error:
            errors.append(str(error))

    with make_pair() as pair:
        pair.fill()
        async with accord.create_task_group() as group:
            group.start_soon(wait, lambda: pair.poller.readable(pair.take))
            group.start_soon(wait, lambda: pair.poller.writable(pair.put))
            await settle()
            pair.poller.close()
        assert len(errors) == 2
        assert all(errors)


@rule("POLL-5")
async def test_after_close() -> None:
    """Once closed every call is refused without an attempt; to close again does nothing, and the descriptor is open."""
    with make_pair() as pair:
        pair.far.send(b"data")
        pair.poller.close()
        pair.poller.close()
        for _ in range(2):
            with pytest.raises(accord.ClosedResourceError):
                await pair.poller.readable(pair.take)
            with pytest.raises(accord.ClosedResourceError):
                await pair.poller.writable(pair.put)
        assert pair.attempts == 0
        assert pair.near.recv(100) == b"data"


@rule("POLL-5")
@pytest.mark.parametrize("close_first", [False, True])
async def test_close_and_cancellation(close_first: bool) -> None:
    """A task that is woken by a close and cancelled in the same turn gets one of the two."""
    ended: list[str] = []
    scope = accord.CancelScope()

    async def reader() -> None:
        with scope:
            try:
                await pair.poller.readable(pair.take)
            except accord.ClosedResourceError:
                ended.append("closed")

    with make_pair() as pair:
        async with accord.create_task_group() as group:
            group.start_soon(reader)
            await settle()
            for action in (pair.poller.close, scope.cancel) if close_first else (scope.cancel, pair.poller.close):
                action()
    assert ended == (["closed"] if close_first else [])
    assert scope.cancelled_caught is not close_first


@rule("POLL-7")
async def test_new_poller_for_the_same_descriptor() -> None:
    """After a close the descriptor can have a new poller."""
    with make_pair() as pair:
        with accord.move_on_after(0.005):
            await pair.poller.readable(pair.take)
        readiness = current_backend().readiness
        assert readiness is not None
        for _ in range(3):
            pair.poller.close()
            pair.poller = readiness.create_poller(pair.near.fileno())
            with accord.move_on_after(0.005):
                await pair.poller.readable(pair.take)
            pair.far.send(b"data")
            assert await pair.poller.readable(pair.take) == b"data"


@rule("POLL-7")
async def test_number_that_is_used_again() -> None:
    """When the system gives out the number of a closed descriptor again, a new poller works."""
    numbers: set[int] = set()
    for _ in range(5):
        with make_pair() as pair:
            numbers.add(pair.near.fileno())
            async with accord.create_task_group() as group:
                handle = group.start_soon(pair.poller.readable, pair.take)
                await settle()
                pair.far.send(b"data")
            assert handle.return_value == b"data"
            with accord.move_on_after(0.002):
                await pair.poller.readable(pair.take)
    assert len(numbers) < 5
