"""Whether a block of code makes a checkpoint, on any backend (area HELP).

A suspension can be seen in Python itself: the function that holds the block is left and entered again, of which a
profile function is told (``sys.setprofile``). So what a block awaits, and on what backend, does not matter. The
functions that it awaits are left before it, from the inside outwards, which tells whether it was one of the backend's
shielded waits.

A suspension that is not shielded is a full checkpoint, since a cancelled task is not left waiting. To ask
``checkpoint_due()`` is one too: its yield may be saved by the run's budget (CKPT-5).
"""

from __future__ import annotations

import dis
import sys
import threading
from contextlib import AbstractContextManager
from types import CodeType, FrameType, TracebackType
from typing import Any

from .._backends import NO_CREDIT, current_backend, here

_RETURNS = {number for name, number in dis.opmap.items() if name.startswith("RETURN_")}


class _Active(threading.local):
    """The blocks of this thread, and the profile function and credit that were there before them."""

    def __init__(self) -> None:
        self.blocks: list[_Block] = []
        self.before: Any = None
        self.credit = NO_CREDIT


_active = _Active()


def _on_event(frame: FrameType, event: str, _: object) -> None:
    if event == "return":
        # Also called for a function that is suspended.
        if frame.f_code.co_code[frame.f_lasti] not in _RETURNS:
            for block in _active.blocks:
                block.note_suspension(frame)
    elif event == "call":
        for block in _active.blocks:
            block.note_call(frame)


def _code_of(function: object) -> CodeType | None:
    return getattr(function, "__code__", None)


class _Block(AbstractContextManager[None]):
    """A block that is watched."""

    def __init__(self) -> None:
        self._frame: FrameType | None = None
        self._asked = self._checked = self._shielded = False
        self._suspended = self._interruptible = False

    def __enter__(self) -> None:
        backend = current_backend()
        backend.current_task()  # an error in a callback
        parkers = type(backend.create_parker())
        self._due = _code_of(backend.checkpoint_due)
        self._checks = {_code_of(backend.checkpoint), _code_of(backend.checkpoint_if_cancelled)}
        self._shields = {_code_of(backend.cancel_shielded_checkpoint), _code_of(parkers.park_shielded)}
        self._frame = sys._getframe(1)
        if not _active.blocks:
            _active.before = sys.getprofile()
            # An operation on credit asks nothing that could be seen.
            _active.credit, here.credit = here.credit, NO_CREDIT
        _active.blocks.append(self)
        sys.setprofile(_on_event)

    def note_call(self, frame: FrameType) -> None:
        """Note that a function is called, or goes on."""
        code = frame.f_code
        if code is self._due:
            self._asked = self._asked or self._is_around(frame)
        elif code in self._checks:
            self._checked = self._checked or self._is_around(frame)

    def note_suspension(self, frame: FrameType) -> None:
        """Note that a function is suspended; those that await it will be so next."""
        if frame is self._frame:
            self._suspended = True
            self._interruptible = self._interruptible or not self._shielded
            self._shielded = False
        elif frame.f_code in self._shields and self._is_around(frame):
            self._shielded = True

    def _is_around(self, called: FrameType | None) -> bool:
        while called is not None and called is not self._frame:
            called = called.f_back
        return called is not None

    def stop(self) -> tuple[bool, bool]:
        """Stop watching; return whether the block has checked for a cancellation, and whether it has yielded."""
        _active.blocks.remove(self)
        if not _active.blocks:
            sys.setprofile(_active.before)
            _active.before = None
            if _active.credit.backend is not None:  # its loop has not ended meanwhile
                here.credit = _active.credit
        self._frame = None
        return self._asked or self._checked or self._interruptible, self._asked or self._suspended


class _AssertCheckpoints(_Block):
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        checked, yielded = self.stop()
        if exc is None and not (checked and yielded):
            what = "it yielded, but did not check for a cancellation" if yielded else "it did not yield"
            if not (checked or yielded):
                what = "it neither checked for a cancellation nor yielded"
            raise AssertionError(f"the block made no checkpoint: {what}")


class _AssertNoCheckpoints(_Block):
    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        checked, yielded = self.stop()
        if exc is None and (checked or yielded):
            what = " and ".join(["checked for a cancellation"] * checked + ["yielded"] * yielded)
            raise AssertionError(f"the block made a checkpoint: it {what}")


def assert_checkpoints() -> AbstractContextManager[None]:
    """Return a block that raises ``AssertionError`` at its end if it made no checkpoint; for tests (HELP-4).

    A block has made a checkpoint if it looked for a cancellation of its task and let others run: by
    ``lowlevel.checkpoint()``, by waiting for anything in a way that a cancellation ends, by asking ``checkpoint_due()``
    as operations do that need not wait, or by a check and a shielded yield. One that raises has its error passed on.
    Entering it raises ``NoEventLoopError`` outside of a loop and ``RuntimeError`` in a callback.
    """
    return _AssertCheckpoints()


def assert_no_checkpoints() -> AbstractContextManager[None]:
    """Return a block that raises ``AssertionError`` at its end if it looked for a cancellation or yielded (HELP-5).

    Otherwise as ``assert_checkpoints``.
    """
    return _AssertNoCheckpoints()
