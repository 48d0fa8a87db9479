"""Running a main function with ``trio.run``."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import trio

from accord.protocols import HandleStatus
from accord.toolkit import check_options, exit_exception, task_name
from accord.toolkit.coroutines import call_for_awaitable

from .groups import leave_scopes
from .loops import DEFAULT_BUDGET, current_state
from .records import TaskRecord, attach, detach

_TRIO_OPTIONS = [
    parameter.name
    for parameter in inspect.signature(trio.run).parameters.values()
    if parameter.kind is inspect.Parameter.KEYWORD_ONLY
]


class _Outcome:
    """What became of main."""

    __slots__ = ("error", "value")

    def __init__(self) -> None:
        self.value: Any = None
        self.error: BaseException | None = None


async def _main(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], budget: int, outcome: _Outcome) -> None:
    state = current_state()
    state.budget = state.budget_left = budget
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


def _budget(options: Mapping[str, object]) -> int:
    budget = options.get("checkpoint_budget", DEFAULT_BUDGET)
    if isinstance(budget, bool) or not isinstance(budget, int):
        raise TypeError(f"checkpoint_budget must be an int, not {type(budget).__name__}")
    if budget < 1:
        raise ValueError(f"checkpoint_budget must be at least 1, got {budget}")
    return budget


def run(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """See ``accord.protocols.Backend.run``."""
    check_options("trio", options, ["checkpoint_budget", *_TRIO_OPTIONS])
    native = {name: value for name, value in options.items() if name != "checkpoint_budget"}
    outcome = _Outcome()
    trio.run(_main, main, args, _budget(options), outcome, **native)
    if outcome.error is not None:
        try:
            raise exit_exception(outcome.error)
        finally:
            del outcome
    return outcome.value
