"""``Path``: a pure path of pathlib that does its input and output in worker threads."""

from .iterating import PathIterator
from .path import Path

__all__ = ["Path", "PathIterator"]
