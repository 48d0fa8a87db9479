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

        await _in_thread(wait).park()
        return
    pause = 0.001
    while True:
        await sleep(pause)
        if ended():
            return
        pause = min(2 * pause, _LONGEST_PAUSE)


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
    """Call ``wait`` in a thread; the parker is unparked when it has returned."""
    backend = current_backend()
    parker = backend.create_parker()
    arguments = wait, backend.current_token(), parker
    threading.Thread(target=_watch, args=arguments, name="accord waits for a process", daemon=True).start()
    return parker


def _watch(wait: Callable[[], object], token: LoopToken, parker: AnyParker) -> None:
    wait()
    with suppress(RunFinishedError):
        token.call_soon(parker.unpark, None)
