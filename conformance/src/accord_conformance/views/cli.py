"""The commands that turn JSON reports into other forms: ``matrix`` and ``badge``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from accord_conformance.data import DataError, ReportData, read_reports

from .badge import badge
from .junit import junit
from .markdown import markdown
from .matrix import Matrix
from .page import page

FORMS = ("markdown", "html", "junit", "json")


def add_commands(commands: Any) -> None:
    """Add them to the command line."""
    matrix = commands.add_parser("matrix", help="show reports of several backends side by side", allow_abbrev=False)
    matrix.set_defaults(command=matrix_command)
    matrix.add_argument("reports", nargs="+", type=Path, metavar="FILE", help="what 'run --json' has written")
    matrix.add_argument("--form", choices=FORMS, help="what is written (by the name of the output, else markdown)")
    matrix.add_argument("--output", type=Path, metavar="FILE", help="where to; by default it is printed")

    shield = commands.add_parser("badge", help="make the data of a badge from a report", allow_abbrev=False)
    shield.set_defaults(command=badge_command)
    shield.add_argument("report", type=Path, metavar="FILE", help="what 'run --json' has written; the first of it")
    shield.add_argument("--output", type=Path, metavar="FILE", help="where to; by default it is printed")


def matrix_command(options: argparse.Namespace) -> int:
    """Write reports side by side."""
    reports = [report for file in options.reports for report in read_reports(file)]
    by_suffix = {".md": "markdown", ".html": "html", ".xml": "junit", ".json": "json"}
    form = options.form or by_suffix.get(options.output.suffix if options.output else "", "markdown")
    _write({"markdown": _markdown, "html": _html, "junit": junit, "json": _json}[form](reports), options.output)
    return 0


def badge_command(options: argparse.Namespace) -> int:
    """Write a badge."""
    reports = read_reports(options.report)
    if not reports:
        raise DataError(f"{options.report} holds no report")
    _write(json.dumps(badge(reports[0])) + "\n", options.output)
    return 0


def _markdown(reports: list[ReportData]) -> str:
    return markdown(Matrix(reports))


def _html(reports: list[ReportData]) -> str:
    return page(Matrix(reports))


def _json(reports: list[ReportData]) -> str:
    return json.dumps(reports, indent=1) + "\n"


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
