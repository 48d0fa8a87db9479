"""A lost wake-up: news that come between the look and the wait are missed."""

from __future__ import annotations

from collections import deque

import accord


class Mailbox:
    """Letters for one reader."""

    def __init__(self, log: accord.Lock) -> None:
        self._letters: deque[str] = deque()
        self._news = accord.Event()
        self._log = log
        self.lines: list[str] = []

    async def note(self, line: str) -> None:
        """Write to the log, which others write to as well."""
        async with self._log:
            self.lines.append(line)

    def put(self, letter: str) -> None:
        """Leave a letter, and wake the reader."""
        self._letters.append(letter)
        self._news.set()

    async def get(self) -> str:
        """Return the next letter; waits for it."""
        if not self._letters:
            await self.note("the reader waits")  # a letter may come now ...
            self._news = accord.Event()
            await self._news.wait()  # ... and then nothing rings any more
        return self._letters.popleft()


class SafeMailbox(Mailbox):
    """Nothing can happen between the look and the wait."""

    async def get(self) -> str:
        """Return the next letter; waits for it."""
        await self.note("the reader looks")
        while not self._letters:
            self._news = accord.Event()
            await self._news.wait()
        return self._letters.popleft()


async def exchange(mailbox: Mailbox) -> None:
    """One task reads what another one leaves."""
    got: list[str] = []

    async def read() -> None:
        while len(got) < 2:
            got.append(await mailbox.get())

    async def write() -> None:
        for letter in ("one", "two"):
            await mailbox.note(f"the writer writes {letter}")
            mailbox.put(letter)

    async with accord.create_task_group() as group:
        group.start_soon(read)
        group.start_soon(write)
    assert got == ["one", "two"]


async def test_mailbox() -> None:
    """Deadlocks in some orders."""
    await exchange(Mailbox(accord.Lock()))


async def test_safe_mailbox() -> None:
    """Delivers in every order."""
    await exchange(SafeMailbox(accord.Lock()))
