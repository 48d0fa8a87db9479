"""Check, then act: what was checked has changed by then."""

from __future__ import annotations

import accord


class BoxOffice:
    """Sells tickets, and keeps a list of the payments."""

    def __init__(self, tickets: int) -> None:
        self.tickets = tickets
        self._till = accord.Lock()
        self.payments: list[str] = []

    async def pay(self, customer: str) -> None:
        """Take the money; one customer at a time."""
        async with self._till:
            self.payments.append(customer)

    async def buy(self, customer: str) -> bool:
        """Sell a ticket if there is one."""
        if self.tickets == 0:
            return False
        await self.pay(customer)  # others may buy the last one meanwhile
        self.tickets -= 1
        return True


class SafeBoxOffice(BoxOffice):
    """A ticket is set aside before anything else can happen."""

    async def buy(self, customer: str) -> bool:
        """Sell a ticket if there is one."""
        if self.tickets == 0:
            return False
        self.tickets -= 1
        await self.pay(customer)
        return True


async def sell(office: BoxOffice) -> None:
    """Three customers want two tickets."""
    sold: list[str] = []

    async def visit(customer: str) -> None:
        if await office.buy(customer):
            sold.append(customer)

    async with accord.create_task_group() as group:
        for customer in ("Ann", "Bob", "Cid"):
            group.start_soon(visit, customer)
    assert office.tickets == 0
    assert len(sold) == 2, f"two tickets were sold to {sold}"


async def test_box_office() -> None:
    """Sells a ticket twice in some orders."""
    await sell(BoxOffice(2))


async def test_safe_box_office() -> None:
    """Sells each ticket once."""
    await sell(SafeBoxOffice(2))
