"""Real programs as children, on each backend: a pipeline through gzip, a stubborn one, one that leaves a daemon.

By hand, with another size: ``python conformance/tests/test_real_children.py MEGABYTES``.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

import accord

RUNTIMES = (("asyncio", {}), ("asyncio", {"use_uvloop": True}), ("trio", {}))
runtimes = pytest.mark.parametrize(("backend", "options"), RUNTIMES, ids=("asyncio", "uvloop", "trio"))

Sum = str
STUBBORN = "trap '' TERM; echo ready; for _ in $(seq 600); do sleep 0.05; done"


async def chunks(megabytes: int) -> AsyncIterator[bytes]:
    """Bytes that compress to about a half, in pieces of odd sizes."""
    noise = os.urandom(40_000)
    left = megabytes * 1_000_000
    number = 0
    while left:
        piece = (noise + b"%09d" % number * 4000)[: min(left, 65_537 + number % 1000)]
        yield piece
        left -= len(piece)
        number += 1


async def through_gzip(megabytes: int) -> tuple[Sum, Sum, int]:
    """Send data through ``gzip | gunzip``, passed on by us; return the checksums and how much was packed."""
    sent, received = hashlib.sha256(), hashlib.sha256()
    packed = 0
    zipping = await accord.open_process(["gzip", "-1"], stderr=None)
    unzipping = await accord.open_process("gunzip | cat", stderr=None)
    ends: Any = (zipping.stdin, zipping.stdout, unzipping.stdin, unzipping.stdout)
    to_zip, zipped, to_unzip, unzipped = ends

    async def feed() -> None:
        async for chunk in chunks(megabytes):
            sent.update(chunk)
            await to_zip.send(chunk)
        await to_zip.aclose()

    async def pass_on() -> None:
        nonlocal packed
        async for chunk in zipped:
            packed += len(chunk)
            await to_unzip.send(chunk)
        await to_unzip.aclose()

    async with zipping, unzipping, accord.create_task_group() as group:
        group.start_soon(feed)
        group.start_soon(pass_on)
        async for chunk in unzipped:
            received.update(chunk)
        assert (await zipping.wait(), await unzipping.wait()) == (0, 0)
    return sent.hexdigest(), received.hexdigest(), packed


async def stubborn_child() -> tuple[int | None, float]:
    """Cancel a program that ignores SIGTERM; return its code and how long that took."""
    start = 0.0
    with accord.CancelScope() as scope:
        policy = accord.TerminationPolicy(grace=0.3)
        async with await accord.open_process(STUBBORN, termination=policy) as process:
            assert process.stdout is not None
            await process.stdout.receive()
            start = time.monotonic()
            scope.cancel()
            await accord.sleep_forever()
    return process.returncode, time.monotonic() - start


async def daemon_that_holds_stdout() -> tuple[bytes, float]:
    """Run a program that leaves a daemon which holds its output; return what it printed and how long that took."""
    start = time.monotonic()
    result = await accord.run_process("setsid sleep 60 & echo started $!", linger=0.3)
    took = time.monotonic() - start
    os.kill(int(result.stdout.split()[1]), signal.SIGKILL)
    return result.stdout, took


@runtimes
def test_pipeline_through_gzip(backend: str, options: dict[str, Any]) -> None:
    """What goes through a pipeline of real programs comes out unharmed."""
    sent, received, packed = accord.run(through_gzip, 8, backend=backend, backend_options=options)
    assert sent == received
    assert 1_000_000 < packed < 8_000_000


@runtimes
def test_child_that_ignores_sigterm(backend: str, options: dict[str, Any]) -> None:
    """A program that ignores SIGTERM is killed after the grace."""
    code, took = accord.run(stubborn_child, backend=backend, backend_options=options)
    assert code == -signal.SIGKILL
    assert 0.25 < took < 10


@runtimes
def test_child_that_leaves_a_daemon(backend: str, options: dict[str, Any]) -> None:
    """A program whose daemon holds its output is waited for, and the daemon is not."""
    printed, took = accord.run(daemon_that_holds_stdout, backend=backend, backend_options=options)
    assert printed.startswith(b"started ")
    assert 0.25 < took < 10


def main() -> None:
    """Show all three with as many megabytes as the command line says."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    for backend, options in RUNTIMES:
        print(backend, options)
        start = time.monotonic()
        sent, received, packed = accord.run(through_gzip, megabytes, backend=backend, backend_options=options)
        seconds = time.monotonic() - start
        print(
            f"  {megabytes} MB through gzip ({packed / 1e6:.0f} MB packed) in {seconds:.1f} s:",
            sent == received,
            sent[:16],
        )
        print("  ignores SIGTERM: code, seconds", accord.run(stubborn_child, backend=backend, backend_options=options))
        print("  daemon holds stdout:", accord.run(daemon_that_holds_stdout, backend=backend, backend_options=options))


if __name__ == "__main__":
    main()
