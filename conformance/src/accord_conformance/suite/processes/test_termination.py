"""Closing processes, and ending those that nobody waits for any more."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule, settle

from .children import FOR_EVER, STUBBORN, is_running, is_there, nothing_left, stdin_of, stdout_of, until

QUICK = accord.TerminationPolicy(grace=0.2)
PATIENT = accord.TerminationPolicy(grace=PATIENCE)
POLITE = "trap 'echo bye > {}; exit 9' TERM; echo ready; for _ in $(seq 1500); do sleep 0.02; done"


@rule("PROC-13", "PROC-11")
async def test_closing_waits() -> None:
    """aclose() closes the pipes and waits for the end."""
    with nothing_left():
        process = await accord.open_process("cat; sleep 0.1; exit 4")
        await process.aclose()
        assert process.returncode == 4
        for stream in (stdin_of(process).send(b"x"), stdout_of(process).receive()):
            with pytest.raises(accord.ClosedResourceError):
                await stream
        assert not is_there(process.pid)


@rule("PROC-13")
async def test_closing_twice() -> None:
    """aclose() is idempotent, also by two tasks at once, and a checkpoint."""
    async with accord.create_task_group() as group:
        process = await accord.open_process("cat; sleep 0.1")
        both = [Attempt(group, process.aclose) for _ in range(2)]
        for attempt in both:
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
    await process.aclose()
    assert await is_cancelled_by(process.aclose)


@rule("PROC-13", "PROC-11")
async def test_closing_in_a_cancelled_scope_kills() -> None:
    """In a scope that was cancelled before, aclose() kills at once, without any grace, and raises the cancellation."""
    with nothing_left():
        process = await accord.open_process(STUBBORN, termination=PATIENT)
        await stdout_of(process).receive()
        start = time.monotonic()
        assert await is_cancelled_by(process.aclose)
        assert process.returncode == -signal.SIGKILL
        other = await accord.open_process(STUBBORN, termination=PATIENT)
        await stdout_of(other).receive()
        await accord.aclose_forcefully(other)
        assert other.returncode == -signal.SIGKILL
        assert time.monotonic() < start + PATIENCE / 2


@rule("PROC-13", "PROC-14")
async def test_leaving_the_block() -> None:
    """Leaving the block waits for the end; the block gets the process itself."""
    process = await accord.open_process("cat; exit 4")
    async with process as same:
        assert same is process
        assert process.returncode is None
    assert process.returncode == 4


@rule("PROC-14", "PROC-11")
@pytest.mark.parametrize("how", ["block", "aclose", "error"])
async def test_polite_process_is_asked(how: str, tmp_path: Path) -> None:
    """A process that is closed in vain, or whose block fails, gets SIGTERM and time to clean up."""
    file = tmp_path / "bye"
    with nothing_left():
        process = await accord.open_process(POLITE.format(file), termination=PATIENT)
        await stdout_of(process).receive()
        with accord.CancelScope() as scope:
            if how == "aclose":
                async with accord.create_task_group() as group:
                    await blocked(group, process.aclose)
                    scope.cancel()
            elif how == "block":
                async with process:
                    scope.cancel()
                    await process.wait()
            else:
                with pytest.raises(LookupError):
                    async with process:
                        raise LookupError
        assert process.returncode == 9
        assert file.read_text(encoding="utf-8") == "bye\n"
        assert not is_there(process.pid)


@rule("PROC-14", "PROC-11")
async def test_stubborn_process_is_killed() -> None:
    """A process that ignores the signal is killed when the grace is over, and not before."""
    with nothing_left():
        start = 0.0
        with accord.CancelScope() as scope:
            async with await accord.open_process(STUBBORN, termination=QUICK) as process:
                await stdout_of(process).receive()
                start = time.monotonic()
                scope.cancel()
                await process.wait()
        assert process.returncode == -signal.SIGKILL
        assert 0.15 < time.monotonic() - start < PATIENCE
        assert scope.cancelled_caught


@rule("PROC-14")
async def test_signal_of_the_policy() -> None:
    """The policy's own signal is the one that is sent, here one that no parent has had ignored."""
    with accord.CancelScope() as scope:
        policy = accord.TerminationPolicy(signal=signal.SIGUSR1, grace=PATIENCE)
        async with await accord.open_process(FOR_EVER, termination=policy) as process:
            scope.cancel()
            await process.wait()
    assert process.returncode == -signal.SIGUSR1


