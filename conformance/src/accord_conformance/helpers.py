"""What the tests share: the marker that ties a test to rules, and tools to watch tasks, checkpoints and garbage."""

from __future__ import annotations

import gc
import threading
import time
import types
from collections.abc import Awaitable, Callable, Generator, Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

import pytest

import accord
from accord.lowlevel import cancel_shielded_checkpoint, current_backend

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])

PATIENCE = 10.0
"""Seconds after which something that should happen at once is taken not to happen at all."""


def rule(*ids: str, needs: Iterable[str] = ()) -> Callable[[F], F]:
    """Say which rules a test verifies.

    :param ids: the rules' ids. The test runs only if the backend declares the capabilities of all of them.
    :param needs: capabilities that the test itself needs beyond those of its rules.
    """
    return pytest.mark.rule(*ids, needs=tuple(needs))


def untestable(reason: str, *, module: bool = False) -> NoReturn:
    """End the test: it cannot be carried out here, and its rules count as untested by it.

    :param module: end the import of a module, none of whose tests can be carried out.
    """
    pytest.skip(reason, allow_module_level=module)


def need_root_task() -> None:
    """End the test as untestable unless it runs in the root task, of which a pytest plugin may make a child."""
    if accord.get_current_task().parent_id is not None and len(accord.get_running_tasks()) > 1:
        untestable("the test runs in a task beside others, of a pytest plugin")


def open_descriptors() -> int:
    """Return how many descriptors the process has open."""
    try:
        return len(list(Path("/dev/fd").iterdir()))
    except OSError:
        untestable("the descriptors of the process can't be counted here")


def block(seconds: float) -> None:
    """Block the thread until the loop's clock has advanced by so much, without yielding.

    A simulated clock does not advance meanwhile: then the test ends as untestable. Not to be called in a task group.
    """
    ends_at = accord.current_time() + seconds
    gives_up_at = time.monotonic() + seconds + 1
    while accord.current_time() < ends_at:
        if time.monotonic() > gives_up_at:
            untestable("the clock does not advance while the thread is blocked")
        time.sleep(0.001)


async def settle() -> None:
    """Let every other task run until it waits for something.

    Exact where the backend has the testing capability; elsewhere long enough for the few steps that a test needs.
    """
    if "testing" in current_backend().capabilities:
        await accord.wait_all_tasks_blocked()
        return
    for _ in range(50):
        await cancel_shielded_checkpoint()


@types.coroutine
def _step(iterator: Any, seen: list[object]) -> Generator[Any, Any, Any]:
    """Run an awaitable's iterator to its end, and note each time that it suspends."""
    value: Any = None
    error: BaseException | None = None
    try:
        while True:
            try:
                command = iterator.send(value) if error is None else iterator.throw(error)
            except StopIteration as stop:
                return stop.value
            seen.append(command)
            value = error = None
            try:
                value = yield command
            except BaseException as raised:
                error = raised
    finally:
        error = None  # its traceback leads to this frame


async def count_yields(awaitable: Awaitable[object]) -> int:
    """Await something and return how many times it suspended the task; what it raises is raised."""
    seen: list[object] = []
    await _step(awaitable.__await__(), seen)
    return len(seen)


async def is_cancelled_by(operation: Callable[[], Awaitable[object]]) -> bool:
    """Whether an operation raises a cancellation when it is called in a cancelled scope.

    Another exception of the operation is raised.
    """
    with accord.CancelScope() as scope:
        scope.cancel()
        await operation()
    return scope.cancelled_caught


async def assert_yields(operation: Callable[[], Awaitable[object]]) -> None:
    """Assert that an operation suspends its task at least once."""
    assert await count_yields(operation()) > 0, "the operation did not yield"


async def assert_never_yields(operation: Callable[[], Awaitable[object]]) -> None:
    """Assert that an operation does not suspend its task."""
    assert await count_yields(operation()) == 0, "the operation yielded"


async def checkpoint_class(make: Callable[[], Awaitable[object]], cancelled: Callable[[], Awaitable[object]]) -> str:
    """The class of an operation as CKPT-4 writes it: ``CY``, ``C-``, ``-Y`` or ``--``.

    :param make: calls the operation where it can complete at once.
    :param cancelled: the same, to be called in a cancelled scope.
    """
    yields = await count_yields(make()) > 0
    return ("C" if await is_cancelled_by(cancelled) else "-") + ("Y" if yields else "-")


async def cyclic_garbage(operation: Callable[[], Awaitable[object]], rounds: int = 3) -> list[object]:
    """What only the cycle collector could free after an operation; the operation runs once before that is looked at."""
    await operation()
    gc.collect()
    enabled, flags = gc.isenabled(), gc.get_debug()
    gc.disable()
    try:
        for _ in range(rounds):
            await operation()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(flags)
        gc.garbage.clear()
        if enabled:
            gc.enable()


def in_thread(func: Callable[[], T]) -> T:
    """Call a function in a thread of its own and return its value or raise its exception.

    Blocks; raises ``TimeoutError`` if the thread does not end.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def target() -> None:
        try:
            results.append(func())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        raise TimeoutError("the thread did not end")
    if errors:
        raise errors[0]
    return results[0]


def leaves(error: BaseException) -> list[BaseException]:
    """The exceptions of an exception group at any depth, from left to right; the exception itself if it is no group."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    group = cast("BaseExceptionGroup[BaseException]", error)
    return [leaf for child in group.exceptions for leaf in leaves(child)]
