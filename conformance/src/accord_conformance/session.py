"""Runs the suite in processes of its own, so that neither a hang nor a crash of the backend ends the command.

The processes write what happens to a file, a line of JSON for each event. A test that began and did not end when its
process is gone has failed; a new process goes on with the tests that are left.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from .plugin import NOT_APPLICABLE
from .watchdog import EXIT_STATUS

MAX_RESTARTS = 40
"""After so many hangs and crashes the rest of the suite is given up."""

POLL_INTERVAL = 0.1

LEAKS = ("ACCORD_BACKEND", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONASYNCIODEBUG", "PYTHONWARNINGS")
"""Variables by which the surroundings would change the suite."""

ALL_TESTS = ("--pyargs", "accord_conformance.suite")


@dataclass(slots=True)
class TestResult:
    """How one test ended."""

    __test__ = False  # pytest: this is no test

    id: str
    rules: tuple[str, ...]
    about: str
    outcome: str = "not run"
    """``passed``, ``failed``, ``not applicable``, ``untested`` or ``not run``."""
    message: str = ""
    duration: float = 0.0


@dataclass(slots=True)
class SuiteRun:
    """What came out of one run of the suite."""

    tests: dict[str, TestResult] = field(default_factory=dict[str, TestResult])
    problem: str = ""
    """Why the suite could not be run, or not to its end; empty if it could."""

    def take(self, event: dict[str, Any]) -> None:
        """Take in one event."""
        name = event["test"]
        if event["event"] == "collected":
            self.tests.setdefault(name, TestResult(name, tuple(event["rules"]), event["about"]))
        elif event["event"] == "end":
            test = self.tests[name]
            if test.outcome == "failed":  # in an earlier phase of the same test
                return
            test.outcome, test.duration = event["outcome"], event["duration"]
            test.message = event["message"].removeprefix(NOT_APPLICABLE)


def run_suite(
    options: Sequence[str],
    *,
    stop_at_failure: bool = False,
    progress: Callable[[str], object] = str,
    files: Sequence[Path] | None = None,
    jobs: int = 1,
) -> SuiteRun:
    """Run the suite's tests and return what came of each.

    :param options: options of pytest and of the plugin that choose backend, variant and tests.
    :param progress: called with the outcome of each test as it ends.
    :param files: where the tests are; by default all of the suite.
    :param jobs: how many processes share the files.
    """
    result = SuiteRun()
    shares = [share for share in (files[job::jobs] for job in range(jobs)) if share] if files is not None else [None]
    if len(shares) < 2:
        for share in shares:
            _run_share(options, stop_at_failure, progress, share, result)
        return result
    with ThreadPoolExecutor(len(shares)) as pool:
        parts = [SuiteRun() for _ in shares]
        list(pool.map(partial(_run_share, options, stop_at_failure, progress), shares, parts))
    for part in parts:
        result.tests.update(part.tests)
        result.problem = result.problem or part.problem
    return result


def _run_share(
    options: Sequence[str],
    stop_at_failure: bool,
    progress: Callable[[str], object],
    files: Sequence[Path] | None,
    result: SuiteRun,
) -> None:
    """Run the tests of some files, in one process after the other as long as tests hang or crash."""
    where = ALL_TESTS if files is None else tuple(map(str, files))
    with tempfile.TemporaryDirectory(prefix="accord-conformance-") as folder:
        events = Path(folder, "events")
        events.touch()
        output = Path(folder, "output")
        reader = _EventReader(events, result, progress)
        for _ in range(MAX_RESTARTS + 1):
            status = _run_process([*options, *(["-x"] if stop_at_failure else []), *where], events, output, reader)
            if reader.unfinished is not None:
                seen = _tail(Path(f"{events}.stacks")) + _tail(output)
                message = f"The process ended with status {status} during the test.\n{seen}"
                reader.append(event="end", test=reader.unfinished, outcome="failed", message=message, duration=0.0)
            elif status != EXIT_STATUS:
                if status not in (0, 1, 5):
                    result.problem = _tail(output) or f"pytest ended with status {status}"
                return
            if stop_at_failure:
                return
        result.problem = f"given up after {MAX_RESTARTS + 1} tests that hung or ended the process"


def _run_process(options: Sequence[str], events: Path, output: Path, reader: _EventReader) -> int:
    """Run one pytest process to its end, reading its events meanwhile, and return its exit status."""
    suite = Path(__file__).with_name("suite")
    command = [
        *(sys.executable, "-m", "pytest", "-p", "accord_conformance.plugin", "-c", os.devnull, "--rootdir", str(suite)),
        *("-p", "no:cacheprovider", "-W", "error", "-q", "--tb=short", f"--conformance-events={events}", *options),
    ]
    environment = {key: value for key, value in os.environ.items() if key not in LEAKS}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with output.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    status = process.wait(POLL_INTERVAL)
                except subprocess.TimeoutExpired:
                    reader.read()
                else:
                    reader.read()
                    return status
        finally:
            process.kill()


class _EventReader:
    """Reads the events that were added to the file since the last time."""

    def __init__(self, file: Path, result: SuiteRun, progress: Callable[[str], object]) -> None:
        self._file = file
        self._result = result
        self._progress = progress
        self._offset = 0
        self.unfinished: str | None = None
        """The test that began and has not ended."""

    def read(self) -> None:
        """Take in what is new."""
        with self._file.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):  # still being written
                    break
                self._offset += len(line)
                event = json.loads(line)
                if event["event"] == "start":
                    self.unfinished = event["test"]
                elif event["event"] == "end":
                    self.unfinished = None
                    self._progress(event["outcome"])
                self._result.take(event)

    def append(self, **event: object) -> None:
        """Add an event on behalf of a process that could not."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        self.read()


def _tail(file: Path, lines: int = 60) -> str:
    """The last lines of a file, if it exists."""
    if not file.exists():
        return ""
    return "\n".join(file.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
