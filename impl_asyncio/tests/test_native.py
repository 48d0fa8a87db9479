"""The rules NATIVE: scopes and asyncio's own cancellation, on every kind of loop, in both nesting orders."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any

import accord
import pytest
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, create_parker, current_backend
from accord_asyncio import backend

LIMIT = 10.0

LOOPS: dict[str, dict[str, Any]] = {"stock": {}}
if "uvloop" in backend.variants:
    pytest.importorskip("uvloop")
    LOOPS["uvloop"] = dict(backend.variants["uvloop"])
if "eager" in backend.variants:
    LOOPS["eager"] = dict(backend.variants["eager"])

Main = Callable[..., Coroutine[Any, Any, None]]


def on_every_loop(main: Main) -> Callable[..., None]:
    """Make a test that runs an asynchronous function on each kind of loop."""

    @pytest.mark.parametrize("loop", LOOPS)
    def test(loop: str, **arguments: Any) -> None:
        async def call() -> None:
            task = asyncio.ensure_future(main(**arguments))
            await asyncio.wait([task], timeout=LIMIT)
            if not task.done():
                task.print_stack()
                pytest.fail(f"the test did not end within {LIMIT} seconds")
            await task

        accord.run(call, backend=backend, backend_options=LOOPS[loop])
        gc.collect()

    test.__name__, test.__doc__, test.__module__ = main.__name__, main.__doc__, main.__module__
    if hasattr(main, "pytestmark"):
        test.pytestmark = [*test.pytestmark, *main.pytestmark]  # type: ignore[attr-defined]
        names = [name for mark in main.pytestmark for name in mark.args[0].split(",")]
        return with_arguments(test, names)
    return test


def with_arguments(test: Callable[..., None], names: list[str]) -> Callable[..., None]:
    """Give a test the parameters that pytest looks for."""
    import inspect

    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [inspect.Parameter(name, keyword) for name in ["loop", *names]]
    test.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return test


def me() -> asyncio.Task[Any]:
    """The running task."""
    task = asyncio.current_task()
    assert task is not None
    return task


async def turns(number: int) -> None:
    """Let the loop turn some times."""
    for _ in range(number):
        await asyncio.sleep(0)


async def forever() -> None:
    """Wait for a native future that nobody completes."""
    await asyncio.get_running_loop().create_future()


async def in_group() -> None:
    """Wait for a task of a group."""
    async with accord.create_task_group() as group:
        group.start_soon(accord.sleep_forever)


async def in_native_group() -> None:
    """Wait for a task of a native group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(1000))


async def on_lock() -> None:
    """Wait for a lock."""
    lock = accord.Lock()

    async def hold() -> None:
        async with lock:
            await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(hold)
        await turns(3)
        await lock.acquire()


async def on_native_queue() -> None:
    """Wait for an item of a native queue."""
    await asyncio.Queue[int]().get()


WAITS: list[Callable[[], Awaitable[object]]] = [
    accord.sleep_forever,
    lambda: accord.sleep(1000),
    lambda: accord.Event().wait(),
    lambda: create_parker().park(),
    forever,
    lambda: asyncio.sleep(1000),
    on_native_queue,
    on_lock,
    in_group,
    in_native_group,
]


def describe(wait: Callable[[], Awaitable[object]]) -> str:
    """The name of a way to wait, for test ids."""
    return getattr(wait, "__name__", "wait").replace("<lambda>", "wait")


ways_to_wait = pytest.mark.parametrize("wait", WAITS, ids=describe)


# NATIVE-1


@on_every_loop
@ways_to_wait
@pytest.mark.parametrize("native_first", [False, True])
@pytest.mark.parametrize("by_deadline", [False, True])
async def test_both_in_one_turn(wait: Callable[[], Awaitable[object]], native_first: bool, by_deadline: bool) -> None:
    """A native request is not lost if a scope is cancelled in the same turn, in either order (NATIVE-1)."""
    scope = accord.CancelScope()

    async def body() -> None:
        with scope:
            await wait()
        await asyncio.sleep(0.02)
        await accord.sleep(0.02)

    def cancel_scope() -> None:
        if by_deadline:
            scope.deadline = accord.current_time() - 1
        else:
            scope.cancel()

    task = asyncio.ensure_future(body())
    await turns(10)
    for cancel in (task.cancel, cancel_scope) if native_first else (cancel_scope, task.cancel):
        cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@on_every_loop
@pytest.mark.parametrize("gap", range(4))
@pytest.mark.parametrize("native_first", [False, True])
async def test_some_turns_apart(gap: int, native_first: bool) -> None:
    """The same some turns apart, while the task unwinds through clean-up that waits (NATIVE-1)."""
    scope = accord.CancelScope()
    events: list[str] = []

    async def body() -> None:
        with scope:
            try:
                await forever()
            finally:
                with accord.CancelScope(shield=True):
                    await turns(2)
                events.append("cleaned up")
        await asyncio.sleep(0.02)

    task = asyncio.ensure_future(body())
    await turns(3)
    for cancel in (task.cancel, scope.cancel) if native_first else (scope.cancel, task.cancel):
        cancel()
        await turns(gap)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


