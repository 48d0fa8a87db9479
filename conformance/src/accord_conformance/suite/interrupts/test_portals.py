"""Programs whose loop is in another thread, behind a blocking portal."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from accord_conformance.helpers import rule

from .programs import PRELUDE

Script = Callable[..., subprocess.CompletedProcess[str]]


@rule("INT-6")
@pytest.mark.parametrize("wait", ["portal.call(work, 'called')", "future.result()", "time.sleep(60)"])
def test_main_thread_in_the_block(script: Script, wait: str) -> None:
    """The block is left at once, whatever the main thread waits for; then the tasks clean up, and the program ends."""
    done = script(
        PRELUDE + "from accord import from_thread\n"
        "async def work(name):\n"
        "    try:\n"
        "        print('began')\n"
        "        await accord.sleep_forever()\n"
        "    finally:\n"
        "        with accord.CancelScope(shield=True):\n"
        "            await accord.sleep(0.05)\n"
        "        print('cleaned up')\n"
        "try:\n"
        "    with from_thread.start_blocking_portal(backend=backend, backend_options=options) as portal:\n"
        "        future = portal.start_task_soon(work, 'started')\n"
        "        interrupt(0.3)\n"
        f"        {wait}\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    tasks = 2 if "call" in wait else 1
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "began\n" * tasks + "cleaned up\n" * tasks + "interrupted\n"
