"""to_process.run_sync: values, errors, crashes, cancellation, and what workers leave alone."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import to_process
from accord.to_process import current_default_process_limiter
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, is_cancelled_by, rule
from accord_conformance.suite.processes.children import children, is_running, is_there, nothing_left, until

from . import functions

Run = Callable[..., Any]

run_sync: Any = to_process.run_sync
"""Without its types, which the many combinations of arguments here would only stand in the way of."""


@rule("WORKER-1")
async def test_value_comes_back_from_another_process() -> None:
    """The function runs in another process with its arguments, and its value is returned."""
    pid, _, args = await run_sync(functions.where, 1, "x", [None])
    assert pid != os.getpid()
    assert args == (1, "x", [None])
    assert await run_sync(partial(int, "ff", base=16)) == 255


@rule("WORKER-1")
@pytest.mark.parametrize("size", [0, 1, 70_000, 5_000_000])
async def test_large_arguments_and_values(size: int) -> None:
    """Arguments and values of all sizes pass."""
    data = os.urandom(size)
    assert await run_sync(bytes.fromhex, data.hex()) == data


@rule("WORKER-1")
@pytest.mark.parametrize(
    "kind", [ValueError, KeyError, SystemExit, KeyboardInterrupt, GeneratorExit, functions.PlainError]
)
async def test_exceptions_come_back(kind: type[BaseException]) -> None:
    """Any exception is raised by the call, with a note of where it came from; the worker lives on."""
    pid, *_ = await run_sync(functions.where)
    with pytest.raises(kind) as caught:
        await run_sync(functions.fail, kind, "text")
    assert type(caught.value) is kind
    assert caught.value.args == ("text",)
    assert "in fail" in "".join(caught.value.__notes__)
    assert caught.value.__context__ is None
    assert (await run_sync(functions.where))[0] == pid


@rule("WORKER-1")
async def test_calls_run_at_once(tmp_path: Path) -> None:
    """Several calls run at once, each in a process of its own, and the loop goes on."""
    limiter = accord.CapacityLimiter(3)
    pids: list[int] = []

    async def call(number: int) -> None:
        pids.append(await run_sync(functions.meet, str(tmp_path), str(number), 3, limiter=limiter))

    async with accord.create_task_group() as group:
        for number in range(3):
            group.start_soon(call, number)
        await accord.sleep(0.05)
        (tmp_path / "me").touch()
    assert len(set(pids)) == 3


@rule("WORKER-2")
async def test_what_cannot_be_sent() -> None:
    """A function or an argument that can't be pickled is refused, by name and without starting anything."""
    before = children()
    arguments: list[tuple[Any, ...]] = [(lambda: None,), (functions.where, threading.Lock()), (len, lambda: None)]
    for call in arguments:
        with pytest.raises(pickle.PicklingError, match="can't be sent") as caught:
            await run_sync(*call)
        assert caught.value.__cause__ is not None
    assert children() == before


@rule("WORKER-2")
async def test_what_cannot_come_back() -> None:
    """Results and exceptions that can't be sent back are errors that say what they are; the worker lives on."""
    pid, *_ = await run_sync(functions.where)
    for what, name in (("lock", "lock"), ("lambda", "function")):
        with pytest.raises(pickle.PicklingError, match=name):
            await run_sync(functions.give, what)
    with pytest.raises(pickle.PicklingError, match="OwnArgumentsError: 1 and 2") as caught:
        await run_sync(functions.fail, functions.OwnArgumentsError, 1, 2)
    assert "in fail" in str(caught.value)
    with pytest.raises(pickle.PicklingError, match="PlainError"):
        await run_sync(functions.fail_with_a_lock)
    assert (await run_sync(functions.where))[0] == pid


@rule("WORKER-3")
@pytest.mark.parametrize(("how", "said"), [("exit", "exit code 7"), ("signal", "SIGSEGV"), ("fork", "exit code 7")])
async def test_worker_ends_during_a_call(how: str, said: str) -> None:
    """A worker that ends is BrokenWorkerProcess, which says how; the next call gets another."""
    pid, *_ = await run_sync(functions.where)
    start = time.monotonic()
    with pytest.raises(accord.BrokenWorkerProcess, match=said) as caught:
        await run_sync(functions.end, how)
    assert "end" in str(caught.value)
    assert caught.value.__context__ is None
    assert time.monotonic() < start + 2.5
    assert not is_there(pid)
    assert (await run_sync(functions.where))[0] not in (pid, os.getpid())


