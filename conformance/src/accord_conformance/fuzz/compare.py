"""Comparing backends by the traces of random programs.

Two backends may serve tasks that become runnable at the same moment in different orders. So a difference counts only if
no order explains it: the model runs the program under many schedules, and what it can do is what a backend may do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from accord.protocols import Backend

from .interpreter import Trace, trace
from .programs import Block, lines
from .reduce import reduce

Options = Mapping[str, object]


@dataclass(frozen=True)
class Subject:
    """A backend to be compared, with options that give it simulated time."""

    title: str
    backend: str | Backend
    options: Options


@dataclass(frozen=True)
class Reference:
    """A backend whose order of runnable tasks follows from a seed."""

    backend: str | Backend
    options: Options
    schedules: int

    def traces(self, program: Block) -> Iterator[Trace]:
        """Return what it does under one schedule after the other, first in order of arrival."""
        for seed in (None, *range(self.schedules)):
            yield trace(program, self.backend, {**self.options, "seed": seed})


@dataclass(frozen=True)
class Difference:
    """A program that does on one backend what the reference never does."""

    program: Block
    subject: Subject
    found: Trace
    expected: Trace

    def report(self) -> str:
        """Describe the program and the first events that differ."""
        title = self.subject.title
        text = [f"{title} differs", *lines(self.program, "    ")]
        for task in sorted({*self.found, *self.expected}):
            found, expected = self.found.get(task, ()), self.expected.get(task, ())
            if found != expected:
                same = next(
                    (n for n, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b),
                    min(len(found), len(expected)),
                )
                text.append(f"  {task}: after {same} equal events")
                text.append(f"    {title}: {' | '.join(found[same : same + 4]) or 'nothing'}")
                text.append(f"    reference: {' | '.join(expected[same : same + 4]) or 'nothing'}")
        return "\n".join(text)


def compare(program: Block, subjects: Sequence[Subject], reference: Reference) -> tuple[list[Difference], bool]:
    """Return the differences for one program, and whether its outcome depends on the order of runnable tasks."""
    found = [(subject, trace(program, subject.backend, subject.options)) for subject in subjects]
    schedules = reference.traces(program)
    first = next(schedules)
    unexplained = [(subject, outcome) for subject, outcome in found if outcome != first]
    tie = False
    for possible in schedules if unexplained else ():
        tie = tie or possible != first
        unexplained = [(subject, outcome) for subject, outcome in unexplained if outcome != possible]
        if not unexplained:
            break
    return [Difference(program, subject, outcome, first) for subject, outcome in unexplained], tie


def minimise(difference: Difference, reference: Reference) -> Difference:
    """Return a difference of the same backend in a smaller program."""
    smallest = difference

    def differs(program: Block) -> bool:
        nonlocal smallest
        outcome = trace(program, difference.subject.backend, difference.subject.options)
        schedules = reference.traces(program)
        first = next(schedules)
        if outcome == first or outcome in schedules:
            return False
        smallest = replace(difference, program=program, found=outcome, expected=first)
        return True

    reduce(difference.program, differs)
    return smallest
