"""Mutants of parkers."""

from __future__ import annotations

from typing import Any

import accord_conformance.model
from accord import get_current_task

from .making import Broken, around, mutant, replace
from .waiting import needs_a_task

MODEL = "accord_conformance.model:backend"
BOTH = ("park", "park_shielded")
model: Any = accord_conformance.model


@mutant("PARK-1")
def false_values_are_none(broken: Broken) -> None:
    """A value that is false is not returned."""

    async def park(original: Any, parker: Any) -> Any:
        return await original(parker) or None

    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-1")
def exceptions_are_raised(broken: Broken) -> None:
    """A value that is an exception is raised."""

    async def park(original: Any, parker: Any) -> Any:
        value = await original(parker)
        if isinstance(value, BaseException):
            raise value
        return value

    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-1")
def unpark_is_for_tasks_only(broken: Broken) -> None:
    """unpark() fails in a callback."""
    needs_a_task(broken.parker, "unpark")


@mutant("PARK-2")
def unpark_says_yes_to_the_cancelled(broken: Broken) -> None:
    """unpark() of a task whose wait was cancelled returns True."""
    unparked: set[Any] = set()

    def unpark(original: Any, parker: Any, value: Any) -> bool:
        first = parker not in unparked
        unparked.add(parker)
        return bool(original(parker, value)) or first

    around(broken.parker, "unpark", unpark)


@mutant("PARK-2")
def park_raises_what_was_promised(broken: Broken) -> None:
    """park() raises if the task is cancelled when it runs, though unpark() has returned True."""

    async def park(original: Any, parker: Any) -> Any:
        value = await original(parker)
        await broken.checkpoint_if_cancelled()
        return value

    around(broken.parker, "park", park)


@mutant("PARK-3")
def early_news_are_lost(broken: Broken) -> None:
    """park() waits although unpark() was called before."""

    async def park(original: Any, parker: Any) -> Any:
        parker.__init__()
        return await original(parker)

    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-3")
def early_news_yield(broken: Broken) -> None:
    """park() is a checkpoint also if unpark() was called before."""

    async def park(original: Any, parker: Any) -> Any:
        if parker.woken:
            await broken.cancel_shielded_checkpoint()
        return await original(parker)

    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-3")
def early_news_do_not_count_when_cancelled(broken: Broken) -> None:
    """park() in a cancelled scope raises although unpark() was called before."""

    async def park(original: Any, parker: Any) -> Any:
        await broken.checkpoint_if_cancelled()
        return await original(parker)

    around(broken.parker, "park", park)


@mutant("PARK-4")
def last_unpark_wins(broken: Broken) -> None:
    """A second unpark() replaces the value of the first."""
    values: dict[Any, Any] = {}

    def unpark(original: Any, parker: Any, value: Any) -> Any:
        values[parker] = value
        return original(parker, value)

    async def park(original: Any, parker: Any) -> Any:
        await original(parker)
        return values[parker]

    around(broken.parker, "unpark", unpark)
    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-4")
def second_unpark_says_yes(broken: Broken) -> None:
    """unpark() of a task that was woken returns True until the task runs."""
    given: set[Any] = set()

    def unpark(original: Any, parker: Any, value: Any) -> bool:
        if original(parker, value):
            given.add(parker)
        return parker in given

    async def park(original: Any, parker: Any) -> Any:
        try:
            return await original(parker)
        finally:
            given.discard(parker)

    around(broken.parker, "unpark", unpark)
    for name in BOTH:
        around(broken.parker, name, park)


@mutant("PARK-5")
def cancelled_parker_takes_values_while_it_yields(broken: Broken) -> None:
    """park() in a cancelled scope yields before it decides."""

    async def park(original: Any, parker: Any) -> Any:
        if get_current_task().has_pending_cancellation():
            await broken.cancel_shielded_checkpoint()
        return await original(parker)

    around(broken.parker, "park", park)


