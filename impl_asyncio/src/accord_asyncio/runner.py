"""Running a main function in a loop of its own, on ``asyncio.Runner``."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from accord.protocols import HandleStatus
from accord.toolkit import (
    Outcome,
    check_budget,
    check_flag,
    check_options,
    check_schedule,
    check_virtual_time,
    lending,
    task_name,
)
from accord.toolkit.coroutines import call_for_awaitable

from .loops import LoopState, current_time, state_of
from .parking import checkpoint_due, checkpoint_if_cancelled
from .records import TaskRecord, attach
from .signals import Interrupts, signals_wake

OPTIONS = ("checkpoint_budget", "debug", "loop_factory", "schedule", "use_uvloop", "virtual_time")

LENT: dict[str, object] = {
    "checkpoint_due": checkpoint_due,
    "checkpoint_if_cancelled": checkpoint_if_cancelled,
    "current_time": current_time,
}
"""The members that need not be asked by operations on credit."""


async def root_task(
    main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], outcome: Outcome, interrupts: Interrupts
) -> None:
    """Run ``main(*args)`` as the root task that runs this coroutine; its value or error is in ``outcome``."""
    task = asyncio.current_task()
    assert task is not None
    name = task_name(main)
    task.set_name(name)
    state = state_of(task.get_loop())
    record = TaskRecord(state, task.get_coro(), name, None, None)
    record.stepped = True
    attach(task, record)
    clock = state.token.clock
    if clock is not None:
        clock.on_deadlock = partial(record.cancel, "deadlock")
    status = HandleStatus.FINISHED
    try:
        interrupts.in_main = True
        outcome.value = await call_for_awaitable(main, args)
        if record.scope is not record:
            raise RuntimeError(f"task {name!r} ended with a cancel scope or task group still open")
    except CancelledError:
        status = HandleStatus.CANCELLED
        if clock is None or clock.deadlock is None:
            raise
    except BaseException as exc:
        outcome.error = exc
        status = HandleStatus.FAILED
    finally:
        interrupts.in_main = False
        record.scope = record
        record.end(status)
        if clock is not None:
            clock.take_deadlock(outcome)


async def _main(
    main: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...],
    state: LoopState,
    outcome: Outcome,
    interrupts: Interrupts,
) -> None:
    try:
        await root_task(main, args, outcome, interrupts)
    finally:
        state.token.ending = True


def _loop_factory(options: Mapping[str, Any]) -> Callable[[], asyncio.AbstractEventLoop] | None:
    factory: Callable[[], asyncio.AbstractEventLoop] | None = options.get("loop_factory")
    use_uvloop = check_flag(options, "use_uvloop")
    schedule = check_schedule(options)
    clock = check_virtual_time(options)
    if clock is not None:
        if factory is not None or use_uvloop:
            name = "virtual_time" if schedule is None else "schedule"
            raise ValueError(f"{name} needs accord's own event loop: leave out loop_factory and use_uvloop")
        if schedule is not None:
            from .exploring import ScheduledLoop

            return partial(ScheduledLoop, schedule, clock)
        from .virtual import VirtualLoop  # not sooner: it is no part of an ordinary run

        return partial(VirtualLoop, clock)
    if factory is not None or not use_uvloop:
        return factory
    try:
        import uvloop
    except ImportError:
        raise ImportError("the option use_uvloop needs uvloop: pip install accord-asyncio[uvloop]") from None
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new_loop


def make_runner(options: Mapping[str, Any]) -> asyncio.Runner:
    """Return a new ``asyncio.Runner`` with the loop that the options ask for."""
    return asyncio.Runner(debug=options.get("debug"), loop_factory=_loop_factory(options))


def run(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """See ``accord.protocols.Backend.run``."""
    check_options("asyncio", options, OPTIONS)
    outcome = Outcome()
    budget = check_budget(options)
    with Interrupts() as interrupts:
        runner = make_runner(options)
        state = state_of(runner.get_loop())
        state.budget = state.budget_left = budget
        try:
            with lending(state.credit, **LENT), runner, signals_wake(state.loop):
                runner.run(_main(main, args, state, outcome, interrupts))
        finally:
            state.end()
        return outcome.unwrap()
