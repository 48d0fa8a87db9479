"""run_process: output, input, what lingers, and cancellation."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import accord
from accord_conformance.attempts import blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule
from accord_conformance.suite.networking.pairs import pattern

from .children import FOR_EVER, STUBBORN, children, is_running, nothing_left, python


@rule("PROC-16")
async def test_result() -> None:
    """The result has the command, the return code and both outputs."""
    command = "echo out; echo error >&2"
    result = await accord.run_process(command)
    assert isinstance(result, subprocess.CompletedProcess)
    assert (result.args, result.returncode, result.stdout, result.stderr) == (command, 0, b"out\n", b"error\n")
    result = await accord.run_process(["true"])
    assert (result.args, result.stdout, result.stderr) == (["true"], b"", b"")


@rule("PROC-16")
async def test_outputs_that_are_no_pipes() -> None:
    """What is no pipe is None in the result; STDOUT joins both."""
    result: Any = await accord.run_process("echo x", stdout=subprocess.DEVNULL, stderr=None)
    assert (result.stdout, result.stderr) == (None, None)
    result = await accord.run_process("echo out; echo error >&2", stderr=subprocess.STDOUT)
    assert (result.stdout, result.stderr) == (b"out\nerror\n", None)


@rule("PROC-16")
async def test_check() -> None:
    """A return code other than 0 raises CalledProcessError with the outputs, unless check is false."""
    command = "echo out; echo error >&2; exit 3"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        await accord.run_process(command)
    error = caught.value
    assert (error.cmd, error.returncode, error.stdout, error.stderr) == (command, 3, b"out\n", b"error\n")
    assert error.__context__ is None
    result = await accord.run_process("kill -9 $$", check=False)
    assert result.returncode == -signal.SIGKILL


@rule("PROC-16")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_much_in_both_directions(kind: Any) -> None:
    """A process is fed, and its outputs are read, at the same time, however much it is."""
    data = pattern(2_000_000)
    result = await accord.run_process("tee /dev/stderr", input=kind(data))
    assert result.stdout == data
    assert result.stderr == data


@rule("PROC-16")
async def test_empty_input() -> None:
    """An input of nothing, and stdin=PIPE alone, are an input that ends at once."""
    with accord.fail_after(PATIENCE):
        assert (await accord.run_process(["cat"], input=b"")).stdout == b""
        assert (await accord.run_process(["cat"], stdin=subprocess.PIPE)).stdout == b""


@rule("PROC-16", "CKPT-6")
async def test_wrong_arguments() -> None:
    """Wrong arguments are refused by name, also in a cancelled scope, and nothing is started."""
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"input": "text"}, TypeError, "input"),
        ({"input": b"x", "stdin": subprocess.DEVNULL}, ValueError, "stdin"),
        ({"linger": -1}, ValueError, "linger"),
        ({"linger": math.nan}, ValueError, "linger"),
        ({"linger": "1"}, TypeError, "linger"),
        ({"stdout": "x"}, TypeError, "stdout"),
    ]
    before = children()
    for keywords, error, match in wrong:
        with pytest.raises(error, match=match), accord.CancelScope() as scope:
            scope.cancel()
            await accord.run_process("true", **keywords)
    assert children() == before


@rule("PROC-16", "PROC-11")
async def test_what_the_system_refuses() -> None:
    """What the system refuses is raised as it is."""
    with nothing_left(), pytest.raises(FileNotFoundError):
        await accord.run_process(["/no/such/program"])


@rule("PROC-17")
@pytest.mark.parametrize("command", ["exit 0", "exec <&-; sleep 0.1", "head -c 10 > /dev/null"])
async def test_process_that_does_not_read(command: str) -> None:
    """A process that doesn't read its input is no error, whether it closes it, ends or takes a part."""
    for size in (10, 1_000_000):
        result = await accord.run_process(command, input=bytes(size))
        assert result.returncode == 0


