"""Noticing that one step of a task takes long (area DEBUG).

A thread asks the loop for an answer again and again, by its token. As long as there is none, it looks at what the
loop's thread is doing. If that is the same step for as long as the threshold, it says so, once. This costs the loop a
callback for each question and no task anything.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType

from ..exceptions import RunFinishedError
from ..protocols import LoopToken
from .task_tree import is_library, place_of, stack_of
from .warning import report_at

NameOf = Callable[[list[FrameType]], str | None]


class StepWatch:
    """Watches the loop of the thread that makes it."""

    def __init__(self, token: LoopToken, threshold: float, run: CodeType, name_of: NameOf) -> None:
        """Begin to watch.

        :param threshold: seconds that a step may take.
        :param run: the function in which the loop runs: what was called before it is no part of a step.
        :param name_of: tells the name of the task that a stack belongs to.
        """
        self._token = token
        self._threshold = threshold
        self._run = run
        self._name_of = name_of
        self._ident = threading.get_ident()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="accord watches the loop", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        pause = self._threshold / 2
        while not self._ended.wait(pause):
            answered = threading.Event()
            try:
                self._token.call_soon(answered.set)
            except RunFinishedError:
                return
            step: FrameType | None = None
            reported: FrameType | None = None
            waited = pause
            while not answered.wait(waited) and not self._ended.is_set():
                stack = self._stack()
                found = stack[0] if stack else None
                if found is not step:
                    step = found
                    waited = self._threshold
                elif found is not None and found is not reported:
                    reported = found
                    self._report(stack)
                del stack, found
            del step, reported

    def _stack(self) -> list[FrameType]:
        """The frames of the current step, outermost first, from the first one of the program on."""
        stack = stack_of(sys._current_frames().get(self._ident))
        starts = [index for index, frame in enumerate(stack) if frame.f_code is self._run]
        stack = stack[starts[-1] + 1 :] if starts else []
        while stack and is_library(stack[0]):
            del stack[0]
        return stack

    def _report(self, stack: list[FrameType]) -> None:
        name = self._name_of(stack_of(stack[-1]))
        who = f"task {name!r}" if name is not None else "a callback"
        own = [frame for frame in stack if not is_library(frame)]
        where = "\n".join(f"  {place_of(frame)}" for frame in own)
        text = f"{who} has run for more than {self._threshold:g} s without letting others run:\n{where}"
        report_at(text, own[-1].f_code.co_filename, own[-1].f_lineno)
