"""The parent's side of calls in workers: requests, and the values and exceptions of replies (WORKER-1, WORKER-2)."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import child


def name_of(func: Callable[..., object]) -> str:
    """Return how errors call a function."""
    return str(getattr(func, "__qualname__", None) or type(func).__name__)


def request(func: Callable[..., object], args: tuple[object, ...]) -> bytes:
    """Return a call as it is sent to a worker; ``TypeError`` or ``PicklingError`` if that is impossible."""
    if not callable(func):
        raise TypeError(f"func must be callable, not {type(func).__name__}")
    if child.is_loading_main():
        raise RuntimeError(
            "a worker that loads the main program must not start workers: in that program, put what it does behind "
            'if __name__ == "__main__"'
        )
    try:
        return pickle.dumps((func, args), pickle.HIGHEST_PROTOCOL)
    except Exception as exc:
        raise pickle.PicklingError(f"{name_of(func)} or its arguments can't be sent to a worker: {exc}") from exc


def value_of(reply: bytes) -> Any:
    """Return the value of a reply, or raise its exception."""
    kind, content = reply[:1], memoryview(reply)[1:]
    if kind == child.UNSENDABLE:
        raise pickle.PicklingError(str(content, "utf-8", "replace"))
    try:
        loaded: Any = pickle.loads(content)  # noqa: S301 - from our own worker
    except Exception as exc:
        raise pickle.PicklingError(f"what the worker sent back can't be loaded: {exc}") from exc
    if kind == child.VALUE:
        return loaded
    error, where = loaded
    try:
        error.add_note(f"In the worker:\n{where}")
        raise error
    finally:
        del error, loaded


def surroundings() -> tuple[object, ...]:
    """Return what a worker takes over from this process."""
    main = sys.modules["__main__"]
    # What a worker makes of classes of the main program comes back under the name that the program has there.
    sys.modules.setdefault(child.ALIAS, main)
    name = getattr(getattr(main, "__spec__", None), "name", None)
    path = getattr(main, "__file__", None)
    if path is not None and not Path(path).is_file():
        path = None
    return tuple(child.Surroundings(list(sys.path), list(sys.argv), name, path))