@rule("PROC-18")
@pytest.mark.parametrize("holds", ["sleep 60 & echo $!", "sleep 60 2>&1 >/dev/null & echo $!"])
async def test_daemon_that_holds_the_output(holds: str) -> None:
    """A daemon that inherited an output doesn't keep run_process; what the process wrote itself is there."""
    start = time.monotonic()
    result = await accord.run_process(f"yes | head -c 60000; {holds}", linger=0.2)
    assert 0.15 < time.monotonic() - start < PATIENCE
    assert result.stdout.startswith(b"y\n" * 30000)
    daemon = int(result.stdout[60000:])
    assert is_running(daemon)
    os.kill(daemon, signal.SIGKILL)


@rule("PROC-18")
async def test_daemon_that_holds_the_input() -> None:
    """Somebody else who holds the input open and doesn't read doesn't keep run_process either."""
    start = time.monotonic()
    result = await accord.run_process("sleep 60 <&0 >/dev/null 2>&1 & echo $!", input=bytes(1_000_000), linger=0.1)
    assert time.monotonic() - start < PATIENCE
    os.kill(int(result.stdout), signal.SIGKILL)


@rule("PROC-18")
@pytest.mark.parametrize("linger", [PATIENCE, math.inf])
async def test_output_that_comes_later(linger: float) -> None:
    """What comes within the time is there, and the end of the output ends the waiting."""
    start = time.monotonic()
    result = await accord.run_process("(sleep 0.2; echo late) & echo soon", linger=linger)
    assert result.stdout == b"soon\nlate\n"
    assert time.monotonic() - start < PATIENCE / 2


@rule("PROC-18")
async def test_lingering_begins_with_the_end() -> None:
    """A process that takes longer than linger is waited for."""
    for linger in (0, 0.1):
        result = await accord.run_process("sleep 0.3; echo x; sleep 1 &", linger=linger)
        assert result.stdout == b"x\n"


@rule("PROC-18")
async def test_output_without_lingering() -> None:
    """Also without any time for lingering, all that the process wrote itself is there."""
    for _ in range(30):
        result = await accord.run_process("sleep 0.5 & echo x; echo y >&2", linger=0)
        assert (result.stdout, result.stderr) == (b"x\n", b"y\n")


@rule("PROC-19", "PROC-11")
async def test_cancelled_start() -> None:
    """In a cancelled scope nothing is started."""
    with nothing_left():
        assert await is_cancelled_by(lambda: accord.run_process(FOR_EVER))


@rule("PROC-19", "PROC-11")
@pytest.mark.parametrize(
    "command", ["trap 'echo bye > {}; exit 1' TERM; cat; for _ in $(seq 1500); do sleep 0.02; done"]
)
@pytest.mark.parametrize("data", [b"x", bytes(1_000_000)])
async def test_cancelled_process_is_asked(command: str, data: bytes, tmp_path: Path) -> None:
    """A cancelled run_process gives the process time to clean up, and has reaped it when it raises."""
    file = tmp_path / "bye"
    policy = accord.TerminationPolicy(grace=PATIENCE)
    with nothing_left():
        with accord.move_on_after(0.3) as scope:
            await accord.run_process(command.format(file), input=data, termination=policy)
        assert scope.cancelled_caught
        assert file.exists()


@rule("PROC-19", "PROC-11")
async def test_cancelled_stubborn_process_is_killed() -> None:
    """A cancelled run_process kills a process that ignores the signal."""
    policy = accord.TerminationPolicy(grace=0.1)
    with nothing_left():
        start = time.monotonic()
        with accord.move_on_after(0.2) as scope:
            await accord.run_process(STUBBORN, termination=policy)
        assert scope.cancelled_caught
        assert time.monotonic() - start < PATIENCE


@rule("PROC-19", "PROC-18")
async def test_cancelled_while_it_lingers() -> None:
    """A run_process that only lingers can be cancelled."""
    async with accord.create_task_group() as group:
        start = time.monotonic()
        attempt = await blocked(group, lambda: accord.run_process("sleep 5 & sleep 0.1", linger=PATIENCE))
        await accord.sleep(0.3)
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "cancelled"
        assert time.monotonic() - start < PATIENCE / 2


@rule("PROC-16")
async def test_many_at_once() -> None:
    """Many processes run at once, and each one's output is its own."""

    async def one(number: int) -> None:
        result = await accord.run_process(python(f"print({number})"))
        assert int(result.stdout) == number

    async with accord.create_task_group() as group:
        for number in range(10):
            group.start_soon(one, number)
