"""Tests of the command on good and broken backends, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broken_backends import any_installed

from accord_conformance import session

HERE = Path(__file__).parent

SOME = "others_run and checkpoint"
"""Two tests: of ``checkpoint``, which the broken backends break, and of ``cancel_shielded_checkpoint``."""


class Result:
    """What one call of the command gave."""

    def __init__(self, process: subprocess.CompletedProcess[str], reports: list[dict[str, Any]]) -> None:
        self.status = process.returncode
        self.output = process.stdout + process.stderr
        self.reports = reports

    def outcome(self, rule_id: str) -> str:
        """The outcome of a rule."""
        [rule] = [rule for rule in self.reports[0]["rules"] if rule["id"] == rule_id]
        return str(rule["outcome"])

    def messages(self, rule_id: str) -> str:
        """What the failed tests of a rule said."""
        [rule] = [rule for rule in self.reports[0]["rules"] if rule["id"] == rule_id]
        return "\n".join(test["message"] for test in rule["tests"] if test["outcome"] == "failed")


@pytest.fixture
def command(tmp_path: Path) -> Any:
    """Calls the command in the folder of the broken backends."""

    def call(*arguments: str, json_file: bool = True) -> Result:
        file = tmp_path / "report.json"
        extra = ["--json", str(file)] if json_file else []
        process = subprocess.run(
            [sys.executable, "-m", "accord_conformance", *arguments, *extra],
            cwd=HERE,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
            env={**os.environ, "PYTEST_ADDOPTS": "--nonsense", "ACCORD_BACKEND": "nonsense"},
        )
        return Result(process, json.loads(file.read_text(encoding="utf-8")) if file.exists() else [])

    return call


def test_good(command: Any) -> None:
    """A good backend is conformant, and the output has a table and a verdict."""
    result = command("run", any_installed(), "--rule", "CKPT-2", "--rule", "RUN-15")
    assert result.status == 0, result.output
    assert "CONFORMANT to spec" in result.output
    assert "2 of 2 MUST rules" in result.output
    assert result.outcome("CKPT-2") == "passed"
    report = result.reports[0]
    assert report["schema"] == 1
    assert report["exit_status"] == 0
    assert report["backend"]["name"] == any_installed()
    assert all(test["duration"] >= 0 for rule in report["rules"] for test in rule["tests"])


def test_object_in_the_current_folder(command: Any) -> None:
    """A backend can be given as module:object, found in the current folder, and in all its variants."""
    result = command("run", "broken_backends:good", "--rule", "RUN-15", "--all-variants")
    assert result.status == 0, result.output
    assert [report["variant"] for report in result.reports] == [None, "other"]
    assert "broken 1.0 (other): CONFORMANT" in result.output


def test_violation(command: Any) -> None:
    """A violation is reported with rule, reason and advice, and the others are still tested."""
    result = command("run", "broken_backends:forgetful", "--rule", "CKPT-1", "--rule", "CKPT-2")
    assert result.status == 1
    assert result.outcome("CKPT-1") == "failed"
    assert result.outcome("CKPT-2") == "failed"  # by the one test that both rules name
    assert "NOT CONFORMANT" in result.output
    assert "Check (CKPT-1):" in result.output


def test_stop_at_first_failure(command: Any) -> None:
    """With -x the suite ends at the first failure, and says what was not run."""
    result = command("run", "broken_backends:forgetful", "--rule", "CKPT-1", "-x")
    tests = [test["outcome"] for test in result.reports[0]["rules"][0]["tests"]]
    assert result.status == 1
    assert tests.count("failed") == 1
    assert "not run" in tests


@pytest.mark.parametrize("backend", ["hanging", "blocking"])
def test_hang(command: Any, backend: str) -> None:
    """A test that hangs is ended, fails its rule with the place where it hangs, and the next tests run."""
    result = command("run", f"broken_backends:{backend}", "-k", SOME, "--rule", "CKPT-3", "--patience", "1")
    assert result.status == 1
    assert "did not end within 1 s" in result.messages("CKPT-3")
    assert "broken_backends.py" in result.messages("CKPT-3")
    outcomes = [test["outcome"] for rule in result.reports[0]["rules"] for test in rule["tests"]]
    assert "passed" in outcomes
    assert "not run" not in outcomes


def test_crash(command: Any) -> None:
    """A test that ends the process fails its rule, and the next tests run."""
    result = command("run", "broken_backends:crashing", "-k", SOME, "--rule", "CKPT-3")
    assert result.status == 1
    assert "ended with status 41" in result.messages("CKPT-3")
    outcomes = [test["outcome"] for rule in result.reports[0]["rules"] for test in rule["tests"]]
    assert "passed" in outcomes
    assert "not run" not in outcomes


def test_giving_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After many crashes the rest is given up, and that is said."""
    monkeypatch.setattr(session, "MAX_RESTARTS", 1)
    monkeypatch.chdir(HERE)
    outcomes: list[str] = []
    run = session.run_suite(
        ["--conformance-backend=broken_backends:crashing", "--conformance-rule=CKPT-1", "-k", "checkpoint"],
        progress=outcomes.append,
    )
    assert "given up after 2 tests" in run.problem
    assert [test.outcome for test in run.tests.values()].count("failed") == 2
    assert "not run" in [test.outcome for test in run.tests.values()]
    assert outcomes.count("failed") == 2


def test_capabilities_not_declared(command: Any) -> None:
    """What a backend does not declare is not applicable, and no failure."""
    result = command("run", "broken_backends:small", "--rule", "POLL-1", "--rule", "TIME-14", "--rule", "RUN-15")
    assert result.status == 0, result.output
    assert result.outcome("POLL-1") == "not applicable"
    assert result.outcome("TIME-14") == "not applicable"
    assert result.outcome("RUN-15") == "passed"
    assert "does not declare readiness" in json.dumps(result.reports)


