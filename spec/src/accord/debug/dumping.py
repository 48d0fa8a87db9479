"""A dump of the task tree on a signal (area DEBUG).

The handler of the signal may interrupt anything, so it changes nothing: it draws the tree as it is, asks the loop by
its token to draw a better one, and wakes a thread. If the loop does not come to it soon it is blocked. Then the thread
writes where, and what the handler has drawn.
"""

from __future__ import annotations

import signal
import sys
import threading
import traceback
from collections.abc import Generator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from types import FrameType
from typing import TextIO

from .._backends import current_backend
from ..exceptions import RunFinishedError
from ..protocols import Backend
from .task_tree import draw_task_tree, format_task_tree

PATIENCE = 0.5
"""Seconds after which a loop that has not answered is blocked."""


class _Dump:
    """One signal that came."""

    __slots__ = ("done", "tree")

    def __init__(self, tree: str) -> None:
        self.tree = tree
        self.done = threading.Event()


class _Dumper:
    """What the handler, the loop and the thread share."""

    __slots__ = ("_backend", "_file", "_ident", "_queue", "_token")

    def __init__(self, backend: Backend, file: TextIO | None) -> None:
        self._backend = backend
        self._token = backend.current_token()
        self._file = file
        self._ident = threading.get_ident()
        self._queue: SimpleQueue[_Dump | None] = SimpleQueue()  # whose put() a signal handler may call

    def on_signal(self, _signum: int, frame: FrameType | None) -> None:
        try:
            tree = draw_task_tree(self._backend, frame or sys._getframe(), states=False)
        except Exception as exc:  # whatever was interrupted, the program goes on
            tree = f"the task tree can't be drawn now: {type(exc).__name__}: {exc}"
        dump = _Dump(tree)
        with suppress(RunFinishedError):
            self._token.call_soon(self._on_loop, dump)
        self._queue.put(dump)

    def _on_loop(self, dump: _Dump) -> None:
        if not dump.done.is_set():
            dump.done.set()
            self._write(format_task_tree())

    def serve(self) -> None:
        while (dump := self._queue.get()) is not None:
            if dump.done.wait(PATIENCE):
                continue
            dump.done.set()
            frame = sys._current_frames().get(self._ident)
            stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
            self._write(f"the loop is blocked; its thread is at (most recent call last)\n{stack}{dump.tree}")

    def stop(self) -> None:
        self._queue.put(None)

    def _write(self, text: str) -> None:
        file = self._file or sys.stderr
        with suppress(OSError, ValueError):  # a closed file must not end the program
            file.write(f"{text}\n")
            file.flush()


@contextmanager
def dump_on_signal(signum: int | None = None, *, file: TextIO | None = None) -> Generator[None, None, None]:
    """A block in which a signal has the running loop's task tree written; the program goes on.

    :param signum: the signal; by default ``SIGUSR1``.
    :param file: where to write; by default the standard error output.

    If the loop is blocked for half a second, what is written says where, and then the tree without the states of its
    tasks. The handler from before is put back at the end. To be entered in the main thread, inside of a loop: raises
    ``RuntimeError`` or ``NoEventLoopError`` otherwise, ``TypeError`` or ``ValueError`` for what is no signal that can
    be caught. No checkpoint (DEBUG-3, DEBUG-4).
    """
    chosen = signal.SIGUSR1 if signum is None else signum
    if isinstance(chosen, bool) or not isinstance(chosen, int):
        raise TypeError(f"signum must be a signal, not {type(signum).__name__}")
    backend = current_backend()
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("signals can be caught in the main thread only")
    dumper = _Dumper(backend, file)
    try:
        before = signal.signal(chosen, dumper.on_signal)
    except (OSError, ValueError) as exc:
        raise ValueError(f"signal {chosen} can't be caught") from exc
    thread = threading.Thread(target=dumper.serve, name="accord watches the loop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.signal(chosen, before if before is not None else signal.SIG_DFL)
        dumper.stop()
        thread.join()
