"""Caching what asynchronous functions return, and reducing (area FUNC).

Of several calls with the same arguments at a time one is made, and the others wait for it. What they wait for is an
event and not a lock: when the call has failed the first of them makes its own. Only results are kept, never
exceptions: an entry exists once there is a value.

There is a cache for each run, because what an asynchronous function returns often belongs to the loop.
"""

# Where any callable will do, an asynchronous function will too, and is treated differently: what mypy calls unsafe.
# mypy: disable-error-code="overload-overlap"

from __future__ import annotations

import functools as _functools
import inspect
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from types import MethodType
from typing import Any, Concatenate, Final, Generic, NamedTuple, ParamSpec, Protocol, TypedDict, TypeVar, overload

from ._backends import current_backend
from .exceptions import NoEventLoopError
from .itertools._steps import END, AnyIter, Source
from .lowlevel import RunVar
from .streams.checking import check_size
from .sync import Event
from .toolkit.checks import check_positive

__all__ = ["AsyncCacheInfo", "AsyncCacheParameters", "AsyncLRUCacheWrapper", "cache", "lru_cache", "reduce"]

T = TypeVar("T")
S = TypeVar("S")
P = ParamSpec("P")
Q = ParamSpec("Q")

_UNSET: Final[Any] = object()


class AsyncCacheInfo(NamedTuple):
    """How a cache was used in this run."""

    hits: int
    """Calls for which there was a value, or which waited for another call's."""
    misses: int
    """Calls of the function."""
    maxsize: int | None
    """How many values are kept; None for any number."""
    currsize: int
    """How many values there are, those included that are out of date and not yet dropped."""
    ttl: float | None
    """For how many seconds a value is kept; None for as long as there is room."""


class AsyncCacheParameters(TypedDict):
    """With what a cache was made."""

    maxsize: int | None
    typed: bool
    always_checkpoint: bool
    ttl: float | None


class _Call:
    """A call under way."""

    __slots__ = ("ended", "task_id", "value")

    def __init__(self, task_id: int) -> None:
        self.ended = Event()
        self.task_id = task_id
        self.value: Any = _UNSET


class _Cache:
    """The values of one function in one run."""

    __slots__ = ("calls", "hits", "misses", "values")

    def __init__(self) -> None:
        self.values: OrderedDict[Hashable, tuple[Any, float]] = OrderedDict()
        """The values by their keys, the one that was used last at the end, each with the time at which it expires."""
        self.calls: dict[Hashable, _Call] = {}
        self.hits = 0
        self.misses = 0

    def find(self, key: Hashable, has_ttl: bool) -> Any:
        """Return the value of a key, or ``_UNSET``."""
        entry = self.values.get(key)
        if entry is None:
            return _UNSET
        if has_ttl and current_backend().current_time() >= entry[1]:
            del self.values[key]
            return _UNSET
        self.values.move_to_end(key)
        return entry[0]


_KEYWORDS: Final = object()
"""Stands in keys between the positional arguments and the others."""


def _key(args: tuple[Any, ...], keywords: dict[str, Any], typed: bool) -> Hashable:
    key = args
    if keywords:
        key = (*args, _KEYWORDS, *keywords.items())
    if typed:
        key = (*key, *map(type, args), *map(type, keywords.values()))
    return key


class AsyncLRUCacheWrapper(Generic[P, T]):
    """An asynchronous function with a cache; made by ``lru_cache``. A method if it is an attribute of a class."""

    __name__: str
    __qualname__: str

    def __init__(
        self,
        func: Callable[P, Coroutine[Any, Any, T]],
        maxsize: int | None,
        typed: bool,
        always_checkpoint: bool,
        ttl: float | None,
    ) -> None:
        _functools.update_wrapper(self, func)
        self.__wrapped__ = func
        self._maxsize = maxsize
        self._typed = typed
        self._always_checkpoint = always_checkpoint
        self._ttl = ttl
        self._caches: RunVar[_Cache] = RunVar("accord.functools.lru_cache")

    async def __call__(self, *args: P.args, **keywords: P.kwargs) -> T:
        """Return the value that is kept for these arguments, or call the function; a checkpoint (FUNC-1 to FUNC-7)."""
        cache = self._caches.get(None)
        if cache is None:
            cache = _Cache()
            self._caches.set(cache)
        backend = current_backend()
        if self._always_checkpoint or backend.checkpoint_due():
            await backend.checkpoint()
        if self._maxsize == 0:
            cache.misses += 1
            return await self.__wrapped__(*args, **keywords)
        key = _key(args, keywords, self._typed)
        while True:
            value: T = cache.find(key, self._ttl is not None)
            call = cache.calls.get(key)
            if value is _UNSET and call is None:
                return await self._call(cache, key, args, keywords)
            if value is _UNSET and call is not None:
                if call.task_id == backend.current_task().id:
                    raise RuntimeError(f"{self.__wrapped__!r} has called itself with the same arguments")
                await call.ended.wait()
                value = call.value
            if value is not _UNSET:
                cache.hits += 1
                return value

    async def _call(self, cache: _Cache, key: Hashable, args: Any, keywords: Any) -> T:
        backend = current_backend()
        calls = cache.calls
        call = calls[key] = _Call(backend.current_task().id)
        cache.misses += 1
        func: Any = self.__wrapped__
        value: T
        try:
            value = call.value = await func(*args, **keywords)
        finally:
            del calls[key]
            call.ended.set()
        if calls is cache.calls:  # the cache has not been cleared meanwhile
            cache.values[key] = value, 0 if self._ttl is None else backend.current_time() + self._ttl
            if self._maxsize is not None and len(cache.values) > self._maxsize:
                cache.values.popitem(last=False)
        return value

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> AsyncLRUCacheWrapper[P, T]: ...
    @overload
    def __get__(
        self: AsyncLRUCacheWrapper[Concatenate[S, Q], T], instance: S, owner: type[Any] | None = None
    ) -> Callable[Q, Coroutine[Any, Any, T]]: ...
    def __get__(self, instance: Any, owner: type[Any] | None = None) -> Any:
        """Return the function as a method."""
        return self if instance is None else MethodType(self, instance)

    def _current(self) -> _Cache:
        try:
            return self._caches.get(None) or _Cache()
        except NoEventLoopError:
            return _Cache()

    def cache_info(self) -> AsyncCacheInfo:
        """Return how the cache was used in this run; all is 0 outside of runs."""
        cache = self._current()
        return AsyncCacheInfo(cache.hits, cache.misses, self._maxsize, len(cache.values), self._ttl)

    def cache_parameters(self) -> AsyncCacheParameters:
        """Return with what the cache was made."""
        return AsyncCacheParameters(
            maxsize=self._maxsize, typed=self._typed, always_checkpoint=self._always_checkpoint, ttl=self._ttl
        )

    def cache_clear(self) -> None:
        """Drop the values and the statistics of this run; what calls under way return is not kept (FUNC-6)."""
        cache = self._current()
        cache.values.clear()
        cache.calls = {}
        cache.hits = cache.misses = 0

    def __repr__(self) -> str:
        return f"<cached {self.__wrapped__!r}>"


