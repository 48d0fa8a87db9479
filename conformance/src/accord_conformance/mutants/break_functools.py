"""Mutants of accord.functools."""

from __future__ import annotations

import functools as _functools
import inspect
from typing import Any

import accord.functools
from accord.lowlevel import checkpoint

from .making import Broken, around, mutant, replace

Module: Any = accord.functools
Wrapper: Any = Module.AsyncLRUCacheWrapper
Cache: Any = Module._Cache


@mutant("FUNC-1")
def first_in_first_out(_: Broken) -> None:
    """The value that is the oldest makes room, although it was used last."""

    def find(cache: Any, key: Any, _has_ttl: bool) -> Any:
        return cache.values.get(key, (Module._UNSET,))[0]

    replace(Cache, find=find)


@mutant("FUNC-1")
def keywords_are_pairs(_: Broken) -> None:
    """A keyword argument is the same as a pair in its place."""

    def key(args: Any, keywords: Any, typed: bool) -> Any:
        return (*args, *keywords.items(), *(map(type, (*args, *keywords.values())) if typed else ()))

    replace(Module, _key=key)


@mutant("FUNC-1")
def types_of_keywords_do_not_count(_: Broken) -> None:
    """With typed, only positional arguments are kept apart."""

    def key(args: Any, keywords: Any, typed: bool) -> Any:
        return (*args, Module._KEYWORDS, *keywords.items(), *(map(type, args) if typed else ()))

    replace(Module, _key=key)


@mutant("FUNC-2")
def each_task_calls(_: Broken) -> None:
    """Tasks that ask at the same time each make a call."""

    class Forgetful(dict[Any, Any]):
        """Has nothing under way."""

        def get(self, *_: Any) -> Any:
            """Find nothing."""
            return None

        def __delitem__(self, key: Any, /) -> None:
            self.pop(key, None)

    def init(original: Any, cache: Any) -> None:
        original(cache)
        cache.calls = Forgetful()

    around(Cache, "__init__", init)


@mutant("FUNC-3")
def errors_are_passed_on(_: Broken) -> None:
    """Those that wait for a call that fails get None."""

    async def call(original: Any, wrapper: Any, cache: Any, key: Any, *rest: Any) -> Any:
        try:
            return await original(wrapper, cache, key, *rest)
        except BaseException:
            cache.values[key] = None, float("inf")
            raise

    around(Wrapper, "_call", call)


@mutant("FUNC-3")
def waiters_hang_after_a_failure(_: Broken) -> None:
    """A call that fails wakes nobody, and stays under way."""

    async def call(original: Any, wrapper: Any, cache: Any, key: Any, *rest: Any) -> Any:
        before = dict(cache.calls)
        try:
            return await original(wrapper, cache, key, *rest)
        except BaseException:
            cache.calls[key] = before.get(key) or Module._Call(0)
            raise

    around(Wrapper, "_call", call)


@mutant("FUNC-4")
def one_cache_for_all_runs(_: Broken) -> None:
    """All runs have the same values."""

    class Everywhere:
        """A variable with one value."""

        def __init__(self, _name: str) -> None:
            self.value: Any = None

        def get(self, _default: Any) -> Any:
            """Return it."""
            return self.value

        def set(self, value: Any) -> None:
            """Change it."""
            self.value = value

    replace(Module, RunVar=Everywhere)


@mutant("FUNC-5")
def use_extends_the_time(_: Broken) -> None:
    """A value that is used often is never out of date."""

    def find(original: Any, cache: Any, key: Any, has_ttl: bool) -> Any:
        value = original(cache, key, has_ttl)
        if value is not Module._UNSET and has_ttl:
            cache.values[key] = value, Module.current_backend().current_time() + 0.2
        return value

    around(Cache, "find", find)


@mutant("FUNC-5")
def time_is_ignored(_: Broken) -> None:
    """Values never go out of date."""

    def find(original: Any, cache: Any, key: Any, _has_ttl: bool) -> Any:
        return original(cache, key, False)

    around(Cache, "find", find)


@mutant("FUNC-6")
def clearing_leaves_calls(_: Broken) -> None:
    """What was under way when the cache was cleared is kept."""

    def clear(original: Any, wrapper: Any) -> None:
        cache = wrapper._current()
        calls = cache.calls
        original(wrapper)
        cache.calls = calls

    around(Wrapper, "cache_clear", clear)


@mutant("FUNC-7")
def values_are_returned_at_once(_: Broken) -> None:
    """A call for which there is a value is no checkpoint."""

    async def call(original: Any, wrapper: Any, *args: Any, **keywords: Any) -> Any:
        cache = wrapper._caches.get(None)
        if cache is not None and wrapper._maxsize != 0:
            value = cache.find(Module._key(args, keywords, wrapper._typed), wrapper._ttl is not None)
            if value is not Module._UNSET:
                cache.hits += 1
                return value
        return await original(wrapper, *args, **keywords)

    around(Wrapper, "__call__", call)


@mutant("FUNC-8")
def call_in_itself_waits(_: Broken) -> None:
    """A function that calls itself with the same arguments waits for itself."""

    def init(original: Any, call: Any, _task_id: int) -> None:
        original(call, -1)

    around(Module._Call, "__init__", init)


@mutant("FUNC-9")
def partial_functions_are_ordinary(_: Broken) -> None:
    """Only what is defined by "async def" is taken for asynchronous."""
    replace(Module, _is_asynchronous=inspect.isfunction)


@mutant("FUNC-9")
def wrapper_has_no_name(_: Broken) -> None:
    """The wrapper does not say what it wraps."""

    class Without:
        """Names nothing."""

        partial = _functools.partial
        lru_cache = staticmethod(_functools.lru_cache)

        @staticmethod
        def update_wrapper(_wrapper: Any, _func: Any) -> None:
            """Do nothing."""

    replace(Module, _functools=Without)


@mutant("FUNC-10")
def none_is_no_initial_value(_: Broken) -> None:
    """An initial value of None is taken for none."""
    original = Module.reduce

    async def reduce(function: Any, iterable: Any, /, initial: Any = None) -> Any:
        return await original(function, iterable, *(() if initial is None else (initial,)))

    replace(Module, reduce=reduce)


@mutant("FUNC-10")
def reduce_of_one_is_no_checkpoint(_: Broken) -> None:
    """Without a call of the function there is no checkpoint."""
    original = Module.reduce

    async def reduce(function: Any, iterable: Any, /, *initial: Any) -> Any:
        if isinstance(iterable, list) and not iterable and initial:
            return initial[0]
        await checkpoint()
        return await original(function, iterable, *initial)

    replace(Module, reduce=reduce)
