"""AnyIO as a contender: the only module that imports it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import version as distribution_version
from typing import Any, TypeVar

import anyio

T = TypeVar("T")

lib: Any = anyio

_BACKENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "asyncio": ("asyncio", {}),
    "uvloop": ("asyncio", {"use_uvloop": True}),
    "trio": ("trio", {}),
}


def run(runtime: str, main: Callable[[], Awaitable[T]]) -> T:
    """Run ``main`` on a new loop."""
    backend, options = _BACKENDS[runtime]
    return anyio.run(main, backend=backend, backend_options=options)


def version(_runtime: str) -> str:
    """Return which version this is."""
    return f"AnyIO {distribution_version('anyio')}"


def programs(runtime: str) -> dict[str, str]:
    """Return small programs whose time is of interest."""
    backend, options = _BACKENDS[runtime]
    run = f"anyio.run(main, backend={backend!r}, backend_options={options!r})"
    return {"import": "import anyio", "run": f"import anyio\nasync def main(): pass\n{run}"}
