"""What is compared: each Protocol of the waist with the class that a backend uses for it.

The classes are found by asking the backend in a run, so that an author has nothing to list.
"""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from math import inf
from typing import Any

from accord import protocols
from accord.protocols import Backend
from accord_conformance.loader import ENTRY_POINTS


@dataclass(frozen=True, slots=True)
class Subject:
    """One Protocol and what should satisfy it."""

    protocol: type[Any]
    found: Any
    """An object of the backend."""
    parameters: str = ""
    """How the Protocol is written as a type, after its name."""

    @property
    def name(self) -> str:
        """The name of the Protocol."""
        return self.protocol.__name__

    @property
    def cls(self) -> Any:
        """The class of the object."""
        found: object = self.found
        return type(found)


def subjects_of(backend: Backend) -> list[Subject]:
    """Return what there is to compare; an optional part that the backend doesn't have is left out."""
    found = [Subject(protocols.Backend, backend)]

    async def nothing() -> None:
        pass

    async def main() -> None:
        group = backend.create_task_group(None)
        handles: list[object] = []
        async with group:
            handles.append(group.start_soon(nothing))
        found.extend(
            [
                Subject(protocols.CancelScope, backend.create_cancel_scope(inf, None, False)),
                Subject(protocols.TaskGroup, group),
                Subject(protocols.TaskHandle, handles[0], "[Any]"),
                Subject(protocols.TaskInfo, backend.current_task()),
                Subject(protocols.Parker, backend.create_parker(), "[Any]"),
                Subject(protocols.LoopToken, backend.current_token()),
            ]
        )
        if backend.readiness is not None:
            one, other = socket.socketpair()
            with one, other:
                poller = backend.readiness.create_poller(one.fileno())
                poller.close()
            found.extend([Subject(protocols.Readiness, backend.readiness), Subject(protocols.Poller, poller)])
        if backend.testing is not None:
            found.append(Subject(protocols.Testing, backend.testing))

    backend.run(main, (), {})
    if backend.testing is not None and hasattr(backend.testing, "create_runner"):
        runner = backend.testing.create_runner({})
        runner.close()
        found.append(Subject(protocols.Runner, runner))
    return found


def place_of(spec: str) -> tuple[str, str]:
    """Return module and object of a backend that is given by name or as ``module:object``."""
    if ":" not in spec:
        [point] = entry_points(group=ENTRY_POINTS, name=spec)
        spec = point.value
    module, _, path = spec.partition(":")
    return module, path


def can_be_named(cls: type[Any]) -> bool:
    """Whether another module can import a class, which a local one cannot be."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls
