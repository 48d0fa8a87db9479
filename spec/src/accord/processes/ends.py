"""Noticing that a child process has ended.

Linux has descriptors for processes, which become readable when the process ends and stay meaningful when its number is
given to another. Each wait opens one of its own, so that any number of tasks wait without knowing of each other. Where
there are none, a thread waits in the system, and leaves the process to be reaped by the loop: a thread that reaped it
could let a signal, sent at that moment, hit a stranger that got the number. Where there is not even that, the process
is asked again and again.

None of this needs the main thread, a handler of ``SIGCHLD``, or anything of the event loop's own for children.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress

from .._backends import current_backend
from .._time import sleep
from ..exceptions import RunFinishedError
from ..net.resources import create_poller
from ..protocols import LoopToken
from ..protocols.parking import AnyParker

_LONGEST_PAUSE = 0.05


async def wait_for_end(pid: int, ended: Callable[[], bool]) -> None:
    """Wait until a child process has ended, without reaping it; a checkpoint.

    :param pid: of a child that was not reaped before this is called.
    :param ended: whether it has.
    """
    try:
        fd = os.pidfd_open(pid)
    except (AttributeError, OSError):  # no such call, forbidden, no descriptor to be had
        await _wait_without_descriptor(pid, ended)
        return

    def attempt() -> None:
        if not ended():
            raise BlockingIOError

    await _wait_readable(fd, attempt)


async def _wait_readable(fd: int, attempt: Callable[[], object]) -> None:
    """Wait until ``attempt`` succeeds, with a descriptor that is closed then."""
    try:
        poller = create_poller(fd)
        try:
            await poller.readable(attempt)
        finally:
            poller.close()
    finally:
        os.close(fd)


async def _wait_without_descriptor(pid: int, ended: Callable[[], bool]) -> None:
    if hasattr(os, "waitid"):

        def wait() -> None:
            with suppress(ChildProcessError):  # reaped meanwhile, so it has ended
                os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

        await _wait_in_thread(wait)
        return
    pause = 0.001
    while True:
        await sleep(pause)
        if ended():
            return
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _wait_in_thread(wait: Callable[[], object]) -> None:
    """Wait until ``wait``, called in a thread, has returned.

    Its end is seen at a pipe, if there is one to be had, so that simulated time goes on at the real rate meanwhile.
    """
    try:
        reader, writer = os.pipe()
    except OSError:
        await _in_thread(wait).park()
        return

    writers = [writer]

    def tell() -> None:
        # Whoever comes first closes it: the thread, or who does not wait any more.
        with suppress(IndexError):
            os.close(writers.pop())

    def wait_and_tell() -> None:
        wait()
        tell()

    try:
        os.set_blocking(reader, False)
        threading.Thread(target=wait_and_tell, name="accord waits for a process", daemon=True).start()
    except BaseException:
        os.close(reader)
        tell()
        raise
    try:
        await _wait_readable(reader, lambda: os.read(reader, 1))
    finally:
        tell()


async def reap(popen: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was killed, and reap it; puts off every cancellation, the host loop's own too.

    In a thread, since that is the one wait which the waist can shield from a cancellation of the host loop.
    """
    if popen.poll() is None:
        await _in_thread(popen.wait).park_shielded()


def reap_later(popen: subprocess.Popen[bytes]) -> None:
    """Let a thread reap a process that was killed or will end by itself, where nothing can be awaited."""
    if popen.poll() is None:
        threading.Thread(target=popen.wait, name="accord reaper", daemon=True).start()


def _in_thread(wait: Callable[[], object]) -> AnyParker:
    """Call ``wait`` in a thread, which holds the clock; the parker is unparked when it has returned."""
    backend = current_backend()
    parker = backend.create_parker()
    token = backend.current_token()
    arguments = wait, token, parker
    threading.Thread(target=_watch, args=arguments, name="accord waits for a process", daemon=True).start()
    token.hold_clock()
    return parker


def _watch(wait: Callable[[], object], token: LoopToken, parker: AnyParker) -> None:
    wait()
    with suppress(RunFinishedError):
        token.call_soon(_report, token, parker)


def _report(token: LoopToken, parker: AnyParker) -> None:
    token.release_clock()
    parker.unpark(None)
