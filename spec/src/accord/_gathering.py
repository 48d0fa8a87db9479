"""Running several things at once and collecting what they return."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from math import inf
from typing import Any, TypeVar, overload

from ._backends import current_backend
from ._tasks import create_task_group
from .protocols import TaskHandle
from .streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream, create_memory_object_stream
from .toolkit.coroutines import check_coroutine, close_quietly, task_name

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


async def amap(
    func: Callable[[T], Coroutine[Any, Any, R]], args: Iterable[T], /, *, limit: int | None = None
) -> list[R]:
    """Call an asynchronous function for each argument and return the values, in the order of the arguments.

    :param limit: how many calls may run at once; None for all. The arguments are taken as calls begin.

    Fails as ``gather`` does. A checkpoint (GATHER-2, GATHER-3).
    """
    if limit is not None:
        if isinstance(limit, bool) or not isinstance(limit, int):
            raise TypeError(f"limit must be an int, not {type(limit).__name__}")
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
    await current_backend().checkpoint_if_cancelled()
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
