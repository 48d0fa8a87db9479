"""The table of CKPT-4 as code: every operation, prepared so that it can complete at once."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import accord
from accord.lowlevel import cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled, current_backend


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation that can be called once."""

    call: Callable[[], Awaitable[object]]
    took_effect: Callable[[], bool] | None = None
    """Whether the operation has done what it does, where that can be seen."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table."""

    name: str
    expected: str
    prepare: Callable[[], AbstractAsyncContextManager[Prepared]]
    needs: str = "core"

    def __str__(self) -> str:
        return self.name


ROWS: list[Row] = []

Preparation = Callable[[], AsyncGenerator[Prepared, None]]


def row(name: str, expected: str, needs: str = "core") -> Callable[[Preparation], Preparation]:
    """Make a row of a function that prepares its operation and puts things right afterwards."""

    def add(function: Preparation) -> Preparation:
        ROWS.append(Row(name, expected, asynccontextmanager(function), needs))
        return function

    return add


def simple_row(name: str, expected: str, call: Callable[[], Awaitable[object]]) -> None:
    """Make a row of an operation that needs no preparation."""

    async def prepare() -> AsyncGenerator[Prepared, None]:
        yield Prepared(call)

    row(name, expected)(prepare)


async def noop() -> None:
    """A task that ends at once."""


async def return_at_once(argument: int) -> int:
    """A task that ends at once with its argument."""
    return argument


async def start_at_once(*, task_status: accord.TaskStatus[None] = accord.TASK_STATUS_IGNORED) -> None:
    """A task that is started without a checkpoint."""
    task_status.started()


simple_row("checkpoint", "CY", checkpoint)
simple_row("sleep(0)", "CY", lambda: accord.sleep(0))
simple_row("sleep", "CY", lambda: accord.sleep(0.001))
simple_row("sleep_until", "CY", lambda: accord.sleep_until(accord.current_time()))
simple_row("checkpoint_if_cancelled", "C-", checkpoint_if_cancelled)
simple_row("cancel_shielded_checkpoint", "-Y", cancel_shielded_checkpoint)
simple_row("gather of nothing", "CY", accord.gather)
simple_row("gather", "CY", lambda: accord.gather(noop()))
simple_row("amap", "CY", lambda: accord.amap(return_at_once, [1]))
simple_row("amap of nothing", "CY", lambda: accord.amap(return_at_once, []))
simple_row("to_thread.run_sync", "CY", lambda: accord.to_thread.run_sync(int))


@row("wait_all_tasks_blocked", "CY", "testing")
async def _wait_all_tasks_blocked() -> AsyncGenerator[Prepared, None]:
    yield Prepared(accord.wait_all_tasks_blocked)


@row("task group exit", "-Y")
async def _group_exit() -> AsyncGenerator[Prepared, None]:
    async def leave() -> None:
        # The entry belongs to another row, which shows that it adds nothing.
        async with accord.create_task_group():
            pass

    yield Prepared(leave)


@row("task group exit with tasks", "-Y")
async def _group_exit_with_tasks() -> AsyncGenerator[Prepared, None]:
    async def leave() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(noop)

    yield Prepared(leave)


@row("TaskGroup.start", "CY")
async def _start() -> AsyncGenerator[Prepared, None]:
    async with accord.create_task_group() as group:
        yield Prepared(lambda: group.start(start_at_once))


@row("TaskHandle.wait", "CY")
async def _handle_wait() -> AsyncGenerator[Prepared, None]:
    async with accord.create_task_group() as group:
        handle = group.start_soon(noop)
    yield Prepared(handle.wait)


@row("await handle", "CY")
async def _await_handle() -> AsyncGenerator[Prepared, None]:
    async with accord.create_task_group() as group:
        handle = group.start_soon(noop)
    yield Prepared(lambda: handle)


@row("Event.wait", "CY")
async def _event_wait() -> AsyncGenerator[Prepared, None]:
    event = accord.Event()
    event.set()
    yield Prepared(event.wait)


@row("Lock.acquire", "CY")
async def _lock_acquire() -> AsyncGenerator[Prepared, None]:
    lock = accord.Lock()
    yield Prepared(lock.acquire, lock.locked)


@row("entering a Lock", "CY")
async def _lock_enter() -> AsyncGenerator[Prepared, None]:
    lock = accord.Lock()
    yield Prepared(lock.__aenter__, lock.locked)


@row("leaving a Lock", "--")
async def _lock_exit() -> AsyncGenerator[Prepared, None]:
    lock = accord.Lock()
    await lock.__aenter__()
    yield Prepared(lambda: lock.__aexit__(None, None, None), lambda: not lock.locked())


@row("Condition.acquire", "CY")
async def _condition_acquire() -> AsyncGenerator[Prepared, None]:
    condition = accord.Condition()
    yield Prepared(condition.acquire, condition.locked)


@row("entering a Condition", "CY")
async def _condition_enter() -> AsyncGenerator[Prepared, None]:
    condition = accord.Condition()
    yield Prepared(condition.__aenter__, condition.locked)


@row("leaving a Condition", "--")
async def _condition_exit() -> AsyncGenerator[Prepared, None]:
    condition = accord.Condition()
    await condition.__aenter__()
    yield Prepared(lambda: condition.__aexit__(None, None, None), lambda: not condition.locked())


@row("Condition.wait_for of what is true", "--")
async def _condition_wait_for() -> AsyncGenerator[Prepared, None]:
    condition = accord.Condition()
    async with condition:
        yield Prepared(lambda: condition.wait_for(lambda: True))


