"""What a run of the suite means: the outcome of each rule, and the exit status."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from accord.protocols import Backend

from . import __version__
from .data import SCHEMA, ReportData, RuleData
from .known import Known
from .rules import Rule, RuleBook, version_numbers
from .session import SuiteRun, TestResult

EXIT_CONFORMANT, EXIT_VIOLATION, EXIT_UNUSABLE, EXIT_NOTHING_RAN = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What the suite says about one rule."""

    rule: Rule
    tests: list[TestResult]
    known: Known | None = None
    """What the backend's author says about its failure; None if it is not expected."""
    draft: bool = False
    """Whether the backend declares an older specification than the rule's."""

    @property
    def outcome(self) -> str:
        """``failed`` (or ``known``) if a test failed, else ``passed`` if one passed, else why there is no answer."""
        outcomes = {test.outcome for test in self.tests}
        if "failed" in outcomes:
            return "failed" if self.known is None else "known"
        for outcome in ("not run", "passed", "not applicable"):
            if outcome in outcomes:
                return outcome
        return "untested"

    def as_data(self) -> RuleData:
        """All of it, for programs."""
        rule = self.rule
        return {
            "id": rule.id,
            "level": rule.level,
            "capability": rule.capability,
            "since": rule.since,
            "draft": self.draft,
            "summary": rule.summary,
            "check": rule.check,
            "outcome": self.outcome,
            "known": None if self.known is None else {"reason": self.known.reason, "link": self.known.link},
            "untested_because": rule.untested,
            "duration": sum(test.duration for test in self.tests),
            "tests": [
                {
                    "id": test.id,
                    "about": test.about,
                    "outcome": test.outcome,
                    "duration": test.duration,
                    "message": test.message,
                }
                for test in self.tests
            ],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one backend in one variant."""

    backend: Backend
    variant: str | None
    results: list[RuleResult]
    titles: Mapping[str, str]
    spec: str
    problem: str
    created: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def make(
        cls,
        backend: Backend,
        variant: str | None,
        book: RuleBook,
        rules: Iterable[Rule],
        run: SuiteRun,
        known: Mapping[str, Known] | None = None,
    ) -> Report:
        """Sort the tests' outcomes by the rules that were asked for."""
        expected = {name: entry for name, entry in (known or {}).items() if entry.applies(variant)}
        declared = version_numbers(backend.spec_version)
        results = [
            RuleResult(
                rule,
                [test for test in run.tests.values() if rule.id in test.rules],
                expected.get(rule.id),
                version_numbers(rule.since) > declared,
            )
            for rule in rules
        ]
        problem = "\n".join(filter(None, [run.problem, *_expected_in_vain(results)]))
        return cls(backend, variant, results, book.titles, book.version, problem)

    @property
    def exit_status(self) -> int:
        """0 conformant, 1 a MUST is violated, 2 there is no verdict, 5 no test ran."""
        counted = [result for result in self.results if result.rule.level == "MUST" and not result.draft]
        if any(result.outcome == "failed" for result in counted):
            return EXIT_VIOLATION
        if self.problem:
            return EXIT_UNUSABLE
        if not any(result.outcome in ("passed", "failed", "known") for result in self.results):
            return EXIT_NOTHING_RAN
        return EXIT_CONFORMANT

    def as_data(self) -> ReportData:
        """All of it, for programs."""
        return {
            "schema": SCHEMA,
            "suite": __version__,
            "spec": self.spec,
            "created": self.created.isoformat(timespec="seconds"),
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
            "areas": dict(self.titles),
            "rules": [result.as_data() for result in self.results],
        }


def _expected_in_vain(results: Iterable[RuleResult]) -> Iterator[str]:
    for result in results:
        if result.known is not None and result.outcome == "passed":
            yield f"{result.rule.id} is listed as a known failure and passed: take it off the list"
