"""``run``: start a loop on a chosen backend."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar, TypeVarTuple, Unpack, cast

from ._backends import choose_backend, current_backend, run_here, running_backend
from .protocols import Backend
from .toolkit.coroutines import call_for_coroutine
from .toolkit.errors import prune

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_NO_OPTIONS: Mapping[str, object] = {}


def run(
    main: Callable[[Unpack[Ts]], Awaitable[T]],
    *args: *Ts,
    backend: str | Backend | None = None,
    backend_options: Mapping[str, object] | None = None,
) -> T:
    """Run ``main(*args)`` in a new event loop and return what it returns.

    :param backend: the name of an installed backend, or a backend object; by default the environment variable
        ``ACCORD_BACKEND``, else the only one installed, else asyncio.
    :param backend_options: options of that backend, such as ``{"use_uvloop": True}`` for asyncio.

    Raises what ``main`` raises, ``BackendNotFound``, ``TypeError`` for a main that is no async function or an unknown
    option, and ``RuntimeError`` if a loop runs in this thread already. Rules RUN-1 to RUN-9. What
    Ctrl-C does is in the rules INT: it cancels ``main``, and then ``KeyboardInterrupt`` is raised.
    """
    if not callable(main):
        call_for_coroutine(main, args)
    running = running_backend()
    if running is not None:
        raise RuntimeError(
            f"accord.run() can't be called here: a loop of backend {running.name!r} runs in this thread already; "
            "await the function instead"
        )
    from ._interrupts import Interrupts, takes_interrupts  # not sooner: nothing else needs the module signal

    chosen = choose_backend(backend)
    try:
        options = backend_options or _NO_OPTIONS
        if takes_interrupts():
            return cast(T, Interrupts(main).run(run_here, chosen, args, options))
        return cast(T, run_here(chosen, main, args, options))
    except BaseException as exc:
        prune(exc)
        raise


def get_cancelled_exc_class() -> type[BaseException]:
    """Return the class of the exceptions that deliver a cancellation on the running backend (RUN-11)."""
    return current_backend().cancelled_exc_class


__all__ = ["get_cancelled_exc_class", "run"]
