"""The Trio backend of accord. Install it and use ``accord``; nothing here needs to be imported by name."""

from accord.toolkit import hide_frames_of

from .backend import TrioBackend, backend

__all__ = ["TrioBackend", "backend"]

hide_frames_of(__name__)
