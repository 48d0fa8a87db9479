"""The asyncio backend of accord. Install it and use ``accord``; nothing here needs to be imported by name."""

from accord.toolkit import hide_frames_of

from .backend import AsyncioBackend, backend

__all__ = ["AsyncioBackend", "backend"]

hide_frames_of(__name__)
