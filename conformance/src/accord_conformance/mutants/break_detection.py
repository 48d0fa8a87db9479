"""Mutants of detection and of calls from outside the loop."""

from __future__ import annotations

import sys
import threading
from typing import Any

from accord import RunFinishedError

from .making import Broken, around, mutant, replace

backends: Any = sys.modules["accord._backends"]


@mutant("RUN-10")
def callbacks_run_nowhere(broken: Broken) -> None:
    """A backend runs here only while a task does."""

    def is_running_here() -> bool:
        try:
            return bool(broken.base.is_running_here()) and broken.base.current_task() is not None
        except RuntimeError:
            return False

    broken.is_running_here = is_running_here


@mutant("RUN-10")
def backend_runs_everywhere(broken: Broken) -> None:
    """A backend that runs in one thread runs in all."""
    runs: list[object] = []

    def run(*args: Any) -> Any:
        runs.append(args)
        try:
            return broken.base.run(*args)
        finally:
            runs.pop()

    broken.run = run
    broken.is_running_here = lambda: bool(runs)


@mutant("RUN-11")
def cancelled_class_is_another(broken: Broken) -> None:
    """The class is narrower than what checkpoints raise."""
    broken.cancelled_exc_class = type("Cancelled", (broken.base.cancelled_exc_class,), {})


@mutant("RUN-11")
def cancelled_class_is_base_exception(broken: Broken) -> None:
    """The class takes in everything that is no ``Exception``."""
    broken.cancelled_exc_class = BaseException


@mutant("RUN-12")
def token_is_made_anew(broken: Broken) -> None:
    """Each call of current_token returns another object."""

    class View:
        def __init__(self, token: Any) -> None:
            self.token = token

        def __getattr__(self, name: str) -> Any:
            return getattr(self.token, name)

    broken.current_token = lambda: View(broken.base.current_token())


@mutant("RUN-12")
def tokens_are_all_equal(broken: Broken) -> None:
    """Tokens of the same backend are equal."""

    def equal(token: Any, other: Any) -> bool:
        return bool(getattr(other, "backend_name", None) == token.backend_name)

    def hashed(token: Any) -> int:
        return hash(token.backend_name)

    replace(broken.token, __eq__=equal, __hash__=hashed)


@mutant("RUN-13")
def calls_from_the_loop_come_at_once(broken: Broken) -> None:
    """call_soon on the loop's thread calls the function itself."""

    def call_soon(original: Any, token: Any, func: Any, *args: Any) -> None:
        if broken.base.is_running_here() and broken.base.current_token() is token:
            func(*args)
        else:
            original(token, func, *args)

    around(broken.token, "call_soon", call_soon)


@mutant("RUN-13")
def calls_around_the_end_are_lost(broken: Broken) -> None:
    """What the loop has not come to when it ends is dropped."""

    def finish(token: Any) -> None:
        token._calls.clear()

    replace(broken.token, finish=finish)


@mutant("RUN-13")
def finished_token_takes_calls(broken: Broken) -> None:
    """call_soon after the end of the run does nothing, silently."""

    def call_soon(original: Any, token: Any, func: Any, *args: Any) -> None:
        try:
            original(token, func, *args)
        except RunFinishedError:
            pass

    around(broken.token, "call_soon", call_soon)


@mutant("RUN-13")
def calls_do_not_wake_the_loop(broken: Broken) -> None:
    """A call from another thread waits until the loop has something else to do."""

    def call_soon(original: Any, token: Any, func: Any, *args: Any) -> None:
        if token._loop.is_closed():
            original(token, func, *args)
        token._loop.call_soon(func, *args)

    around(broken.token, "call_soon", call_soon)


@mutant("RUN-13")
def calls_come_newest_first(broken: Broken) -> None:
    """What was called last is carried out first."""

    def carry_out(token: Any) -> None:
        if token._calls:
            token._calls.pop()()

    replace(broken.token, _carry_out=carry_out)


@mutant("RUN-13")
def calls_run_in_the_callers_thread(broken: Broken) -> None:
    """A call from another thread is made there."""

    def call_soon(original: Any, token: Any, func: Any, *args: Any) -> None:
        if threading.current_thread() is threading.main_thread() or token._loop.is_closed():
            original(token, func, *args)
        else:
            func(*args)

    around(broken.token, "call_soon", call_soon)


@mutant("RUN-17")
def missing_loop_is_the_hosts_error(_: Broken) -> None:
    """Where no loop runs the text is that of the host."""

    def detect() -> Any:
        if (backend := backends.running_backend()) is None:
            raise RuntimeError("no running event loop")
        return backend

    replace(backends, _detect=detect)


@mutant("RUN-17")
def missing_loop_has_no_remedy(_: Broken) -> None:
    """The error where no loop runs does not name the installed backends."""

    def detect(original: Any) -> Any:
        try:
            return original()
        except RuntimeError as error:
            raise type(error)("no event loop is running in this thread") from None

    around(backends, "_detect", detect)
