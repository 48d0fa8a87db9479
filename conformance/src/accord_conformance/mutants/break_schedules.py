"""Mutants of schedules (area SCHED)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from accord.protocols import RunnableTask
from accord.testing.exploring import attempts, places, plans, recorder, running
from accord.testing.exploring.exhaustive import Tree

from .making import Broken, around, mutant, replace

Choose = Callable[[Sequence[RunnableTask]], int]


class Between:
    """Stands between a backend and a schedule."""

    def __init__(self, choose: Choose, between: Callable[[Choose, Sequence[RunnableTask]], int]) -> None:
        self._choose = choose
        self._between = between

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """See ``accord.protocols.Schedule``."""
        return self._between(self._choose, tasks)


def returning(value: object) -> Callable[..., Any]:
    """Return a function that always returns this value."""

    def function(*_: Any) -> Any:
        return value

    return function


def put_between(broken: Broken, between: Callable[[Choose, Sequence[RunnableTask]], int]) -> None:
    """Have each call of a schedule go through a function."""

    def run(main: Any, args: Any, options: Any) -> Any:
        schedule = options.get("schedule")
        if schedule is not None and hasattr(schedule, "choose"):
            options = {**options, "schedule": Between(schedule.choose, between)}
        return broken.base.run(main, args, options)

    broken.run = run


@mutant("SCHED-1")
def answers_are_ignored(broken: Broken) -> None:
    """The schedule is asked, and then the task goes on whose turn it is."""

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        choose(tasks)
        return 0

    put_between(broken, between)


@mutant("SCHED-1", base="trio")
def two_are_enough(broken: Broken) -> None:
    """Only two of the runnable tasks are offered."""
    put_between(broken, lambda choose, tasks: choose(tasks[:2]))


@mutant("SCHED-2")
def the_newest_comes_first(broken: Broken) -> None:
    """Tasks are offered in the wrong order."""
    put_between(broken, lambda choose, tasks: len(tasks) - 1 - choose(tasks[::-1]))


@mutant("SCHED-2", base="trio")
def no_turn_is_kept(broken: Broken) -> None:
    """Tasks are offered in the order of their names, however long they have waited."""

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        ordered = sorted(range(len(tasks)), key=lambda index: tasks[index].name, reverse=True)
        return ordered[choose([tasks[index] for index in ordered])]

    put_between(broken, between)


@mutant("SCHED-3")
def callbacks_are_shuffled(broken: Broken) -> None:
    """Callbacks are kept back for some steps, and carried out in another order."""
    waiting: list[Callable[[], object]] = []
    token = broken.token
    call_soon = token.call_soon
    calls: list[None] = []

    def keep(self: Any, func: Any, *args: Any) -> None:
        waiting.append(lambda: call_soon(self, func, *args))

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        token.call_soon = keep
        calls.append(None)
        if len(calls) % 4 == 0:
            while waiting:
                waiting.pop()()
        return choose(tasks)

    put_between(broken, between)


@mutant("SCHED-4")
def new_tasks_have_no_handle(broken: Broken) -> None:
    """A task gets its handle with its second step."""
    known: set[int] = set()

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        index = choose([task if id(task.key) in known else task._replace(handle=None) for task in tasks])
        known.add(id(tasks[index].key))
        return index

    put_between(broken, between)


@mutant("SCHED-4", base="trio")
def handles_of_what_is_being_started(broken: Broken) -> None:
    """A task has the handle that it will get when it is started."""
    later: dict[int, Any] = {}

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        for task in tasks:
            if task.handle is None and task.name == "service":
                later[id(task.key)] = object()
        return choose([task._replace(handle=task.handle or later.get(id(task.key))) for task in tasks])

    put_between(broken, between)


@mutant("SCHED-5")
def errors_of_schedules_are_swallowed(broken: Broken) -> None:
    """A schedule that fails is taken for one that has no opinion."""

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        try:
            return choose(tasks)
        except BaseException:
            return 0

    put_between(broken, between)


@mutant("SCHED-6")
def the_order_is_not_the_same_twice(broken: Broken) -> None:
    """The tasks are offered in an order that depends on chance."""
    random = Random()

    def between(choose: Choose, tasks: Sequence[RunnableTask]) -> int:
        order = random.sample(range(len(tasks)), len(tasks))
        return order[choose([tasks[index] for index in order])]

    put_between(broken, between)


@mutant("SCHED-7")
def schedules_stay(broken: Broken) -> None:
    """What was set for one run is not taken back."""
    last: dict[str, Any] = {}

    def run(main: Any, args: Any, options: Any) -> Any:
        if "schedule" in options:
            last["schedule"] = options["schedule"]
        return broken.base.run(main, args, {**last, **options})

    broken.run = run


@mutant("SCHED-8")
def always_in_turn(_: Broken) -> None:
    """The order of arrival is the only one that is tried."""
    replace(plans.Seeded, order=returning(0))


@mutant("SCHED-8")
def walks_only(_: Broken) -> None:
    """There are no priorities, so that nobody is left behind for long."""

    def order(self: Any, _step: int, tasks: Sequence[int]) -> int:
        index: int = self._random.randrange(len(tasks))
        return index

    replace(plans.Priorities, order=order)


@mutant("SCHED-9")
def the_seed_is_not_used(_: Broken) -> None:
    """Each search draws a seed of its own."""

    def draw(_seed: object) -> int:
        return Random().getrandbits(32)

    replace(running, _checked_seed=draw)


@mutant("SCHED-9")
def a_schedule_depends_on_those_before(_: Broken) -> None:
    """The seed that is told is not one that the schedule begins with."""

    def seeds(seed: int) -> Iterator[int]:
        random = Random(seed)
        while True:
            yield random.getrandbits(32)

    replace(running, _seeds=seeds)


@mutant("SCHED-10")
def traces_lead_into_the_library(_: Broken) -> None:
    """The lines are the innermost ones, which are accord's."""
    replace(places, _is_users=returning(True))


