"""Which tests are run, and with what."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint, current_backend


@pytest.mark.accord
async def test_marked(accord_backend_name: str) -> None:
    """Runs in a loop of the backend that the fixture names."""
    await checkpoint()
    assert current_backend().name == accord_backend_name


@pytest.mark.accord
async def test_failing() -> None:
    """Fails after a checkpoint."""
    await checkpoint()
    answer = 41
    assert answer == 42


@pytest.mark.accord
class TestClass:
    """Has the marker for all of its tests."""

    value = 0

    @pytest.fixture
    async def sets_value(self) -> AsyncGenerator[TestClass, None]:
        """Change the instance, and look at it afterwards."""
        await checkpoint()
        self.value = 1
        yield self
        assert self.value == 2

    async def test_self(self, sets_value: TestClass) -> None:
        """The fixture's instance is the test's."""
        await checkpoint()
        assert sets_value is self
        assert self.value == 1
        self.value = 2

    @pytest.mark.parametrize("number", [1, 2])
    async def test_parametrized(self, number: int) -> None:
        """Runs with each parameter."""
        await checkpoint()
        assert number in (1, 2)


@pytest.mark.accord
@pytest.mark.parametrize("func", [3])
async def test_parameter_called_func(func: int) -> None:
    """A parameter may have any name."""
    await checkpoint()
    assert func == 3


async def test_marked_late() -> None:
    """Gets its marker from a hook."""
    await checkpoint()
    assert current_backend().name


@pytest.mark.parametrize("number", [1, 2])
async def test_marked_late_with_parameters(number: int) -> None:
    """Gets its marker from a hook, and has parameters."""
    await checkpoint()
    assert number in (1, 2)


@pytest.mark.accord(options={"checkpoint_budget": 1})
async def test_options(accord_backend_options: dict[str, object]) -> None:
    """Runs with the marker's options."""
    assert accord_backend_options["checkpoint_budget"] == 1
    yields: list[None] = []

    async def count() -> None:
        while True:
            yields.append(None)
            await checkpoint()

    event = accord.Event()
    event.set()
    async with accord.create_task_group() as group:
        group.start_soon(count)
        for _ in range(30):
            await event.wait()
        group.cancel_scope.cancel()
    assert len(yields) > 20


@pytest.fixture
async def number() -> int:
    """Takes a checkpoint to find a number."""
    await checkpoint()
    return 7


@pytest.mark.accord
def test_sync_with_async_fixture(number: int) -> None:
    """Gets the value of an asynchronous fixture, and finds no loop running."""
    assert number == 7
    with pytest.raises(accord.NoEventLoopError):
        current_backend()


def test_sync_through_backend(number: int, accord_backend: Any) -> None:
    """Is as good as marked, since it asks for the backend."""
    assert number == 7
    assert accord_backend


def test_sync_unmarked(number: int) -> None:
    """Can't be given a number."""
    assert number == 7


@pytest.mark.accord
async def test_fixture_asked_for_inside(request: pytest.FixtureRequest) -> None:
    """Asks for an asynchronous fixture while the loop runs."""
    request.getfixturevalue("number")


@pytest.fixture
def through_request(request: pytest.FixtureRequest) -> int:
    """Asks for an asynchronous fixture while no loop runs."""
    value: int = request.getfixturevalue("number")
    return value


@pytest.mark.accord
async def test_fixture_asked_for_by_a_fixture(through_request: int) -> None:
    """Gets what another fixture has asked for."""
    assert through_request == 7


@pytest.mark.accord
async def test_ports(free_tcp_port: int, free_udp_port: int, free_tcp_port_factory: Any) -> None:
    """Gets ports, each once."""
    ports = {free_tcp_port, *(free_tcp_port_factory() for _ in range(20))}
    assert len(ports) == 21
    assert all(0 < port < 65536 for port in (*ports, free_udp_port))


try:
    from hypothesis import given, settings
    from hypothesis import strategies as st
except ImportError:
    pass
else:
    examples: list[int] = []

    @pytest.mark.accord
    @settings(max_examples=20, deadline=None, database=None)
    @given(number=st.integers(0, 1000))
    async def test_hypothesis(number: int) -> None:
        """Runs each example in the loop."""
        await checkpoint()
        assert current_backend().name
        examples.append(number)

    def test_hypothesis_ran() -> None:
        """Looks whether the examples were run."""
        assert len(examples) >= 20
