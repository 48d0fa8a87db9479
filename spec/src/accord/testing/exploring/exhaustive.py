"""All schedules of a test, one after the other.

The choices of a run make a path in a tree: at each step the task that goes on, and, where cancellations are injected,
which task is cancelled before it, if any. A run follows a path as far as that is given, and goes by the first branch
from there on. The next path is the same up to the last place that has another branch, and takes that. So nothing has to
be known of the tree before, and memory is needed for one path only.
"""

from __future__ import annotations

from collections.abc import Sequence


class Unrepeatable(RuntimeError):
    """A test does not do the same in two runs by the same schedule."""


class Tree:
    """Plans for one run after the other; see ``Plan``."""

    def __init__(self) -> None:
        self._path: list[tuple[int, int]] = []  # the branch taken, and how many there are
        self._depth = 0

    def _branch(self, count: int) -> int:
        if count == 1:
            return 0
        if self._depth == len(self._path):
            self._path.append((0, count))
        branch, known = self._path[self._depth]
        if known != count:
            raise Unrepeatable(
                f"the test does not do the same twice: {count} ways to go on where there were {known} before. What is "
                "searched exhaustively must depend on nothing but the order of steps"
            )
        self._depth += 1
        return branch

    def order(self, _step: int, tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        return self._branch(len(tasks))

    def cancel(self, _step: int, tasks: Sequence[int], /) -> int | None:
        """See ``Plan``."""
        branch = self._branch(len(tasks) + 1)
        return branch - 1 if branch else None

    def advance(self) -> bool:
        """Go over to the next path; False if there is none."""
        del self._path[self._depth :]
        self._depth = 0
        while self._path:
            branch, count = self._path.pop()
            if branch + 1 < count:
                self._path.append((branch + 1, count))
                return True
        return False
