"""What the tasks of an interrupted program see."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from accord_conformance.helpers import rule

from .programs import CAUGHT, PRELUDE

Script = Callable[..., subprocess.CompletedProcess[str]]

WAYS_TO_WAIT = {
    "sleep": "await accord.sleep_forever()",
    "event": "await accord.Event().wait()",
    "stream": (
        "send, receive = accord.create_memory_object_stream()\n"
        "        with send, receive:\n"
        "            await receive.receive()"
    ),
    "checkpoints": "while True: await accord.lowlevel.checkpoint()",
    "group": (
        "async with accord.create_task_group() as group:\n"
        "            group.start_soon(accord.sleep_forever)\n"
        "            group.start_soon(accord.Event().wait)"
    ),
}


@rule("INT-1")
@pytest.mark.parametrize("how", WAYS_TO_WAIT)
def test_whatever_main_does(script: Script, how: str) -> None:
    """Main is cancelled whatever it waits for, cleans up, and the run ends with KeyboardInterrupt."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        f"        {WAYS_TO_WAIT[how]}\n"
        "    finally:\n"
        "        print('cleaned up')\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "cleaned up\ninterrupted None\n"


@rule("INT-1")
def test_all_tasks(script: Script) -> None:
    """The tasks of nested groups clean up before the groups are left, and nothing but the interrupt comes out."""
    done = script(
        PRELUDE + "async def leaf(name):\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        print(name)\n"
        "async def branch():\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(leaf, 'leaf')\n"
        "    print('not reached')\n"
        "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        async with accord.create_task_group() as group:\n"
        "            group.start_soon(branch)\n"
        "            await accord.sleep_forever()\n"
        "    finally:\n"
        "        print('main')\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "leaf\nmain\ninterrupted None\n"


@rule("INT-1")
def test_every_checkpoint(script: Script) -> None:
    """Each further checkpoint raises the cancellation again, and a scope says why."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    with accord.CancelScope() as scope:\n"
        "        for _ in range(3):\n"
        "            try:\n"
        "                await accord.sleep_forever()\n"
        "            except accord.get_cancelled_exc_class():\n"
        "                print('interrupted by SIGINT' in str(scope.cancel_reason))\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "True\nTrue\nTrue\ninterrupted None\n"


@rule("INT-1")
def test_only_at_checkpoints(script: Script) -> None:
    """What main or a task computes is not cut in two."""
    done = script(
        PRELUDE + "def compute(name):\n"
        "    end = time.monotonic() + 0.5\n"
        "    while time.monotonic() < end:\n"
        "        pass\n"
        "    print(name, 'has computed')\n"
        "async def child():\n"
        "    compute('child')\n"
        "    await accord.lowlevel.checkpoint()\n"
        "    print('not reached')\n"
        "async def main():\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(child)\n"
        "        interrupt(0.2)\n"
        "        compute('main')\n" + CAUGHT
    )
    assert done.stdout == "main has computed\nchild has computed\ninterrupted None\n"


@rule("INT-1")
def test_shields_hold(script: Script) -> None:
    """What is shielded goes on to its end."""
    done = script(
        PRELUDE + "async def main():\n"
        "    try:\n"
        "        with accord.CancelScope(shield=True):\n"
        "            interrupt_now()\n"
        "            await accord.sleep(0.1)\n"
        "            print('saved')\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        with accord.CancelScope(shield=True):\n"
        "            await accord.sleep(0.1)\n"
        "        print('closed')\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "saved\nclosed\ninterrupted None\n"


def interrupt_twice(script: Script, hang: str) -> str:
    """Run a program whose shielded clean-up hangs when it is interrupted again, and return what it printed."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt_now()\n"
        "    try:\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        with accord.CancelScope(shield=True):\n"
        "            print('cleaning up')\n"
        "            interrupt(0.2)\n"
        f"            {hang}\n"
        "try:\n"
        "    run(main)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    return done.stdout


@rule("INT-3")
@pytest.mark.parametrize("hang", ["time.sleep(60)", "while True: pass"])
def test_second_interrupt(script: Script, hang: str) -> None:
    """A second interrupt ends a clean-up that blocks or computes."""
    assert interrupt_twice(script, hang) == "cleaning up\ninterrupted\n"


@rule("INT-7")
def test_second_interrupt_in_a_shield(script: Script) -> None:
    """A second interrupt ends a clean-up that waits in a shield."""
    assert interrupt_twice(script, "await accord.sleep_forever()") == "cleaning up\ninterrupted\n"


@rule("INT-5")
def test_call_in_a_thread(script: Script) -> None:
    """The run ends when the call in a thread has ended, and not before."""
    done = script(
        PRELUDE + "def work():\n"
        "    time.sleep(0.6)\n"
        "    print('work done')\n"
        "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        await accord.to_thread.run_sync(work)\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        print('cleaned up')\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "work done\ncleaned up\ninterrupted None\n"


@rule("INT-5")
def test_abandoned_call(script: Script) -> None:
    """A call that may be abandoned keeps neither the run nor the interpreter."""
    done = script(
        PRELUDE + "async def main():\n"
        "    interrupt(0.2)\n"
        "    try:\n"
        "        await accord.to_thread.run_sync(time.sleep, 60, abandon_on_cancel=True)\n"
        "    finally:\n"
        "        print('cleaned up')\n" + CAUGHT
    )
    assert done.stderr == ""
    assert done.stdout == "cleaned up\ninterrupted None\n"
