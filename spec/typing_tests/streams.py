"""What type checkers infer for streams and synchronization; checked, never run."""

from __future__ import annotations

from typing import assert_type

import accord
from accord import MemoryObjectReceiveStream, MemoryObjectSendStream
from accord.abc import ByteStream, ObjectReceiveStream, ObjectSendStream, SocketAttribute
from accord.lowlevel import RunVar


async def memory() -> None:
    send, receive = accord.create_memory_object_stream[int](5)
    assert_type(send, MemoryObjectSendStream[int])
    assert_type(receive, MemoryObjectReceiveStream[int])
    assert_type(await receive.receive(), int)
    assert_type(receive.receive_nowait(), int)
    assert_type(receive.clone(), MemoryObjectReceiveStream[int])
    async for item in receive:
        assert_type(item, int)
    await send.send("one")  # type: ignore[arg-type]
    takes_ends(send, receive)
    with accord.create_memory_object_stream[str]() as ends:
        assert_type(ends.receive_stream, MemoryObjectReceiveStream[str])


def takes_ends(send: ObjectSendStream[bool], receive: ObjectReceiveStream[object]) -> None:
    """Sending ends are contravariant, receiving ends covariant."""


async def network() -> None:
    async with await accord.connect_tcp("localhost", 80) as stream:
        takes_byte_stream(stream)
        assert_type(await stream.receive(100), bytes)
        assert_type(stream.extra(SocketAttribute.local_port), int)
        assert_type(stream.extra(SocketAttribute.local_port, None), int | None)
    listener = await accord.create_tcp_listener()
    await listener.serve(handle)


async def handle(stream: accord.SocketStream) -> None:
    async for chunk in stream:
        assert_type(chunk, bytes)


def takes_byte_stream(stream: ByteStream) -> None:
    """Any stream of bytes."""


async def synchronization() -> None:
    future: accord.Future[int] = accord.Future()
    future.return_value = 1
    assert_type(await future, int)
    assert_type(future.exception, BaseException | None)
    condition = accord.Condition(accord.Lock())
    async with condition:
        assert_type(await condition.wait_for(lambda: [1]), list[int])
    assert_type(accord.Lock().statistics().tasks_waiting, int)
    assert_type(accord.CapacityLimiter(3).available_tokens, float)


def run_variables() -> None:
    variable = RunVar("name", 3)
    assert_type(variable.get(), int)
    assert_type(variable.get("none"), int | str)
    with variable.set(4):
        variable.set("four")  # type: ignore[arg-type]
