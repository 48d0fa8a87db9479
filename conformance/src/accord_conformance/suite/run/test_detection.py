"""Which backend and which loop run here: detection, tokens, run variables, calls without a loop."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

import accord
from accord.lowlevel import LoopToken, RunVar, current_backend, current_token
from accord.protocols import Backend
from accord_conformance.helpers import in_thread, rule, settle

Run = Callable[..., Any]


@rule("RUN-10")
async def test_backend_in_task(backend: Backend) -> None:
    """In a task the running backend is found, before and after a checkpoint and in a child."""
    found: list[Backend] = []

    async def child() -> None:
        await accord.lowlevel.checkpoint()
        found.append(current_backend())

    found.append(current_backend())
    await accord.sleep(0.001)
    found.append(current_backend())
    async with accord.create_task_group() as group:
        group.start_soon(child)
    assert all(item is backend for item in found)


@rule("RUN-10")
async def test_backend_in_callback(backend: Backend) -> None:
    """In a callback the running backend is found as well."""
    found: list[Backend] = []
    done = accord.Event()

    def callback() -> None:
        found.append(current_backend())
        done.set()

    current_token().call_soon(callback)
    await done.wait()
    assert found[0] is backend


@rule("RUN-10")
def test_backend_outside(run: Run) -> None:
    """Before and after a run none is found."""
    with pytest.raises(accord.NoEventLoopError):
        current_backend()
    run(accord.sleep, 0)
    with pytest.raises(accord.NoEventLoopError):
        current_backend()


@rule("RUN-10")
async def test_backend_in_other_thread() -> None:
    """In a thread beside the loop none is found."""

    def look() -> str:
        try:
            return current_backend().name
        except accord.NoEventLoopError:
            return "none"

    assert in_thread(look) == "none"


@rule("RUN-10")
def test_backend_started_without_run(backend: Backend) -> None:
    """The backend is found in a loop that ``accord.run`` did not start, by asking the backend itself."""
    seen: list[object] = []

    async def main() -> None:
        seen.append(backend.is_running_here())
        current_token().call_soon(lambda: seen.append(backend.is_running_here()))
        await accord.sleep(0.01)
        await accord.lowlevel.checkpoint()
        seen.append(in_thread(backend.is_running_here))

    assert not backend.is_running_here()
    accord.run(main, backend=backend)
    assert not backend.is_running_here()
    assert [bool(item) for item in seen] == [True, True, False]


@rule("RUN-11")
async def test_cancelled_class(backend: Backend) -> None:
    """The class is that of the exceptions that checkpoints raise, and takes in no others."""
    expected = accord.get_cancelled_exc_class()
    assert expected is backend.cancelled_exc_class
    assert issubclass(expected, BaseException)
    assert not issubclass(expected, Exception)
    assert not any(issubclass(other, expected) for other in (Exception, GeneratorExit, KeyboardInterrupt, SystemExit))
    raised: list[BaseException] = []
    with accord.CancelScope() as scope:
        scope.cancel()
        try:
            await accord.lowlevel.checkpoint()
        except BaseException as error:
            raised.append(error)
            raise
    assert isinstance(raised[0], expected)


@rule("RUN-11", "RUN-17")
def test_cancelled_class_outside() -> None:
    """Outside a loop there is no such class."""
    with pytest.raises(accord.NoEventLoopError):
        accord.get_cancelled_exc_class()


@rule("RUN-12")
async def test_token_is_one_object() -> None:
    """The token is the same in every task and callback, hashable, and can be referenced weakly."""
    tokens = [current_token()]
    done = accord.Event()

    async def child() -> None:
        tokens.append(current_token())

    def callback() -> None:
        tokens.append(current_token())
        done.set()

    async with accord.create_task_group() as group:
        group.start_soon(child)
    current_token().call_soon(callback)
    await done.wait()
    assert all(token is tokens[0] for token in tokens)
    assert {tokens[0]: 1}[tokens[1]] == 1
    assert weakref.ref(tokens[0])() is tokens[0]
    assert tokens[0].backend_name == current_backend().name


@rule("RUN-12", "RUN-8")
def test_token_of_each_run(run: Run) -> None:
    """Each run has a token of its own, and a finished run is not kept alive by anything but its token's users."""

    async def main() -> Any:
        return current_token()

    first, second = run(main), run(main)
    assert first is not second
    assert first != second
    reference = weakref.ref(first)
    del first
    gc.collect()
    assert reference() is None


