"""The pytest plugin: asynchronous tests and fixtures, run on every backend (area PLUGIN, ``docs/testing.md``).

pytest loads this module wherever accord is installed. So it only says what there is; what runs tests is imported when
the first test asks for it.

- ``choices``: which backends there are, and what a test says about them.
- ``collecting``: which tests and fixtures are accord's.
- ``levels``: the tasks in which fixtures and tests run; above the waist, in the loop.
- ``stages``: these tasks as pytest sees them, from outside of the loop.
- ``running``: the hooks that connect the two.
- ``outcomes``: what pytest is told of errors.
- ``ports``: free ports.
"""

from __future__ import annotations

from collections.abc import Iterator
from socket import SOCK_DGRAM, SOCK_STREAM
from typing import TYPE_CHECKING, Any

import pytest

from . import collecting
from .choices import explain, load
from .names import BACKEND, EXPLORE, MARKER
from .ports import FreePortFactory

if TYPE_CHECKING:
    from .running import Running

__all__ = ["FreePortFactory"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("accord", "asynchronous tests on accord's backends")
    group.addoption(
        "--accord-mode",
        choices=("strict", "auto"),
        help="strict: only tests with the marker accord are run; auto: every coroutine test (ini: accord_mode)",
    )
    group.addoption(
        "--accord-backend",
        action="append",
        metavar="NAME[:VARIANT]",
        help="run tests on this backend, or module:object, instead of all that are installed; may be repeated",
    )
    parser.addini("accord_mode", "strict (the default) or auto: which coroutine tests accord runs", default="strict")
    parser.addini("accord_backends", "the backends to test on, as for --accord-backend", type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Describe the markers, and look whether another plugin wants all coroutine tests too."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(backends=None, virtual_time=False, options=None): run the test on accord's backends; see the "
        "documentation of accord",
    )
    config.addinivalue_line(
        "markers",
        f"{EXPLORE}(schedules=100, seed=None, inject_cancellation=False, ...): run the test under many schedules, as "
        "accord.testing.explore does",
    )
    config.pluginmanager.register(collecting.Collecting(config), "accord-collecting")
    config.pluginmanager.register(_Setup(), "accord-setup")


class _Setup:
    """Has what runs tests imported when the first test is about to run that needs it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Look whether the test uses a backend."""
        if BACKEND in getattr(item, "fixturenames", ()):
            _running(item.config)


def _running(config: pytest.Config) -> Running:
    found: Running | None = config.pluginmanager.get_plugin("accord-running")
    if found is None:
        from .running import Running

        found = Running()
        config.pluginmanager.register(found, "accord-running")
    return found


@pytest.fixture(scope="session")
def accord_backend(request: pytest.FixtureRequest) -> Any:
    """The backend of the test: a name, ``name:variant``, a backend object, or one of these with a dict of options.

    Override it, with ``params`` and a scope, to choose backends for a module or a package.
    """
    try:
        return request.param
    except AttributeError:
        raise pytest.UsageError(
            "accord_backend has no parameter here: request it in a test or a fixture, and not by getfixturevalue()"
        ) from None


@pytest.fixture
def accord_backend_name(accord_backend: Any) -> str:
    """The name of the backend that runs the test, such as ``asyncio``."""
    return load(accord_backend)[0].name


@pytest.fixture
def accord_backend_options(accord_backend: Any) -> dict[str, object]:
    """The options of the run that the test is in."""
    return dict(load(accord_backend)[1])


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest, accord_backend: Any) -> Any:
    """The clock of the test's loop, which is simulated: ``accord.testing.VirtualClock``."""
    return _running(request.config).clock_of(accord_backend)


@pytest.fixture
def accord_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have the test fail if it leaves threads, file descriptors or tasks behind."""
    from ..testing import check_leaks

    if BACKEND in request.fixturenames:
        _running(request.config).warm_up(request.getfixturevalue(BACKEND))
    with check_leaks():
        yield


@pytest.fixture(scope="session")
def free_tcp_port_factory() -> FreePortFactory:
    """Return another free TCP port at each call."""
    return FreePortFactory(SOCK_STREAM)


@pytest.fixture(scope="session")
def free_udp_port_factory() -> FreePortFactory:
    """Return another free UDP port at each call."""
    return FreePortFactory(SOCK_DGRAM)


@pytest.fixture
def free_tcp_port(free_tcp_port_factory: FreePortFactory) -> int:
    """A TCP port that was free a moment ago."""
    return free_tcp_port_factory()


@pytest.fixture
def free_udp_port(free_udp_port_factory: FreePortFactory) -> int:
    """A UDP port that was free a moment ago."""
    return free_udp_port_factory()


def pytest_report_header(config: pytest.Config) -> Iterator[str]:
    """Say which backends were chosen, if they were."""
    chosen = explain(config)
    if chosen:
        yield f"accord: {chosen}"
