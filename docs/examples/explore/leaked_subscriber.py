"""A subscriber that stays subscribed after its task was cancelled."""

from __future__ import annotations

import accord


class Ticker:
    """Tells subscribers the news."""

    def __init__(self) -> None:
        self.subscribers: list[accord.Event] = []

    async def next_news(self) -> None:
        """Return at the next news."""
        event = accord.Event()
        self.subscribers.append(event)
        await event.wait()
        self.subscribers.remove(event)  # not reached in a cancelled task

    def publish(self) -> None:
        """Tell everybody."""
        for event in self.subscribers:
            event.set()


class SafeTicker(Ticker):
    """Who leaves unsubscribes, in whatever way."""

    async def next_news(self) -> None:
        """Return at the next news."""
        event = accord.Event()
        self.subscribers.append(event)
        try:
            await event.wait()
        finally:
            self.subscribers.remove(event)


async def listen(ticker: Ticker) -> None:
    """Three subscribers wait for news; none is left afterwards."""
    async with accord.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ticker.next_news)
        await accord.sleep(1)
        ticker.publish()
    assert not ticker.subscribers, f"{len(ticker.subscribers)} subscribers are left"


async def test_ticker() -> None:
    """Leaks a subscriber if one is cancelled."""
    await listen(Ticker())


async def test_safe_ticker() -> None:
    """Leaks nothing."""
    await listen(SafeTicker())
