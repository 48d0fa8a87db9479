"""Mutants of debugging."""

from __future__ import annotations

import signal
from importlib import import_module
from typing import Any

from .making import Broken, always, around, mutant, replace

task_tree: Any = import_module("accord.debug.task_tree")
dumping: Any = import_module("accord.debug.dumping")
ledger: Any = import_module("accord.debug.ledger")
watching: Any = import_module("accord.debug.watching")
steps: Any = import_module("accord.debug.steps")


@mutant("DEBUG-1")
def tree_is_flat(_: Broken) -> None:
    """Every task is a root."""

    class Orphan:
        def __init__(self, task: Any) -> None:
            self._task = task
            self.parent_id = None

        def __getattr__(self, name: str) -> Any:
            return getattr(self._task, name)

    class Backend:
        def __init__(self, backend: Any) -> None:
            self._backend = backend

        def __getattr__(self, name: str) -> Any:
            return getattr(self._backend, name)

        def running_tasks(self) -> list[Any]:
            return [Orphan(task) for task in self._backend.running_tasks()]

    def draw(original: Any, backend: Any, *rest: Any, **keywords: Any) -> Any:
        return original(Backend(backend), *rest, **keywords)

    around(task_tree, "draw_task_tree", draw)


@mutant("DEBUG-1")
def cancelled_is_not_told(_: Broken) -> None:
    """A cancelled task looks like any other."""
    replace(task_tree, describe_task=task_tree._called)


@mutant("DEBUG-1")
def every_task_is_cancelled(_: Broken) -> None:
    """Every task is said to be cancelled."""

    def describe(task: Any) -> str:
        return f"{task_tree._called(task)}, cancelled"

    replace(task_tree, describe_task=describe)


@mutant("DEBUG-2")
def frames_of_the_library_too(_: Broken) -> None:
    """The library's frames are shown like the program's."""
    replace(task_tree, is_library=always(False))


@mutant("DEBUG-2")
def inner_frames_first(_: Broken) -> None:
    """The frames are shown from the inside outwards."""

    def frames(original: Any, coro: Any) -> Any:
        return original(coro)[::-1]

    around(task_tree, "suspended_frames", frames)


@mutant("DEBUG-2")
def awaitable_objects_end_the_walk(_: Broken) -> None:
    """What is awaited by way of an object is not looked into."""
    replace(task_tree, _wrapped_by=always(None))


@mutant("DEBUG-3")
def handler_stays(_: Broken) -> None:
    """The handler from before is not put back."""

    class Signals:
        def __getattr__(self, name: str) -> Any:
            return getattr(signal, name)

        def signal(self, number: Any, handler: Any) -> Any:
            if getattr(handler, "__name__", "") == "on_signal":
                return signal.signal(number, handler)
            return handler

    replace(dumping, signal=Signals())


@mutant("DEBUG-3")
def each_dump_twice(_: Broken) -> None:
    """Each signal writes two trees."""

    def write(original: Any, self: Any, text: str) -> Any:
        return original(self, f"{text}\n{text}")

    around(dumping._Dumper, "_write", write)


@mutant("DEBUG-3")
def dump_at_the_next_turn(_: Broken) -> None:
    """The loop is not woken by the signal, so that the tree comes as if the loop were blocked."""

    def on_signal(original: Any, self: Any, signum: int, frame: Any) -> None:
        token = self._token
        self._token = type("Token", (), {"call_soon": staticmethod(always(None))})
        try:
            original(self, signum, frame)
        finally:
            self._token = token

    around(dumping._Dumper, "on_signal", on_signal)


@mutant("DEBUG-4")
def only_the_loop_writes(_: Broken) -> None:
    """Nothing is written before the loop comes to it."""
    replace(dumping, PATIENCE=1e6)


@mutant("DEBUG-4")
def blocked_without_a_stack(_: Broken) -> None:
    """Where the loop is blocked is not told."""

    def write(original: Any, self: Any, text: str) -> None:
        original(self, "\n".join(line for line in text.splitlines() if not line.startswith("  ")))

    around(dumping._Dumper, "_write", write)


@mutant("DEBUG-5")
def watching_renames_main(_: Broken) -> None:
    """The main task has the name of what the watching backend calls."""
    replace(watching, task_name=always("accord.begin"))


@mutant("DEBUG-5")
def any_threshold(_: Broken) -> None:
    """A threshold is taken as it is."""

    def check(value: Any, _: str) -> Any:
        return value

    replace(watching, check_positive=check)


@mutant("DEBUG-6")
def caught_counts_as_swallowed(_: Broken) -> None:
    """The note of a cancellation outlives its scope, whatever tells whether the task is still cancelled."""

    def is_swallowed(self: Any, serial: int) -> bool:
        note = self._notes.get(self.base.current_task())
        return note is not None and note.serial >= serial

    replace(ledger.Ledger, caught=always(None), _is_swallowed=is_swallowed)


@mutant("DEBUG-6")
def cleaning_up_is_swallowing(_: Broken) -> None:
    """An operation during the handling of the cancellation is one too many."""
    replace(ledger.Ledger, _is_handled=always(False))


@mutant("DEBUG-6")
def putting_off_is_swallowing(_: Broken) -> None:
    """What the library catches to raise it later counts."""
    replace(ledger.Note, is_put_off=always(False))


@mutant("DEBUG-6")
def ends_are_not_looked_at(_: Broken) -> None:
    """A task that swallows its cancellation and ends is not noticed."""
    replace(ledger.Ledger, _ended=always(None))


@mutant("DEBUG-6")
def blocks_are_not_looked_at(_: Broken) -> None:
    """A scope in which a cancellation was swallowed is left without a word."""
    replace(ledger.Ledger, swallowed_since=always(None))


@mutant("DEBUG-7")
def slow_steps_without_a_name(_: Broken) -> None:
    """The task is not named."""
    replace(ledger.Ledger, name_of=always(None))


@mutant("DEBUG-7")
def waiting_is_slow(_: Broken) -> None:
    """A loop that does not answer within the threshold is reported at once, however many steps that takes."""

    def watch(self: Any) -> None:
        while not self._ended.wait(self._threshold / 2):
            answered = steps.threading.Event()
            self._token.call_soon(answered.set)
            if not answered.wait(self._threshold / 8) and (found := self._stack()):
                self._report(found)
                answered.wait()

    replace(steps.StepWatch, _watch=watch)


@mutant("DEBUG-7")
def reported_again_and_again(_: Broken) -> None:
    """A slow step is reported for as long as it lasts."""

    def watch(self: Any) -> None:
        while not self._ended.wait(self._threshold / 2):
            answered = steps.threading.Event()
            self._token.call_soon(answered.set)
            while not answered.wait(self._threshold):
                found = self._stack()
                if found:
                    self._report(found)

    replace(steps.StepWatch, _watch=watch)


@mutant("DEBUG-8")
def entry_is_forgotten(_: Broken) -> None:
    """The error has no note."""
    replace(watching._Scope, _explain=always(None))
