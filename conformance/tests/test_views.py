"""Tests of reports in other forms, and of the commands that write them."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from accord_conformance import data
from accord_conformance.data import DataError, ReportData, RuleData, read_reports
from accord_conformance.views.badge import badge
from accord_conformance.views.junit import junit
from accord_conformance.views.markdown import markdown
from accord_conformance.views.matrix import Matrix
from accord_conformance.views.page import page

VOID = {"meta", "input", "br"}


def rule(rule_id: str, outcome: str, level: str = "MUST", message: str = "E  <it> did & didn't") -> RuleData:
    """A rule with one test that ended so."""
    ended = "failed" if outcome == "known" else outcome
    return {
        "id": rule_id,
        "level": level,
        "capability": "core",
        "since": "0.1",
        "draft": False,
        "summary": f"It {level} work with `a < b`, {rule_id}.",
        "check": "The first thing.",
        "outcome": outcome,
        "known": {"reason": "The host | cannot.", "link": "https://example.org/1"} if outcome == "known" else None,
        "untested_because": "",
        "duration": 0.5,
        "tests": [
            {"id": f"{rule_id}.py::test", "about": "It works.", "outcome": ended, "duration": 0.5, "message": message}
        ],
    }


def report(name: str, *rules: RuleData, exit_status: int = 0, problem: str = "") -> ReportData:
    """A report on a backend of that name."""
    return {
        "schema": 1,
        "suite": "0.1.0",
        "spec": "0.1",
        "created": "2026-01-02T03:04:05+00:00",
        "backend": {"name": name, "version": "1.0", "spec_version": "0.1", "capabilities": ["testing"]},
        "variant": None,
        "python": "3.13.0",
        "platform": "Linux",
        "exit_status": exit_status,
        "problem": problem,
        "areas": {"A": "the first", "B": "the second"},
        "rules": list(rules),
    }


GOOD = report("good", rule("A-1", "passed"), rule("A-2", "passed"), rule("B-1", "passed", "SHOULD"))
BAD = report(
    "bad <b>", rule("A-1", "failed"), rule("A-2", "known"), rule("B-1", "not applicable", "SHOULD"), exit_status=1
)


SCHEMA_FILE = Path(data.__file__).with_name("report.schema.json")


def test_published_schema() -> None:
    """The schema accepts reports, and refuses one that lacks something or has something else."""
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate([GOOD, BAD], schema)
    wrong: list[dict[str, Any]] = [{**GOOD, "schema": 2}, {**GOOD, "more": 1}, {**GOOD, "rules": [{}]}]
    wrong += [{name: value for name, value in GOOD.items() if name != missing} for missing in GOOD]
    for one in wrong:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate([one], schema)


def test_schema_and_types_agree() -> None:
    """The schema names the fields that the types have, and the same outcomes."""
    definitions = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    assert set(definitions["report"]["properties"]) == ReportData.__required_keys__
    assert set(definitions["rule"]["properties"]) == RuleData.__required_keys__
    assert definitions["rule"]["properties"]["outcome"]["enum"] == list(data.OUTCOMES)
    test_fields = definitions["rule"]["properties"]["tests"]["items"]["properties"]
    assert set(test_fields) == data.TestData.__required_keys__


def test_matrix_counts() -> None:
    """The matrix counts rules by report, area and level."""
    matrix = Matrix([GOOD, BAD])
    assert [matrix.cell(column, "A", "MUST").text for column in (0, 1)] == ["2/2", "0/2"]
    assert [matrix.cell(column, "B", "SHOULD").text for column in (0, 1)] == ["1/1", "n/a"]
    assert matrix.cell(0, "B", "MUST").text == "-"
    assert [found["id"] for found in matrix.differing()] == ["A-1", "A-2"]


def test_matrix_of_different_selections() -> None:
    """A rule that only one report has is there, in the order of the specification."""
    matrix = Matrix(
        [report("one", rule("B-1", "passed")), report("two", rule("A-10", "passed"), rule("A-9", "passed"))]
    )
    assert [found["id"] for found in matrix.rules] == ["A-9", "A-10", "B-1"]
    assert matrix.rule(0, "A-9") is None


def test_drafts_do_not_count() -> None:
    """A draft is not among the rules asked."""
    draft = rule("A-3", "failed")
    draft["draft"] = True
    assert Matrix([report("one", rule("A-1", "passed"), draft)]).cell(0, "A", "MUST").text == "1/1"


def test_markdown() -> None:
    """The document has a table for each level, the rules that fail somewhere and what is known of them."""
    text = markdown(Matrix([GOOD, BAD]))
    assert "| A: the first | 2/2 | 0/2 |" in text
    assert "| A-1 | yes | **no** | It MUST work" in text
    assert "- bad <b> 1.0, A-2: The host | cannot. (https://example.org/1)" in text
    assert "good 1.0: CONFORMANT" in text


class Checker(HTMLParser):
    """Collects what matters of a page and fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.sources += [value for name, value in attrs if name == "src" and value]

    def handle_endtag(self, tag: str) -> None:
        """Compare with the tag that is open."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Collect text."""
        self.text += data


