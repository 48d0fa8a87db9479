"""Running a main function with ``trio.run``."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import trio

from accord.protocols import HandleStatus
from accord.toolkit import Outcome, check_budget, check_flag, check_options, task_name
from accord.toolkit.coroutines import call_for_awaitable

from .groups import leave_scopes
from .loops import current_state
from .records import TaskRecord, attach, detach

if TYPE_CHECKING:
    from .virtual import VirtualClock

_TRIO_OPTIONS = [
    parameter.name
    for parameter in inspect.signature(trio.run).parameters.values()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


_OWN_OPTIONS = ("checkpoint_budget", "virtual_time")


async def _main(
    main: Callable[..., Awaitable[Any]],
    args: tuple[Any, ...],
    budget: int,
    clock: VirtualClock | None,
    outcome: Outcome,
) -> None:
    state = current_state()
    state.budget = state.budget_left = budget
    if clock is not None:
        state.token.clock = clock
        trio.lowlevel.spawn_system_task(clock.drive)
    name = task_name(main)
    task = trio.lowlevel.current_task()
    record = TaskRecord(state, task.coro, name, None, None)
    attach(record)
    status = HandleStatus.FINISHED
    try:
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


def run(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """See ``accord.protocols.Backend.run``."""
    check_options("trio", options, [*_OWN_OPTIONS, *_TRIO_OPTIONS])
    native = {name: value for name, value in options.items() if name not in _OWN_OPTIONS}
    clock: VirtualClock | None = None
    if check_flag(options, "virtual_time"):
        if "clock" in native:
            raise ValueError("virtual_time brings its own clock: leave out the option clock")
        # Imported here: trio.testing is no part of an ordinary run.
        from .virtual import VirtualClock

        clock = VirtualClock()
        native["clock"] = clock.native
    outcome = Outcome()
    trio.run(_main, main, args, check_budget(options), clock, outcome, **native)
    return outcome.unwrap()
