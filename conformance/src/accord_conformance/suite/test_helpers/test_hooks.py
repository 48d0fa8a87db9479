"""Hooks of byte streams in memory, and what is exported."""

from __future__ import annotations

import pytest

import accord
from accord.testing import memory_byte_stream_pair
from accord_conformance.attempts import blocked
from accord_conformance.helpers import rule, settle


@rule("HELP-9")
async def test_called_before_the_effect() -> None:
    """Each hook is awaited by its operation, which has no effect before the hook has ended."""
    near, far = memory_byte_stream_pair()
    gate = accord.Event()
    calls: list[str] = []

    async def hook() -> None:
        calls.append("called")
        await gate.wait()

    async with accord.create_task_group() as group:
        near.send_hook = hook
        sending = await blocked(group, lambda: near.send(b"x"))
        assert calls == ["called"]
        with accord.move_on_after(0):
            await far.receive()
            raise AssertionError("it was sent before the hook had ended")
        gate.set()
        await sending.handle.wait()
        assert await far.receive() == b"x"
        gate = accord.Event()
        far.receive_hook = hook
        near.send_hook = None
        await near.send(b"y")
        receiving = await blocked(group, far.receive)
        assert calls == ["called"] * 2
        with pytest.raises(accord.BusyResourceError):
            await far.receive()
        gate.set()
        await receiving.handle.wait()
        assert receiving.value == b"y"
        gate = accord.Event()
        near.send_hook, far.receive_hook = hook, None
        ending = await blocked(group, near.send_eof)
        gate.set()
        await ending.handle.wait()
        assert calls == ["called"] * 3
        with pytest.raises(accord.EndOfStream):
            await far.receive()
        with pytest.raises(TypeError):
            await near.send("text")  # type: ignore[arg-type]
        assert calls == ["called"] * 3
    await near.aclose()
    await far.aclose()


@rule("HELP-9")
async def test_errors_of_hooks() -> None:
    """What a hook raises the operation raises, and nothing was sent or received; the next call works."""
    near, far = memory_byte_stream_pair()

    async def fail() -> None:
        raise OSError("planned")

    near.send_hook = far.receive_hook = fail
    with pytest.raises(OSError, match="planned"):
        await near.send(b"lost")
    with pytest.raises(OSError, match="planned"):
        await near.send_eof()
    near.send_hook = None
    await near.send(b"kept")
    with pytest.raises(OSError, match="planned"):
        await far.receive()
    far.receive_hook = None
    assert await far.receive() == b"kept"
    await near.aclose()
    await far.aclose()


@rule("HELP-9")
async def test_cancelled_hooks() -> None:
    """An operation that is cancelled in its hook has had no effect."""
    near, far = memory_byte_stream_pair()
    near.send_hook = far.receive_hook = accord.sleep_forever
    async with accord.create_task_group() as group:
        sending = await blocked(group, lambda: near.send(b"lost"))
        receiving = await blocked(group, far.receive)
        sending.cancel()
        receiving.cancel()
        await settle()
        assert (sending.outcome, receiving.outcome) == ("cancelled", "cancelled")
    near.send_hook = far.receive_hook = None
    await near.send(b"kept")
    assert await far.receive() == b"kept"
    await near.aclose()
    await far.aclose()


@rule("HELP-9")
@pytest.mark.parametrize("end", ["returns", "raises", "is cancelled"])
async def test_closing(end: str) -> None:
    """The hook of ``aclose`` is awaited once, and the end is closed whatever becomes of the hook."""
    near, far = memory_byte_stream_pair()
    calls: list[None] = []

    async def hook() -> None:
        calls.append(None)
        assert near.extra_attributes == {}  # not closed yet
        if end == "raises":
            raise OSError("planned")
        if end == "is cancelled":
            await accord.sleep_forever()

    near.close_hook = hook
    with accord.CancelScope() as scope:
        if end == "is cancelled":
            scope.cancel()
        if end == "raises":
            with pytest.raises(OSError, match="planned"):
                await near.aclose()
        else:
            await near.aclose()
    assert scope.cancelled_caught == (end == "is cancelled")
    with pytest.raises(accord.ClosedResourceError):
        await near.receive()
    await near.aclose()
    assert len(calls) == 1
    with pytest.raises(accord.ClosedResourceError):
        await near.send(b"x")
    with pytest.raises(accord.EndOfStream):
        await far.receive()
    await far.aclose()


@rule("HELP-10")
async def test_exported() -> None:
    """The function is the same in both places."""
    assert accord.testing.wait_all_tasks_blocked is accord.wait_all_tasks_blocked