def test_page() -> None:
    """The page is well-formed, needs nothing else, has a place for each rule, and shows text as text."""
    checker = Checker()
    checker.feed(page(Matrix([GOOD, BAD])))
    assert checker.open == []
    assert checker.sources == []
    assert {"A", "B", "A-1", "A-2", "B-1"} <= set(checker.ids)
    assert len(checker.ids) == len(set(checker.ids))
    assert "bad <b> 1.0" in checker.text
    assert "E  <it> did & didn't" in checker.text
    assert "a < b" in checker.text


def test_page_shows_a_problem() -> None:
    """Why there is no verdict stands on the page."""
    assert "given up &lt;early&gt;" in page(Matrix([report("one", problem="given up <early>", exit_status=2)]))


def test_junit() -> None:
    """Failures are failures, what has no answer is skipped, and forbidden characters are replaced."""
    bad = report("bad", rule("A-1", "failed", message="\x1b[31mred\x00"), rule("A-2", "known"), rule("B-1", "passed"))
    [suite] = ET.fromstring(junit([bad])).findall("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.text == "?[31mred?"
    assert "A-1" in str(failure.get("message"))


@pytest.mark.parametrize(
    ("made", "message"),
    [(GOOD, "conformant to 0.1"), (BAD, "0/2 rules"), (report("one", exit_status=5), "no verdict")],
)
def test_badge(made: ReportData, message: str) -> None:
    """A badge says the verdict, and in figures what is missing."""
    shown = badge(made)
    assert shown["message"] == message
    assert shown["schemaVersion"] == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON file"),
        ("{}", "holds no list"),
        ("[1]", "no report of schema 1"),
        ('[{"schema": 99}]', "no report of schema 1"),
        ('[{"schema": 1}]', "without areas, backend"),
    ],
)
def test_files_that_hold_no_report(tmp_path: Path, text: str, message: str) -> None:
    """A file that is something else is refused with what is wrong."""
    file = tmp_path / "report.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_reports(file)


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Call the command."""
    command = [sys.executable, "-m", "accord_conformance", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_commands(tmp_path: Path) -> None:
    """The form follows from the name of the output, or is given; several files are one matrix."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps([GOOD]), encoding="utf-8")
    bad.write_text(json.dumps([BAD]), encoding="utf-8")
    beginnings = {"m.md": "# Conformance", "m.html": "<!doctype html>", "m.xml": "<?xml", "m.json": "["}
    for name, beginning in beginnings.items():
        result = call("matrix", good, bad, "--output", tmp_path / name)
        assert result.returncode == 0, result.stderr
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert text.startswith(beginning)
        assert "bad" in text
    printed = call("matrix", good, "--form", "html")
    assert printed.stdout.startswith("<!doctype html>")
    made: dict[str, Any] = json.loads(call("badge", good).stdout)
    assert made["color"] == "brightgreen"
    missing = call("matrix", tmp_path / "nowhere.json")
    assert missing.returncode == 2
    assert "nowhere.json" in missing.stderr
    assert "Traceback" not in missing.stderr
