"""Fixtures of several scopes, what they hold open, and what they undo."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextvars import ContextVar

import pytest

import accord
from accord.lowlevel import checkpoint, current_token

pytestmark = pytest.mark.accord

events: list[str] = []
tokens: set[int] = set()
by_async_fixture: ContextVar[str] = ContextVar("by_async_fixture", default="unset")
by_sync_fixture: ContextVar[str] = ContextVar("by_sync_fixture", default="unset")
by_module: ContextVar[str] = ContextVar("by_module", default="unset")


@pytest.fixture(scope="session")
async def at_session() -> AsyncGenerator[str, None]:
    """The outermost."""
    await checkpoint()
    tokens.add(id(current_token()))
    events.append("session up")
    yield "session"
    await checkpoint()
    tokens.add(id(current_token()))
    events.append("session down")


@pytest.fixture(scope="module")
async def at_module(at_session: str) -> AsyncGenerator[str, None]:
    """In between; sets a variable."""
    await checkpoint()
    tokens.add(id(current_token()))
    by_module.set("module")
    events.append("module up")
    yield f"{at_session} module"
    assert by_module.get() == "module"
    events.append("module down")


@pytest.fixture
async def at_function(at_module: str) -> AsyncGenerator[str, None]:
    """The innermost."""
    await checkpoint()
    events.append("function up")
    yield f"{at_module} function"
    await checkpoint()
    events.append("function down")


async def test_scopes(at_function: str) -> None:
    """All are set up, from the outside in, on one loop."""
    tokens.add(id(current_token()))
    assert at_function == "session module function"
    assert events == ["session up", "module up", "function up"]


async def test_scopes_again(at_function: str) -> None:
    """What has a higher scope is still there, on the same loop."""
    tokens.add(id(current_token()))
    assert at_function == "session module function"
    assert events == ["session up", "module up", "function up", "function down", "function up"]
    assert len(tokens) == 1


async def test_skipped_with_fixtures(at_function: str) -> None:
    """Ends the test by an outcome, which fixtures survive."""
    pytest.skip(at_function)


async def test_scopes_after_skip(at_function: str) -> None:
    """Still the same."""
    assert at_function
    assert events.count("session up") == events.count("module up") == 1


@pytest.fixture
async def sets_variable() -> AsyncGenerator[None, None]:
    """Set a variable for the test, and find what the test has made of it."""
    by_async_fixture.set("fixture")
    yield
    assert by_async_fixture.get() == "test"


async def test_variable_of_fixture(sets_variable: None) -> None:
    """Sees the variable, and changes it."""
    assert by_async_fixture.get() == "fixture"
    by_async_fixture.set("test")


async def test_variable_of_other_test(at_module: str) -> None:
    """Sees what the module's fixture has set, and nothing of other tests."""
    assert by_async_fixture.get() == "unset"
    assert by_module.get() == "module"
    by_module.set("test")


async def test_variable_of_module_again(at_module: str) -> None:
    """What another test did to the variable of the module's fixture is gone."""
    assert by_module.get() == "module"


@pytest.fixture
def sets_variable_in_sync(sets_variable_first: None) -> Generator[None, None, None]:
    """Set a variable in pytest's own context."""
    token = by_sync_fixture.set("sync")
    yield
    by_sync_fixture.reset(token)


@pytest.fixture
async def sets_variable_first() -> None:
    """Make the loop, before the variable is set."""
    await checkpoint()


async def test_variable_of_sync_fixture(at_module: str, sets_variable_in_sync: None) -> None:
    """Sees the variable, though the loop is older."""
    assert by_sync_fixture.get() == "sync"


async def test_variable_of_sync_fixture_after(at_module: str) -> None:
    """Does not see it any more."""
    assert by_sync_fixture.get() == "unset"


@pytest.fixture
async def open_scope() -> AsyncGenerator[accord.CancelScope, None]:
    """A scope that is open during the test."""
    with accord.CancelScope() as scope:
        yield scope


@pytest.fixture
async def task() -> int:
    """Which task runs function fixtures."""
    return accord.get_current_task().id


async def test_one_task(task: int, open_scope: accord.CancelScope) -> None:
    """The test runs in its fixtures' task, in their scopes."""
    assert accord.get_current_task().id == task
    assert accord.current_effective_deadline() == float("inf")
    open_scope.deadline = accord.current_time() + 1000
    assert accord.current_effective_deadline() == open_scope.deadline


@pytest.fixture(scope="module")
async def module_group() -> AsyncGenerator[accord.abc.TaskGroup, None]:
    """A group that is open during several tests."""
    async with accord.create_task_group() as group:
        group.cancel_scope.deadline = accord.current_time() + 2000
        yield group
        group.cancel_scope.cancel()


async def test_task_of_higher_group(module_group: accord.abc.TaskGroup) -> None:
    """The scope of a higher fixture covers the test, and a task in its group is nobody's leak."""
    assert accord.current_effective_deadline() == module_group.cancel_scope.deadline
    module_group.start_soon(accord.sleep_forever)
    await checkpoint()


async def test_group_is_still_open(module_group: accord.abc.TaskGroup) -> None:
    """The group takes further tasks."""
    module_group.start_soon(accord.sleep_forever)
