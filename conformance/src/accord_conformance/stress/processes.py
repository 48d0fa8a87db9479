"""``python -m accord_conformance.stress.processes BACKEND``: processes and workers, cancelled and killed at random.

Each round lets tasks start programs, feed them, kill them, and call functions in workers that now and then crash, all
under random timeouts. After each round there must be no child, no descriptor and no token that was not there before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import accord

from ..helpers import open_descriptors
from ..loader import load_backend, load_options
from ..suite.processes.children import FOR_EVER, STUBBORN, children, stdin_of, stdout_of
from ..suite.workers import functions
from .arena import check

TASKS = 6
WORK_PER_TASK = 12
BRUSQUE = accord.TerminationPolicy(grace=0.02)


class Workshop:
    """The kinds of work of a round, and how often each was done."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.done: Counter[str] = Counter()
        self._kinds: list[Callable[[], Awaitable[object]]] = [
            self.run, self.run_with_input, self.talk, self.kill, self.stubborn, self.daemon, self.call, self.crash,
            self.abandon, self.fail,
        ]  # fmt: skip

    async def work(self) -> None:
        """Be one of the tasks of a round."""
        for _ in range(WORK_PER_TASK):
            kind = self.random.choice(self._kinds)
            timeout = self.random.choice((0, 0.001, 0.01, 0.05, 5))
            with accord.move_on_after(timeout) as scope:
                await kind()
            self.done[f"{kind.__name__}{', cancelled' * scope.cancelled_caught}"] += 1

    async def run(self) -> None:
        """Run a program for its output."""
        result = await accord.run_process(["echo", "x"])
        check(result.stdout == b"x\n", "the output of a process is wrong")

    async def run_with_input(self) -> None:
        """Run a program that is fed, and that may not read it all."""
        data = bytes(self.random.choice((0, 1, 100_000, 1_000_000)))
        command = self.random.choice((["cat"], ["head", "-c", "1000"], ["true"]))
        result = await accord.run_process(command, input=data, termination=BRUSQUE)
        check(command != ["cat"] or result.stdout == data, "what went through a process is wrong")

    async def talk(self) -> None:
        """Exchange messages with a program."""
        async with await accord.open_process(["cat"], termination=BRUSQUE) as process:
            for _ in range(self.random.randrange(5)):
                await stdin_of(process).send(b"message")
                check(await stdout_of(process).receive() == b"message", "an answer is wrong")

    async def kill(self) -> None:
        """Kill a program while several tasks wait for it."""
        async with await accord.open_process(FOR_EVER) as process, accord.create_task_group() as group:
            group.start_soon(process.wait)
            group.start_soon(process.wait)
            await accord.sleep(self.random.random() * 0.01)
            process.kill()

    async def stubborn(self) -> None:
        """Give up on a program that ignores SIGTERM."""
        with accord.move_on_after(0.02):
            await accord.run_process(STUBBORN, termination=BRUSQUE._replace(whole_group=True))

    async def daemon(self) -> None:
        """Run a program that leaves another one, which holds its output."""
        await accord.run_process("sleep 0.1 & echo x", linger=self.random.choice((0, 0.01)), stderr=subprocess.DEVNULL)

    async def call(self) -> None:
        """Call a function in a worker process."""
        data = bytes(self.random.choice((1, 1_000_000)))
        check(await accord.to_process.run_sync(len, data) == len(data), "the value of a call is wrong")

    async def crash(self) -> None:
        """Lose a worker."""
        try:
            await accord.to_process.run_sync(functions.end, self.random.choice(("exit", "signal")))
        except accord.BrokenWorkerProcess:
            pass

    async def abandon(self) -> None:
        """Abandon a call."""
        with accord.move_on_after(self.random.random() * 0.1):
            await accord.to_process.run_sync(time.sleep, 10, abandon_on_cancel=True)

    async def fail(self) -> None:
        """Leave a process by an error."""
        try:
            async with await accord.open_process(FOR_EVER, termination=BRUSQUE):
                raise LookupError
        except LookupError:
            pass


async def play(seed: int) -> Counter[str]:
    """Run one round; return how often what was done."""
    workshop = Workshop(Random(seed))
    async with accord.create_task_group() as group:
        for _ in range(TASKS):
            group.start_soon(workshop.work)
    for limiter in (
        accord.to_process.current_default_process_limiter(),
        accord.to_thread.current_default_thread_limiter(),
    ):
        check(limiter.borrowed_tokens == 0, f"a token is borrowed: {limiter!r}")
    return workshop.done


def settled(before: tuple[set[int], int]) -> tuple[set[int], int]:
    """Return which children are left, and how many descriptors, after those had time that end by themselves."""
    end = time.monotonic() + 5
    while True:
        left = children() - before[0], open_descriptors() - before[1]
        if (not left[0] and left[1] <= 0) or time.monotonic() > end:
            return left
        time.sleep(0.01)


def main() -> int:
    """Run rounds for the given time and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.processes", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first round (default: 0)")
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options: dict[str, Any] = dict(load_options(backend, options.variant))
    end = time.monotonic() + options.seconds
    seed = options.seed
    done: Counter[str] = Counter()
    before: tuple[set[int], int] | None = None
    while time.monotonic() < end:
        try:
            done += accord.run(play, seed, backend=backend, backend_options=run_options)
            before = before or (children(), open_descriptors())
            left = settled(before)
            check(not left[0], f"processes are left: {left[0]}")
            check(left[1] <= 0, f"{left[1]} descriptors are left")
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "pid,stat,args"], check=False)
            raise
        seed += 1
    title = f"{backend.name} {options.variant}" if options.variant else backend.name
    print(f"{title}: {seed - options.seed} rounds, {done.total()} pieces of work, nothing left")
    for name, number in sorted(done.items()):
        print(f"  {number:6} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
