"""Making a failing schedule shorter, so that what is left of it is what the failure needs."""

from __future__ import annotations

from .attempts import Attempt, Subject
from .plans import Script

_MOST_RUNS = 200


def reduce(subject: Subject, failing: Attempt) -> Attempt | None:
    """Return a run that fails in the same way with fewer moves, as far as 200 runs find one; None if none fails again.

    Moves are left out by halves, quarters and so on down to single ones, again and again until nothing can go. What
    counts as the moves of a run is what it did, not what it was told: a move may turn out to be the order of arrival.
    """
    best = Attempt(subject, Script(failing.record.moves))
    if best.kind != failing.kind:
        return None
    runs = 1
    size = len(best.record.moves)
    while size and runs < _MOST_RUNS:
        begin, shorter = 0, False
        while begin < len(best.record.moves) and runs < _MOST_RUNS:
            moves = best.record.moves
            attempt = Attempt(subject, Script(moves[:begin] + moves[begin + size :]))
            runs += 1
            if attempt.kind == failing.kind and len(attempt.record.moves) < len(moves):
                best, shorter = attempt, True
            else:
                begin += size
        size = min(size, len(best.record.moves)) if shorter and size == 1 else size // 2
    return best
