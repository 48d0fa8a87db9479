"""Signals around ``main``, where asyncio makes its loop and takes it apart, and the descriptor that wakes the loop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Generator

import pytest

import accord
from accord_asyncio import backend


@pytest.fixture(autouse=True)
def _python_handles_interrupts() -> Generator[None, None, None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


class _Interrupted(asyncio.SelectorEventLoop):
    """Is interrupted while it is closed."""

    def close(self) -> None:
        """Get a SIGINT, and close all the same."""
        if not self.is_closed():
            signal.raise_signal(signal.SIGINT)
        super().close()


def test_interrupt_while_the_loop_is_closed() -> None:
    """The loop is closed, and then the run raises KeyboardInterrupt."""
    loops: list[asyncio.AbstractEventLoop] = []

    def make() -> asyncio.AbstractEventLoop:
        loops.append(_Interrupted())
        return loops[-1]

    async def main() -> int:
        return 42

    with pytest.raises(KeyboardInterrupt):
        accord.run(main, backend=backend, backend_options={"loop_factory": make})
    assert loops[0].is_closed()


def test_interrupt_while_the_loop_is_closed_after_an_error() -> None:
    """What main raised is the cause of the KeyboardInterrupt."""

    async def main() -> None:
        raise ValueError("from main")

    with pytest.raises(KeyboardInterrupt) as caught:
        accord.run(main, backend=backend, backend_options={"loop_factory": _Interrupted})
    assert isinstance(caught.value.__cause__, ValueError)


def test_interrupt_while_the_loop_is_made() -> None:
    """An interrupt that comes before main is no reason to leave half a loop."""

    def make() -> asyncio.AbstractEventLoop:
        signal.raise_signal(signal.SIGINT)
        return asyncio.new_event_loop()

    async def main() -> int:
        return 42

    with pytest.raises(KeyboardInterrupt):
        accord.run(main, backend=backend, backend_options={"loop_factory": make})


def test_wakeup_descriptor() -> None:
    """During a run there is a descriptor that wakes the loop, and afterwards none."""

    async def main() -> int:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        return descriptor

    assert accord.run(main, backend=backend) != -1
    assert signal.set_wakeup_fd(-1) == -1


def test_wakeup_descriptor_of_the_program() -> None:
    """A descriptor that the program has set stays."""

    async def main() -> int:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        return descriptor

    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        signal.set_wakeup_fd(ours.fileno())
        try:
            assert accord.run(main, backend=backend) == ours.fileno()
        finally:
            assert signal.set_wakeup_fd(-1) == ours.fileno()
