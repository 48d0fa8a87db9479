"""Calling functions in interpreters of their own, within this process (Python 3.13 and newer).

Each interpreter has a lock of its own, so that several compute at once without the price of processes. A call blocks a
worker thread, which runs it in an idle interpreter. Function and arguments are pickled; the reply comes back through a
file in memory, which needs no private interface.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TypeVar, TypeVarTuple, Unpack

from . import to_thread
from .exceptions import BrokenWorkerInterpreter
from .lowlevel import RunVar
from .processes import calls, child
from .processes.interpreters import Interpreter, are_there
from .sync import CapacityLimiter

__all__ = ["current_default_interpreter_limiter", "run_sync"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

IDLE_SECONDS = 30.0
"""How long an interpreter is kept for another call."""

_SETTLE = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location({child.NAME!r}, path)
child = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)
child.settle(child.pickle.loads(surroundings), False)
"""
_CALL = f"""
import sys
sys.modules[{child.NAME!r}].answer(fd, request)
"""

_default_limiter: RunVar[CapacityLimiter] = RunVar("accord.to_interpreter.limiter")


class _Worker:
    """An interpreter that makes calls."""

    __slots__ = ("_interpreter", "idle_since")

    def __init__(self) -> None:
        self._interpreter = Interpreter()
        self.idle_since = 0.0
        surroundings = pickle.dumps(calls.surroundings())
        self._run(_SETTLE, path=child.__file__, surroundings=surroundings)

    def call(self, request: bytes) -> bytes:
        """Make a call and return the reply; an interpreter that fails is closed."""
        with _file() as file:
            self._run(_CALL, fd=file.fileno(), request=request)
            file.seek(0)
            return file.read()

    def _run(self, code: str, **names: object) -> None:
        failure = self._interpreter.run(code, names)
        if failure is not None:
            self.close()
            raise BrokenWorkerInterpreter(f"the worker interpreter failed: {failure.formatted}", failure)

    def close(self) -> None:
        """End the interpreter."""
        self._interpreter.close()


def _file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("accord"), "rb", buffering=0)  # noqa: PTH123 - the caller closes it
    return tempfile.TemporaryFile(buffering=0)


# Of the process and not of a run: an interpreter belongs to no loop. Appending and popping are atomic; a worker belongs
# to whoever popped it.
_idle: deque[_Worker] = deque()


def _call(request: bytes) -> bytes:
    """Make a call in an idle interpreter or a new one; in a thread."""
    try:
        worker = _idle.pop()
    except IndexError:
        worker = _Worker()
    reply = worker.call(request)
    now = worker.idle_since = time.monotonic()
    _idle.append(worker)
    _prune(now - IDLE_SECONDS)
    return reply


def _prune(idle_since: float) -> None:
    """Close those that have been idle for longer; those at the left have been so for longest."""
    with suppress(IndexError):
        while _idle[0].idle_since < idle_since:
            worker = _idle.popleft()
            if worker.idle_since < idle_since:
                worker.close()
            else:  # somebody else took the one that was looked at
                _idle.append(worker)


@atexit.register
def _close_all() -> None:
    with suppress(IndexError):
        while True:
            _idle.pop().close()


async def run_sync(func: Callable[[Unpack[Ts]], T], /, *args: *Ts, limiter: CapacityLimiter | None = None) -> T:
    """Call ``func(*args)`` in an interpreter of its own and return what it returns, or raise what it raises.

    :param func: as for ``to_process.run_sync``; everything is sent by ``pickle``.
    :param limiter: where to take a token for the time of the call; by default one with a token per processor, per run.

    A checkpoint; later cancellation is put off until the call has ended (area WORKER). Raises ``NotImplementedError``
    before Python 3.13, ``pickle.PicklingError`` for what can't be sent, in either direction, and
    ``BrokenWorkerInterpreter`` if the interpreter fails for another reason than an exception of ``func``.
    """
    if not are_there():
        version = ".".join(map(str, sys.version_info[:2]))
        raise NotImplementedError(f"to_interpreter needs Python 3.13 or newer, and this is Python {version}")
    request = calls.request(func, args)
    if limiter is None:
        limiter = current_default_interpreter_limiter()
    value: T = calls.value_of(await to_thread.run_sync(_call, request, limiter=limiter))
    return value


def current_default_interpreter_limiter() -> CapacityLimiter:
    """Return the limiter that ``run_sync`` uses by default in this run; its ``total_tokens`` may be changed."""
    limiter = _default_limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(os.cpu_count() or 2)
        _default_limiter.set(limiter)
    return limiter
