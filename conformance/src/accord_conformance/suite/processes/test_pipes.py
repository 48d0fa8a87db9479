"""The pipes of a process: streams like others. That they keep the rules STREAM is tested with all kinds of streams."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import time
from functools import partial

import pytest

import accord
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, rule
from accord_conformance.suite.networking.pairs import pattern

from .children import FOR_EVER, nothing_left, python, stdin_of, stdout_of


@rule("PROC-7")
async def test_there_and_back() -> None:
    """What is sent to a process comes back from it, a few megabytes unharmed, and then the end."""
    data = pattern(3_000_000)
    async with await accord.open_process(["cat"]) as process, accord.create_task_group() as group:

        async def feed() -> None:
            await stdin_of(process).send(data)
            await stdin_of(process).aclose()

        group.start_soon(feed)
        received = b"".join([chunk async for chunk in stdout_of(process)])
        assert hashlib.sha256(received).digest() == hashlib.sha256(data).digest()
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await stdout_of(process).receive()


@rule("PROC-7")
async def test_what_is_no_pipe_is_none() -> None:
    """Standard streams that were not asked for with PIPE are None."""
    async with await accord.open_process("true", stdin=None, stdout=subprocess.DEVNULL, stderr=None) as process:
        assert (process.stdin, process.stdout, process.stderr) == (None, None, None)
    async with await accord.open_process("true") as process:
        assert None not in (process.stdin, process.stdout, process.stderr)


@rule("PROC-7")
async def test_error_output() -> None:
    """The error output is a stream of its own."""
    async with await accord.open_process("echo out; echo error >&2") as process:
        assert process.stderr is not None
        assert await process.stderr.receive() == b"error\n"
        assert await stdout_of(process).receive() == b"out\n"


@rule("PROC-7")
async def test_one_task_in_each_direction() -> None:
    """A second task that receives or sends gets BusyResourceError, and the first is not disturbed."""
    async with await accord.open_process("sleep 0.3; exec cat") as process, accord.create_task_group() as group:
        receiving = await blocked(group, stdout_of(process).receive)
        sending = await blocked(group, partial(stdin_of(process).send, bytes(300_000)))
        with pytest.raises(accord.BusyResourceError):
            await stdout_of(process).receive()
        with pytest.raises(accord.BusyResourceError):
            await stdin_of(process).send(b"x")
        await receiving.handle.wait()
        size = len(receiving.value)
        while size < 300_000:
            size += len(await stdout_of(process).receive())
        await sending.handle.wait()
        assert (receiving.outcome, sending.outcome, size) == ("returned", "returned", 300_000)
        await stdin_of(process).aclose()


@rule("PROC-7", "PROC-11")
async def test_data_of_a_process_that_was_killed() -> None:
    """What a process wrote before it was killed can be received."""
    with nothing_left():
        async with await accord.open_process("echo last words; exec sleep 60") as process:
            with accord.fail_after(PATIENCE):
                assert await stdout_of(process).receive() == b"last words\n"
            process.kill()
            assert await process.wait() == -signal.SIGKILL
            with pytest.raises(accord.EndOfStream):
                await stdout_of(process).receive()


@rule("PROC-8")
@pytest.mark.parametrize("ends", [True, False])
async def test_sending_to_nobody(ends: bool) -> None:
    """send() to a process that has ended, or has closed its input, raises BrokenResourceError, each time."""
    async with await accord.open_process("exec <&-; echo x" + ("" if ends else "; exec sleep 60")) as process:
        if ends:
            await process.wait()
        else:
            await stdout_of(process).receive()
        for item in (b"x", b"", b"x"):
            with pytest.raises(accord.BrokenResourceError):
                await stdin_of(process).send(item or b"" if item else b"")
                await stdin_of(process).send(b"x")
        process.kill()


@rule("PROC-8")
async def test_process_ends_while_it_is_fed() -> None:
    """A send() that waits for room raises BrokenResourceError when the process ends."""
    async with await accord.open_process(FOR_EVER) as process, accord.create_task_group() as group:
        sending = await blocked(group, partial(stdin_of(process).send, bytes(1_000_000)))
        process.kill()
        await sending.handle.wait()
        assert isinstance(sending.error, accord.BrokenResourceError)
        assert str(sending.error)


@rule("PROC-9")
async def test_closing_the_input_ends_it() -> None:
    """A process gets the end of its input when the stream is closed."""
    async with await accord.open_process(["cat"]) as process:
        await stdin_of(process).aclose()
        with accord.fail_after(PATIENCE):
            assert await process.wait() == 0


@rule("PROC-9")
async def test_closing_the_output_breaks_the_pipe() -> None:
    """A process that writes to an output which was closed gets EPIPE."""
    code = "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\nwhile True: print('x' * 1000, flush=True)"
    async with await accord.open_process(python(code)) as process:
        await stdout_of(process).receive()
        await stdout_of(process).aclose()
        with accord.fail_after(PATIENCE):
            assert await process.wait() == -signal.SIGPIPE


@rule("PROC-9", "PROC-13")
async def test_closing_wakes() -> None:
    """Tasks that wait for the pipes are woken when the process is closed."""
    async with accord.create_task_group() as group:
        process = await accord.open_process(FOR_EVER)
        receiving = await blocked(group, stdout_of(process).receive)
        sending = await blocked(group, partial(stdin_of(process).send, bytes(1_000_000)))
        await accord.aclose_forcefully(process)
        for attempt in (receiving, sending):
            await attempt.handle.wait()
            assert isinstance(attempt.error, accord.ClosedResourceError)


@rule("PROC-9")
async def test_child_that_is_slow_is_not_flooded() -> None:
    """What a process prints is not read ahead: one that nobody reads from waits."""
    code = "import sys\nfor i in range(1000): sys.stdout.write('x' * 10000); sys.stderr.write('y'); sys.stderr.flush()"
    async with await accord.open_process(python(code)) as process:
        assert process.stderr is not None
        seen = 0
        quiet_since = time.monotonic()
        while time.monotonic() < quiet_since + 0.3:
            with accord.move_on_after(0.05):
                seen += len(await process.stderr.receive())
                quiet_since = time.monotonic()
        assert seen < 500
        process.kill()
