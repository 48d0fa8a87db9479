"""KeyboardInterrupt and SystemExit: they end the program, with its exit code, from wherever they are raised."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord_conformance.helpers import leaves, rule

Run = Callable[..., Any]
Script = Callable[..., subprocess.CompletedProcess[str]]

BOTH = pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])


@rule("RUN-6")
@BOTH
def test_in_main(run: Run, kind: type[BaseException]) -> None:
    """Raised in main, the exception comes out as it is."""
    error = kind(3)

    async def main() -> None:
        await accord.lowlevel.checkpoint()
        raise error

    with pytest.raises(kind) as caught:
        run(main)
    assert caught.value is error
    assert error.__cause__ is None


@rule("RUN-6")
@BOTH
def test_in_task(run: Run, kind: type[BaseException]) -> None:
    """Raised in a task of a group, it comes out bare, caused by the group, after everything else was cancelled."""
    error = kind(3)
    events: list[str] = []

    async def sibling() -> None:
        try:
            await accord.sleep_forever()
        finally:
            events.append("sibling cancelled")

    async def child() -> None:
        await accord.sleep(0.01)
        raise error

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(sibling)
            group.start_soon(child)

    with pytest.raises(kind) as caught:
        run(main)
    assert caught.value is error
    group = error.__cause__
    assert group is not None
    assert group is not error
    assert leaves(group) == [error]
    assert events == ["sibling cancelled"]


@rule("RUN-6")
@BOTH
def test_in_nested_groups(run: Run, kind: type[BaseException]) -> None:
    """It is found at any depth, beside ordinary errors too, and the run leaves nothing behind."""
    error = kind(3)

    async def fail() -> None:
        raise ValueError("beside it")

    async def stop() -> None:
        raise error

    async def inner() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(fail)
            group.start_soon(stop)

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(inner)

    with pytest.raises(kind) as caught:
        run(main)
    assert caught.value is error
    group = error.__cause__
    assert group is not None
    assert {type(leaf) for leaf in leaves(group)} == {kind, ValueError}

    async def again() -> int:
        return 42

    assert run(again) == 42


@rule("RUN-6")
def test_exit_code_of_main(script: Script) -> None:
    """``sys.exit(3)`` in main ends the process with 3 and prints nothing."""
    done = script("import sys\nasync def main():\n    sys.exit(3)\nrun(main)\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@rule("RUN-6")
def test_exit_code_of_task(script: Script) -> None:
    """``sys.exit(3)`` in a task ends the process with 3 and prints nothing."""
    done = script(
        "import sys\n"
        "async def child():\n"
        "    await accord.sleep(0.01)\n"
        "    sys.exit(3)\n"
        "async def main():\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(child)\n"
        "        group.start_soon(accord.sleep_forever)\n"
        "run(main)\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@rule("RUN-6")
def test_interrupt_signal(script: Script) -> None:
    """A SIGINT while every task waits ends the run with KeyboardInterrupt, and clean-up is carried out."""
    done = script(
        "import os, signal, threading, time\n"
        # A shell's background job is started with SIGINT ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "async def main():\n"
        "    def interrupt():\n"
        "        time.sleep(0.1)\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    threading.Thread(target=interrupt).start()\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        print('cleaned up')\n"
        "try:\n"
        "    run(main)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleaned up\ninterrupted\n", "")
