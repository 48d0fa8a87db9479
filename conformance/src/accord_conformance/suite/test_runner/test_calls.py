"""What a call of a runner does, and what is between two calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextvars import ContextVar
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_token
from accord.protocols import Backend
from accord.testing import Runner
from accord_conformance.helpers import in_thread, leaves, rule

variable: ContextVar[str] = ContextVar("variable", default="nothing")


@pytest.fixture
def make_runner(backend: Backend, run_options: dict[str, object]) -> Generator[Callable[..., Runner], None, None]:
    """Makes runners on the tested backend, and closes them at the end."""
    made: list[Runner] = []

    def make(**options: object) -> Runner:
        runner = Runner(backend=backend, backend_options={**run_options, **options})
        made.append(runner)
        return runner

    yield make
    for runner in made:
        runner.close()


@pytest.fixture
def runner(make_runner: Callable[..., Runner]) -> Runner:
    """A runner on the tested backend."""
    return make_runner()


async def value_of(value: Any) -> Any:
    """Return what was given, after a checkpoint."""
    await checkpoint()
    return value


@rule("RUNNER-1")
def test_outcome(runner: Runner) -> None:
    """A call returns what its function returns, and raises what it raises."""

    async def fail() -> None:
        await checkpoint()
        raise KeyError("mine")

    assert runner.run(value_of, 5) == 5
    with pytest.raises(KeyError, match="mine"):
        runner.run(fail)
    assert runner.run(value_of, 6) == 6


@rule("RUNNER-1")
def test_one_loop_and_many_tasks(runner: Runner) -> None:
    """The loop is the same for all calls; each has a root task of its own, and the calls before have ended."""

    async def look() -> tuple[object, int, int | None, int]:
        task = accord.get_current_task()
        return current_token(), task.id, task.parent_id, len(accord.get_running_tasks())

    first, second = runner.run(look), runner.run(look)
    assert first[0] is second[0]
    assert first[1] != second[1]
    assert first[2:] == second[2:] == (None, 1)


@rule("RUNNER-2")
def test_standing_still(runner: Runner) -> None:
    """A task that outlives its call does nothing until the next call, where it goes on."""
    steps: list[None] = []

    async def work() -> None:
        while True:
            steps.append(None)
            await accord.sleep(0.001)

    async def start() -> None:
        current_token().start_task(work)
        await accord.sleep(0.01)

    runner.run(start)
    before = len(steps)
    assert before
    time.sleep(0.05)
    assert len(steps) == before
    runner.run(accord.sleep, 0.01)
    assert len(steps) > before


@rule("RUNNER-3")
def test_context(runner: Runner) -> None:
    """Each call starts from what its caller sees then, and keeps what it sets for itself."""

    async def look_and_set() -> str:
        found = variable.get()
        variable.set("from a call")
        return found

    assert runner.run(look_and_set) == "nothing"
    assert runner.run(look_and_set) == "nothing"
    token = variable.set("outside")
    try:
        assert runner.run(look_and_set) == "outside"
        assert variable.get() == "outside"
    finally:
        variable.reset(token)


@rule("RUNNER-4")
def test_closing(make_runner: Callable[..., Runner]) -> None:
    """What is left is cancelled and cleans up, also with checkpoints; then the runner is of no use."""
    runner = make_runner()
    seen: list[str] = []

    async def work() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.01)
            seen.append("cleaned up")

    async def start() -> None:
        current_token().start_task(work)
        await checkpoint()

    runner.run(start)
    assert seen == []
    runner.close()
    assert seen == ["cleaned up"]
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner.run(value_of, 1)


@rule("RUNNER-5")
def test_other_loops_in_between(make_runner: Callable[..., Runner], run: Callable[..., Any]) -> None:
    """Between two calls no loop seems to run: others can be started, and runners take turns."""
    first, second = make_runner(), make_runner()
    assert [first.run(value_of, 1), second.run(value_of, 2), first.run(value_of, 3)] == [1, 2, 3]
    with pytest.raises(accord.NoEventLoopError):
        accord.lowlevel.current_backend()
    assert run(value_of, 4) == 4
    assert [second.run(value_of, 5), first.run(value_of, 6)] == [5, 6]
    first.close()
    assert second.run(value_of, 7) == 7


@rule("RUNNER-6")
def test_callback_that_fails(make_runner: Callable[..., Runner]) -> None:
    """A call is told of a callback's exception, though its own task has done well."""
    runner = make_runner()

    def fail() -> None:
        raise LookupError("of a callback")

    async def call() -> None:
        current_token().call_soon(fail)
        await accord.sleep(0.01)

    with pytest.raises(BaseException) as caught:
        runner.run(call)
    found = leaves(caught.value)
    while found and not any(isinstance(error, LookupError) for error in found):
        found = [cause for error in found if error.__cause__ is not None for cause in leaves(error.__cause__)]
    assert found, f"{caught.value!r} has not come from the callback"


@rule("RUNNER-8")
def test_options(make_runner: Callable[..., Runner], run: Callable[..., Any]) -> None:
    """Known options do what they do in a run, unknown ones are refused by name."""

    async def yields() -> int:
        turns: list[None] = []

        async def other() -> None:
            while True:
                turns.append(None)
                await checkpoint()

        async with accord.create_task_group() as group:
            group.start_soon(other)
            event = accord.Event()
            event.set()
            for _ in range(30):
                await event.wait()
            group.cancel_scope.cancel()
        return len(turns)

    for budget in (1, 1000):
        found = make_runner(checkpoint_budget=budget).run(yields)
        assert abs(found - run(yields, checkpoint_budget=budget)) < 5
    with pytest.raises(TypeError, match="no_such_option"):
        make_runner(no_such_option=1)


@rule("RUNNER-9")
def test_wrong_use(make_runner: Callable[..., Runner], run: Callable[..., Any]) -> None:
    """What is no async function, another thread and a running loop are refused, and the runner stays usable."""
    runner = make_runner()
    called: list[int] = []

    async def record() -> None:
        called.append(1)

    async def inside(act: Callable[[], object]) -> None:
        with pytest.raises(RuntimeError, match="loop"):
            act()

    number: Any = 5
    no_coroutine: Any = lambda: None  # noqa: E731 - of no type
    with pytest.raises(TypeError, match="async function"):
        runner.run(number)
    with pytest.raises(TypeError, match="async function"):
        runner.run(no_coroutine)
    with pytest.raises(RuntimeError, match="thread"):
        in_thread(lambda: runner.run(record))
    for act in (lambda: runner.run(record), make_runner, runner.close):
        run(inside, act)
        runner.run(inside, act)
    assert called == []
    assert runner.run(value_of, 5) == 5
