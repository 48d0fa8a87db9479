"""The asyncio backend of accord. Install it and use ``accord``; nothing here needs to be imported by name."""

from .backend import AsyncioBackend, backend

__all__ = ["AsyncioBackend", "backend"]
