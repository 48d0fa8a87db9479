"""Calling functions in worker processes.

A worker is a Python process at the other end of a socket pair, which makes one call at a time; see
``processes.child``. Idle workers are kept for the next call. They end by themselves: after a while in which nobody
calls, and when their end of the connection says that this process is gone. What the worker prints goes where this
process prints, and its standard input is empty: neither has anything to do with the connection.

Idle workers are kept as a socket and a process, without anything of the loop's, since the pool must not keep the loop
alive. A task of the run's own kills them when the run ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar, TypeVarTuple, Unpack, cast

from ._backends import current_backend
from ._scopes import CancelScope
from ._time import sleep_forever
from .exceptions import BrokenWorkerProcess
from .lowlevel import RunVar
from .net.resources import create_poller
from .processes import calls, child
from .processes.ends import reap, reap_later
from .protocols import Poller
from .sync import CapacityLimiter

__all__ = ["current_default_process_limiter", "run_sync"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

IDLE_SECONDS = 300.0
"""How long a worker waits for the next call before it ends."""

_CHUNK = 1 << 20


class _Worker:
    """One process, and our end of the connection with it."""

    __slots__ = ("_greeting", "_popen", "_sock")

    def __init__(self) -> None:
        internals: Any = subprocess
        flags: list[str] = internals._args_from_interpreter_flags()
        self._greeting = child.frame(pickle.dumps(calls.surroundings()))
        self._sock, theirs = socket.socketpair()
        try:
            with theirs:
                self._popen = subprocess.Popen(
                    [sys.executable, *flags, "-P", child.__file__, str(theirs.fileno()), str(IDLE_SECONDS)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
        except BaseException:
            self._sock.close()
            raise
        self._sock.setblocking(False)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._popen.poll() is None

    async def exchange(self, request: bytes) -> bytes:
        """Send a request and return the reply, which is empty if the process ended without one."""
        greeting, self._greeting = self._greeting, b""
        poller = create_poller(self._sock.fileno())
        try:
            with suppress(ConnectionError):  # what it said before is to be read all the same
                await self._send(poller, greeting + child.frame(request))
            length = await self._receive(poller, child.HEADER)
            return await self._receive(poller, int.from_bytes(length, "big"))
        except (EOFError, ConnectionError):
            return b""
        finally:
            poller.close()

    async def _send(self, poller: Poller, message: bytes) -> None:
        with memoryview(message) as view:
            sent = 0

            def attempt() -> int:
                with view[sent : sent + _CHUNK] as piece:
                    return self._sock.send(piece)

            while sent < len(view):
                sent += await poller.writable(attempt)

    async def _receive(self, poller: Poller, size: int) -> bytes:
        chunks: list[bytes] = []
        missing = size

        def attempt() -> bytes:
            return self._sock.recv(min(missing, _CHUNK))

        while missing:
            chunk = await poller.readable(attempt)
            if not chunk:
                raise EOFError
            chunks.append(chunk)
            missing -= len(chunk)
        return b"".join(chunks)

    async def destroy(self) -> int:
        """Kill the process, if it hasn't ended, and return its return code; puts off every cancellation."""
        self.kill()
        await reap(self._popen)
        return cast(int, self._popen.returncode)

    def kill(self) -> None:
        """Let go of the connection and kill the process, without waiting for its end."""
        self._sock.close()
        self._popen.kill()

    def wait(self) -> None:
        """Wait until a process that was killed has ended; blocks, for about a millisecond."""
        self._popen.wait()

    def let_go(self) -> None:
        """Let go of a process that ends by itself or was killed."""
        self._sock.close()
        reap_later(self._popen)


class _Pool:
    """The idle workers of a run."""

    __slots__ = ("_closed", "_idle")

    def __init__(self) -> None:
        self._idle: deque[_Worker] = deque()
        self._closed = False

    def take(self) -> _Worker:
        """Return a worker, the one that was used last or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive():
                return worker
            worker.let_go()
        return _Worker()

    def put(self, worker: _Worker) -> None:
        """Keep a worker for the next call."""
        if self._closed:
            worker.kill()
            worker.let_go()
        else:
            self._idle.append(worker)

    def close(self) -> None:
        """Kill the idle workers, and all that come later; idempotent."""
        self._closed = True
        workers = list(self._idle)
        self._idle.clear()
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.wait()

    async def keep(self) -> None:
        """Close the pool when the run ends; the task of the run's own."""
        try:
            await sleep_forever()
        finally:
            self.close()


_pool: RunVar[_Pool] = RunVar("accord.to_process.pool")
_default_limiter: RunVar[CapacityLimiter] = RunVar("accord.to_process.limiter")


def _current_pool() -> _Pool:
    pool = _pool.get(None)
    if pool is None:
        pool = _Pool()
        token = current_backend().current_token()
        token.start_task(pool.keep)
        # For loops that are dropped without having cancelled their tasks.
        weakref.finalize(token, pool.close)
        _pool.set(pool)
    return pool


async def run_sync(
    func: Callable[[Unpack[Ts]], T],
    /,
    *args: *Ts,
    abandon_on_cancel: bool = False,
    limiter: CapacityLimiter | None = None,
) -> T:
    """Call ``func(*args)`` in a worker process and return what it returns, or raise what it raises (area WORKER).

    :param func: a function that the worker can import, or one of the main program; it is sent with its arguments, and
        the value or exception back, by ``pickle``.
    :param abandon_on_cancel: on cancellation, kill the worker. By default cancellation is put off until the call has
        ended.
    :param limiter: where to take a token for the time of the call; by default one with a token per processor, per run.

    A checkpoint. Raises ``pickle.PicklingError`` for what can't be sent, in either direction, and
    ``BrokenWorkerProcess`` if the worker ends during the call.
    """
    request = calls.request(func, args)
    if limiter is None:
        limiter = current_default_process_limiter()
    borrower = _Borrower()
    await limiter.acquire_on_behalf_of(borrower)
    token = current_backend().current_token()
    token.hold_clock()  # what a worker does takes real time
    try:
        reply = await _call(_current_pool(), request, func, not abandon_on_cancel)
    finally:
        token.release_clock()
        limiter.release_on_behalf_of(borrower)
    value: T = calls.value_of(reply)
    return value


class _Borrower:
    """The call, as a borrower of its token."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<call in a worker process>"


async def _call(pool: _Pool, request: bytes, func: Callable[..., object], shield: bool) -> bytes:
    while True:
        worker = pool.take()
        reply = b""
        try:
            with CancelScope(shield=shield):
                reply = await worker.exchange(request)
        except GeneratorExit:  # nothing can be awaited
            worker.kill()
            worker.let_go()
            raise
        except BaseException:
            await worker.destroy()
            raise
        if reply == child.GOODBYE:
            worker.let_go()
        elif reply:
            pool.put(worker)
            return reply
        else:
            raise BrokenWorkerProcess(_what_happened(await worker.destroy(), calls.name_of(func)))


def _what_happened(code: int, name: str) -> str:
    cause = f"ended with exit code {code}"
    if code < 0:
        with suppress(ValueError):
            cause = f"was ended by {signal.Signals(-code).name}"
    return f"the worker process {cause} during the call of {name}"


def current_default_process_limiter() -> CapacityLimiter:
    """Return the limiter that ``run_sync`` uses by default in this run; its ``total_tokens`` may be changed."""
    limiter = _default_limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(os.cpu_count() or 2)
        _default_limiter.set(limiter)
    return limiter
