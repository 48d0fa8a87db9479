"""Running a main function with ``trio.run``."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import trio

from accord.protocols import HandleStatus
from accord.toolkit import Outcome, check_budget, check_options, check_schedule, check_virtual_time, task_name
from accord.toolkit.coroutines import call_for_awaitable

from .groups import leave_scopes
from .loops import LoopState, current_state
from .records import TaskRecord, attach, detach

if TYPE_CHECKING:
    from .virtual import Driver

_TRIO_OPTIONS = [
    parameter.name
    for parameter in inspect.signature(trio.run).parameters.values()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


_OWN_OPTIONS = ("checkpoint_budget", "schedule", "virtual_time")


async def root_task(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], outcome: Outcome) -> None:
    """Run ``main(*args)`` as the root task that runs this coroutine; its value or error is in ``outcome``."""
    name = task_name(main)
    task = trio.lowlevel.current_task()
    state = current_state()
    record = TaskRecord(state, task.coro, name, None, None)
    attach(record)
    status = HandleStatus.FINISHED
    try:
        with nullcontext() if state.token.driver is None else state.token.driver.ending_deadlocks(record, outcome):
            try:
                outcome.value = await call_for_awaitable(main, args)
            finally:
                left_open = leave_scopes(record)
            if left_open:
                raise RuntimeError(f"task {name!r} ended with a cancel scope or task group still open")
    except trio.Cancelled:
        status = HandleStatus.CANCELLED
        raise
    except BaseException as exc:
        outcome.error = exc
        status = HandleStatus.FAILED
    finally:
        detach(task)
        record.end(status)


def prepare_loop(budget: int, driver: Driver | None) -> LoopState:
    """Give the run that this task is in its options."""
    state = current_state()
    state.budget = state.budget_left = budget
    if driver is not None:
        state.token.driver = driver
        trio.lowlevel.spawn_system_task(driver.drive)
    return state


async def _main(
    main: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...],
    budget: int,
    driver: Driver | None,
    outcome: Outcome,
) -> None:
    prepare_loop(budget, driver)
    await root_task(main, args, outcome)


def native_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], Driver | None]:
    """Return the options that are Trio's, and what moves simulated time, if that was asked for."""
    check_options("trio", options, [*_OWN_OPTIONS, *_TRIO_OPTIONS])
    native = {name: value for name, value in options.items() if name not in _OWN_OPTIONS}
    clock = check_virtual_time(options)
    if clock is None:
        return native, None
    if "clock" in native:
        raise ValueError("virtual_time brings its own clock: leave out the option clock")
    clock.check_free()
    # Imported here: trio.testing is no part of an ordinary run.
    from .virtual import Driver

    driver = Driver(clock)
    native["clock"] = driver
    native["instruments"] = [*native.get("instruments", ()), driver]
    return native, driver


def run(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """See ``accord.protocols.Backend.run``."""
    native, clock = native_options(options)
    schedule = check_schedule(options)
    outcome = Outcome()
    if schedule is None:
        trio.run(_main, main, args, check_budget(options), clock, outcome, **native)
    else:
        from .exploring import scheduled  # no part of an ordinary run

        with scheduled(schedule):
            trio.run(_main, main, args, check_budget(options), clock, outcome, **native)
    return outcome.unwrap()
