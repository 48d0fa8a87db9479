"""Mutants of as_completed."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

from accord import as_completed, create_memory_object_stream, create_task_group, get_cancelled_exc_class

from .making import Broken, mutant
from .waiting import replace_everywhere


@mutant("GATHER-4")
def as_completed_leaves_coroutines_open(_: Broken) -> None:
    """Arguments beside a wrong one are not closed."""

    @asynccontextmanager
    async def wrong(*coros: Any) -> AsyncGenerator[Any, None]:
        if not all(map(inspect.iscoroutine, coros)):
            raise TypeError("expected coroutine objects")
        async with as_completed(*coros) as handles:
            yield handles

    replace_everywhere(as_completed, wrong)


@mutant("GATHER-7")
def as_completed_gives_values(_: Broken) -> None:
    """The stream gives values instead of handles."""

    @asynccontextmanager
    async def wrong(*coros: Any) -> AsyncGenerator[Any, None]:
        send, receive = create_memory_object_stream[Any](inf)

        async def forward(handles: Any) -> None:
            with send:
                async for handle in handles:
                    send.send_nowait(handle.return_value)

        with receive:
            async with as_completed(*coros) as handles, create_task_group() as group:
                group.start_soon(forward, handles)
                yield receive
                group.cancel()

    replace_everywhere(as_completed, wrong)


def _completes(report: Any, *, cancel: bool = True) -> None:
    """Replace as_completed() by one whose handles are given to its stream by ``report(handles, send)``."""

    @asynccontextmanager
    async def wrong(*coros: Any) -> AsyncGenerator[Any, None]:
        send, receive = create_memory_object_stream[Any](inf)
        with send, receive:
            async with create_task_group() as group:
                handles = [group.create_task(coro) for coro in coros]
                group.start_soon(report, handles, send)
                yield receive
                if cancel:
                    group.cancel()

    replace_everywhere(as_completed, wrong)


@mutant("GATHER-7")
def as_completed_keeps_the_order_of_arguments(_: Broken) -> None:
    """The handles come in the order of the coroutines."""

    async def report(handles: Any, send: Any) -> None:
        for handle in handles:
            await handle.wait()
            send.send_nowait(handle)
        send.close()

    _completes(report)


@mutant("GATHER-7")
def as_completed_gives_handles_of_running_tasks(_: Broken) -> None:
    """The handles come at once."""

    async def report(handles: Any, send: Any) -> None:
        for handle in handles:
            send.send_nowait(handle)
        send.close()

    _completes(report)


async def _as_they_end(handles: Any, send: Any) -> None:
    async def report(handle: Any) -> None:
        await handle.wait()
        send.send_nowait(handle)

    async with create_task_group() as group:
        for handle in handles:
            group.start_soon(report, handle)


@mutant("GATHER-7")
def as_completed_never_ends_the_stream(_: Broken) -> None:
    """After the last handle the stream waits for more."""
    _completes(_as_they_end)


@mutant("GATHER-8")
def as_completed_waits_for_all(_: Broken) -> None:
    """Leaving the block waits for the tasks without cancelling them."""

    async def report(handles: Any, send: Any) -> None:
        with send:
            await _as_they_end(handles, send)

    _completes(report, cancel=False)


@mutant("GATHER-8")
def as_completed_ends_with_a_cancellation(_: Broken) -> None:
    """Leaving the block early raises a cancellation."""

    @asynccontextmanager
    async def wrong(*coros: Any) -> AsyncGenerator[Any, None]:
        async with as_completed(*coros) as handles:
            yield handles
            if handles.statistics().open_send_streams:
                raise get_cancelled_exc_class()("the block was left before all tasks had ended")

    replace_everywhere(as_completed, wrong)


@mutant("GATHER-8")
def as_completed_raises_the_error_of_its_body(_: Broken) -> None:
    """An exception of the body comes bare."""

    @asynccontextmanager
    async def wrong(*coros: Any) -> AsyncGenerator[Any, None]:
        try:
            async with as_completed(*coros) as handles:
                yield handles
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from None

    replace_everywhere(as_completed, wrong)


@mutant("GATHER-7")
def as_completed_gives_handles_twice(_: Broken) -> None:
    """Each handle comes twice."""

    async def report(handles: Any, send: Any) -> None:
        with send:
            await _as_they_end(handles * 2, send)

    _completes(report)
