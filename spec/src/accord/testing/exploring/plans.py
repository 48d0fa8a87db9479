"""Plans: which of the runnable tasks goes on, and which one is cancelled, in one run of a test.

**Seeded plans** draw everything from one number. A tenth of them keep the order of arrival. The others are, half and
half:

* a *random walk*: every step is drawn among the runnable tasks. Finds what many orders lead to.
* *priorities* (PCT, "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", 2010): each task gets a
  random priority at its first step, and the runnable one with the highest goes on until it waits. At up to three points
  of the run the one that would go on falls behind all others. Finds what needs a task to be left behind for long,
  which a random walk hardly ever does. The chance to find a bug that depends on the order of d steps falls only with
  the (d-1)th power of the number of steps.

A **script** repeats the moves that it is given, and keeps the order of arrival otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple, Protocol

_KEEPS_ORDER = 0.1
_WALKS = 0.55
FAIR = 50
"""How often one task may go on while others could: a loop that asks again and again has to let the others answer."""


class Move(NamedTuple):
    """One deviation from the order of arrival, without any cancellation."""

    step: int
    """Before which step, from 1."""
    task: int
    """The number of the task, in the order in which the tasks of the run were first seen, from 1."""
    cancels: bool = False
    """Whether the task is cancelled, and not the one to go on."""


class Plan(Protocol):
    """Decides about the steps of one run; each task is given by its number."""

    def order(self, step: int, tasks: Sequence[int], /) -> int:
        """Return the index of the task that takes the step; the first in ``tasks`` has been runnable for longest."""
        ...

    def cancel(self, step: int, tasks: Sequence[int], /) -> int | None:
        """Return the index of the task that is cancelled before the step, or None."""
        ...


class Walk:
    """Every step is drawn."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def order(self, _step: int, tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        return self._random.randrange(len(tasks))


class Arrival:
    """Who was runnable first goes on first."""

    def order(self, _step: int, _tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        return 0


class Priorities:
    """The task with the highest priority goes on; at some points of the run it falls behind."""

    def __init__(self, random: Random) -> None:
        self._random = random
        # How long the run will be is not known. So lengths of all magnitudes are tried.
        length = 2 ** random.randint(2, 9)
        self._points = {random.randint(1, length) for _ in range(random.randint(0, 3))}
        self._priorities: dict[int, float] = {}
        self._lowest = 0.0
        self._last = 0
        self._times = 0

    def order(self, step: int, tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        for task in tasks:
            if task not in self._priorities:
                self._priorities[task] = self._random.random()
        first = max(tasks, key=self._priorities.__getitem__)
        self._times = self._times + 1 if first == self._last else 0
        if step in self._points or self._times >= FAIR:
            self._lowest -= 1.0
            self._priorities[first] = self._lowest
            self._times = 0
            first = max(tasks, key=self._priorities.__getitem__)
        self._last = first
        return tasks.index(first)


class Seeded:
    """A plan that one number decides about."""

    def __init__(self, seed: int) -> None:
        random = Random(seed)
        kind = random.random()
        self._orders = Arrival() if kind < _KEEPS_ORDER else Walk(random) if kind < _WALKS else Priorities(random)
        # Drawn apart, so that the order is the same with and without a cancellation up to the point of that.
        self._cancels = Random(~seed)
        self._chance = 2.0 ** -self._cancels.randint(1, 6)

    def order(self, step: int, tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        return self._orders.order(step, tasks)

    def cancel(self, _step: int, tasks: Sequence[int], /) -> int | None:
        """See ``Plan``."""
        return self._cancels.randrange(len(tasks)) if self._cancels.random() < self._chance else None


class Script:
    """A plan that consists of moves; those that are not possible are left out."""

    def __init__(self, moves: Iterable[Move]) -> None:
        moves = list(moves)
        self._orders = {move.step: move.task for move in moves if not move.cancels}
        self._cancels = {move.step: move.task for move in moves if move.cancels}

    def order(self, step: int, tasks: Sequence[int], /) -> int:
        """See ``Plan``."""
        task = self._orders.get(step)
        return tasks.index(task) if task in tasks else 0

    def cancel(self, step: int, tasks: Sequence[int], /) -> int | None:
        """See ``Plan``."""
        task = self._cancels.get(step)
        return tasks.index(task) if task in tasks else None


_ARRIVAL = "arrival"


def write(moves: Sequence[Move]) -> str:
    """Return moves as a compact string: ``12.3`` for task 3 at step 12, ``c12.3`` if it is cancelled before it."""
    return "-".join(f"{'c' if move.cancels else ''}{move.step}.{move.task}" for move in moves) or _ARRIVAL


def read(text: str) -> list[Move]:
    """Return the moves that a string stands for; ``ValueError`` if it is none."""
    moves: list[Move] = []
    for word in text.split("-") if text != _ARRIVAL else ():
        step, dot, task = word.removeprefix("c").partition(".")
        if not (dot and step.isdecimal() and task.isdecimal()):
            raise ValueError(f"{text!r} is no schedule: expected a string such as '12.3-c15.2', or {_ARRIVAL!r}")
        moves.append(Move(int(step), int(task), word.startswith("c")))
    return moves
