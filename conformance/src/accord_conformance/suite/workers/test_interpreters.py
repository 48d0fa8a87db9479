"""to_interpreter.run_sync, where Python has interpreters and where not."""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import accord
from accord import to_interpreter
from accord.to_interpreter import current_default_interpreter_limiter
from accord_conformance.attempts import Attempt, blocked
from accord_conformance.helpers import is_cancelled_by, rule, untestable
from accord_conformance.suite.processes.children import until

from . import functions

run_sync: Any = to_interpreter.run_sync
"""Without its types, as for processes."""


@pytest.fixture(autouse=True)
def _need_interpreters(request: pytest.FixtureRequest) -> None:
    if sys.version_info < (3, 13) and "WORKER-12" not in str([*request.node.iter_markers("rule")]):
        untestable("this Python has no interpreters")


@rule("WORKER-12")
async def test_without_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python has no interpreters, the call says so."""
    for name in ("_interpreters", "concurrent.interpreters"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotImplementedError, match=r"3\.13"):
        await run_sync(abs, -1)


@rule("WORKER-11")
async def test_value_comes_back_from_another_interpreter() -> None:
    """The function runs in this process, in another interpreter and thread, and its value is returned."""
    number, ident = await run_sync(functions.interpreter)
    assert number != functions.interpreter()[0]
    assert ident != threading.get_ident()
    assert (await run_sync(functions.where, 1, "x"))[::2] == (os.getpid(), (1, "x"))
    data = os.urandom(3_000_000)
    assert await run_sync(bytes.fromhex, data.hex()) == data


@rule("WORKER-11")
async def test_errors_of_interpreters() -> None:
    """Exceptions come back with a note, and what can't be sent, in either direction, is a PicklingError."""
    with pytest.raises(functions.PlainError) as caught:
        await run_sync(functions.fail, functions.PlainError, "text")
    assert caught.value.args == ("text",)
    assert "in fail" in "".join(caught.value.__notes__)
    calls: list[tuple[Any, ...]] = [
        (lambda: None,),
        (functions.where, threading.Lock()),
        (functions.give, "lock"),
        (functions.fail, functions.OwnArgumentsError, 1, 2),
    ]
    for call in calls:
        with pytest.raises(pickle.PicklingError):
            await run_sync(*call)
    assert await run_sync(abs, -1) == 1


@rule("WORKER-11")
async def test_calls_in_interpreters_at_once(tmp_path: Path) -> None:
    """Several calls run at once, and the loop goes on."""
    limiter = accord.CapacityLimiter(2)
    async with accord.create_task_group() as group:
        for number in range(2):
            group.start_soon(partial(run_sync, functions.meet, str(tmp_path), str(number), 2, limiter=limiter))
        await accord.sleep(0.05)
        (tmp_path / "me").touch()


@rule("WORKER-11")
def test_function_of_the_main_program(script: Callable[..., Any]) -> None:
    """A function of the main program works, and the interpreters leave no trace at the end."""
    result = script(
        """
print("loaded", __name__, flush=True)
def double(value):
    return value * 2
async def main():
    for value in (1, 2):
        print(await accord.to_interpreter.run_sync(double, value), flush=True)
if __name__ == "__main__":
    run(main)
"""
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.split("\n") == ["loaded __main__", "loaded __mp_main__", "2", "4", ""]


@rule("WORKER-13")
async def test_interpreter_that_fails() -> None:
    """An interpreter that fails is BrokenWorkerInterpreter with what Python says, and the next call gets another."""
    number, _ = await run_sync(functions.interpreter)
    await run_sync(functions.spoil)
    with pytest.raises(accord.BrokenWorkerInterpreter, match="KeyError") as caught:
        await run_sync(abs, -1)
    excinfo: Any = caught.value.excinfo
    assert "KeyError" in excinfo.formatted
    assert caught.value.__context__ is None
    assert await run_sync(abs, -1) == 1
    assert (await run_sync(functions.interpreter))[0] != number


def _is_used(limiter: accord.CapacityLimiter) -> bool:
    return limiter.borrowed_tokens == 1


@rule("WORKER-14")
async def test_tokens_of_interpreters() -> None:
    """A call borrows a token of the run's limiter or the given one, and gives it back."""
    default = current_default_interpreter_limiter()
    assert current_default_interpreter_limiter() is default
    own = accord.CapacityLimiter(1)
    for limiter, keywords in ((default, {}), (own, {"limiter": own})):
        async with accord.create_task_group() as group:
            attempt: Attempt[Any] = Attempt(group, partial(run_sync, time.sleep, 0.1, **keywords))
            await until(partial(_is_used, limiter))
            await attempt.handle.wait()
        assert limiter.borrowed_tokens == 0


@rule("WORKER-14")
async def test_cancellation_of_calls_in_interpreters() -> None:
    """In a cancelled scope nothing is called; later a cancellation is put off."""
    await run_sync(functions.mark, "untouched")
    assert await is_cancelled_by(partial(run_sync, functions.mark, "called"))
    assert await run_sync(functions.mark) == "untouched"
    async with accord.create_task_group() as group:
        attempt = await blocked(group, partial(run_sync, time.sleep, 0.2))
        attempt.cancel()
        await attempt.handle.wait()
        assert attempt.outcome == "returned"


@rule("WORKER-14")
async def test_interpreters_are_used_again() -> None:
    """Calls one after the other use the same interpreter."""
    assert len({(await run_sync(functions.interpreter))[0] for _ in range(5)}) == 1
