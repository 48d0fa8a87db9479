"""The samples' ``conftest.py``, as a plugin: else pytest would load it wherever it collects the suite.

Writes what pytest reports of each test to the file that the environment names, as a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Have the process end even if a test hangs and whoever runs it is gone, and take Ctrl-C as in a terminal."""
    signal.alarm(40)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Write one report."""
    line: dict[str, object] = {
        "test": report.nodeid,
        "when": report.when,
        "outcome": report.outcome,
        "text": report.longreprtext,
    }
    line["wasxfail"] = hasattr(report, "wasxfail")
    with Path(os.environ["SAMPLE_REPORTS"]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests after they were collected."""
    for item in items:
        if "marked_late" in item.name:
            item.add_marker(pytest.mark.accord)
