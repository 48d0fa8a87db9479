"""What users see of errors: one text for groups, notes that name tasks, and no frames of the library.

A frame can't be taken from a traceback while it is still running. So frames are removed by the next boundary that an
error crosses: the end of its task, the end of a group, the end of the run. Set ``ACCORD_DEBUG=1`` to keep them all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TypeGuard

DEBUG = os.environ.get("ACCORD_DEBUG", "") not in ("", "0")

_hidden = ["accord"]
_NOTE = "in task "


def _is_group(exc: BaseException) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    # A plain isinstance leaves type checkers with a group of an unknown type.
    return isinstance(exc, BaseExceptionGroup)


def is_library_module(name: str) -> bool:
    """Return whether a module is accord's or a backend's."""
    return any(name == hidden or name.startswith(f"{hidden}.") for hidden in _hidden)


def _is_library(tb: TracebackType) -> bool:
    return is_library_module(str(tb.tb_frame.f_globals.get("__name__", "")))


def hide_frames_of(package: str) -> None:
    """Have the frames of a package or module, such as a backend's, removed by ``prune``."""
    if package not in _hidden:
        _hidden.append(package)


def prune(exc: BaseException) -> None:
    """Remove the library's frames from the tracebacks of ``exc`` and, in a group, of its members (ERR-6)."""
    if DEBUG:
        return
    kept: list[TracebackType] = []
    tb = exc.__traceback__
    while tb is not None:
        if not _is_library(tb):
            kept.append(tb)
        tb = tb.tb_next
    # An error raised by the library itself keeps its last frame if the user has none in it: better than nothing.
    if kept or _is_group(exc):
        following: TracebackType | None = None
        for tb in reversed(kept):
            tb.tb_next = following
            following = tb
        exc.__traceback__ = following
    for member in members(exc):
        prune(member)


def members(exc: BaseException) -> Sequence[BaseException]:
    """Return the members of an exception group, and nothing for another exception."""
    return exc.exceptions if _is_group(exc) else ()


def _notes(exc: BaseException) -> Iterable[str]:
    return (note for note in getattr(exc, "__notes__", ()) if isinstance(note, str))


def note_task(exc: BaseException, name: str) -> None:
    """Add to each leaf of ``exc`` the note which task it came from, where it has none yet (TASK-4)."""
    inner = members(exc)
    for member in inner:
        note_task(member, name)
    if not inner and not any(note.startswith(_NOTE) for note in _notes(exc)):
        exc.add_note(f"{_NOTE}{name!r}")


def group_error(errors: Sequence[BaseException], name: str | None) -> BaseExceptionGroup[BaseException]:
    """Return the exception group for the errors of a task group (TASK-3, TASK-4)."""
    what = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    where = f"task group {name!r}" if name else "a task group"
    return BaseExceptionGroup(f"{what} in {where}", list(errors))


def exit_exception(exc: BaseException) -> BaseException:
    """Return what ``run`` raises for ``exc``: KeyboardInterrupt and SystemExit leave their group (RUN-6)."""
    for kind in (SystemExit, KeyboardInterrupt):
        leaf = _first_leaf(exc, kind)
        if leaf is not None and leaf is not exc:
            leaf.__cause__ = exc
            return leaf
    return exc


def _first_leaf(exc: BaseException, kind: type[BaseException]) -> BaseException | None:
    if isinstance(exc, kind):
        return exc
    return next((leaf for member in members(exc) if (leaf := _first_leaf(member, kind)) is not None), None)


def split(exc: BaseException, kind: type[BaseException]) -> tuple[BaseException | None, BaseException | None]:
    """Return the part of ``exc`` that is made of ``kind``, and the rest; either may be None."""
    if isinstance(exc, kind):
        return exc, None
    if not _is_group(exc):
        return None, exc
    matching, rest = exc.split(kind)
    # Without a match the group stays the object that it is; split() has made a copy.
    return matching, exc if matching is None else rest
