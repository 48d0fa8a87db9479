"""What goes wrong in fixtures and tests; most of these tests fail, as they should."""

from __future__ import annotations

import unittest
from collections.abc import AsyncGenerator
from typing import NoReturn

import pytest

import accord
from accord.abc import TaskGroup
from accord.lowlevel import checkpoint, current_token

pytestmark = pytest.mark.accord


@pytest.fixture
async def failing_background() -> AsyncGenerator[None, None]:
    """A task of it fails during the test."""

    async def fail() -> NoReturn:
        await accord.sleep(0.01)
        raise LookupError("in the background")

    async with accord.create_task_group() as group:
        group.start_soon(fail)
        yield


async def test_background_failure(failing_background: None) -> None:
    """Waits for longer than the fixture's task lives."""
    await accord.sleep(60)


setups: list[str] = []


@pytest.fixture(scope="module")
async def failing_module(accord_backend_name: str) -> AsyncGenerator[accord.Event, None]:
    """A task of it fails when the event is set."""
    event = accord.Event()
    setups.append(accord_backend_name)

    async def fail() -> NoReturn:
        await event.wait()
        raise LookupError("in the module's background")

    async with accord.create_task_group() as group:
        group.start_soon(fail)
        yield event
        group.cancel_scope.cancel()


@pytest.fixture(scope="module")
def accord_backend_name(accord_backend: object) -> str:
    """As the plugin's, for a higher scope."""
    return str(accord_backend)


async def test_module_background_failure(failing_module: accord.Event) -> None:
    """Has the task of a higher fixture fail."""
    failing_module.set()
    await accord.sleep(60)


async def test_module_set_up_again(failing_module: accord.Event) -> None:
    """Gets a new fixture, since the other has ended."""
    assert not failing_module.is_set()
    assert len(setups) == 2


@pytest.fixture
async def scope() -> AsyncGenerator[accord.CancelScope, None]:
    """A scope that is open during the test."""
    with accord.CancelScope() as scope:
        yield scope


@pytest.fixture
async def inner(scope: accord.CancelScope) -> AsyncGenerator[None, None]:
    """Cleans up with a checkpoint."""
    yield
    await checkpoint()


async def test_scope_cancelled_at_the_end(scope: accord.CancelScope, inner: None) -> None:
    """Cancels its fixture's scope, and does nothing more."""
    scope.cancel()


async def test_scope_cancelled_in_the_middle(scope: accord.CancelScope, inner: None) -> None:
    """Cancels its fixture's scope, and waits."""
    scope.cancel()
    await accord.sleep(60)


async def test_after_cancelled_scopes(scope: accord.CancelScope, inner: None) -> None:
    """Is not concerned."""
    assert not scope.cancel_called
    await checkpoint()


async def test_open_scope() -> None:
    """Leaves a scope open."""
    accord.CancelScope().__enter__()


async def test_open_group() -> None:
    """Leaves a group open, with a task."""
    group = await accord.create_task_group().__aenter__()
    group.start_soon(accord.sleep_forever)


async def test_background_task() -> None:
    """Leaves a task running."""
    current_token().start_task(accord.sleep_forever)


async def test_after_leaks() -> None:
    """Is not concerned."""
    await checkpoint()


@pytest.fixture
async def failing_teardown() -> AsyncGenerator[None, None]:
    """Fails when it is undone."""
    yield
    await checkpoint()
    raise OSError("when it was undone")


async def test_both_fail(failing_teardown: None) -> None:
    """Fails before its fixture does."""
    raise ValueError("in the test")


async def run_in_child(child: object) -> None:
    """Call something in a task of a group in a task of a group."""

    async def call() -> None:
        await checkpoint()
        assert callable(child)
        child()

    async def call_in_group() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(call)

    async with accord.create_task_group() as group:
        group.start_soon(call_in_group)


async def test_skip_in_child() -> None:
    """Skips."""
    await run_in_child(lambda: pytest.skip("from a child"))


async def test_unittest_skip_in_child() -> None:
    """Skips as unittest does."""

    def skip() -> NoReturn:
        raise unittest.SkipTest("from a child")

    await run_in_child(skip)


async def test_fail_in_child() -> None:
    """Fails."""
    await run_in_child(lambda: pytest.fail("from a child"))


async def test_xfail_in_child() -> None:
    """Fails, as expected."""
    await run_in_child(lambda: pytest.xfail("from a child"))


async def test_two_outcomes() -> None:
    """Skips in one task and fails in another."""

    async def skip() -> NoReturn:
        pytest.skip("from one child")

    async def fail() -> NoReturn:
        raise ValueError("from another child")

    async with accord.create_task_group() as group:
        group.start_soon(skip)
        group.start_soon(fail)


@pytest.mark.xfail(raises=ExceptionGroup, strict=True)
async def test_xfail_of_a_group() -> None:
    """Is expected to fail with a group, and does, whatever is shown of it."""

    async def fail() -> NoReturn:
        raise ValueError("alone")

    async with accord.create_task_group() as group:
        group.start_soon(fail)


async def fail_alone(group: TaskGroup) -> None:
    """Fail in a task of a group."""

    async def fail() -> NoReturn:
        answer = 41
        raise ValueError(f"alone with {answer}")

    group.start_soon(fail)


async def test_lonely_error() -> None:
    """Fails by one error in a group."""
    async with accord.create_task_group() as group:
        await fail_alone(group)
