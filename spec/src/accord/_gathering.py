"""Running several things at once and collecting what they return."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._backends import current_backend
from ._tasks import create_task_group
from .exceptions import TaskCancelled
from .protocols import TaskHandle
from .streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream, create_memory_object_stream
from .sync.semaphores import Semaphore
from .toolkit.coroutines import call_for_coroutine, check_coroutine, close_quietly, task_name

if TYPE_CHECKING:
    from .sync.rates import RateLimiter

T = TypeVar("T")
R = TypeVar("R")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")


def _check_all(coros: tuple[Any, ...]) -> None:
    try:
        for coro in coros:
            check_coroutine(coro)
    except TypeError:
        for coro in coros:
            close_quietly(coro)
        raise


async def _admit(coros: tuple[Any, ...]) -> None:
    """Check the coroutines and for cancellation, and close them all if they are not to run."""
    _check_all(coros)
    try:
        await current_backend().checkpoint_if_cancelled()
    except BaseException:
        for coro in coros:
            close_quietly(coro)
        raise


@overload
async def gather(coro1: Coroutine[Any, Any, T1], /) -> tuple[T1]: ...
@overload
async def gather(coro1: Coroutine[Any, Any, T1], coro2: Coroutine[Any, Any, T2], /) -> tuple[T1, T2]: ...
@overload
async def gather(
    coro1: Coroutine[Any, Any, T1], coro2: Coroutine[Any, Any, T2], coro3: Coroutine[Any, Any, T3], /
) -> tuple[T1, T2, T3]: ...
@overload
async def gather(
    coro1: Coroutine[Any, Any, T1],
    coro2: Coroutine[Any, Any, T2],
    coro3: Coroutine[Any, Any, T3],
    coro4: Coroutine[Any, Any, T4],
    /,
) -> tuple[T1, T2, T3, T4]: ...
@overload
async def gather(
    coro1: Coroutine[Any, Any, T1],
    coro2: Coroutine[Any, Any, T2],
    coro3: Coroutine[Any, Any, T3],
    coro4: Coroutine[Any, Any, T4],
    coro5: Coroutine[Any, Any, T5],
    /,
) -> tuple[T1, T2, T3, T4, T5]: ...
@overload
async def gather(
    coro1: Coroutine[Any, Any, T1],
    coro2: Coroutine[Any, Any, T2],
    coro3: Coroutine[Any, Any, T3],
    coro4: Coroutine[Any, Any, T4],
    coro5: Coroutine[Any, Any, T5],
    coro6: Coroutine[Any, Any, T6],
    /,
) -> tuple[T1, T2, T3, T4, T5, T6]: ...
@overload
async def gather(*coros: Coroutine[Any, Any, T]) -> tuple[T, ...]: ...
async def gather(*coros: Coroutine[Any, Any, Any]) -> tuple[Any, ...]:
    """Run coroutine objects as tasks of one group and return their values, in the order of the arguments.

    The first that fails cancels the others, and the errors are raised as an exception group. A checkpoint (GATHER-1).
    """
    await _admit(coros)
    handles: list[TaskHandle[Any]] = []
    async with create_task_group() as group:
        handles += [group.create_task(coro) for coro in coros]
    return tuple(handle.return_value for handle in handles)


@overload
async def race(coro1: Coroutine[Any, Any, T1], /) -> T1: ...
@overload
async def race(coro1: Coroutine[Any, Any, T1], coro2: Coroutine[Any, Any, T2], /) -> T1 | T2: ...
@overload
async def race(
    coro1: Coroutine[Any, Any, T1], coro2: Coroutine[Any, Any, T2], coro3: Coroutine[Any, Any, T3], /
) -> T1 | T2 | T3: ...
@overload
async def race(
    coro1: Coroutine[Any, Any, T1],
    coro2: Coroutine[Any, Any, T2],
    coro3: Coroutine[Any, Any, T3],
    coro4: Coroutine[Any, Any, T4],
    /,
) -> T1 | T2 | T3 | T4: ...
@overload
async def race(*coros: Coroutine[Any, Any, T]) -> T: ...
async def race(*coros: Coroutine[Any, Any, Any]) -> Any:
    """Run coroutine objects as tasks of one group and return the value of the first that returns (area RACE).

    The others are cancelled and waited for; what they return is dropped. An error of any of them, also one during its
    clean-up, ends the race and is raised in an exception group, as by ``gather``. Raises ``ValueError`` without
    coroutines, ``TypeError`` for what is none and ``TaskCancelled`` if each of them ended by a cancellation of its own.
    A checkpoint.
    """
    if not coros:
        raise ValueError("race() needs at least one coroutine")
    await _admit(coros)
    results: list[Any] = []

    async def run(coro: Coroutine[Any, Any, Any]) -> None:
        value = await coro
        if not results:
            results.append(value)
            # From now on nothing but the group itself needs to stop the others, and a cancellation from outside, which
            # would do no more than that, can't take the value away.
            group.cancel_scope.shield = True
            group.cancel("the race is over")

    async with create_task_group() as group:
        for coro in coros:
            group.start_soon(run, coro, name=task_name(coro))
    if not results:
        raise TaskCancelled("every coroutine of the race was cancelled")
    return results[0]


async def amap(
    func: Callable[[T], Coroutine[Any, Any, R]],
    args: Iterable[T],
    /,
    *,
    limit: int | None = None,
    rate: float | RateLimiter | None = None,
) -> list[R]:
    """Call an asynchronous function for each argument and return the values, in the order of the arguments.

    :param limit: how many calls may run at once; None for all. The arguments are taken as calls begin.
    :param rate: how many calls may begin in a second, or a ``RateLimiter``, which can be shared; None for all at once.

    Fails as ``gather`` does. A checkpoint (GATHER-2, GATHER-3).
    """
    if limit is not None:
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise TypeError(f"limit must be an int, not {type(limit).__name__}")
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
    limiter = None if rate is None else _rate_limiter(rate)
    await current_backend().checkpoint_if_cancelled()
    if limiter is not None:
        return await _paced_map(func, args, limiter, Semaphore(sys.maxsize if limit is None else limit))
    if limit is None:
        handles: list[TaskHandle[R]] = []
        async with create_task_group() as group:
            handles += [group.start_soon(func, arg) for arg in args]
        return [handle.return_value for handle in handles]

    results: dict[int, R] = {}
    numbered = enumerate(args)

    name = task_name(func)
    started = 1

    async def work() -> None:
        nonlocal started
        first = True
        for index, arg in numbered:
            if first and started < limit:
                # There is work, so there may be more: a worker is started by the one before it, and not for nothing.
                started += 1
                group.start_soon(work, name=name)
            first = False
            results[index] = await func(arg)

    async with create_task_group() as group:
        group.start_soon(work, name=name)
    return [results[index] for index in range(len(results))]


def _rate_limiter(rate: float | RateLimiter) -> RateLimiter:
    from .sync.rates import RateLimiter  # not sooner: most programs have none

    return rate if isinstance(rate, RateLimiter) else RateLimiter(rate)


async def _paced_map(
    func: Callable[[T], Coroutine[Any, Any, R]], args: Iterable[T], limiter: RateLimiter, room: Semaphore
) -> list[R]:
    """``amap`` with a rate: one task, this one, waits for room, takes an argument and waits for the limiter."""
    handles: list[TaskHandle[R]] = []

    async def run(coro: Coroutine[Any, Any, R]) -> R:
        try:
            return await coro
        finally:
            room.release()

    async with create_task_group() as group:
        await room.acquire()
        for arg in args:
            await limiter.acquire()
            handles.append(group.start_soon(run, call_for_coroutine(func, (arg,)), name=task_name(func)))
            await room.acquire()
    return [handle.return_value for handle in handles]


@asynccontextmanager
async def as_completed(
    *coros: Coroutine[Any, Any, T],
) -> AsyncGenerator[MemoryObjectReceiveStream[TaskHandle[T]], None]:
    """Run coroutine objects as tasks and give a stream of their handles, in the order in which they end.

    Leaving the block cancels those that are still running; errors are raised at its end as an exception group
    (GATHER-4).
    """
    _check_all(coros)
    send: MemoryObjectSendStream[TaskHandle[T]]
    send, receive = create_memory_object_stream[TaskHandle[T]](inf)

    async def report(handle: TaskHandle[T], done: MemoryObjectSendStream[TaskHandle[T]]) -> None:
        with done:
            await handle.wait()
            done.send_nowait(handle)

    with send, receive:
        async with create_task_group() as group:
            for handle in [group.create_task(coro) for coro in coros]:
                group.start_soon(report, handle, send.clone())
            send.close()
            yield receive
            group.cancel("the block of as_completed() was left")
