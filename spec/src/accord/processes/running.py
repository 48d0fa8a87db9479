"""Running a process from start to end, with what it prints."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from typing import Unpack

from .._tasks import create_task_group
from .._time import current_time
from ..exceptions import BrokenResourceError
from .options import Command, PopenOptions, Standard, TerminationPolicy, check_seconds
from .pipes import PipeReceiveStream, PipeSendStream
from .process import PATIENT, Process, open_process


async def run_process(
    command: Command,
    *,
    input: bytes | bytearray | memoryview | None = None,
    stdin: Standard = None,
    stdout: Standard = subprocess.PIPE,
    stderr: Standard = subprocess.PIPE,
    check: bool = True,
    linger: float = 1.0,
    termination: TerminationPolicy = PATIENT,
    **options: Unpack[PopenOptions],
) -> subprocess.CompletedProcess[bytes]:
    """Run a process until it has ended, and return what it returned and printed; a checkpoint (PROC-16 to PROC-19).

    :param command: as for ``open_process``.
    :param input: what it gets as its standard input; it need not read all of it. Without it, as for ``open_process``;
        ``stdin=PIPE`` is then an empty input.
    :param stdin: as for ``open_process``, but None unless ``input`` is given.
    :param stdout: as for ``open_process``.
    :param stderr: as for ``open_process``.
    :param check: whether a process that returns something else than 0 raises ``subprocess.CalledProcessError``.
    :param linger: seconds to go on reading after the process has ended, if other processes that it started hold its
        output open; ``inf`` to wait for them.
    :param termination: how it is ended when this is cancelled.
    :param options: as for ``open_process``, which says what else is raised.
    """
    if input is not None:
        if stdin is not None:
            raise ValueError("stdin can't be given together with input")
        if not isinstance(input, bytes | bytearray | memoryview):
            raise TypeError(f"input must be bytes, bytearray or memoryview, not {type(input).__name__}")
        stdin = subprocess.PIPE
    check_seconds("linger", linger)
    process = await open_process(command, stdin=stdin, stdout=stdout, stderr=stderr, termination=termination, **options)
    output: list[bytes] = []
    errors: list[bytes] = []
    try:
        await _exchange(process, input, output, errors, linger)
    except GeneratorExit:
        process.abandon()
        raise
    except BaseException:
        await process.stop()
        raise
    # Without a checkpoint: the process has run, so its result is returned.
    process.close_pipes()
    process.clear_away()
    completed = subprocess.CompletedProcess(
        command,
        process.returncode or 0,
        b"".join(output) if process.stdout is not None else None,
        b"".join(errors) if process.stderr is not None else None,
    )
    if check:
        completed.check_returncode()
    return completed


async def _exchange(
    process: Process,
    input: bytes | bytearray | memoryview | None,
    output: list[bytes],
    errors: list[bytes],
    linger: float,
) -> None:
    async with create_task_group() as group:
        if process.stdin is not None:
            if input:
                group.start_soon(_feed, process.stdin, input)
            else:
                process.stdin.close_now()
        if process.stdout is not None:
            group.start_soon(_collect, process.stdout, output)
        if process.stderr is not None:
            group.start_soon(_collect, process.stderr, errors)
        await process.wait()
        # All that the process wrote itself is in the pipes by now. What it started may have more to say.
        group.cancel_scope.deadline = current_time() + linger
    for stream, chunks in ((process.stdout, output), (process.stderr, errors)):
        if stream is not None:
            chunks.append(stream.take_rest())


async def _feed(stream: PipeSendStream, data: bytes | bytearray | memoryview) -> None:
    with suppress(BrokenResourceError):
        await stream.send(data)
    stream.close_now()


async def _collect(stream: PipeReceiveStream, chunks: list[bytes]) -> None:
    async for chunk in stream:
        chunks.append(chunk)  # noqa: PERF401 - one by one, so that they are there if this is cancelled
