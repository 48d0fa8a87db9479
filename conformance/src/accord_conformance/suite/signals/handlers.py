"""Signals that do no harm: what the tests of receivers stand on."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager

from accord_conformance.helpers import untestable

ONE: signal.Signals = getattr(signal, "SIGUSR1", signal.SIGTERM)
TWO: signal.Signals = getattr(signal, "SIGUSR2", signal.SIGTERM)


class Recorder:
    """A signal handler that notes what it gets."""

    def __init__(self) -> None:
        self.came: list[int] = []

    def __call__(self, signum: int, _frame: object) -> None:
        """Note a signal."""
        self.came.append(signum)


def handler_of(signum: signal.Signals) -> object:
    """The handler that is installed; as an object, for comparing."""
    return signal.getsignal(signum)


@contextmanager
def recorded(*signals: signal.Signals) -> Generator[Recorder, None, None]:
    """Have signals noted by a handler, by default both; a receiver that fails can't kill the process then."""
    if ONE == TWO:
        untestable("this system has no signals for users")
    recorder = Recorder()
    before = {signum: signal.signal(signum, recorder) for signum in signals or (ONE, TWO)}
    try:
        yield recorder
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
