"""The mutants by name: ``accord_conformance.mutants.zoo:NAME`` is a backend that has just been broken."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from accord_conformance import mutants

from .making import Broken, Mutant, registered


@cache
def all_mutants() -> dict[str, Mutant]:
    """Return every mutant by its name, in the order of areas."""
    for module in pkgutil.iter_modules(mutants.__path__, f"{mutants.__name__}."):
        if module.name.rpartition(".")[2].startswith("break_"):
            importlib.import_module(module.name)
    return dict(registered)


def __getattr__(name: str) -> Broken:
    mutant = all_mutants().get(name)
    if mutant is None:
        raise AttributeError(f"no mutant is called {name!r}")
    return _made(mutant)


@cache
def _made(mutant: Mutant) -> Broken:
    return mutant.make()
