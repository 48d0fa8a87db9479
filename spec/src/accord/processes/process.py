"""Child processes: starting one, its state, its end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Self, Unpack

from .. import to_thread
from .._backends import current_backend
from .._scopes import CancelScope
from .._time import move_on_after
from .ends import reap, reap_later, wait_for_end
from .options import (
    Command,
    PopenOptions,
    Standard,
    TerminationPolicy,
    check_command,
    check_options,
    check_policy,
    check_standard,
    names_users,
)
from .pipes import PipeReceiveStream, PipeSendStream

PATIENT = TerminationPolicy()


class Process:
    """A child process (area PROC); made by ``open_process``. Belongs to the loop in which it was made.

    As a block it is waited for at the end, and terminated if the block is left by an exception (PROC-14).
    """

    __slots__ = (
        "__weakref__",
        "_backend",
        "_policy",
        "_popen",
        "_reaped",
        "_returncode",
        "_stderr",
        "_stdin",
        "_stdout",
    )

    def __init__(self, popen: subprocess.Popen[bytes], policy: TerminationPolicy) -> None:
        self._backend = current_backend()
        self._popen = popen
        self._policy = policy
        self._returncode: int | None = None
        self._reaped = False
        files: Any = popen
        self._stdin = files.stdin and PipeSendStream(files.stdin)
        self._stdout = files.stdout and PipeReceiveStream(files.stdout)
        self._stderr = files.stderr and PipeReceiveStream(files.stderr)

    @property
    def pid(self) -> int:
        """The number of the process; another process may have it once this one has ended."""
        return self._popen.pid

    @property
    def returncode(self) -> int | None:
        """What the process returned, the negative number of the signal that ended it, or None while it runs (PROC-5).

        The system is asked at that moment, as long as it was None.
        """
        if self._returncode is None:
            # A process that stands for its group is left unreaped, or its number could get another meaning before the
            # rest of the group is signalled.
            self._returncode = self._peek() if self._policy.whole_group else self._popen.poll()
        return self._returncode

    def _peek(self) -> int | None:
        if self._popen.returncode is not None:
            return self._popen.returncode
        try:
            found = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return self._popen.poll()
        if found is None:
            return None
        return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status

    @property
    def stdin(self) -> PipeSendStream | None:
        """The standard input, if it is a pipe."""
        return self._stdin

    @property
    def stdout(self) -> PipeReceiveStream | None:
        """The standard output, if it is a pipe."""
        return self._stdout

    @property
    def stderr(self) -> PipeReceiveStream | None:
        """The standard error output, if it is a pipe."""
        return self._stderr

    def send_signal(self, signal: int, /) -> None:
        """Send a signal to the process, or to its group; does nothing if it has ended (PROC-6); no checkpoint.

        :param signal: a signal of this system; ``ValueError`` otherwise.

        Raises ``PermissionError`` if the process has changed its user and may not be signalled.
        """
        _check_signal(signal)
        if self.returncode is None:
            self._send(signal)

    def _send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self._policy.whole_group:
                os.killpg(self.pid, number)
            else:
                self._popen.send_signal(number)

    def terminate(self) -> None:
        """Send ``SIGTERM``, as ``send_signal`` does."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send ``SIGKILL``, as ``send_signal`` does."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Wait until the process has ended and return its ``returncode``; a checkpoint (PROC-4).

        Whatever else holds its pipes. Any number of tasks may wait.
        """
        code = self.returncode
        if code is not None:
            if self._backend.checkpoint_due():
                await self._backend.checkpoint()
            return code
        while True:
            await wait_for_end(self.pid, lambda: self.returncode is not None)
            code = self.returncode
            if code is not None:
                return code

    def close_pipes(self) -> None:
        """Close the pipes that are still open, without waiting for anything; no checkpoint."""
        for stream in (self._stdin, self._stdout, self._stderr):
            if stream is not None:
                stream.close_now()

    async def aclose(self) -> None:
        """Close the pipes and wait until the process has ended; idempotent, a checkpoint (PROC-13, PROC-14).

        If it is cancelled while it waits, the process is terminated by its policy. In a scope that was cancelled
        before, as ``aclose_forcefully`` makes it, the process is killed at once.
        """
        self.close_pipes()
        if not self._reaped:
            try:
                await self._backend.checkpoint_if_cancelled()
            except GeneratorExit:
                self.abandon()
                raise
            except BaseException:
                await self._kill()
                raise
        await self._finish()

    async def _finish(self) -> None:
        try:
            await self.wait()
        except GeneratorExit:
            self.abandon()
            raise
        except BaseException:
            await self.stop()
            raise
        self.clear_away()

    async def stop(self) -> None:
        """Terminate the process by its policy, and reap it; puts off cancellation for the period of grace (PROC-14)."""
        try:
            if self.returncode is None:
                with suppress(PermissionError):  # then SIGKILL isn't allowed either, and says so
                    self._send(self._policy.signal)
                self.close_pipes()
                with CancelScope(shield=True), move_on_after(self._policy.grace):
                    await self.wait()
        finally:
            self.close_pipes()
            await self._kill()

    async def _kill(self) -> None:
        """Kill the process, if it hasn't ended, and what is left of its group; puts off every cancellation."""
        if self.returncode is None:
            try:
                self._send(signal.SIGKILL)
            except PermissionError:
                reap_later(self._popen)
                raise
            await reap(self._popen)
            self._returncode = self._popen.returncode
            self._reaped = True
        self.clear_away()

    def abandon(self) -> None:
        """Kill the process where nothing can be awaited, because the coroutine is being thrown away."""
        self.close_pipes()
        if self.returncode is None:
            with suppress(PermissionError):
                self._send(signal.SIGKILL)
            reap_later(self._popen)
            self._reaped = True
        self.clear_away()

    def clear_away(self) -> None:
        """Let go of all that a process that has ended still holds: what is left of its group, and its number."""
        if not self._reaped:
            self._reaped = True
            if self._policy.whole_group:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)
                self._popen.wait()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc is None:
            self.close_pipes()
            await self._finish()
        elif isinstance(exc, GeneratorExit):
            self.abandon()
        else:
            await self.stop()

    def __repr__(self) -> str:
        code = self.returncode
        return f"<Process {self.pid} {'running' if code is None else f'ended with {code}'}>"