@rule("WORKER-3", "WORKER-7")
async def test_idle_worker_ends() -> None:
    """A worker that somebody killed while it was idle is not used."""
    pid, *_ = await run_sync(functions.where)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not is_running(pid))
    assert (await run_sync(functions.where))[0] != pid


async def _started(file: Path) -> int:
    await until(file.exists)
    return int(file.read_text(encoding="utf-8"))  # noqa: ASYNC240 - a small file


@rule("WORKER-4")
async def test_cancellation_is_put_off(tmp_path: Path) -> None:
    """A cancelled call waits for the function and returns its value; the next checkpoint raises."""
    steps: list[str] = []
    file = tmp_path / "pid"

    async def call() -> None:
        steps.append(await run_sync(functions.tell_and_sleep, str(file), 0.3))
        await accord.sleep(0)
        steps.append("passed a checkpoint")

    async with accord.create_task_group() as group:
        attempt = await blocked(group, call)
        pid = await _started(file)
        attempt.cancel()
        await attempt.handle.wait()
    assert (attempt.outcome, steps) == ("cancelled", ["slept"])
    assert (await run_sync(functions.where))[0] == pid


@rule("WORKER-4")
async def test_abandoned_call_is_killed(tmp_path: Path) -> None:
    """With abandon_on_cancel the worker is killed, and has ended when the cancellation is raised."""
    file = tmp_path / "pid"
    async with accord.create_task_group() as group:
        start = time.monotonic()
        call = partial(run_sync, functions.tell_and_sleep, str(file), 60, abandon_on_cancel=True)
        attempt = await blocked(group, call)
        pid = await _started(file)
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "cancelled"
        assert not is_there(pid)
        assert time.monotonic() < start + PATIENCE
    assert (await run_sync(functions.where))[0] != pid


@rule("WORKER-4")
async def test_abandoned_while_arguments_are_sent() -> None:
    """A call that is cancelled while its arguments are sent leaves no half of a request to the next one."""
    for _ in range(5):
        with accord.move_on_after(0.003):
            await run_sync(len, bytes(20_000_000), abandon_on_cancel=True)
        assert await run_sync(len, b"abc") == 3


def _is_used(limiter: accord.CapacityLimiter) -> bool:
    return limiter.borrowed_tokens == 1


@rule("WORKER-5")
async def test_tokens() -> None:
    """A call borrows a token, of the given limiter or the run's, for a borrower of its own, and gives it back."""
    default = current_default_process_limiter()
    assert current_default_process_limiter() is default
    assert default.total_tokens == (os.cpu_count() or 2)
    own = accord.CapacityLimiter(2)
    for limiter, keywords in ((default, {}), (own, {"limiter": own})):
        async with accord.create_task_group() as group:
            attempt: Attempt[Any] = Attempt(group, partial(run_sync, time.sleep, 0.2, **keywords))
            await until(partial(_is_used, limiter))
            await attempt.handle.wait()
            assert attempt.outcome == "returned"
        assert limiter.borrowed_tokens == 0
        with pytest.raises(accord.BrokenWorkerProcess):
            await run_sync(functions.end, "exit", **keywords)
        with pytest.raises(pickle.PicklingError):
            await run_sync(functions.give, "lock", **keywords)
        assert limiter.borrowed_tokens == 0
    own.total_tokens = 2
    async with own:
        assert await run_sync(abs, -1, limiter=own) == 1


@rule("WORKER-5")
async def test_limit() -> None:
    """There are no more workers than tokens."""
    limiter = accord.CapacityLimiter(1)
    pids: set[int] = set()

    async def call() -> None:
        pids.add((await run_sync(functions.where, limiter=limiter))[0])

    async with accord.create_task_group() as group:
        for _ in range(5):
            group.start_soon(call)
    assert len(pids) == 1


@rule("WORKER-5")
async def test_cancelled_before() -> None:
    """In a cancelled scope nothing is called, with and without abandon_on_cancel."""
    await run_sync(functions.mark, "untouched")
    for abandon in (False, True):
        assert await is_cancelled_by(partial(run_sync, functions.mark, "called", abandon_on_cancel=abandon))
    assert await run_sync(functions.mark) == "untouched"


@rule("WORKER-5", "CKPT-6")
async def test_what_is_not_callable_is_refused() -> None:
    """Something that can't be called is a TypeError."""
    value: Any = 5
    with pytest.raises(TypeError):
        await run_sync(value)


