"""Task groups and native requests (NATIVE-6 and 7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import accord

from .waits import forever, me, turns


async def test_error_and_native_request() -> None:
    """If a task's clean-up fails while the host is natively cancelled, both are seen (NATIVE-6, D42)."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise ValueError

    async def body() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(child)
        except ExceptionGroup as error:
            events.append(type(error.exceptions[0]).__name__)
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert task.cancelling() == 1
    assert events == ["ValueError"]


async def test_error_of_the_body_and_native_request() -> None:
    """The same if the body failed, and the request comes while the exit waits for the tasks (NATIVE-6)."""
    events: list[str] = []

    async def child() -> None:
        with accord.CancelScope(shield=True):
            await asyncio.sleep(0.01)

    async def body() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(child)
                await turns(2)
                raise ValueError
        except ExceptionGroup as error:
            events.append(type(error.exceptions[0]).__name__)
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["ValueError"]


async def test_native_request_while_the_exit_waits() -> None:
    """A native request to a host that waits for its tasks cancels them, waits for them, and passes (NATIVE-6)."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await asyncio.sleep(0.005)
            events.append("cleaned up")

    async def body() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(child)
            group.start_soon(child)
        events.append("group left normally")

    task = asyncio.ensure_future(body())
    await turns(5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["cleaned up", "cleaned up"]
    assert task.cancelled()


async def test_second_native_request_while_the_exit_waits() -> None:
    """Further requests are not lost either, and the exit still waits for the tasks (NATIVE-6, TASK-1)."""
    events: list[str] = []

    async def child() -> None:
        with accord.CancelScope(shield=True):
            await asyncio.sleep(0.02)
        events.append("child ended")

    async def body() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(child)
        finally:
            events.append("group left")

    task = asyncio.ensure_future(body())
    await turns(5)
    for _ in range(3):
        task.cancel()
        await turns(2)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["child ended", "group left"]
    assert task.cancelling() == 3


@pytest.mark.parametrize("raises", [False, True])
async def test_natively_cancelled_child(raises: bool) -> None:
    """A child that is cancelled natively, or raises CancelledError, ends alone (NATIVE-7, D21)."""
    tasks: list[asyncio.Task[Any]] = []
    events: list[str] = []

    async def child() -> None:
        tasks.append(me())
        if raises:
            raise asyncio.CancelledError
        await accord.sleep_forever()

    async def sibling() -> None:
        await asyncio.sleep(0.01)
        events.append("sibling finished")

    async with accord.create_task_group() as group:
        handle = group.start_soon(child)
        group.start_soon(sibling)
        await turns(3)
        tasks[0].cancel()
        await asyncio.sleep(0.002)
        assert handle.status is accord.HandleStatus.CANCELLED
        assert not group.cancel_scope.cancel_called
        events.append("body goes on")
    assert events == ["body goes on", "sibling finished"]
    assert tasks[0].cancelled()
    with pytest.raises(accord.TaskCancelled):
        await handle


async def test_child_cancelled_before_its_first_step() -> None:
    """A child that is cancelled natively before its first step ends alone and leaves no warning (NATIVE-7)."""

    async def child() -> None:
        raise AssertionError("it has run")

    before = asyncio.all_tasks()
    async with accord.create_task_group() as group:
        handle = group.start_soon(child)
        for task in asyncio.all_tasks() - before:
            task.cancel()
    assert handle.status is accord.HandleStatus.CANCELLED


async def test_child_of_a_cancelled_scope_dropped_nothing() -> None:
    """A deadline that cut short only a child is reported, with a native group in between too (CANCEL-22, D01)."""

    async def child() -> None:
        async with asyncio.TaskGroup() as native:
            native.create_task(forever())

    with pytest.raises(TimeoutError):
        with accord.fail_after(0.005):
            async with accord.create_task_group() as group:
                group.start_soon(child)
                with accord.CancelScope(shield=True):
                    await asyncio.sleep(0.02)


@pytest.mark.parametrize("accord_group", [False, True])
async def test_request_swallowed_by_a_native_group(accord_group: bool) -> None:
    """A request that meets a native group which is ending with errors comes again after the scope (NATIVE-6)."""
    task, told = me(), asyncio.Event()
    outer = accord.CancelScope()

    async def slow_to_end() -> None:
        try:
            await forever()
        finally:
            told.set()
            with accord.CancelScope(shield=True):
                await asyncio.sleep(0.01)

    async def native_block() -> None:
        async with asyncio.TaskGroup() as native:
            native.create_task(slow_to_end())
            await asyncio.sleep(0)
            outer.cancel()
            try:
                await forever()
            except asyncio.CancelledError as exc:
                raise BaseExceptionGroup("clean-up failed", [exc]) from None

    async def request() -> None:
        await told.wait()
        task.cancel("stop")

    requester = asyncio.create_task(request())
    with outer:
        if accord_group:
            async with accord.create_task_group():
                await native_block()
        else:
            await native_block()
    assert outer.cancelled_caught
    assert task.cancelling() == 1
    with pytest.raises(asyncio.CancelledError):
        await turns(3)
    task.uncancel()
    await requester


@pytest.mark.parametrize("last", ["ends", "starts", "waits"])
async def test_request_while_a_task_starts(last: str) -> None:
    """A request that meets the caller of ``start()`` in the turn in which the task goes on is not lost (NATIVE-1, 8).

    A task that ends or is started in that turn has done so; one that waits is cancelled.
    """
    events: list[str] = []

    async def child(*, task_status: Any) -> None:
        await turns(2)
        task.cancel()
        if last == "starts":
            task_status.started("value")
        elif last == "waits":
            try:
                await accord.sleep_forever()
            finally:
                events.append("cancelled")

    async def body() -> None:
        async with accord.create_task_group() as group:
            events.append(await group.start(child))
            await accord.sleep_forever()

    task = asyncio.ensure_future(body())
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.shield(task), 5)
    assert task.cancelled()
    assert task.cancelling() == 1
    assert events == {"ends": [], "starts": ["value"], "waits": ["cancelled"]}[last]


async def test_requests_while_the_exit_waits() -> None:
    """Requests at the exit of a group cancel its tasks once, and the exit still waits for them (NATIVE-1, TASK-1)."""
    events: list[str] = []

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("cancelled")
            with accord.CancelScope(shield=True):
                await asyncio.sleep(0.02)
            events.append("ended")

    async def body() -> None:
        try:
            async with accord.create_task_group() as group:
                group.start_soon(child)
        finally:
            events.append("left")

    task = asyncio.ensure_future(body())
    for _ in range(3):
        await turns(3)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["cancelled", "ended", "left"]


async def test_scope_outside_of_an_exit_that_was_requested() -> None:
    """A scope that is cancelled around an exit that waits, after and before a native request (NATIVE-1, NATIVE-2)."""
    for first in ("scope", "request"):
        scope = accord.CancelScope()
        ended: list[str] = []

        async def child(ended: list[str] = ended) -> None:
            try:
                await accord.sleep_forever()
            finally:
                with accord.CancelScope(shield=True):
                    await asyncio.sleep(0.02)
                ended.append("ended")

        async def body(scope: accord.CancelScope = scope) -> None:
            with scope:
                async with accord.create_task_group() as group:
                    group.start_soon(child)

        task = asyncio.ensure_future(body())
        await turns(3)
        for what in ("scope", "request") if first == "scope" else ("request", "scope"):
            if what == "scope":
                scope.cancel()
            else:
                task.cancel()
            await turns(3)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["ended"]
