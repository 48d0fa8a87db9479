"""The host's count of requests, and whose a cancellation is (NATIVE-3 and 4)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

import accord
from accord.lowlevel import checkpoint

from .waits import WAITS, forever, in_group, in_native_group, me, turns, ways_to_wait


@ways_to_wait
async def test_count_after_a_scope(wait: Callable[[], Awaitable[object]]) -> None:
    """After a scope has caught its own cancellation the count of requests is what it was (NATIVE-3)."""
    for before in range(3):
        with accord.move_on_after(0.01) as scope:
            await wait()
        assert scope.cancelled_caught
        assert me().cancelling() == before
        me().cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            pass  # swallowed and not taken back, so that the count stays


async def test_count_in_a_shield() -> None:
    """Inside a shield the count is that of the native requests (NATIVE-3, D04)."""
    counts: list[int] = []

    async def child(wait: Callable[[], Awaitable[object]]) -> None:
        try:
            await wait()
        finally:
            with accord.CancelScope(shield=True):
                counts.append(me().cancelling())
                await asyncio.sleep(0.002)
                await checkpoint()
                counts.append(me().cancelling())

    async with accord.create_task_group() as group:
        for wait in WAITS:
            group.start_soon(child, wait)
        await turns(10)
        group.cancel()
    assert counts == [0] * (2 * len(WAITS))


async def test_native_group_in_a_shield() -> None:
    """A native task group in shielded clean-up reports its own error and no cancellation (NATIVE-3, D04)."""
    results: list[str] = []

    async def fail() -> None:
        raise ValueError

    async def child() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                with pytest.raises(ExceptionGroup):
                    async with asyncio.TaskGroup() as native:
                        native.create_task(fail())
                        await forever()
                await asyncio.sleep(0.002)
                results.append("cleaned up")
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.002):
                        await asyncio.sleep(1000)
                results.append("timed out")

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await turns(3)
        group.cancel()
    assert results == ["cleaned up", "timed out"]


async def test_count_after_a_late_shield() -> None:
    """A shield that is raised in a finally block clears what the scope outside had requested (NATIVE-3)."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            try:
                await forever()
            finally:
                inner.shield = True
                assert me().cancelling() == 0
                await asyncio.sleep(0.002)
                assert me().cancelling() == 0
    assert me().cancelling() == 0


def cancel_all(scopes: list[accord.CancelScope]) -> None:
    """Cancel some scopes."""
    for scope in scopes:
        scope.cancel()


async def test_count_after_random_nestings() -> None:
    """Whatever is cancelled in whatever order, the count of an untouched task is zero in the end (NATIVE-3)."""
    choose = random.Random(5)

    async def nest(depth: int, scopes: list[accord.CancelScope]) -> None:
        with accord.CancelScope(shield=choose.random() < 0.3) as scope:
            scopes.append(scope)
            try:
                if depth:
                    await nest(depth - 1, scopes)
                await choose.choice([forever, accord.sleep_forever, in_group, in_native_group])()
            finally:
                if choose.random() < 0.5:
                    with accord.CancelScope(shield=True):
                        await asyncio.sleep(0)
                        assert me().cancelling() == 0

    async def child() -> None:
        scopes: list[accord.CancelScope] = []
        loop = asyncio.get_running_loop()
        nested = nest(3, scopes)
        for delay in range(1, 4):
            loop.call_later(delay / 1000, lambda: choose.choice(scopes).cancel())
        loop.call_later(0.006, cancel_all, scopes)
        await nested
        assert me().cancelling() == 0

    async with accord.create_task_group() as group:
        for _ in range(30):
            group.start_soon(child)


async def test_failed_native_group() -> None:
    """A scope catches its own deadline after a native task group has failed in it (NATIVE-4, D02)."""

    async def fail() -> None:
        raise ValueError

    with accord.move_on_after(0.02) as scope:
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as native:
                native.create_task(fail())
                await asyncio.sleep(1000)
        await asyncio.sleep(1000)
    assert scope.cancelled_caught
    with pytest.raises(TimeoutError):
        with accord.fail_after(0.02):
            with pytest.raises(ExceptionGroup):
                async with asyncio.TaskGroup() as native:
                    native.create_task(fail())
                    await forever()
            await accord.sleep_forever()
    await asyncio.sleep(0)


async def test_swallowed_native_request() -> None:
    """A scope catches its own cancellation after a native request was swallowed in it (NATIVE-4, D20)."""
    events: list[str] = []

    async def body() -> None:
        with accord.CancelScope() as scope:
            try:
                await forever()
            except asyncio.CancelledError:
                events.append("swallowed")
            scope.cancel()
            await forever()
        events.append(f"caught: {scope.cancelled_caught}")
        with accord.move_on_after(0.005) as scope:
            await accord.sleep_forever()
        events.append(f"caught: {scope.cancelled_caught}")

    task = asyncio.ensure_future(body())
    await turns(3)
    task.cancel()
    await task
    assert events == ["swallowed", "caught: True", "caught: True"]


async def test_time_limit_for_clean_up() -> None:
    """A scope that was shielded late, with a new deadline, catches that deadline (NATIVE-4, D03)."""
    with accord.CancelScope() as outer:
        with accord.CancelScope() as inner:
            outer.cancel()
            try:
                await forever()
            finally:
                inner.shield = True
                inner.deadline = accord.current_time() + 0.01
                await forever()
        assert inner.cancelled_caught
        await asyncio.sleep(1000)
    assert outer.cancelled_caught


async def test_cancelled_error_of_third_parties() -> None:
    """A CancelledError that is made anew in a cancelled scope is the scope's, elsewhere it is nobody's (NATIVE-4)."""
    with accord.CancelScope() as scope:
        scope.cancel()
        try:
            await forever()
        except asyncio.CancelledError:
            raise asyncio.CancelledError from None
    assert scope.cancelled_caught
    with pytest.raises(asyncio.CancelledError):
        with accord.CancelScope():
            raise asyncio.CancelledError
    await asyncio.sleep(0)


async def test_cancelled_future() -> None:
    """A cancelled future that is awaited in a scope which was not cancelled raises through it (NATIVE-4)."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        with accord.CancelScope() as scope:
            await future
    assert not scope.cancelled_caught
    await asyncio.sleep(0)