@rule("RUN-8", "RUN-10")
def test_two_threads_at_once(run: Run) -> None:
    """Two runs in two threads do not disturb each other."""
    tokens: list[LoopToken] = []

    async def inner() -> None:
        tokens.append(current_token())
        await accord.sleep(0.02)
        assert current_token() is tokens[1]

    async def main() -> None:
        tokens.append(current_token())
        in_thread(lambda: run(inner))
        assert current_token() is tokens[0]
        await accord.sleep(0.001)

    run(main)
    assert tokens[0] is not tokens[1]


@rule("RUN-16")
def test_run_variable(run: Run) -> None:
    """A value that was set in one run is not there in the next."""
    variable: RunVar[str] = RunVar("variable")

    async def main(value: str) -> str:
        with pytest.raises(LookupError, match="variable"):
            variable.get()
        assert variable.get("fallback") == "fallback"
        variable.set(value)

        async def child() -> None:
            assert variable.get() == value
            variable.set(value + "!")

        async with accord.create_task_group() as group:
            group.start_soon(child)
        return variable.get()

    assert run(main, "one") == "one!"
    assert run(main, "two") == "two!"


@rule("RUN-16")
def test_run_variable_in_concurrent_runs(run: Run) -> None:
    """A value that was set in one run is not there in one that runs at the same time in another thread."""
    variable = RunVar("variable", "default")

    async def inner() -> str:
        before = variable.get()
        variable.set("inner")
        return before

    async def main() -> None:
        variable.set("outer")
        assert in_thread(lambda: run(inner)) == "default"
        assert variable.get() == "outer"

    run(main)


@rule("RUN-16")
async def test_run_variable_reset() -> None:
    """``reset`` restores the former value, or that there was none, and takes each token once."""
    variable: RunVar[int] = RunVar("variable")
    other: RunVar[int] = RunVar("other")
    first = variable.set(1)
    second = variable.set(2)
    with pytest.raises(ValueError, match="other"):
        other.reset(second)
    variable.reset(second)
    assert variable.get() == 1
    with pytest.raises(RuntimeError):
        variable.reset(second)
    variable.reset(first)
    with pytest.raises(LookupError):
        variable.get()


@rule("RUN-16")
def test_run_variable_reset_in_another_run(run: Run) -> None:
    """A token of another run is refused."""
    variable: RunVar[int] = RunVar("variable")

    async def first() -> Any:
        return variable.set(1)

    async def second(token: Any) -> None:
        with pytest.raises(ValueError, match="variable"):
            variable.reset(token)

    run(second, run(first))


CALLS: list[Callable[[], object]] = [
    accord.current_time,
    accord.current_effective_deadline,
    accord.create_task_group,
    accord.CancelScope,
    accord.get_current_task,
    accord.get_running_tasks,
    current_token,
    current_backend,
    lambda: accord.move_on_after(1),
    lambda: accord.fail_after(1),
    lambda: RunVar("variable").get(),
    accord.lowlevel.create_parker,
    accord.lowlevel.checkpoint_due,
]

AWAITED: list[Callable[[], Awaitable[object]]] = [
    lambda: accord.sleep(0),
    lambda: accord.sleep(1),
    lambda: accord.sleep_until(1),
    accord.sleep_forever,
    accord.wait_all_tasks_blocked,
    accord.lowlevel.checkpoint,
    accord.lowlevel.checkpoint_if_cancelled,
    accord.lowlevel.cancel_shielded_checkpoint,
]


@rule("RUN-17")
@pytest.mark.parametrize("call", CALLS)
def test_call_outside_a_loop(call: Callable[[], object]) -> None:
    """A call that needs a loop says so, and names the installed backends."""
    with pytest.raises(accord.NoEventLoopError, match="no event loop is running") as caught:
        call()
    for name in accord.get_all_backends():
        assert name in str(caught.value)


@rule("RUN-17")
@pytest.mark.parametrize("call", AWAITED)
def test_await_outside_a_loop(call: Callable[[], Awaitable[object]]) -> None:
    """An asynchronous function that is driven by hand, without a loop, says so."""
    with pytest.raises(accord.NoEventLoopError, match="no event loop is running"):
        call().__await__().send(None)


@rule("RUN-10", "RUN-17")
async def test_settles_in_every_loop() -> None:
    """The suite's own helper works: other tasks have run until they wait."""
    events: list[int] = []

    async def child() -> None:
        for number in range(3):
            await accord.lowlevel.checkpoint()
            events.append(number)
        await accord.sleep_forever()

    async with accord.create_task_group() as group:
        group.start_soon(child)
        await settle()
        assert events == [0, 1, 2]
        group.cancel()
