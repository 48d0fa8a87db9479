"""Finding backends: by name, by environment, and by looking which one runs in this thread (RUN-9, RUN-10).

Detection has two ways. A loop that ``accord.run`` started left its backend in a thread-local variable, which answers in
tens of nanoseconds. For a loop that somebody else started, the backends are asked one after the other; those that were
not imported yet are imported only if the host library of that name (``asyncio``, ``trio``) is loaded at all, because
otherwise it can't be running.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from .exceptions import BackendNotFound, NoEventLoopError
from .protocols.backend import Backend

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "accord.backends"
VARIABLE = "ACCORD_BACKEND"


class Credit:
    """What a backend lends to the operations of a thread, so that they need not ask it; see ``toolkit.credit``."""

    __slots__ = ("backend", "left", "time")

    def __init__(self) -> None:
        self.backend: Any = None
        """The backend of this thread, for as long as its operations look here."""
        self.left = 0
        """How many operations may go on without asking ``checkpoint_due()``; above 0 only if nothing is cancelled."""
        self.time: Callable[[], float] | None = None
        """The loop's clock."""


NO_CREDIT = Credit()
"""Where no backend lends; always empty."""


class _Here(threading.local):
    backend: Backend | None = None
    credit = NO_CREDIT


here = _Here()
_loaded: dict[str, Backend] = {}
_probes: list[Backend] = []

_MEMBERS = sorted(name for name in vars(Backend) if not name.startswith("_"))


def _installed() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # not sooner: it is slow to import

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise BackendNotFound(
                f"two installed packages provide a backend named {point.name!r}: {other.value} and {point.value}"
            )
    return dict(sorted(found.items()))


def check_backend(candidate: object) -> Backend:
    """Return ``candidate`` if it has every member of the waist; ``TypeError`` naming the missing ones otherwise."""
    # hasattr on the type first: a property of the backend should not run just to be counted.
    missing = [name for name in _MEMBERS if not hasattr(type(candidate), name) and not hasattr(candidate, name)]
    if missing:
        raise TypeError(f"{candidate!r} is no backend: it lacks {', '.join(missing)}")
    return cast(Backend, candidate)


def get_all_backends() -> tuple[str, ...]:
    """Return the names of the installed backends, whether or not their dependencies are there."""
    return tuple(_installed())


def get_available_backends() -> tuple[str, ...]:
    """Return the names of the installed backends that can be imported; imports them."""
    available: list[str] = []
    for name in _installed():
        try:
            load_backend(name)
        except (ImportError, TypeError):
            continue
        available.append(name)
    return tuple(available)


def load_backend(name: str) -> Backend:
    """Return the installed backend of that name; ``BackendNotFound`` if there is none."""
    backend = _loaded.get(name)
    if backend is not None:
        return backend
    installed = _installed()
    point = installed.get(name)
    if point is None:
        raise BackendNotFound(_not_found(name, tuple(installed)))
    return _register(name, check_backend(point.load()))


def _register(name: str, backend: Backend) -> Backend:
    _loaded[name] = backend
    _probes.append(backend)
    return backend


def _not_found(name: str | None, installed: tuple[str, ...]) -> str:
    what = "no backend is installed" if name is None else f"no backend named {name!r} is installed"
    if installed:
        return f"{what}; installed: {', '.join(installed)}"
    return f"{what}: install one with 'pip install accord[asyncio]' or 'pip install accord[trio]'"


def choose_backend(choice: object) -> Backend:
    """Return the backend for ``run``: an object as it is, a name, or by the default order of RUN-9."""
    if isinstance(choice, str):
        return load_backend(choice)
    if choice is not None:
        return check_backend(choice)
    name = os.environ.get(VARIABLE)
    if name:
        try:
            return load_backend(name)
        except BackendNotFound as exc:
            raise BackendNotFound(f"{exc} (the name comes from the environment variable {VARIABLE})") from None
    installed = tuple(_installed())
    if not installed:
        raise BackendNotFound(_not_found(None, installed))
    return load_backend(installed[0] if len(installed) == 1 or "asyncio" not in installed else "asyncio")


def current_backend() -> Backend:
    """Return the backend whose loop runs in this thread; ``NoEventLoopError`` if none does (RUN-10)."""
    return here.backend or _detect()


def running_backend() -> Backend | None:
    """Return the backend whose loop runs in this thread, or None."""
    if here.backend is not None:
        return here.backend
    for backend in _probes:
        if backend.is_running_here():
            return backend
    return None


def _detect() -> Backend:
    backend = running_backend()
    if backend is None:
        # A backend that was never imported may serve a loop that somebody else started.
        for name in [name for name in _installed() if name not in _loaded and name in sys.modules]:
            try:
                candidate = load_backend(name)
            except (ImportError, TypeError):
                continue
            if candidate.is_running_here():
                return candidate
        installed = ", ".join(_installed()) or "none"
        raise NoEventLoopError(
            "no event loop is running in this thread: this call works only inside a loop, as accord.run() starts one "
            f"(installed backends: {installed})"
        )
    return backend


def run_here(backend: Backend, *args: Any) -> Any:
    """Call ``backend.run(*args)`` with the backend noted as the one of this thread."""
    previous = here.backend, here.credit
    here.backend, here.credit = backend, NO_CREDIT
    try:
        return backend.run(*args)
    finally:
        here.backend, here.credit = previous
