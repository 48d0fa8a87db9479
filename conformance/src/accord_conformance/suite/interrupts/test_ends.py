"""What comes out of an interrupted run, and which runs are not interrupted."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from accord_conformance.helpers import rule

from .programs import CAUGHT, PRELUDE

Run = Callable[..., Any]
Script = Callable[..., subprocess.CompletedProcess[str]]


@rule("INT-2")
def test_uncaught(script: Script) -> None:
    """A program that doesn't catch it is, for its parent, killed by SIGINT, after its clean-up."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        print('cleaned up', flush=True)\n"
        "run(main)\n"
    )
    assert done.returncode == -signal.SIGINT
    assert done.stdout == "cleaned up\n"
    assert done.stderr.endswith("\nKeyboardInterrupt\n")
    assert done.stderr.count("Traceback") == 1


@rule("INT-2")
@pytest.mark.parametrize("late", ["", "        await accord.sleep_forever()\n"], ids=["unnoticed", "swallowed"])
def test_main_returns(script: Script, late: str) -> None:
    """Main that doesn't notice the interrupt, or swallows it, and returns: the run still ends by it."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt_now()\n"
        "    try:\n"
        f"{late}"
        "        return 42\n"
        "    except accord.get_cancelled_exc_class():\n"
        "        return 43\n" + CAUGHT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted None\n", "")


@rule("INT-2")
def test_clean_up_fails(script: Script) -> None:
    """An error of the clean-up is the cause of the KeyboardInterrupt."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        raise ValueError('in the clean-up')\n" + CAUGHT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted ValueError('in the clean-up')\n", "")


@rule("INT-2")
def test_task_fails(script: Script) -> None:
    """Errors of tasks that clean up come as a group, which is the cause."""
    done = script(
        PRELUDE + "async def child():\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        raise ValueError\n"
        "async def main():\n"
        "    interrupt(0.2)\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(child)\n"
        "try:\n"
        "    run(main)\n"
        "except KeyboardInterrupt as error:\n"
        "    print(type(error.__cause__).__name__.removeprefix('Base'))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "ExceptionGroup\n", "")


@rule("INT-2")
def test_exit_goes_before(script: Script) -> None:
    """``sys.exit(3)`` in the clean-up decides the exit code."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        sys.exit(3)\n"
        "run(main)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@rule("INT-4")
def test_ignored(script: Script) -> None:
    """A program that ignores SIGINT isn't interrupted."""
    done = script(
        PRELUDE + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "async def main():\n"
        "    interrupt_now()\n"
        "    await accord.sleep(0.1)\n"
        "    return 42\n"
        "print(run(main), signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "42 True\n", "")


@rule("INT-4")
def test_handler_of_the_program(script: Script) -> None:
    """A handler of the program's is called, and nothing else happens."""
    done = script(
        PRELUDE + "def handler(signum, frame):\n"
        "    print('called')\n"
        "signal.signal(signal.SIGINT, handler)\n"
        "async def main():\n"
        "    interrupt_now()\n"
        "    interrupt_now()\n"
        "    await accord.sleep(0.1)\n"
        "    return 42\n"
        "print(run(main), signal.getsignal(signal.SIGINT) is handler)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "called\ncalled\n42 True\n", "")


@rule("INT-4")
def test_handler_that_the_program_installs(script: Script) -> None:
    """A handler that main installs is the one in force, and stays."""
    done = script(
        PRELUDE + "def handler(signum, frame):\n"
        "    print('called')\n"
        "async def main():\n"
        "    signal.signal(signal.SIGINT, handler)\n"
        "    interrupt_now()\n"
        "    await accord.sleep(0.1)\n"
        "    return 42\n"
        "print(run(main), signal.getsignal(signal.SIGINT) is handler)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "called\n42 True\n", "")


@rule("INT-4")
def test_other_thread(script: Script) -> None:
    """A run in another thread isn't interrupted: the main thread is."""
    done = script(
        PRELUDE + "async def main():\n"
        "    await accord.to_thread.run_sync(time.sleep, 0.6)\n"
        "    print('went on')\n"
        "thread = threading.Thread(target=run, args=[main])\n"
        "try:\n"
        "    interrupt(0.1)\n"
        "    thread.start()\n"
        "    time.sleep(5)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
        "thread.join()\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\nwent on\n", "")


@rule("INT-4", "SIGNAL-4")
def test_receiver(script: Script) -> None:
    """While a receiver is open it gets the interrupts; afterwards one interrupts."""
    done = script(
        PRELUDE + "async def main():\n"
        "    with accord.open_signal_receiver(signal.SIGINT) as receiver:\n"
        "        for _ in range(2):\n"
        "            interrupt(0.1)\n"
        "            print(await anext(receiver) == signal.SIGINT)\n"
        "    interrupt(0.1)\n"
        "    await accord.sleep_forever()\n" + CAUGHT
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nTrue\ninterrupted None\n", "")


@rule("INT-4")
@pytest.mark.parametrize("interrupted", [False, True], ids=["quiet", "interrupted"])
def test_handler_afterwards(script: Script, interrupted: bool) -> None:
    """After a run the handler is Python's own again, and the next run can be interrupted too."""
    body = "    interrupt(0.1)\n    await accord.sleep_forever()\n" if interrupted else "    return 42\n"
    done = script(
        PRELUDE + "async def main():\n"
        f"{body}"
        "for _ in range(2):\n"
        "    try:\n"
        "        run(main)\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted')\n"
        "    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    )
    line = "interrupted\nTrue\n" if interrupted else "True\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, line * 2, "")
