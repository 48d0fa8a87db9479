"""The run option ``schedule``."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord.protocols import Backend, HandleStatus, RunnableTask, TaskHandle, TaskStatus
from accord_conformance.helpers import rule

from .orders import Order, Run, last, names_of, run_by, steps, two_writers


@rule("SCHED-1")
def test_each_step_is_chosen(run: Run) -> None:
    """The chosen task takes the next step, and is offered again at each of its steps."""
    seen: list[str] = []
    order = Order(last)
    run_by(run, order, lambda: two_writers(seen), ignored="", checkpoint_budget=1)
    assert seen == ["b0", "b1", "b2", "a0", "a1", "a2"]
    chosen = [name for name in order.names() if name in "ab"]
    assert chosen == ["b"] * 4 + ["a"] * 4
    assert [name for name in order.names() if name not in "ab"], "the main task was never offered"


@rule("SCHED-1")
def test_all_runnable_tasks_are_offered(run: Run) -> None:
    """Tasks that were started, that yield, that were woken and whose deadline has passed stand side by side."""

    async def main() -> None:
        event = accord.Event()
        async with accord.create_task_group() as group:
            group.start_soon(event.wait, name="woken")
            group.start_soon(accord.sleep, 1, name="slept")
            await accord.sleep(1)
            group.start_soon(yields, name="yields")
            await checkpoint()
            event.set()
            group.start_soon(checkpoint, name="started")

    async def yields() -> None:
        for _ in range(3):
            await checkpoint()

    kinds = {"woken", "slept", "yields", "started"}
    begun: list[None] = []

    def prefer(tasks: Sequence[RunnableTask]) -> int:
        # The main task goes first, once those that it finds have begun to wait, and the others have to stay.
        names = names_of(tasks)
        if not begun and not kinds & set(names):
            return 0
        if names.count("yields") and not begun:
            begun.append(None)
            return names.index("yields")
        return next((index for index, name in enumerate(names) if name not in kinds), 0)

    order = Order(prefer)
    run_by(run, order, main)
    assert all(order.asked)
    assert any(kinds <= set(names_of(tasks)) for tasks in order.asked), [names_of(tasks) for tasks in order.asked]


@rule("SCHED-1")
def test_time_is_simulated(run: Run) -> None:
    """Time jumps in a run with a schedule."""
    assert run_by(run, Order(), lambda: accord.sleep(3600)) is None


@rule("SCHED-1")
@pytest.mark.parametrize("wrong", [1, "random", object()])
def test_wrong_schedules(run: Run, wrong: object) -> None:
    """What has no method ``choose`` is refused."""
    run_by(run, Order(), checkpoint)

    with pytest.raises(TypeError, match="schedule"):
        run(checkpoint, schedule=wrong)


@rule("SCHED-1")
def test_real_time_is_refused(run: Run) -> None:
    """A schedule and real time don't go together."""

    async def main() -> None:
        pass

    run_by(run, Order(), main)
    with pytest.raises((ValueError, TypeError), match="virtual_time"):
        run(main, schedule=Order(), virtual_time=False)


@rule("SCHED-1")
def test_runners_refuse_it(run: Run, backend: Backend, run_options: dict[str, object]) -> None:
    """A runner, whose loop serves many calls, takes no schedule."""
    run_by(run, Order(), checkpoint)
    assert backend.testing is not None
    with pytest.raises(ValueError, match="schedule"):
        backend.testing.create_runner({**run_options, "schedule": Order()})


@rule("SCHED-2")
def test_arrival(run: Run) -> None:
    """The task that has been runnable for longest comes first, so that the first is always the next in turn."""
    seen: list[str] = []
    order = Order()
    run_by(run, order, lambda: two_writers(seen), checkpoint_budget=1)
    assert seen == ["a0", "b0", "a1", "b1", "a2", "b2"]
    waiting: list[str] = []
    for tasks, chosen in zip(order.asked, order.chosen, strict=True):
        names = names_of(tasks)
        kept = [name for name in waiting if name in names]
        assert names[: len(kept)] == kept, "a task that waited for its turn has lost its place"
        waiting = [name for name in names if name != chosen.name]


@rule("SCHED-2")
def test_who_is_left_behind_comes_first(run: Run) -> None:
    """A task that was not chosen stands before those that became runnable after it."""
    places: list[int] = []

    def leave_behind(tasks: Sequence[RunnableTask]) -> int:
        names = names_of(tasks)
        if "a" in names and len(names) > 1 and len(places) < 4:
            places.append(names.index("a"))
            return 1
        return 0

    run_by(run, Order(leave_behind), lambda: two_writers([], 6), checkpoint_budget=1)
    assert places == [0] * 4


