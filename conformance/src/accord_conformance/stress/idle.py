"""``python -m accord_conformance.stress.idle BACKEND``: many idle connections, and then one echo on each.

The server is this process, the clients are another one on the same backend, so that the memory that is reported is that
of the server's ends alone (and what the allocator keeps for them). The operating system's share is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import accord
from accord.abc import SocketAttribute

from ..loader import load_backend, load_options

HOST = "127.0.0.1"
AT_ONCE = 100
"""How many clients connect, or talk, at the same time."""


def raise_limit(needed: int) -> None:
    """Let this process have enough descriptors; ``SystemExit`` if that is not allowed."""
    import resource  # not everywhere

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, max(hard, needed)))
        except (ValueError, OSError) as error:
            raise SystemExit(f"{needed} descriptors are needed and {hard} allowed: {error}") from None


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def clients(port: int, count: int) -> dict[str, Any]:
    """Connect, wait for a line on the standard input, and let each connection echo once."""
    streams: list[accord.SocketStream] = []
    limiter = accord.CapacityLimiter(AT_ONCE)

    async def connect() -> None:
        async with limiter:
            streams.append(await accord.connect_tcp(HOST, port))

    async def talk(stream: accord.SocketStream, number: int) -> None:
        async with limiter:
            data = b"%d" % number
            await stream.send(data)
            received = b""
            while len(received) < len(data):
                received += await stream.receive()
            if received != data:
                raise AssertionError(f"sent {data!r} and got {received!r}")

    start = time.perf_counter()
    async with accord.create_task_group() as group:
        for _ in range(count):
            group.start_soon(connect)
    connected = time.perf_counter() - start
    print("connected", flush=True)
    await accord.to_thread.run_sync(sys.stdin.readline)
    start = time.perf_counter()
    async with accord.create_task_group() as group:
        for number, stream in enumerate(streams):
            group.start_soon(talk, stream, number)
    echoed = time.perf_counter() - start
    for stream in streams:
        await stream.aclose()
    return {"connect": connected, "echo": echoed}


async def serve(backend: str, variant: str | None, count: int) -> dict[str, Any]:
    """Serve the clients of a child process; return what was measured."""
    open_now = 0

    async def echo(stream: accord.SocketStream) -> None:
        nonlocal open_now
        open_now += 1
        async with stream:
            async for data in stream:
                await stream.send(data)
        open_now -= 1

    listener = await accord.create_tcp_listener(local_host=HOST)
    port = listener.extra(SocketAttribute.local_port)
    command = [sys.executable, "-m", __spec__.name, backend, "--connections", str(count), "--client", str(port)]
    if variant:
        command += ["--variant", variant]
    found: dict[str, Any] = {}
    async with listener, accord.create_task_group() as group:
        await group.start(listener.serve, echo)
        before = resident()
        start = partial(subprocess.Popen[str], command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with await accord.to_thread.run_sync(start) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            line = await accord.to_thread.run_sync(child.stdout.readline)
            if line != "connected\n":
                raise SystemExit("the clients failed")
            while open_now < count:
                await accord.sleep(0.01)
            held = resident()
            processor = time.process_time()
            await accord.sleep(1)
            processor = time.process_time() - processor
            child.stdin.write("go\n")
            child.stdin.flush()
            found |= json.loads(await accord.to_thread.run_sync(child.stdout.readline))
        found |= {"bytes": (held - before) / count, "idle": processor}
        with accord.fail_after(60):
            while open_now:
                await accord.sleep(0.01)
        group.cancel()
    return found


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.idle", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--connections", type=int, default=10_000, help="how many (default: 10,000)")
    parser.add_argument("--client", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    count: int = options.connections
    raise_limit(count + 200)
    backend = load_backend(options.backend)
    run_options: Mapping[str, object] = load_options(backend, options.variant)
    if options.client:
        found = accord.run(clients, options.client, count, backend=backend, backend_options=run_options)
        print(json.dumps(found), flush=True)
        return 0
    found = accord.run(serve, options.backend, options.variant, count, backend=backend, backend_options=run_options)
    print(
        f"{options.variant or options.backend}: {count} connections: made in {found['connect']:.2f} s, "
        f"{found['bytes']:.0f} bytes each at the server, {found['idle'] * 100:.1f} % of a processor while idle, "
        f"one echo on each in {found['echo']:.2f} s"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
