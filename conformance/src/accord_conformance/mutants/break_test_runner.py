"""Mutants of runners."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from accord.testing import Runner

from .making import Broken, around, mutant, replace

runners: Any = import_module("accord.testing.runner")
PortableRunner: Any = Runner


def _session(backend: Broken) -> Any:
    """Return the class of the backend's runners."""
    runner: object = backend.base.testing.create_runner({})
    getattr(runner, "close")()  # noqa: B009 - of no type
    return type(runner)


@mutant("RUNNER-1")
def runner_makes_a_loop_for_each_call(_: Broken) -> None:
    """Each call is a run of its own."""

    def run(runner: Any, func: Any, args: Any) -> Any:
        return runner._backend.run(func, args, {})

    replace(PortableRunner, _run=run)


@mutant("RUNNER-1")
def runner_swallows_errors(backend: Broken) -> None:
    """A call whose task fails returns None."""

    def run(original: Any, *args: Any) -> Any:
        try:
            return original(*args)
        except Exception:
            return None

    around(_session(backend), "run", run)


@mutant("RUNNER-2")
def loop_goes_on_after_the_call(backend: Broken) -> None:
    """A call lets the tasks that are left go on for a while after its own has ended."""

    async def linger() -> None:
        from accord import sleep

        await sleep(0.02)

    def run(original: Any, runner: Any, main: Any, args: Any) -> Any:
        value = original(runner, main, args)
        timer = time.sleep

        def later(seconds: float) -> None:
            original(runner, linger, ())
            timer(seconds)

        replace(time, sleep=later)
        return value

    around(_session(backend), "run", run)


@mutant("RUNNER-2")
def call_cancels_other_tasks(backend: Broken) -> None:
    """What a call leaves behind is cancelled at its end."""

    def run(original: Any, runner: Any, main: Any, args: Any) -> Any:
        try:
            return original(runner, main, args)
        finally:
            for task in runner._state.token._tasks:
                task.cancel()

    around(_session(backend), "run", run)


@mutant("RUNNER-3")
def calls_share_a_context(backend: Broken) -> None:
    """All calls run in one context."""
    context = copy_context()
    replace(import_module(_session(backend).__module__), copy_context=lambda: context)


@mutant("RUNNER-3")
def calls_run_in_the_first_context(backend: Broken) -> None:
    """Calls start from what the maker of the runner saw."""
    context = copy_context()
    replace(import_module(_session(backend).__module__), copy_context=context.copy)


@mutant("RUNNER-4")
def closing_forgets_tasks(backend: Broken) -> None:
    """close() drops the tasks that are left."""

    def close(runner: Any) -> None:
        runner._closed = True
        runner._runner._loop.close()

    replace(_session(backend), close=close)


@mutant("RUNNER-4")
def closed_runner_runs(_: Broken) -> None:
    """A closed runner makes another loop."""

    def run(original: Any, runner: Any, func: Any, *args: Any) -> Any:
        return runner._backend.run(func, args, {}) if runner._closed else original(runner, func, *args)

    around(PortableRunner, "run", run)


@mutant("RUNNER-5", base="trio")
def standing_loop_counts_as_running(_: Broken) -> None:
    """Trio's note that the thread belongs to a run stays between the calls."""
    module: Any = import_module("accord_trio.sessions")

    def clear() -> None:
        pass

    class Notes:
        def __init__(self, real: dict[str, Any]) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return clear if name == "clear" else getattr(self._real, name)

        def __bool__(self) -> bool:
            return False

        def keys(self) -> Any:
            return self._real.keys()

        def __getitem__(self, key: str) -> Any:
            return self._real[key]

    replace(module, _here=Notes(module._here))


@mutant("RUNNER-5")
def portable_runner_stays_the_current_one(_: Broken) -> None:
    """The backend stays noted as the one that runs in this thread."""

    def guarded(runner: Any, func: Callable[..., Any], *args: Any) -> Any:
        runners.here.backend = runner._backend
        return func(*args)

    replace(PortableRunner, _guarded=guarded)


@mutant("RUNNER-6")
def callback_errors_are_logged(backend: Broken) -> None:
    """The host's own handler logs what a callback raises."""

    def keep(_session: Any, loop: Any, context: Any) -> None:
        del loop, context

    replace(_session(backend), _keep=keep)


@mutant("RUNNER-7")
def interrupt_ends_the_loop(_: Broken) -> None:
    """Ctrl-C raises KeyboardInterrupt in the loop itself."""
    replace(runners, takes_interrupts=lambda: False)


@mutant("RUNNER-7")
def interrupts_are_kept_between_calls(_: Broken) -> None:
    """The handler of a call stays after it."""

    def run(original: Any, runner: Any, func: Any, args: Any) -> Any:
        try:
            return original(runner, func, args)
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    around(PortableRunner, "_run", run)


@mutant("RUNNER-8")
def runner_ignores_options(backend: Broken) -> None:
    """A runner is made without the options."""
    create = backend.base.testing.create_runner
    testing = backend.base.testing

    def create_runner(_options: Mapping[str, object]) -> Any:
        return create({})

    blocked = testing.wait_all_tasks_blocked
    backend.testing = SimpleNamespace(create_runner=create_runner, wait_all_tasks_blocked=blocked)


@mutant("RUNNER-9")
def runner_works_inside_a_loop(_: Broken) -> None:
    """A runner does not look whether a loop runs."""

    def refuse(_runner: Any, _what: str) -> None:
        pass

    replace(PortableRunner, _refuse_inside=refuse)


@mutant("RUNNER-9")
def runner_works_in_any_thread(_: Broken) -> None:
    """A runner does not look which thread asks."""
    replace(runners, get_ident=lambda: 1)
