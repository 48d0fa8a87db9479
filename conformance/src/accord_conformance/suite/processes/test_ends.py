"""The end of a process: waiting for it, its return code, signals, threads, and systems without descriptors for it."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

import accord
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import PATIENCE, count_yields, in_thread, is_cancelled_by, open_descriptors, rule

from .children import FOR_EVER, is_there, nothing_left, stdin_of, stdout_of, until

Run = Callable[..., Any]


@rule("PROC-4")
@pytest.mark.parametrize("code", [0, 1, 255])
async def test_wait_returns_the_code(code: int) -> None:
    """wait() returns the return code, each time."""
    async with await accord.open_process(f"exit {code}") as process:
        assert await process.wait() == code
        assert await process.wait() == code
        assert process.returncode == code


@rule("PROC-4", "PROC-11")
async def test_wait_does_not_wait_for_pipes() -> None:
    """wait() returns when the process has ended, although a process that it started holds its pipes."""
    with nothing_left():
        async with await accord.open_process("sleep 60 & echo $!") as process:
            daemon = int(await stdout_of(process).receive())
            try:
                with accord.fail_after(PATIENCE):
                    assert await process.wait() == 0
            finally:
                os.kill(daemon, signal.SIGKILL)


@rule("PROC-4", "PROC-7")
async def test_wait_with_full_pipes() -> None:
    """wait() returns though nobody has read what the process printed, which is there afterwards."""
    async with await accord.open_process(["printf", "%060000d", "1"]) as process:
        assert await process.wait() == 0
        printed = b"".join([chunk async for chunk in stdout_of(process)])
    assert len(printed) == 60000


@rule("PROC-4")
async def test_several_wait() -> None:
    """Several tasks can wait; that one of them is cancelled doesn't disturb the others."""
    async with await accord.open_process(["cat"]) as process, accord.create_task_group() as group:
        waits = [await blocked(group, process.wait) for _ in range(4)]
        for cancelled in (waits[0], waits[2]):
            cancelled.cancel()
            await cancelled.handle.wait()
            assert cancelled.outcome == "cancelled"
        assert process.returncode is None
        await stdin_of(process).aclose()
        for wait in (waits[1], waits[3]):
            await wait.handle.wait()
            assert (wait.outcome, wait.value) == ("returned", 0)


@rule("PROC-4")
async def test_wait_is_cancelled_on_an_ended_process() -> None:
    """wait() checks for cancellation also when the process has ended."""
    async with await accord.open_process("exit 3") as process:
        await process.wait()
        assert await is_cancelled_by(process.wait)


@rule("PROC-5")
async def test_return_code_is_current() -> None:
    """Returncode is None first, and has changed at the end without a turn of the loop."""
    async with await accord.open_process(["cat"]) as process:
        assert process.returncode is None
        await stdin_of(process).aclose()
        end = time.monotonic() + PATIENCE
        while process.returncode is None:
            assert time.monotonic() < end, "returncode is stale"
            time.sleep(0.001)
        assert process.returncode == 0


@rule("PROC-5", "PROC-6")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGUSR1"])
async def test_signals(name: str) -> None:
    """A signal reaches the process, and its negative number is the return code."""
    number = signal.Signals[name]
    async with await accord.open_process(FOR_EVER) as process:
        match name:
            case "SIGTERM":
                process.terminate()
            case "SIGKILL":
                process.kill()
            case _:
                process.send_signal(number)
        assert await process.wait() == -number


@rule("PROC-6")
@pytest.mark.parametrize("waits", [True, False])
async def test_signals_after_the_end(waits: bool) -> None:
    """Signals do nothing once the process has ended, whether or not anybody has noticed."""
    async with await accord.open_process("exit 5") as process:
        if waits:
            await process.wait()
        else:
            time.sleep(0.2)
        for _ in range(2):
            process.terminate()
            process.kill()
            process.send_signal(signal.SIGUSR1)
        assert process.returncode == 5
    process.kill()


@rule("PROC-6")
async def test_signals_do_not_reach_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """No signal is sent to the number of a process that has ended."""
    async with await accord.open_process("exit 5") as process:
        await process.wait()
        sent: list[int] = []

        def note(pid: int, _number: int) -> None:
            sent.append(pid)

        for name in ("kill", "killpg"):
            monkeypatch.setattr(os, name, note)
        process.kill()
        process.terminate()
        monkeypatch.undo()
    assert sent == []


@rule("PROC-6", "CKPT-6")
async def test_wrong_signals() -> None:
    """What is no signal is refused, also once the process has ended."""
    async with await accord.open_process("true") as process:
        await process.wait()
        wrong: list[tuple[Any, type[Exception]]] = [
            (1000, ValueError),
            (-1, ValueError),
            ("SIGTERM", TypeError),
            (True, TypeError),
        ]
        for value, error in wrong:
            with pytest.raises(error, match="signal"):
                process.send_signal(value)


