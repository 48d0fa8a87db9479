"""Tests that leave something behind, with the fixture that looks for it."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncGenerator, Generator

import pytest

from accord import to_thread
from accord.lowlevel import checkpoint

kept: list[int] = []
goes_on = threading.Event()


@pytest.fixture(scope="module", autouse=True)
def clean_up() -> Generator[None, None, None]:
    """Ends what the tests have left."""
    yield
    goes_on.set()
    for fd in kept:
        os.close(fd)


@pytest.fixture
async def server() -> AsyncGenerator[int, None]:
    """Holds two descriptors during the test."""
    await checkpoint()
    ends = os.pipe()
    yield 1
    for fd in ends:
        os.close(fd)


@pytest.mark.accord
async def test_clean(accord_leaks: None, server: int) -> None:
    """Leaves nothing: what it opens it closes, and so does its fixture."""
    assert await to_thread.run_sync(lambda: server) == 1


@pytest.mark.accord
async def test_clean_beside_a_server(server: int, accord_leaks: None) -> None:
    """Leaves nothing, and what was there before does not count."""
    assert server


@pytest.mark.accord
async def test_descriptor(accord_leaks: None) -> None:
    """Leaves a pipe open."""
    kept.extend(os.pipe())


def test_sync_descriptor(accord_leaks: None) -> None:
    """Leaves a pipe open."""
    kept.extend(os.pipe())


@pytest.mark.accord
async def test_thread(accord_leaks: None) -> None:
    """Leaves a thread at work."""
    threading.Thread(target=goes_on.wait, name="forgotten").start()