@rule("SCHED-3")
def test_callbacks_keep_their_order(run: Run) -> None:
    """Callbacks run in their order, before the second step after them, whatever is chosen."""
    called: list[int] = []
    behind: list[int] = []
    random = Random(5)

    async def caller(token: Any) -> None:
        for _ in range(10):
            begun = len(behind)
            behind.append(0)
            for _ in range(3):
                token.call_soon(called.append, len(called_for))
                called_for.append(begun)
            await checkpoint()

    called_for: list[int] = []

    async def main() -> None:
        async with accord.create_task_group() as group:
            for _ in range(3):
                group.start_soon(caller, current_token())

    order = Order(lambda tasks: random.randrange(len(tasks)))
    run_by(run, order, main)
    assert called == list(range(90))


@rule("SCHED-3")
def test_callbacks_wait_for_one_step(run: Run) -> None:
    """A callback comes between two steps, however long a task goes on."""
    events: list[str] = []

    async def main() -> None:
        current_token().call_soon(events.append, "callback")
        for _ in range(20):
            events.append("step")
            await checkpoint()

    order = Order()
    run_by(run, order, main)
    assert events.index("callback") <= 2
    assert len(order.asked) >= 20
    assert all(task.coro is not None for tasks in order.asked for task in tasks)


@rule("SCHED-4")
def test_handles(run: Run) -> None:
    """Tasks of groups are offered with their handles, also before they begin; the main task is not."""
    handles: list[TaskHandle[Any]] = []

    async def main() -> None:
        async with accord.create_task_group() as group:
            handles.append(group.start_soon(steps, "a", 2, list[str](), name="a"))
            handles.append(group.create_task(steps("b", 2, list[str]()), name="b"))

    order = Order()
    run_by(run, order, main, checkpoint_budget=1)
    for task in order.chosen:
        if task.name in "ab":
            assert task.handle is handles["ab".index(task.name)]
            assert task.coro is handles["ab".index(task.name)].coro
        else:
            assert task.handle is None
    assert {"a", "b"} <= set(order.names())


@rule("SCHED-4")
def test_handle_of_a_started_task(run: Run) -> None:
    """A task that is being started is offered without its handle, and with it afterwards."""
    started: list[TaskHandle[Any]] = []

    async def service(*, task_status: TaskStatus[int]) -> None:
        await checkpoint()
        task_status.started(1)
        for _ in range(3):
            await checkpoint()

    async def main() -> None:
        async with accord.create_task_group() as group:
            started.append(await group.start(service, name="service", return_handle=True))

    order = Order()
    run_by(run, order, main, checkpoint_budget=1)
    handles = [task.handle for task in order.chosen if task.name == "service"]
    assert handles[:2] == [None, None]
    assert handles[2:]
    assert all(handle is started[0] for handle in handles[2:])


@rule("SCHED-4")
@pytest.mark.parametrize("when", ["new", "yields", "waits"])
def test_cancelling(run: Run, when: str) -> None:
    """A task is cancelled through its handle, which nobody else holds, in any state."""
    ended: list[str] = []
    known: dict[str, TaskHandle[Any]] = {}

    async def victim() -> None:
        try:
            ended.append("began")
            await (checkpoint() if when == "yields" else accord.sleep_forever())
            ended.append("went on")
        except accord.get_cancelled_exc_class():
            ended.append("cancelled")
            raise

    async def other() -> None:
        for _ in range(5):
            await checkpoint()

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(victim, name="victim")
            group.start_soon(other, name="other")

    def choose(tasks: Sequence[RunnableTask]) -> int:
        names = names_of(tasks)
        for task in tasks:
            if task.name == "victim" and task.handle is not None:
                known["victim"] = task.handle
        begun = bool(ended)
        blocked = begun and "victim" not in names
        if "victim" in known and {"new": not begun, "yields": begun, "waits": blocked}[when]:
            known.pop("victim").cancel("for a test")
        # The victim begins only when that is wanted, and never goes on before it is cancelled.
        return len(tasks) - 1 if "victim" in names and "other" in names and when == "new" else 0

    run_by(run, Order(choose), main, checkpoint_budget=1)
    assert ended == ["began", "cancelled"] or (when == "new" and ended == [])


@rule("SCHED-4")
def test_status_of_a_cancelled_task(run: Run) -> None:
    """Who holds the handle sees the cancellation as after any other."""
    seen: list[HandleStatus] = []

    def choose(tasks: Sequence[RunnableTask]) -> int:
        for task in tasks:
            if task.name == "victim" and task.handle is not None:
                task.handle.cancel()
        return 0

    async def main() -> None:
        async with accord.create_task_group() as group:
            handle = group.start_soon(accord.sleep_forever, name="victim")
            await handle.wait()
            seen.append(handle.status)

    run_by(run, Order(choose), main)
    assert seen == [HandleStatus.CANCELLED]
