"""The rows of CKPT-4's table for processes, their pipes, and worker processes."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from functools import partial

import accord
from accord.processes.pipes import PipeReceiveStream, PipeSendStream

from .operations import Prepared, row
from .operations_net import Made


@row("open_process", "CY", "readiness")
async def _open_process() -> AsyncGenerator[Prepared, None]:
    made = Made()
    yield made.prepared(partial(accord.open_process, "exit 0"))
    await made.aclose()


@row("run_process", "CY", "readiness")
async def _run_process() -> AsyncGenerator[Prepared, None]:
    yield Prepared(partial(accord.run_process, ["true"]))


@row("Process.wait", "CY", "readiness")
async def _wait() -> AsyncGenerator[Prepared, None]:
    async with await accord.open_process(["true"]) as process:
        await process.wait()
        yield Prepared(process.wait)


@row("Process.aclose", "CY", "readiness")
async def _aclose() -> AsyncGenerator[Prepared, None]:
    async with await accord.open_process(["true"]) as process:
        await process.wait()
        yield Prepared(process.aclose)


@row("leaving the block of a Process", "CY", "readiness")
async def _leave() -> AsyncGenerator[Prepared, None]:
    process = await accord.open_process(["true"])
    await process.wait()
    yield Prepared(lambda: process.__aexit__(None, None, None))
    await accord.aclose_forcefully(process)


@row("receive from a pipe", "CY", "readiness")
async def _receive() -> AsyncGenerator[Prepared, None]:
    reader, writer = os.pipe()
    os.write(writer, b"x")
    received: list[bytes] = []
    async with PipeReceiveStream(reader) as stream, PipeSendStream(writer):

        async def receive() -> None:
            received.append(await stream.receive())

        yield Prepared(receive, lambda: received == [b"x"])


@row("send to a pipe", "CY", "readiness")
async def _send() -> AsyncGenerator[Prepared, None]:
    reader, writer = os.pipe()
    async with PipeReceiveStream(reader) as other, PipeSendStream(writer) as stream:
        yield Prepared(partial(stream.send, b"x"), lambda: other.take_rest() == b"x")


@row("aclose of a pipe", "CY", "readiness")
async def _close_pipe() -> AsyncGenerator[Prepared, None]:
    reader, writer = os.pipe()
    async with PipeReceiveStream(reader) as stream, PipeSendStream(writer):
        yield Prepared(stream.aclose)


@row("to_process.run_sync", "CY", "readiness")
async def _to_process() -> AsyncGenerator[Prepared, None]:
    yield Prepared(lambda: accord.to_process.run_sync(abs, -1))
