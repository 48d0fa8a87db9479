"""Portals with a loop of their own, in a thread of their own.

The thread of the loop never waits for the thread that started it, and it always reports: a run that can't start, one
that ends by itself and one that is stopped all end in ``_ready`` being released and in ``error``. So there is no order
of failures in which one waits for the other.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import Context
from types import TracebackType

from ._portals import BlockingPortal
from ._running import run
from .protocols import Backend


class _PortalThread(AbstractContextManager[BlockingPortal]):
    """One run in a thread."""

    def __init__(
        self, backend: str | Backend | None, backend_options: Mapping[str, object] | None, name: str | None
    ) -> None:
        self._backend = backend
        self._options = backend_options
        self._ready = threading.Lock()
        self._ready.acquire()
        self._ended = threading.Lock()
        self._ended.acquire()
        self._portal: BlockingPortal | None = None
        self._unwanted = False
        self._error: BaseException | None = None
        # A new context: whether threads inherit their creator's depends on the version of Python.
        self._thread = threading.Thread(
            target=Context().run, args=(self._work,), name=name or "accord portal", daemon=True
        )

    def _work(self) -> None:
        try:
            run(self._main, backend=self._backend, backend_options=self._options)
        except BaseException as exc:
            self._error = exc
        finally:
            if self._portal is None:
                self._ready.release()
            self._ended.release()

    async def _main(self) -> None:
        async with BlockingPortal() as portal:
            self._portal = portal
            self._ready.release()
            if not self._unwanted:
                await portal.sleep_until_stopped()

    def __enter__(self) -> BlockingPortal:
        self._thread.start()
        try:
            self._ready.acquire()
        except BaseException:
            # This thread was interrupted.
            self._unwanted = True
            if self._portal is not None:
                self._portal.call_soon(self._stop, True)
            raise
        if self._portal is None:
            self._join()
            self._report(None)
            raise AssertionError("a run that did not start has no error")
        return self._portal

    def _join(self) -> None:
        # Before Python 3.13 a join() that is interrupted takes the thread for ended.
        self._ended.acquire()
        self._ended.release()
        self._thread.join()

    def _stop(self, cancel: bool) -> None:
        assert self._portal is not None
        self._portal.stop_now(cancel)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._portal is not None
        self._portal.call_soon(self._stop, exc is not None)
        try:
            self._join()
        except BaseException:
            # Interrupted; what is left is cancelled, and the loop must not go on behind the program's back.
            self._portal.call_soon(self._stop, True)
            self._join()
            raise
        self._report(exc)

    def _report(self, known: BaseException | None) -> None:
        error, self._error = self._error, None
        if error is not None and error is not known:
            try:
                raise error
            finally:
                del error, known


def start_blocking_portal(
    backend: str | Backend | None = None,
    backend_options: Mapping[str, object] | None = None,
    *,
    name: str | None = None,
) -> AbstractContextManager[BlockingPortal]:
    """Start a loop in a new thread and return a context manager whose value is a portal into it.

    :param backend: as for ``accord.run``.
    :param backend_options: as for ``accord.run``.
    :param name: the thread's name.

    Leaving the block waits for the portal's tasks, or cancels them if the block raised, and then for the thread. It
    raises what ended the run by itself, such as a ``KeyboardInterrupt`` of a task, unless the block raises the same.
    Entering raises what ``accord.run`` raises (PORTAL-9 to PORTAL-11).
    """
    return _PortalThread(backend, backend_options, name)


class BlockingPortalProvider:
    """A portal that its users share: started for the first, stopped after the last; a context manager for threads.

    :param backend: as for ``accord.run``.
    :param backend_options: as for ``accord.run``.

    Each ``with`` block gets the portal (PORTAL-12).
    """

    __slots__ = ("_cm", "_lock", "_portal", "_users", "backend", "backend_options")

    def __init__(
        self, backend: str | Backend | None = None, backend_options: Mapping[str, object] | None = None
    ) -> None:
        self.backend = backend
        """Passed to ``accord.run``."""
        self.backend_options = backend_options
        """Passed to ``accord.run``."""
        self._lock = threading.Lock()
        self._users = 0
        self._cm: AbstractContextManager[BlockingPortal] | None = None
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> BlockingPortal:
        with self._lock:
            if self._portal is None:
                cm = start_blocking_portal(self.backend, self.backend_options)
                self._portal = cm.__enter__()
                self._cm = cm
            self._users += 1
            return self._portal

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        with self._lock:
            self._users -= 1
            if self._users:
                return
            cm, self._cm, self._portal = self._cm, None, None
        assert cm is not None
        # One user's error is no reason to cancel what others have begun.
        cm.__exit__(None, None, None)
