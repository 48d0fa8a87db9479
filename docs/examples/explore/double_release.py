"""A permit that is given back twice: by who handles the cancellation, and by who cleans up."""

from __future__ import annotations

import accord


class Kitchen:
    """A kitchen for a limited number of cooks."""

    def __init__(self, places: int) -> None:
        self.places = places
        self._free = accord.Semaphore(places)
        self.cooks = 0
        self.most = 0

    async def _cook(self) -> None:
        self.cooks += 1
        self.most = max(self.most, self.cooks)
        try:
            await accord.sleep(1)
        finally:
            self.cooks -= 1

    async def cook(self) -> None:
        """Use one place."""
        await self._free.acquire()
        try:
            await self._cook()
        except accord.get_cancelled_exc_class():
            self._free.release()  # leaves at once ...
            raise
        finally:
            self._free.release()  # ... and leaves again


class SafeKitchen(Kitchen):
    """A place is left once."""

    async def cook(self) -> None:
        """Use one place."""
        async with self._free:
            await self._cook()


async def cook_for_all(kitchen: Kitchen) -> None:
    """Five cooks for two places."""
    async with accord.create_task_group() as group:
        for _ in range(5):
            group.start_soon(kitchen.cook)
    assert kitchen.most <= kitchen.places, f"{kitchen.most} cooks in a kitchen for {kitchen.places}"


async def test_kitchen() -> None:
    """Lets a third cook in if one is cancelled while others wait."""
    await cook_for_all(Kitchen(2))


async def test_safe_kitchen() -> None:
    """Never has more than two."""
    await cook_for_all(SafeKitchen(2))
