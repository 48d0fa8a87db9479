"""From a callable to a coroutine, with errors that name the callable, and the names of tasks (TASK-15, TASK-20)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from types import CoroutineType, FunctionType
from typing import Any, TypeVar

T = TypeVar("T")

_PATIENCE = 100  # clean-ups in one coroutine, each of which awaits something


def _described(func: object) -> str:
    while isinstance(func, partial):
        func = func.func
    qualname = getattr(func, "__qualname__", None)
    if isinstance(qualname, str):
        module = getattr(func, "__module__", None)
        return f"{module}.{qualname}" if module else qualname
    kind = type(func)
    return f"{kind.__module__}.{kind.__qualname__}"


def task_name(func: object, name: object = None) -> str:
    """Return the name of a task that runs ``func``: ``name`` as a string, else ``module.qualname``."""
    if name is None and type(func) is FunctionType:
        return f"{func.__module__}.{func.__qualname__}"
    return _described(func) if name is None else str(name)


def close_quietly(coro: object) -> None:
    """Close a coroutine that will never run, so that Python does not warn about it."""
    close = getattr(coro, "close", None)
    if callable(close):
        close()


def close_by_force(coro: object) -> None:
    """Close a suspended coroutine whose loop is gone, whatever it tries to await or raises meanwhile."""
    for _ in range(_PATIENCE):
        try:
            close_quietly(coro)
        except BaseException:  # noqa: S112 - from a clean-up that needs the loop; there may be more of them
            continue
        return


def is_coroutine(value: object) -> bool:
    """Return whether ``value`` is a coroutine object, also one of a compiled or otherwise unusual kind."""
    # An exact comparison first: the abstract class is ten times slower, and this is on the path of each task.
    return type(value) is CoroutineType or isinstance(value, Coroutine)


def call_for_coroutine(
    func: Callable[..., Coroutine[Any, Any, T]],
    args: tuple[Any, ...],
    keywords: Mapping[str, object] | None = None,
) -> Coroutine[Any, Any, T]:
    """Call an asynchronous function and return its coroutine; ``TypeError`` naming ``func`` if it gives none."""
    if not callable(func):
        close_quietly(func)
        if isinstance(func, Coroutine):
            raise TypeError(
                f"expected an async function, got the coroutine object of {_described(func)}: pass the function and "
                "its arguments, without calling it"
            )
        raise TypeError(f"expected an async function, got {type(func).__name__}")
    coro: Coroutine[Any, Any, T] = func(*args) if keywords is None else func(*args, **keywords)
    kind = type(coro)
    if kind is CoroutineType or is_coroutine(coro):
        return coro
    raise TypeError(f"{_described(func)} is no async function: it returned {kind.__name__}, not a coroutine")


def call_for_awaitable(func: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> Awaitable[T]:
    """As ``call_for_coroutine``, for a main function, which may return any awaitable."""
    if not callable(func):
        call_for_coroutine(func, args)
    result = func(*args)
    if not isinstance(result, Awaitable):
        raise TypeError(f"{_described(func)} is no async function: it returned {type(result).__name__}, no awaitable")
    return result


def check_coroutine(coro: object) -> None:
    """Raise ``TypeError`` if ``coro`` is no coroutine object (as ``create_task`` takes)."""
    if type(coro) is not CoroutineType and not isinstance(coro, Coroutine):
        raise TypeError(
            f"expected a coroutine object, got {_described(coro) if callable(coro) else type(coro).__name__}"
        )
