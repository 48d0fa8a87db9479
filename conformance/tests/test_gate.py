"""The gate: rules and tests must agree, in both directions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import accord_conformance
from accord_conformance.rules import load_rules

PACKAGE = Path(accord_conformance.__file__).parent
SUITE = PACKAGE / "suite"


class SuiteTest(NamedTuple):
    """A test function of the suite, as its source says it."""

    where: str
    rules: list[str]
    needs: list[str]
    node: ast.FunctionDef | ast.AsyncFunctionDef


def suite_tests() -> Iterator[SuiteTest]:
    """All tests of the suite."""
    for file in sorted(SUITE.rglob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                rules: list[str] = []
                needs: list[str] = []
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "rule":
                        rules += [ast.literal_eval(argument) for argument in decorator.args]
                        for keyword in decorator.keywords:
                            needs += ast.literal_eval(keyword.value)
                yield SuiteTest(f"{file.relative_to(SUITE)}::{node.name}", rules, needs, node)


TESTS = list(suite_tests())
TESTED = {rule_id for test in TESTS for rule_id in test.rules}


def test_every_test_names_rules_that_exist() -> None:
    """Every test of the suite names at least one rule, and only rules that exist."""
    book = load_rules()
    assert [test.where for test in TESTS if not test.rules] == []
    assert [(test.where, rule_id) for test in TESTS for rule_id in test.rules if rule_id not in book] == []
    assert [test.where for test in TESTS if len(set(test.rules)) != len(test.rules)] == []


def test_every_rule_is_tested_or_says_why_not() -> None:
    """Every MUST has a test or the reason why it has none, and not both; so has every other rule."""
    rules = load_rules().values()
    assert [rule.id for rule in rules if rule.id not in TESTED and not rule.untested] == []
    assert [rule.id for rule in rules if rule.id in TESTED and rule.untested] == []


def test_every_test_says_what_it_is_about() -> None:
    """Every test has a docstring of one line that ends with a full stop, and tests of one file differ in name."""
    for test in TESTS:
        doc = ast.get_docstring(test.node)
        assert doc, test.where
        assert "\n" not in doc.strip(), test.where
        assert doc.endswith("."), test.where
    assert len({test.where for test in TESTS}) == len(TESTS)


def test_needs_are_capabilities() -> None:
    """What a test needs beyond its rules is a capability."""
    assert {need for test in TESTS for need in test.needs} <= {"readiness", "testing"}


@pytest.mark.parametrize("file", sorted(SUITE.rglob("*.py")), ids=lambda file: str(file.relative_to(SUITE)))
def test_suite_names_no_backend(file: Path) -> None:
    """The suite knows no backend and no host by name."""
    assert not re.search(r"\b(asyncio|trio|uvloop|curio)\b", file.read_text(encoding="utf-8"), re.IGNORECASE)


@pytest.mark.parametrize("name", ["helpers", "loader", "plugin", "report", "rules", "runner", "session", "watchdog"])
def test_kit_names_no_backend(name: str) -> None:
    """Nor does the machinery around it."""
    text = (PACKAGE / f"{name}.py").read_text(encoding="utf-8")
    assert not re.search(r"\b(asyncio|trio|uvloop|curio)\b", text, re.IGNORECASE)


def test_every_folder_is_a_package() -> None:
    """Pytest finds the suite's modules as those of a package."""
    for folder in {file.parent for file in SUITE.rglob("*.py")}:
        assert (folder / "__init__.py").is_file(), folder
