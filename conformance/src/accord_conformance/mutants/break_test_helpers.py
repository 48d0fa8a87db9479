"""Mutants of the helpers for tests."""

from __future__ import annotations

import sys
import threading
from importlib import import_module
from typing import Any

import accord
from accord import testing
from accord.testing import MemoryByteStream, Sequencer

from .making import Broken, always, around, mutant, replace

checkpoints: Any = import_module("accord.testing.checkpoints")
leaks: Any = import_module("accord.testing.leaks")


@mutant("HELP-1")
def blocks_in_any_order(_: Broken) -> None:
    """A block waits for nobody."""

    async def wait_for(_self: Any, _number: int) -> None:
        await accord.lowlevel.checkpoint()

    replace(Sequencer, wait_for=wait_for)


@mutant("HELP-1")
def late_block_hangs(_: Broken) -> None:
    """A block that comes when its turn has come already waits for ever."""

    def end(original: Any, self: Any, number: int) -> None:
        original(self, number)
        self._ended.discard(number)

    around(Sequencer, "end", end)


@mutant("HELP-1")
def error_holds_the_turn(_: Broken) -> None:
    """A block that raises an error breaks the sequence."""
    block = type(Sequencer()(0))

    async def leave(self: Any, kind: Any, exc: Any, _: Any) -> None:
        (self._sequencer.end if exc is None else self._sequencer.break_off)(self._number)

    replace(block, __aexit__=leave)


@mutant("HELP-1")
def turn_without_a_check(_: Broken) -> None:
    """Entering the block whose turn it is checks for nothing."""

    async def wait_for(original: Any, self: Any, number: int) -> None:
        if number > self._first:
            await original(self, number)

    around(Sequencer, "wait_for", wait_for)


@mutant("HELP-2")
def number_twice(_: Broken) -> None:
    """Two blocks may have one number."""
    replace(Sequencer, take=always(None))


@mutant("HELP-2")
def numbers_below_the_first(_: Broken) -> None:
    """A number below the first has its turn at once."""
    block: Any = type(Sequencer()(0))

    def call(self: Any, number: int) -> Any:
        return block(self, number + 0)

    replace(Sequencer, __call__=call)


@mutant("HELP-3")
def cancelled_block_is_skipped(_: Broken) -> None:
    """A block that is cancelled counts as one that has had its turn."""
    replace(Sequencer, break_off=Sequencer.end)


@mutant("HELP-3")
def the_next_alone_is_told(_: Broken) -> None:
    """Of the blocks that wait one is woken."""

    def break_off(original: Any, self: Any, number: int) -> None:
        events = dict(self._events)
        for key in list(events)[1:]:
            del self._events[key]
        original(self, number)
        self._events.update({key: events[key] for key in list(events)[1:]})

    around(Sequencer, "break_off", break_off)


@mutant("HELP-4")
def any_yield_is_a_checkpoint(_: Broken) -> None:
    """Whether a wait is shielded makes no difference."""

    def stop(original: Any, self: Any) -> tuple[bool, bool]:
        checked, yielded = original(self)
        return checked or yielded, yielded

    around(checkpoints._Block, "stop", stop)


@mutant("HELP-4")
def budget_is_forgotten(_: Broken) -> None:
    """An operation whose yield the budget saves has made no checkpoint."""

    def stop(original: Any, self: Any) -> tuple[bool, bool]:
        self._asked = False
        stopped: tuple[bool, bool] = original(self)
        return stopped

    around(checkpoints._Block, "stop", stop)


@mutant("HELP-4")
def others_count_too(_: Broken) -> None:
    """What other tasks do while the block waits counts."""
    replace(checkpoints._Block, _is_around=always(True))


@mutant("HELP-4")
def profiler_is_dropped(_: Broken) -> None:
    """The profile function from before is forgotten."""

    def stop(original: Any, self: Any) -> Any:
        stopped = original(self)
        sys.setprofile(None)
        return stopped

    around(checkpoints._Block, "stop", stop)


