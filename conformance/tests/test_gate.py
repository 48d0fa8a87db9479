"""The gate: rules and tests must agree, in both directions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from broken_backends import any_installed

import accord_conformance
from accord_conformance.catalog import SUITE, compare_with_manifest, count_cases, read_manifest, suite_tests
from accord_conformance.rules import load_rules
from accord_conformance.session import run_suite

PACKAGE = Path(accord_conformance.__file__).parent

TESTS = suite_tests()
TESTED = {rule_id for test in TESTS for rule_id in test.rules}


def test_every_test_names_rules_that_exist() -> None:
    """Every test of the suite names at least one rule, and only rules that exist."""
    book = load_rules()
    assert [test.id for test in TESTS if not test.rules] == []
    assert [(test.id, rule_id) for test in TESTS for rule_id in test.rules if rule_id not in book] == []
    assert [test.id for test in TESTS if len(set(test.rules)) != len(test.rules)] == []


def test_every_rule_is_tested_or_says_why_not() -> None:
    """Every MUST has a test or the reason why it has none, and not both; so has every other rule."""
    rules = load_rules().values()
    assert [rule.id for rule in rules if rule.id not in TESTED and not rule.untested] == []
    assert [rule.id for rule in rules if rule.id in TESTED and rule.untested] == []


def test_every_test_says_what_it_is_about() -> None:
    """Every test has a docstring of one line that ends with a full stop, and tests of one file differ in name."""
    for test in TESTS:
        doc = ast.get_docstring(test.node)
        assert doc, test.id
        assert "\n" not in doc.strip(), test.id
        assert doc.endswith("."), test.id
    assert len({test.id for test in TESTS}) == len(TESTS)


def test_needs_are_capabilities() -> None:
    """What a test needs beyond its rules is a capability."""
    assert {need for test in TESTS for need in test.needs} <= {"readiness", "testing"}


@pytest.mark.parametrize("file", sorted(SUITE.rglob("*.py")), ids=lambda file: str(file.relative_to(SUITE)))
def test_suite_names_no_backend(file: Path) -> None:
    """The suite knows no backend and no host by name, but for the rule that makes one name the default."""
    text = file.read_text(encoding="utf-8")
    if file.name == "test_choice.py":
        text = re.sub(r"^def test_asyncio_comes_first\(.*?(?=^@)", "", text, flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"\b(asyncio|trio|uvloop|curio)\b", text, re.IGNORECASE)


@pytest.mark.parametrize(
    "name",
    [
        "catalog",
        "data",
        "helpers",
        "known",
        "loader",
        "plugin",
        "report",
        "rules",
        "runner",
        "session",
        "terminal",
        "watchdog",
    ],
)
def test_kit_names_no_backend(name: str) -> None:
    """Nor does the machinery around it."""
    text = (PACKAGE / f"{name}.py").read_text(encoding="utf-8")
    assert not re.search(r"\b(asyncio|trio|uvloop|curio)\b", text, re.IGNORECASE)


def test_every_folder_is_a_package() -> None:
    """Pytest finds the suite's modules as those of a package."""
    for folder in {file.parent for file in SUITE.rglob("*.py")}:
        assert (folder / "__init__.py").is_file(), folder


def test_manifest() -> None:
    """The manifest counts the cases that are there; 'python -m accord_conformance.catalog BACKEND' writes it anew."""
    run = run_suite([f"--conformance-backend={any_installed()}", "--collect-only"])
    assert run.problem == ""
    assert count_cases(run.tests) == read_manifest()
    assert compare_with_manifest(run.tests, load_rules()) == ""


def test_manifest_misses_a_test() -> None:
    """A collection that lacks a case, or has one too many, is told from a whole one."""
    cases = [f"{name}[{number}]" for name, total in read_manifest().items() for number in range(total)]
    assert compare_with_manifest(cases, load_rules()) == ""
    assert cases[7].partition("[")[0] in compare_with_manifest(cases[:7] + cases[8:], load_rules())
    assert "were found" in compare_with_manifest([*cases, "nowhere/test_new.py::test_new"], load_rules())
