"""What a run of the suite means: outcomes of rules, the verdict, and their two forms, JSON and text."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from accord.protocols import Backend

from . import __version__
from .rules import LEVELS, Rule, RuleBook
from .session import SuiteRun, TestResult

SCHEMA = 1
"""The version of the JSON form."""

EXIT_CONFORMANT, EXIT_VIOLATION, EXIT_UNUSABLE, EXIT_NOTHING_RAN = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What the suite says about one rule."""

    rule: Rule
    tests: list[TestResult]

    @property
    def outcome(self) -> str:
        """``failed`` if a test failed, else ``passed`` if one passed, else why there is no answer."""
        outcomes = {test.outcome for test in self.tests}
        for outcome in ("failed", "not run", "passed", "not applicable"):
            if outcome in outcomes:
                return outcome
        return "untested"


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one backend in one variant."""

    backend: Backend
    variant: str | None
    results: list[RuleResult]
    titles: dict[str, str]
    problem: str

    @classmethod
    def make(
        cls, backend: Backend, variant: str | None, book: RuleBook, rules: Iterable[Rule], run: SuiteRun
    ) -> Report:
        """Sort the tests' outcomes by the rules that were asked for."""
        results = [RuleResult(rule, [test for test in run.tests.values() if rule.id in test.rules]) for rule in rules]
        return cls(backend, variant, results, dict(book.titles), run.problem)

    @property
    def exit_status(self) -> int:
        """0 conformant, 1 a MUST is violated, 2 the suite could not be run, 5 no test ran."""
        if any(result.outcome == "failed" and result.rule.level == "MUST" for result in self.results):
            return EXIT_VIOLATION
        if self.problem:
            return EXIT_UNUSABLE
        if not any(result.outcome in ("passed", "failed") for result in self.results):
            return EXIT_NOTHING_RAN
        return EXIT_CONFORMANT

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "schema": SCHEMA,
            "suite": __version__,
            "backend": {
                "name": self.backend.name,
                "version": self.backend.version,
                "spec_version": self.backend.spec_version,
                "capabilities": sorted(self.backend.capabilities),
            },
            "variant": self.variant,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "exit_status": self.exit_status,
            "problem": self.problem,
            "rules": [
                {
                    "id": result.rule.id,
                    "level": result.rule.level,
                    "capability": result.rule.capability,
                    "since": result.rule.since,
                    "outcome": result.outcome,
                    "untested_because": result.rule.untested,
                    "tests": [
                        {"id": test.id, "outcome": test.outcome, "duration": test.duration, "message": test.message}
                        for test in result.tests
                    ],
                }
                for result in self.results
            ],
        }

    def failures(self) -> Iterator[str]:
        """Explain each test that failed: the rules, what was observed, where to look."""
        failed = {test.id: test for result in self.results for test in result.tests if test.outcome == "failed"}
        for test in failed.values():
            yield f"FAILED {', '.join(test.rules)}  {test.id}"
            yield f"  {test.about}"
            for result in self.results:
                if result.rule.id in test.rules:
                    yield f"  {result.rule.id} ({result.rule.level}): {result.rule.summary}"
            yield from (f"  | {line}" for line in test.message.splitlines())
            for result in self.results:
                if result.rule.id in test.rules:
                    yield f"  Check ({result.rule.id}): {result.rule.check}"
            yield ""

    def table(self) -> Iterator[str]:
        """One line for each area: how many rules of each level hold, and what has no answer."""
        yield f"{'area':<34}" + "".join(f"{level:>9}" for level in LEVELS) + f"{'failed':>9}{'n/a':>6}{'untested':>10}"
        areas = dict.fromkeys(result.rule.area for result in self.results)
        for area in [*areas, "all"]:
            mine = [result for result in self.results if area in (result.rule.area, "all")]
            counts = Counter((result.rule.level, result.outcome) for result in mine)
            outcomes = Counter(result.outcome for result in mine)
            cells = ""
            for level in LEVELS:
                asked = counts[level, "passed"] + counts[level, "failed"] + counts[level, "not run"]
                kept = f"{counts[level, 'passed']}/{asked}" if asked else "-"
                cells += f"{kept:>9}"
            name = f"{area} ({self.titles[area]})" if area in self.titles else area
            unanswered = outcomes["untested"] + outcomes["not run"]
            yield f"{name[:33]:<34}{cells}{outcomes['failed']:>9}{outcomes['not applicable']:>6}{unanswered:>10}"

    def verdict(self) -> str:
        """The last line."""
        subject = f"{self.backend.name} {self.backend.version}" + (f" ({self.variant})" if self.variant else "")
        must = Counter(result.outcome for result in self.results if result.rule.level == "MUST")
        tests = {test.id for result in self.results for test in result.tests if test.outcome in ("passed", "failed")}
        said = {
            EXIT_CONFORMANT: f"CONFORMANT to spec {self.backend.spec_version}",
            EXIT_VIOLATION: "NOT CONFORMANT",
            EXIT_UNUSABLE: "NO VERDICT, the suite did not run to its end",
            EXIT_NOTHING_RAN: "NO VERDICT, no test ran",
        }[self.exit_status]
        kept = f"{must['passed']} of {must['passed'] + must['failed'] + must['not run']} MUST rules"
        return f"{subject}: {said}: {kept}, {len(tests)} tests"
