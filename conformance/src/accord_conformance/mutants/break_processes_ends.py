"""Mutants of how processes are closed and terminated, and of run_process."""

from __future__ import annotations

import os
import signal
import subprocess
from math import inf
from typing import Any

from accord import BrokenResourceError, CancelScope, Process, TerminationPolicy
from accord.lowlevel import checkpoint
from accord.processes import process, running

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

Subject: Any = Process
starting: Any = process
runs: Any = running
run_process: Any = running.run_process


def runs_with(**changed: Any) -> None:
    """Let ``run_process`` have other arguments than were given."""

    async def run(*args: Any, **keywords: Any) -> Any:
        return await run_process(*args, **{**keywords, **changed})

    replace_everywhere(run_process, run)


@mutant("PROC-13")
def closing_leaves_the_pipes_open(_: Broken) -> None:
    """aclose() waits without closing the pipes, so that the process waits for its input."""

    def close_pipes(subject: Any) -> None:
        pass

    replace(Subject, close_pipes=close_pipes)


@mutant("PROC-13")
def closing_kills(_: Broken) -> None:
    """aclose() kills the process instead of waiting."""

    async def aclose(original: Any, subject: Any) -> None:
        subject.kill()
        await original(subject)

    around(Subject, "aclose", aclose)


@mutant("PROC-13")
def forced_closing_is_polite(_: Broken) -> None:
    """aclose() in a cancelled scope gives the whole grace."""

    async def aclose(subject: Any) -> None:
        subject.close_pipes()
        await subject._finish()

    replace(Subject, aclose=aclose)


@mutant("PROC-14")
def cancellation_kills(_: Broken) -> None:
    """A process that nobody waits for any more is killed at once, as in AnyIO."""
    replace(Subject, stop=Subject._kill)


@mutant("PROC-14")
def cancellation_only_asks(_: Broken) -> None:
    """A process that ignores the request to end is waited for."""

    async def stop(subject: Any) -> None:
        subject._send(subject._policy.signal)
        subject.close_pipes()
        with CancelScope(shield=True):
            await subject.wait()
        subject.clear_away()

    replace(Subject, stop=stop)


@mutant("PROC-14")
def failed_block_waits(_: Broken) -> None:
    """A block that is left by an exception waits until the process ends by itself."""

    async def leave(subject: Any, kind: Any, *_: Any) -> None:
        if kind is LookupError:
            subject.close_pipes()
        await (subject._finish() if kind is LookupError or kind is None else subject.stop())

    replace(Subject, __aexit__=leave)


@mutant("PROC-14")
def grace_is_cut_short(_: Broken) -> None:
    """A further cancellation from outside ends the grace."""

    async def stop(subject: Any) -> None:
        subject._send(subject._policy.signal)
        subject.close_pipes()
        try:
            await checkpoint()
            await subject.wait()
        finally:
            await subject._kill()

    replace(Subject, stop=stop)


@mutant("PROC-14")
def policys_signal_is_not_used(_: Broken) -> None:
    """Every process is asked to end by SIGTERM, whatever its policy says."""

    def send(original: Any, subject: Any, number: Any) -> None:
        original(subject, number if number == signal.SIGKILL else signal.SIGTERM)

    around(Subject, "_send", send)


@mutant("PROC-15")
def group_is_not_made(_: Broken) -> None:
    """whole_group is accepted and ignored."""

    def check(original: Any, policy: Any) -> Any:
        return original(policy)._replace(whole_group=False)

    def adopt(original: Any, popen: Any, policy: Any) -> Any:
        return original(popen, policy._replace(whole_group=False))

    around(starting, "check_policy", check)
    around(starting, "adopt", adopt)


@mutant("PROC-15")
def rest_of_the_group_is_forgotten(_: Broken) -> None:
    """What is left of the group when the leader has ended lives on."""

    def clear_away(subject: Any) -> None:
        if not subject._reaped:
            subject._reaped = True
            subject._popen.wait()

    replace(Subject, clear_away=clear_away)


