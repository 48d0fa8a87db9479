"""Mutants of processes: how they are started, waited for and signalled, and their pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from typing import Any

from accord import BrokenResourceError, ClosedResourceError, Process, sleep
from accord.lowlevel import checkpoint, checkpoint_if_cancelled
from accord.processes import ends, options, pipes, process, running

from .making import Broken, around, mutant, replace
from .waiting import replace_everywhere

Subject: Any = Process
Receive: Any = pipes.PipeReceiveStream
Send: Any = pipes.PipeSendStream
End: Any = pipes._PipeEnd
starting: Any = process
runs: Any = running
wants: Any = options
open_process: Any = process.open_process


def starts_are(wrapper: Callable[..., Any]) -> None:
    """Replace ``open_process``; ``wrapper`` gets the original first."""

    async def wrapped(*args: Any, **keywords: Any) -> Any:
        return await wrapper(open_process, *args, **keywords)

    replace_everywhere(open_process, wrapped)


def popen_differs(change: Callable[[dict[str, Any]], object]) -> None:
    """Let ``change`` alter the keywords with which processes are made."""

    def prepare(original: Any, *args: Any) -> Any:
        start = original(*args)
        keywords = dict(start.keywords)
        change(keywords)
        return lambda: start.func(*start.args, **keywords)

    around(starting, "prepare", prepare)


@mutant("PROC-1")
def start_is_checked_afterwards(_: Broken) -> None:
    """open_process checks for cancellation when the process runs already, and forgets it."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        started = starting.adopt(starting.prepare(*_all(args, keywords))(), starting.PATIENT)
        await checkpoint()
        return started

    starts_are(start)


def _all(args: Any, keywords: dict[str, Any]) -> tuple[Any, ...]:
    pipe = subprocess.PIPE
    names = ("stdin", "stdout", "stderr")
    rest = {name: value for name, value in keywords.items() if name not in (*names, "termination")}
    policy = keywords.get("termination", starting.PATIENT)
    return (*args, *(keywords.get(name, pipe) for name in names), policy, rest)


@mutant("PROC-1")
def start_does_not_yield(_: Broken) -> None:
    """open_process only checks."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        await checkpoint_if_cancelled()
        policy = keywords.get("termination", starting.PATIENT)
        return starting.adopt(starting.prepare(*_all(args, keywords))(), policy)

    starts_are(start)


@mutant("PROC-2")
def paths_go_through_the_shell(_: Broken) -> None:
    """A path object is a line for the shell, as in AnyIO."""

    def check(original: Any, command: Any) -> Any:
        return original(str(command) if hasattr(command, "__fspath__") else command)

    around(starting, "check_command", check)


@mutant("PROC-2")
def empty_command_is_left_to_the_system(_: Broken) -> None:
    """An empty sequence fails somewhere inside."""

    def check(original: Any, command: Any) -> Any:
        return (command, False) if command in ([], ()) else original(command)

    around(starting, "check_command", check)


@mutant("PROC-3")
def umask_is_dropped(_: Broken) -> None:
    """One of the options is not passed on."""
    popen_differs(lambda keywords: keywords.pop("umask", None))


@mutant("PROC-3")
def options_about_text_are_passed_on(_: Broken) -> None:
    """Options that streams can't have are passed on."""

    def check(_options: Any) -> None:
        pass

    replace(starting, check_options=check)


@mutant("PROC-4")
def wait_waits_for_the_output(_: Broken) -> None:
    """wait() returns when the output has ended, as waiting for asyncio's transports did."""

    async def wait(original: Any, subject: Any) -> Any:
        if subject._stdout is not None and subject.returncode is None:
            fd = subject._stdout._fd
            while subject._policy is not None and os.get_blocking(fd) is False and not _at_end(fd):
                await sleep(0.01)
        return await original(subject)

    around(Subject, "wait", wait)


def _at_end(fd: int) -> bool:
    import select

    poll = select.poll()
    poll.register(fd, 0)
    return bool(poll.poll(0))


@mutant("PROC-4")
def one_task_waits(_: Broken) -> None:
    """A second wait() is refused."""
    waiting: set[int] = set()

    async def wait(original: Any, subject: Any) -> Any:
        if subject.pid in waiting:
            raise ClosedResourceError("somebody waits")
        waiting.add(subject.pid)
        try:
            return await original(subject)
        finally:
            waiting.discard(subject.pid)

    around(Subject, "wait", wait)


@mutant("PROC-4")
def wait_for_an_ended_process_is_no_checkpoint(_: Broken) -> None:
    """wait() returns at once when the process has ended, whatever was cancelled."""

    async def wait(original: Any, subject: Any) -> Any:
        return subject._returncode if subject._returncode is not None else await original(subject)

    around(Subject, "wait", wait)


