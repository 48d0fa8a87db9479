"""The form of a report as data: what the JSON files hold, and the only thing that tables, pages and badges are made of.

``report.schema.json`` says the same for programs in other languages.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict, TypeGuard

SCHEMA = 1
"""The version of this form; it changes when a reader would have to."""

OUTCOMES = ("passed", "failed", "known", "not run", "not applicable", "untested")
"""What can be said of a rule. ``known``: it fails, and the backend's author says why."""


class BackendData(TypedDict):
    """The backend that was tested."""

    name: str
    version: str
    spec_version: str
    capabilities: list[str]


class TestData(TypedDict):
    """One test of a rule."""

    id: str
    about: str
    outcome: str
    duration: float
    message: str


class KnownData(TypedDict):
    """What the backend's author says about a failure."""

    reason: str
    link: str


class RuleData(TypedDict):
    """One rule."""

    id: str
    level: str
    capability: str
    since: str
    draft: bool
    """Newer than the specification that the backend declares: reported, and not counted."""
    summary: str
    check: str
    outcome: str
    known: KnownData | None
    untested_because: str
    duration: float
    tests: list[TestData]


class ReportData(TypedDict):
    """The results of one backend in one variant."""

    schema: int
    suite: str
    spec: str
    """The specification that the suite tests."""
    created: str
    """When the run ended, in UTC, as ISO 8601."""
    backend: BackendData
    variant: str | None
    python: str
    platform: str
    exit_status: int
    problem: str
    """Why there is no verdict; empty if there is one."""
    areas: dict[str, str]
    """The titles of the areas, in the order of the specification."""
    rules: list[RuleData]


class DataError(Exception):
    """A file holds no report."""


def _is_list(found: Any) -> TypeGuard[list[Any]]:
    # A plain isinstance leaves one type checker with a list of an unknown type, and a cast offends the other.
    return isinstance(found, list)


def _is_object(found: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(found, dict)


def read_reports(file: Path) -> list[ReportData]:
    """Return the reports of a JSON file, which holds a list with one for each variant."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{file} is no JSON file: {error}") from error
    if not _is_list(found):
        raise DataError(f"{file} holds no list of reports")
    for report in found:
        if not _is_object(report) or report.get("schema") != SCHEMA:
            raise DataError(f"{file} holds something that is no report of schema {SCHEMA}")
        if missing := sorted(ReportData.__required_keys__ - report.keys()):
            raise DataError(f"{file} holds a report without {', '.join(missing)}")
    return found


def subject(report: ReportData) -> str:
    """Return what a report is about, in a few words."""
    name = f"{report['backend']['name']} {report['backend']['version']}"
    return f"{name} ({report['variant']})" if report["variant"] else name
