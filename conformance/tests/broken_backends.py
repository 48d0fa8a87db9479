"""Backends that are wrong on purpose: each is an installed backend with one thing broken.

The command finds them as ``broken_backends:NAME`` when it runs in this folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from accord_conformance.loader import ENTRY_POINTS, load_backend


def any_installed() -> str:
    """The name of an installed backend; the first by name."""
    return min(point.name for point in entry_points(group=ENTRY_POINTS))


class Proxy:
    """All members of a good backend, except those that a subclass replaces."""

    name = "broken"
    version = "1.0"
    spec_version = "0.1"
    variants: Mapping[str, Mapping[str, object]] = MappingProxyType({"other": {}})

    def __init__(self) -> None:
        self.good = load_backend(any_installed())

    def __getattr__(self, member: str) -> Any:
        return getattr(self.good, member)


class Hanging(Proxy):
    """Its checkpoint waits for ever."""

    async def checkpoint(self) -> None:
        """Do it wrong."""
        await self.good.sleep_until(float("inf"))


class Blocking(Proxy):
    """Its checkpoint blocks the thread for ever."""

    async def checkpoint(self) -> None:
        """Do it wrong."""
        while True:
            time.sleep(1)


class Crashing(Proxy):
    """Its checkpoint ends the process."""

    async def checkpoint(self) -> None:
        """Do it wrong."""
        os._exit(41)


class Forgetful(Proxy):
    """Its checkpoint does not check."""

    async def checkpoint(self) -> None:
        """Do it wrong."""
        await self.good.cancel_shielded_checkpoint()


class Small(Proxy):
    """It has no optional parts, and says so."""

    capabilities: frozenset[str] = frozenset()
    readiness = None
    testing = None


class Boasting(Proxy):
    """It has no optional parts, and says that it has."""

    capabilities = frozenset({"readiness", "testing"})
    readiness = None
    testing = None


class Littering(Proxy):
    """Its checkpoint leaves a coroutine that is never awaited."""

    async def checkpoint(self) -> None:
        """Do it wrong."""
        forgotten: object = self.good.cancel_shielded_checkpoint()
        del forgotten
        await self.good.checkpoint()


good = Proxy()
hanging = Hanging()
blocking = Blocking()
crashing = Crashing()
forgetful = Forgetful()
small = Small()
boasting = Boasting()
littering = Littering()
no_backend = object()