def test_capabilities_declared_falsely(command: Any) -> None:
    """What a backend declares and does not have is a failure."""
    result = command("run", "broken_backends:boasting", "--rule", "POLL-1", "--rule", "RUN-15")
    assert result.status == 1
    assert result.outcome("POLL-1") == "failed"
    assert result.outcome("RUN-15") == "failed"


def test_warnings_are_errors(command: Any) -> None:
    """A coroutine that was never awaited fails the test that left it."""
    result = command("run", "broken_backends:littering", "--rule", "CKPT-1", "-k", "yields_each_time")
    assert result.status == 1
    assert "never awaited" in result.messages("CKPT-1")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nonsense"], "no backend named 'nonsense' is installed"),
        (["nonsense:backend"], "cannot import 'nonsense'"),
        (["broken_backends:nonsense"], "cannot find 'nonsense'"),
        (["broken_backends:good", "--variant", "nonsense"], "no variant 'nonsense'"),
        (["broken_backends:good", "--rule", "NONSENSE-1"], "'NONSENSE-1'"),
        (["broken_backends:good", "--area", "NONSENSE"], "'NONSENSE'"),
    ],
)
def test_wrong_use(command: Any, arguments: list[str], text: str) -> None:
    """Wrong arguments are explained, with their own exit status."""
    result = command("run", *arguments)
    assert result.status == 2
    assert text in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("raise ValueError('the text')", "ValueError: the text"),
        ("import nowhere", "No module named 'nowhere'"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("def (:", "SyntaxError"),
    ],
)
def test_module_that_fails(tmp_path: Path, source: str, text: str) -> None:
    """A module that cannot be imported is named with what it raised and where, and is no verdict."""
    (tmp_path / "failing.py").write_text(source, encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "accord_conformance", "run", "failing:backend"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 2
    assert "cannot import 'failing'" in process.stderr
    assert text in process.stderr
    assert "Traceback" not in process.stderr


def test_surroundings_do_not_leak_in(tmp_path: Path) -> None:
    """The author's own configuration, conftest.py and plugins change nothing."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\nfilterwarnings = error\n", encoding="utf-8")
    (tmp_path / "conftest.py").write_text("raise RuntimeError('this is not for you')\n", encoding="utf-8")
    (tmp_path / "leaking.py").write_text("raise RuntimeError('nor is this')\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--nonsense'\n", encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "accord_conformance", "run", any_installed(), "--rule", "CKPT-2"],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_PLUGINS": "leaking", "PYTEST_ADDOPTS": "--nonsense"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "1 of 1 MUST rules" in process.stdout


def test_known_failures(command: Any, tmp_path: Path) -> None:
    """A listed failure does not count, one that passes leaves no verdict, and a wrong list is refused."""
    file = tmp_path / "known.toml"
    entry = '[[known]]\nrule = "{}"\nreason = "It cannot."\nlink = "https://example.org/1"\n'
    file.write_text(entry.format("CKPT-1"), encoding="utf-8")
    arguments = ["--rule", "CKPT-1", "--rule", "RUN-15", "--known", str(file)]
    listed = command("run", "broken_backends:forgetful", *arguments)
    assert listed.status == 0, listed.output
    assert listed.outcome("CKPT-1") == "known"
    assert "KNOWN CKPT-1: It cannot." in listed.output
    passing = command("run", "broken_backends:good", *arguments)
    assert passing.status == 2
    assert "take it off the list" in passing.output
    file.write_text(entry.format("CKPT-1000"), encoding="utf-8")
    wrong = command("run", "broken_backends:good", *arguments)
    assert wrong.status == 2
    assert "there is no rule 'CKPT-1000'" in wrong.output


def test_jobs_and_levels(command: Any) -> None:
    """Several processes give the same result as one, and levels select rules."""
    arguments = ["run", any_installed(), "--area", "CKPT", "--area", "GUARD", "--level", "MUST"]
    one, two = command(*arguments), command(*arguments, "--jobs", "3")
    assert one.status == two.status == 0, two.output

    def tests(result: Result) -> list[tuple[str, str]]:
        return [(test["id"], test["outcome"]) for rule in result.reports[0]["rules"] for test in rule["tests"]]

    assert sorted(tests(one)) == sorted(tests(two))
    assert {rule["level"] for rule in two.reports[0]["rules"]} == {"MUST"}
    assert command("run", any_installed(), "--level", "PERHAPS").status == 2
    assert command("run", any_installed(), "--jobs", "0").status == 2


def test_no_backend_at_all(command: Any) -> None:
    """An object that is no backend is refused and not tested."""
    result = command("run", "broken_backends:no_backend")
    assert result.status == 2
    assert "lacks" in result.output


def test_nothing_selected(command: Any) -> None:
    """If no test ran there is no verdict, and an exit status says so."""
    result = command("run", "broken_backends:good", "-k", "nonsense")
    assert result.status == 5
    assert "no test ran" in result.output


def test_list_and_explain(command: Any) -> None:
    """Rules can be listed and explained without a backend."""
    listed = command("list", "--area", "PARK", json_file=False)
    assert listed.status == 0
    assert listed.output.startswith("PARK-1 ")
    explained = command("explain", "PARK-2", json_file=False)
    assert explained.status == 0
    assert "Why:" in explained.output
    assert "Check:" in explained.output
    assert command("explain", "PARK-1000", json_file=False).status == 2