def _check_signal(number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(f"signal must be a signal, not {type(number).__name__}")
    if number not in signal.valid_signals():
        raise ValueError(f"signal must be a signal of this system, got {number}")


async def open_process(
    command: Command,
    *,
    stdin: Standard = subprocess.PIPE,
    stdout: Standard = subprocess.PIPE,
    stderr: Standard = subprocess.PIPE,
    termination: TerminationPolicy = PATIENT,
    **options: Unpack[PopenOptions],
) -> Process:
    """Start a process and return it; a checkpoint, which yields each time (PROC-1 to PROC-3).

    :param command: a ``str`` or ``bytes`` is a line for the shell, a sequence is a program and its arguments, a path
        object is a program without arguments.
    :param stdin: ``PIPE``, ``DEVNULL``, a descriptor or a file; None for the standard input of this process.
    :param stdout: the same for the standard output.
    :param stderr: the same for the standard error output, or ``STDOUT``.
    :param termination: how it is ended when it is cancelled.
    :param options: those of ``subprocess.Popen``, except for buffering, shell and text; see ``PopenOptions``.

    Raises the ``OSError`` for what the system refuses, ``TypeError`` and ``ValueError`` for wrong arguments. Once it
    raises there is no process; a cancellation that comes after the start is left to the next checkpoint.
    """
    start = prepare(command, stdin, stdout, stderr, termination, options)
    if names_users(options):
        return adopt(await to_thread.run_sync(start), termination)
    await current_backend().checkpoint()
    # Not in a thread: Python keeps all threads from running until the child has been made and runs its program, about
    # a millisecond, so that nothing is won by it.
    return adopt(start(), termination)


def prepare(
    command: object,
    stdin: Standard,
    stdout: Standard,
    stderr: Standard,
    termination: TerminationPolicy,
    options: PopenOptions,
) -> Callable[[], subprocess.Popen[bytes]]:
    """Check the arguments and return what starts the process."""
    arguments, shell = check_command(command)
    check_standard("stdin", stdin)
    check_standard("stdout", stdout)
    check_standard("stderr", stderr)
    check_options(options)
    keywords: dict[str, Any] = dict(options)
    leads_already = keywords.get("start_new_session") or keywords.get("process_group") == 0
    if check_policy(termination).whole_group and not leads_already:
        if keywords.get("process_group") is not None:
            raise ValueError("process_group must be 0 where termination.whole_group is true")
        keywords["process_group"] = 0
    popen: Any = subprocess.Popen
    return partial(popen, arguments, 0, shell=shell, stdin=stdin, stdout=stdout, stderr=stderr, **keywords)


def adopt(popen: subprocess.Popen[bytes], termination: TerminationPolicy) -> Process:
    """Make a ``Process`` of a process that was just started, which is killed if that fails."""
    try:
        return Process(popen, termination)
    except BaseException:
        popen.kill()
        for file in (popen.stdin, popen.stdout, popen.stderr):
            if file is not None:
                file.close()
        reap_later(popen)
        raise
