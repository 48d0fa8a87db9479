"""Ends a process in which a test hangs.

A loop that hangs cannot be stopped from inside, so the only safe end is that of the process. Before that, the
watchdog says where the test stands: it follows the chain of awaits from the test's coroutine, which shows the operation
that never returned, and dumps the stack of each thread. One thread serves a whole session, so that tests which count
threads are not disturbed.
"""

from __future__ import annotations

import faulthandler
import linecache
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import IO

EXIT_STATUS = 70
"""How the process ends when a test hung."""

GRACE = 5.0
"""Seconds after which the interpreter's own watchdog acts, which needs no Python code to run, if ours could not."""


class Watchdog:
    """Watches one test at a time."""

    def __init__(self, patience: float, report: Callable[[str, str], None], stacks: IO[str]) -> None:
        """
        :param patience: seconds that a test may take.
        :param report: called with the test's id and an explanation before the process ends.
        :param stacks: a real file for the stacks of threads.
        """
        self._patience = patience
        self._report = report
        self._stacks = stacks
        self._changed = threading.Condition()
        self._test: str | None = None
        self._ends_at = 0.0
        self._awaitable: object = None
        threading.Thread(target=self._watch, name="accord_conformance watchdog", daemon=True).start()

    def begin(self, test: str) -> None:
        """Start the time of a test."""
        faulthandler.dump_traceback_later(self._patience + GRACE, exit=True, file=self._stacks)
        with self._changed:
            self._test, self._ends_at = test, time.monotonic() + self._patience
            self._changed.notify()

    def follow(self, awaitable: object) -> None:
        """Say which coroutine the test is, to be described if it hangs."""
        self._awaitable = awaitable

    def end(self) -> None:
        """The test has ended."""
        faulthandler.cancel_dump_traceback_later()
        with self._changed:
            self._test = self._awaitable = None

    def _watch(self) -> None:
        with self._changed:
            while True:
                if self._test is None:
                    self._changed.wait()
                elif (left := self._ends_at - time.monotonic()) > 0:
                    self._changed.wait(left)
                else:
                    break
            chain = "\n".join(await_chain(self._awaitable)) or "  (no coroutine to follow)"
            stack = "".join(traceback.format_stack(sys._current_frames()[threading.main_thread().ident or 0])[-10:])
            where = f"It awaits\n{chain}\nThe main thread is at\n{stack}"
            self._report(self._test, f"did not end within {self._patience:g} s. {where}")
            faulthandler.dump_traceback(self._stacks, all_threads=True)
            os._exit(EXIT_STATUS)


def await_chain(awaitable: object) -> Iterator[str]:
    """Describe where a suspended coroutine stands, a line for each frame, outermost first."""
    while awaitable is not None:
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None)
        if frame is None:
            return
        file, line = frame.f_code.co_filename, frame.f_lineno
        yield f"  {file}:{line} in {frame.f_code.co_qualname}: {linecache.getline(file, line).strip()}"
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None)
