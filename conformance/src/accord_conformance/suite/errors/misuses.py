"""Ways to make the library raise, each of which tests of this area look at: one error for each entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from math import inf, nan
from typing import Any

import accord
from accord.lowlevel import checkpoint
from accord.protocols import TaskStatus

Misuse = Callable[[], Awaitable[object]]

MISUSES: dict[str, Misuse] = {}


def _misuse(func: Misuse) -> Misuse:
    MISUSES[func.__name__] = func
    return func


def _synchronous(name: str, func: Callable[[], object]) -> None:
    async def misuse() -> None:
        func()

    MISUSES[name] = misuse


async def _value(value: object = 1) -> object:
    return value


async def _fail() -> None:
    raise ValueError("no luck")


async def _silent(*, task_status: TaskStatus[None]) -> None:
    """End without having called started()."""


def _no_coroutine() -> None:
    """A function that is not asynchronous."""


async def _ended(func: Callable[[], Any], cancelled: bool = False) -> accord.TaskHandle[Any]:
    """The handle of a task that has ended."""
    handles: list[accord.TaskHandle[Any]] = []
    try:
        async with accord.create_task_group() as group:
            handles.append(group.start_soon(func, name="mine"))
            if cancelled:
                handles[0].cancel()
    except* ValueError:
        pass
    return handles[0]


def _future(outcome: str) -> accord.Future[Any]:
    future: accord.Future[Any] = accord.Future(name="mine")
    if outcome == "failed":
        future.exception = ValueError("no luck")
    elif outcome == "cancelled":
        future.cancel()
    elif outcome == "finished":
        future.return_value = 1
    return future


def _closed_ends() -> tuple[Any, Any]:
    send, receive = accord.create_memory_object_stream[int]()
    send.close()
    receive.close()
    return send, receive


_any: Any = accord  # for arguments that type checkers refuse
_synchronous("release a free lock", accord.Lock().release)
_synchronous("semaphore below zero", lambda: accord.Semaphore(-1))
_synchronous("semaphore with a float", lambda: _any.Semaphore(1.0))
_synchronous("semaphore released too often", lambda: accord.Semaphore(1, max_value=1).release())
_synchronous("semaphore would block", lambda: accord.Semaphore(0).acquire_nowait())
_synchronous("limiter below zero", lambda: accord.CapacityLimiter(-1))
_synchronous("limiter with a float", lambda: accord.CapacityLimiter(1.5))
_synchronous("limiter would block", lambda: accord.CapacityLimiter(0).acquire_nowait())
_synchronous("limiter released by a stranger", lambda: accord.CapacityLimiter(1).release())
_synchronous("notify without the lock", lambda: accord.Condition().notify())
_synchronous("future has no value", lambda: _future("pending").return_value)
_synchronous("future has no exception", lambda: _future("pending").exception)
_synchronous("future has failed", lambda: _future("failed").return_value)
_synchronous("future was cancelled", lambda: _future("cancelled").return_value)
_synchronous("future set twice", lambda: setattr(_future("finished"), "return_value", 2))
_synchronous("future set after cancel", lambda: setattr(_future("cancelled"), "return_value", 2))
_synchronous("future given no exception", lambda: setattr(_future("pending"), "exception", 5))
_synchronous("stream with a wrong size", lambda: accord.create_memory_object_stream[int](-1))
_synchronous("send on a closed end", lambda: _closed_ends()[0].send_nowait(1))
_synchronous("receive on a closed end", _closed_ends()[1].receive_nowait)
_synchronous("scope with a wrong deadline", lambda: accord.CancelScope(deadline=nan))
_synchronous("scope with a wrong shield", lambda: _any.CancelScope(shield="yes"))
_synchronous("timeout with a wrong delay", lambda: accord.move_on_after(nan))
_synchronous("scope left before entry", lambda: accord.CancelScope().__exit__(None, None, None))
_synchronous("run inside a run", lambda: accord.run(_value))
_synchronous("unknown backend", lambda: accord.run(_value, backend="no such backend"))
_synchronous("task group with a wrong name", lambda: _any.create_task_group(name=5))
_synchronous("start_soon before entry", lambda: _any.create_task_group().start_soon(_value))


def _enter_scope_twice() -> None:
    with accord.CancelScope() as scope, scope:
        pass


def _leave_scopes_in_the_wrong_order() -> None:
    outer, inner = accord.CancelScope(), accord.CancelScope()
    outer.__enter__()
    inner.__enter__()
    try:
        outer.__exit__(None, None, None)
    finally:
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)


def _use_guard_twice() -> None:
    guard = accord.ResourceGuard()
    with guard, guard:
        pass


def _acquire_twice_for_one_borrower() -> None:
    limiter = accord.CapacityLimiter(inf)
    limiter.acquire_on_behalf_of_nowait("x")
    limiter.acquire_on_behalf_of_nowait("x")


for _func in (
    _enter_scope_twice,
    _leave_scopes_in_the_wrong_order,
    _use_guard_twice,
    _acquire_twice_for_one_borrower,
):
    _synchronous(_func.__name__, _func)


@_misuse
async def acquire_twice() -> None:
    """Take a lock that the task has."""
    lock = accord.Lock()
    async with lock:
        await lock.acquire()


@_misuse
async def acquire_of_an_abandoned_lock() -> None:
    """Take a lock whose owner has ended."""
    lock = accord.Lock()
    _ = await _ended(lock.acquire)
    await lock.acquire()


@_misuse
async def nowait_with_a_held_lock() -> None:
    """Take a lock that another task has, without waiting."""
    lock = accord.Lock()

    async def attempt() -> None:
        lock.acquire_nowait()

    async with lock:
        async with accord.create_task_group() as group:
            handle = group.start_soon(_caught, attempt)
    raise handle.return_value


async def _caught(func: Misuse) -> Exception:
    try:
        await func()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@_misuse
async def wait_without_the_lock() -> None:
    """Wait for a condition without its lock."""
    await accord.Condition().wait()


@_misuse
async def send_to_nobody() -> None:
    """Send into a stream without receive ends."""
    send, receive = accord.create_memory_object_stream[int]()
    receive.close()
    with send:
        await send.send(1)


@_misuse
async def receive_from_nobody() -> None:
    """Receive from a stream without send ends."""
    send, receive = accord.create_memory_object_stream[int]()
    send.close()
    with receive:
        await receive.receive()


@_misuse
async def send_into_a_full_stream() -> None:
    """Send without waiting where there is no room."""
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        send.send_nowait(1)


@_misuse
async def receive_from_an_empty_stream() -> None:
    """Receive without waiting where there is nothing."""
    send, receive = accord.create_memory_object_stream[int]()
    with send, receive:
        receive.receive_nowait()


@_misuse
async def await_a_failed_future() -> None:
    """Await a future that has failed."""
    await _future("failed")


@_misuse
async def value_of_a_failed_task() -> None:
    """Ask a failed task for its value."""
    _ = (await _ended(_fail)).return_value


@_misuse
async def await_a_cancelled_task() -> None:
    """Await a task that was cancelled."""
    await (await _ended(accord.sleep_forever, cancelled=True))


@_misuse
async def value_of_a_running_task() -> None:
    """Ask a task for its value before its end."""

    async def ask(group: accord.TaskGroup) -> object:
        return group.start_soon(_value).return_value

    await _in_group(ask)


@_misuse
async def start_value_of_another_task() -> None:
    """Ask a task for its start value that was not begun by start()."""
    _ = (await _ended(_value)).start_value


@_misuse
async def start_soon_after_the_exit() -> None:
    """Start a task in a group that was left."""
    async with accord.create_task_group() as group:
        pass
    group.start_soon(_value)


@_misuse
async def enter_a_group_twice() -> None:
    """Enter a task group again."""
    group = accord.create_task_group()
    async with group:
        pass
    async with group:
        pass


async def _in_group(call: Callable[[Any], Any]) -> None:
    """Raise what a call with an open group raises."""
    errors: list[Exception] = []
    async with accord.create_task_group() as group:
        try:
            result = call(group)
            if isinstance(result, Awaitable):
                await result
        except Exception as error:
            errors.append(error)
    raise errors.pop()


MISUSES["start without started()"] = partial(_in_group, lambda group: group.start(_silent))
MISUSES["start_soon with a function"] = partial(_in_group, lambda group: group.start_soon(_no_coroutine))
MISUSES["start_soon with a number"] = partial(_in_group, lambda group: group.start_soon(5))
MISUSES["create_task with a function"] = partial(_in_group, lambda group: group.create_task(_value))
MISUSES["sleep below zero"] = lambda: accord.sleep(-1)
MISUSES["sleep for a text"] = lambda: _any.sleep("1")
MISUSES["amap without calls"] = lambda: accord.amap(_value, [1], limit=0)
MISUSES["gather of a number"] = lambda: _any.gather(5)
MISUSES["thread of a number"] = lambda: _any.to_thread.run_sync(5)


@_misuse
async def timeout() -> None:
    """Run out of time."""
    with accord.fail_after(0):
        await checkpoint()


@_misuse
async def wait_for_oneself() -> None:
    """Wait for the own task."""

    async def work() -> None:
        await handle

    async with accord.create_task_group() as group:
        handle = group.start_soon(lambda: _caught(work), name="mine")
    raise handle.return_value