async def _use_processes() -> list[int]:
    async with await accord.open_process(["cat"]) as process:
        await stdin_of(process).send(b"x")
        assert await stdout_of(process).receive() == b"x"
    result = await accord.run_process("cat; exit 3", input=b"y", check=False)
    assert result.stdout == b"y"
    with accord.CancelScope() as scope:
        async with await accord.open_process(FOR_EVER) as killed:
            scope.cancel()
            await killed.wait()
    assert killed.returncode is not None
    return [process.returncode or 0, result.returncode, killed.returncode]


EXPECTED = [0, 3, -signal.SIGTERM]


@rule("PROC-10")
def test_in_other_threads(run: Run) -> None:
    """Processes work in a loop in another thread than the main one, and in several loops at once."""

    async def main() -> list[list[int]]:
        async with accord.create_task_group() as group:
            call = partial(accord.to_thread.run_sync, partial(run, _use_processes))
            threads = [Attempt(group, call) for _ in range(3)]
            own = await _use_processes()
        return [own, *(attempt.value for attempt in threads)]

    assert in_thread(lambda: run(_use_processes)) == EXPECTED
    assert run(main) == [EXPECTED] * 4


@rule("PROC-10")
def test_with_another_handler_of_sigchld(run: Run) -> None:
    """A handler of SIGCHLD that the program has set is called, and takes nothing away."""
    calls: list[int] = []
    before = signal.signal(signal.SIGCHLD, lambda number, _frame: calls.append(number))
    try:
        assert run(_use_processes) == EXPECTED
    finally:
        mine = signal.signal(signal.SIGCHLD, before)
    assert calls
    assert callable(mine)


def _refuse(*_: object) -> int:
    raise OSError(errno.ENOSYS, "no such call")


@rule("PROC-10", "PROC-4", "PROC-11")
@pytest.mark.parametrize("lacks", ["pidfd_open", "pidfd_open and waitid"])
async def test_without_descriptors_of_processes(monkeypatch: pytest.MonkeyPatch, lacks: str) -> None:
    """Where the system has no descriptors for processes, everything works all the same."""
    monkeypatch.setattr(os, "pidfd_open", _refuse, raising=False)
    if lacks != "pidfd_open":
        monkeypatch.delattr(os, "waitid", raising=False)
    with nothing_left():
        assert await _use_processes() == EXPECTED
        async with await accord.open_process(["cat"]) as process, accord.create_task_group() as group:
            waiting = await blocked(group, process.wait)
            held = open_descriptors()
            cancelled = await blocked(group, process.wait)
            cancelled.cancel()
            await cancelled.handle.wait()
            assert open_descriptors() <= held
            await stdin_of(process).aclose()
            await waiting.handle.wait()
            assert waiting.value == 0


@rule("PROC-10")
async def test_without_free_descriptors() -> None:
    """A process that runs can be waited for when the process has no descriptors left."""
    import resource

    async with await accord.open_process(["cat"]) as process:
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        probe = os.dup(0)
        os.close(probe)
        resource.setrlimit(resource.RLIMIT_NOFILE, (probe, limits[1]))
        try:
            async with accord.create_task_group() as group:
                wait: Attempt[int] = await blocked(group, process.wait)
                await stdin_of(process).aclose()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert wait.value == 0


@rule("PROC-11")
async def test_nothing_is_left() -> None:
    """Nothing is left of processes that ended in all ways, some of them many at once."""

    async def by_itself() -> None:
        async with await accord.open_process(["echo", "x"]) as process:
            await process.wait()

    async def killed() -> None:
        with accord.move_on_after(0.02):
            async with await accord.open_process(FOR_EVER):
                await accord.sleep_forever()

    async def run_and_cancelled() -> None:
        with accord.move_on_after(0.02):
            await accord.run_process(FOR_EVER)

    async def failed() -> None:
        with pytest.raises(LookupError):
            async with await accord.open_process(FOR_EVER):
                raise LookupError

    kinds: list[Callable[[], Coroutine[Any, Any, None]]] = [by_itself, killed, run_and_cancelled, failed]
    await by_itself()
    tasks = accord.get_running_tasks()
    with nothing_left():
        for kind in kinds:
            await kind()
        async with accord.create_task_group() as group:
            for kind in kinds * 3:
                group.start_soon(kind)
    assert set(accord.get_running_tasks()) == set(tasks)


@rule("PROC-11", "PROC-14")
@pytest.mark.parametrize("ended", [False, True])
async def test_thrown_away_in_the_middle(ended: bool) -> None:
    """A process whose coroutine is thrown away, so that nothing can be awaited, is killed and reaped."""
    with nothing_left():
        process = await accord.open_process(FOR_EVER)
        if ended:
            process.kill()
            await process.wait()
        leave = process.__aexit__(GeneratorExit, GeneratorExit(), None)
        assert await count_yields(leave) == 0
        await until(lambda: not is_there(process.pid))
        with pytest.raises(accord.ClosedResourceError):
            await stdout_of(process).receive()
