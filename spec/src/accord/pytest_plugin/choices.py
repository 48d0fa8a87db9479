"""Which backends a test runs on: those of the command line, of the ini file, or all that are installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from .names import BACKEND, CLOCK, MARKER

if TYPE_CHECKING:
    from ..protocols import Backend

NO_OPTIONS: Mapping[str, object] = {}


def explain(config: pytest.Config) -> str:
    """Return which backends were asked for, as text; nothing if it was left open."""
    return ", ".join(_asked_for(config))


def _asked_for(config: pytest.Config) -> list[str]:
    given: list[str] = config.getoption("--accord-backend") or config.getini("accord_backends")
    return given


def all_choices(config: pytest.Config) -> list[str]:
    """Return the backends for a test that doesn't name any; ``pytest.UsageError`` if there is none."""
    from .._backends import get_available_backends

    found = _asked_for(config) or list(get_available_backends())
    if not found:
        raise pytest.UsageError(
            "no backend of accord is installed: install one with 'pip install accord[asyncio]' or "
            "'pip install accord[trio]'"
        )
    return found


def _parts(choice: Any) -> tuple[Any, Mapping[str, object]]:
    """Return what names the backend, and the options beside it."""
    if isinstance(choice, tuple):
        return cast("tuple[Any, Mapping[str, object]]", choice)
    return choice, NO_OPTIONS


def load(choice: Any) -> tuple[Backend, Mapping[str, object]]:
    """Return the backend and the run options that a value of ``accord_backend`` stands for.

    ``pytest.UsageError`` if there is no such backend or variant.
    """
    choice, options = _parts(choice)
    if not isinstance(choice, str):
        from .._backends import check_backend

        return check_backend(choice), options
    backend, variant = _find(choice)
    if not variant:
        return backend, options
    try:
        return backend, {**backend.variants[variant], **options}
    except KeyError:
        known = ", ".join(sorted(backend.variants)) or "none"
        raise pytest.UsageError(f"backend {backend.name!r} has no variant {variant!r} (it has: {known})") from None


def _find(choice: str) -> tuple[Backend, str]:
    """Return the backend and the name of the variant for ``name[:variant]`` or ``module:object[:variant]``."""
    from .._backends import check_backend, get_all_backends, load_backend
    from ..exceptions import BackendNotFound

    first, _, rest = choice.partition(":")
    try:
        if not rest or first in get_all_backends():
            return load_backend(first), rest
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        path, _, variant = rest.partition(":")
        found: Any = importlib.import_module(first)
        for name in path.split("."):
            found = getattr(found, name)
        return check_backend(found), variant
    except (AttributeError, BackendNotFound, ImportError, TypeError) as error:
        raise pytest.UsageError(f"accord can't use the backend {choice!r}: {error}") from error


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Have a test that uses our fixture ``accord_backend`` run once for each backend."""
    names = metafunc.fixturenames
    if BACKEND not in names:
        return
    # Before all others: what depends on the backend must not be taken from the run of another one.
    names.remove(BACKEND)
    names.insert(0, BACKEND)
    node: Any = metafunc.definition
    given = {name for mark in node.iter_markers("parametrize") for name in _names(mark)}
    definitions: Any = getattr(metafunc, "_arg2fixturedefs", {}).get(BACKEND, ())
    if BACKEND in given or not definitions or definitions[-1].func.__module__ != __package__:
        return
    backends, options = _wishes(node)
    if CLOCK in names:
        options["virtual_time"] = True
    values: list[Any] = all_choices(metafunc.config) if backends is None else list(backends)
    for value in values:
        if not isinstance(value, tuple):
            load(value)
    metafunc.parametrize(
        BACKEND,
        [_with_options(value, options) for value in values],
        ids=[_id_of(value) for value in values],
        indirect=True,
        scope="session",
    )


def _names(mark: pytest.Mark) -> Iterable[str]:
    names: Any = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


def _wishes(node: Any) -> tuple[Iterable[Any] | None, dict[str, object]]:
    """Return the backends and options that the markers of a test ask for; the nearest marker wins."""
    backends: Iterable[Any] | None = None
    options: dict[str, object] = {}
    for mark in reversed(list(node.iter_markers(MARKER))):
        unknown = set(mark.kwargs) - {"backends", "options", "virtual_time"}
        if mark.args or unknown:
            wrong = ", ".join(sorted(unknown)) or "a positional argument"
            raise pytest.UsageError(
                f"{node.nodeid}: the marker accord takes backends, options and virtual_time, not {wrong}"
            )
        if mark.kwargs.get("backends") is not None:
            backends = mark.kwargs["backends"]
            if isinstance(backends, str):
                backends = [backends]
        options.update(mark.kwargs.get("options") or {})
        if "virtual_time" in mark.kwargs:
            options["virtual_time"] = mark.kwargs["virtual_time"]
    return backends, options


_interned: list[Any] = []


def _with_options(value: Any, options: Mapping[str, object]) -> Any:
    """Return the value with options; the same object for the same wish, so that pytest keeps fixtures for it."""
    if not options:
        return value
    backend, others = _parts(value)
    wanted = (backend, {**others, **options})
    for known in _interned:
        if known == wanted:
            return known
    _interned.append(wanted)
    return wanted


def _id_of(value: Any) -> str:
    backend, _ = _parts(value)
    return backend if isinstance(backend, str) else str(getattr(backend, "name", "backend"))
