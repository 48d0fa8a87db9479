"""Ctrl-C in the middle of a test."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import AsyncGenerator

import pytest

import accord

pytestmark = pytest.mark.accord


@pytest.fixture
async def resource() -> AsyncGenerator[None, None]:
    """Says when it is undone."""
    with accord.CancelScope():
        try:
            yield
        finally:
            print("fixture cleaned up")  # noqa: T201 - what the session printed is looked at


async def test_interrupted(resource: None) -> None:
    """Waits for Ctrl-C."""

    def press() -> None:
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    try:
        await accord.sleep_forever()
    finally:
        print("test cleaned up")  # noqa: T201 - what the session printed is looked at
    print("test went on")  # noqa: T201 - what the session printed is looked at


async def test_next() -> None:
    """Is not run."""
    print("next test ran")  # noqa: T201 - what the session printed is looked at
