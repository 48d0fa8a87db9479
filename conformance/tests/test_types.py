"""Tests of the command ``types`` on good and wrong backends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Protocol

import pytest
import wrong_types
from broken_backends import any_installed

from accord_conformance.statics import checkers
from accord_conformance.statics.checkers import CheckerError, generate, installed
from accord_conformance.statics.signatures import compare
from accord_conformance.statics.subjects import Subject, place_of, subjects_of

HERE = Path(__file__).parent


def mistakes(name: str) -> str:
    """What the comparison at run time says about the wrong backend's object for a Protocol."""
    backend: Any = wrong_types.backend
    [subject] = [subject for subject in subjects_of(backend) if subject.name == name]
    return "\n".join(compare(subject))


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("Backend", "current_time() is not possible"),
        ("CancelScope", "shield is missing"),
        ("CancelScope", "deadline cannot be assigned"),
        ("Parker", "unpark is a coroutine function"),
        ("Parker", "unpark(...) is not possible"),
        ("LoopToken", "backend_name is a method"),
    ],
)
def test_signatures_of_a_wrong_backend(protocol: str, message: str) -> None:
    """Each mistake is named with its member."""
    assert message in mistakes(protocol)


@pytest.mark.parametrize("protocol", ["TaskGroup", "TaskHandle", "TaskInfo", "Testing"])
def test_signatures_that_are_right(protocol: str) -> None:
    """What is right in a wrong backend is not blamed."""
    assert mistakes(protocol) == ""


class Calls(Protocol):
    """Members that can be called in several ways."""

    def both(self, first: int, second: int = 0) -> None:
        """Take its arguments by place or by name."""

    def named(self, *, only: int) -> None:
        """Take its argument by name."""

    def many(self, *items: int) -> None:
        """Take any number."""


class Renamed:
    """Calls its parameters otherwise."""

    def both(self, one: int, second: int = 0) -> None:
        """Do it wrong."""

    def named(self, only: int) -> None:
        """As it should be: by place is more than was asked."""

    def many(self, item: int) -> None:
        """Do it wrong."""


def test_ways_to_call() -> None:
    """Names count where the Protocol lets them be used, and so do numbers of arguments."""
    found = "\n".join(compare(Subject(Calls, Renamed())))
    assert "both(first=...) is not possible" in found
    assert "many(..., ...) is not possible" in found
    assert "named" not in found


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command in this folder."""
    command = [sys.executable, "-m", "accord_conformance", "types", *arguments]
    return subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=200)


def wrong_lines(output: str) -> list[str]:
    """The Protocols that the table calls wrong."""
    return [line.split()[0] for line in output.splitlines() if line.endswith("WRONG")]


@pytest.mark.parametrize("checker", ["signatures", *installed()])
def test_good_backend(checker: str) -> None:
    """A good backend is right by every measure, and that is the exit status."""
    result = call(any_installed(), "--checker", checker)
    assert result.returncode == 0, result.stdout + result.stderr
    assert wrong_lines(result.stdout) == []
    assert "TaskGroup" in result.stdout


@pytest.mark.parametrize("checker", installed())
def test_wrong_backend(checker: str) -> None:
    """Each Protocol has its own diagnostics, in the checker's words."""
    result = call("wrong_types:backend", "--checker", checker)
    assert result.returncode == 1, result.stdout + result.stderr
    assert set(wrong_lines(result.stdout)) >= {"Backend", "CancelScope", "Parker", "LoopToken", "Testing"}
    assert not {"TaskGroup", "TaskHandle", "TaskInfo"} & set(wrong_lines(result.stdout))
    assert f"CancelScope, {checker}: wrong_types.Scope" in result.stdout
    assert "shield" in result.stdout
    assert "cannot be imported by that name" in result.stdout


def test_no_backend() -> None:
    """What is no backend is refused as by the other commands."""
    result = call("broken_backends:no_backend")
    assert result.returncode == 2
    assert "lacks" in result.stderr


def test_checker_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checker that cannot be run is no verdict about the backend."""
    program = generate(*place_of(any_installed()), [])
    monkeypatch.setattr(sys, "executable", "/bin/echo")
    for name in installed():
        with pytest.raises(CheckerError, match=name):
            checkers.CHECKERS[name](program)