@row("Semaphore.acquire", "CY")
async def _semaphore_acquire() -> AsyncGenerator[Prepared, None]:
    semaphore = accord.Semaphore(1)
    yield Prepared(semaphore.acquire, lambda: semaphore.value == 0)


@row("entering a Semaphore", "CY")
async def _semaphore_enter() -> AsyncGenerator[Prepared, None]:
    semaphore = accord.Semaphore(1)
    yield Prepared(semaphore.__aenter__, lambda: semaphore.value == 0)


@row("leaving a Semaphore", "--")
async def _semaphore_exit() -> AsyncGenerator[Prepared, None]:
    semaphore = accord.Semaphore(1)
    await semaphore.__aenter__()
    yield Prepared(lambda: semaphore.__aexit__(None, None, None), lambda: semaphore.value == 1)


@row("CapacityLimiter.acquire", "CY")
async def _limiter_acquire() -> AsyncGenerator[Prepared, None]:
    limiter = accord.CapacityLimiter(1)
    yield Prepared(limiter.acquire, lambda: limiter.borrowed_tokens == 1)


@row("CapacityLimiter.acquire_on_behalf_of", "CY")
async def _limiter_acquire_for() -> AsyncGenerator[Prepared, None]:
    limiter = accord.CapacityLimiter(1)
    yield Prepared(lambda: limiter.acquire_on_behalf_of("borrower"), lambda: limiter.borrowed_tokens == 1)


@row("entering a CapacityLimiter", "CY")
async def _limiter_enter() -> AsyncGenerator[Prepared, None]:
    limiter = accord.CapacityLimiter(1)
    yield Prepared(limiter.__aenter__, lambda: limiter.borrowed_tokens == 1)


@row("leaving a CapacityLimiter", "--")
async def _limiter_exit() -> AsyncGenerator[Prepared, None]:
    limiter = accord.CapacityLimiter(1)
    await limiter.__aenter__()
    yield Prepared(lambda: limiter.__aexit__(None, None, None), lambda: limiter.borrowed_tokens == 0)


@row("Future.wait", "CY")
async def _future_wait() -> AsyncGenerator[Prepared, None]:
    future = accord.Future[int]()
    future.return_value = 1
    yield Prepared(future.wait)


@row("await future", "CY")
async def _await_future() -> AsyncGenerator[Prepared, None]:
    future = accord.Future[int]()
    future.return_value = 1
    yield Prepared(lambda: future)


@row("send to a buffer", "CY")
async def _send() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        yield Prepared(lambda: send.send(1), lambda: send.statistics().current_buffer_used == 1)


@row("send to a waiting receiver", "CY")
async def _send_to_receiver() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int]()
    received: list[int] = []

    async def take() -> None:
        received.append(await receive.receive())

    async with accord.create_task_group() as group:
        group.start_soon(take)
        while not receive.statistics().tasks_waiting_receive:
            await checkpoint()
        with send, receive:
            yield Prepared(lambda: send.send(1), lambda: not receive.statistics().tasks_waiting_receive)
            group.cancel()


@row("receive from a buffer", "CY")
async def _receive() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        send.send_nowait(1)
        yield Prepared(receive.receive, lambda: send.statistics().current_buffer_used == 0)


@row("receive from a waiting sender", "CY")
async def _receive_from_sender() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int]()
    async with accord.create_task_group() as group:
        group.start_soon(send.send, 1)
        while not send.statistics().tasks_waiting_send:
            await checkpoint()
        with send, receive:
            yield Prepared(receive.receive, lambda: not receive.statistics().tasks_waiting_send)
            group.cancel()


@row("iteration of a receive stream", "CY")
async def _iterate() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with send, receive:
        send.send_nowait(1)
        yield Prepared(receive.__anext__, lambda: send.statistics().current_buffer_used == 0)


@row("aclose of a send stream", "--")
async def _aclose_send() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with receive:
        yield Prepared(send.aclose, lambda: receive.statistics().open_send_streams == 0)
        send.close()


@row("aclose of a receive stream", "--")
async def _aclose_receive() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with send:
        yield Prepared(receive.aclose, lambda: send.statistics().open_receive_streams == 0)
        receive.close()


@row("leaving a memory object stream", "--")
async def _leave_stream() -> AsyncGenerator[Prepared, None]:
    send, receive = accord.create_memory_object_stream[int](1)
    with receive:
        await send.__aenter__()
        leave: Any = send.__aexit__
        yield Prepared(lambda: leave(None, None, None), lambda: receive.statistics().open_send_streams == 0)
        send.close()


@asynccontextmanager
async def _poller() -> AsyncGenerator[tuple[Any, socket.socket], None]:
    """A poller of one of two connected sockets, with a byte to read."""
    readiness = current_backend().readiness
    assert readiness is not None
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.send(b"x")
        poller = readiness.create_poller(near.fileno())
        try:
            yield poller, near
        finally:
            poller.close()


@row("Poller.readable", "CY", "readiness")
async def _readable() -> AsyncGenerator[Prepared, None]:
    calls: list[bytes] = []
    async with _poller() as (poller, sock):
        yield Prepared(lambda: poller.readable(lambda: calls.append(sock.recv(1))), lambda: bool(calls))


@row("Poller.writable", "CY", "readiness")
async def _writable() -> AsyncGenerator[Prepared, None]:
    calls: list[int] = []
    async with _poller() as (poller, sock):
        yield Prepared(lambda: poller.writable(lambda: calls.append(sock.send(b"y"))), lambda: bool(calls))
