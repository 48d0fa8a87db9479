"""Context managers that are entered and left in a task of their own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import cyclic_garbage, is_cancelled_by, leaves, rule, settle


class Recorder:
    """A context manager with a scope inside, which notes what happens."""

    def __init__(self, error: Exception | None = None) -> None:
        self.tasks: list[object] = []
        self.exceptions: list[BaseException | None] = []
        self.error = error
        self.scope = accord.CancelScope()

    async def __aenter__(self) -> str:
        self.tasks.append(accord.get_current_task())
        await checkpoint()
        self.scope.__enter__()
        return "value"

    async def __aexit__(self, kind: Any, error: BaseException | None, tb: Any) -> bool:
        self.exceptions.append(error)
        with accord.CancelScope(shield=True):
            await settle()
        self.scope.__exit__(kind, error, tb)
        self.tasks.append(accord.get_current_task())
        if self.error is not None:
            raise self.error
        return False


@rule("OWNED-1")
async def test_entered_and_left_in_one_task() -> None:
    """The manager is entered and left in one task, whoever closes it."""
    recorder = Recorder()
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, recorder)
        assert (owned.value, owned.closed, recorder.exceptions) == ("value", False, [])
        assert "open" in repr(owned)
        group.start_soon(owned.aclose)
    assert owned.closed
    assert recorder.exceptions == [None]
    assert len(set(recorder.tasks)) == 1
    assert accord.get_current_task() not in recorder.tasks


@rule("OWNED-1")
async def test_block() -> None:
    """The object is a context manager itself, with the value as target; what is none is refused."""
    recorder = Recorder()
    async with accord.create_task_group() as group:
        async with await accord.enter_in_task(group, recorder) as value:
            assert (value, recorder.exceptions) == ("value", [])
        assert recorder.exceptions == [None]
        with pytest.raises(KeyError):
            async with await accord.enter_in_task(group, Recorder()):
                raise KeyError
        wrong: Any
        for wrong in (None, 5, Recorder):
            with pytest.raises(TypeError):
                await accord.enter_in_task(group, wrong)


@rule("OWNED-2")
async def test_entry_that_fails() -> None:
    """An error of the entry is raised as it is, and the group goes on; a cancellation reaches the entry."""
    error = ValueError("no luck")
    log: list[str] = []

    @asynccontextmanager
    async def fail() -> AsyncGenerator[None, None]:
        await checkpoint()
        raise error
        yield

    @asynccontextmanager
    async def hang() -> AsyncGenerator[None, None]:
        try:
            await accord.sleep_forever()
            yield
        finally:
            log.append("cancelled")

    async with accord.create_task_group() as group:
        with pytest.raises(ValueError) as caught:
            await accord.enter_in_task(group, fail())
        assert caught.value is error
        await checkpoint()
        attempt: Attempt[Any] = await blocked(group, lambda: accord.enter_in_task(group, hang()))
        attempt.cancel()
        await attempt.handle.wait()
        assert (attempt.outcome, log) == ("cancelled", ["cancelled"])
        assert await is_cancelled_by(lambda: accord.enter_in_task(group, hang()))


@rule("OWNED-3")
async def test_close() -> None:
    """aclose() waits for the exit, and is idempotent."""
    recorder = Recorder()
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, recorder)
        attempts = [Attempt(group, owned.aclose) for _ in range(2)]
        await owned.aclose()
        assert len(recorder.tasks) == 2
        await owned.aclose()
        for attempt in attempts:
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
    assert recorder.exceptions == [None]
    assert await is_cancelled_by(owned.aclose)


@rule("OWNED-3")
async def test_error_of_the_exit() -> None:
    """One of those who wait gets the error of the exit, and the group if nobody does."""
    error = ValueError("no luck")
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, Recorder(error))
        attempts = [await blocked_in_close(group, owned) for _ in range(3)]
        attempts[0].cancel()
        for attempt in attempts:
            await attempt.handle.wait()
        assert [attempt.outcome for attempt in attempts] == ["cancelled", "raised", "returned"]
        assert attempts[1].error is error
    for cancelled in (True, False):
        with pytest.raises(ExceptionGroup) as caught:
            async with accord.create_task_group() as group:
                owned = await accord.enter_in_task(group, Recorder(error))
                if cancelled:
                    assert await is_cancelled_by(owned.aclose)
                else:
                    group.cancel()
        assert leaves(caught.value) == [error]


async def blocked_in_close(group: accord.TaskGroup, owned: accord.TaskOwned[str]) -> Attempt[None]:
    """Begin to close, and return when that waits, though the exit is under way."""
    attempt = Attempt(group, owned.aclose)
    for _ in range(3):
        await checkpoint()
    return attempt


@rule("OWNED-4")
async def test_cancelled_close() -> None:
    """Also a cancelled aclose() closes."""
    recorder = Recorder()
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, recorder)
        assert await is_cancelled_by(owned.aclose)
        with accord.fail_after(10):
            while not owned.closed:
                await accord.sleep(0.001)
    assert recorder.exceptions == [None]


@rule("OWNED-5")
async def test_cancelled_group() -> None:
    """If the group is cancelled the manager is left with the cancellation."""
    recorder = Recorder()
    async with accord.create_task_group() as group:
        owned = await accord.enter_in_task(group, recorder)
        group.cancel()
    assert owned.closed
    assert [type(error) for error in recorder.exceptions] == [accord.get_cancelled_exc_class()]
    await owned.aclose()


@rule("OWNED-3", "ERR-8")
async def test_errors_leave_no_cycles() -> None:
    """An error that has passed from the exit to the closer leaves nothing to the cycle collector."""

    @asynccontextmanager
    async def fail_at_the_exit() -> AsyncGenerator[None, None]:
        yield
        raise ValueError("no luck")  # nothing else in this frame knows it

    async def close() -> None:
        async with accord.create_task_group() as group:
            owned = await accord.enter_in_task(group, fail_at_the_exit())
            try:
                await owned.aclose()
            except ValueError:
                pass

    assert await cyclic_garbage(close) == []
