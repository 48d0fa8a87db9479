"""Walks of both libraries, where this Python has them, and what tests of iterations share."""

from __future__ import annotations

import pathlib
import sys
from typing import Any

from accord import Path
from accord_conformance.helpers import untestable

WIDTH = 1200
"""How many files there are in a large tree; and half as many directories."""

if sys.version_info >= (3, 12):
    walk = Path.walk
    their_walk = pathlib.Path.walk
else:

    def walk(*_args: Any, **_keywords: Any) -> Any:
        """There is none yet."""
        untestable("this Python's paths have no walk()")

    their_walk = walk


async def collect(entries: Any) -> list[Any]:
    """All entries of an iteration."""
    return [entry async for entry in entries]
