"""A close that wakes one of those who wait, and not all."""

from __future__ import annotations

from collections import deque

import accord


class Channel:
    """Items for some receivers, until it is closed."""

    def __init__(self) -> None:
        self._items: deque[int] = deque()
        self._changed = accord.Condition()
        self._closed = False

    async def send(self, item: int) -> None:
        """Hand an item to one receiver."""
        async with self._changed:
            self._items.append(item)
            self._changed.notify()

    async def receive(self) -> int | None:
        """Return an item; None once the channel is closed and empty."""
        async with self._changed:
            while not self._items and not self._closed:
                await self._changed.wait()
            return self._items.popleft() if self._items else None

    async def close(self) -> None:
        """Let the receivers end."""
        async with self._changed:
            self._closed = True
            self._changed.notify()  # there may be more than one


class SafeChannel(Channel):
    """Everybody hears of the end."""

    async def close(self) -> None:
        """Let the receivers end."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()


async def pass_on(channel: Channel) -> None:
    """Two receivers get all items between them, and end."""
    got: list[int] = []

    async def receive() -> None:
        while (item := await channel.receive()) is not None:
            got.append(item)

    async with accord.create_task_group() as group:
        for item in range(3):
            await channel.send(item)
        group.start_soon(receive)
        group.start_soon(receive)
        await channel.close()
    assert sorted(got) == [0, 1, 2]


async def test_channel() -> None:
    """Deadlocks if both wait when it is closed."""
    await pass_on(Channel())


async def test_safe_channel() -> None:
    """Always ends."""
    await pass_on(SafeChannel())
