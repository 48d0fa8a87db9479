"""The tests of the suite as data: read from their source, without importing it.

``manifest.json`` holds how many cases each test function has (``python -m accord_conformance.catalog BACKEND`` writes
it). A run that collects another number is no proof of anything: something was lost on the way, by a packager, a plugin
or a mistake in the suite.
"""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SUITE = Path(__file__).with_name("suite")
MANIFEST = Path(__file__).with_name("manifest.json")


@dataclass(frozen=True, slots=True)
class TestSource:
    """One test function."""

    __test__ = False  # pytest: this is no test

    file: Path
    line: int
    name: str
    rules: tuple[str, ...]
    needs: tuple[str, ...]
    about: str
    node: ast.FunctionDef | ast.AsyncFunctionDef

    @property
    def id(self) -> str:
        """What pytest calls it, without parameters."""
        return f"{self.file.relative_to(SUITE).as_posix()}::{self.name}"


@cache
def suite_tests() -> tuple[TestSource, ...]:
    """Return all tests of the suite, by file and line."""
    return tuple(test for file in sorted(SUITE.rglob("test_*.py")) for test in _tests_in(file))


def _tests_in(file: Path) -> Iterator[TestSource]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            rules: list[str] = []
            needs: list[str] = []
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "rule":
                    rules += [ast.literal_eval(argument) for argument in decorator.args]
                    for keyword in decorator.keywords:
                        needs += ast.literal_eval(keyword.value)
            about = (ast.get_docstring(node) or "").partition("\n")[0]
            yield TestSource(file, node.lineno, node.name, tuple(rules), tuple(needs), about, node)


def tests_of(rule: str) -> list[TestSource]:
    """Return the tests that name a rule."""
    return [test for test in suite_tests() if rule in test.rules]


def files_of(rules: Iterable[str]) -> list[Path]:
    """Return the files that hold tests of the given rules."""
    wanted = set(rules)
    return list(dict.fromkeys(test.file for test in suite_tests() if not wanted.isdisjoint(test.rules)))


def read_manifest() -> dict[str, int]:
    """Return how many cases each test function has."""
    manifest: dict[str, int] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest


def count_cases(nodes: Iterable[str]) -> dict[str, int]:
    """Return how many of the collected cases belong to each test function."""
    counts: dict[str, int] = {}
    for node in sorted(nodes):
        name = node.partition("[")[0]
        counts[name] = counts.get(name, 0) + 1
    return counts


def compare_with_manifest(nodes: Iterable[str], rules: Iterable[str]) -> str:
    """Return what is wrong with a collection for the given rules; empty if it is what the manifest says."""
    wanted = set(rules)
    selected = {test.id for test in suite_tests() if not wanted.isdisjoint(test.rules)}
    expected = {name: number for name, number in read_manifest().items() if name in selected}
    found = count_cases(nodes)
    if found == expected:
        return ""
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    example = wrong[0]
    return (
        f"the suite has {sum(expected.values())} tests of these rules and {sum(found.values())} were found; for "
        f"example {example} has {expected.get(example, 0)} cases and {found.get(example, 0)} were found"
    )


def write_manifest(backend: str) -> None:
    """Count the cases by collecting them, and write the manifest."""
    from .session import run_suite

    run = run_suite([f"--conformance-backend={backend}", "--collect-only"])
    if run.problem:
        raise SystemExit(run.problem)
    MANIFEST.write_text(json.dumps(count_cases(run.tests), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_manifest(*sys.argv[1:])
