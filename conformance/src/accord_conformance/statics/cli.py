"""The command ``types BACKEND``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from accord_conformance.loader import load_backend

from .checkers import CHECKERS, CheckerError, generate, installed
from .signatures import compare
from .subjects import place_of, subjects_of

SIGNATURES = "signatures"


def add_command(commands: Any) -> None:
    """Add it to the command line."""
    types = commands.add_parser("types", help="compare a backend's types with the Protocols", allow_abbrev=False)
    types.set_defaults(command=types_command)
    types.add_argument("backend", help="the name of an installed backend, or module:object")
    types.add_argument(
        "--checker",
        action="append",
        choices=[SIGNATURES, *CHECKERS],
        help="what compares (by default all that are installed; 'signatures' needs none)",
    )


def types_command(options: argparse.Namespace) -> int:
    """Print one line for each Protocol and what is wrong; 1 if something is."""
    backend = load_backend(options.backend)
    subjects = subjects_of(backend)
    program = generate(*place_of(options.backend), subjects)
    chosen: list[str] = options.checker or [SIGNATURES, *installed()]
    found: dict[str, dict[str, list[str]]] = {}
    for name in chosen:
        if name == SIGNATURES:
            found[name] = {subject.name: mistakes for subject in subjects if (mistakes := compare(subject))}
            continue
        try:
            found[name] = CHECKERS[name](program)
        except CheckerError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        for protocol, reason in program.nameless.items():
            found[name].setdefault(protocol, []).append(reason)
    print(f"{'protocol':<14}" + "".join(f"{name:>12}" for name in chosen))
    for subject in subjects:
        print(
            f"{subject.name:<14}"
            + "".join(f"{'WRONG' if subject.name in found[name] else 'ok':>12}" for name in chosen)
        )
    for subject in subjects:
        for name in chosen:
            for message in found[name].get(subject.name, ()):
                print(f"\n{subject.name}, {name}: {subject.cls.__module__}.{subject.cls.__qualname__}")
                print("\n".join(f"  {line}" for line in message.splitlines()))
    return 1 if any(found.values()) else 0
