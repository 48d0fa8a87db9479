"""``python -m accord_conformance.stress BACKEND``: rounds of random work under random cancellation."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from random import Random

import accord

from ..loader import load_backend, load_options
from .arena import Arena, check

TASKS = 30
WORK_PER_TASK = 40


async def work_through(arena: Arena) -> None:
    """Be one of the tasks of a round."""
    for _ in range(WORK_PER_TASK):
        await arena.any_work()
        if arena.random.random() < 0.1:
            await accord.sleep(arena.pause())


async def play(seed: int) -> Counter[str]:
    """Run one round and check its books; return how often what was done."""
    arena = Arena(Random(seed))
    async with accord.create_task_group() as group:
        for _ in range(TASKS):
            group.start_soon(work_through, arena)
    await arena.drain()
    arena.balance()
    tasks = accord.get_running_tasks()
    check(len(tasks) == 1, f"tasks are left: {tasks}")
    limiter = accord.to_thread.current_default_thread_limiter()
    with accord.move_on_after(5):
        while limiter.borrowed_tokens:  # of abandoned calls, which end soon
            await accord.sleep(0.01)
    check(limiter.borrowed_tokens == 0, "a thread's token is borrowed")
    return arena.done


def main() -> int:
    """Run rounds for the given time and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first round (default: 0)")
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options = load_options(backend, options.variant)
    end = time.monotonic() + options.seconds
    seed = options.seed
    done: Counter[str] = Counter()
    while time.monotonic() < end:
        try:
            done += accord.run(play, seed, backend=backend, backend_options=run_options)
        except BaseException:
            print(f"seed {seed}", file=sys.stderr)
            raise
        seed += 1
    title = f"{backend.name} {options.variant}" if options.variant else backend.name
    print(f"{title}: {seed - options.seed} rounds, {done.total()} pieces of work, no broken invariant")
    return 0


if __name__ == "__main__":
    sys.exit(main())
