"""Child processes for the tests of this area, and what is left of them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import accord
from accord.protocols import ByteReceiveStream, ByteSendStream
from accord_conformance.helpers import PATIENCE, open_descriptors

STUBBORN = "trap '' TERM; echo ready; for _ in $(seq 600); do sleep 0.05; done"
"""A line for the shell: ignores ``SIGTERM`` for half a minute, and says so first."""

FOR_EVER = ["sleep", "60"]
"""A program that doesn't end by itself as long as a test takes; a broken backend leaves it behind."""


def python(code: str) -> list[str]:
    """A command that runs Python code."""
    return [sys.executable, "-c", code]


def stdin_of(process: accord.Process) -> ByteSendStream:
    """The standard input, which is a pipe."""
    assert process.stdin is not None
    return process.stdin


def stdout_of(process: accord.Process) -> ByteReceiveStream:
    """The standard output, which is a pipe."""
    assert process.stdout is not None
    return process.stdout


async def until(condition: Callable[[], object]) -> None:
    """Wait for what processes do in their own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await accord.sleep(0.005)


def is_running(pid: int) -> bool:
    """Whether a process is there that has not ended; a zombie has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        if Path("/proc/self/stat").exists():
            return False
        return is_there(pid)
    return state != "Z"


def is_there(pid: int) -> bool:
    """Whether the system knows the number, be it of a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children() -> set[int]:
    """The numbers of this process's children, zombies included, as far as the system tells."""
    while True:
        found: set[int] = set()
        try:
            for file in Path("/proc/self/task").glob("*/children"):
                found.update(map(int, file.read_text(encoding="utf-8").split()))
        except (FileNotFoundError, ProcessLookupError):
            continue  # a thread has ended meanwhile, and another one has got its children
        return found


@contextmanager
def nothing_left() -> Generator[None, Any, None]:
    """Assert that the block leaves no child and no descriptor that was not there before."""
    before = children(), open_descriptors()
    yield
    assert children() - before[0] == set(), "a process is left"
    assert open_descriptors() <= before[1], "a descriptor is left"
