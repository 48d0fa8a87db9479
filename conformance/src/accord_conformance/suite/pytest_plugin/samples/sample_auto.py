"""Tests without markers, for the mode auto."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from accord.lowlevel import checkpoint, current_backend


@pytest.fixture
async def number() -> AsyncGenerator[int, None]:
    """Takes a checkpoint to find a number."""
    await checkpoint()
    yield 7
    await checkpoint()


async def test_auto(number: int) -> None:
    """Is run without a marker."""
    await checkpoint()
    assert current_backend().name
    assert number == 7


def test_sync(number: int) -> None:
    """Gets the value of an asynchronous fixture."""
    assert number == 7


@pytest.mark.twisted
async def test_of_another_plugin() -> None:
    """Is somebody else's."""
