"""What else a library costs: memory for each object, time to import it, and the processor while nothing happens."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

from .contenders import Contender

COUNT = 1000
CONNECTIONS = 200
STUBBORN = 0.5


def memory(contender: Contender) -> dict[str, float]:
    """Return the bytes that each kind of object takes, and a sleeping task."""
    sizes: dict[str, float] = {}
    readings: list[int] = []

    def read() -> None:
        gc.collect()
        readings.append(tracemalloc.get_traced_memory()[0])

    async def main() -> None:
        # Twice, and the second time counts: the first one also fills caches.
        for _ in range(2):
            await contender.job("sleep_zero")(5)
            readings.clear()
            await contender.job("sleepers")(COUNT, read)
            sizes["sleeping task"] = (readings[1] - readings[0]) / COUNT
        for _ in range(2):
            readings.clear()
            await contender.job("connections")(CONNECTIONS, read)
            sizes["idle connection, both ends"] = (readings[1] - readings[0]) / CONNECTIONS
        for name, make in contender.job("objects")().items():
            for _ in range(2):
                kept: list[Any] = [None] * COUNT
                readings.clear()
                read()
                for index in range(COUNT):
                    kept[index] = make()
                read()
                sizes[name] = (readings[1] - readings[0]) / COUNT
                for item in kept:
                    _close(item)

    tracemalloc.start()
    try:
        contender.start(main, {})
    finally:
        tracemalloc.stop()
    return sizes


def _close(item: object) -> None:
    """Close the ends of a stream, which complain if they are dropped open."""
    if isinstance(item, tuple):
        ends: list[Any] = [*item]
        for end in ends:
            end.close()


def idle(contender: Contender, stubborn: Callable[[float], Any]) -> float:
    """Return how much of a processor is used while a cancelled scope waits for native code that takes its time."""

    async def main() -> float:
        await stubborn(0)
        start = time.process_time()
        await contender.job("cut_off")(stubborn, STUBBORN)
        return time.process_time() - start

    return float(contender.start(main, {})) / STUBBORN


def process_times(contenders: Sequence[Contender], rounds: int) -> dict[str, dict[str, float]]:
    """Return the best time of a whole process that does nothing, and of each contender's programs, in milliseconds."""
    programs = {("nothing", "Python"): "pass"}
    programs |= {(what, one.title): text for one in contenders for what, text in one.programs.items()}
    times: dict[tuple[str, str], float] = {}
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as cache:
        # Compiled once and not each time, wherever the modules are; so the first run of each doesn't count.
        environment["PYTHONPYCACHEPREFIX"] = cache
        for number in range(rounds + 1):
            for key, program in programs.items():
                start = time.perf_counter()
                subprocess.run([sys.executable, "-c", program], check=True, env=environment)
                elapsed = (time.perf_counter() - start) * 1000
                if number:
                    times[key] = min(elapsed, times.get(key, elapsed))
    found: dict[str, dict[str, float]] = {}
    for (what, title), milliseconds in times.items():
        found.setdefault(what, {})[title] = milliseconds
    return found
