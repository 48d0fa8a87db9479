"""Several reports side by side: what a page and a Markdown file have in common."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from accord_conformance.data import ReportData, RuleData, subject
from accord_conformance.rules import LEVELS
from accord_conformance.terminal import ASKED, area_of


@dataclass(frozen=True, slots=True)
class Cell:
    """The rules of one area and one level in one report."""

    passed: int
    asked: int
    known: int
    not_applicable: int

    @property
    def text(self) -> str:
        """``17/18``, or ``n/a`` where nothing applies and ``-`` where there is nothing."""
        if self.asked:
            return f"{self.passed}/{self.asked}"
        return "n/a" if self.not_applicable else "-"

    @property
    def kind(self) -> str:
        """``full``, ``partial`` or ``none``."""
        if not self.asked:
            return "none"
        return "full" if self.passed == self.asked else "partial"


class Matrix:
    """Reports by column, areas and rules by row."""

    def __init__(self, reports: Sequence[ReportData]) -> None:
        self.reports = list(reports)
        self.titles = {area: title for report in reports for area, title in report["areas"].items()}
        found: dict[str, RuleData] = {}
        for report in reports:
            for rule in report["rules"]:
                found.setdefault(rule["id"], rule)
        order = list(self.titles)
        self.rules = sorted(found.values(), key=lambda rule: (order.index(area_of(rule)), _number(rule)))
        """Every rule that is in one of the reports, in the order of the specification."""
        self._by_id = [{rule["id"]: rule for rule in report["rules"]} for report in reports]

    @property
    def columns(self) -> list[str]:
        """What the reports are about."""
        return [subject(report) for report in self.reports]

    @property
    def areas(self) -> list[str]:
        """The areas that have rules here."""
        return list(dict.fromkeys(area_of(rule) for rule in self.rules))

    def cell(self, column: int, area: str | None, level: str) -> Cell:
        """Count the rules of an area, None for all, and a level in a report."""
        rules = [
            rule
            for rule in self.reports[column]["rules"]
            if rule["level"] == level and not rule["draft"] and area in (None, area_of(rule))
        ]
        outcomes = Counter(rule["outcome"] for rule in rules)
        asked = sum(outcomes[outcome] for outcome in ASKED)
        return Cell(outcomes["passed"], asked, outcomes["known"], outcomes["not applicable"])

    def levels(self) -> list[str]:
        """The levels that occur."""
        return [level for level in LEVELS if any(rule["level"] == level for rule in self.rules)]

    def rule(self, column: int, rule_id: str) -> RuleData | None:
        """Return what a report says about a rule, or None."""
        return self._by_id[column].get(rule_id)

    def differing(self) -> list[RuleData]:
        """Return the rules that do not hold everywhere where they apply."""
        return [rule for rule in self.rules if self.fails_somewhere(rule["id"])]

    def fails_somewhere(self, rule_id: str) -> bool:
        """Whether a rule fails in one of the reports."""
        found = [by_id.get(rule_id) for by_id in self._by_id]
        return any(rule is not None and rule["outcome"] in ("failed", "known") for rule in found)


def _number(rule: RuleData) -> int:
    return int(rule["id"].partition("-")[2])
