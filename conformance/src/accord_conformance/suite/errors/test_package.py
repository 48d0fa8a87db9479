"""The package as seen from outside: its names, and what importing it brings along."""

from __future__ import annotations

import os
import subprocess
import sys
from types import ModuleType

import accord
from accord.protocols import Backend
from accord_conformance.helpers import rule


@rule("ERR-9")
def test_all_is_complete() -> None:
    """__all__ has each public name once, and each of its names exists; dir() shows them."""
    assert len(set(accord.__all__)) == len(accord.__all__)
    for name in accord.__all__:
        assert hasattr(accord, name)
        assert name in dir(accord)
    public = {
        name for name, value in vars(accord).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public - {"annotations"} <= set(accord.__all__)


@rule("ERR-9")
def test_star_import() -> None:
    """The star-import binds every name."""
    names: dict[str, object] = {}
    exec("from accord import *", names)
    assert set(accord.__all__) <= names.keys()
    assert names["run"] is accord.run


@rule("ERR-10")
def test_import_loads_no_backend(backend: Backend) -> None:
    """Importing the package loads neither the backend nor the library of its loop."""
    command = [sys.executable, "-c", "import sys, accord; print(*sys.modules)"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    libraries = {type(backend).__module__.partition(".")[0], backend.cancelled_exc_class.__module__.partition(".")[0]}
    assert "accord" in loaded
    assert not (libraries - {"accord", "builtins"}) & loaded
