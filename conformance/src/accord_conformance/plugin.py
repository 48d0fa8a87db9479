"""The pytest plugin: options, and nothing else until ``--conformance-backend`` is given.

pytest loads it wherever the kit is installed, so importing it must be cheap and must not touch accord.
"""

from __future__ import annotations

import pytest

NOT_APPLICABLE = "not applicable: "
"""How the reason of a skip begins if the backend does not declare what the test needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of them prefixed."""
    group = parser.getgroup("accord-conformance", "conformance of an accord backend")
    group.addoption("--conformance-backend", metavar="BACKEND", help="name, or module:object, of the backend to test")
    group.addoption("--conformance-variant", metavar="NAME", help="the backend's set of run options to use")
    group.addoption("--conformance-area", action="append", default=[], metavar="AREA", help="only this area's rules")
    group.addoption("--conformance-rule", action="append", default=[], metavar="RULE", help="only this rule, as AREA-N")
    group.addoption("--conformance-level", action="append", default=[], metavar="LEVEL", help="only this level's rules")
    group.addoption("--conformance-patience", type=float, default=20.0, metavar="S", help="seconds a test may take")
    group.addoption("--conformance-virtual-time", action="store_true", help="run the tests in simulated time")
    group.addoption("--conformance-through-plugin", action="store_true", help="run async tests by accord's own plugin")
    group.addoption("--conformance-events", metavar="FILE", help="append what happens, a line of JSON for each event")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to act if a backend is given."""
    config.addinivalue_line("markers", "rule(*ids, needs=()): the rules of the specification that the test verifies")
    if config.getoption("--conformance-backend") is not None:
        pytest.register_assert_rewrite("accord_conformance.helpers")
        from .runner import make_session

        config.pluginmanager.register(make_session(config), "accord-conformance-session")