@on_every_loop
async def test_native_request_while_a_scope_is_left() -> None:
    """A native request that comes when the scope's block has ended, but before the next wait, is not lost (NATIVE-1)."""

    async def body() -> None:
        with accord.CancelScope() as scope:
            scope.cancel()
            me().cancel()
        assert not scope.cancelled_caught
        await asyncio.sleep(0.02)

    task = asyncio.ensure_future(body())
    with pytest.raises(asyncio.CancelledError):
        await task


@on_every_loop
async def test_native_request_in_a_shield() -> None:
    """A native request reaches a task inside a shield: a shield is no shield against the host (NATIVE-1)."""

    async def body() -> None:
        with accord.CancelScope() as outer:
            outer.cancel()
            with accord.CancelScope(shield=True):
                await asyncio.sleep(1000)

    task = asyncio.ensure_future(body())
    await turns(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@on_every_loop
@pytest.mark.parametrize("yields", [cancel_shielded_checkpoint, checkpoint])
async def test_native_request_at_a_checkpoint(yields: Callable[[], Awaitable[object]]) -> None:
    """A native request during a checkpoint is delivered there or at the next wait (NATIVE-1)."""
    events: list[str] = []

    async def body() -> None:
        events.append("begins")
        await yields()
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    while not events:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["begins"]


@on_every_loop
async def test_native_request_during_a_shielded_wait() -> None:
    """``park_shielded`` puts a native request off, and the next wait raises (NATIVE-1, PARK-7)."""
    events: list[object] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park_shielded())
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    task.cancel()
    await turns(3)
    assert events == []
    assert parkers[0].unpark("value")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert events == ["value"]


# NATIVE-2


@on_every_loop
@ways_to_wait
async def test_native_request_passes(wait: Callable[[], Awaitable[object]]) -> None:
    """A native cancellation passes scopes that were not cancelled, with its message (NATIVE-2)."""
    scopes = [accord.CancelScope(), accord.CancelScope(shield=True), accord.move_on_after(1000)]
    events: list[str] = []
    raised: list[BaseException] = []

    async def body() -> None:
        try:
            with scopes[0], scopes[1], scopes[2]:
                await wait()
            events.append("caught by a scope")
        except asyncio.CancelledError as error:
            raised.append(error)
            raise

    task = asyncio.ensure_future(body())
    await turns(10)
    task.cancel("the message")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert events == []
    assert not any(scope.cancelled_caught or scope.cancel_called for scope in scopes)
    assert len(raised) == 1


@on_every_loop
async def test_native_message() -> None:
    """The message of a native request arrives where the host promises that (NATIVE-2)."""

    async def body() -> None:
        with accord.CancelScope():
            await forever()

    task = asyncio.ensure_future(body())
    await turns(2)
    task.cancel("the message")
    try:
        await task
    except asyncio.CancelledError as error:
        assert error.args == ("the message",)


@on_every_loop
async def test_reason_of_a_native_request() -> None:
    """A native request makes no scope cancelled (NATIVE-2)."""
    reasons: list[object] = []

    async def body() -> None:
        with accord.CancelScope() as scope:
            try:
                await accord.sleep_forever()
            finally:
                reasons.append(scope.cancel_reason)
                reasons.append(scope.cancel_called)

    task = asyncio.ensure_future(body())
    await turns(2)
    task.cancel()
    await asyncio.wait([task])
    assert reasons == [None, False]
    assert task.cancelled()


# NATIVE-3


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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
        loop.call_later(0.006, lambda: [scope.cancel() for scope in scopes])
        await nested
        assert me().cancelling() == 0

    async with accord.create_task_group() as group:
        for _ in range(30):
            group.start_soon(child)


# NATIVE-4


@on_every_loop
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
            await accord.sleep_forever()
    await asyncio.sleep(0)


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
async def test_cancelled_future() -> None:
    """A cancelled future that is awaited in a scope which was not cancelled raises through it (NATIVE-4)."""
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        with accord.CancelScope() as scope:
            await future
    assert not scope.cancelled_caught
    await asyncio.sleep(0)


# NATIVE-5


@on_every_loop
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


@on_every_loop
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


@on_every_loop
@pytest.mark.parametrize("scope_outside", [False, True])
@pytest.mark.parametrize("scope_first", [False, True])
async def test_timeout_and_scope_in_one_turn(scope_outside: bool, scope_first: bool) -> None:
    """If both expire in one turn neither is lost: the outer one decides (NATIVE-5)."""
    loop = asyncio.get_running_loop()

    def expire(timeout: asyncio.Timeout, scope: accord.CancelScope) -> None:
        actions = [lambda: timeout.reschedule(loop.time() - 1), scope.cancel]
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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
    assert me().cancelling() == 0


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


# NATIVE-6


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


# NATIVE-7


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


# NATIVE-8


