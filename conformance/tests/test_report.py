"""Tests of what follows from the outcomes of tests."""

from __future__ import annotations

from typing import Any

import pytest
from broken_backends import good

from accord_conformance.known import Known
from accord_conformance.report import Report, RuleResult
from accord_conformance.rules import Rule, RuleBook
from accord_conformance.session import SuiteRun, TestResult
from accord_conformance.terminal import failures, table, verdict


def make_rule(rule_id: str, level: str = "MUST") -> Rule:
    """A rule for a report."""
    return Rule(rule_id, level, "core", "0.1", f"It {level} work.", "Because.", "That.", "", "a.md", 1)


def make_report(problem: str = "", **outcomes: tuple[str, list[str]]) -> Report:
    """A report on rules, each with a level and the outcomes of its tests."""
    results = []
    for area, (level, ends) in outcomes.items():
        rule = make_rule(f"{area}-1", level)
        tests = [TestResult(f"t{number}.py::test", (rule.id,), "It works.", end) for number, end in enumerate(ends)]
        results.append(RuleResult(rule, tests))
    backend: Any = good
    return Report(backend, None, results, {"A": "the first area"}, "0.1", problem)


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (["passed", "passed"], "passed"),
        (["passed", "failed"], "failed"),
        (["passed", "not run"], "not run"),
        (["not run", "failed"], "failed"),
        (["passed", "not applicable", "untested"], "passed"),
        (["not applicable", "untested"], "not applicable"),
        (["untested"], "untested"),
        ([], "untested"),
    ],
)
def test_outcome_of_a_rule(ends: list[str], outcome: str) -> None:
    """One failure counts more than anything, and a rule without an answer is not passed."""
    assert make_report(A=("MUST", ends)).results[0].outcome == outcome


@pytest.mark.parametrize(
    ("problem", "level", "ends", "status"),
    [
        ("", "MUST", ["passed"], 0),
        ("", "MUST", ["failed"], 1),
        ("", "SHOULD", ["failed"], 0),
        ("", "MAY", ["failed"], 0),
        ("", "MUST", ["not applicable"], 5),
        ("", "MUST", [], 5),
        ("broken off", "MUST", ["passed"], 2),
        ("broken off", "MUST", ["failed"], 1),
    ],
)
def test_exit_status(problem: str, level: str, ends: list[str], status: int) -> None:
    """The exit status follows from the MUST rules, and from whether the suite ran at all."""
    report = make_report(problem, A=(level, ends))
    assert report.exit_status == status
    assert report.as_data()["exit_status"] == status


def test_table() -> None:
    """The table counts rules by area and level."""
    report = make_report(
        A=("MUST", ["passed"]), B=("SHOULD", ["failed"]), C=("MUST", ["not applicable"]), D=("MAY", [])
    )
    heading, *lines = table(report.as_data())
    assert heading.split() == ["area", "MUST", "SHOULD", "MAY", "failed", "known", "n/a", "untested"]
    assert [line.split()[-7:] for line in lines] == [
        ["1/1", "-", "-", "0", "0", "0", "0"],
        ["-", "0/1", "-", "1", "0", "0", "0"],
        ["-", "-", "-", "0", "0", "1", "0"],
        ["-", "-", "-", "0", "0", "0", "1"],
        ["1/1", "0/1", "-", "1", "0", "1", "1"],
    ]
    assert lines[0].startswith("A (the first area)")


def test_failures_are_explained_once() -> None:
    """A test that names two rules is printed once, with both."""
    rules = [make_rule("A-1"), make_rule("A-2")]
    test = TestResult("t.py::test", ("A-1", "A-2"), "It works.", "failed", "E  it does not\nE  at all")
    backend: Any = good
    report = Report(backend, "fast", [RuleResult(rule, [test]) for rule in rules], {}, "0.1", "").as_data()
    text = list(failures(report))
    assert text[0] == "FAILED A-1, A-2  t.py::test"
    assert sum(line.startswith("FAILED") for line in text) == 1
    assert "  | E  at all" in text
    assert "  Check (A-2): That." in text
    assert "(fast): NOT CONFORMANT: 0 of 2 MUST rules, 1 tests" in verdict(report)


def test_events_of_one_test() -> None:
    """A failure in the set-up or tear-down of a test is not covered by a later event."""
    run = SuiteRun()
    run.take({"event": "collected", "test": "t", "rules": ["A-1"], "about": "It works."})
    assert run.tests["t"].outcome == "not run"
    run.take({"event": "start", "test": "t"})
    run.take({"event": "end", "test": "t", "outcome": "passed", "message": "", "duration": 1.0})
    run.take({"event": "end", "test": "t", "outcome": "failed", "message": "tear-down", "duration": 0.1})
    run.take({"event": "end", "test": "t", "outcome": "passed", "message": "", "duration": 0.1})
    assert (run.tests["t"].outcome, run.tests["t"].message) == ("failed", "tear-down")


def run_of(*outcomes: str) -> SuiteRun:
    """A run in which the tests of A-1 ended so."""
    tests = [TestResult(f"t{number}.py::test", ("A-1",), "It works.", end) for number, end in enumerate(outcomes)]
    return SuiteRun({test.id: test for test in tests})


def make_known(variants: tuple[str, ...] | None = None) -> dict[str, Known]:
    """A list of known failures with A-1."""
    return {"A-1": Known("A-1", "The host cannot.", "https://example.org/1", variants)}


def made(run: SuiteRun, known: dict[str, Known], variant: str | None = None, since: str = "0.1") -> Report:
    """A report on the one rule A-1."""
    rule = Rule("A-1", "MUST", "core", since, "It MUST work.", "Because.", "That.", "", "a.md", 1)
    backend: Any = good
    return Report.make(backend, variant, RuleBook({"A-1": rule}, {"A": "first"}), [rule], run, known)


def test_known_failure() -> None:
    """A failure that the author lists is no violation, and is shown with its reason and link."""
    report = made(run_of("passed", "failed"), make_known())
    assert report.results[0].outcome == "known"
    assert report.exit_status == 0
    assert "KNOWN A-1: The host cannot. (https://example.org/1)" in list(failures(report.as_data()))
    assert not any(line.startswith("FAILED") for line in failures(report.as_data()))


def test_known_failure_that_passes() -> None:
    """An entry that describes nothing any more leaves no verdict and is named."""
    report = made(run_of("passed"), make_known())
    assert report.exit_status == 2
    assert "A-1 is listed as a known failure and passed" in report.problem


@pytest.mark.parametrize(("variant", "outcome"), [("fast", "known"), ("other", "failed"), (None, "failed")])
def test_known_failure_in_a_variant(variant: str | None, outcome: str) -> None:
    """An entry for certain variants counts in these alone."""
    assert made(run_of("failed"), make_known(("fast",)), variant).results[0].outcome == outcome


@pytest.mark.parametrize(("since", "draft", "status"), [("0.1", False, 1), ("0.2", True, 0), ("1.0", True, 0)])
def test_draft(since: str, draft: bool, status: int) -> None:
    """A rule that is newer than what the backend declares is reported as a draft and fails nobody."""
    report = made(run_of("failed"), {}, since=since)
    assert report.as_data()["rules"][0]["draft"] is draft
    assert report.exit_status == status
    assert any(line.startswith("FAILED A-1") for line in failures(report.as_data()))
    assert report.spec == since
