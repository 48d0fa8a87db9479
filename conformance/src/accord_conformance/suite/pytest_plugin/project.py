"""Runs pytest on the samples, once for each backend and set of options, and keeps what came of each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SAMPLES = Path(__file__).with_name("samples")
REPORTING = f"{__package__}.reporting"


@dataclass
class Sample:
    """What pytest reported of one test."""

    phases: dict[str, str] = field(default_factory=dict[str, str])
    """The outcome of each phase."""
    text: str = ""
    """What pytest showed of failures and skips."""
    wasxfail: bool = False

    @property
    def outcome(self) -> str:
        """``passed``, or how the first phase that did not pass ended."""
        return next((outcome for outcome in self.phases.values() if outcome != "passed"), "passed")


@dataclass
class Project:
    """What came of a run of pytest."""

    status: int
    output: str
    samples: dict[str, Sample] = field(default_factory=dict[str, Sample])

    def of(self, name: str) -> list[Sample]:
        """Return what was reported of a test function, for each of its parameters."""
        found = [sample for test, sample in self.samples.items() if test.split("::")[-1].split("[")[0] == name]
        assert found, f"{name} was not run:\n{self.output}"
        return found

    def one(self, name: str) -> Sample:
        """Return what was reported of a test function that runs once."""
        found = self.of(name)
        assert len(found) == 1, f"{name} was run {len(found)} times:\n{self.output}"
        return found[0]

    def assert_passed(self, *names: str) -> None:
        """Assert that tests have passed, in all phases."""
        for name in names:
            for sample in self.of(name):
                assert sample.outcome == "passed", f"{name}: {sample.phases}\n{sample.text}"

    def assert_failed(self, name: str, *texts: str, when: str = "call") -> None:
        """Assert that a test has failed in a phase, and that pytest showed texts."""
        sample = self.one(name)
        assert sample.phases.get(when) == "failed", f"{name}: {sample.phases}\n{sample.text}"
        for text in texts:
            assert text in sample.text, f"{name}: {text!r} is not in\n{sample.text}"


@cache
def project(backend: str, *files: str, mode: str = "strict") -> Project:
    """Run pytest on some samples.

    :param backend: what is tested, as for ``--accord-backend``.
    """
    with tempfile.TemporaryDirectory(prefix="accord-samples-") as folder:
        reports = Path(folder, "reports")
        environment = {**os.environ, "SAMPLE_REPORTS": str(reports), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        command = [
            *(sys.executable, "-m", "pytest", "-p", "accord.pytest_plugin", "-p", REPORTING, "-p", "no:cacheprovider"),
            *("-c", os.devnull, "--rootdir", str(SAMPLES), "-o", "python_files=sample_*.py", "-o", "addopts="),
            *("-o", "markers=twisted", "--tb=short", "-s", f"--accord-backend={backend}", f"--accord-mode={mode}"),
            *(str(SAMPLES / f"sample_{file}.py") for file in files),
        ]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=15, check=False
        )
        found = Project(done.returncode, done.stdout + done.stderr)
        lines = reports.read_text(encoding="utf-8").splitlines() if reports.exists() else []
    for line in map(json.loads, lines):
        sample = found.samples.setdefault(line["test"], Sample())
        sample.phases[line["when"]] = line["outcome"]
        sample.text += line["text"]
        sample.wasxfail = sample.wasxfail or line["wasxfail"]
    return found
