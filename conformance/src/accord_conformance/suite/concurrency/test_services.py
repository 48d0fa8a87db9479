"""Service groups."""

from __future__ import annotations

from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.attempts import blocked
from accord_conformance.helpers import count_yields, leaves, rule, settle


async def clean_up() -> None:
    """Take some time that can't be cancelled."""
    with accord.CancelScope(shield=True):
        await settle()


class Recorder:
    """Notes what happens, in order."""

    def __init__(self) -> None:
        self.log: list[str] = []

    async def serve(self, name: str, error: Exception | None = None) -> None:
        """Serve until cancelled; clean up, which takes time; and then raise ``error``."""
        try:
            await accord.sleep_forever()
        finally:
            self.log.append(f"{name} stops")
            await clean_up()
            self.log.append(f"{name} ends")
            if error is not None:
                raise error


@rule("SERVICE-1")
async def test_services_end_after_the_body() -> None:
    """Services end when the body has, the last one first, one after the other."""
    recorder = Recorder()
    async with accord.open_service_group() as group:
        for name in "abc":
            group.start_soon(recorder.serve, name)
        await settle()
        async with accord.create_task_group() as tasks:
            tasks.start_soon(checkpoint)
        assert recorder.log == []
    assert recorder.log == ["c stops", "c ends", "b stops", "b ends", "a stops", "a ends"]


@rule("SERVICE-1")
async def test_service_begun_at_the_end() -> None:
    """A service that is begun while the others end is ended before them."""
    recorder = Recorder()

    async def begin_another() -> None:
        try:
            await accord.sleep_forever()
        finally:
            group.start_soon(recorder.serve, "late")
            await clean_up()
            recorder.log.append("b ends")

    async with accord.open_service_group() as group:
        group.start_soon(recorder.serve, "a")
        group.start_soon(begin_another)
        await settle()
    assert recorder.log == ["b ends", "late stops", "late ends", "a stops", "a ends"]


@rule("SERVICE-1", "SERVICE-4", "CKPT-4")
async def test_empty_body() -> None:
    """Services that have not run yet are ended, too; the entry is no checkpoint, and an empty group is left at once."""
    recorder = Recorder()
    async with accord.open_service_group() as group:
        group.start_soon(recorder.serve, "a")
    assert recorder.log in (["a stops", "a ends"], [])
    with accord.CancelScope() as scope:
        scope.cancel()
        group = accord.open_service_group()
        assert await count_yields(group.__aenter__()) == 0
        await group.__aexit__(None, None, None)
    assert not scope.cancelled_caught


@rule("SERVICE-2")
@pytest.mark.parametrize("way", ["around", "group", "deadline"])
async def test_body_is_cancelled_first(way: str) -> None:
    """A cancellation reaches the body, which can use its services until it has ended."""
    recorder = Recorder()
    send, receive = accord.create_memory_object_stream[str]()

    async def write_log() -> None:
        with receive:
            async for line in receive:
                recorder.log.append(line)

    with accord.CancelScope() as scope, send:
        async with accord.open_service_group() as group:
            group.start_soon(recorder.serve, "a")
            group.start_soon(write_log)
            await settle()
            if way == "around":
                scope.cancel()
            elif way == "group":
                group.cancel()
            else:
                scope.deadline = accord.current_time()
            try:
                await accord.sleep_forever()
            finally:
                with accord.CancelScope(shield=True):
                    await settle()
                    await send.send("goodbye")
                    await settle()
                    recorder.log.append("the body ends")
    assert recorder.log == ["goodbye", "the body ends", "a stops", "a ends"]
    assert scope.cancelled_caught is (way != "group")


@rule("SERVICE-3")
async def test_failing_service() -> None:
    """A service that fails cancels the body; the others end after it."""
    recorder = Recorder()
    error = ValueError("no luck")

    async def fail() -> None:
        await checkpoint()
        raise error

    with pytest.raises(ExceptionGroup) as caught:
        async with accord.open_service_group() as group:
            group.start_soon(recorder.serve, "a")
            group.start_soon(fail)
            group.start_soon(recorder.serve, "b")
            try:
                await accord.sleep_forever()
            finally:
                reason = group.cancel_scope.cancel_reason
                await clean_up()
                recorder.log.append("the body ends")
    assert reason is not None
    assert reason.kind == "failure"
    assert leaves(caught.value) == [error]
    assert recorder.log == ["the body ends", "b stops", "b ends", "a stops", "a ends"]


@rule("SERVICE-3")
async def test_service_that_returns() -> None:
    """A service that ends by itself disturbs nobody."""
    went_on: list[bool] = []
    async with accord.open_service_group() as group:
        group.start_soon(checkpoint)
        await settle()
        await checkpoint()
        went_on.append(True)
    assert went_on


