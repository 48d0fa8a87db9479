"""Interpreters of this Python, as far as it has them: made, run and closed in one way.

Python 3.14 has a public module. Python 3.13 has what that module stands on, under private names, of which three
functions are used here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast


class Failure(Protocol):
    """What Python says about an exception that came out of an interpreter."""

    @property
    def formatted(self) -> str:
        """The exception in one line."""
        ...


class Interpreter:
    """One interpreter, with a lock of its own."""

    __slots__ = ("_id", "_module", "_public")

    def __init__(self) -> None:
        self._module, self._public = _implementation()
        self._id: Any = self._module.create()

    def run(self, code: str, names: Mapping[str, object]) -> Failure | None:
        """Run code with these global names; return None, or what is known about its exception. Blocks.

        :param names: to what can be shared between interpreters: strings, bytes, numbers.
        """
        if not self._public:
            self._module.set___main___attrs(self._id, dict(names))
            failure: Failure | None = self._module.exec(self._id, code)
            return failure
        self._id.prepare_main(dict(names))
        try:
            self._id.exec(code)
        except self._module.ExecutionFailed as exc:
            failed: Any = exc
            return cast("Failure", failed.excinfo)
        return None

    def close(self) -> None:
        """End the interpreter, which runs nothing."""
        if self._public:
            self._id.close()
        else:
            self._module.destroy(self._id)


def _implementation() -> tuple[Any, bool]:
    for name in ("concurrent.interpreters", "_interpreters"):
        try:
            module: Any = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "create"):
            return module, name[0] != "_"
    raise NotImplementedError


def are_there() -> bool:
    """Whether this Python has interpreters."""
    try:
        _implementation()
    except NotImplementedError:
        return False
    return True
