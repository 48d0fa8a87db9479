"""The loop around accord: plain tasks, task factories, native waits (NATIVE-9 to 11)."""

from __future__ import annotations

import asyncio
import gc
import time
import warnings
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

import accord
import accord.testing
from accord.lowlevel import checkpoint, current_backend
from accord_asyncio import backend

from .waits import WAITS, describe, forever, me, on_native_queue, turns, ways_to_wait


async def test_plain_semantics_outside_scopes() -> None:
    """A task without scopes sees each native request once, whatever it waits in (NATIVE-9)."""
    events: list[str] = []

    async def body() -> None:
        for wait in WAITS[:7]:
            try:
                await wait()
            except asyncio.CancelledError:
                events.append("cancelled")
            await accord.sleep(0.001)
            await checkpoint()
            await asyncio.sleep(0)

    task = asyncio.ensure_future(body())
    while not task.done():
        await asyncio.sleep(0.01)
        seen = len(events)
        task.cancel()
        await asyncio.sleep(0.01)
        if not task.done():
            assert len(events) == seen + 1
    assert not task.cancelled()
    assert len(events) == 7


async def test_native_tasks_are_roots() -> None:
    """A native task has no scopes of the task that created it, and can open its own (NATIVE-9, CANCEL-21)."""
    events: list[object] = []

    async def body() -> None:
        events.append(accord.current_effective_deadline())
        await asyncio.sleep(0.01)
        with accord.move_on_after(0.002) as scope:
            await accord.sleep_forever()
        events.append(scope.cancelled_caught)
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 0.001)
        events.append(accord.get_current_task().parent_id)

    with accord.move_on_after(1000) as scope:
        task = asyncio.ensure_future(body())
        await turns(3)
        scope.cancel()
        await forever()
    await task
    assert events == [float("inf"), True, None]


def test_loop_that_somebody_else_started() -> None:
    """In a loop that asyncio itself started everything works (RUN-10)."""
    accord.run(checkpoint, backend=backend)

    async def main() -> list[object]:
        results: list[object] = [current_backend() is backend]
        asyncio.get_running_loop().call_soon(lambda: results.append(current_backend() is backend))
        with accord.move_on_after(0.002) as scope:
            await accord.sleep_forever()
        results.append(scope.cancelled_caught)
        async with accord.create_task_group() as group:
            handle = group.start_soon(asyncio.sleep, 0.001, "value")
        results.append(handle.return_value)
        return results

    for _ in range(2):
        assert asyncio.run(main()) == [True, True, True, "value"]


class Factory:
    """A task factory that wraps coroutines, or fails."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails = False

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task, as ``loop.create_task`` asks for."""
        if self.fails:
            raise RuntimeError("the factory fails")
        self.made.append(getattr(coro, "__qualname__", "?"))

        async def wrapper() -> Any:
            return await coro

        return asyncio.Task(wrapper(), loop=loop, **options)


async def test_factory_of_the_application() -> None:
    """A task factory of the application makes the tasks, and may wrap their coroutines (NATIVE-10)."""
    factory = Factory()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(factory)
    events: list[str] = []

    async def child() -> None:
        events.append("begins")
        try:
            with accord.move_on_after(0.002):
                await accord.sleep_forever()
            await accord.sleep_forever()
        finally:
            events.append("ends")

    try:
        async with accord.create_task_group() as group:
            handle = group.start_soon(child)
            assert events == []
            await asyncio.sleep(0.01)
            handle.cancel()
        assert handle.status is accord.HandleStatus.CANCELLED
        assert events == ["begins", "ends"]
        assert factory.made
    finally:
        loop.set_task_factory(before)


async def test_factory_that_fails() -> None:
    """An exception of the factory comes out of ``start_soon``, and nothing else is harmed (NATIVE-10)."""
    factory = Factory()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    events: list[str] = []

    async def child() -> None:
        events.append("ran")

    async def starts(*, task_status: accord.TaskStatus[None]) -> None:
        task_status.started()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with accord.create_task_group() as group:
            loop.set_task_factory(factory)
            factory.fails = True
            try:
                with pytest.raises(RuntimeError, match="the factory fails"):
                    group.start_soon(child)
                with pytest.raises(RuntimeError, match="the factory fails"):
                    await group.start(starts)
            finally:
                loop.set_task_factory(before)
            group.start_soon(child)
        gc.collect()
    assert caught == []
    assert events == ["ran"]


