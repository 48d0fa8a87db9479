"""Running a main function in a loop of its own, on ``asyncio.Runner``."""

from __future__ import annotations

import asyncio
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from accord.protocols import HandleStatus
from accord.toolkit import Outcome, check_budget, check_flag, check_options, task_name
from accord.toolkit.coroutines import call_for_awaitable

from .loops import state_of
from .records import TaskRecord, attach
from .signals import Interrupts, signals_wake
from .virtual import VirtualLoop

OPTIONS = ("checkpoint_budget", "debug", "loop_factory", "use_uvloop", "virtual_time")


async def _main(
    main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], budget: int, outcome: Outcome, interrupts: Interrupts
) -> None:
    task = asyncio.current_task()
    assert task is not None
    name = task_name(main)
    task.set_name(name)
    state = state_of(task.get_loop())
    state.budget = state.budget_left = budget
    record = TaskRecord(state, task.get_coro(), name, None, None)
    record.stepped = True
    attach(task, record)
    status = HandleStatus.FINISHED
    try:
        interrupts.in_main = True
        outcome.value = await call_for_awaitable(main, args)
        if record.scope is not record:
            raise RuntimeError(f"task {name!r} ended with a cancel scope or task group still open")
    except CancelledError:
        status = HandleStatus.CANCELLED
        raise
    except BaseException as exc:
        outcome.error = exc
        status = HandleStatus.FAILED
    finally:
        interrupts.in_main = False
        state.token.ending = True
        record.scope = record
        record.end(status)


def _loop_factory(options: Mapping[str, Any]) -> Callable[[], asyncio.AbstractEventLoop] | None:
    factory: Callable[[], asyncio.AbstractEventLoop] | None = options.get("loop_factory")
    use_uvloop = check_flag(options, "use_uvloop")
    if check_flag(options, "virtual_time"):
        if factory is not None or use_uvloop:
            raise ValueError("virtual_time needs accord's own event loop: leave out loop_factory and use_uvloop")
        return VirtualLoop
    if factory is not None or not use_uvloop:
        return factory
    try:
        import uvloop
    except ImportError:
        raise ImportError("the option use_uvloop needs uvloop: pip install accord-asyncio[uvloop]") from None
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new_loop


def run(main: Callable[..., Awaitable[Any]], args: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """See ``accord.protocols.Backend.run``."""
    check_options("asyncio", options, OPTIONS)
    outcome = Outcome()
    budget = check_budget(options)
    with Interrupts() as interrupts:
        runner = asyncio.Runner(debug=options.get("debug"), loop_factory=_loop_factory(options))
        state = state_of(runner.get_loop())
        try:
            with runner, signals_wake(state.loop):
                runner.run(_main(main, args, budget, outcome, interrupts))
        finally:
            state.end()
        return outcome.unwrap()
