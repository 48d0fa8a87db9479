"""The row of CKPT-4's table for receiving signals."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator

import accord
from accord_conformance.suite.signals.handlers import ONE, recorded

from .operations import Prepared, row


@row("open_signal_receiver", "CY")
async def _step_of_a_signal_receiver() -> AsyncGenerator[Prepared, None]:
    got: list[int] = []
    with recorded(), accord.open_signal_receiver(ONE) as receiver:
        signal.raise_signal(ONE)

        async def step() -> None:
            got.append(await anext(receiver))

        yield Prepared(step, lambda: bool(got))
