"""A loop that runs only while it is asked to: ``Runner``, for test frameworks, notebooks and interactive shells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from threading import get_ident
from types import TracebackType
from typing import Any, Self, TypeVar, TypeVarTuple, Unpack, cast

from .._backends import choose_backend, here, running_backend
from .._interrupts import Interrupts, takes_interrupts
from ..protocols import Backend
from ..toolkit.coroutines import call_for_coroutine
from ..toolkit.errors import prune

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_CLOSED = "the runner is closed"


class Runner:
    """A loop of its own that runs only during ``run()`` and stands still in between; a context manager.

    Tasks, sockets and timers that a call leaves behind go on in the next one. All calls come from the thread that
    made the runner. Rules RUNNER-1 to RUNNER-9.
    """

    __slots__ = ("_backend", "_closed", "_native", "_thread")

    def __init__(
        self, *, backend: str | Backend | None = None, backend_options: Mapping[str, object] | None = None
    ) -> None:
        """Make the loop.

        :param backend: as for ``accord.run``.
        :param backend_options: as for ``accord.run``.

        Raises what ``accord.run`` raises for a backend or options that it can't use, and ``NotImplementedError`` if the
        backend has no runners (capability ``testing``).
        """
        chosen = choose_backend(backend)
        create = getattr(chosen.testing, "create_runner", None)
        if create is None:
            raise NotImplementedError(f"backend {chosen.name!r} has no runners: it lacks the capability 'testing'")
        self._backend = chosen
        self._closed = False
        self._thread = get_ident()
        self._refuse_inside("made")
        self._native = self._guarded(create, backend_options or {})

    @property
    def backend(self) -> Backend:
        """The backend that runs the loop."""
        return self._backend

    def run(self, func: Callable[[Unpack[Ts]], Awaitable[T]], /, *args: *Ts) -> T:
        """Run ``func(*args)`` in a new root task until it ends, and return what it returns (RUNNER-1 to RUNNER-3).

        Raises what ``func`` raises, ``TypeError`` for what is no async function, and ``RuntimeError`` after the end,
        in another thread or inside a loop. Ctrl-C cancels ``func``, and then ``KeyboardInterrupt`` is raised
        (RUNNER-7).
        """
        if not callable(func):
            call_for_coroutine(func, args)
        if self._closed:
            raise RuntimeError(_CLOSED)
        self._refuse_inside("used")
        return cast(T, self._guarded(self._run, func, args))

    def _run(self, func: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> Any:
        if takes_interrupts():
            return Interrupts(func).run(self._run_native, self._backend, args, None)
        return self._native.run(func, args)

    def _run_native(self, _backend: Backend, main: Callable[..., Awaitable[Any]], args: Any, _options: object) -> Any:
        return self._native.run(main, args)

    def close(self) -> None:
        """Cancel the tasks that are left, let them end, and end the loop; does nothing the second time (RUNNER-4)."""
        if not self._closed:
            self._refuse_inside("closed")
            self._closed = True
            self._guarded(self._native.close)

    def _refuse_inside(self, what: str) -> None:
        if get_ident() != self._thread:
            raise RuntimeError(f"a runner can't be {what} in another thread than the one that made it")
        running = running_backend()
        if running is not None:
            raise RuntimeError(f"a runner can't be {what} inside a loop: one of backend {running.name!r} runs here")

    def _guarded(self, func: Callable[..., Any], *args: Any) -> Any:
        """Call a function of the backend, noted as the one of this thread; what it raises shows no library frames."""
        previous, here.backend = here.backend, self._backend
        try:
            return func(*args)
        except BaseException as exc:
            prune(exc)
            raise
        finally:
            here.backend = previous

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None, /
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<accord.testing.Runner on {self._backend.name}{', closed' if self._closed else ''}>"


__all__ = ["Runner"]
