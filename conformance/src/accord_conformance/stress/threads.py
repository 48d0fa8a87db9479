"""``python -m accord_conformance.stress.threads BACKEND``: worker threads, calls back, portals, random cancellation.

Tasks call functions in threads, which call back, look for cancellations, or just take their time. They are cancelled at
random, and abandon some calls. Meanwhile foreign threads call the loop with its token, and others start portals, use
them, cancel their futures, and stop them at random moments. What must hold at the end of each round:

- every function that has begun in a task or a thread has come to its end, and every thread was answered;
- each result is the right one;
- no token of a limiter, no task and no thread is left, but idle workers;
- nothing hangs: a round has a deadline that it needs not by far.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any

import accord
from accord import from_thread
from accord.from_thread import BlockingPortal, BlockingPortalProvider
from accord.lowlevel import checkpoint, current_token
from accord.protocols import LoopToken, TaskStatus
from accord.to_thread import current_default_thread_limiter, run_sync

from ..loader import load_backend, load_options
from .arena import BrokenInvariant, check

TASKS = 15
WORK_PER_TASK = 15
FOREIGN_THREADS = 3
PATIENCE = 30.0
PAUSES = (0, 0, 0.0002, 0.001)

Start = Callable[[], Any]


class Round:
    """One round's books."""

    def __init__(self, seed: int, start_portal: Start, executor: ThreadPoolExecutor) -> None:
        self.random = Random(seed)
        self.start_portal = start_portal
        self.executor = executor
        self.limiter = accord.CapacityLimiter(3)
        self.lock = threading.Lock()
        self.at_work = 0
        """How many functions have begun and not ended, in tasks and in threads."""
        self.errors: list[BaseException] = []
        self.done: Counter[str] = Counter()

    def count(self, change: int) -> None:
        """Note that a function has begun or ended."""
        with self.lock:
            self.at_work += change

    async def on_loop(self, number: int, seconds: float) -> int:
        """What threads have the loop run."""
        self.count(1)
        try:
            await checkpoint()
            if seconds:
                await accord.sleep(seconds)
        finally:
            self.count(-1)
        return number

    def in_thread(self, seed: int) -> int:
        """What tasks have a thread call."""
        random = Random(seed)
        self.count(1)
        try:
            for _ in range(random.randrange(4)):
                choice = random.randrange(4)
                if choice == 0:
                    time.sleep(random.choice(PAUSES))
                elif choice == 1:
                    from_thread.check_cancelled()
                elif choice == 2:
                    number = from_thread.run(self.on_loop, seed, random.choice(PAUSES))
                    check(number == seed, "from_thread.run has returned something else")
                else:
                    check(from_thread.run_sync(int, str(seed)) == seed, "from_thread.run_sync is wrong")
        finally:
            self.count(-1)
        return seed

    async def work(self) -> None:
        """Be one of the tasks."""
        random = self.random
        for _ in range(WORK_PER_TASK):
            seed = random.randrange(1 << 30)
            options: dict[str, Any] = {"abandon_on_cancel": random.random() < 0.5}
            if random.random() < 0.3:
                options["limiter"] = self.limiter
            if random.random() < 0.2:
                options["executor"] = self.executor
            with accord.move_on_after(random.choice((0, 0.0003, 0.001, 0.003, 1))) as scope:
                check(await run_sync(self.in_thread, seed, **options) == seed, "to_thread.run_sync is wrong")
            self.done["cancelled calls" if scope.cancelled_caught else "calls"] += 1

    def foreign(self, token: LoopToken, seed: int) -> None:
        """Call the loop from a thread that it does not know."""
        random = Random(seed)
        try:
            for _ in range(20):
                number = random.randrange(1000)
                value = from_thread.run(self.on_loop, number, random.choice(PAUSES), token=token)
                check(value == number, "a foreign thread has got something else")
                check(from_thread.run_sync(int, token=token) == 0, "a foreign thread has got something else")
                self.done["foreign calls"] += 2
        except BaseException as error:
            self.errors.append(error)

    async def service(self, *, task_status: TaskStatus[int]) -> None:
        """What is started in portals."""
        task_status.started(7)
        await self.on_loop(0, 0.001)

    def use_portal(self, provider: BlockingPortalProvider, seed: int) -> None:
        """Use a portal of its own or a shared one."""
        random = Random(seed)
        try:
            for _ in range(3):
                own = random.random() < 0.5
                with self.start_portal() if own else provider as portal:
                    self._use(portal, random, own)
                self.done["portals"] += 1
        except BaseException as error:
            self.errors.append(error)

    def _use(self, portal: BlockingPortal, random: Random, own: bool) -> None:
        try:
            for _ in range(10):
                number = random.randrange(1000)
                check(portal.call(self.on_loop, number, random.choice(PAUSES)) == number, "portal.call is wrong")
                future = portal.start_task_soon(self.on_loop, number, random.choice(PAUSES))
                if random.random() < 0.5:
                    future.cancel()
                else:
                    check(future.result(PATIENCE) == number, "a portal's future is wrong")
                check(portal.start_task(self.service)[1] == 7, "portal.start_task is wrong")
                if own and random.random() < 0.1:
                    portal.call(portal.stop, random.random() < 0.5)
        except (RuntimeError, CancelledError) as error:
            check(own, f"a shared portal was stopped: {error!r}")

    async def play(self, provider: BlockingPortalProvider) -> None:
        """Do everything at once, and check the books."""
        token = current_token()
        threads = [
            threading.Thread(target=self.foreign, args=(token, self.random.random()), daemon=True)
            for _ in range(FOREIGN_THREADS)
        ]
        threads += [
            threading.Thread(target=self.use_portal, args=(provider, self.random.random()), daemon=True)
            for _ in range(FOREIGN_THREADS)
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + PATIENCE
        async with accord.create_task_group() as group:
            for _ in range(TASKS):
                group.start_soon(self.work)
        while any(thread.is_alive() for thread in threads):
            check(time.monotonic() < end, "a thread waits for ever")
            await accord.sleep(0.001)
        for error in self.errors:
            raise error
        limiter = current_default_thread_limiter()
        while limiter.borrowed_tokens or self.limiter.borrowed_tokens or self.at_work:
            check(time.monotonic() < end, f"{self.at_work} functions, {limiter}, {self.limiter} are left")
            await accord.sleep(0.001)
        check(self.limiter.statistics().tasks_waiting == 0, "a task waits for a token")
        tasks = accord.get_running_tasks()
        check(len(tasks) == 1, f"tasks are left: {tasks}")


def check_threads(executor_threads: int) -> None:
    """Check that no thread is left but idle ones."""
    known = ("accord worker thread", "stress executor", "MainThread")
    end = time.monotonic() + PATIENCE
    while True:
        strangers = [thread.name for thread in threading.enumerate() if not thread.name.startswith(known)]
        if not strangers:
            break
        check(time.monotonic() < end, f"threads are left: {strangers}")
        time.sleep(0.001)
    count = threading.active_count()
    # 40 of the default limiter, 3 of the other, and those that were just being started.
    check(count <= 100 + executor_threads, f"there are {count} threads")


def main() -> int:
    """Play rounds for the given time and report."""
    parser = argparse.ArgumentParser(prog="python -m accord_conformance.stress.threads", description=__doc__)
    parser.add_argument("backend", help="an installed backend or module:object")
    parser.add_argument("--variant", help="one of the backend's variants")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the first round (default: 0)")
    options = parser.parse_args()
    backend = load_backend(options.backend)
    run_options = load_options(backend, options.variant)
    start_portal = partial(from_thread.start_blocking_portal, backend, run_options)
    provider = BlockingPortalProvider(backend, run_options)
    done: Counter[str] = Counter()
    end = time.monotonic() + options.seconds
    seed = options.seed
    with ThreadPoolExecutor(4, thread_name_prefix="stress executor") as executor:
        while time.monotonic() < end:
            this = Round(seed, start_portal, executor)
            try:
                accord.run(this.play, provider, backend=backend, backend_options=run_options)
                check_threads(4)
            except BrokenInvariant as error:
                print(f"FAILED in the round of seed {seed}: {error}", file=sys.stderr)
                return 1
            done += this.done
            seed += 1
    name = options.variant or options.backend
    print(f"{name}: {seed - options.seed} rounds, no broken invariant: {dict(done)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
