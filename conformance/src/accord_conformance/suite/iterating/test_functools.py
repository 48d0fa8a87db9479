"""accord.functools."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import to_thread
from accord.functools import AsyncCacheInfo, cache, lru_cache, reduce
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt, run_everywhere
from accord_conformance.helpers import PATIENCE, count_yields, is_cancelled_by, rule, settle

from .cases import Patient

Run = Callable[..., Any]


class Recorder:
    """An asynchronous function that records its calls and waits for its gate, if that is closed."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.gate = accord.Event()
        self.error: Exception | None = None

    async def __call__(self, *args: Any, **keywords: Any) -> Any:
        """Return the number of the call, or fail."""
        self.calls.append((*args, *keywords.items()))
        number = len(self.calls)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return number


def _recorder(is_open: bool = True) -> Recorder:
    recorder = Recorder()
    if is_open:
        recorder.gate.set()
    return recorder


@rule("FUNC-1")
async def test_values_are_kept() -> None:
    """Calls with the same arguments give the same value; None is one."""
    recorder = _recorder()
    cached: Any = lru_cache(recorder)
    assert [await cached(1), await cached(1), await cached(2), await cached(1)] == [1, 1, 2, 1]
    assert cached.cache_info() == AsyncCacheInfo(2, 2, 128, 2, None)
    different: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((1, 2), {}),
        (((1, 2),), {}),
        ((), {"a": 1}),
        ((("a", 1),), {}),
        ((), {}),
        ((None,), {}),
    ]
    values = [await cached(*args, **keywords) for args, keywords in different]
    assert len(set(values)) == len(different)
    assert [await cached(*args, **keywords) for args, keywords in different] == values
    calls = 0

    @cache
    async def nothing() -> None:
        nonlocal calls
        calls += 1

    await nothing()
    await nothing()
    assert calls == 1
    with pytest.raises(TypeError, match="unhashable"):
        await cached([])


@rule("FUNC-1")
async def test_least_recently_used() -> None:
    """What was used least recently makes room; with 0 nothing is kept, with None all."""
    cached: Any = lru_cache(maxsize=2)(_recorder())
    assert [await cached(argument) for argument in "abacab"] == [1, 2, 1, 3, 1, 4]
    assert cached.cache_info() == AsyncCacheInfo(2, 4, 2, 2, None)
    nothing: Any = lru_cache(maxsize=0)(_recorder())
    assert [await nothing("a"), await nothing("a")] == [1, 2]
    assert nothing.cache_info() == AsyncCacheInfo(0, 2, 0, 0, None)
    everything: Any = cache(_recorder())
    assert [await everything(number) for number in (*range(300), 0)] == [*range(1, 301), 1]
    assert everything.cache_info().maxsize is None


@rule("FUNC-1")
async def test_types_of_arguments() -> None:
    """By ``typed`` equal arguments of different types are kept apart, positional ones and others."""
    plain: Any = lru_cache(_recorder())
    typed: Any = lru_cache(typed=True)(_recorder())
    assert await plain(1) == await plain(1.0) == await plain(True)
    assert len({await typed(1), await typed(1.0), await typed(a=1), await typed(a=1.0)}) == 4
    assert await typed(1.0) == 2


@rule("FUNC-2")
@pytest.mark.parametrize("maxsize", [None, 1])
async def test_one_call_for_many(maxsize: int | None) -> None:
    """Tasks that ask at the same time get the value of one call; other arguments are not held up."""
    recorder = _recorder(is_open=False)
    cached: Any = lru_cache(maxsize=maxsize)(recorder)
    async with accord.create_task_group() as group:
        attempts = [Attempt(group, partial(cached, "a")) for _ in range(5)]
        await settle()
        other = Attempt(group, partial(cached, "b"))
        await settle()
        assert recorder.calls == [("a",), ("b",)]
        recorder.gate.set()
    assert [attempt.value for attempt in attempts] == [1] * 5
    assert other.value == 2
    assert cached.cache_info()[:2] == (4, 2)


@rule("FUNC-3")
async def test_exceptions_are_not_kept() -> None:
    """A call that fails leaves nothing; its exception goes to its caller only, and the next one calls."""
    recorder = _recorder(is_open=False)
    recorder.error = LookupError("first")
    cached: Any = lru_cache(recorder)
    async with accord.create_task_group() as group:
        first: Attempt[Any] = Attempt(group, partial(cached, "a"))
        await settle()
        others: list[Attempt[Any]] = [Attempt(group, partial(cached, "a")) for _ in range(3)]
        await settle()
        assert recorder.calls == [("a",)]
        failing, recorder.gate = recorder.gate, accord.Event()
        failing.set()
        await settle()
        assert isinstance(first.error, LookupError)
        assert recorder.calls == [("a",)] * 2
        recorder.error = None
        recorder.gate.set()
    assert [attempt.value for attempt in others] == [2] * 3
    assert cached.cache_info() == AsyncCacheInfo(2, 2, 128, 1, None)
    recorder.error = LookupError("alone")
    with pytest.raises(LookupError, match="alone"):
        await cached("b")
    assert cached.cache_info().currsize == 1


