"""Mutants of checkpoints: who checks, who yields, and when."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from accord import Event, Lock, WouldBlock, get_current_task
from accord.protocols import TaskInfo
from accord.streams.memory import MemoryObjectReceiveStream
from accord.toolkit import Credit

from .making import Broken, around, mutant, replace
from .waiting import yields_at_exit


def _is_cancelled(broken: Broken) -> bool:
    task: TaskInfo = broken.base.current_task()
    return task.has_pending_cancellation()


@mutant("CKPT-1")
def checkpoint_has_a_budget(broken: Broken) -> None:
    """checkpoint() yields once in 16 times."""

    async def checkpoint() -> None:
        if broken.base.checkpoint_due():
            await broken.base.checkpoint()

    broken.checkpoint = checkpoint


@mutant("CKPT-1")
def checkpoint_does_not_check(broken: Broken) -> None:
    """checkpoint() lets others run, and never raises."""
    broken.checkpoint = broken.base.cancel_shielded_checkpoint


@mutant("CKPT-1")
def checkpoint_waits_for_one_task_only(broken: Broken) -> None:
    """One checkpoint in two does not yield, so that two of them are one turn."""
    calls: list[object] = []

    async def checkpoint() -> None:
        calls.append(None)
        if len(calls) % 2 or _is_cancelled(broken):
            await broken.base.checkpoint()

    broken.checkpoint = checkpoint


@mutant("CKPT-2")
def checkpoint_if_cancelled_yields(broken: Broken) -> None:
    """checkpoint_if_cancelled() is a full checkpoint."""
    broken.checkpoint_if_cancelled = broken.base.checkpoint


@mutant("CKPT-2")
def checkpoint_if_cancelled_does_nothing(broken: Broken) -> None:
    """checkpoint_if_cancelled() never raises."""

    async def checkpoint_if_cancelled() -> None:
        pass

    broken.checkpoint_if_cancelled = checkpoint_if_cancelled


@mutant("CKPT-3")
def shielded_checkpoint_raises(broken: Broken) -> None:
    """cancel_shielded_checkpoint() is a full checkpoint."""
    broken.cancel_shielded_checkpoint = broken.base.checkpoint


@mutant("CKPT-3")
def shielded_checkpoint_is_cancelled_meanwhile(broken: Broken) -> None:
    """A cancellation that comes while cancel_shielded_checkpoint() yields is raised."""

    async def cancel_shielded_checkpoint() -> None:
        before = _is_cancelled(broken)
        await broken.base.cancel_shielded_checkpoint()
        if not before:
            await broken.base.checkpoint_if_cancelled()

    broken.cancel_shielded_checkpoint = cancel_shielded_checkpoint


@mutant("CKPT-3")
def shielded_checkpoint_returns_when_cancelled(broken: Broken) -> None:
    """cancel_shielded_checkpoint() does not yield in a cancelled scope."""

    async def cancel_shielded_checkpoint() -> None:
        if not _is_cancelled(broken):
            await broken.base.cancel_shielded_checkpoint()

    broken.cancel_shielded_checkpoint = cancel_shielded_checkpoint


@mutant("CKPT-4")
def set_events_do_not_check(_: Broken) -> None:
    """wait() of an event that is set does not look for a cancellation."""

    async def wait(original: Any, event: Any) -> Any:
        return None if event.is_set() else await original(event)

    around(Event, "wait", wait)


@mutant("CKPT-4")
def entry_of_a_group_checks(broken: Broken) -> None:
    """Entering a task group raises in a cancelled scope."""

    async def enter(original: Any, group: Any) -> Any:
        await broken.checkpoint_if_cancelled()
        return await original(group)

    around(broken.group, "__aenter__", enter)


@mutant("CKPT-4")
def leaving_a_lock_yields(_: Broken) -> None:
    """The end of a lock's block lets others run."""
    yields_at_exit(Lock)


@mutant("CKPT-4")
def receive_takes_and_then_checks(broken: Broken) -> None:
    """receive() takes the item and then looks for a cancellation."""

    async def receive(original: Any, stream: Any) -> Any:
        try:
            item = stream.receive_nowait()
        except WouldBlock:
            return await original(stream)
        await broken.checkpoint()
        return item

    around(MemoryObjectReceiveStream, "receive", receive)


