"""The pytest plugin: options, and nothing else until ``--accord-backend`` is given.

pytest loads it wherever the kit is installed, so importing it must be cheap and must not touch accord.
"""

from __future__ import annotations

import pytest

NOT_APPLICABLE = "not applicable: "
"""How the reason of a skip begins if the backend does not declare what the test needs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, all of them prefixed."""
    group = parser.getgroup("accord", "conformance of an accord backend")
    group.addoption("--accord-backend", metavar="BACKEND", help="name, or module:object, of the backend to test")
    group.addoption("--accord-variant", metavar="NAME", help="the set of run options, named by the backend, to use")
    group.addoption("--accord-area", action="append", default=[], metavar="AREA", help="only the rules of this area")
    group.addoption("--accord-rule", action="append", default=[], metavar="RULE", help="only this rule, as AREA-N")
    group.addoption("--accord-level", action="append", default=[], metavar="LEVEL", help="only the rules of this level")
    group.addoption("--accord-patience", type=float, default=20.0, metavar="S", help="seconds that a test may take")
    group.addoption("--accord-events", metavar="FILE", help="append what happens, a line of JSON for each event")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to act if a backend is given."""
    config.addinivalue_line("markers", "rule(*ids, needs=()): the rules of the specification that the test verifies")
    if config.getoption("--accord-backend") is not None:
        pytest.register_assert_rewrite("accord_conformance.helpers")
        from .runner import make_session

        config.pluginmanager.register(make_session(config), "accord-session")
