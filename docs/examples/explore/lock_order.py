"""A deadlock of two locks that are taken in different orders."""

from __future__ import annotations

import accord


class Account:
    """An account, with a lock around each change."""

    def __init__(self, number: int, balance: int) -> None:
        self.number = number
        self.balance = balance
        self.lock = accord.Lock()


async def transfer(source: Account, target: Account, amount: int) -> None:
    """Move money: both accounts are locked meanwhile."""
    async with source.lock:
        async with target.lock:  # another transfer may hold this one, and want ours
            source.balance -= amount
            target.balance += amount


async def safe_transfer(source: Account, target: Account, amount: int) -> None:
    """Move money: accounts are locked in the order of their numbers."""
    first, second = sorted((source, target), key=lambda account: account.number)
    async with first.lock:
        async with second.lock:
            source.balance -= amount
            target.balance += amount


async def test_transfers() -> None:
    """Deadlocks if both transfers hold their first lock."""
    ours, yours = Account(1, 100), Account(2, 100)
    async with accord.create_task_group() as group:
        group.start_soon(transfer, ours, yours, 10)
        group.start_soon(transfer, yours, ours, 20)
    assert (ours.balance, yours.balance) == (110, 90)


async def test_safe_transfers() -> None:
    """Never deadlocks."""
    ours, yours = Account(1, 100), Account(2, 100)
    async with accord.create_task_group() as group:
        group.start_soon(safe_transfer, ours, yours, 10)
        group.start_soon(safe_transfer, yours, ours, 20)
    assert (ours.balance, yours.balance) == (110, 90)