@rule("FUNC-3")
@pytest.mark.parametrize("cancelled", [0, 1, 2])
async def test_cancelled_callers(cancelled: int) -> None:
    """A caller that is cancelled, the one that calls or one that waits, doesn't keep the others from their value."""
    recorder = _recorder(is_open=False)
    cached: Any = lru_cache(recorder)
    attempts: list[Attempt[Any]] = []
    async with accord.create_task_group() as group:
        for _ in range(4):
            attempts.append(Attempt(group, partial(cached, "a")))
            await settle()
        attempts[cancelled].handle.cancel()
        await settle()
        recorder.gate.set()
    values = [attempt.value for number, attempt in enumerate(attempts) if number != cancelled]
    assert values == [2 if cancelled == 0 else 1] * 3
    assert attempts[cancelled].outcome == "cancelled"
    assert len(recorder.calls) == values[0]
    assert cached.cache_info().currsize == 1


@rule("FUNC-4")
def test_each_run_has_its_own(run: Run) -> None:
    """Values and statistics are those of the run; outside there are none."""
    calls: list[int] = []

    @lru_cache
    async def function(argument: int) -> int:
        calls.append(argument)
        return len(calls)

    async def main() -> list[int]:
        with accord.fail_after(PATIENCE):
            values = [await function(1), await function(1)]
        assert function.cache_info()[:2] == (1, 1)
        return values

    assert [run(main), run(main)] == [[1, 1], [2, 2]]
    assert function.cache_info() == AsyncCacheInfo(0, 0, 128, 0, None)
    function.cache_clear()
    everywhere: list[list[int]] = run_everywhere(run, main)
    assert min(itertools.chain(*everywhere)) == 3


@rule("FUNC-5")
async def test_values_go_out_of_date() -> None:
    """A value is used until its time has passed, which using it doesn't extend."""
    cached: Any = lru_cache(ttl=0.2)(_recorder())
    started_at = accord.current_time()
    values: list[tuple[float, int]] = []
    while not values or values[-1][0] < 0.5:
        value = await cached("a")
        values.append((accord.current_time() - started_at, value))
        await accord.sleep(0.01)
    assert values[0][1] == 1
    assert values[-1][1] >= 2
    for (_, before), (later, after) in itertools.pairwise(values):
        assert after in (before, before + 1)
        if after > before:
            assert later >= 0.2 * before
    cached.cache_clear()
    assert cached.cache_info() == AsyncCacheInfo(0, 0, 128, 0, 0.2)


@rule("FUNC-6")
async def test_clearing_during_a_call() -> None:
    """What a call that had begun before returns is not kept, and later callers don't wait for it."""
    recorder = _recorder(is_open=False)
    cached: Any = lru_cache(recorder)
    async with accord.create_task_group() as group:
        before = Attempt(group, partial(cached, "a"))
        await settle()
        cached.cache_clear()
        after = Attempt(group, partial(cached, "a"))
        await settle()
        assert len(recorder.calls) == 2
        recorder.gate.set()
    assert (before.value, after.value) == (1, 2)
    assert await cached("a") == 2
    assert cached.cache_info() == AsyncCacheInfo(1, 1, 128, 1, None)


@rule("FUNC-7")
async def test_calls_are_checkpoints() -> None:
    """In a cancelled scope no call is made, and none returns a value; the budget applies to calls with a value."""
    recorder = _recorder()
    for cached in (lru_cache(recorder), lru_cache(maxsize=0)(recorder)):
        calls = len(recorder.calls)
        assert await is_cancelled_by(partial(cached, "new"))
        assert len(recorder.calls) == calls
        await cached("a")
        assert await is_cancelled_by(partial(cached, "a"))
    often: Any = lru_cache(always_checkpoint=True)(recorder)
    seldom: Any = lru_cache(recorder)

    async def many(function: Any) -> None:
        for _ in range(100):
            await function("a")

    await many(often)
    await many(seldom)
    assert await count_yields(many(often)) == 100
    assert 0 < await count_yields(many(seldom)) <= 100


