"""The command ``bench``: which runtimes are measured, and the report."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..loader import ENTRY_POINTS, load_backend
from . import table
from .contenders import NATIVE
from .worker import chosen

ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "4194304", "MALLOC_TRIM_THRESHOLD_": "16777216"}
"""Keeps the C allocator in one state; without this, native code alone differs by a factor of two between processes."""


def add_command(commands: Any) -> None:
    """Add ``bench`` to the sub-parsers of a command line."""
    describe(commands.add_parser("bench", help="measure a backend against native code and AnyIO", description=__doc__))


def describe(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.set_defaults(command=bench_command)
    parser.add_argument("backend", nargs="?", help="an installed backend or module:object; default: all installed")
    parser.add_argument("--variant", help="use this set of run options, which the backend names")
    parser.add_argument("--against", choices=sorted(NATIVE), help="compare with this runtime (default: by name)")
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="TEXT",
        help="only operations with this in their name; can be given several times",
    )
    parser.add_argument("--quick", action="store_true", help="short blocks and few rounds: a look, no proof")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write all figures, a JSON list with one list a runtime"
    )


def bench_command(options: argparse.Namespace) -> int:
    """Measure, print a table for each runtime, and return 1 if an operation could not be done."""
    for text in options.filter:
        if not chosen([text]):
            print(f"error: no operation is called {text!r}", file=sys.stderr)
            return 2
    reports: list[list[dict[str, Any]]] = []
    for backend, variant in runtimes(options.backend, options.variant):
        runtime = options.against or variant or load_backend(backend).name
        records: list[dict[str, Any]] = []
        reports.append(records)
        job = {"backend": backend, "variant": variant, "runtime": runtime}
        for record in _measurements({**job, "quick": options.quick, "filter": options.filter}):
            records.append(record)
            line = {"runtime": table.heading, "row": table.row_line}.get(record["kind"], table.extra_line)
            if record["kind"] not in ("runtime", "row") and records[-2]["kind"] == "row":
                print()
            print(line(record), flush=True)
        print("", table.summary(records), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(reports, indent=2) + "\n")
    return int(
        any(table.verdict(record) == "failed" for records in reports for record in records if "errors" in record)
    )


def runtimes(backend: str | None, variant: str | None) -> list[tuple[str, str | None]]:
    """Return the pairs of backend and variant: what was asked for, or all installed ones that have peers."""
    if backend is not None:
        return [(backend, variant)]
    found: list[tuple[str, str | None]] = []
    for name in sorted({point.name for point in entry_points(group=ENTRY_POINTS)}):
        found.append((name, variant))
        if variant is None:
            found.extend((name, other) for other in load_backend(name).variants if other in NATIVE)
    return found


def _measurements(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Start a worker and yield what it finds, as it finds it."""
    command = [sys.executable, "-m", f"{__package__}.worker", json.dumps(job)]
    environment = {**os.environ, **ENVIRONMENT}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"the measurement of {job['runtime']} ended with status {process.returncode}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command by itself."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.bench", description=__doc__)
    describe(parser)
    options = parser.parse_args(arguments)
    return bench_command(options)
