"""Whether a block of code leaves anything behind: tasks, threads, file descriptors (area HELP).

What there is before the block and after it is compared. A number of a descriptor is given out again as soon as it is
closed, so descriptors are told apart by what they stand for too.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from .._backends import running_backend
from ..debug.task_tree import describe_task, describe_wait, stack_of
from ..protocols import TaskInfo

GRACE = 0.5
"""Seconds that threads are given to end, if any is left."""
_INTERVAL = 0.01

_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFDIR: "directory", stat.S_IFREG: "file"}


class LeakError(AssertionError):
    """A block has left something behind."""

    def __init__(self, tasks: Collection[str], threads: Collection[str], descriptors: Collection[str]) -> None:
        self.tasks = tuple(tasks)
        """The tasks that still run: name, and what each waits for."""
        self.threads = tuple(threads)
        """The names of the threads that still run."""
        self.descriptors = tuple(descriptors)
        """The file descriptors that are still open: number and what each stands for."""
        found = [
            f"{len(items)} {kind}{'s' if len(items) > 1 else ''} left behind:\n" + "\n".join(f"  {i}" for i in items)
            for kind, items in (("task", tasks), ("thread", threads), ("file descriptor", descriptors))
            if items
        ]
        super().__init__("\n".join(found))


def check_leaks(
    *, tasks: bool = True, threads: bool = True, descriptors: bool = True
) -> AbstractContextManager[None, None]:
    """Return a block that raises ``LeakError`` at its end if it has left tasks, threads or descriptors behind.

    :param tasks: whether to look for tasks; only if a loop runs around the block.
    :param threads: whether to look for threads. Idle worker threads of accord don't count. Others are given half a
        second to end, for which the block waits without yielding.
    :param descriptors: whether to look for file descriptors.

    An error of the block is passed on, with a note of what was left behind. The garbage collector is not run before:
    what only it would close is a leak. To be used inside of a run or around one; no checkpoint (HELP-6 to HELP-8).
    """
    return _Block(tasks, threads, descriptors)


class _Block(AbstractContextManager[None, None]):
    def __init__(self, tasks: bool, threads: bool, descriptors: bool) -> None:
        self._wanted = tasks, threads, descriptors

    def __enter__(self) -> None:
        tasks, threads, descriptors = self._wanted
        self._tasks = set(_tasks()) if tasks else set[TaskInfo]()
        self._threads = set(threading.enumerate()) if threads else set[threading.Thread]()
        self._descriptors: Mapping[int, object] = _descriptors() if descriptors else {}

    def _find(self) -> LeakError | None:
        tasks, threads, descriptors = self._wanted
        stack = stack_of(sys._getframe())
        left_tasks = [task for task in _tasks() if task not in self._tasks] if tasks else []
        left_descriptors: list[str] = []
        if descriptors:
            before = self._descriptors
            left_descriptors = [
                f"{fd}: {describe(fd)}" for fd, what in _descriptors().items() if before.get(fd) != what
            ]
        left_threads = self._left_threads() if threads else []
        if not (left_tasks or left_threads or left_descriptors):
            return None
        lines = [
            "; ".join([describe_task(task), *describe_wait(getattr(task, "coro", None), stack)]) for task in left_tasks
        ]
        return LeakError(lines, [thread.name for thread in left_threads], left_descriptors)

    def _left_threads(self) -> list[threading.Thread]:
        gives_up_at = time.monotonic() + GRACE
        while left := [thread for thread in threading.enumerate() if thread not in self._threads and _works(thread)]:
            if time.monotonic() > gives_up_at:
                break
            time.sleep(_INTERVAL)
        return left

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        error = self._find()
        if error is None:
            return
        if exc is None:
            raise error
        exc.add_note(f"it also leaked:\n{error}")


def _tasks() -> list[TaskInfo]:
    backend = running_backend()
    return [] if backend is None else [task for task in backend.running_tasks() if not task.finished]


def _works(thread: threading.Thread) -> bool:
    """Whether a thread is anything else than an idle worker of accord's."""
    workers: Any = sys.modules.get("accord._workers")
    return workers is None or not workers.pool.is_idle(thread)


def _descriptors() -> dict[int, object]:
    """The open descriptors, each with the device and the inode that it stands for."""
    folder = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    found: dict[int, object] = {}
    for name in os.listdir(folder):  # noqa: PTH208 - a name each, of which one is gone at the end
        try:
            status = os.fstat(int(name))
        except OSError:
            continue  # that of the folder itself
        found[int(name)] = status.st_dev, status.st_ino
    return found


def describe(fd: int) -> str:
    """Return what a descriptor stands for: the addresses of a socket, the name of a file, or its kind."""
    try:
        kind = _KINDS.get(stat.S_IFMT(os.fstat(fd).st_mode), "descriptor")
        target = str(Path(f"/proc/self/fd/{fd}").readlink())
    except OSError:
        return "descriptor"
    if kind != "socket":
        return f"{kind} {target}"
    try:
        sock = socket.socket(fileno=fd)
    except OSError:
        return f"{kind} {target}"
    with suppress(OSError):
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        target = f"{'listening ' if listens else ''}{sock.family.name} {sock.getsockname() or '(no name)'}"
    with suppress(OSError):
        target += f" connected to {sock.getpeername() or 'a peer without a name'}"
    sock.detach()
    return f"{kind} {target}"
