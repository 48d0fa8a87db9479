"""Mutants of receiving signals."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import nullcontext
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from accord import ClosedResourceError
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

signals: Any = import_module("accord.signals")
Receiver: Any = signals._Receiver


@mutant("SIGNAL-1")
def last_signal_comes_first(_: Broken) -> None:
    """What came last is yielded first."""

    def note(receiver: Any, signum: int) -> None:
        if signum not in receiver._pending:
            receiver._pending.appendleft(signum)
            receiver._token.call_soon(receiver._wake)

    replace(Receiver, _note=note)


@mutant("SIGNAL-1")
def signals_are_numbers(_: Broken) -> None:
    """The iterator yields plain numbers."""

    async def step(original: Any, receiver: Any) -> int:
        return int(await original(receiver))

    around(Receiver, "__anext__", step)


@mutant("SIGNAL-1")
def handler_is_called_too(_: Broken) -> None:
    """The handler that a receiver has replaced is called as well."""

    def on_signal(original: Any, receiver: Any, signum: int, frame: object) -> None:
        original(receiver, signum, frame)
        if callable(receiver._found[signum]):
            receiver._found[signum](signum, frame)

    around(Receiver, "_on_signal", on_signal)


@mutant("SIGNAL-2")
def every_signal_counts(_: Broken) -> None:
    """A signal that comes three times is yielded three times."""

    def note(receiver: Any, signum: int) -> None:
        receiver._pending.append(signum)
        receiver._token.call_soon(receiver._wake)

    replace(Receiver, _note=note)


@mutant("SIGNAL-2")
def signal_comes_once(_: Broken) -> None:
    """A signal that was yielded is not yielded again."""

    async def step(original: Any, receiver: Any) -> Any:
        signum = await original(receiver)
        del receiver._found[signum]
        return signum

    around(Receiver, "__anext__", step)


@mutant("SIGNAL-3")
def cancelled_step_takes_a_signal(_: Broken) -> None:
    """A signal is taken before cancellation is looked at."""

    async def step(original: Any, receiver: Any) -> Any:
        if receiver._pending:
            signum = receiver._pending.popleft()
            await checkpoint()
            return receiver._signals[signum]
        return await original(receiver)

    around(Receiver, "__anext__", step)


@mutant("SIGNAL-4")
def receiver_leaves_the_default(_: Broken) -> None:
    """After the block the system's default is in force."""

    def release(original: Any, receiver: Any, signum: int) -> None:
        original(receiver, signum)
        signal.signal(signum, signal.SIG_DFL)

    around(Receiver, "_release", release)


@mutant("SIGNAL-5")
def youngest_receiver_gets_all(_: Broken) -> None:
    """Only the innermost receiver gets a signal."""

    def on_signal(receiver: Any, signum: int, _frame: object) -> None:
        receiver._note(signum)

    replace(Receiver, _on_signal=on_signal)


@mutant("SIGNAL-5")
def older_receiver_removes_the_younger(_: Broken) -> None:
    """A receiver that is left restores what it has found, also under a younger one."""

    def release(receiver: Any, signum: int) -> None:
        signal.signal(signum, receiver._found.pop(signum))

    replace(Receiver, _release=release)


@mutant("SIGNAL-6")
def sleeping_loop_misses_signals(_: Broken) -> None:
    """Nothing wakes the loop but the interruption of its wait."""

    def set_wakeup_fd(_descriptor: int, *, warn_on_full_buffer: bool = True) -> int:
        return -1

    replace(signal, set_wakeup_fd=set_wakeup_fd)


@mutant("SIGNAL-7")
def closed_receiver_just_ends(_: Broken) -> None:
    """After the block the iteration ends."""

    async def step(original: Any, receiver: Any) -> Any:
        try:
            return await original(receiver)
        except ClosedResourceError:
            raise StopAsyncIteration from None

    around(Receiver, "__anext__", step)


@mutant("SIGNAL-7")
def closed_receiver_wakes_nobody(_: Broken) -> None:
    """A task that waits when the block is left waits on."""

    def close(original: Any, receiver: Any) -> None:
        receiver._parker = None
        original(receiver)

    around(Receiver, "_close", close)


@mutant("SIGNAL-7")
def any_number_of_tasks_iterate(_: Broken) -> None:
    """A second task may wait, and the first is forgotten."""

    def guard(_action: str) -> object:
        return nullcontext()

    replace(signals, ResourceGuard=guard)


@mutant("SIGNAL-8")
def left_over_signals_are_dropped(_: Broken) -> None:
    """What nobody has taken is forgotten."""

    def pass_on(receiver: Any) -> None:
        receiver._pending.clear()

    replace(Receiver, _pass_on=pass_on)


@mutant("SIGNAL-8")
def left_over_signals_come_twice(_: Broken) -> None:
    """What nobody has taken is raised again, although another receiver has got it."""

    def pass_on(receiver: Any) -> None:
        while receiver._pending:
            signal.raise_signal(receiver._pending.popleft())

    replace(Receiver, _pass_on=pass_on)


@mutant("SIGNAL-9")
def signals_are_not_checked(_: Broken) -> None:
    """Arguments are left to the system."""

    def check(_signum: object) -> None:
        pass

    replace(signals, _check=check)


@mutant("SIGNAL-9")
def first_handler_stays_behind(_: Broken) -> None:
    """If the second signal is refused, the first stays caught."""

    def enter(receiver: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("signals can be received only in the main thread")
        receiver._token = sys.modules["accord"].lowlevel.current_token()
        receiver._state = "open"
        signals._open.append(receiver)
        for signum in receiver._signals:
            receiver._catch(signum)
        return receiver

    replace(Receiver, __enter__=enter)


@mutant("SIGNAL-9")
def thread_error_is_the_systems(_: Broken) -> None:
    """Outside of the main thread Python's own ValueError comes out."""
    fake = SimpleNamespace(current_thread=threading.main_thread, main_thread=threading.main_thread)
    replace(signals, threading=fake)


@mutant("SIGNAL-10")
def pending_signal_is_no_checkpoint(_: Broken) -> None:
    """A step that need not wait neither checks nor yields."""

    async def step(original: Any, receiver: Any) -> Any:
        if receiver._pending and receiver._state == "open":
            return receiver._signals[receiver._pending.popleft()]
        return await original(receiver)

    around(Receiver, "__anext__", step)