@rule("PROC-14")
async def test_grace_is_not_cut_short(tmp_path: Path) -> None:
    """Cancelling once more, from further outside, doesn't shorten the grace."""
    file = tmp_path / "bye"
    line = f"trap 'sleep 0.2; echo bye > {file}; exit 9' TERM; echo ready; for _ in $(seq 1500); do sleep 0.02; done"
    process = await accord.open_process(line, termination=PATIENT)
    await stdout_of(process).receive()

    async def use() -> None:
        async with process:
            await process.wait()

    async with accord.create_task_group() as group:
        attempt = await blocked(group, use)
        attempt.cancel()
        await settle()
        group.cancel()
    assert file.exists()
    assert process.returncode == 9


@rule("PROC-14")
async def test_exception_goes_on() -> None:
    """The exception that left the block comes out of it alone; one with an ended process too."""
    for command in (FOR_EVER, ["true"]):
        with pytest.raises(LookupError) as caught:
            async with await accord.open_process(command) as process:
                if command is not FOR_EVER:
                    await process.wait()
                raise LookupError("mine")
        assert caught.value.__context__ is None
        assert process.returncode is not None


GROUP = accord.TerminationPolicy(grace=PATIENCE, whole_group=True)
FAMILY = "sleep 60 & echo $!; {}"


async def family(rest: str, policy: accord.TerminationPolicy) -> tuple[accord.Process, int]:
    """Start a process that starts another one, and return it and the number of the other."""
    process = await accord.open_process(FAMILY.format(rest), termination=policy)
    return process, int(await stdout_of(process).receive())


def _has_ended(pid: int) -> bool:
    return not is_running(pid)


@rule("PROC-15")
async def test_group_is_terminated() -> None:
    """With whole_group, what the process has started is terminated with it; without, it is not."""
    for policy in (GROUP, PATIENT):
        process, other = await family("wait", policy)
        with accord.CancelScope() as scope:
            async with process:
                scope.cancel()
                await process.wait()
        if policy.whole_group:
            await until(partial(_has_ended, other))
        else:
            assert is_running(other)
            os.kill(other, signal.SIGKILL)


@rule("PROC-15")
async def test_group_is_signalled() -> None:
    """With whole_group, signals go to the whole group."""
    process, other = await family("wait", GROUP)
    async with process:
        process.send_signal(signal.SIGKILL)
        await until(lambda: not is_running(other))
        assert await process.wait() == -signal.SIGKILL


@rule("PROC-15", "PROC-11")
@pytest.mark.parametrize("rest", ["exit 3", "trap '' TERM; (trap '' TERM; sleep 60) & wait"])
async def test_rest_of_the_group_is_killed(rest: str) -> None:
    """With whole_group, what is left of the group is killed when the process is closed, whoever has ended before."""
    with nothing_left():
        process, other = await family(rest, accord.TerminationPolicy(grace=0.1, whole_group=True))
        if rest == "exit 3":
            assert await process.wait() == 3
            assert is_running(other)
            await process.aclose()
            assert process.returncode == 3
        else:
            with accord.move_on_after(0.05):
                async with process:
                    await process.wait()
            assert process.returncode == -signal.SIGKILL
        await until(lambda: not is_running(other))
        process.kill()


@rule("PROC-15")
async def test_group_that_is_made_by_options() -> None:
    """A process that leads a group by its options is signalled as a group; one that joins another is refused."""
    both: list[Any] = [{"start_new_session": True}, {"process_group": 0}]
    for options in both:
        process = await accord.open_process("sleep 60 & wait", termination=GROUP, **options)
        async with process:
            process.kill()
            assert await process.wait() == -signal.SIGKILL
    with pytest.raises(ValueError, match="process_group"):
        await accord.open_process("true", termination=GROUP, process_group=1)


@rule("PROC-15")
async def test_run_process_with_a_group() -> None:
    """run_process ends the whole group: nothing holds its output, and nothing is left running."""
    result = await accord.run_process(FAMILY.format("exit 0"), termination=GROUP, linger=0)
    assert result.stdout
    other = int(result.stdout)
    await until(lambda: not is_running(other))
