"""Clean-up that awaits and is not shielded: a cancelled task leaves it at the first checkpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import accord


class Pool:
    """Connections that are lent and given back."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = list(range(size))
        self._slots = accord.Semaphore(size)
        self.reset: list[int] = []

    async def _reset(self, connection: int) -> None:
        await accord.sleep(0.01)
        self.reset.append(connection)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[int, None]:
        """Lend a connection, and reset it before the next one gets it."""
        async with self._slots:
            connection = self.free.pop()
            try:
                yield connection
            finally:
                await self._reset(connection)  # raises at once in a cancelled task
                self.free.append(connection)


class SafePool(Pool):
    """A connection comes back whatever happens."""

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[int, None]:
        """Lend a connection, and reset it before the next one gets it."""
        async with self._slots:
            connection = self.free.pop()
            try:
                yield connection
            finally:
                with accord.CancelScope(shield=True):
                    await self._reset(connection)
                    self.free.append(connection)


async def use(pool: Pool) -> None:
    """Three tasks share two connections; all are free at the end."""

    async def query() -> None:
        async with pool.connection():
            await accord.sleep(0.1)

    async with accord.create_task_group() as group:
        for _ in range(3):
            group.start_soon(query)
    assert len(pool.free) == pool.size, f"{len(pool.free)} of {pool.size} connections came back"


async def test_pool() -> None:
    """Loses a connection if a task is cancelled that has one."""
    await use(Pool(2))


async def test_safe_pool() -> None:
    """Loses nothing."""
    await use(SafePool(2))