class _Decorator(Protocol):
    @overload
    def __call__(self, func: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncLRUCacheWrapper[P, T]: ...
    @overload
    def __call__(self, func: Callable[..., T], /) -> _functools._lru_cache_wrapper[T]: ...


@overload
def lru_cache(func: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncLRUCacheWrapper[P, T]: ...
@overload
def lru_cache(func: Callable[..., T], /) -> _functools._lru_cache_wrapper[T]: ...
@overload
def lru_cache(
    *, maxsize: int | None = 128, typed: bool = False, always_checkpoint: bool = False, ttl: float | None = None
) -> _Decorator: ...
def lru_cache(
    func: Any = None,
    /,
    *,
    maxsize: int | None = 128,
    typed: bool = False,
    always_checkpoint: bool = False,
    ttl: float | None = None,
) -> Any:
    """Give an asynchronous function a cache of what it returns; a decorator, with or without arguments (area FUNC).

    :param maxsize: how many values to keep, in each run: those that were used last. None for any number; 0 for none.
    :param typed: keep values for arguments that are equal and of different types apart, as 3 and 3.0.
    :param always_checkpoint: yield at each call; by default calls for which there is a value yield now and then.
    :param ttl: for how many seconds of the run's clock a value is kept; None for as long as there is room.

    The arguments must be hashable, or the call raises ``TypeError``. A function that isn't asynchronous gets the cache
    of the standard library, which knows neither of the last two parameters: ``ValueError``. Raises ``TypeError`` or
    ``ValueError`` for wrong arguments.
    """
    if maxsize is not None:
        check_size(maxsize, "maxsize", 0)
    if ttl is not None:
        ttl = check_positive(ttl, "ttl")

    def decorate(function: Any, /) -> Any:
        _check_callable(function, "func")
        if _is_asynchronous(function):
            return AsyncLRUCacheWrapper[..., Any](function, maxsize, bool(typed), bool(always_checkpoint), ttl)
        if always_checkpoint or ttl is not None:
            raise ValueError("always_checkpoint and ttl need an asynchronous function")
        return _functools.lru_cache(maxsize, typed)(function)

    return decorate if func is None else decorate(func)


def _check_callable(value: object, name: str) -> None:
    if not callable(value):
        raise TypeError(f"{name} must be callable, not {type(value).__name__}")


def _is_asynchronous(func: Any) -> bool:
    while isinstance(func, _functools.partial):
        func = func.func
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)


@overload
def cache(func: Callable[P, Coroutine[Any, Any, T]], /) -> AsyncLRUCacheWrapper[P, T]: ...
@overload
def cache(func: Callable[..., T], /) -> _functools._lru_cache_wrapper[T]: ...
def cache(func: Any, /) -> Any:
    """Give an asynchronous function a cache of all that it returns: ``lru_cache(maxsize=None)``."""
    cached: Any = lru_cache(maxsize=None)
    return cached(func)


@overload
async def reduce(function: Callable[[T, S], Awaitable[T]], iterable: AnyIter[S], /, initial: T) -> T: ...
@overload
async def reduce(function: Callable[[T, T], Awaitable[T]], iterable: AnyIter[T], /) -> T: ...
async def reduce(
    function: Callable[[Any, Any], Awaitable[Any]], iterable: AnyIter[Any], /, initial: Any = _UNSET
) -> Any:
    """Combine the items of an iterable of either kind into one value; a checkpoint at each item (FUNC-10).

    :param function: makes a new value of the one so far and an item.
    :param initial: the first value; by default the first item is.

    Raises ``TypeError`` if there is neither an item nor ``initial``. The iterable is not closed.
    """
    _check_callable(function, "function")
    source: Source[Any] = Source(iterable)
    value = await source.next() if initial is _UNSET else initial
    if value is END:
        raise TypeError("reduce() of an empty iterable needs an initial value")
    while (item := await source.next()) is not END:
        value = await function(value, item)
    return value
