"""The method: short blocks in turns, and ratios of neighbours.

For every row each contender first finds out how many repetitions fill a block. Then the contenders take turns, in
another order each round, so that a slow moment of the machine meets all of them. The ratio that is reported is the
median of the rounds' ratios; the time that is reported is the best block's. Garbage is collected before each block,
and the collector is left on, because the garbage that a library makes is a part of its price.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from .contenders import Contender
from .rows import Row

SUBJECT = "accord"


@dataclass(frozen=True)
class Plan:
    """How long to measure."""

    rounds: int = 9
    block: float = 0.06
    """Seconds that a block should take."""


QUICK = Plan(rounds=3, block=0.012)


@dataclass
class Result:
    """What was measured for one row; all dictionaries by contender."""

    row: Row
    times: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Seconds for one job, block by block."""
    errors: dict[str, str] = field(default_factory=dict[str, str])

    def best(self, title: str) -> float | None:
        """Return the best time of a contender, in microseconds."""
        times = self.times.get(title)
        return min(times) * 1e6 if times else None

    def ratio(self, title: str) -> float | None:
        """Return accord's time divided by another's."""
        ours, theirs = self.times.get(SUBJECT), self.times.get(title)
        if not ours or not theirs:
            return None
        return median(mine / other for mine, other in zip(ours, theirs, strict=True))


def measure(row: Row, contenders: Sequence[Contender], plan: Plan) -> Result:
    """Measure one row; a contender that fails is left out and its error noted."""
    result = Result(row)
    sizes: list[tuple[Contender, int]] = []
    for contender in contenders:
        try:
            sizes.append((contender, _repetitions(row, contender, plan)))
        except Exception as error:
            result.errors[contender.title] = f"{type(error).__name__}: {error}"
    for number in range(plan.rounds):
        turn = number % len(sizes) if sizes else 0
        for contender, n in sizes[turn:] + sizes[:turn]:
            gc.collect()
            result.times.setdefault(contender.title, []).append(contender.time(row, n) / n)
    return result


def _repetitions(row: Row, contender: Contender, plan: Plan) -> int:
    """Return how many repetitions fill a block; this also warms everything up."""
    contender.time(row, 1)  # may import modules, which would look like a slow operation
    n = 1
    while True:
        elapsed = contender.time(row, n)
        if elapsed > plan.block / 3:
            return max(1, round(n * plan.block / elapsed))
        n *= max(2, min(20, int(plan.block / max(elapsed, 1e-7) / 2)))