@mutant("CKPT-4")
def closing_a_stream_checks(broken: Broken) -> None:
    """aclose() of a memory stream raises in a cancelled scope."""

    async def aclose(original: Any, stream: Any) -> None:
        await broken.checkpoint_if_cancelled()
        await original(stream)

    around(MemoryObjectReceiveStream, "aclose", aclose)


@mutant("CKPT-4")
def handles_of_ended_tasks_do_not_check(broken: Broken) -> None:
    """wait() for a task that has ended does not look for a cancellation."""

    async def wait(original: Any, handle: Any) -> None:
        if not handle.finished:
            await original(handle)

    around(broken.task, "wait", wait)


@mutant("CKPT-5")
def cheap_operations_never_yield(broken: Broken) -> None:
    """checkpoint_due() is true for cancelled tasks only."""

    def checkpoint_due() -> bool:
        return _is_cancelled(broken)

    broken.checkpoint_due = checkpoint_due


@mutant("CKPT-5")
def cheap_operations_do_not_check(broken: Broken) -> None:
    """checkpoint_due() counts, and does not look for a cancellation."""
    calls: list[object] = []

    def checkpoint_due() -> bool:
        calls.append(None)
        return len(calls) % 8 == 0

    broken.checkpoint_due = checkpoint_due


@mutant("CKPT-5")
def budget_is_one_too_much(broken: Broken) -> None:
    """Without the option an operation yields once in 17."""

    def run(main: Any, args: Any, options: Any) -> Any:
        return broken.base.run(main, args, {"checkpoint_budget": 17, **options})

    broken.run = run


@mutant("CKPT-5")
def budget_is_fixed(broken: Broken) -> None:
    """The option checkpoint_budget has no effect."""

    def run(main: Any, args: Any, options: Any) -> Any:
        if options.get("checkpoint_budget") == 1:
            options = {**options, "checkpoint_budget": 16}
        return broken.base.run(main, args, options)

    broken.run = run


@mutant("CKPT-5")
def budget_may_be_zero(broken: Broken) -> None:
    """The option checkpoint_budget is not looked at."""

    def run(main: Any, args: Any, options: Any) -> Any:
        budget = options.get("checkpoint_budget", 16)
        valid = budget if isinstance(budget, int) and budget > 0 else 16
        return broken.base.run(main, args, {**options, "checkpoint_budget": valid})

    broken.run = run


@mutant("CKPT-6", "accord_conformance.model:backend")
def cancelled_start_takes_anything(broken: Broken) -> None:
    """start() looks for a cancellation before it looks at its arguments."""

    async def start(original: Any, *args: Any, **keywords: Any) -> Any:
        await broken.checkpoint_if_cancelled()
        return await original(*args, **keywords)

    around(broken.base.create_task_group, "start", start)


@mutant("CKPT-7")
def cancelled_checkpoint_raises_at_once(broken: Broken) -> None:
    """A checkpoint in a cancelled scope raises without yielding."""

    async def checkpoint_if_cancelled() -> None:
        if _is_cancelled(broken):
            raise broken.cancelled_exc_class

    async def checkpoint() -> None:
        await checkpoint_if_cancelled()
        await broken.base.checkpoint()

    broken.checkpoint, broken.checkpoint_if_cancelled = checkpoint, checkpoint_if_cancelled


@mutant("CKPT-7")
def cancelled_wait_raises_at_once(broken: Broken) -> None:
    """An operation that would have to wait raises in a cancelled scope without yielding."""

    async def park(original: Any, parker: Any) -> Any:
        if get_current_task().has_pending_cancellation() and parker.unpark(None):
            raise broken.cancelled_exc_class
        return await original(parker)

    around(broken.parker, "park", park)


@mutant("CKPT-5")
def operations_stay_on_credit(broken: Broken) -> None:
    """Operations that were told not to ask for a while are not told otherwise when something is cancelled."""
    left: WeakKeyDictionary[object, int] = WeakKeyDictionary()

    def lend(credit: object, operations: int) -> None:
        if operations or left.get(credit, 0) <= 1:
            left[credit] = operations

    replace(Credit, left=property(lambda credit: left.get(credit, 0), lend))
