"""Who takes part: accord on the backend under test, and its peers if they are installed and run on the same loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any, cast

import accord

from ..loader import load_backend, load_options
from .rows import Row

Main = Callable[[], Awaitable[Any]]

NATIVE = {"asyncio": "native_asyncio", "uvloop": "native_asyncio", "trio": "native_trio"}
"""Which module has the native code for a runtime; further jobs are in those of ``PARTS``."""

PARTS = ("files", "net", "paths", "processes", "threads")
"""What the modules with further jobs are called: ``portable_net`` and so on."""


@dataclass(frozen=True)
class Contender:
    """One library on one loop."""

    title: str
    """``accord``, ``AnyIO`` or ``native``."""
    version: str
    start: Callable[[Main, Mapping[str, object]], Any]
    """Runs a function on a new loop, with further run options if the contender has any."""
    job: Callable[[str], Callable[..., Any]]
    """Finds the function of a name, in ``portable`` or in a native module."""
    programs: Mapping[str, str]
    """Small programs for a process of their own, by what they do."""

    def time(self, row: Row, n: int) -> float:
        """Return how many seconds it takes to do the job of ``row`` n times."""
        job = self.job(row.function)

        async def main() -> float:
            start = perf_counter()
            await job(n)
            return perf_counter() - start

        return float(self.start(main, row.options))


def find(base: str, name: str) -> Callable[..., Any]:
    """Return the function of a job from ``portable`` or a native module, or from its parts; ``LookupError``."""
    for module_name in (base, *(f"{base}_{part}" for part in PARTS)):
        function: Callable[..., Any] | None = getattr(import_module(f".{module_name}", __package__), name, None)
        if function is not None:
            return function
    raise LookupError(f"{base} has no job {name!r}")


def _portable_job(lib: Any, name: str) -> Callable[..., Any]:
    return partial(find("portable", name), lib)


def subject(spec: str, variant: str | None) -> Contender:
    """Make the contender that is measured: accord on a backend, given as ``loader.load_backend`` takes it."""
    backend = load_backend(spec)
    options = load_options(backend, variant)

    def start(main: Main, further: Mapping[str, object]) -> Any:
        return accord.run(main, backend=backend, backend_options={**options, **further})

    job = partial(_portable_job, cast("Any", accord))
    return Contender("accord", f"accord {backend.version}", start, job, _programs(spec, options))


def _programs(spec: str, options: Mapping[str, object]) -> dict[str, str]:
    """Return small programs that use accord and nothing of this distribution."""
    programs = {"import": "import accord"}
    if all(isinstance(value, bool | int | str) for value in options.values()):
        module, colon, path = spec.partition(":")
        lines = [
            f"import accord, {module}" if colon else "import accord",
            "async def main(): pass",
            f"backend = {module}.{path}" if colon else f"backend = {spec!r}",
            f"accord.run(main, backend=backend, backend_options={dict(options)!r})",
        ]
        programs["run"] = "\n".join(lines)
    return programs


def _peer(name: str, runtime: str) -> Any:
    """Return the module of a peer, or None if something that it needs is not installed."""
    try:
        module = import_module(f".{name}", __package__)
        module.version(runtime)
    except ImportError:
        return None
    return module


def _from_module(title: str, runtime: str, module: Any, job: Callable[[str], Callable[..., Any]]) -> Contender:
    def start(main: Main, _further: Mapping[str, object]) -> Any:
        return module.run(runtime, main)

    return Contender(title, module.version(runtime), start, job, module.programs(runtime))


def peers(runtime: str) -> list[Contender]:
    """Return AnyIO and native code for a runtime, as far as they are there."""
    found: list[Contender] = []
    if runtime in NATIVE:
        anyio = _peer("peer_anyio", runtime)
        if anyio is not None:
            found.append(_from_module("AnyIO", runtime, anyio, partial(_portable_job, anyio.lib)))
        native = _peer(NATIVE[runtime], runtime)
        if native is not None:
            found.append(_from_module("native", runtime, native, partial(find, NATIVE[runtime])))
    return found