async def test_eager_factory() -> None:
    """With an eager factory ``start_soon`` still runs nothing of the task, and everything else works (NATIVE-10)."""
    factory = getattr(asyncio, "eager_task_factory", None)
    if factory is None:
        pytest.skip("eager tasks came with Python 3.12")
    loop = asyncio.get_running_loop()
    if "uvloop" in type(loop).__module__:
        pytest.skip("uvloop itself fails with an eager factory: it passes a keyword that the factory does not take")
    before = loop.get_task_factory()
    loop.set_task_factory(factory)
    events: list[str] = []

    async def child(name: str) -> str:
        events.append(name)
        return name

    async def waits(*, task_status: accord.TaskStatus[str]) -> None:
        task_status.started("started")
        await accord.sleep_forever()

    try:
        async with accord.create_task_group() as group:
            handles = [group.start_soon(child, "one"), group.create_task(child("two"))]
            assert events == []
            assert await group.start(waits) == "started"
            assert sorted(events) == ["one", "two"]
            assert [await handle for handle in handles] == ["one", "two"]
            group.cancel()
        assert me() is asyncio.current_task()
    finally:
        loop.set_task_factory(before)


@ways_to_wait
async def test_scope_reaches_native_waits(wait: Callable[[], Awaitable[object]]) -> None:
    """The cancellation of a scope ends whatever is awaited in it (NATIVE-11)."""
    with accord.CancelScope() as scope:
        asyncio.get_running_loop().call_later(0.005, scope.cancel)
        await wait()
    assert scope.cancelled_caught
    with accord.CancelScope() as scope:
        scope.cancel()
        await wait()
    assert scope.cancelled_caught


@pytest.mark.parametrize("wait", [forever, lambda: asyncio.sleep(1000), on_native_queue], ids=describe)
async def test_delivered_again(wait: Callable[[], Awaitable[object]]) -> None:
    """Native waits in a cancelled scope raise again and again, though the cancellation was swallowed (NATIVE-11)."""
    swallowed = 0
    before = time.monotonic()
    with accord.CancelScope() as scope:
        scope.cancel()
        for _ in range(5):
            try:
                await wait()
            except asyncio.CancelledError:
                swallowed += 1
    assert swallowed == 5
    assert time.monotonic() - before < 5
    assert me().cancelling() == 0
    await asyncio.sleep(0)


async def test_stubborn_code_does_not_spin() -> None:
    """Code that swallows each cancellation costs little processor time, thanks to growing pauses (NATIVE-11)."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.5, done.set_result, None)
    before = time.process_time()
    with accord.CancelScope() as scope:
        scope.cancel()
        while not done.done():
            try:
                await asyncio.shield(done)
            except asyncio.CancelledError:
                pass
    assert time.process_time() - before < 0.25


async def test_shielded_native_wait_is_idle() -> None:
    """A native wait in a shield of a cancelled scope uses no processor time (NATIVE-11, CANCEL-23)."""

    async def child() -> None:
        try:
            await forever()
        finally:
            with accord.CancelScope(shield=True):
                await asyncio.sleep(0.4)

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await turns(3)
        group.cancel()
        before = time.process_time()
    assert time.process_time() - before < 0.2


async def test_native_context_managers_see_the_cancellation() -> None:
    """Native clean-up code runs while the scope's cancellation unwinds (NATIVE-11)."""
    events: list[str] = []

    class Resource(AbstractAsyncContextManager[None]):
        async def __aenter__(self) -> None:
            events.append("opened")

        async def __aexit__(self, *_: object) -> None:
            with accord.CancelScope(shield=True):
                await asyncio.sleep(0.002)
            events.append("closed")

    with accord.move_on_after(0.005) as scope:
        async with Resource():
            await forever()
    assert scope.cancelled_caught
    assert events == ["opened", "closed"]


def test_stubborn_code_for_an_hour() -> None:
    """Code that swallows cancellations for long goes on being cancelled: the pause has a limit (NATIVE-11)."""

    async def main() -> tuple[int, float]:
        swallowed = 0
        begin = accord.current_time()
        with accord.CancelScope() as scope:
            scope.cancel()
            while swallowed < 3000:
                try:
                    await forever()
                except asyncio.CancelledError:
                    swallowed += 1
        return swallowed, accord.current_time() - begin

    options = {"virtual_time": True}
    with accord.testing.Runner(backend=backend, backend_options=options) as runner:
        swallowed, seconds = runner.run(main)
    assert swallowed == 3000
    assert seconds < 3000 * 0.06
