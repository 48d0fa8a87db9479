"""An item that is lost under cancellation: it was taken, and never arrived."""

from __future__ import annotations

from collections import deque

import accord


class Jobs:
    """Jobs for some workers, each of which reports what it takes."""

    def __init__(self, count: int) -> None:
        self.open = deque(range(count))
        self.done: list[int] = []
        self._report = accord.Lock()
        self.reported = 0

    async def _note(self) -> None:
        async with self._report:
            self.reported += 1

    async def take(self) -> int:
        """Return the next job."""
        job = self.open.popleft()
        await self._note()  # who is cancelled here has the job, and nobody knows
        return job

    async def work(self) -> None:
        """Do jobs as long as there are any."""
        while self.open:
            job = await self.take()
            self.done.append(job)


class SafeJobs(Jobs):
    """What may be cancelled comes before the job is taken."""

    async def take(self) -> int:
        """Return the next job."""
        await self._note()
        return self.open.popleft()

    async def work(self) -> None:
        """Do jobs as long as there are any."""
        while self.open:
            try:
                job = await self.take()
            except IndexError:
                return
            self.done.append(job)


async def work_off(jobs: Jobs) -> None:
    """Two workers, and a third at the end for what is left."""
    async with accord.create_task_group() as group:
        group.start_soon(jobs.work)
        group.start_soon(jobs.work)
    await jobs.work()
    assert sorted(jobs.done) == [0, 1, 2, 3], f"done: {jobs.done}"


async def test_jobs() -> None:
    """Loses a job if a worker is cancelled in ``take``."""
    await work_off(Jobs(4))


async def test_safe_jobs() -> None:
    """Loses nothing."""
    await work_off(SafeJobs(4))