@rule("FUNC-8")
async def test_call_in_itself() -> None:
    """A function that calls itself with the same arguments gets an error, not an endless wait."""

    @lru_cache
    async def fibonacci(number: int) -> int:
        if number == 100:
            return await fibonacci(100)
        return number if number < 2 else await fibonacci(number - 1) + await fibonacci(number - 2)

    with accord.fail_after(PATIENCE):
        assert await fibonacci(30) == 832040
        with pytest.raises(RuntimeError, match="fibonacci"):
            await fibonacci(100)
    assert fibonacci.cache_info().misses == 32


@rule("FUNC-9")
async def test_what_can_be_decorated() -> None:
    """Methods, partial functions and objects; for other callables the standard library's cache."""

    class Service:
        def __init__(self) -> None:
            self.calls = 0

        @lru_cache(maxsize=10)
        async def method(self, factor: int) -> int:
            """Multiply."""
            self.calls += 1
            return self.calls * factor

        @cache
        async def other(self) -> int:
            self.calls += 1
            return self.calls

    first, second = Service(), Service()
    assert [await first.method(2), await first.method(2), await first.method(factor=3)] == [2, 2, 6]
    assert [await second.method(2), await Service.method(second, 2), await second.other()] == [2, 2, 2]
    assert Service.method.cache_info().misses == 3
    assert (Service.method.__name__, Service.method.__doc__) == ("method", "Multiply.")
    assert Service.method.cache_parameters() == {"maxsize": 10, "typed": False, "always_checkpoint": False, "ttl": None}

    async def double(number: int) -> int:
        return 2 * number

    for number in (4, 5):
        of_partial = lru_cache(partial(partial(double), number))
        assert await of_partial() == await of_partial() == 2 * number
    assert type(lru_cache(int)) is type(functools.lru_cache(int))
    assert type(lru_cache(maxsize=3, typed=True)(int)) is type(functools.lru_cache(int))
    assert cache(int).cache_info().maxsize is None


@rule("FUNC-9")
async def test_wrong_arguments() -> None:
    """Wrong arguments are refused by their names."""
    wrong: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: lru_cache(maxsize=-1), ValueError, "maxsize"),
        (lambda: lru_cache(maxsize="1"), TypeError, "maxsize"),  # type: ignore[call-overload]
        (lambda: lru_cache(maxsize=True), TypeError, "maxsize"),
        (lambda: lru_cache(ttl=0), ValueError, "ttl"),
        (lambda: lru_cache(ttl="1"), TypeError, "ttl"),  # type: ignore[call-overload]
        (lambda: lru_cache(5), TypeError, "func"),  # type: ignore[call-overload]
        (lambda: cache(5), TypeError, "func"),  # type: ignore[call-overload]
        (lambda: lru_cache(ttl=1)(int), ValueError, "ttl"),
        (lambda: lru_cache(always_checkpoint=True)(int), ValueError, "always_checkpoint"),
    ]
    for call, error, text in wrong:
        with pytest.raises(error, match=text):
            call()


@rule("FUNC-10")
async def test_reduce() -> None:
    """It gives what the ordinary one gives, for iterables of both kinds."""
    ours: Any = reduce

    def both(left: Any, right: Any) -> Any:
        return (left, right)

    async def pair(left: Any, right: Any) -> Any:
        await checkpoint()
        return both(left, right)

    for items in ([], [1], [1, 2, 3]):
        for feed in (list, iter, Patient):
            made: Any = feed
            for initial in ((), (0,), (None,)):
                if not items and not initial:
                    with pytest.raises(TypeError, match="initial"):
                        await ours(pair, made(items))
                    continue
                theirs: Any = functools.reduce
                expected = theirs(both, items, *initial)
                assert await ours(pair, made(items), *initial) == expected
    not_functions: Any = 1
    with pytest.raises(TypeError, match="function"):
        await ours(not_functions, [])
    with pytest.raises(TypeError, match="iterable"):
        await ours(pair, not_functions)


@rule("FUNC-10")
async def test_reduce_is_a_checkpoint() -> None:
    """It checks for cancellation without items too, and lets others run in long iterables."""

    async def add(left: int, right: int) -> int:
        return left + right

    nothing: list[int] = []
    assert await is_cancelled_by(lambda: reduce(add, nothing, 0))
    long = reduce(add, range(1_000), 0)
    assert await count_yields(long) > 3


@rule("FUNC-4")
async def test_in_a_thread() -> None:
    """The statistics of a run are not those of a thread without one."""
    cached: Any = lru_cache(_recorder())
    await cached(1)
    assert await to_thread.run_sync(cached.cache_info) == AsyncCacheInfo(0, 0, 128, 0, None)
