"""A backend that watches."""

from __future__ import annotations

import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from math import inf, nan
from typing import Any

import pytest

import accord
from accord.debug import DebugWarning, watched
from accord.protocols import Backend
from accord_conformance.helpers import PATIENCE, leaves, rule, untestable

Main = Callable[[], Awaitable[object]]


def _warned(backend: Backend, main: Main, slow_step: float | None = None) -> list[str]:
    """Run a program on the watched backend, and return what it was warned of."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        accord.run(main, backend=watched(backend, slow_step=slow_step))
    return [str(warning.message) for warning in found if issubclass(warning.category, DebugWarning)]


def _needs_coroutines(backend: Backend) -> None:
    """End the test if the backend's tasks don't tell their coroutines."""

    async def main() -> bool:
        return hasattr(accord.get_current_task(), "coro")

    if not accord.run(main, backend=backend):
        untestable("the TaskInfo of this backend does not tell the coroutine")


async def _swallow() -> None:
    try:
        await accord.sleep_forever()
    except accord.get_cancelled_exc_class():
        pass


@rule("DEBUG-5")
def test_is_the_same(backend: Backend) -> None:
    """Name, version, capabilities and variants are the backend's; programs run as they do on it."""
    subject = watched(backend)
    for member in ("name", "version", "spec_version", "capabilities", "variants", "cancelled_exc_class"):
        assert getattr(subject, member) == getattr(backend, member)

    async def main(number: int) -> tuple[int, str, Backend]:
        with accord.move_on_after(0.01) as scope:
            await accord.sleep_forever()
        assert scope.cancelled_caught
        async with accord.create_task_group(name="mine") as group:
            send, receive = accord.create_memory_object_stream[int](0)
            group.start_soon(send.send, number)
            number += await receive.receive()
            assert await group.start(_starts) == "ready"
        send.close()
        receive.close()
        return number, accord.get_current_task().name, accord.lowlevel.current_backend()

    number, name, running = accord.run(main, 21, backend=subject)
    assert number == 42
    assert name.endswith("test_is_the_same.<locals>.main")
    assert running is subject
    with pytest.raises(TypeError, match="async function"):
        accord.run(main(1), backend=subject)  # type: ignore[arg-type]


async def _starts(*, task_status: accord.TaskStatus[str]) -> None:
    task_status.started("ready")


