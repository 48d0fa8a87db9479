"""How the debug mode speaks (area DEBUG)."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

from .task_tree import is_library


class DebugWarning(RuntimeWarning):
    """A mistake that the debug mode has noticed."""


def users_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that is the program's, from ``frame`` outwards."""
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return frame


def warn_at(text: str, file: str, line: int) -> None:
    """Emit a ``DebugWarning`` for a place; raises it where the filters of ``warnings`` say so."""
    warnings.warn_explicit(text, DebugWarning, file, line)


def report_at(text: str, file: str, line: int) -> None:
    """Do the same where nothing can be raised: then it is written to the standard error output."""
    try:
        warn_at(text, file, line)
    except DebugWarning as warning:
        sys.stderr.write(f"{file}:{line}: {type(warning).__name__}: {warning}\n")
