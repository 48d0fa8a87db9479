"""The names that pytest knows us by."""

from __future__ import annotations

BACKEND = "accord_backend"
"""The fixture by which a test or a fixture says that it needs a loop."""

MARKER = "accord"
EXPLORE = "accord_explore"
MARKERS = (MARKER, EXPLORE)
CLOCK = "virtual_clock"

OTHERS = ("anyio", "asyncio", "trio", "twisted")
"""Markers of plugins that run coroutine tests themselves."""
