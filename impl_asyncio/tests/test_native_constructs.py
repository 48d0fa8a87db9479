"""asyncio's timeouts, task groups and the like inside scopes and around them (NATIVE-5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

import accord
from accord.lowlevel import checkpoint

from .waits import forever, me, turns


async def test_timeout_in_a_scope() -> None:
    """``asyncio.timeout`` inside a scope times out, or passes the scope's cancellation on (NATIVE-5)."""
    with accord.CancelScope() as scope:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.005):
                await accord.sleep_forever()
        async with asyncio.timeout(1000):
            scope.cancel()
            await forever()
    assert scope.cancelled_caught
    assert me().cancelling() == 0


async def test_scope_in_a_timeout() -> None:
    """A scope inside ``asyncio.timeout`` catches its own cancellation, and the timeout passes it (NATIVE-5)."""
    async with asyncio.timeout(1000):
        with accord.move_on_after(0.005) as scope:
            await forever()
        assert scope.cancelled_caught
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.005):
            with accord.CancelScope() as scope:
                await accord.sleep_forever()
            pytest.fail("the scope has caught a cancellation that was not its own")
    assert not scope.cancelled_caught
    assert me().cancelling() == 0


@pytest.mark.parametrize("scope_outside", [False, True])
@pytest.mark.parametrize("scope_first", [False, True])
async def test_timeout_and_scope_in_one_turn(scope_outside: bool, scope_first: bool) -> None:
    """If both expire in one turn neither is lost: the outer one decides (NATIVE-5)."""
    loop = asyncio.get_running_loop()

    def expire(timeout: asyncio.Timeout, scope: accord.CancelScope) -> None:
        actions: list[Callable[[], object]] = [partial(timeout.reschedule, loop.time() - 1), scope.cancel]
        for action in reversed(actions) if scope_first else actions:
            action()

    if scope_outside:
        with accord.CancelScope() as scope:
            try:
                async with asyncio.timeout(1000) as timeout:
                    loop.call_soon(expire, timeout, scope)
                    await forever()
            except TimeoutError:
                pass  # it may say so, if its own callback came first
            await asyncio.sleep(0.01)
            pytest.fail("the scope's cancellation is lost")
        assert scope.cancelled_caught
    else:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000) as timeout:
                with accord.CancelScope() as scope:
                    loop.call_soon(expire, timeout, scope)
                    await forever()
                await asyncio.sleep(0.01)
    assert me().cancelling() == 0
    await asyncio.sleep(0)


async def test_native_group_in_a_scope() -> None:
    """A native task group in a cancelled scope cancels its tasks and passes the cancellation on (NATIVE-5)."""
    events: list[str] = []

    async def child() -> None:
        try:
            await forever()
        finally:
            events.append("cancelled")

    with accord.move_on_after(0.005) as scope:
        async with asyncio.TaskGroup() as native:
            native.create_task(child())
            native.create_task(child())
        events.append("after the group")
    assert events == ["cancelled", "cancelled"]
    assert scope.cancelled_caught
    assert me().cancelling() == 0


async def test_native_group_that_fails_in_a_cancelled_scope() -> None:
    """Errors of a native task group come out of a cancelled scope, which splits no cancellation off (NATIVE-5)."""

    async def fail() -> None:
        try:
            await forever()
        finally:
            raise ValueError

    with pytest.raises(ExceptionGroup) as caught:
        with accord.CancelScope() as scope:
            async with asyncio.TaskGroup() as native:
                native.create_task(fail())
                await turns(2)
                scope.cancel()
                await forever()
    assert [type(error) for error in caught.value.exceptions] == [ValueError]
    assert me().cancelling() == 0
    await asyncio.sleep(0)


async def test_scope_in_a_native_group() -> None:
    """Scopes and groups inside a task of a native group work, and its cancellation passes them (NATIVE-5)."""
    events: list[str] = []

    async def child() -> None:
        with accord.move_on_after(0.002) as scope:
            await accord.sleep_forever()
        events.append(f"caught: {scope.cancelled_caught}")
        with accord.CancelScope() as scope:
            async with accord.create_task_group() as group:
                group.start_soon(accord.sleep_forever)
        events.append("not cancelled")

    async def fail() -> None:
        await asyncio.sleep(0.02)
        raise ValueError

    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as native:
            native.create_task(child())
            native.create_task(fail())
    assert [type(error) for error in caught.value.exceptions] == [ValueError]
    assert events == ["caught: True"]


async def test_group_around_a_native_group() -> None:
    """Groups of both kinds nest, with errors on either level (NATIVE-5)."""

    async def fail() -> None:
        await asyncio.sleep(0.002)
        raise ValueError

    async def inner_native() -> None:
        async with asyncio.TaskGroup() as native:
            native.create_task(fail())
            native.create_task(forever())

    async def inner_group() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(forever)

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.create_task_group() as group:
            group.start_soon(inner_native)
            group.start_soon(forever)
    assert caught.value.subgroup(ValueError) is not None
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.TaskGroup() as native:
            native.create_task(inner_group())
            native.create_task(forever())
    assert caught.value.subgroup(ValueError) is not None


async def test_wait_for() -> None:
    """``asyncio.wait_for`` works inside scopes, and around them (NATIVE-5)."""

    async def in_scope() -> str:
        with accord.CancelScope():
            await accord.sleep_forever()
        return "caught by the scope"

    async def quick() -> str:
        with accord.move_on_after(0.002):
            await accord.sleep_forever()
        return "done"

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(in_scope(), 0.005)
    assert await asyncio.wait_for(quick(), 1000) == "done"
    with accord.move_on_after(0.005) as scope:
        await asyncio.wait_for(forever(), 1000)
    assert scope.cancelled_caught
    with accord.CancelScope() as scope:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(forever(), 0.005)
        await asyncio.sleep(0)
    assert me().cancelling() == 0


async def test_native_gather_and_shield() -> None:
    """``asyncio.gather`` and ``asyncio.shield`` in a cancelled scope behave as when cancelled natively (NATIVE-5)."""
    task = asyncio.ensure_future(asyncio.sleep(0.03, "done"))
    with accord.move_on_after(0.005) as scope:
        await asyncio.shield(task)
    assert scope.cancelled_caught
    assert await task == "done"
    parts = [asyncio.ensure_future(forever()) for _ in range(2)]
    with accord.move_on_after(0.005) as scope:
        await asyncio.gather(*parts)
    assert scope.cancelled_caught
    assert all(part.cancelled() for part in parts)


async def test_awaiting_a_native_task() -> None:
    """A native task that is awaited in a cancelled scope is cancelled as the host does it, once (NATIVE-5)."""
    events: list[str] = []

    async def stubborn() -> str:
        try:
            await forever()
        except asyncio.CancelledError:
            events.append("cancelled")
        await asyncio.sleep(0.005)
        return "finished"

    task = asyncio.ensure_future(stubborn())
    await turns(2)
    with accord.CancelScope() as scope:
        scope.cancel()
        await checkpoint()
    await turns(2)
    assert events == []
    with accord.move_on_after(0.005):
        await task
    assert events[0] == "cancelled"
    await asyncio.wait([task])
