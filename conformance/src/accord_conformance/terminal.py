"""A report as text for a terminal: failures with what to do about them, a table, and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .data import ReportData, RuleData, subject
from .report import EXIT_CONFORMANT, EXIT_NOTHING_RAN, EXIT_UNUSABLE, EXIT_VIOLATION
from .rules import LEVELS

VERDICTS = {
    EXIT_CONFORMANT: "CONFORMANT to spec {spec}",
    EXIT_VIOLATION: "NOT CONFORMANT",
    EXIT_UNUSABLE: "NO VERDICT, the suite did not run to its end",
    EXIT_NOTHING_RAN: "NO VERDICT, no test ran",
}
ASKED = ("passed", "failed", "known", "not run")


def area_of(rule: RuleData) -> str:
    """Return the letters of a rule's id."""
    return rule["id"].partition("-")[0]


def failures(report: ReportData) -> Iterator[str]:
    """Explain each test that failed: the rules, what was expected and observed, where to look."""
    rules = {rule["id"]: rule for rule in report["rules"]}
    failed = {
        test["id"]: [other for other in rules.values() if test["id"] in {same["id"] for same in other["tests"]}]
        for rule in rules.values()
        if rule["outcome"] == "failed"
        for test in rule["tests"]
        if test["outcome"] == "failed"
    }
    for name, concerned in failed.items():
        test = next(test for test in concerned[0]["tests"] if test["id"] == name)
        yield f"FAILED {', '.join(rule['id'] for rule in concerned)}  {name}"
        for rule in concerned:
            draft = ", draft" if rule["draft"] else ""
            yield f"  {rule['id']} ({rule['level']}{draft}): {rule['summary']}"
        yield f"  Expected: {test['about']}"
        yield "  Observed:"
        yield from (f"  | {line}" for line in test["message"].splitlines())
        for rule in concerned:
            yield f"  Check ({rule['id']}): {rule['check']}"
        yield ""
    for rule in rules.values():
        if rule["known"] is not None and rule["outcome"] == "known":
            yield f"KNOWN {rule['id']}: {rule['known']['reason']} ({rule['known']['link']})"


def kept(rules: list[RuleData], level: str) -> str:
    """Return how many of the rules of a level hold, as ``17/18``; ``-`` if none was asked."""
    outcomes = Counter(rule["outcome"] for rule in rules if rule["level"] == level and not rule["draft"])
    asked = sum(outcomes[outcome] for outcome in ASKED)
    return f"{outcomes['passed']}/{asked}" if asked else "-"


def table(report: ReportData) -> Iterator[str]:
    """One line for each area: how many rules of each level hold, and what has no answer."""
    rest = {"failed": ("failed",), "known": ("known",), "n/a": ("not applicable",), "untested": ("untested", "not run")}
    yield f"{'area':<34}" + "".join(f"{level:>9}" for level in LEVELS) + "".join(f"{name:>9}" for name in rest)
    for area in [*dict.fromkeys(area_of(rule) for rule in report["rules"]), "all"]:
        rules = [rule for rule in report["rules"] if area in (area_of(rule), "all")]
        name = f"{area} ({report['areas'][area]})" if area in report["areas"] else area
        cells = "".join(f"{kept(rules, level):>9}" for level in LEVELS)
        for outcomes in rest.values():
            cells += f"{sum(rule['outcome'] in outcomes for rule in rules):>9}"
        yield f"{name[:33]:<34}{cells}"


def tests_run(report: ReportData) -> int:
    """Return how many tests gave an answer."""
    ended = ("passed", "failed")
    return len({test["id"] for rule in report["rules"] for test in rule["tests"] if test["outcome"] in ended})


def verdict(report: ReportData) -> str:
    """The last line."""
    said = VERDICTS[report["exit_status"]].format(spec=report["backend"]["spec_version"])
    must = kept(report["rules"], "MUST").replace("/", " of ").replace("-", "0 of 0")
    return f"{subject(report)}: {said}: {must} MUST rules, {tests_run(report)} tests"
