"""The Trio backend of accord. Install it and use ``accord``; nothing here needs to be imported by name."""

from .backend import TrioBackend, backend

__all__ = ["TrioBackend", "backend"]