@on_every_loop
@pytest.mark.parametrize("woken_first", [False, True])
async def test_woken_and_natively_cancelled(woken_first: bool) -> None:
    """A parked task that was woken keeps the value, one that was cancelled first gets none (NATIVE-8)."""
    events: list[object] = []
    answers: list[bool] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park())
        await asyncio.sleep(0.02)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    for action in (lambda: answers.append(parkers[0].unpark("value")), task.cancel)[:: 1 if woken_first else -1]:
        action()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert answers == [woken_first]
    assert events == (["value"] if woken_first else [])


@on_every_loop
@pytest.mark.parametrize("sent_first", [False, True])
async def test_item_and_native_request(sent_first: bool) -> None:
    """An item that was handed to a receiver is not lost when the receiver is natively cancelled (NATIVE-8, D07)."""
    received: list[int] = []
    send, receive = accord.create_memory_object_stream[int](1)

    async def body() -> None:
        received.append(await receive.receive())
        await asyncio.sleep(0.02)
        received.append(-1)

    with send, receive:
        task = asyncio.ensure_future(body())
        await turns(3)
        for action in (lambda: send.send_nowait(1), task.cancel)[:: 1 if sent_first else -1]:
            action()
        with pytest.raises(asyncio.CancelledError):
            await task
        if not sent_first:
            received.append(receive.receive_nowait())
    assert received == [1]


@on_every_loop
@pytest.mark.parametrize("taken_first", [False, True])
async def test_sender_and_native_request(taken_first: bool) -> None:
    """A send whose item was taken returns, one that was cancelled first has delivered nothing (NATIVE-8, D06)."""
    events: list[str] = []
    send, receive = accord.create_memory_object_stream[int]()

    async def body() -> None:
        await send.send(1)
        events.append("sent")
        await asyncio.sleep(0.02)

    def take() -> None:
        try:
            events.append(f"taken {receive.receive_nowait()}")
        except accord.WouldBlock:
            events.append("nothing there")

    with send, receive:
        task = asyncio.ensure_future(body())
        await turns(3)
        for action in (take, task.cancel)[:: 1 if taken_first else -1]:
            action()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert events == (["taken 1", "sent"] if taken_first else ["nothing there"])


@on_every_loop
@pytest.mark.parametrize("granted_first", [False, True])
async def test_lock_and_native_request(granted_first: bool) -> None:
    """A lock that was handed over stays with a natively cancelled task until that releases it (NATIVE-8)."""
    owners: list[str] = []
    lock = accord.Lock()

    async def body(name: str) -> None:
        async with lock:
            owners.append(name)
            await asyncio.sleep(0.005)

    await lock.acquire()
    tasks = [asyncio.ensure_future(body(name)) for name in ("first", "second")]
    await turns(3)
    for action in (lock.release, tasks[0].cancel)[:: 1 if granted_first else -1]:
        action()
    await asyncio.wait(tasks)
    assert tasks[0].cancelled()
    assert not tasks[1].cancelled()
    assert owners == (["first", "second"] if granted_first else ["second"])
    assert not lock.locked()


@on_every_loop
async def test_request_that_is_taken_back() -> None:
    """A request to a woken task that is taken back before the task waits again is not delivered (NATIVE-8)."""
    events: list[object] = []
    parkers: list[Any] = []

    async def body() -> None:
        parkers.append(create_parker())
        events.append(await parkers[0].park())
        assert me().cancelling() == 1
        me().uncancel()
        await accord.sleep(0.002)
        await asyncio.sleep(0.002)
        events.append("not cancelled")

    task = asyncio.ensure_future(body())
    await turns(3)
    parkers[0].unpark("value")
    task.cancel()
    await task
    assert events == ["value", "not cancelled"]


# NATIVE-9


@on_every_loop
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


@on_every_loop
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


# NATIVE-10


class Factory:
    """A task factory that wraps coroutines, or fails."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.fails = False

    def __call__(self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        if self.fails:
            raise RuntimeError("the factory fails")
        self.made.append(getattr(coro, "__qualname__", "?"))

        async def wrapper() -> Any:
            return await coro

        return asyncio.Task(wrapper(), loop=loop, **options)


@on_every_loop
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


@on_every_loop
async def test_factory_that_fails() -> None:
    """An exception of the factory comes out of ``start_soon``; the coroutine is closed, the group usable (NATIVE-10)."""
    factory = Factory()
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    events: list[str] = []

    async def child() -> None:
        events.append("ran")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with accord.create_task_group() as group:
            loop.set_task_factory(factory)
            factory.fails = True
            try:
                with pytest.raises(RuntimeError, match="the factory fails"):
                    group.start_soon(child)
                with pytest.raises(RuntimeError, match="the factory fails"):
                    await group.start(child)
            finally:
                loop.set_task_factory(before)
            group.start_soon(child)
        gc.collect()
    assert caught == []
    assert events == ["ran"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
@on_every_loop
async def test_eager_factory() -> None:
    """With an eager factory ``start_soon`` still runs nothing of the task, and everything else works (NATIVE-10)."""
    loop = asyncio.get_running_loop()
    before = loop.get_task_factory()
    loop.set_task_factory(asyncio.eager_task_factory)
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


# NATIVE-11


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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


@on_every_loop
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
