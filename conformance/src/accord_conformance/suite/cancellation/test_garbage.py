"""Scopes and the cycle collector."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import cyclic_garbage, rule


async def plain() -> None:
    """A scope that nothing happens to."""
    with accord.CancelScope():
        await checkpoint()


async def cancelled() -> None:
    """A scope that catches a cancellation."""
    with accord.CancelScope() as scope:
        scope.cancel()
        await accord.sleep_forever()


async def cancelled_without_checkpoint() -> None:
    """A scope that is cancelled and finishes."""
    with accord.CancelScope() as scope:
        scope.cancel()


async def nested() -> None:
    """A cancellation that passes several scopes."""
    with accord.CancelScope() as outer, accord.CancelScope(), accord.CancelScope():
        outer.cancel()
        await accord.sleep_forever()


async def deadline() -> None:
    """A scope whose deadline passes."""
    with accord.move_on_after(0.001):
        await accord.sleep_forever()


async def deadline_in_time() -> None:
    """A scope that is left before its deadline."""
    with accord.move_on_after(1000), accord.fail_after(1000):
        await checkpoint()


async def timeout() -> None:
    """A timeout that is caught."""
    try:
        with accord.fail_after(0.001):
            await accord.sleep_forever()
    except TimeoutError:
        pass


async def shielded() -> None:
    """A shield in clean-up."""
    with accord.CancelScope() as scope:
        scope.cancel()
        try:
            await accord.sleep_forever()
        finally:
            with accord.CancelScope(shield=True):
                await accord.sleep(0.001)


async def failing() -> None:
    """An error that passes a cancelled scope."""
    try:
        with accord.CancelScope() as scope:
            scope.cancel()
            raise ValueError
    except ValueError:
        pass


@rule("CANCEL-28")
@pytest.mark.parametrize(
    "operation",
    [
        plain,
        cancelled,
        cancelled_without_checkpoint,
        nested,
        deadline,
        deadline_in_time,
        timeout,
        shielded,
        failing,
    ],
)
async def test_no_cyclic_garbage(operation: Callable[[], Awaitable[object]]) -> None:
    """Nothing that a scope leaves needs the cycle collector."""
    assert await cyclic_garbage(operation) == []