@mutant("PROC-5")
def return_code_is_stale(_: Broken) -> None:
    """Returncode changes only when somebody has waited."""
    fresh = Subject.returncode.fget

    async def wait(original: Any, subject: Any) -> Any:
        replace(Subject, returncode=property(fresh))
        try:
            return await original(subject)
        finally:
            replace(Subject, returncode=stale)

    stale = property(lambda subject: subject._returncode)
    around(Subject, "wait", wait)
    replace(Subject, returncode=stale)


@mutant("PROC-5")
def signals_are_positive(_: Broken) -> None:
    """The return code of a process that was killed is 128 and the signal, as in the shell."""
    fresh = Subject.returncode.fget

    def code(subject: Any) -> Any:
        found = fresh(subject)
        return found if found is None or found >= 0 else 128 - found

    replace(Subject, returncode=property(code))


@mutant("PROC-6")
def signals_to_an_ended_process_are_errors(_: Broken) -> None:
    """A signal to a process that has ended raises ProcessLookupError."""

    def send(original: Any, subject: Any, number: Any) -> None:
        original(subject, number)
        if subject.returncode is not None:
            raise ProcessLookupError

    around(Subject, "send_signal", send)


@mutant("PROC-6")
def signals_go_to_the_number(_: Broken) -> None:
    """A signal is sent to the number, whoever has it."""

    def send(subject: Any, number: Any) -> None:
        starting._check_signal(number)
        try:
            os.kill(subject.pid, number)
        except ProcessLookupError:
            pass

    replace(Subject, send_signal=send)


@mutant("PROC-7")
def second_reader_of_a_pipe_is_let_in(_: Broken) -> None:
    """Two tasks can read from one pipe."""

    async def receive(original: Any, stream: Any, *size: Any) -> Any:
        stream._receiving = False
        while True:
            data = stream.take_rest()
            if data:
                return data
            if _at_end(stream._fd) or stream._closed:
                return await original(stream, *size)
            await sleep(0.001)

    around(Receive, "receive", receive)


@mutant("PROC-7")
def output_ends_with_the_process(_: Broken) -> None:
    """What the process wrote is dropped at its end."""

    async def wait(original: Any, subject: Any) -> Any:
        code = await original(subject)
        if subject._stdout is not None:
            subject._stdout._at_end = True
        return code

    around(Subject, "wait", wait)


@mutant("PROC-8")
def broken_input_is_silent(_: Broken) -> None:
    """send() to a process that can't read any more seems to succeed, as on uvloop."""

    async def send(original: Any, stream: Any, item: Any) -> None:
        try:
            await original(stream, item)
        except BrokenResourceError:
            pass

    around(Send, "send", send)


@mutant("PROC-8")
def broken_input_is_the_systems_error(_: Broken) -> None:
    """send() to a process that can't read any more raises BrokenPipeError."""

    def failed(stream: Any, error: OSError) -> OSError:
        return error

    replace(End, _failed=failed)


@mutant("PROC-9")
def closed_pipes_stay_open(_: Broken) -> None:
    """aclose() of a pipe keeps the descriptor, as on asyncio."""
    kept: list[int] = []

    def close(original: Any, stream: Any) -> None:
        if not stream._closed:
            kept.append(os.dup(stream._fd))
        original(stream)

    around(End, "close_now", close)


@mutant("PROC-10")
def ends_are_told_by_sigchld(_: Broken) -> None:
    """The end of a process is noticed in a handler of SIGCHLD, which only the main thread can have."""

    async def wait(pid: int, ended: Callable[[], bool]) -> None:
        ends_now = threading.Event()

        def note(_signal: int, _frame: object) -> None:
            ends_now.set()

        before = signal.signal(signal.SIGCHLD, note)
        try:
            while not ended():
                await sleep(0.005)
        finally:
            signal.signal(signal.SIGCHLD, before)

    replace_everywhere(ends.wait_for_end, wait)


@mutant("PROC-10")
def descriptors_of_processes_are_taken_for_granted(_: Broken) -> None:
    """A system without descriptors for processes is an error."""
    original = ends.wait_for_end

    async def wait(pid: int, ended: Callable[[], bool]) -> None:
        os.close(os.pidfd_open(pid))
        await original(pid, ended)

    replace_everywhere(original, wait)


@mutant("PROC-11")
def killed_processes_stay_zombies(_: Broken) -> None:
    """A process that was killed is not reaped."""

    async def reap(popen: Any) -> None:
        popen.returncode = -signal.SIGKILL

    replace_everywhere(ends.reap, reap)


@mutant("PROC-11")
def cancelled_waits_keep_a_descriptor(_: Broken) -> None:
    """Where a thread waits for a process, a wait that is cancelled leaves a descriptor behind."""
    subject: Any = ends

    async def wait(original: Any, call: Any) -> None:
        fd = os.dup(0)
        await original(call)
        os.close(fd)

    around(subject, "_wait_in_thread", wait)


@mutant("PROC-11")
def waiting_leaks_a_descriptor(_: Broken) -> None:
    """Each wait leaves a descriptor behind."""

    async def wait(original: Any, subject: Any) -> Any:
        os.dup(0)
        return await original(subject)

    around(Subject, "wait", wait)
