"""``fail_after``, ``fail_at``, ``move_on_after``, ``move_on_at``."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import pytest

import accord
from accord_conformance.helpers import block, rule


def fail_now(**options: Any) -> Any:
    """A block that fails at its first checkpoint."""
    return accord.fail_at(-inf, **options)


@rule("TIME-12")
@pytest.mark.parametrize(
    "make", [lambda: accord.fail_after(0.01), lambda: accord.fail_at(accord.current_time() + 0.01)]
)
async def test_timeout(make: Callable[[], Any]) -> None:
    """A block that its deadline cuts short ends with TimeoutError."""
    with pytest.raises(TimeoutError) as caught:
        with make() as scope:
            await accord.sleep_forever()
    assert str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert scope.cancel_called
    assert scope.cancelled_caught


@rule("TIME-12")
async def test_text() -> None:
    """The text tells the delay and the reason."""
    with pytest.raises(TimeoutError, match=r"0\.0125"):
        with accord.fail_after(0.0125):
            await accord.sleep_forever()
    with pytest.raises(TimeoutError, match=r"0\.01.*waiting for the moon"):
        with accord.fail_after(0.01, reason="waiting for the moon"):
            await accord.sleep_forever()
    with pytest.raises(TimeoutError, match="waiting for the sun"):
        with accord.fail_at(-inf, reason="waiting for the sun"):
            await accord.sleep_forever()


@rule("TIME-12")
async def test_no_timeout() -> None:
    """A block that ends in time raises nothing."""
    with accord.fail_after(1000) as scope:
        await accord.sleep(0.001)
    assert not scope.cancel_called


@rule("TIME-12")
async def test_explicit_cancel() -> None:
    """An explicit cancel does not become a TimeoutError."""
    with accord.fail_after(1000) as scope:
        scope.cancel()
        await accord.sleep_forever()
    assert scope.cancelled_caught


@rule("TIME-12", "CANCEL-5")
async def test_explicit_cancel_before_the_deadline() -> None:
    """An explicit cancel does not become a TimeoutError, not even if the deadline passes during clean-up."""
    with accord.fail_after(0.02) as scope:
        scope.cancel()
        try:
            await accord.sleep_forever()
        finally:
            block(0.05)
    assert scope.cancelled_caught
    with accord.fail_after(0.02) as scope:
        scope.cancel()
        with accord.CancelScope(shield=True):
            await accord.sleep(0.05)
        await accord.sleep_forever()
    assert scope.cancelled_caught
    assert scope.cancel_reason is not None
    assert scope.cancel_reason.kind == "explicit"


@rule("TIME-12", "CANCEL-5")
async def test_explicit_cancel_after_the_deadline() -> None:
    """A cancel after the deadline has passed does not hide the timeout."""
    with pytest.raises(TimeoutError):
        with accord.fail_after(0.01) as scope:
            block(0.02)
            scope.cancel()
            await accord.sleep_forever()


@rule("TIME-12")
async def test_late_without_cancellation() -> None:
    """A block that finishes by itself is no timeout, however late."""
    with accord.fail_after(0.01) as scope:
        block(0.03)
    assert not scope.cancelled_caught
    with accord.fail_after(0.01) as scope:
        with accord.CancelScope(shield=True):
            await accord.sleep(0.03)
    assert scope.cancel_called
    assert not scope.cancelled_caught


@rule("TIME-12", "CANCEL-14")
async def test_error_of_the_body() -> None:
    """An exception of the body is not replaced by the timeout."""
    with pytest.raises(KeyError, match="mine"):
        with accord.fail_after(0.01):
            try:
                await accord.sleep_forever()
            finally:
                raise KeyError("mine")


@rule("TIME-12")
async def test_cancelled_from_outside() -> None:
    """The cancellation of an outer scope passes through and is no timeout."""
    with accord.CancelScope() as outer:
        with accord.fail_after(1000):
            outer.cancel()
            await accord.sleep_forever()
    assert outer.cancelled_caught


@rule("TIME-12", "TIME-15")
async def test_outer_cancelled_too() -> None:
    """If an outer scope is cancelled as well the timeout is not reported: the outer scope catches."""
    with accord.CancelScope() as outer:
        with fail_now():
            outer.cancel()
            await accord.sleep_forever()
    assert outer.cancelled_caught


@rule("TIME-12")
async def test_nested_timeouts() -> None:
    """Of two nested timeouts the one that expired raises, with its own reason."""
    with pytest.raises(TimeoutError, match="inner"):
        with accord.fail_after(1000, reason="outer"), fail_now(reason="inner"):
            await accord.sleep_forever()
    with pytest.raises(TimeoutError, match="outer"):
        with fail_now(reason="outer"), accord.fail_after(1000, reason="inner"):
            await accord.sleep_forever()


@rule("TIME-12", "CANCEL-12")
async def test_errors_beside_the_timeout() -> None:
    """If errors are left after the cancellation was split off they are raised, and not the timeout."""

    async def fail() -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise ValueError("clean-up")

    with pytest.raises(ExceptionGroup) as caught:
        with accord.fail_after(0.01):
            async with accord.create_task_group() as group:
                group.start_soon(fail)
                await accord.sleep_forever()
    assert [type(error) for error in caught.value.exceptions] == [ValueError]


@rule("TIME-13")
async def test_move_on() -> None:
    """``move_on_after`` and ``move_on_at`` raise nothing, and tell whether the block was cut short."""
    with accord.move_on_after(0.01) as first:
        await accord.sleep_forever()
    with accord.move_on_at(accord.current_time() + 0.01) as second:
        await accord.sleep_forever()
    with accord.move_on_after(1000) as third:
        await accord.lowlevel.checkpoint()
    assert [scope.cancelled_caught for scope in (first, second, third)] == [True, True, False]


@rule("TIME-13", "CANCEL-15")
@pytest.mark.parametrize("make", [accord.move_on_after, accord.fail_after])
async def test_shield_argument(make: Callable[..., Any]) -> None:
    """All of them can make a shielded scope."""
    with accord.CancelScope() as outer:
        outer.cancel()
        with make(1000, shield=True) as scope:
            assert scope.shield
            await accord.lowlevel.checkpoint()
        with pytest.raises(accord.get_cancelled_exc_class()):
            await accord.lowlevel.checkpoint()


@rule("TIME-13", "CANCEL-15")
@pytest.mark.parametrize("make", [accord.move_on_at, accord.fail_at])
async def test_shield_argument_at(make: Callable[..., Any]) -> None:
    """The two that take a time can make a shielded scope too."""
    with accord.CancelScope() as outer:
        outer.cancel()
        with make(inf, shield=True) as scope:
            assert scope.shield
            await accord.lowlevel.checkpoint()
        with pytest.raises(accord.get_cancelled_exc_class()):
            await accord.lowlevel.checkpoint()
