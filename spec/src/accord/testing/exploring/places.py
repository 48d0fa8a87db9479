"""Where in the user's code a suspended task stands."""

from __future__ import annotations

import inspect
import linecache
from pathlib import PurePath
from types import FrameType
from typing import Any, NamedTuple

from ...debug.task_tree import is_library, suspended_frames


class Place(NamedTuple):
    """A line of a function."""

    file: str
    line: int
    function: str
    begins: bool
    """Whether the function has not begun to run."""

    @property
    def where(self) -> str:
        """File and line, without the folder."""
        return f"{PurePath(self.file).name}:{self.line}"

    @property
    def text(self) -> str:
        """What stands there."""
        if self.begins:
            return f"begins {self.function}()"
        return linecache.getline(self.file, self.line).strip() or f"in {self.function}()"


def _is_users(frame: FrameType) -> bool:
    return not is_library(frame) and frame.f_globals.get("__name__") != "contextlib"


def _is_new(coro: Any) -> bool:
    return inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) == inspect.CORO_CREATED


def place_of(coro: object) -> Place | None:
    """Return the innermost place in the user's code at which a suspended coroutine stands; None if it has ended."""
    frames = suspended_frames(coro)
    if not frames:
        return None
    frame = next((frame for frame in reversed(frames) if _is_users(frame)), frames[0])
    code = frame.f_code
    return Place(code.co_filename, frame.f_lineno or code.co_firstlineno, code.co_name, _is_new(coro))
