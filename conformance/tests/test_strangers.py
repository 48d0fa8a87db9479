"""The suite on implementations that this project did not write: what it is expected to say of them, and why."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import accord
from accord_conformance.loader import load_backend
from accord_conformance.rules import load_rules

pytest.importorskip("anyio")
pytest.importorskip("trio")

HERE = Path(__file__).parent
STRANGERS = ("anyio_asyncio", "anyio_trio", "trio_guest")
SOUND = ("RUN-1", "RUN-12", "CKPT-1", "CANCEL-1", "TASK-22", "PARK-2", "POLL-3", "EVENT-1", "LOCK-8", "MEM-6")
"""Rules that all of them keep, of several areas."""

slow = pytest.mark.packaging
"""The mark of what an ordinary run leaves out."""


def expected(stranger: str) -> dict[str, dict[str, str]]:
    """Why which rules fail: always, or in some runs only."""
    content: dict[str, dict[str, str]] = tomllib.loads(
        (HERE / "strangers" / "expected" / f"{stranger}.toml").read_text(encoding="utf-8")
    )
    assert set(content) <= {"always", "sometimes"}
    return {"always": {}, "sometimes": {}, **content}


def run_suite(stranger: str, folder: Path, *arguments: str) -> dict[str, Any]:
    """Return the report of the command, as JSON has it."""
    file = folder / "report.json"
    command = (sys.executable, "-m", "accord_conformance", "run", f"strangers.{stranger}:backend")
    done = subprocess.run(
        [*command, "--patience", "6", "--json", str(file), *arguments],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
        timeout=570,
    )
    assert file.exists(), done.stdout + done.stderr
    [report] = json.loads(file.read_text(encoding="utf-8"))
    found: dict[str, Any] = report
    return found


def failing(report: dict[str, Any]) -> set[str]:
    """The MUST rules that a report says are broken."""
    return {rule["id"] for rule in report["rules"] if rule["outcome"] == "failed" and rule["level"] == "MUST"}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_adapter_is_a_backend(stranger: str) -> None:
    """The adapter has all members, and a program of several tasks runs on it."""
    backend = load_backend(f"strangers.{stranger}:backend")

    async def main() -> list[int]:
        send, receive = accord.create_memory_object_stream[int]()

        async def produce() -> None:
            with send:
                for number in range(3):
                    await send.send(number)

        async with accord.create_task_group() as group:
            group.start_soon(produce)
            with receive:
                received = [number async for number in receive]
        return received

    assert accord.run(main, backend=backend) == [0, 1, 2]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_sound_rules(stranger: str, tmp_path: Path) -> None:
    """What all of them do right passes, so the suite does not fail whatever is not ours."""
    report = run_suite(stranger, tmp_path, *(part for rule in SOUND for part in ("--rule", rule)))
    assert failing(report) == set()
    assert {rule["id"]: rule["outcome"] for rule in report["rules"]} == dict.fromkeys(SOUND, "passed")


@pytest.mark.parametrize("stranger", ["anyio_asyncio", "anyio_trio"])
def test_known_defects_are_found(stranger: str, tmp_path: Path) -> None:
    """A defect that was known before the suite was written fails: a context that is copied, and late deadlines."""
    report = run_suite(stranger, tmp_path, "--rule", "CTX-3", "--rule", "TIME-9")
    assert failing(report) == {"CTX-3", "TIME-9"}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_expectations_name_rules(stranger: str) -> None:
    """Each rule that is expected to fail exists, is a MUST, and has a class and a reason."""
    book = load_rules()
    content = expected(stranger)
    assert not set(content["always"]) & set(content["sometimes"])
    for rule_id, why in (content["always"] | content["sometimes"]).items():
        assert book[rule_id].level == "MUST"
        kind, colon, reason = why.partition(": ")
        assert kind.split()[0] in {"A", "B", "C", "D"}
        assert colon
        assert reason


@slow
@pytest.mark.parametrize("stranger", STRANGERS)
def test_whole_suite(stranger: str, tmp_path: Path) -> None:
    """The rules that fail are those of which it is written down why."""
    if stranger.startswith("anyio") and not version("anyio").startswith("4.16."):
        pytest.skip("what AnyIO does was written down for 4.16")
    report = run_suite(stranger, tmp_path)
    tested = {rule["id"] for rule in report["rules"] if any(test["outcome"] != "not run" for test in rule["tests"])}
    assert {rule.id for rule in load_rules().values() if not rule.untested} <= tested
    found, content = failing(report), expected(stranger)
    assert found - set(content["sometimes"]) == set(content["always"])
