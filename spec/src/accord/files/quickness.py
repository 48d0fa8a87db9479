"""Whether closing or reading a file can take long, for otherwise it needs no thread.

Closing writes what is buffered; a network file system talks to its server; and if the file was deleted meanwhile, its
blocks are freed. None of that can happen to a small regular file that was opened for reading only on a file system of
this machine: closing it is a table entry less. With a hop it would be a third of the time of reading such a file.

Reading waits for the disk, unless the file is in the system's memory, as most small files are that somebody reads.
Linux says so: a read with ``RWF_NOWAIT`` gives what is there and starts the disk for the rest. So the whole file is
read once for the answer, which takes a microsecond or two, and then by its file object, which can't wait for anything.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

SMALL = 1 << 20
"""Bytes: freeing the blocks of a file of this size takes less than a hop."""

AT_ONCE = 65536
"""Bytes: copying and decoding a file of this size takes no longer than a hop."""

_scratch = bytearray(AT_ONCE)

_LOCAL = frozenset({"btrfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "squashfs", "tmpfs", "xfs", "zfs"})

_devices: dict[int, bool] = {}


def closes_at_once(fp: Any, mode: str) -> bool:
    """Whether closing a file that was opened in this mode is a matter of microseconds; may wait for the disk itself."""
    if "r" not in mode or "+" in mode:
        return False
    try:
        found = os.fstat(fp.fileno())
    except (OSError, AttributeError):
        return False
    return stat.S_ISREG(found.st_mode) and 0 < found.st_size <= SMALL and _is_local(found.st_dev)


def is_in_memory(fp: Any) -> bool:
    """Whether reading a file that closes at once needs no disk, as far as it is read and however."""
    if sys.platform != "linux":
        return False
    try:
        fd = fp.fileno()
        size = os.fstat(fd).st_size
        return size <= AT_ONCE and os.preadv(fd, [_scratch], 0, os.RWF_NOWAIT) == size
    except (OSError, ValueError):  # not known, not in memory, closed
        return False


def _is_local(device: int) -> bool:
    known = _devices.get(device)
    if known is None:
        known = _devices[device] = _file_system(device) in _LOCAL
    return known


def _file_system(device: int) -> str:
    """Return the type of the file system, as Linux says it; empty elsewhere."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        if before.split(" ", 3)[2] == wanted:
            return after.partition(" ")[0]
    return ""
