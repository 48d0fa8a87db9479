"""A stale read (ABA): the value is what it was before, and yet everything has changed in between."""

from __future__ import annotations

import accord


class Buffer:
    """A piece of memory, which knows the next one that is free."""

    def __init__(self, name: str, following: Buffer | None) -> None:
        self.name = name
        self.following = following


class FreeList:
    """Free buffers, the one that was given back last on top."""

    def __init__(self, names: str) -> None:
        self.top: Buffer | None = None
        for name in names:
            self.top = Buffer(name, self.top)
        self._disk = accord.Lock()
        self.cleared: list[str] = []
        self.changes = 0

    async def _clear(self, buffer: Buffer) -> None:
        async with self._disk:
            self.cleared.append(buffer.name)

    async def take(self) -> Buffer:
        """Return a cleared buffer."""
        while True:
            top = self.top
            assert top is not None
            following = top.following
            await self._clear(top)
            if self.top is top:  # true again if it was taken and given back, and then ``following`` may be in use
                self.top = following
                return top

    def give_back(self, buffer: Buffer) -> None:
        """Put a buffer on top."""
        buffer.following = self.top
        self.top = buffer
        self.changes += 1


class SafeFreeList(FreeList):
    """Compares what nothing can restore: the number of changes."""

    async def take(self) -> Buffer:
        """Return a cleared buffer."""
        while True:
            top, changes = self.top, self.changes
            assert top is not None
            following = top.following
            await self._clear(top)
            if self.top is top and self.changes == changes:
                self.top = following
                self.changes += 1
                return top


async def share(buffers: FreeList) -> None:
    """No buffer has two owners."""
    owned: list[str] = []

    async def keep(count: int) -> None:
        for _ in range(count):
            buffer = await buffers.take()
            assert buffer.name not in owned, f"buffer {buffer.name} has two owners"
            owned.append(buffer.name)

    async def swap() -> None:
        first = await buffers.take()
        owned.append(first.name)
        await keep(1)
        owned.remove(first.name)
        buffers.give_back(first)

    async with accord.create_task_group() as group:
        group.start_soon(keep, 2)
        group.start_soon(swap)


async def test_buffers() -> None:
    """Gives a buffer away twice in a few orders."""
    await share(FreeList("abcd"))


async def test_safe_buffers() -> None:
    """Gives each buffer away once."""
    await share(SafeFreeList("abcd"))
