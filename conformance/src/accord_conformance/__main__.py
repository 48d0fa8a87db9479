"""The command ``accord-conformance``: tests a backend, says what is wrong with it, and writes reports."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from .bench.cli import add_command as add_bench
from .catalog import compare_with_manifest, files_of, tests_of
from .data import DataError, ReportData
from .known import KnownError, read_known
from .loader import LoadError, load_backend, load_options
from .report import EXIT_CONFORMANT, EXIT_UNUSABLE, EXIT_VIOLATION, Report
from .rules import LEVELS, RulesError, load_rules
from .session import run_suite
from .statics.cli import add_command as add_types
from .terminal import failures, table, verdict
from .views.cli import add_commands as add_views

MARKS = {"passed": ".", "failed": "F", "not applicable": "n", "untested": "u"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command and return the exit status."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.command(options)
    except (DataError, KnownError, LoadError, RulesError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return status


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    parser = argparse.ArgumentParser(prog="accord-conformance", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the suite on a backend", allow_abbrev=False)
    run.set_defaults(command=run_command)
    run.add_argument("backend", help="the name of an installed backend, or module:object")
    run.add_argument("--area", action="append", default=[], help="only the rules of this area, such as LOCK")
    run.add_argument("--rule", action="append", default=[], help="only this rule, such as LOCK-3")
    run.add_argument("--level", action="append", default=[], choices=LEVELS, help="only the rules of this level")
    variants = run.add_mutually_exclusive_group()
    variants.add_argument("--variant", help="use this set of run options, which the backend names")
    variants.add_argument("--all-variants", action="store_true", help="run without options, then in each variant")
    run.add_argument("--through-plugin", action="store_true", help="have accord's pytest plugin run the async tests")
    run.add_argument("--virtual-time", action="store_true", help="add the run option virtual_time")
    run.add_argument("-x", dest="stop", action="store_true", help="stop at the first failure")
    run.add_argument("-k", dest="keyword", metavar="EXPRESSION", help="only tests whose names match, as in pytest")
    run.add_argument("--jobs", type=positive, default=1, metavar="N", help="use so many processes at a time (1)")
    run.add_argument("--patience", type=float, default=20.0, metavar="SECONDS", help="how long a test may take (20)")
    run.add_argument("--known", type=Path, metavar="FILE", help="failures that are known, with reasons: a TOML file")
    run.add_argument(
        "--json", type=Path, metavar="FILE", help="write the results, a JSON list with one object a variant"
    )

    listing = commands.add_parser("list", help="list the rules", allow_abbrev=False)
    listing.set_defaults(command=list_command)
    listing.add_argument("--area", action="append", default=[])
    listing.add_argument("--level", action="append", default=[], choices=LEVELS)

    explain = commands.add_parser("explain", help="print a rule, its reason and its tests", allow_abbrev=False)
    explain.set_defaults(command=explain_command)
    explain.add_argument("rule")

    add_types(commands)
    add_views(commands)
    add_bench(commands)
    return parser


def positive(text: str) -> int:
    """Return a number of the command line that must be at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def run_command(options: argparse.Namespace) -> int:
    """Run the suite, print the report of each variant, and return the worst exit status."""
    book = load_rules()
    rules = book.select(set(options.area), set(options.rule), set(options.level))
    known = {} if options.known is None else read_known(options.known, book)
    backend = load_backend(options.backend)
    variants: list[str | None] = [None, *backend.variants] if options.all_variants else [options.variant]
    reports: list[ReportData] = []
    for variant in variants:
        load_options(backend, variant)
        passed_on = [f"--conformance-backend={options.backend}", f"--conformance-patience={options.patience}"]
        for name in ("area", "rule", "level"):
            passed_on += [f"--conformance-{name}={item}" for item in getattr(options, name)]
        passed_on += [f"--conformance-variant={variant}"] if variant is not None else []
        passed_on += ["-k", options.keyword] if options.keyword else []
        passed_on += ["--conformance-virtual-time"] if options.virtual_time else []
        passed_on += ["-p", "accord.pytest_plugin", "--conformance-through-plugin"] if options.through_plugin else []
        run = run_suite(
            passed_on,
            stop_at_failure=options.stop,
            progress=show_progress,
            files=files_of(rule.id for rule in rules),
            jobs=options.jobs,
        )
        if not options.keyword and not run.problem:
            run.problem = compare_with_manifest(run.tests, (rule.id for rule in rules))
        report = Report.make(backend, variant, book, rules, run, known).as_data()
        reports.append(report)
        print("\n", *failures(report), *table(report), sep="\n")
        if report["problem"]:
            print("\nThere is no verdict:", report["problem"], sep="\n")
        print(f"\n{verdict(report)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(reports, indent=1), encoding="utf-8")
    statuses = {report["exit_status"] for report in reports}
    return EXIT_VIOLATION if EXIT_VIOLATION in statuses else max(statuses, default=EXIT_CONFORMANT)


def show_progress(outcome: str) -> None:
    """Print a sign for a test that ended."""
    print(MARKS[outcome], end="", flush=True)


def list_command(options: argparse.Namespace) -> int:
    """Print one line for each rule."""
    for rule in load_rules().select(set(options.area), set(), set(options.level)):
        print(f"{rule.id:<12}{rule.level:<8}{rule.capability:<11}{rule.summary}")
    return EXIT_CONFORMANT


def explain_command(options: argparse.Namespace) -> int:
    """Print all that is known about a rule."""
    [rule] = load_rules().select(set(), {options.rule})
    print(f"{rule.id} ({rule.level}, {rule.capability}, since {rule.since}; {rule.file}:{rule.line})\n\n{rule.text}\n")
    print(f"Why: {rule.why}\n\nCheck: {rule.check}")
    if rule.untested:
        print(f"\nUntested: {rule.untested}")
    tests = list(tests_of(rule.id))
    if tests:
        print("\nTests:", *(f"  {test.file}:{test.line} {test.name}\n    {test.about}" for test in tests), sep="\n")
    return EXIT_CONFORMANT


if __name__ == "__main__":
    sys.exit(main())
