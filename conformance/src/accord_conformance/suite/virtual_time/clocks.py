"""What the tests of virtual time share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import accord
from accord.testing import VirtualClock
from accord_conformance.helpers import untestable

Run = Callable[..., Any]


async def _nothing() -> None:
    pass


def check_options(run: Run) -> None:
    """End the test on a backend that ignores options that it doesn't know, so that nobody can tell (RUN-4)."""
    try:
        run(_nothing, an_option_of_no_backend=True)
    except TypeError:
        return
    untestable("unknown options are not refused")


def run_on(run: Run, main: Callable[[], Awaitable[Any]], clock: object) -> Any:
    """Run ``main`` under a clock, where the backend and its variant have the option."""
    check_options(run)
    begun: list[None] = []

    async def noted() -> Any:
        begun.append(None)
        return await main()

    try:
        return run(noted, virtual_time=clock)
    except (TypeError, ValueError) as error:
        if begun or "virtual_time" not in str(error):
            raise
        untestable(f"no virtual time: {error}")


class Sleepers:
    """Tasks that sleep, and a note of the time at which each woke up."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.woken: list[tuple[float, float]] = []
        """For each its delay and what the clock read."""

    async def sleep(self, delay: float) -> None:
        """Sleep, and note the time."""
        await accord.sleep(delay)
        assert accord.current_time() == self.clock.now
        self.woken.append((delay, self.clock.now))
