"""Finds the backend that is to be tested."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import cast

from accord.protocols import Backend

ENTRY_POINTS = "accord.backends"


class LoadError(Exception):
    """The backend cannot be loaded; the text says why."""


def load_backend(spec: str) -> Backend:
    """Return the backend that ``spec`` names: an installed one by its name, or any object as ``module:object``.

    A module is looked for in the current directory too, so that an author need not install anything.
    """
    return check_members(_find(spec), spec)


def check_members(found: object, spec: str) -> Backend:
    """Return what was found if it has all members of a backend."""
    missing = sorted(name for name in vars(Backend) if not name.startswith("_") and not hasattr(found, name))
    if missing:
        raise LoadError(f"{spec} is no backend: it lacks {', '.join(missing)}")
    return cast("Backend", found)


def _find(spec: str) -> object:
    """Return the object that ``spec`` names."""
    module_name, colon, path = spec.partition(":")
    if not colon:
        found = list(entry_points(group=ENTRY_POINTS, name=spec))
        if not found:
            installed = sorted({point.name for point in entry_points(group=ENTRY_POINTS)})
            listed = ", ".join(installed) or "none"
            raise LoadError(f"no backend named {spec!r} is installed (installed: {listed}); or give module:object")
        try:
            return found[0].load()
        except BaseException as error:
            raise LoadError(f"cannot load backend {spec!r} from {found[0].value}: {_described(error)}") from error
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        target: object = importlib.import_module(module_name)
    except BaseException as error:
        # Whatever the module does, also sys.exit(): it is the author's, and it says nothing about the suite.
        raise LoadError(f"cannot import {module_name!r}: {_described(error)}") from error
    try:
        for name in path.split("."):
            target = getattr(target, name)
    except AttributeError as error:
        raise LoadError(f"cannot find {path!r} in {module_name!r}: {error}") from error
    return target


def _described(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if len(frames) > 1 else ""
    return f"{type(error).__name__}: {error}{where}"


def load_options(backend: Backend, variant: str | None) -> Mapping[str, object]:
    """Return the run options of a variant that the backend names; none for None."""
    if variant is None:
        return {}
    try:
        return backend.variants[variant]
    except KeyError:
        known = ", ".join(sorted(backend.variants)) or "none"
        raise LoadError(f"backend {backend.name!r} has no variant {variant!r} (it has: {known})") from None
