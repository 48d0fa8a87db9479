"""Base classes for context managers that are written as one generator (area MIXIN).

A class that has to enter other context managers, as a server does with its task group, needs code on both sides of a
``yield``; as two methods it would have to keep the others in attributes, and to pass exceptions through by hand.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from inspect import isasyncgen, iscoroutine, isgenerator
from types import TracebackType
from typing import Any, Protocol, TypeVar, final

T_co = TypeVar("T_co", covariant=True)


class _HasContextManager(Protocol[T_co]):
    def __contextmanager__(self) -> AbstractContextManager[T_co, bool | None]: ...


class _HasAsyncContextManager(Protocol[T_co]):
    def __asynccontextmanager__(self) -> AbstractAsyncContextManager[T_co, bool | None]: ...


def _fields(instance: object) -> dict[str, Any]:
    return vars(instance)


def _entered(instance: Any, slot: str) -> Any:
    """Return the context manager of the block that is being left."""
    found: Any = _fields(instance).get(slot)
    if found is None:
        raise RuntimeError(f"this {type(instance).__name__} is not entered")
    return found


def _make(instance: Any, slot: str, method: str, decorator: str) -> Any:
    """Call the method of the class, and keep the context manager that it returns until the block is left."""
    if slot in _fields(instance):
        raise RuntimeError(f"this {type(instance).__name__} is entered already, and can't be a second time meanwhile")
    made: Any = getattr(instance, method)()
    where = f"{type(instance).__name__}.{method}()"
    if isgenerator(made) or isasyncgen(made):
        raise TypeError(f"{where} returned a generator: decorate it with @{decorator}")
    if iscoroutine(made):
        made.close()
        raise TypeError(f"{where} returned a coroutine: it has to yield once, and to be decorated with @{decorator}")
    enter = "__aenter__" if decorator == "asynccontextmanager" else "__enter__"
    if not hasattr(made, enter):
        kind = "async context manager" if decorator == "asynccontextmanager" else "context manager"
        raise TypeError(f"{where} returned {type(made).__name__}, which is no {kind}")
    if made is instance:
        raise TypeError(f"{where} returned the object itself, whose entering would call it again")
    _fields(instance)[slot] = made
    return made


_SYNC = "_accord_context_manager"
_ASYNC = "_accord_async_context_manager"


class ContextManagerMixin:
    """A context manager by one method, ``__contextmanager__``, decorated with ``@contextlib.contextmanager``.

    It may be entered again after it was left, but not before (MIXIN-1 to MIXIN-4).
    """

    @abstractmethod
    def __contextmanager__(self) -> AbstractContextManager[object, bool | None]:
        """Return what each ``with`` enters and leaves; to be written as a generator with that decorator."""

    @final
    def __enter__(self: _HasContextManager[T_co]) -> T_co:
        made = _make(self, _SYNC, "__contextmanager__", "contextmanager")
        try:
            value: T_co = made.__enter__()
        except BaseException:
            del _fields(self)[_SYNC]
            raise
        return value

    @final
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        made = _entered(self, _SYNC)
        try:
            swallowed: bool | None = made.__exit__(exc_type, exc, tb)
        finally:
            del _fields(self)[_SYNC]
        return swallowed


class AsyncContextManagerMixin:
    """An async context manager by one method, ``__asynccontextmanager__``, with ``@contextlib.asynccontextmanager``.

    It may be entered again after it was left, but not before (MIXIN-1 to MIXIN-4).
    """

    @abstractmethod
    def __asynccontextmanager__(self) -> AbstractAsyncContextManager[object, bool | None]:
        """Return what each ``async with`` enters and leaves; to be written as a generator with that decorator."""

    @final
    async def __aenter__(self: _HasAsyncContextManager[T_co]) -> T_co:
        made = _make(self, _ASYNC, "__asynccontextmanager__", "asynccontextmanager")
        try:
            value: T_co = await made.__aenter__()
        except BaseException:
            del _fields(self)[_ASYNC]
            raise
        return value

    @final
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> bool | None:
        made = _entered(self, _ASYNC)
        try:
            swallowed: bool | None = await made.__aexit__(exc_type, exc, tb)
        finally:
            del _fields(self)[_ASYNC]
        return swallowed
