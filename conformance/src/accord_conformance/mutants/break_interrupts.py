"""Mutants of Ctrl-C."""

from __future__ import annotations

import signal
import threading
from importlib import import_module
from math import inf
from typing import Any

from .making import Broken, around, mutant, replace

interrupts: Any = import_module("accord._interrupts")
Interrupts: Any = interrupts.Interrupts


@mutant("INT-1")
def interrupt_is_raised_anywhere(_: Broken) -> None:
    """KeyboardInterrupt is raised in what the main thread is doing."""

    def on_interrupt(original: Any, state: Any, *args: Any) -> None:
        original(state, *args)
        raise KeyboardInterrupt

    around(Interrupts, "_on_interrupt", on_interrupt)


@mutant("INT-1")
def interrupt_waits_for_the_end(_: Broken) -> None:
    """An interrupt is noted, and main is not cancelled."""

    def on_interrupt(state: Any, *_args: object) -> None:
        state.arrived = True

    replace(Interrupts, _on_interrupt=on_interrupt)


@mutant("INT-2")
def late_interrupt_is_lost(_: Broken) -> None:
    """If main returns all the same, so does the run."""

    def run(state: Any, run: Any, backend: Any, args: Any, options: Any) -> Any:
        def main(*args: Any) -> Any:
            return state._attend(state._main(*args))

        return run(backend, main, args, options)

    replace(Interrupts, run=run)


@mutant("INT-2")
def interrupt_hides_errors(_: Broken) -> None:
    """The error of a clean-up that failed is left out."""

    def run(original: Any, *args: Any) -> Any:
        try:
            return original(*args)
        except KeyboardInterrupt as error:
            raise error from None

    around(Interrupts, "run", run)


@mutant("INT-3")
def second_interrupt_is_ignored(_: Broken) -> None:
    """Only the first interrupt counts."""

    def on_interrupt(original: Any, state: Any, *args: Any) -> None:
        if not state.arrived:
            original(state, *args)

    around(Interrupts, "_on_interrupt", on_interrupt)


@mutant("INT-4")
def interrupts_are_taken_from_the_program(_: Broken) -> None:
    """Handlers of the program are replaced."""

    def takes_interrupts() -> bool:
        return threading.current_thread() is threading.main_thread()

    replace(interrupts, takes_interrupts=takes_interrupts)


@mutant("INT-4")
def interrupt_handler_stays(_: Broken) -> None:
    """The handler is not put back after the run."""

    async def attend(state: Any, main: Any) -> Any:
        backend = interrupts.current_backend()
        state._token = backend.current_token()
        state._scope = backend.create_cancel_scope(inf, None, False)
        with state._scope:
            signal.signal(signal.SIGINT, state._on_interrupt)
            return await main

    replace(Interrupts, _attend=attend)


@mutant("INT-5")
def interrupt_abandons_calls(_: Broken) -> None:
    """Every call in a thread may be abandoned."""

    async def run_sync(original: Any, *args: Any, **options: Any) -> Any:
        return await original(*args, **{**options, "abandon_on_cancel": True})

    around(import_module("accord.to_thread"), "run_sync", run_sync)


@mutant("INT-6")
def interrupted_portal_waits(_: Broken) -> None:
    """A block that an interrupt leaves waits for the portal's tasks as any other."""

    def leave(original: Any, thread: Any, *_exc: object) -> None:
        original(thread, None, None, None)

    around(import_module("accord._portal_threads").__dict__["_PortalThread"], "__exit__", leave)


@mutant("INT-7")
def shield_stops_the_second_interrupt(_: Broken) -> None:
    """The second interrupt cancels the scope again, which changes nothing."""

    def on_interrupt(state: Any, *_args: object) -> None:
        state.arrived = True
        state._token.call_soon(state._scope.cancel, "interrupted by SIGINT")

    replace(Interrupts, _on_interrupt=on_interrupt)
