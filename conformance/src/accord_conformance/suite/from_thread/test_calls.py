"""from_thread.run and run_sync: values, errors, tokens, context, and threads from which they can't be called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import accord
from accord import from_thread
from accord.lowlevel import checkpoint, current_token
from accord.protocols import TaskStatus
from accord.to_thread import run_sync
from accord_conformance.attempts import Attempt
from accord_conformance.helpers import PATIENCE, in_thread, rule

from .threads import Call, in_foreign_thread, run_async, run_callback


class CustomBaseException(BaseException):
    """Neither an Exception nor one of Python's own."""


KINDS = (ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, CustomBaseException)


async def add(first: int, second: int) -> int:
    """A function that takes some turns of the loop."""
    await checkpoint()
    await accord.sleep(0.001)
    return first + second


@rule("FROM-1")
async def test_function_runs_in_the_host_task() -> None:
    """In a worker the function runs on the loop's thread, in the task that waits for the worker."""
    thing = object()

    async def func(argument: object) -> tuple[int, accord.TaskInfo, object]:
        await checkpoint()
        return threading.get_ident(), accord.get_current_task(), argument

    def work() -> Any:
        assert from_thread.run(add, 1, 2) == 3
        return from_thread.run(func, thing)

    ident, task, argument = await run_sync(work)
    assert ident == threading.get_ident()
    assert task is accord.get_current_task()
    assert argument is thing


@rule("FROM-1")
@pytest.mark.parametrize("abandon", [True, False])
async def test_loop_goes_on(abandon: bool) -> None:
    """While the function waits other tasks run, and it may use threads itself."""
    event = accord.Event()

    async def wait() -> int:
        await event.wait()
        return await run_sync(run_async, add, 3, 4)

    async with accord.create_task_group() as group:

        async def call() -> int:
            return int(await run_sync(run_async, wait, abandon_on_cancel=abandon))

        attempts: list[Attempt[int]] = [Attempt(group, call) for _ in range(3)]
        await accord.sleep(0.02)
        assert [attempt.outcome for attempt in attempts] == ["blocked"] * 3
        event.set()
    assert [attempt.value for attempt in attempts] == [7, 7, 7]


@rule("FROM-2")
async def test_callback() -> None:
    """In a worker the function is called on the loop's thread, where no task runs."""

    def func() -> int:
        with pytest.raises(RuntimeError):
            accord.get_current_task()
        assert accord.lowlevel.current_backend() is not None
        return threading.get_ident()

    assert await run_sync(from_thread.run_sync, func) == threading.get_ident()


@rule("FROM-2")
async def test_started_from_a_thread() -> None:
    """A worker can say for its task that it is ready."""

    async def service(*, task_status: TaskStatus[str]) -> None:
        await run_sync(from_thread.run_sync, task_status.started, "ready")
        await accord.sleep_forever()

    with accord.fail_after(PATIENCE):
        async with accord.create_task_group() as group:
            assert await group.start(service) == "ready"
            group.cancel()


@rule("FROM-10", "FROM-1", "FROM-2")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("foreign", [True, False])
async def test_exceptions_go_to_the_thread(kind: type[BaseException], foreign: bool) -> None:
    """Any exception is raised in the thread, the same object, and the loop goes on."""
    token = current_token() if foreign else None

    async def fail_in_task(error: BaseException) -> None:
        await checkpoint()
        raise error

    def fail(error: BaseException) -> None:
        raise error

    def work() -> int:
        calls: list[Call] = [
            partial(run_async, fail_in_task, token=token),
            partial(run_callback, fail, token=token),
        ]
        for call in calls:
            error = kind("on the loop")
            with pytest.raises(kind) as caught:
                call(error)
            assert caught.value is error
            assert error.__context__ is None
        return from_thread.run_sync(int, token=token)

    assert await (in_foreign_thread(work) if foreign else run_sync(work)) == 0


@rule("FROM-3")
async def test_foreign_thread_without_a_token() -> None:
    """A thread that nobody has started for the loop gets a clear error."""

    def work() -> None:
        calls: list[Call] = [
            partial(run_async, add, 1, 2),
            partial(from_thread.run_sync, int),
            from_thread.check_cancelled,
        ]
        for call in calls:
            with pytest.raises(accord.NoEventLoopError, match="token"):
                call()

    await in_foreign_thread(work)


