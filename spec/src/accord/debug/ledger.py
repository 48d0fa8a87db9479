"""Which cancellations were raised in tasks, and which of them were swallowed (area DEBUG).

A cancellation that an operation has raised in a task is noted. The note is dropped when a scope or a group catches it,
as it should be. If the task begins another operation meanwhile, and is not handling the cancellation (cleaning up, in
``finally`` or ``except``) while it does so, or leaves a scope, or ends, without an error, then somebody has swallowed
it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet

from ..protocols import Backend, HandleStatus
from ..toolkit.errors import members
from .task_tree import is_library, place_of, stack_of
from .warning import report_at, users_frame, warn_at

if TYPE_CHECKING:
    from ..protocols import TaskInfo

serials = count()


class Note(NamedTuple):
    """A cancellation that was raised in a task and not caught since."""

    serial: int
    library: list[FrameType]
    """The frames of the library around the operation; kept, so that no other frame gets their place."""
    own: set[int]
    """The places of the program's frames."""
    place: str
    file: str
    line: int

    def is_put_off(self, frame: FrameType) -> bool:
        """Whether it is the library that has caught it, to raise it later: the innermost frame that is left tells."""
        for following in reversed(stack_of(frame)):
            if id(following) in self.own:
                return False
            if following in self.library:
                return True
        return False


def where(frame: FrameType | None) -> tuple[str, str, int]:
    """Return where the program is: as text, and as file and line."""
    found = users_frame(frame) or frame
    return ("?", "?", 0) if found is None else (place_of(found), found.f_code.co_filename, found.f_lineno)


class Ledger:
    """What is known about the tasks of a backend."""

    def __init__(self, base: Backend) -> None:
        self.base = base
        self.cancelled = base.cancelled_exc_class
        self._notes: WeakKeyDictionary[TaskInfo, Note] = WeakKeyDictionary()
        self._tasks: WeakSet[Any] = WeakSet()

    async def perform(self, operation: Callable[..., Awaitable[Any]], *args: Any, **keywords: Any) -> Any:
        """Await an operation of the backend that may raise a cancellation."""
        self.look()
        try:
            return await operation(*args, **keywords)
        except self.cancelled:
            self.note()
            raise

    def note(self) -> None:
        """Note that a cancellation is raised in the current task."""
        task = self.base.current_task()
        if task not in self._notes and task.has_pending_cancellation():
            stack = stack_of(sys._getframe(2))
            library = [frame for frame in stack if is_library(frame)]
            own = {id(frame) for frame in stack if not is_library(frame)}
            self._notes[task] = Note(next(serials), library, own, *where(stack[-1]))

    def caught(self) -> None:
        """Note that the cancellation of the current task was caught by whom it was for."""
        self._notes.pop(self.base.current_task(), None)

    def look(self) -> None:
        """Warn if the current task has swallowed its cancellation, and goes on."""
        if self._notes and self._is_swallowed(-1):
            self.warn(self._take())

    def swallowed_since(self, serial: int) -> Note | None:
        """Return, once, the cancellation that the current task has got since a moment and swallowed, if any."""
        return self._take() if self._is_swallowed(serial) else None

    def _take(self) -> Note:
        return self._notes.pop(self.base.current_task())

    def _is_swallowed(self, serial: int) -> bool:
        task = self.base.current_task()
        note = self._notes.get(task)
        if note is None or note.serial < serial or self._is_handled(sys.exception()):
            return False
        if note.is_put_off(sys._getframe()):
            return False
        if task.has_pending_cancellation():
            return True
        del self._notes[task]
        return False

    def _is_handled(self, exc: BaseException | None) -> bool:
        while exc is not None:
            if isinstance(exc, self.cancelled) or any(map(self._is_handled, members(exc))):
                return True
            exc = exc.__context__
        return False

    def warn(self, note: Note) -> None:
        """Warn of what the current task has swallowed."""
        name = self.base.current_task().name
        warn_at(
            f"task {name!r} has swallowed the cancellation that was raised in it at {note.place}, and goes on; "
            "let it pass, or raise it again after cleaning up",
            note.file,
            note.line,
        )

    def follow(self, handle: Any) -> None:
        """Look at how a task ends."""
        self._tasks.add(handle)
        if not getattr(handle, "finished", True):
            self.base.watch_task(handle, partial(self._ended, handle))

    def _ended(self, handle: Any) -> None:
        note = self._notes.pop(handle, None)
        if note is not None and handle.status is HandleStatus.FINISHED:
            report_at(
                f"task {handle.name!r} has swallowed the cancellation that was raised in it at {note.place}, and ended "
                "as if it had finished",
                note.file,
                note.line,
            )

    def follow_current(self) -> None:
        """Know the current task by name."""
        self._tasks.add(self.base.current_task())

    def name_of(self, stack: list[FrameType]) -> str | None:
        """Return the name of the task to which a stack belongs; in any thread."""
        for task in list(self._tasks):
            if getattr(getattr(task, "coro", None), "cr_frame", None) in stack:
                name: str = task.name
                return name
        return None
