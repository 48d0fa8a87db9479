"""Functions for worker processes and interpreters, which can be imported there; nothing here imports accord."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from typing import Any


class PlainError(Exception):
    """An exception that can be sent."""


class OwnArgumentsError(Exception):
    """An exception that can be pickled, and not be made again."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


_marks: list[object] = []


def where(*args: object) -> tuple[int, int, tuple[object, ...]]:
    """Return process, thread and arguments."""
    return os.getpid(), threading.get_ident(), args


def mark(value: object = None) -> object:
    """Keep a value in the worker, and return the one before."""
    before = _marks[-1] if _marks else None
    _marks.append(value)
    return before


def fail(kind: type[BaseException], *args: Any) -> None:
    """Raise an exception."""
    raise kind(*args)


def fail_with_a_lock() -> None:
    """Raise an exception that can't be pickled."""
    raise PlainError(threading.Lock())


def give(what: str) -> object:
    """Return something that can't be sent."""
    return threading.Lock() if what == "lock" else lambda: None


def end(how: str) -> None:
    """End the worker."""
    match how:
        case "exit":
            os._exit(7)
        case "signal":
            os.kill(os.getpid(), signal.SIGSEGV)
        case _:  # leaves a process behind that was forked and holds whatever it inherited
            if os.fork():
                os._exit(7)
            time.sleep(3)
            os._exit(0)


def meet(folder: str, name: str, others: int) -> int:
    """Wait until so many others have come into the folder."""
    (Path(folder) / name).touch()
    stop = time.monotonic() + 10
    while len(list(Path(folder).iterdir())) <= others:
        assert time.monotonic() < stop, "nobody came"
        time.sleep(0.005)
    return os.getpid()


def tell_and_sleep(file: str, seconds: float) -> str:
    """Write the number of the process to a file, sleep, and return a value."""
    path = Path(file)
    path.with_suffix(".new").write_text(str(os.getpid()), encoding="utf-8")
    path.with_suffix(".new").rename(path)
    time.sleep(seconds)
    return "slept"


def play_with_standard_streams(how: str) -> str:
    """Print, read, and close the standard streams, in Python or in the system."""
    match how:
        case "print":
            print("printed")  # noqa: T201
            print("an error", file=sys.stderr)  # noqa: T201
        case "raw":
            os.write(1, b"printed\n")
            os.write(2, b"an error\n")
        case "child":
            subprocess.run("echo printed; echo an error >&2", shell=True, check=True)
        case "read":
            return repr(sys.stdin.read())
        case "close":
            for file in (sys.stdin, sys.stdout, sys.stderr):
                file.close()
        case _:
            for fd in range(3):
                os.close(fd)
    return how


def interrupt() -> str:
    """Send SIGINT to the worker, as Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.05)
    return "went on"


def sigint_of_a_child() -> bool:
    """Whether a program that is started here ignores SIGINT."""
    code = "import signal; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout == "True\n"


def interpreter() -> tuple[int, int]:
    """Return the number of the interpreter and of the thread."""
    found: Any = import_module("_interpreters").get_current()
    number: int = found[0]
    return number, threading.get_ident()


def spoil() -> None:
    """Make the interpreter unfit for the next call."""
    sys.modules.pop("accord.processes.child")
