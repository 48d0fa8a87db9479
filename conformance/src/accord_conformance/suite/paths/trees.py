"""Directories to try things in, and what can be seen of them: calls, tokens, and directories that are open."""

from __future__ import annotations

import os
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import accord
from accord_conformance.helpers import PATIENCE


class CountingLimiter(accord.CapacityLimiter):
    """A limiter that counts how often a token was taken."""

    taken = 0

    def acquire_on_behalf_of_nowait(self, borrower: object) -> None:
        """Take a token and count it."""
        super().acquire_on_behalf_of_nowait(borrower)
        self.taken += 1


def grow(root: pathlib.Path) -> pathlib.Path:
    """Make a small tree with everything in it: files, directories, links that lead somewhere and links that do not."""
    (root / "b" / "deep" / "er").mkdir(parents=True)
    (root / "a").mkdir()
    (root / "empty").mkdir()
    (root / "file").write_bytes(b"one\r\ntwo\xc3\xa4\n")
    for name in ("a/x.py", "a/y.txt", "b/z.py", "b/deep/w.py", "b/deep/er/v.py", "b/.hidden"):
        (root / name).write_text(name)
    (root / "link").symlink_to("file")
    (root / "link to a").symlink_to("a")
    (root / "dangling").symlink_to("nothing")
    return root


def bush(root: pathlib.Path, width: int) -> pathlib.Path:
    """Make a directory with this many files, and half as many directories with a file each."""
    for number in range(width):
        (root / f"file{number}").touch()
    for number in range(width // 2):
        directory = root / f"directory{number}"
        directory.mkdir()
        (directory / "leaf").touch()
    return root


def snapshot(root: pathlib.Path) -> dict[str, tuple[int, object]]:
    """What is in a tree: mode and contents of everything, by relative path."""
    seen: dict[str, tuple[int, object]] = {}
    for directory, directories, files in os.walk(root):
        for name in directories + files:
            path = pathlib.Path(directory, name)
            mode = path.lstat().st_mode
            content: object = None
            if path.is_symlink():
                content = str(path.readlink()).replace(str(root), "ROOT")
            elif path.is_file():
                content = path.read_bytes()
            seen[path.relative_to(root).as_posix()] = mode, content
    return seen


async def until(condition: Callable[[], object]) -> None:
    """Wait for what threads do in their own time."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        await accord.sleep(0.005)


class Directories:
    """``os.scandir`` under observation: it can be held up and made to fail, and tells what is open."""

    def __init__(self, monkeypatch: Any) -> None:
        self.open = 0
        """How many are open."""
        self.calls: list[str] = []
        """The directories that were opened."""
        self.read = 0
        """How many entries were read."""
        self.threads: set[int] = set()
        """The threads in which that was done."""
        self.fail_at: int | None = None
        """After how many entries of a directory reading fails."""
        self.refused: set[str] = set()
        """The last parts of directories that can't be opened."""
        self.gate: threading.Event | None = None
        """What reading waits for, if anything."""
        self._scandir = os.scandir
        monkeypatch.setattr(os, "scandir", self._open)

    def _open(self, path: Any = ".") -> Any:
        name = str(path)
        self.calls.append(name)
        if name.rpartition(os.sep)[2] in self.refused:
            raise PermissionError(13, "Permission denied", name)
        return _Directory(self, self._scandir(path))


class _Directory:
    """An open directory."""

    def __init__(self, watched: Directories, entries: Any) -> None:
        self._watched = watched
        self._entries: Any = entries
        self._count = 0
        watched.open += 1

    def __enter__(self) -> _Directory:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        watched = self._watched
        watched.threads.add(threading.get_ident())
        if watched.gate is not None and not watched.gate.wait(PATIENCE):
            raise TimeoutError("the gate was not opened")
        if self._count == watched.fail_at:
            raise OSError(5, "Input/output error")
        entry = next(self._entries)
        self._count += 1
        watched.read += 1
        return entry

    def close(self) -> None:
        """Close it, once."""
        if self._entries is not None:
            self._entries.close()
            self._entries = None
            self._watched.open -= 1
