"""Generators as streams."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import count_yields, cyclic_garbage, is_cancelled_by, rule, settle

variable: ContextVar[str] = ContextVar("variable")


@accord.as_stream
async def count(to: int, log: list[str] | None = None) -> AsyncGenerator[int, None]:
    """Yield numbers, and note what happens."""
    notes = [] if log is None else log
    notes.append("begins")
    try:
        for number in range(to):
            notes.append(f"yields {number}")
            yield number
            await checkpoint()
    finally:
        await checkpoint()
        notes.append("ends")


@accord.as_stream
async def stall(log: list[str], first: int = 0) -> AsyncIterator[int]:
    """Yield one number, and then wait for ever."""
    yield first
    try:
        await accord.sleep_forever()
    finally:
        with accord.CancelScope(shield=True):
            await settle()
        log.append("cancelled")


@rule("GEN-1")
async def test_items() -> None:
    """Items come in order, and then the end."""
    async with count(3) as stream:
        assert [await stream.receive() for _ in range(3)] == [0, 1, 2]
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await stream.receive()
    async with count(4) as stream:
        assert [number async for number in stream] == [0, 1, 2, 3]
    values: list[object] = [None, ValueError("a value"), (), StopAsyncIteration]

    @accord.as_stream
    async def anything() -> AsyncIterator[object]:
        for value in values:
            yield value

    async with anything() as things:
        assert [thing async for thing in things] == values


@rule("GEN-1")
async def test_wrong_use() -> None:
    """The block can be entered once; what is no asynchronous generator is refused."""
    manager = count(3)
    async with manager:
        pass
    with pytest.raises(RuntimeError):
        async with manager:
            pass
    wrong: Any
    for wrong in (lambda: None, lambda: iter([1])):
        with pytest.raises(TypeError):
            accord.as_stream(wrong)()
    assert count.__name__ == "count"


@rule("GEN-2")
async def test_steps_are_taken_when_asked_for() -> None:
    """Nothing is done ahead."""
    log: list[str] = []
    async with count(3, log) as stream:
        await settle()
        assert log == []
        for number in range(3):
            assert await stream.receive() == number
            await settle()
            assert log == ["begins", *[f"yields {each}" for each in range(number + 1)]]
    assert log[-1] == "ends"


@rule("GEN-3")
async def test_one_task() -> None:
    """All steps run in one task with one context, which is a copy of the one in which the block was entered."""
    tasks: list[object] = []

    @accord.as_stream
    async def generate() -> AsyncIterator[str]:
        tasks.append(accord.get_current_task())
        try:
            for _ in range(2):
                yield variable.get()
                tasks.append(accord.get_current_task())
                variable.set(variable.get() + "!")
        finally:
            tasks.append(accord.get_current_task())

    variable.set("outside")
    async with generate() as stream:
        variable.set("inside")
        assert await stream.receive() == "outside"
        assert await stream.receive() == "outside!"
    assert variable.get() == "inside"
    assert len(tasks) == 3
    assert len(set(tasks)) == 1
    assert accord.get_current_task() not in tasks


@rule("GEN-3")
async def test_scopes_and_groups() -> None:
    """Scopes of the generator and of the consumer may overlap in any way."""
    timed_out: list[bool] = []

    @accord.as_stream
    async def generate() -> AsyncIterator[int]:
        with accord.move_on_after(0.01) as scope:
            yield 1
            await accord.sleep_forever()
        timed_out.append(scope.cancelled_caught)
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep_forever)
            yield 2
            group.cancel()
        yield 3

    async with generate() as stream:
        with accord.CancelScope() as outer:
            assert await stream.receive() == 1
            await accord.sleep(0.05)
            outer.shield = True
        with accord.CancelScope() as scope:
            assert await stream.receive() == 2
            scope.cancel()
        assert await stream.receive() == 3
    assert timed_out == [True]


@accord.as_stream
async def fail(error: BaseException) -> AsyncIterator[int]:
    """Yield a number and raise an error."""
    yield 1
    await checkpoint()
    raise error


@rule("GEN-4")
@pytest.mark.parametrize("error", [ValueError("no luck"), KeyboardInterrupt()], ids=["error", "interrupt"])
async def test_error(error: BaseException) -> None:
    """An error arrives as it is where the item was asked for, and can be caught there; then the stream has ended."""
    async with fail(error) as stream:
        assert await stream.receive() == 1
        with pytest.raises(type(error)) as caught:
            await stream.receive()
        assert caught.value is error
        assert error.__context__ is None
        for _ in range(2):
            with pytest.raises(accord.EndOfStream):
                await stream.receive()
    with pytest.raises(type(error)) as caught:
        async with fail(error) as stream:
            async for _ in stream:
                pass
    assert caught.value is error


@rule("GEN-4")
async def test_error_that_nobody_received() -> None:
    """An error is raised at the end of the block if nobody received it; that of the body is its context."""
    error, other = ValueError("no luck"), KeyError("body")

    @accord.as_stream
    async def fail_later(go: accord.Event) -> AsyncIterator[int]:
        yield 1
        await go.wait()
        raise error

    for body_fails in (False, True):
        go = accord.Event()
        with pytest.raises(ValueError) as caught:
            async with fail_later(go) as stream:
                await stream.receive()
                with accord.move_on_after(0.01):
                    await stream.receive()
                go.set()
                await settle()
                if body_fails:
                    raise other
        assert caught.value is error
        assert error.__context__ is (other if body_fails else None)
        error.__context__ = None

    @accord.as_stream
    async def fail_at_the_end() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise error

    with pytest.raises(ValueError) as caught:
        async with fail_at_the_end() as stream:
            await stream.receive()
    assert caught.value is error


@rule("GEN-4")
async def test_error_of_the_body() -> None:
    """What the body raises leaves the block as it is, and the generator is closed."""
    for error in (ValueError("no luck"), KeyboardInterrupt()):
        log: list[str] = []
        with pytest.raises(type(error)) as caught:
            async with count(3, log) as stream:
                await stream.receive()
                raise error
        assert caught.value is error
        assert error.__context__ is None
        assert log[-1] == "ends"


@rule("GEN-5")
async def test_closed_at_a_yield() -> None:
    """A generator that is at a yield, or has not begun, is closed without cancellation; clean-up is waited for."""
    log: list[str] = []
    async with count(3, log) as stream:
        async for _ in stream:
            break
    assert log == ["begins", "yields 0", "ends"]
    log.clear()
    async with count(3, log):
        pass
    assert log == []


@rule("GEN-5")
async def test_cancelled_in_the_middle_of_a_step() -> None:
    """A generator that is in the middle of a step is cancelled and waited for."""
    log: list[str] = []
    with accord.fail_after(10):
        async with stall(log) as stream:
            await stream.receive()
            with accord.move_on_after(0.01):
                await stream.receive()
    assert log == ["cancelled"]


@rule("GEN-6")
async def test_cancelled_receive() -> None:
    """The step goes on without the one that asked for it, and its item is received next."""
    go = accord.Event()

    @accord.as_stream
    async def slow() -> AsyncIterator[int]:
        for number in range(3):
            await go.wait()
            yield number

    async with slow() as stream:
        with accord.move_on_after(0.01) as scope:
            await stream.receive()
        assert scope.cancelled_caught
        go.set()
        await settle()
        assert [number async for number in stream] == [0, 1, 2]
    log: list[str] = []
    async with count(3, log) as stream:
        assert await is_cancelled_by(stream.receive)
        await settle()
        assert log == []


@rule("GEN-7")
async def test_cancellation_around_the_block() -> None:
    """It reaches the generator, in a step and at a yield."""
    log: list[str] = []
    with accord.CancelScope() as scope:
        async with stall(log) as stream, accord.create_task_group() as group:
            await stream.receive()
            await blocked(group, stream.receive)
            scope.cancel()
    assert scope.cancelled_caught
    assert log == ["cancelled"]
    log.clear()
    with accord.CancelScope() as scope:
        async with stall(log) as stream:
            await stream.receive()
            scope.cancel()
            with accord.CancelScope(shield=True):
                await settle()
                for _ in range(2):
                    with pytest.raises(accord.BrokenResourceError):
                        await stream.receive()
            log.append("went on")
    assert log == ["cancelled", "went on"]


@rule("GEN-8")
async def test_busy_and_closed() -> None:
    """One task receives at a time; after the end of the block, and aclose(), the stream is closed."""
    log: list[str] = []
    async with stall(log) as stream, accord.create_task_group() as group:
        await stream.receive()
        attempt = await blocked(group, stream.receive)
        with pytest.raises(accord.BusyResourceError):
            await stream.receive()
        assert attempt.outcome == "blocked"
        await stream.aclose()
        await settle()
        assert type(attempt.error) is accord.ClosedResourceError
        await stream.aclose()
    for _ in range(2):
        with pytest.raises(accord.ClosedResourceError):
            await stream.receive()
        assert await is_cancelled_by(stream.receive)
    assert "closed" in repr(stream)


@rule("GEN-8", "CKPT-5")
async def test_checkpoints() -> None:
    """An item that is there already, and the end, yield at least once in sixteen times, and check each time."""
    async with count(0) as stream:
        with pytest.raises(accord.EndOfStream):
            await stream.receive()

        async def receive_repeatedly() -> None:
            for _ in range(16):
                with pytest.raises(accord.EndOfStream):
                    await stream.receive()

        assert await count_yields(receive_repeatedly()) > 0
        assert await is_cancelled_by(stream.receive)


@rule("GEN-4", "ERR-8")
async def test_errors_leave_no_cycles() -> None:
    """An error that has passed from the generator to the consumer leaves nothing to the cycle collector."""

    @accord.as_stream
    async def fail_anew() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no luck")  # nothing else in this frame knows it

    async def receive_error() -> None:
        try:
            async with fail_anew() as stream:
                async for _ in stream:
                    pass
        except ValueError:
            pass

    assert await cyclic_garbage(receive_error) == []
