"""Ctrl-C while a runner runs, and between its calls."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from accord_conformance.helpers import rule
from accord_conformance.suite.interrupts.programs import PRELUDE

Script = Callable[..., subprocess.CompletedProcess[str]]

PROGRAM = (
    PRELUDE
    + """\
from accord.testing import Runner
runner = Runner(backend=backend, backend_options=options)
async def wait():
    interrupt(0.2)
    try:
        await accord.sleep_forever()
    finally:
        with accord.CancelScope(shield=True):
            await accord.sleep(0.01)
        print('cleaned up')
async def nothing():
    print('still there')
async def background():
    try:
        await accord.sleep_forever()
    finally:
        print('ended')
async def start():
    accord.lowlevel.current_token().start_task(background)
    await accord.lowlevel.checkpoint()
"""
)


@pytest.mark.parametrize("times", [1, 2])
@rule("RUNNER-7")
def test_during_a_call(script: Script, times: int) -> None:
    """The call's task is cancelled, and others are not; the runner goes on, and can be interrupted again."""
    done = script(
        PROGRAM + "runner.run(start)\n"
        f"for _ in range({times}):\n"
        "    try:\n"
        "        runner.run(wait)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted')\n"
        "runner.run(nothing)\n"
        "runner.close()\n"
    )
    assert done.stderr == ""
    assert done.stdout == "cleaned up\ninterrupted\n" * times + "still there\nended\n"


@rule("RUNNER-7")
def test_between_calls(script: Script) -> None:
    """Python's own handler is there between the calls: what the main thread does is interrupted."""
    done = script(
        PROGRAM + "runner.run(nothing)\n"
        "try:\n"
        "    interrupt_now()\n"
        "    time.sleep(20)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
        "runner.run(nothing)\n"
        "runner.close()\n"
    )
    assert done.stderr == ""
    assert done.stdout == "still there\ninterrupted\nstill there\n"
