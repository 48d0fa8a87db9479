"""A callback of the loop fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NoReturn

import pytest

import accord
from accord.lowlevel import checkpoint, current_token

pytestmark = pytest.mark.accord


@pytest.fixture(scope="module")
async def resource() -> AsyncGenerator[int, None]:
    """Something that other tests use too."""
    await checkpoint()
    yield 1
    await checkpoint()


async def test_callback(resource: int) -> None:
    """Has a callback fail."""

    def fail() -> NoReturn:
        raise LookupError("in a callback")

    current_token().call_soon(fail)
    await accord.sleep(0.01)


async def test_after_callback(resource: int) -> None:
    """Is not concerned."""
    await checkpoint()
    assert resource == 1
