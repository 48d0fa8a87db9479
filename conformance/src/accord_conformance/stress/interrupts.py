"""``python -m accord_conformance.stress.interrupts BACKEND``: a busy program is interrupted at random moments.

The program has tasks of many kinds in nested groups: connections, streams, locks, threads, timeouts that expire all the
time. Each counts when its clean-up, which takes a moment in a shield, is done. A parent sends SIGINT after a random
time; one in five goes to a program that only waits, and one in five to a program of many short runs, which spends most
of its time with making loops and taking them apart. Each time must hold:

- the program has ended within a second, as one that was killed by SIGINT;
- every task that was begun has cleaned up, and main last of all;
- nothing is printed but the traceback of one ``KeyboardInterrupt``.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from random import Random

import accord
from accord.abc import SocketAttribute

from ..loader import load_backend, load_options
from .arena import BrokenInvariant, check

WITHIN = 1.0
LATEST = 0.4
PATIENCE = 30.0
HOST = "127.0.0.1"


TRIO_ENDS = re.compile(
    r"^Exception ignored when trying to write to the signal wakeup fd:\nTraceback.*\n(?: .*\n)*\w+: .*\n", re.MULTILINE
)
"""What Python prints if a signal comes while Trio ends: it closes its sockets before it takes them from the signals."""

KINDS = ("busy", "idle", "busy", "short", "busy")


class Program:
    """The program that is interrupted."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.lock = accord.Lock()

    @asynccontextmanager
    async def life(self) -> AsyncGenerator[None, None]:
        """What a task does around its work."""
        self.begun += 1
        try:
            yield
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.01)
            self.ended += 1

    async def echo(self, stream: accord.SocketStream) -> None:
        """Send back what comes."""
        async with self.life(), stream:
            async for chunk in stream:
                await stream.send(chunk)

    async def ask(self, port: int) -> None:
        """Connect, and ask again and again."""
        async with self.life():
            while True:
                async with await accord.connect_tcp(HOST, port) as stream:
                    for size in range(1, 20):
                        await stream.send(bytes(size * 100))
                        received = 0
                        while received < size * 100:
                            received += len(await stream.receive())

    async def produce(self, send: accord.MemoryObjectSendStream[int]) -> None:
        """Send numbers."""
        async with self.life(), send:
            number = 0
            while True:
                await send.send(number)
                number += 1

    async def consume(self, receive: accord.MemoryObjectReceiveStream[int]) -> None:
        """Receive numbers."""
        async with self.life(), receive:
            async for _ in receive:
                pass

    async def fight(self) -> None:
        """Hold the lock for a while."""
        async with self.life():
            while True:
                async with self.lock:
                    await accord.sleep(0.001)

    async def call(self) -> None:
        """Block threads for a while."""
        async with self.life():
            while True:
                await accord.to_thread.run_sync(time.sleep, 0.005)

    async def expire(self) -> None:
        """Begin groups that time out."""
        async with self.life():
            while True:
                with accord.move_on_after(0.003):
                    async with accord.create_task_group() as group:
                        group.start_soon(accord.sleep_forever)
                        group.start_soon(accord.sleep, 0.001)

    async def compute(self) -> None:
        """Keep the processor busy."""
        async with self.life():
            while True:
                sum(range(3000))
                await accord.lowlevel.checkpoint()

    async def wait(self) -> None:
        """Do nothing."""
        async with self.life():
            await accord.sleep_forever()

    async def branch(self) -> None:
        """Run some of the tasks in a group of their own."""
        async with self.life(), accord.create_task_group() as group:
            for task in (self.wait, self.fight, self.call, self.expire, self.compute):
                group.start_soon(task)
            send, receive = accord.create_memory_object_stream[int](4)
            group.start_soon(self.produce, send)
            group.start_soon(self.consume, receive)

    async def serve(self) -> None:
        """Serve clients of our own, beside other work."""
        listener = await accord.create_tcp_listener(local_host=HOST)
        async with self.life(), listener, accord.create_task_group() as group:
            await group.start(listener.serve, self.echo)
            for _ in range(3):
                group.start_soon(self.ask, listener.extra(SocketAttribute.local_port))
            for _ in range(2):
                group.start_soon(self.branch)

    async def short(self) -> None:
        """Begin some tasks that end soon."""
        async with self.life(), accord.create_task_group() as group:
            for _ in range(5):
                group.start_soon(accord.lowlevel.checkpoint)

    async def main(self, busy: bool) -> None:
        """Run all of it, and print the balance at the end."""
        print("begun", flush=True)
        try:
            async with self.life(), accord.create_task_group() as group:
                group.start_soon(self.serve if busy else self.wait)
                await accord.sleep_forever()
        finally:
            print(json.dumps({"begun": self.begun, "ended": self.ended}), flush=True)


def interrupt(command: list[str], delay: float) -> float:
    """Run the program, interrupt it after a delay, and return how long it took to end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            check(child.stdout.readline() == "begun\n", "the program did not begin")
            time.sleep(delay)
            child.send_signal(signal.SIGINT)
            sent = time.monotonic()
            try:
                output, errors = child.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                raise BrokenInvariant(f"it did not end in {PATIENCE} s") from None
            took = time.monotonic() - sent
        finally:
            child.kill()
    check(child.returncode == -signal.SIGINT, f"it ended with {child.returncode}: {output}{errors}")
    check(took < WITHIN, f"it took {took:.2f} s")
    balance = json.loads(output or "{}")
    check(bool(output) and balance["begun"] == balance["ended"], f"clean-up is not complete: {output}{errors}")
    lines = TRIO_ENDS.sub("", errors).splitlines()
    check(
        lines[:1] == ["Traceback (most recent call last):"]
        and lines[-1:] == ["KeyboardInterrupt"]
        and not any(line and not line.startswith(" ") for line in lines[1:-1]),
        f"it printed more than a traceback:\n{errors}",
    )
    return took


def run_child(kind: str, run: Callable[..., object]) -> int:
    """Be the program."""
    program = Program()
    if kind != "short":
        run(program.main, kind == "busy")
        return 0
    run(program.short)  # Python's own imports are not what is interrupted
    print("begun", flush=True)
    try:
        while True:
            run(program.short)
    finally:
        print(json.dumps({"begun": program.begun, "ended": program.ended}), flush=True)


def main() -> int:
    """Interrupt the program many times and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.interrupts", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--times", type=int, default=50, help="how often (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options: Mapping[str, object] = load_options(backend, options.variant)
    if options.child:
        # A shell's background job is started with SIGINT ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return run_child(options.child, partial(accord.run, backend=backend, backend_options=run_options))
    random = Random(options.seed)
    command = [sys.executable, "-W", "error", "-m", "accord_conformance.stress.interrupts", options.backend]
    command += [f"--variant={options.variant}"] if options.variant else []
    slowest = 0.0
    for number in range(options.times):
        child = [*command, f"--child={KINDS[number % len(KINDS)]}"]
        delay = random.uniform(0, LATEST)
        try:
            slowest = max(slowest, interrupt(child, delay))
        except BrokenInvariant as error:
            print(f"interrupt {number} after {delay:.4f} s: {error}", file=sys.stderr)
            return 1
    print(
        f"{options.variant or options.backend}: {options.times} interrupts, all tasks cleaned up each time; "
        f"the slowest end took {slowest * 1000:.0f} ms"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