@rule("FROM-3")
@pytest.mark.filterwarnings("error")
async def test_wrong_functions() -> None:
    """What is not callable, or not of the right kind, or no token, is a TypeError."""
    wrong: Any = 5

    def work() -> None:
        calls: list[Call] = [from_thread.run, from_thread.run_sync]
        for call in calls:
            with pytest.raises(TypeError, match="callable"):
                call(wrong)
            with pytest.raises(TypeError, match="token"):
                call(int, token=wrong)
        function: Any = int
        with pytest.raises(TypeError, match="int"):
            from_thread.run(function)
        with pytest.raises(TypeError, match=r"from_thread\.run"):
            _ = from_thread.run_sync(add, 1, 2)

    await run_sync(work)


@rule("FROM-4")
async def test_with_a_token() -> None:
    """With a token any thread can call, and the function's task belongs to nobody."""
    token = current_token()

    async def func() -> tuple[int, int | None]:
        await checkpoint()
        return threading.get_ident(), accord.get_current_task().parent_id

    def work() -> None:
        assert from_thread.run(add, 1, 2, token=token) == 3
        assert from_thread.run(func, token=token) == (ident, None)
        assert from_thread.run_sync(threading.get_ident, token=token) == ident

    ident = threading.get_ident()
    await in_foreign_thread(work)
    await run_sync(work)


@rule("FROM-4")
def test_worker_of_another_loop(run: Callable[..., Any]) -> None:
    """A worker of one loop can call another."""

    async def outer() -> int:
        token = current_token()

        async def inner() -> int:
            return await run_sync(partial(run_async, add, 20, 22, token=token))

        return await run_sync(in_thread, partial(run, inner))

    assert run(outer) == 42


@rule("FROM-5")
def test_after_the_run(run: Callable[..., Any]) -> None:
    """Once the run has ended both raise RunFinishedError, in any thread."""

    async def main() -> Any:
        return current_token()

    token = run(main)

    def work() -> None:
        with pytest.raises(accord.RunFinishedError):
            from_thread.run(add, 1, 2, token=token)
        with pytest.raises(accord.RunFinishedError):
            from_thread.run_sync(int, token=token)

    work()
    in_thread(work)


@rule("FROM-5")
def test_run_ends_meanwhile(run: Callable[..., Any]) -> None:
    """A thread whose function is still at work when the run ends gets RunFinishedError."""
    begun, ended = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    async def func() -> None:
        begun.set()
        await accord.sleep_forever()

    def work(token: Any) -> None:
        try:
            from_thread.run(func, token=token)
        except BaseException as error:
            errors.append(error)
        ended.set()

    async def main() -> None:
        threading.Thread(target=work, args=(current_token(),), daemon=True).start()
        await run_sync(begun.wait, PATIENCE)

    run(main)
    assert ended.wait(PATIENCE)
    assert [type(error) for error in errors] == [accord.RunFinishedError]


@rule("FROM-5")
def test_race_with_the_end(run: Callable[..., Any]) -> None:
    """Around the end of a run each call is answered or refused."""
    for _ in range(10):
        tokens: list[Any] = []
        wrong: list[BaseException] = []

        def work(call: Call, tokens: list[Any] = tokens, wrong: list[BaseException] = wrong) -> None:
            try:
                while True:
                    call(token=tokens[0])
            except accord.RunFinishedError:
                pass
            except BaseException as error:
                wrong.append(error)

        async def main(tokens: list[Any] = tokens, work: Call = work) -> list[threading.Thread]:
            tokens.append(current_token())
            calls: list[Call] = [
                partial(run_async, checkpoint),
                partial(run_async, add, 1, 2),
                partial(from_thread.run_sync, int),
            ]
            threads = [threading.Thread(target=work, args=(call,), daemon=True) for call in calls]
            for thread in threads:
                thread.start()
            await accord.sleep(0.003)
            return threads

        threads = run(main)
        end = time.monotonic() + PATIENCE
        for thread in threads:
            thread.join(max(0, end - time.monotonic()))
        assert not any(thread.is_alive() for thread in threads), "a thread waits for a loop that is gone"
        assert wrong == []


@rule("FROM-6")
async def test_own_thread() -> None:
    """The loop's own thread gets an error, where it would wait for itself for ever."""
    calls: list[Call] = [
        partial(run_async, add, 1, 2, token=current_token()),
        partial(from_thread.run_sync, int, token=current_token()),
        partial(run_async, add, 1, 2),
        partial(from_thread.run_sync, int),
        from_thread.check_cancelled,
    ]

    def in_callback() -> None:
        for call in calls:
            try:
                call()
            except RuntimeError as error:
                assert "own thread" in str(error)
                seen.append(True)
        done.set()

    seen: list[bool] = []
    done = accord.Event()
    for call in calls:
        with pytest.raises(RuntimeError, match="own thread"):
            call()
    current_token().call_soon(in_callback)
    await done.wait()
    assert len(seen) == len(calls)