@rule("SERVICE-4")
async def test_errors() -> None:
    """Errors of the body and of the services' clean-up come together, with the group's name."""
    recorder = Recorder()
    errors = [ValueError("body"), KeyError("b"), OSError("a")]
    with pytest.raises(ExceptionGroup) as caught:
        async with accord.open_service_group(name="background") as group:
            group.start_soon(recorder.serve, "a", errors[2], name="service a")
            group.start_soon(recorder.serve, "b", errors[1])
            await settle()
            raise errors[0]
    assert set(leaves(caught.value)) == set(errors)
    assert len(caught.value.exceptions) == 3
    assert caught.value.message == "3 errors in task group 'background'"
    assert errors[2].__notes__ == ["in task 'service a'"]
    assert recorder.log == ["b stops", "b ends", "a stops", "a ends"]


@rule("SERVICE-4")
async def test_no_cancellation_from_services() -> None:
    """If only services were cut short, the end of the group is a normal one, also in a scope cancelled meanwhile."""
    recorder = Recorder()
    with accord.CancelScope() as scope:
        async with accord.open_service_group() as group:
            group.start_soon(recorder.serve, "a")
            await settle()
            scope.cancel()
        recorder.log.append("went on")
    assert recorder.log == ["a stops", "a ends", "went on"]


async def _ready(recorder: Recorder, *, task_status: accord.TaskStatus[str]) -> None:
    await checkpoint()
    task_status.started("ready")
    await recorder.serve("a")


@rule("SERVICE-5")
async def test_start() -> None:
    """start() returns what the service passes to started(); then it is a service like others."""
    recorder = Recorder()
    with accord.CancelScope() as scope:
        async with accord.open_service_group() as group:
            assert await group.start(_ready, recorder) == "ready"
            group.start_soon(recorder.serve, "b")
            await settle()
            scope.cancel()
            await clean_up()
            assert recorder.log == []
    assert recorder.log == ["b stops", "b ends", "a stops", "a ends"]


@rule("SERVICE-5")
async def test_start_that_fails() -> None:
    """An error before started() is raised by start(), and the group goes on."""
    error = ValueError("no luck")

    async def fail(*, task_status: accord.TaskStatus[None]) -> None:
        await checkpoint()
        raise error

    async def forget(*, task_status: accord.TaskStatus[None]) -> None:
        await checkpoint()

    async with accord.open_service_group() as group:
        with pytest.raises(ValueError) as caught:
            await group.start(fail)
        assert caught.value is error
        with pytest.raises(RuntimeError):
            await group.start(forget)
        await checkpoint()


@rule("SERVICE-5")
async def test_cancelled_while_it_starts() -> None:
    """Cancelling the caller of start() cancels a service that isn't ready."""
    log: list[str] = []

    async def slow(*, task_status: accord.TaskStatus[None]) -> None:
        try:
            await accord.sleep_forever()
            task_status.started()
        finally:
            log.append("cancelled")

    async with accord.open_service_group() as group, accord.create_task_group() as tasks:
        attempt = await blocked(tasks, lambda: group.start(slow))
        attempt.cancel()
        with accord.fail_after(10):
            await attempt.handle.wait()
        assert (attempt.outcome, log) == ("cancelled", ["cancelled"])


@rule("SERVICE-6")
async def test_scope_of_a_service() -> None:
    """start_soon() returns the scope of the service, which ends it alone."""
    recorder = Recorder()
    async with accord.open_service_group() as group:
        scope = group.start_soon(recorder.serve, "a")
        group.start_soon(recorder.serve, "b")
        await settle()
        scope.cancel()
        with accord.fail_after(10):
            while recorder.log != ["a stops", "a ends"]:
                await accord.sleep(0.001)
        assert scope.cancelled_caught
        await checkpoint()
    assert recorder.log == ["a stops", "a ends", "b stops", "b ends"]


@rule("SERVICE-6")
async def test_wrong_use() -> None:
    """What is no async function, and a group that is not open, are refused."""
    began: list[bool] = []

    async def work() -> None:
        began.append(True)

    wrong: Any
    group = accord.open_service_group()
    with pytest.raises(RuntimeError):
        group.start_soon(work)
    async with group:
        for wrong in (None, len, 5):
            with pytest.raises(TypeError):
                group.start_soon(wrong, "x")
        group.start_soon(work)
        assert began == []
        await settle()
    assert began == [True]
    with pytest.raises(RuntimeError):
        group.start_soon(work)
    with pytest.raises(RuntimeError):
        async with group:
            pass
    wrong = 5
    with pytest.raises(TypeError):
        accord.open_service_group(name=wrong)