@mutant("SCHED-10")
def replays_go_their_own_way(_: Broken) -> None:
    """A replay takes the tasks in turn."""
    replace(running, read=returning([]))


@mutant("SCHED-11")
def nobody_knows_who_waits(_: Broken) -> None:
    """The error of a deadlock does not say where the tasks are."""
    replace(recorder.Recorder, waiting=returning([]))


@mutant("SCHED-11")
def who_sleeps_is_dead(_: Broken) -> None:
    """A task that sleeps for an hour counts as one that waits for ever."""
    replace(attempts, HORIZON=3600.0)


@mutant("SCHED-12")
def no_limit(_: Broken) -> None:
    """One task may go on for as long as it likes."""
    replace(plans, FAIR=10**9)


@mutant("SCHED-13")
def as_it_was_found(_: Broken) -> None:
    """The failing schedule is told as it is."""

    def keep(_subject: object, failing: attempts.Attempt) -> attempts.Attempt:
        return failing

    replace(running, reduce=keep)


@mutant("SCHED-14")
def nothing_is_injected(_: Broken) -> None:
    """No task is ever cancelled."""
    replace(plans.Seeded, cancel=returning(None))


@mutant("SCHED-14")
def anybody_is_cancelled(_: Broken) -> None:
    """The function that says who may be cancelled is not asked."""

    def wrapper(original: Any, self: Any, *args: Any) -> None:
        original(self, *args)
        if self.admits is not None:
            self.admits = returning(True)

    around(attempts.Subject, "__init__", wrapper)


@mutant("SCHED-14")
def two_are_cancelled(_: Broken) -> None:
    """After the first task others are cancelled too."""

    def wrapper(original: Any, self: Any, admits: Any) -> None:
        original(self, admits)
        self.cancelled = False

    around(recorder.Recorder, "_cancel_one", wrapper)


@mutant("SCHED-15")
def yields_are_skipped(_: Broken) -> None:
    """The budget is as in any other run."""

    def wrapper(original: Any, self: Any, *args: Any) -> None:
        original(self, *args)
        self.options.pop("checkpoint_budget")

    around(attempts.Subject, "__init__", wrapper)


@mutant("SCHED-16")
def two_branches(_: Broken) -> None:
    """At each place no more than two ways to go on are tried."""

    def wrapper(original: Any, self: Any, count: int) -> Any:
        return original(self, min(count, 2))

    around(Tree, "_branch", wrapper)


@mutant("SCHED-16")
def always_complete(_: Broken) -> None:
    """The search takes the first place without another branch for its end."""

    def advance(self: Any) -> bool:
        self._depth = 0
        branch, count = self._path.pop() if self._path else (0, 0)
        if branch + 1 < count:
            self._path.append((branch + 1, count))
            return True
        return False

    replace(Tree, advance=advance)


@mutant("SCHED-17")
def skips_are_failures(_: Broken) -> None:
    """Whatever a test raises is a failure."""
    replace(attempts.Attempt, _raise_other=returning(None))
