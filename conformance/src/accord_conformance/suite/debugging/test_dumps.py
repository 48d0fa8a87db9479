"""The task tree on a signal."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from typing import Any

import pytest

import accord
from accord.debug import dump_on_signal
from accord_conformance.helpers import PATIENCE, in_thread, rule


class _File(io.StringIO):
    """A file in memory that tells when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str, /) -> int:
        count = super().write(text)
        self.written.set()
        return count


def _send(number: int = signal.SIGUSR1) -> None:
    os.kill(os.getpid(), number)


async def _until_written(file: _File) -> str:
    gives_up_at = time.monotonic() + PATIENCE
    while not file.written.is_set() and time.monotonic() < gives_up_at:
        await accord.lowlevel.checkpoint()
    file.written.clear()
    return file.getvalue()


@rule("DEBUG-3")
async def test_on_signal() -> None:
    """Each signal writes the tree once; the loop goes on."""
    file = _File()
    event = accord.Event()
    async with accord.create_task_group() as group:
        group.start_soon(event.wait, name="the patient one")
        await accord.lowlevel.checkpoint()
        text = ""
        with dump_on_signal(signal.SIGUSR1, file=file):
            for number in (1, 2):
                _send()
                text = await _until_written(file)
                assert text.count("the patient one") == number
        event.set()
    assert "loop is blocked" not in text


@rule("DEBUG-3")
async def test_wakes_the_loop() -> None:
    """A signal that comes while every task waits is answered then, and not at the next event."""
    file = _File()
    seen: list[bool] = []
    token = accord.lowlevel.current_token()
    done = accord.Event()

    def outside() -> None:
        _send()
        seen.append(file.written.wait(PATIENCE))
        token.call_soon(done.set)

    with dump_on_signal(file=file):
        thread = threading.Thread(target=outside)
        thread.start()
        await done.wait()
        thread.join(PATIENCE)
    assert seen == [True]
    assert f"(task {accord.get_current_task().id})" in file.getvalue()


@rule("DEBUG-3")
async def test_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """By default the tree goes to the standard error output."""
    wanted = f"(task {accord.get_current_task().id})"
    with dump_on_signal(signal.SIGUSR2):
        _send(signal.SIGUSR2)
        text = ""
        gives_up_at = time.monotonic() + PATIENCE
        while wanted not in text and time.monotonic() < gives_up_at:
            await accord.lowlevel.checkpoint()
            text += capsys.readouterr().err
    assert wanted in text


@rule("DEBUG-3")
async def test_handler_is_put_back() -> None:
    """The handler from before is in force again, also after an error."""

    def handler(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(KeyError), dump_on_signal(file=_File()):
            assert signal.getsignal(signal.SIGUSR1) is not handler
            raise KeyError("planned")
        assert signal.getsignal(signal.SIGUSR1) is handler
    finally:
        signal.signal(signal.SIGUSR1, before)


@rule("DEBUG-3")
def test_wrong_use(run: Any) -> None:
    """Outside of a loop, outside of the main thread, and for wrong signals there is an error and no handler."""

    def enter(signum: Any = None) -> None:
        with dump_on_signal(signum, file=_File()):
            pass

    async def main() -> None:
        for wrong in ("SIGUSR1", 1.0, True):
            with pytest.raises(TypeError, match="signum"):
                enter(wrong)
        for impossible in (signal.SIGKILL, 1000):
            with pytest.raises(ValueError, match="can't be caught"):
                enter(impossible)
        assert signal.getsignal(signal.SIGUSR1) is before

    before = signal.getsignal(signal.SIGUSR1)
    with pytest.raises(accord.NoEventLoopError):
        enter()
    run(main)

    async def elsewhere() -> None:
        enter()

    with pytest.raises(RuntimeError, match="main thread"):
        in_thread(lambda: run(elsewhere))


def _block_the_loop(file: _File) -> None:
    gives_up_at = time.monotonic() + PATIENCE
    while not file.written.is_set() and time.monotonic() < gives_up_at:
        time.sleep(0.01)


@rule("DEBUG-4")
async def test_blocked_loop() -> None:
    """A loop that is blocked is said to be, while it is, with the stack of its thread and the tree."""
    file = _File()
    async with accord.create_task_group() as group:
        group.start_soon(accord.sleep_forever, name="the patient one")
        await accord.lowlevel.checkpoint()
        with dump_on_signal(file=file):
            _send()
            _block_the_loop(file)
            text = file.getvalue()
            await accord.lowlevel.checkpoint()
            await accord.lowlevel.checkpoint()
            assert file.getvalue() == text  # and not once more when the loop comes to it
        group.cancel()
    assert "the loop is blocked" in text
    assert "in _block_the_loop" in text
    assert text.index("in _block_the_loop") < text.index("the patient one")
