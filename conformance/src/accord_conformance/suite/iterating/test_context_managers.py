"""The context manager mixins."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import pytest

import accord
from accord import AsyncContextManagerMixin, ContextManagerMixin
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import assert_never_yields, leaves, rule, settle


class Sync(ContextManagerMixin):
    """Logs what happens to it."""

    def __init__(self, swallowed: type[BaseException] = LookupError) -> None:
        self.log: list[Any] = []
        self.swallowed = swallowed

    @contextmanager
    def __contextmanager__(self) -> Generator[Self, None, None]:
        self.log.append("in")
        try:
            yield self
        except self.swallowed as exc:
            self.log.append(exc)
        finally:
            self.log.append("out")


class SyncChild(Sync):
    """Does more before and after."""

    @contextmanager
    def __contextmanager__(self) -> Generator[Self, None, None]:
        self.log.append("child in")
        with super().__contextmanager__():
            yield self
        self.log.append("child out")


class Async(AsyncContextManagerMixin):
    """Holds a task group."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    @asynccontextmanager
    async def __asynccontextmanager__(self) -> AsyncGenerator[str]:
        await checkpoint()
        async with accord.create_task_group() as group:
            group.start_soon(self._work)
            try:
                yield "value"
            except LookupError as exc:
                self.log.append(exc)
            group.cancel_scope.cancel()

    async def _work(self) -> None:
        try:
            await accord.sleep_forever()
        finally:
            self.log.append("stopped")


@rule("MIXIN-1")
def test_block() -> None:
    """The block gets the value, and its exceptions go through the method."""
    instance = SyncChild()
    error = LookupError()
    with instance as entered:
        assert entered is instance
        raise error
    assert instance.log == ["child in", "in", error, "out", "child out"]
    with pytest.raises(ZeroDivisionError), instance:
        raise ZeroDivisionError
    assert instance.log[5:] == ["child in", "in", "out"]


@rule("MIXIN-1")
async def test_async_block() -> None:
    """So it is with ``async with``, also where the method holds a task group."""
    instance = Async()
    error = LookupError()
    async with instance as value:
        assert value == "value"
        await settle()
        raise error
    assert instance.log == [error, "stopped"]
    with pytest.raises(ExceptionGroup) as caught:  # that of the method's task group
        async with instance:
            await settle()
            raise ZeroDivisionError
    assert [type(leaf) for leaf in leaves(caught.value)] == [ZeroDivisionError]
    with accord.CancelScope() as scope:
        async with instance:
            scope.cancel()
            await checkpoint()
    assert scope.cancelled_caught


@rule("MIXIN-1")
async def test_no_checkpoint_of_its_own() -> None:
    """Entering and leaving yields only if the method does."""

    class Quiet(AsyncContextManagerMixin):
        @asynccontextmanager
        async def __asynccontextmanager__(self) -> AsyncGenerator[None]:
            yield

    async def use() -> None:
        async with Quiet():
            pass

    await assert_never_yields(use)


@rule("MIXIN-2")
def test_entered_twice() -> None:
    """An instance is entered once at a time."""
    instance = Sync()
    for _ in range(2):
        with instance:
            with pytest.raises(RuntimeError, match="Sync"), instance:
                pytest.fail("the instance was entered twice")
        assert instance.log == ["in", "out"]
        instance.log.clear()
    with pytest.raises(RuntimeError, match="not entered"):
        instance.__exit__(None, None, None)


@rule("MIXIN-2")
async def test_entered_by_two_tasks() -> None:
    """Also if the first is still on its way, and after the entry has failed."""
    gate = accord.Event()

    class Slow(AsyncContextManagerMixin):
        fails = True

        @asynccontextmanager
        async def __asynccontextmanager__(self) -> AsyncGenerator[Self]:
            await gate.wait()
            if self.fails:
                raise LookupError
            yield self

    async def use() -> None:
        async with slow:
            pass

    slow = Slow()
    async with accord.create_task_group() as group:
        first = Attempt(group, use)
        await settle()
        with pytest.raises(RuntimeError, match="Slow"):
            await use()
        gate.set()
    assert isinstance(first.error, LookupError)
    slow.fails = False
    await use()
    with pytest.raises(RuntimeError, match="not entered"):
        await slow.__aexit__(None, None, None)


@rule("MIXIN-3")
async def test_wrong_methods() -> None:
    """A method without its decorator or its ``yield`` is refused by name, and leaves nothing behind."""

    def generator(self: Any) -> Any:
        yield self

    async def asynchronous_generator(self: Any) -> Any:
        yield self

    async def coroutine(self: Any) -> Any:
        return self

    def nothing(_: Any) -> None:
        """Return no context manager."""

    def itself(self: Any) -> Any:
        return self

    def make(name: str, mixin: type, method: Any) -> Any:
        attribute = "__contextmanager__" if mixin is ContextManagerMixin else "__asynccontextmanager__"
        return type(name, (mixin,), {attribute: method})()

    sync: list[tuple[Any, str]] = [
        (make("Bare", ContextManagerMixin, generator), r"Bare.__contextmanager__\(\).*@contextmanager"),
        (make("Nothing", ContextManagerMixin, nothing), "NoneType"),
        (make("Itself", ContextManagerMixin, itself), "itself"),
    ]
    bare = r"Bare.__asynccontextmanager__\(\).*@asynccontextmanager"
    later: list[tuple[Any, str]] = [
        (make("Bare", AsyncContextManagerMixin, asynchronous_generator), bare),
        (make("Coroutine", AsyncContextManagerMixin, coroutine), "yield.*@asynccontextmanager"),
        (make("WrongKind", AsyncContextManagerMixin, contextmanager(generator)), "no async context manager"),
        (make("Itself", AsyncContextManagerMixin, itself), "itself"),
    ]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            for instance, text in sync:
                with pytest.raises(TypeError, match=text), instance:
                    pytest.fail("it was entered")
            for instance, text in later:
                with pytest.raises(TypeError, match=text):
                    async with instance:
                        pytest.fail("it was entered")
        gc.collect()
    assert not caught


@rule("MIXIN-4")
async def test_both_mixins() -> None:
    """A class may be both kinds, with slots, and be in both kinds of block at a time."""

    class Both(ContextManagerMixin, AsyncContextManagerMixin):
        __slots__ = ("log",)

        def __init__(self) -> None:
            self.log: list[str] = []

        @contextmanager
        def __contextmanager__(self) -> Generator[str, None, None]:
            self.log.append("in")
            yield "sync"
            self.log.append("out")

        @asynccontextmanager
        async def __asynccontextmanager__(self) -> AsyncGenerator[str]:
            self.log.append("async in")
            yield "async"
            self.log.append("async out")

    both = Both()
    with both as first:
        async with both as second:
            assert (first, second) == ("sync", "async")
    assert both.log == ["in", "async in", "async out", "out"]
