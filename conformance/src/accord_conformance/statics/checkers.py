"""Having type checkers compare: a module of assignments is generated, one for each Protocol, on a line of its own.

So each Protocol has its own diagnostics, and a backend's author sees which object lacks what, in the checker's words.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .subjects import Subject, can_be_named

TIMEOUT = 300


class CheckerError(Exception):
    """A type checker could not be run."""


@dataclass(slots=True)
class Program:
    """The generated module, and which Protocol stands on which line."""

    lines: list[str] = field(default_factory=list[str])
    protocols: dict[int, str] = field(default_factory=dict[int, str])
    nameless: dict[str, str] = field(default_factory=dict[str, str])
    """Protocols whose class no other module can name, with the reason."""

    def add(self, protocol: str, line: str) -> None:
        """Add a line about a Protocol."""
        self.lines.append(line)
        self.protocols[len(self.lines)] = protocol


def generate(module: str, path: str, subjects: Sequence[Subject]) -> Program:
    """Return assignments of a backend's objects to the Protocols."""
    program = Program()
    named = [subject for subject in subjects if can_be_named(subject.cls)]
    program.lines += ["from typing import Any", "from accord import protocols"]
    # Imported from their modules by name: an object may have the name of the module that it comes from.
    outer, _, inner = path.partition(".")
    program.add("Backend", f"from {module} import {outer} as backend")
    program.add("Backend", f"whole: protocols.Backend = {'.'.join(filter(None, ['backend', inner]))}")
    for number, subject in enumerate(subjects):
        cls = f"{subject.cls.__module__}.{subject.cls.__qualname__}"
        if subject not in named:
            program.nameless[subject.name] = f"{cls} cannot be imported by that name"
            continue
        outer, _, inner = subject.cls.__qualname__.partition(".")
        program.add(subject.name, f"from {subject.cls.__module__} import {outer} as Outer{number}")
        wanted = f"protocols.{subject.name}{subject.parameters}"
        generic = "[Any]" if getattr(subject.cls, "__parameters__", ()) else ""
        found = ".".join(filter(None, [f"Outer{number}", inner]))
        program.add(subject.name, f"def check{number}(found: {found}{generic}) -> {wanted}:")
        program.add(subject.name, "    return found")
    return program


def check_with_mypy(program: Program) -> dict[str, list[str]]:
    """Return mypy's diagnostics by Protocol."""

    def parse(output: str) -> Iterable[tuple[int, str]]:
        for line in filter(None, map(str.strip, output.splitlines())):
            try:
                found: dict[str, Any] = json.loads(line)
            except ValueError as error:
                raise CheckerError(f"mypy said: {output.strip()}") from error
            if Path(found["file"]).name == "assignments.py":
                yield found["line"], "\n".join(filter(None, [found["message"], found.get("hint")]))

    options = ["--strict", "--output=json", "--follow-imports=silent", "--cache-dir=cache", "--config-file="]
    return _check(program, ["-m", "mypy", *options, "assignments.py"], parse)


def check_with_pyright(program: Program) -> dict[str, list[str]]:
    """Return pyright's diagnostics by Protocol."""

    def parse(output: str) -> Iterable[tuple[int, str]]:
        try:
            found: dict[str, Any] = json.loads(output)
        except ValueError as error:
            raise CheckerError(f"pyright said: {output.strip()}") from error
        for one in found["generalDiagnostics"]:
            if one["severity"] == "error":
                yield one["range"]["start"]["line"] + 1, one["message"]

    return _check(program, ["-m", "pyright", "--outputjson", "--pythonpath", sys.executable], parse)


CHECKERS: dict[str, Callable[[Program], dict[str, list[str]]]] = {
    "mypy": check_with_mypy,
    "pyright": check_with_pyright,
}


def installed() -> list[str]:
    """Return the names of the checkers that are there."""
    return [name for name in CHECKERS if importlib.util.find_spec(name) is not None]


def _check(
    program: Program, arguments: Sequence[str], parse: Callable[[str], Iterable[tuple[int, str]]]
) -> dict[str, list[str]]:
    with tempfile.TemporaryDirectory(prefix="accord-types-") as folder:
        Path(folder, "assignments.py").write_text("\n".join(program.lines) + "\n", encoding="utf-8")
        # What is imported is looked for where the author stands.
        settings = {
            "include": ["assignments.py"],
            "typeCheckingMode": "standard",
            "extraPaths": [str(Path.cwd())],
        }
        Path(folder, "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
        environment = {**os.environ, "MYPYPATH": str(Path.cwd())}
        command = [sys.executable, *arguments]
        try:
            process = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise CheckerError(f"{arguments[1]} did not end within {TIMEOUT} s") from None
        if not process.stdout and process.stderr:
            raise CheckerError(f"{arguments[1]} said: {process.stderr.strip()}")
        found: dict[str, list[str]] = {}
        for line, message in parse(process.stdout):
            # What is on no Protocol's line concerns the imports, and so the backend as a whole.
            messages = found.setdefault(program.protocols.get(line, "Backend"), [])
            if message not in messages:
                messages.append(message)
        return found
