"""What a block leaves behind."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import accord
from accord.testing import LeakError, check_leaks
from accord_conformance.helpers import PATIENCE, in_thread, rule, settle


@rule("HELP-6")
async def test_tasks() -> None:
    """A task that the block has started and that goes on is named, with what it waits for."""
    async with accord.create_task_group() as group:
        group.start_soon(accord.sleep_forever, name="from before")
        await settle()
        with check_leaks():
            await accord.gather(accord.sleep(0), accord.sleep(0))
        event = accord.Event()
        with pytest.raises(LeakError, match="1 task left behind") as caught:
            with check_leaks():
                group.start_soon(event.wait, name="the forgotten one")
                await settle()
        assert isinstance(caught.value, AssertionError)
        (line,) = caught.value.tasks
        assert "the forgotten one" in line
        if hasattr(accord.get_current_task(), "coro"):
            assert "Event.wait" in line
        assert caught.value.threads == caught.value.descriptors == ()
        with check_leaks(tasks=False):
            group.start_soon(event.wait)
        group.cancel()


@rule("HELP-6")
async def test_error_of_the_block() -> None:
    """The error of the block is what is raised; the leak is noted on it."""
    async with accord.create_task_group() as group:
        with pytest.raises(KeyError) as caught, check_leaks():
            group.start_soon(accord.sleep_forever, name="the forgotten one")
            raise KeyError("planned")
        assert "the forgotten one" in "".join(caught.value.__notes__)
        group.cancel()


@rule("HELP-6", "HELP-7", "HELP-8")
def test_around_a_run(run: Callable[..., Any]) -> None:
    """It works outside of a loop, and a whole run leaves nothing behind."""

    async def main() -> None:
        async with accord.create_task_group() as group:
            group.start_soon(accord.sleep, 0)
            await accord.to_thread.run_sync(int)

    with check_leaks():
        run(main)
    in_thread(lambda: check_leaks().__enter__())


@rule("HELP-7")
async def test_threads() -> None:
    """A thread that goes on is named; one that ends soon, and idle worker threads, are none."""
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait, args=(PATIENCE,), name="the forgotten thread")
    with pytest.raises(LeakError, match="1 thread left behind") as caught, check_leaks():
        thread.start()
    assert caught.value.threads == ("the forgotten thread",)
    with check_leaks():
        for _ in range(3):
            await accord.to_thread.run_sync(int)
        threading.Thread(target=time.sleep, args=(0.05,)).start()
    go_on.set()
    thread.join(PATIENCE)


@rule("HELP-7")
async def test_worker_at_work() -> None:
    """A worker thread that is abandoned and still works counts."""
    go_on = threading.Event()

    async def work() -> None:
        await accord.to_thread.run_sync(go_on.wait, PATIENCE, abandon_on_cancel=True)

    with pytest.raises(LeakError, match="thread"), check_leaks(tasks=False):
        async with accord.create_task_group() as group:
            # Several, so that one of them needs a thread that was not there before.
            for _ in range(45):
                group.start_soon(work)
            await accord.sleep(0.1)
            group.cancel()
    go_on.set()
    await accord.sleep(0.1)


@rule("HELP-8")
async def test_descriptors(tmp_path: Path) -> None:
    """Each descriptor that stays open is told with its number and what it stands for."""
    listener = socket.socket()
    with pytest.raises(LeakError, match="2 file descriptors left behind") as caught, check_leaks():
        listener.bind(("127.0.0.1", 0))  # opened before
        file = (tmp_path / "forgotten").open("w")
        server = socket.create_server(("127.0.0.1", 0))
        (tmp_path / "closed").open("w").close()
    port = server.getsockname()[1]
    told = dict(line.split(": ", 1) for line in caught.value.descriptors)
    assert "forgotten" in told[str(file.fileno())]
    assert str(port) in told[str(server.fileno())]
    assert "listening" in told[str(server.fileno())]
    for closing in (file, server, listener):
        closing.close()
    with check_leaks(), socket.socket():
        pass


@rule("HELP-8")
async def test_number_that_was_given_out_again() -> None:
    """A new descriptor is found also if it has the number of one that the block has closed."""
    reader, writer = os.pipe()
    with pytest.raises(LeakError) as caught, check_leaks():
        os.close(reader)
        sock = socket.socket()
    (line,) = caught.value.descriptors
    assert line.startswith(f"{sock.fileno()}: ")
    assert "socket" in line
    sock.close()
    os.close(writer)