@rule("WORKER-6")
@pytest.mark.parametrize("how", ["print", "raw", "child", "read", "close", "close the descriptors"])
def test_standard_streams(script: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Whatever a function does with the standard streams, the call and the next one work; its output is seen."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    result: subprocess.CompletedProcess[str] = script(
        f"""
from accord_conformance.suite.workers.functions import play_with_standard_streams
async def main():
    for _ in range(2):
        print(await accord.to_process.run_sync(play_with_standard_streams, {how!r}), flush=True)
if __name__ == "__main__":
    run(main)
"""
    )
    printed = how in ("print", "raw", "child")
    value = "''" if how == "read" else how
    if how == "close the descriptors":
        assert result.returncode in (0, 1)
        assert result.stdout.startswith(value + "\n")
        return
    assert result.returncode == 0, result.stderr
    assert result.stdout == ("printed\n" * printed + value + "\n") * (1 if how == "close" else 2) or how == "close"
    assert result.stderr.count("an error\n") == 2 * printed


@rule("WORKER-7")
async def test_workers_are_used_again() -> None:
    """Calls one after the other use the same worker."""
    assert len({(await run_sync(functions.where))[0] for _ in range(5)}) == 1


@rule("WORKER-7")
def test_idle_workers_end(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that nobody calls ends; calls around that moment are not lost."""
    monkeypatch.setattr(accord.to_process, "IDLE_SECONDS", 0.1)

    async def main() -> None:
        pid, *_ = await run_sync(functions.where)
        await until(lambda: not is_running(pid))
        pids = {pid}
        for step in range(20):
            pids.add((await run_sync(functions.where))[0])
            time.sleep(0.0985 + step * 0.0002)
        assert len(pids) > 1

    with nothing_left():
        run(main)


@rule("WORKER-7")
async def test_worker_that_takes_its_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose worker ends for want of calls, after it was chosen, is made by another."""
    monkeypatch.setattr(accord.to_process, "IDLE_SECONDS", 0.05)
    pid, *_ = await run_sync(functions.where)
    os.kill(pid, signal.SIGSTOP)
    async with accord.create_task_group() as group:
        attempt: Attempt[Any] = Attempt(group, partial(run_sync, functions.where))
        await accord.sleep(0.2)
        os.kill(pid, signal.SIGCONT)
        with accord.fail_after(PATIENCE):
            await attempt.handle.wait()
    assert attempt.outcome == "returned", attempt.error


@rule("WORKER-8")
def test_workers_end_with_the_run(run: Run) -> None:
    """No worker is left when the run has ended, also if it failed or calls were cancelled."""

    async def main() -> None:
        async with accord.create_task_group() as group:
            for _ in range(2):
                group.start_soon(run_sync, functions.where)
        with accord.move_on_after(0.05):
            await run_sync(time.sleep, 60, abandon_on_cancel=True)
        raise LookupError

    for _ in range(2):
        with nothing_left(), pytest.raises(LookupError):
            run(main)


@rule("WORKER-8")
def test_workers_end_without_a_word(script: Callable[..., Any]) -> None:
    """A program that used workers, and still has some, ends without a word."""
    result = script(
        """
async def main():
    print(await accord.to_process.run_sync(abs, -5))
if __name__ == "__main__":
    run(main)
"""
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "5\n", "")


@rule("WORKER-8")
def test_workers_end_when_the_caller_is_killed(script: Callable[..., Any], tmp_path: Path) -> None:
    """Workers, idle and busy, end when the process that called them is killed."""
    result: subprocess.CompletedProcess[str] = script(
        f"""
import os, pathlib, signal
from accord_conformance.suite.workers.functions import tell_and_sleep, where
file = pathlib.Path({str(tmp_path / "pid")!r})
async def main():
    async with accord.create_task_group() as group:
        group.start_soon(accord.to_process.run_sync, tell_and_sleep, str(file), 0.3)
        print((await accord.to_process.run_sync(where))[0], flush=True)
        while not file.exists():
            await accord.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
run(main)
"""
    )
    assert result.returncode == -signal.SIGKILL, result.stderr
    end = time.monotonic() + PATIENCE
    for pid in (int(result.stdout), int((tmp_path / "pid").read_text(encoding="utf-8"))):
        while is_running(pid):
            assert time.monotonic() < end, "a worker lives on"
            time.sleep(0.01)


@rule("WORKER-10")
async def test_interrupts() -> None:
    """SIGINT doesn't disturb a call or an idle worker, and programs that a function starts don't ignore it."""
    pid, *_ = await run_sync(functions.where)
    os.kill(pid, signal.SIGINT)
    await accord.sleep(0.05)
    assert await run_sync(functions.interrupt) == "went on"
    assert (await run_sync(functions.where))[0] == pid
    assert not await run_sync(functions.sigint_of_a_child)