@mutant("PARK-5")
def park_ignores_the_cancelled_scope(broken: Broken) -> None:
    """park() in a scope that is cancelled already waits."""

    async def park(original: Any, parker: Any) -> Any:
        cancelled = get_current_task().has_pending_cancellation()
        return await (parker.park_shielded() if cancelled else original(parker))

    around(broken.parker, "park", park)


@mutant("PARK-6")
def cancellation_beats_unpark(broken: Broken) -> None:
    """A task that is cancelled after it was unparked, and before it runs, raises."""

    async def park(original: Any, parker: Any) -> Any:
        early = parker.woken
        value = await original(parker)
        if not early:
            await broken.checkpoint_if_cancelled()
        return value

    around(broken.parker, "park", park)


@mutant("PARK-6")
def unpark_beats_cancellation(broken: Broken) -> None:
    """A task that is unparked after it was cancelled, and before it runs, returns the value."""
    waiting: dict[Any, list[Any]] = {}

    def unpark(original: Any, parker: Any, value: Any) -> bool:
        woken: bool = original(parker, value)
        if woken:
            waiting.pop(parker, None)
        elif waiting.get(parker) == []:
            waiting[parker].append(value)
            return True
        return woken

    async def park(original: Any, parker: Any) -> Any:
        waiting[parker] = []
        try:
            return await original(parker)
        except broken.cancelled_exc_class:
            if waiting.get(parker):
                return waiting[parker][0]
            raise
        finally:
            waiting.pop(parker, None)

    around(broken.parker, "unpark", unpark)
    around(broken.parker, "park", park)


@mutant("PARK-7")
def shielded_wait_is_interrupted(broken: Broken) -> None:
    """park_shielded() is park()."""

    async def park_shielded(parker: Any) -> Any:
        return await parker.park()

    replace(broken.parker, park_shielded=park_shielded)


@mutant("PARK-7")
def shielded_wait_raises_at_its_end(broken: Broken) -> None:
    """park_shielded() waits on, and then raises the cancellation instead of returning the value."""

    async def park_shielded(original: Any, parker: Any) -> Any:
        value = await original(parker)
        await broken.checkpoint_if_cancelled()
        return value

    around(broken.parker, "park_shielded", park_shielded)


@mutant("PARK-8", MODEL)
def unpark_runs_the_waiter(_: Broken) -> None:
    """unpark() lets the waiter take its next step before it returns."""

    def unpark(original: Any, parker: Any, value: Any, woken: bool = True) -> bool:
        loop = model._here.loop
        ready = list(loop.ready)
        answer: bool = original(parker, value, woken)
        if woken and answer and len(loop.ready) > len(ready):
            task = loop.ready.pop()
            caller, loop.current = loop.current, task
            try:
                task.context.run(task.coro.send, None)
            except StopIteration as stop:
                task.end(stop.value, None)
            except BaseException as exc:
                task.end(None, exc)
            finally:
                loop.current = caller
        return answer

    around(model._Parker, "unpark", unpark)


@mutant("PARK-11")
def deadlines_do_not_interrupt(broken: Broken) -> None:
    """A deadline that passes while a task is parked counts only when the task runs again."""
    state = broken.in_run(lambda: broken.base.current_task().state.__class__)

    def expire(original: Any, loop: Any, now: float) -> None:
        try:
            broken.base.current_task()
        except RuntimeError:
            return
        original(loop, now)

    around(state, "expire", expire)


@mutant("PARK-11")
def deadline_takes_what_was_delivered(broken: Broken) -> None:
    """park() looks at the clock before it returns the value, and raises if the deadline has passed."""

    async def park(original: Any, parker: Any) -> Any:
        value = await original(parker)
        task: Any = get_current_task()
        cancelled = task.scope._effective
        if not cancelled and task.has_pending_cancellation():
            await broken.checkpoint()
        return value

    around(broken.parker, "park", park)
