"""``explore``: running a test under many schedules, until one fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Any, TypeVarTuple, Unpack

from ..._backends import choose_backend
from ...protocols import Backend
from ...toolkit.coroutines import call_for_coroutine
from .attempts import Attempt, Subject
from .exhaustive import Tree
from .plans import Plan, Script, Seeded, read
from .reducing import reduce
from .reports import error_of

Ts = TypeVarTuple("Ts")

MOST_STEPS = 10_000
MOST_SCHEDULES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExploreResult:
    """What ``explore`` has done, if it found nothing."""

    schedules: int
    """How many schedules were run."""
    steps: int
    """How many steps of tasks these had, taken together."""
    cancelled: int
    """In how many of them a task was cancelled."""
    seed: int | None
    """The seed that they came from; None for an exhaustive search."""
    complete: bool
    """Whether there is no other schedule: all were tried."""


def explore(
    test: Callable[[Unpack[Ts]], Awaitable[object]],
    /,
    *args: *Ts,
    backend: str | Backend | None = None,
    backend_options: Mapping[str, object] | None = None,
    schedules: int = 100,
    seed: int | None = None,
    inject_cancellation: bool | Callable[[str], bool] = False,
    exhaustive: bool = False,
    max_schedules: int = MOST_SCHEDULES,
    max_steps: int = MOST_STEPS,
) -> ExploreResult:
    """Run ``test(*args)`` again and again, with the steps of its tasks in another order each time, until it fails.

    Each run has a new loop and virtual time; and operations that need not wait yield, so that others may come between.
    A run fails if the test raises an exception, if its tasks wait for each other for ever, or if there is no end to it.

    :param backend: as for ``accord.run``. It needs the run option ``schedule``.
    :param backend_options: further options of the backend.
    :param schedules: how many schedules are tried.
    :param seed: from which all schedules are drawn; by default a new one each time, which the error tells.
    :param inject_cancellation: whether in each run one task may be cancelled, at any of its checkpoints, as by its
        handle; or which, as a function of the task's name. Only tasks of task groups are, never the one that runs the
        test itself.
    :param exhaustive: whether all schedules are tried, one after the other, instead of ``schedules`` random ones.
    :param max_schedules: after how many an exhaustive search gives up; the result's ``complete`` tells.
    :param max_steps: a run with more steps of tasks has no end, so that it has failed.

    Raises ``ScheduleError`` for the first schedule that fails, after making it shorter, with the test's error as cause;
    what a test raises that is no failure (``KeyboardInterrupt``, a skip) as it is; ``TypeError`` and ``ValueError`` for
    wrong arguments; ``RuntimeError`` inside a loop, and in an exhaustive search if the test does not do the same twice.
    Rules SCHED-8 to SCHED-17.
    """
    __tracebackhide__ = True
    subject = _subject(test, args, backend, backend_options, inject_cancellation, max_steps)
    if exhaustive:
        if seed is not None:
            raise ValueError("an exhaustive search draws nothing, so that it takes no seed")
        return _explore_all(subject, _positive(max_schedules, "max_schedules"))
    return _explore_some(subject, _positive(schedules, "schedules"), _checked_seed(seed))


def replay(
    test: Callable[[Unpack[Ts]], Awaitable[object]],
    schedule: str,
    /,
    *args: *Ts,
    backend: str | Backend | None = None,
    backend_options: Mapping[str, object] | None = None,
    max_steps: int = MOST_STEPS,
) -> None:
    """Run ``test(*args)`` once, under the schedule that a ``ScheduleError`` has told.

    :param schedule: such as ``"12.3-c15.2"``: at step 12 task 3 goes on before its turn, and before step 15 task 2 is
        cancelled; ``"arrival"`` for no such moves. Tasks are numbered in the order in which they were first runnable.
    :param backend: the same that it was found on.
    :param backend_options: the same as then.
    :param max_steps: as for ``explore``.

    Raises ``ScheduleError`` if the test fails, ``ValueError`` for what is no schedule, and otherwise as ``explore``.
    """
    __tracebackhide__ = True
    if not isinstance(schedule, str):
        raise TypeError(f"schedule must be a str, not {type(schedule).__name__}")
    moves = read(schedule)
    injects = any(move.cancels for move in moves)
    subject = _subject(test, args, backend, backend_options, injects, max_steps)
    attempt = Attempt(subject, Script(moves))
    if attempt.kind is not None:
        raise error_of(attempt) from attempt.error


def explored(
    test: Callable[..., Awaitable[object]], /, *args: Any, **options: Any
) -> Callable[[str | Backend | None, Mapping[str, object] | None], ExploreResult]:
    """Return a function of a backend and its options that explores ``test(*args)``: for test frameworks.

    :param options: those of ``explore``.
    """

    def explore_on(backend: str | Backend | None, backend_options: Mapping[str, object] | None) -> ExploreResult:
        __tracebackhide__ = True
        return explore(test, *args, backend=backend, backend_options=backend_options, **options)

    return explore_on


def _subject(
    test: Callable[..., Awaitable[object]],
    args: tuple[Any, ...],
    backend: str | Backend | None,
    options: Mapping[str, object] | None,
    inject: bool | Callable[[str], bool],
    max_steps: int,
) -> Subject:
    if not callable(test):
        call_for_coroutine(test, args)
    if not isinstance(inject, bool) and not callable(inject):
        raise TypeError(f"inject_cancellation must be a bool or a function, not {type(inject).__name__}")
    admits = _everything if inject is True else None if inject is False else inject
    return Subject(test, args, choose_backend(backend), options or {}, admits, _positive(max_steps, "max_steps"))


def _everything(_name: str) -> bool:
    return True


def _positive(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")
    return value


def _checked_seed(seed: object) -> int:
    if seed is None:
        return SystemRandom().getrandbits(32)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed must be an int, not {type(seed).__name__}")
    return seed


def _seeds(seed: int) -> Iterator[int]:
    """The seeds of the schedules: of the first, which alone is the same again, and what is drawn from it."""
    yield seed
    random = Random(seed)
    while True:
        yield random.getrandbits(32)


class _Tally:
    """Counts, and ends the search at a failure."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.schedules = self.steps = self.cancelled = 0

    def run(self, plan: Plan, seed: int | None, most: int | None) -> None:
        """Run the test once; ``ScheduleError`` if it fails."""
        __tracebackhide__ = True
        attempt = Attempt(self.subject, plan)
        self.schedules += 1
        self.steps += attempt.record.steps
        self.cancelled += attempt.record.cancelled
        if attempt.kind is None:
            return
        reduced = reduce(self.subject, attempt)
        shown = reduced or attempt
        raise error_of(
            shown,
            seed=seed,
            number=self.schedules,
            most=most,
            moves_found=len(attempt.record.moves),
            unstable=reduced is None,
        ) from shown.error

    def result(self, seed: int | None, complete: bool) -> ExploreResult:
        """Return what there is to say."""
        return ExploreResult(
            schedules=self.schedules, steps=self.steps, cancelled=self.cancelled, seed=seed, complete=complete
        )


def _explore_some(subject: Subject, count: int, seed: int) -> ExploreResult:
    __tracebackhide__ = True
    tally = _Tally(subject)
    for _, own in zip(range(count), _seeds(seed), strict=False):
        tally.run(Seeded(own), own, count)
    return tally.result(seed, complete=False)


def _explore_all(subject: Subject, most: int) -> ExploreResult:
    __tracebackhide__ = True
    tally = _Tally(subject)
    tree = Tree()
    while tally.schedules < most:
        tally.run(tree, None, None)
        if not tree.advance():
            return tally.result(None, complete=True)
    return tally.result(None, complete=False)
