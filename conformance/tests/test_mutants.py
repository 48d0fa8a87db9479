"""Mutants: every rule has one, and those of a sample are killed; ``make mutants`` runs them all."""

from __future__ import annotations

from random import Random

import pytest
from broken_backends import any_installed

from accord_conformance.mutants import zoo
from accord_conformance.mutants.immortal import REASONS
from accord_conformance.mutants.killing import attack, without_mutant
from accord_conformance.mutants.making import Broken, Mutant, mutant
from accord_conformance.rules import load_rules

MUTANTS = zoo.all_mutants()

SAMPLE = Random(1).sample(sorted(MUTANTS), 12)


@pytest.mark.parametrize("name", SAMPLE)
def test_sample_is_killed(name: str) -> None:
    """The suite notices each broken backend, in a test of the rule that it breaks."""
    verdict = attack(MUTANTS[name])
    assert verdict.survived_because == ""


def test_every_rule_has_a_mutant() -> None:
    """Every MUST that can be tested is broken by a mutant, or there is a reason why it can't be, and not both."""
    book = load_rules()
    missing = {rule.id for rule in without_mutant(book.values(), MUTANTS.values())}
    assert missing == set(REASONS)
    assert all(reason.endswith(".") for reason in REASONS.values())


def test_mutants_break_testable_rules() -> None:
    """A mutant names a rule that is there and that the suite tests, and says what is wrong."""
    book = load_rules()
    for one in MUTANTS.values():
        assert one.rule in book, one.name
        assert not book[one.rule].untested, one.name
        assert one.about.endswith("."), one.name


def test_control_survives() -> None:
    """A backend that is made like a mutant and not broken is not killed: the attack does not blame everybody."""

    def spare(_: Broken) -> None:
        """Break nothing."""

    verdict = attack(Mutant(zoo.CONTROL, "CKPT-1", any_installed(), "Break nothing.", spare))
    assert verdict.killed_by == []
    assert "passed" in verdict.survived_because


def test_names_are_unique() -> None:
    """Two mutants of one name are refused."""
    first = next(iter(MUTANTS.values()))
    with pytest.raises(ValueError, match=first.name):
        mutant(first.rule)(first.break_it)


def test_unknown_name() -> None:
    """A name that no mutant has is no attribute."""
    with pytest.raises(AttributeError, match="no mutant is called 'nobody'"):
        _ = zoo.nobody
