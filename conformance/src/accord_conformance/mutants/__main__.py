"""The command ``python -m accord_conformance.mutants``: run the mutants and print which of them the suite kills."""

from __future__ import annotations

import argparse
import sys
from random import Random

from accord_conformance.rules import load_rules

from .immortal import REASONS
from .killing import Verdict, attack_all, control, without_mutant
from .zoo import all_mutants


def main() -> int:
    """Carry out the command; 0 if every mutant was killed and every rule without one has a reason."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.mutants", description=__doc__)
    parser.add_argument("--area", action="append", default=[], help="only those that break a rule of this area")
    parser.add_argument("--rule", action="append", default=[], help="only those that break this rule")
    parser.add_argument("--name", action="append", default=[], help="only this one")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, by the seed")
    parser.add_argument("--seed", type=int, default=0, help="which sample is taken (0)")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time (2)")
    options = parser.parse_args()
    book = load_rules()
    chosen = [
        mutant
        for mutant in all_mutants().values()
        if (not options.area or book[mutant.rule].area in options.area)
        and (not options.rule or mutant.rule in options.rule)
        and (not options.name or mutant.name in options.name)
    ]
    if options.sample is not None:
        chosen = Random(options.seed).sample(chosen, min(options.sample, len(chosen)))
    innocent = control(options.jobs) if len(chosen) == len(all_mutants()) else []
    for test in innocent:
        print(f"fails on a backend that is not broken: {test}")
    verdicts = attack_all(chosen, options.jobs, show)
    killed = sum(not verdict.survived_because for verdict in verdicts)
    missing = [
        rule
        for rule in without_mutant(book.select(set(options.area), set(options.rule)), all_mutants().values())
        if not options.name
    ]
    for rule in missing:
        print(f"{rule.id}: no mutant: {REASONS.get(rule.id, 'without a reason')}")
    unexplained = sum(rule.id not in REASONS for rule in missing)
    print(f"{killed} of {len(verdicts)} mutants killed")
    print(f"{len(missing)} testable MUST rules without a mutant, {unexplained} of them without a reason")
    return 0 if verdicts and killed == len(verdicts) and not unexplained and not innocent else 1


def show(verdict: Verdict) -> None:
    """Print a line about a mutant."""
    mutant = verdict.mutant
    ending = (
        f"SURVIVED: {verdict.survived_because}" if verdict.survived_because else f"killed by {verdict.killed_by[0]}"
    )
    print(f"{mutant.rule:<12}{mutant.name}: {ending}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