@mutant("PROC-16")
def outputs_are_read_one_after_the_other(_: Broken) -> None:
    """run_process reads the error output when the output has ended."""

    async def collect(original: Any, stream: Any, chunks: Any) -> None:
        if stream is running_error.get("stream"):
            await running_error["output"].wait()
        await original(stream, chunks)

    running_error: dict[str, Any] = {}

    async def exchange(original: Any, subject: Any, *rest: Any) -> None:
        from accord import Event

        running_error.update(stream=subject.stderr, output=Event())
        done = running_error["output"]

        async def wait() -> Any:
            try:
                return await Subject.wait(subject)
            finally:
                done.set()

        await original(_Proxy(subject, wait), *rest)

    around(runs, "_collect", collect)
    around(runs, "_exchange", exchange)


class _Proxy:
    """A process whose ``wait`` is another one."""

    def __init__(self, subject: Any, wait: Any) -> None:
        self.wait = wait
        self._subject = subject

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subject, name)


@mutant("PROC-16")
def code_is_not_checked(_: Broken) -> None:
    """run_process never raises CalledProcessError."""
    runs_with(check=False)


@mutant("PROC-16")
def output_is_missing_in_the_error(_: Broken) -> None:
    """CalledProcessError has no output."""

    async def run(*args: Any, **keywords: Any) -> Any:
        try:
            return await run_process(*args, **keywords)
        except subprocess.CalledProcessError as error:
            raise subprocess.CalledProcessError(error.returncode, error.cmd) from None

    replace_everywhere(run_process, run)


@mutant("PROC-17")
def unread_input_is_an_error(_: Broken) -> None:
    """A process that does not read its input is an error."""

    async def feed(stream: Any, data: Any) -> None:
        await stream.send(data)
        stream.close_now()

    replace(runs, _feed=feed)


@mutant("PROC-17")
def unread_input_is_noticed(_: Broken) -> None:
    """A process that does not read its input fails with BrokenResourceError after its end."""

    async def run(*args: Any, **keywords: Any) -> Any:
        result = await run_process(*args, **keywords)
        if len(keywords.get("input") or b"") > 100_000 and not result.stdout:
            raise BrokenResourceError
        return result

    replace_everywhere(run_process, run)


@mutant("PROC-18")
def output_is_read_to_its_end(_: Broken) -> None:
    """run_process waits until nobody holds the output open any more."""
    runs_with(linger=inf)


@mutant("PROC-18")
def output_ends_with_the_run(_: Broken) -> None:
    """run_process doesn't wait for what comes later."""
    runs_with(linger=0)


@mutant("PROC-18")
def rest_of_the_output_is_left(_: Broken) -> None:
    """What is in the pipe when the time is over is dropped."""
    from accord.processes.pipes import PipeReceiveStream

    def take_rest(stream: Any) -> bytes:
        return b""

    replace(PipeReceiveStream, take_rest=take_rest)


@mutant("PROC-18")
def time_counts_from_the_start(_: Broken) -> None:
    """The time for lingering begins with the start of the process."""

    async def exchange(original: Any, subject: Any, data: Any, output: Any, errors: Any, linger: float) -> None:
        with CancelScope() as scope:
            from accord import current_time

            scope.deadline = current_time() + linger
            await original(subject, data, output, errors, linger)
        await subject.wait()

    around(runs, "_exchange", exchange)


@mutant("PROC-19")
def cancelled_run_lets_the_process_go_on(_: Broken) -> None:
    """A cancelled run_process leaves its process running."""

    async def stop(subject: Any) -> None:
        subject.close_pipes()

    async def run(*args: Any, **keywords: Any) -> Any:
        original, Subject.stop = Subject.stop, stop
        try:
            return await run_process(*args, **keywords)
        finally:
            Subject.stop = original

    replace_everywhere(run_process, run)


@mutant("PROC-19")
def cancelled_run_kills(_: Broken) -> None:
    """A cancelled run_process kills at once."""
    runs_with(termination=TerminationPolicy(signal=signal.SIGKILL))


@mutant("PROC-19")
def cancelled_run_is_not_reaped(_: Broken) -> None:
    """A cancelled run_process leaves a zombie."""

    async def stop(subject: Any) -> None:
        os.kill(subject.pid, signal.SIGKILL)
        subject.close_pipes()

    replace(Subject, stop=stop)
