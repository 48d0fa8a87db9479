"""A clock that jumps instead of waiting (run option ``virtual_time``).

A system task waits until all tasks are blocked and then sets the clock to the next deadline, unless somebody has said
that a call from another thread is on its way (``LoopToken.hold_clock``).
"""

from __future__ import annotations

from math import inf

import trio
from trio.testing import MockClock, wait_all_tasks_blocked


class VirtualClock:
    """Simulated time, which begins at 0."""

    def __init__(self) -> None:
        self.native = MockClock()
        self.holds = 0

    async def drive(self) -> None:
        """Jump whenever nothing else is left to do; for as long as the run lasts."""
        while True:
            await wait_all_tasks_blocked()
            if self.holds:
                await trio.lowlevel.checkpoint()
                continue
            step = trio.lowlevel.current_statistics().seconds_to_next_deadline
            if 0 < step < inf:
                self.native.jump(step)
            else:
                # Only a descriptor or a signal can wake a task now; look again in a millisecond of real time.
                await wait_all_tasks_blocked(0.001)
