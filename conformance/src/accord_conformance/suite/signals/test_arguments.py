"""Receivers that can't be opened."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

import accord
from accord import open_signal_receiver
from accord_conformance.helpers import in_thread, rule

from .handlers import ONE, TWO, handler_of, recorded

Run = Callable[..., Any]


@rule("SIGNAL-9")
async def test_no_signals() -> None:
    """Without signals it is a TypeError, before the block."""
    with pytest.raises(TypeError, match="signal"):
        open_signal_receiver()


@rule("SIGNAL-9")
@pytest.mark.parametrize("wrong", ["SIGTERM", None, True, 1.5, signal.Handlers])
async def test_no_number(wrong: Any) -> None:
    """What is no number is a TypeError, and the signals beside it are left alone."""
    with recorded() as recorder:
        with pytest.raises(TypeError, match="signal"):
            open_signal_receiver(ONE, wrong)
        assert handler_of(ONE) is recorder


@rule("SIGNAL-9")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
async def test_uncatchable(name: str) -> None:
    """A signal that nobody can catch is a ValueError that names it, and those beside it are left alone."""
    with recorded() as recorder:
        with pytest.raises(ValueError, match=name):
            open_signal_receiver(ONE, getattr(signal, name))
        assert handler_of(ONE) is recorder


@rule("SIGNAL-9")
@pytest.mark.parametrize("number", [0, -1, 4711])
async def test_no_such_signal(number: int) -> None:
    """A number that is no signal is a ValueError that has it."""
    with recorded() as recorder:
        with pytest.raises(ValueError, match=str(number)):
            open_signal_receiver(ONE, number)
        assert handler_of(ONE) is recorder


@rule("SIGNAL-9")
async def test_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system refuses the second signal, the handler of the first is restored."""
    install = signal.signal

    def refuse(signum: int, handler: Any) -> Any:
        if signum == TWO:
            raise OSError(22, "Invalid argument")
        return install(signum, handler)

    with recorded() as recorder:
        with monkeypatch.context() as patch:
            patch.setattr(signal, "signal", refuse)
            with pytest.raises(ValueError, match=str(int(TWO))), open_signal_receiver(ONE, TWO):
                pass
        assert handler_of(ONE) is recorder
        with open_signal_receiver(ONE) as receiver:
            signal.raise_signal(ONE)
            assert await anext(receiver) == ONE


@rule("SIGNAL-9")
def test_other_thread(run: Run) -> None:
    """In a loop outside of the main thread it is a RuntimeError that says so, and nothing is installed."""

    async def main() -> None:
        with pytest.raises(RuntimeError, match="main thread"), open_signal_receiver(ONE):
            pass

    with recorded() as recorder:
        in_thread(lambda: run(main))
        assert handler_of(ONE) is recorder


@rule("SIGNAL-9")
def test_no_loop() -> None:
    """Outside of a loop entering is a NoEventLoopError, and nothing is installed."""
    with recorded() as recorder:
        with pytest.raises(accord.NoEventLoopError), open_signal_receiver(ONE):
            pass
        assert handler_of(ONE) is recorder