@mutant("HELP-5")
def checks_alone_are_missed(_: Broken) -> None:
    """A check that does not yield is no checkpoint."""

    def stop(original: Any, self: Any) -> tuple[bool, bool]:
        checked, yielded = original(self)
        return checked and self._suspended, yielded and self._suspended

    around(checkpoints._Block, "stop", stop)


@mutant("HELP-5")
def shielded_yields_are_missed(_: Broken) -> None:
    """A shielded yield is no checkpoint."""

    def stop(original: Any, self: Any) -> tuple[bool, bool]:
        self._suspended = self._interruptible
        stopped: tuple[bool, bool] = original(self)
        return stopped

    around(checkpoints._Block, "stop", stop)


@mutant("HELP-6")
def tasks_are_not_looked_at(_: Broken) -> None:
    """A task that is left behind is no leak."""
    replace(leaks, _tasks=list)


@mutant("HELP-6")
def error_hides_the_leak(_: Broken) -> None:
    """If the block raises, nobody learns of the leak."""

    def leave(original: Any, self: Any, kind: Any, exc: Any, tb: Any) -> None:
        if exc is None:
            original(self, kind, exc, tb)

    around(leaks._Block, "__exit__", leave)


@mutant("HELP-7")
def workers_are_leaks(_: Broken) -> None:
    """Idle worker threads count."""
    replace(leaks, _works=always(True))


@mutant("HELP-7")
def workers_are_never_leaks(_: Broken) -> None:
    """Worker threads don't count, though they work."""

    def works(thread: threading.Thread) -> bool:
        return thread.name != "accord worker thread"

    replace(leaks, _works=works)


@mutant("HELP-7")
def threads_get_no_time(_: Broken) -> None:
    """A thread that is about to end is a leak."""

    def left(self: Any) -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread not in self._threads and leaks._works(thread)]

    replace(leaks._Block, _left_threads=left)


@mutant("HELP-8")
def numbers_alone_are_compared(_: Broken) -> None:
    """A descriptor with a number that was in use is none of the block's."""

    def descriptors(original: Any) -> dict[int, None]:
        return dict.fromkeys(original(), None)

    around(leaks, "_descriptors", descriptors)


@mutant("HELP-8")
def descriptors_without_meaning(_: Broken) -> None:
    """Only the number is told."""
    replace(leaks, describe=always("a descriptor"))


@mutant("HELP-9")
def send_hook_comes_late(_: Broken) -> None:
    """The hook is awaited after the bytes were sent."""

    async def send(original: Any, self: Any, item: Any) -> None:
        hook, self.send_hook = self.send_hook, None
        try:
            await original(self, item)
        finally:
            self.send_hook = hook
        if hook is not None:
            await hook()

    around(MemoryByteStream, "send", send)


@mutant("HELP-9")
def close_hook_keeps_open(_: Broken) -> None:
    """If the hook of ``aclose`` raises, the end stays open."""

    async def aclose(original: Any, self: Any) -> None:
        hook, self.close_hook = self.close_hook, None
        if hook is not None:
            await hook()
        await original(self)

    around(MemoryByteStream, "aclose", aclose)


@mutant("HELP-9")
def end_without_hook(_: Broken) -> None:
    """``send_eof`` does not await the hook."""

    async def send_eof(original: Any, self: Any) -> None:
        hook, self.send_hook = self.send_hook, None
        try:
            await original(self)
        finally:
            self.send_hook = hook

    around(MemoryByteStream, "send_eof", send_eof)


@mutant("HELP-10")
def wait_of_its_own(_: Broken) -> None:
    """The function in ``accord.testing`` is another one."""

    async def wait_all_tasks_blocked() -> None:
        await accord.wait_all_tasks_blocked()

    replace(testing, wait_all_tasks_blocked=wait_all_tasks_blocked)
