"""Checkpoints, run variables, loop tokens and parkers, for authors of primitives."""

from __future__ import annotations

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, overload
from weakref import WeakKeyDictionary

from ._backends import current_backend, here
from .protocols import Backend, LoopToken, Parker

__all__ = [
    "Backend",
    "LoopToken",
    "Parker",
    "RunVar",
    "RunVarToken",
    "cancel_shielded_checkpoint",
    "checkpoint",
    "checkpoint_due",
    "checkpoint_if_cancelled",
    "create_parker",
    "current_backend",
    "current_token",
]

T = TypeVar("T")
D = TypeVar("D")


# These hand out the backend's coroutine instead of awaiting it in one of their own: a coroutine less per checkpoint.


def checkpoint() -> Coroutine[Any, Any, None]:
    """Raise if cancelled, and let other tasks run (CKPT-1)."""
    return (here.backend or current_backend()).checkpoint()


def checkpoint_if_cancelled() -> Coroutine[Any, Any, None]:
    """Raise if cancelled, without yielding otherwise (CKPT-2)."""
    if here.credit.left:
        return _nothing()
    return (here.backend or current_backend()).checkpoint_if_cancelled()


async def _nothing() -> None:
    pass


def cancel_shielded_checkpoint() -> Coroutine[Any, Any, None]:
    """Let other tasks run, and never raise a cancellation (CKPT-3)."""
    return (here.backend or current_backend()).cancel_shielded_checkpoint()


def checkpoint_due() -> bool:
    """Return whether an operation that need not wait must call ``checkpoint()`` before it takes effect (CKPT-5)."""
    return (here.backend or current_backend()).checkpoint_due()


def create_parker() -> Parker[Any]:
    """Return a parker for the current task: the primitive under everything that waits (PARK-1 to PARK-7)."""
    return (here.backend or current_backend()).create_parker()


def current_token() -> LoopToken:
    """Return the token of the running loop, by which other threads reach it (RUN-12)."""
    return current_backend().current_token()


_UNSET: Any = object()


class RunVarToken(Generic[T]):
    """What ``RunVar.set`` returns: restores the former value, once, by ``RunVar.reset`` or at the end of a block."""

    __slots__ = ("_loop", "_used", "_value", "_var")

    def __init__(self, var: RunVar[T], loop: LoopToken, value: T) -> None:
        self._var = var
        self._loop = loop
        self._value = value
        self._used = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._var.reset(self)


class RunVar(Generic[T]):
    """A variable with one value per run of a loop (RUN-16).

    :param name: shown in errors.
    :param default: the value in a run where none was set; without it such a ``get`` raises ``LookupError``.
    """

    __slots__ = ("_default", "_name", "_values")

    def __init__(self, name: str, default: T = _UNSET) -> None:
        self._name = name
        self._default = default
        self._values: WeakKeyDictionary[LoopToken, T] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """The variable's name."""
        return self._name

    @overload
    def get(self) -> T: ...
    @overload
    def get(self, default: D) -> T | D: ...
    def get(self, default: Any = _UNSET) -> Any:
        """Return the value in this run, else ``default``, else the variable's default; else ``LookupError``."""
        value: Any = self._values.get(current_token(), _UNSET)
        if value is not _UNSET:
            return value
        if default is not _UNSET:
            return default
        if self._default is not _UNSET:
            return self._default
        raise LookupError(f"run variable {self._name!r} has no value in this run")

    def set(self, value: T) -> RunVarToken[T]:
        """Set the value in this run; the result restores the former one."""
        loop = current_token()
        former: Any = self._values.get(loop, _UNSET)
        self._values[loop] = value
        return RunVarToken(self, loop, former)

    def reset(self, token: RunVarToken[T]) -> None:
        """Restore the value from before the ``set`` that returned ``token``.

        Raises ``ValueError`` for a token of another variable or another run, ``RuntimeError`` for a used one.
        """
        if token._var is not self or token._loop is not current_token():
            raise ValueError(f"this token does not belong to run variable {self._name!r} in this run")
        if token._used:
            raise RuntimeError(f"this token of run variable {self._name!r} was used before")
        token._used = True
        if token._value is _UNSET:
            self._values.pop(token._loop, None)
        else:
            self._values[token._loop] = token._value

    def __repr__(self) -> str:
        return f"<RunVar {self._name!r}>"
