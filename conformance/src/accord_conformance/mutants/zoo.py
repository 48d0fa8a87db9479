"""The mutants by name: ``accord_conformance.mutants.zoo:NAME`` is a backend that has just been broken."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from accord_conformance import mutants
from accord_conformance.loader import load_backend

from .making import DEFAULT_BASE, Broken, Mutant, registered

CONTROL = "control"
"""The name of a backend that is made as mutants are, and not broken: whatever fails on it would kill them all."""


@cache
def all_mutants() -> dict[str, Mutant]:
    """Return every mutant by its name, in the order of areas."""
    for module in pkgutil.iter_modules(mutants.__path__, f"{mutants.__name__}."):
        if module.name.rpartition(".")[2].startswith("break_"):
            importlib.import_module(module.name)
    return dict(registered)


def __getattr__(name: str) -> Broken:
    if name == CONTROL:
        return Broken(load_backend(DEFAULT_BASE))
    mutant = all_mutants().get(name)
    if mutant is None:
        raise AttributeError(f"no mutant is called {name!r}")
    return _made(mutant)


@cache
def _made(mutant: Mutant) -> Broken:
    return mutant.make()
