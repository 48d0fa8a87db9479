"""What a user is told about a failing schedule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from .attempts import Attempt, leaves
from .plans import write
from .recorder import Event

_MOST_EVENTS = 60
_AT_BEGIN = 15


class ScheduleError(AssertionError):
    """A test fails under one of the schedules that were tried; its cause is the test's own error (SCHED-10)."""

    __module__ = "accord.testing"  # where its users find it

    def __init__(self, text: str, *, seed: int | None, schedule: str, trace: str) -> None:
        super().__init__(text)
        self.seed = seed
        """With which ``explore(test, seed=..., schedules=1)`` runs it again; None if it was not found by a seed."""
        self.schedule = schedule
        """What ``replay`` takes."""
        self.trace = trace
        """The steps of the failing run, a line for each."""


def _lines(events: Sequence[Event]) -> list[str]:
    width = min(max((len(event.label) for event in events), default=0), 30)
    places = min(max((len(event.place.where) for event in events if event.place), default=0), 30)
    lines: list[str] = []
    for _, same in groupby(enumerate(events), _sameness):
        run = [event for _, event in same]
        event = run[0]
        where, text = ("", "") if event.place is None else (event.place.where, event.place.text)
        if event.cancelled:
            text = "is cancelled here"
        elif len(run) > 1:
            text += f"  (and so on, to step {run[-1].step})"
        mark, step = ("x", "") if event.cancelled else (">" if event.moved else " ", event.step)
        lines.append(f"  {mark} {step:>4}  {event.label:<{width}}  {where:<{places}}  {text}".rstrip())
    return lines


def _sameness(numbered: tuple[int, Event]) -> object:
    """Equal for steps that can be shown on one line: a task that goes on at the same place, in its turn."""
    index, event = numbered
    return index if event.moved else (event.label, event.place)


def trace_of(attempt: Attempt) -> str:
    """Return the steps of a run as text."""
    lines = _lines(attempt.record.events)
    left_out = len(lines) - _MOST_EVENTS
    if left_out > 1:
        lines[_AT_BEGIN : _AT_BEGIN + left_out] = [f"    ... {left_out} more ..."]
    return "\n".join(lines)


def error_of(
    attempt: Attempt,
    *,
    seed: int | None = None,
    number: int | None = None,
    most: int | None = None,
    moves_found: int | None = None,
    unstable: bool = False,
) -> ScheduleError:
    """Return the error for a failing run, which was found as schedule ``number`` of ``most``.

    :param moves_found: how many moves the schedule had before it was reduced.
    :param unstable: whether a second run by the same schedule did not fail.
    """
    subject, record = attempt.subject, attempt.record
    name, schedule = subject.name, write(record.moves)
    backend = f'backend="{subject.backend.name}"'
    found = "" if number is None else f" in schedule {number}" + ("" if most is None else f" of {most}")
    lines = [f"{name} fails{found} on {subject.backend.name}: {_what(attempt)}"]
    injects = ", inject_cancellation=True" if subject.admits is not None else ""
    lines.append(f'  again: replay({name}, "{schedule}", {backend})')
    if seed is not None:
        lines.append(f"  or:    explore({name}, seed={seed}, schedules=1{injects}, {backend})")
    if unstable:
        lines.append(
            "  A second run by the same schedule did not fail: the test depends on more than the order of steps "
            "(threads, random numbers, the order of sets, what an earlier run left behind)."
        )
    moves = len(record.moves)
    marks = "no moves" if not moves else "1 move" if moves == 1 else f"{moves} moves"
    if moves_found is not None and moves_found > moves:
        marks += f", reduced from {moves_found}"
    marks += ": > goes on before its turn, x is cancelled" if moves else ": all in the order of arrival"
    trace = trace_of(attempt)
    lines += [f"  Steps, each with the line where the task goes on ({marks}):", trace]
    if attempt.waiting:
        lines.append("  Tasks that were left, and where they wait:")
        width = max(len(label) for label, _ in attempt.waiting)
        lines += [f"    {label:<{width}}  {place.where}  {place.text}" for label, place in attempt.waiting]
    return ScheduleError("\n".join(lines), seed=seed, schedule=schedule, trace=trace)


def _what(attempt: Attempt) -> str:
    if attempt.problem is not None:
        return attempt.problem
    if attempt.error is None:
        return "nothing"
    first, *others = leaves(attempt.error)
    text = str(first).partition("\n")[0]
    more = f" (and {len(others)} more)" if others else ""
    return f"{type(first).__name__}: {text}{more}" if text else f"{type(first).__name__}{more}"