@rule("DEBUG-5")
def test_arguments_are_checked(backend: Backend) -> None:
    """A wrong threshold or backend is refused."""
    for value in (0, -1, inf, nan):
        with pytest.raises(ValueError, match="slow_step"):
            watched(backend, slow_step=value)
    for wrong in ("1", True):
        with pytest.raises(TypeError, match="slow_step"):
            watched(backend, slow_step=wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no backend"):
        watched(object())  # type: ignore[arg-type]
    with pytest.raises(accord.BackendNotFound):
        watched("no such backend")


async def _goes_on() -> None:
    await _swallow()
    await accord.sleep(0)


async def _ends() -> None:
    await _swallow()


async def _replaces() -> None:
    try:
        try:
            await accord.Event().wait()
        finally:
            raise KeyError("in place of the cancellation")
    except KeyError:
        pass
    await accord.lowlevel.checkpoint()


@rule("DEBUG-6")
@pytest.mark.parametrize("program", [_goes_on, _ends, _replaces])
def test_swallowed_in_a_task(backend: Backend, program: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """A task that goes on or ends as if nothing had happened is named, once, with the line."""
    if program is _ends:
        _needs_coroutines(backend)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(program, name="the stubborn one")
            await accord.sleep(0.01)
            group.cancel()

    (text,) = _warned(backend, main)
    assert "'the stubborn one' has swallowed the cancellation" in text
    assert "test_watching.py" in text


@rule("DEBUG-6")
@pytest.mark.parametrize("kind", ["scope", "group", "group's body"])
def test_swallowed_in_a_block(backend: Backend, kind: str) -> None:
    """A scope, or a group, that is left without an error though a cancellation was raised in it."""

    async def main() -> None:
        if kind == "scope":
            with accord.move_on_after(0.01):
                await _swallow()
        elif kind == "group":
            async with accord.create_task_group() as group:
                group.cancel_scope.deadline = accord.current_time() + 0.01
                await _swallow()
        else:
            with accord.move_on_after(0.01):
                async with accord.create_task_group():
                    await _swallow()

    (text,) = _warned(backend, main)
    assert "has swallowed the cancellation" in text


@rule("DEBUG-6")
def test_nothing_swallowed(backend: Backend) -> None:
    """Timeouts that are caught, and tasks that clean up however they like, are none."""

    async def clean_up() -> None:
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.01)
            with accord.move_on_after(0.01, shield=True):
                await accord.sleep_forever()
            await accord.lowlevel.cancel_shielded_checkpoint()
            await accord.sleep(0)

    async def raises_again() -> None:
        try:
            await accord.Event().wait()
        except accord.get_cancelled_exc_class():
            await accord.lowlevel.cancel_shielded_checkpoint()
            raise

    async def unshielded() -> None:
        try:
            await accord.Event().wait()
        finally:
            await accord.sleep(0)

    async def main() -> None:
        with accord.move_on_after(0.01):
            await accord.sleep_forever()
        await accord.sleep(0)
        with pytest.raises(TimeoutError), accord.fail_after(0.01):
            await accord.sleep_forever()
        await accord.sleep(0)
        with accord.move_on_after(0.01):
            async with accord.create_task_group() as group:
                group.start_soon(clean_up)
                group.start_soon(raises_again)
                group.start_soon(unshielded)
        with accord.move_on_after(0.01):
            async with AsyncExitStack() as stack:  # which catches, to raise later
                stack.push_async_callback(accord.lowlevel.checkpoint)
                stack.push_async_callback(accord.sleep_forever)
        async with accord.create_task_group() as group:
            handle = group.start_soon(clean_up)
            await accord.sleep(0.01)
            handle.cancel()
        with accord.CancelScope() as outer, accord.CancelScope() as inner:
            outer.cancel()
            await accord.sleep(0)
        assert outer.cancelled_caught
        assert not inner.cancelled_caught
        await accord.race(accord.sleep(0), accord.sleep_forever())
        await accord.sleep(0)

    assert _warned(backend, main) == []


def _block() -> None:
    time.sleep(0.5)


async def _slow() -> None:
    _block()


@rule("DEBUG-7")
def test_slow_step(backend: Backend) -> None:
    """A step that takes much longer than the threshold is reported once, with its task and its line."""
    _needs_coroutines(backend)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(_slow, name="the slow one")

    (text,) = _warned(backend, main, slow_step=0.05)
    assert "'the slow one'" in text
    assert "_block" in text
    assert "test_watching.py" in text


@rule("DEBUG-7")
def test_slow_main_and_callback(backend: Backend) -> None:
    """The main task and callbacks are watched too."""
    _needs_coroutines(backend)

    async def main() -> None:
        _block()
        await accord.sleep(0.01)
        done = accord.Event()

        def callback() -> None:
            _block()
            done.set()

        accord.lowlevel.current_token().call_soon(callback)
        await done.wait()

    first, second = _warned(backend, main, slow_step=0.05)
    assert "test_slow_main_and_callback.<locals>.main" in first
    assert "callback" in second


@rule("DEBUG-7")
def test_no_slow_step(backend: Backend) -> None:
    """Waiting is not running, nor are many short steps one long; without a threshold nothing is reported."""

    async def step() -> None:
        for _ in range(15):
            time.sleep(0.01)
            await accord.sleep(0)

    async def main() -> None:
        await accord.sleep(0.5)
        async with accord.create_task_group() as group:
            for _ in range(5):
                group.start_soon(step)

    assert _warned(backend, main, slow_step=0.3) == []

    async def slow() -> None:
        _block()

    assert _warned(backend, slow) == []


@rule("DEBUG-7")
def test_reported_while_it_lasts(backend: Backend) -> None:
    """The warning does not wait for the end of the step."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")

        async def main() -> None:
            gives_up_at = time.monotonic() + PATIENCE
            while not found and time.monotonic() < gives_up_at:
                time.sleep(0.01)
            assert found

        accord.run(main, backend=watched(backend, slow_step=0.05))


@rule("DEBUG-8")
def test_where_it_was_entered(backend: Backend) -> None:
    """The error for a scope that is left in a foreign task says where it was entered."""
    notes: list[str] = []

    async def main() -> None:
        scope = accord.CancelScope()

        async def enter() -> None:
            scope.__enter__()
            await accord.sleep(0.05)

        async def leave() -> None:
            await accord.sleep(0.01)
            try:
                scope.__exit__(None, None, None)
            except RuntimeError as error:
                notes.extend(error.__notes__)

        async with accord.create_task_group() as group:
            group.start_soon(enter, name="the one that enters")
            group.start_soon(leave)

    with pytest.raises(ExceptionGroup) as caught:
        accord.run(main, backend=watched(backend))
    assert all(isinstance(leaf, RuntimeError) for leaf in leaves(caught.value))
    (note,) = notes
    assert "'the one that enters'" in note
    assert "test_watching.py" in note
    assert "enter" in note


@rule("DEBUG-8")
def test_wrong_order(backend: Backend) -> None:
    """So does the one for a scope that is left before an inner one."""
    notes: list[str] = []

    async def main() -> None:
        outer = accord.CancelScope()
        outer.__enter__()
        with accord.CancelScope():
            try:
                outer.__exit__(None, None, None)
            except RuntimeError as error:
                notes.extend(error.__notes__)
        outer.__exit__(None, None, None)

    accord.run(main, backend=watched(backend))
    (note,) = notes
    assert "test_wrong_order" in note
