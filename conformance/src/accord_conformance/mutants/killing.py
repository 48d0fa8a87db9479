"""Running mutants and counting which of them the suite notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from accord_conformance.catalog import files_of
from accord_conformance.rules import Rule, load_rules
from accord_conformance.session import SuiteRun, run_suite

from .making import Mutant
from .zoo import CONTROL

ZOO = "accord_conformance.mutants.zoo"
PATIENCE = 4
"""Seconds that a test may take: a mutant that hangs is noticed by that."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant."""

    mutant: Mutant
    killed_by: list[str]
    """The tests of its rule that failed and said so."""
    survived_because: str
    """Empty if it was killed."""


def attack(mutant: Mutant) -> Verdict:
    """Run the tests of the rule that a mutant breaks."""
    run = _run(f"{ZOO}:{mutant.name}", mutant.rule)
    killers = [test.id for test in run.tests.values() if test.outcome == "failed" and mutant.rule in test.rules]
    if killers:
        return Verdict(mutant, killers, "")
    outcomes = sorted({test.outcome for test in run.tests.values()})
    return Verdict(mutant, [], run.problem or f"its tests say: {', '.join(outcomes) or 'nothing, there are none'}")


def attack_all(mutants: Iterable[Mutant], jobs: int, progress: Callable[[Verdict], object]) -> list[Verdict]:
    """Run many mutants, several at a time, and return the verdicts in their order."""
    verdicts: list[Verdict] = []
    with ThreadPoolExecutor(jobs) as pool:
        for verdict in pool.map(attack, mutants):
            progress(verdict)
            verdicts.append(verdict)
    return verdicts


def control(jobs: int) -> list[str]:
    """Return the tests that fail on a backend that is not broken."""
    run = run_suite([f"--conformance-backend={ZOO}:{CONTROL}"], files=files_of(load_rules()), jobs=jobs)
    if run.problem:
        return [run.problem]
    return [test.id for test in run.tests.values() if test.outcome == "failed"]


def _run(backend: str, rule: str) -> SuiteRun:
    options = [f"--conformance-backend={backend}", f"--conformance-rule={rule}", f"--conformance-patience={PATIENCE}"]
    return run_suite(options, stop_at_failure=True, files=files_of([rule]))


def without_mutant(rules: Iterable[Rule], mutants: Iterable[Mutant]) -> Iterator[Rule]:
    """Yield the MUST rules that can be tested and that no mutant breaks."""
    broken = {mutant.rule for mutant in mutants}
    for rule in rules:
        if rule.level == "MUST" and not rule.untested and rule.id not in broken:
            yield rule
