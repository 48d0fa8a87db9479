"""A loop that runs only while it is asked to (``accord.protocols.Runner``), on Trio's guest mode.

The host is a queue, which is served only during a call, so that Trio stands still in between. The main task of the
guest run does nothing but hold a nursery; each call starts a root task in it, as other root tasks are.

Trio notes in a thread-local variable that the thread belongs to a run, also while the guest stands still. Then no
other run could begin in this thread, nor could a second session, and Trio would seem to run where nothing does. So what
the variable holds is put aside between the calls. Trio has no public name for it.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any

import trio
from trio._core import _run

from accord.toolkit import Outcome, check_budget, task_name
from accord.toolkit.checks import refuse_schedule
from accord.toolkit.errors import members

from .runner import native_options, prepare_loop, root_task

_here: dict[str, Any] = _run.GLOBAL_RUN_CONTEXT.__dict__


_NOT_YET = object()


def _not_now(_signum: int, _frame: object) -> None:
    """A handler of SIGINT for the moment in which Trio looks whether it finds Python's own, and takes its place."""


class Session:
    """See ``accord.protocols.Runner``."""

    __slots__ = ("_closed", "_ended", "_hooks", "_notes", "_nursery", "_queue", "_token")

    _nursery: trio.Nursery
    _token: trio.lowlevel.TrioToken

    def __init__(self, options: Mapping[str, object]) -> None:
        native, clock = native_options(options)
        budget = check_budget(options)
        refuse_schedule(options)
        self._queue: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._notes: dict[str, Any] = {}
        self._hooks: Any = None
        self._ended: Any = _NOT_YET
        self._closed = False

        async def hold() -> None:
            state = prepare_loop(budget, clock)
            self._token = trio.lowlevel.current_trio_token()
            async with trio.open_nursery() as nursery:
                self._nursery = state.token.nursery = nursery
                await trio.sleep_forever()

        with _python_keeps_interrupts(), self._awake():
            trio.lowlevel.start_guest_run(
                hold,
                run_sync_soon_threadsafe=self._queue.put,
                done_callback=self._end,
                host_uses_signal_set_wakeup_fd=True,
                **native,
            )
            self._serve(lambda: hasattr(self, "_nursery"))

    def _end(self, outcome: object) -> None:
        self._ended = outcome

    @contextmanager
    def _awake(self) -> Generator[None, None, None]:
        """Have Trio find its notes about this thread, and the generators that it looks after, for one call."""
        if _here:
            raise RuntimeError("a runner can't be used here: a loop runs in this thread")
        hooks = sys.get_asyncgen_hooks()
        _here.update(self._notes)
        if self._hooks is not None:
            sys.set_asyncgen_hooks(*self._hooks)
        try:
            yield
        finally:
            self._notes = dict(_here)
            self._hooks = sys.get_asyncgen_hooks()
            _here.clear()
            sys.set_asyncgen_hooks(*hooks)

    def _serve(self, ready: Callable[[], bool]) -> None:
        with _signals_wake(_here.get("runner")):
            while not ready():
                if self._ended is not _NOT_YET:
                    raise self._reason()
                self._queue.get()()

    def _reason(self) -> BaseException:
        """Return why the loop has ended by itself: what Trio calls an internal error is a callback's, or Ctrl-C."""
        error: BaseException | None = getattr(self._ended, "error", None)
        while error is not None:
            inner = members(error)
            if isinstance(error, trio.TrioInternalError) and error.__cause__ is not None:
                error = error.__cause__
            elif len(inner) == 1:
                error = inner[0]
            else:
                break
        return RuntimeError("the runner's loop has ended") if error is None else error

    def run(self, main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], /) -> Any:
        """See ``accord.protocols.Runner``."""
        if self._closed or self._ended is not _NOT_YET:
            raise RuntimeError("the runner is closed")
        outcome = Outcome()
        ended: list[None] = []

        async def root() -> None:
            try:
                await root_task(main, args, outcome)
            except trio.Cancelled as exc:
                outcome.error = exc
                if self._closed:
                    raise
            finally:
                ended.append(None)

        start = partial(self._nursery.start_soon, root, name=task_name(main))
        context = copy_context()
        with self._awake():
            self._token.run_sync_soon(context.run, start)
            self._serve(lambda: bool(ended))
            if isinstance(outcome.error, trio.Cancelled):
                self._serve(lambda: False)  # Trio takes the run apart, because of an error in it
        return outcome.unwrap()

    def close(self) -> None:
        """See ``accord.protocols.Runner``."""
        if self._closed:
            return
        self._closed = True
        if self._ended is not _NOT_YET:
            return
        with self._awake():
            self._token.run_sync_soon(self._nursery.cancel_scope.cancel)
            self._serve(lambda: self._ended is not _NOT_YET)
        outcome: Any = self._ended
        outcome.unwrap()


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _python_keeps_interrupts() -> Generator[None, None, None]:
    """Keep Trio from taking SIGINT for as long as the session lives, also while nothing of it runs (area INT)."""
    if not _in_main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _not_now)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def _signals_wake(runner: Any) -> Generator[None, None, None]:
    """Have a signal wake the loop during a call; Trio itself would ask for that until the session's end (SIGNAL-6)."""
    if not _in_main_thread() or runner is None:
        yield
        return
    wakes = runner.entry_queue.wakeup.write_sock.fileno()
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
