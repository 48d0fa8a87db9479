"""The schedule of one run: asks a plan, cancels for it, and keeps a record of what happened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ...protocols import HandleStatus, RunnableTask, TaskHandle
from .places import Place, place_of
from .plans import Move, Plan

REASON = "injected by explore()"
OWN = "accord.testing.exploring"
"""The name of the task of ``explore`` itself."""


class Abandoned(BaseException):
    """Ends a run that can't be ended by cancelling it."""


class Member:
    """A task of the run, as the record knows it."""

    __slots__ = ("coro", "handle", "label", "number")

    def __init__(self, number: int, label: str, coro: object, handle: TaskHandle[Any] | None) -> None:
        self.number = number
        self.label = label
        self.coro = coro
        self.handle = handle

    def can_be_cancelled(self) -> bool:
        """Whether the task belongs to a group, has not ended and was not cancelled by its handle."""
        return self.handle is not None and self.handle.status is HandleStatus.PENDING

    def waits_at(self) -> Place | None:
        """Where it is suspended; None if it has ended."""
        return place_of(self.coro)


class Event(NamedTuple):
    """A step of a task, or its cancellation by the plan."""

    step: int
    label: str
    place: Place | None
    moved: bool
    """Whether another task would have gone on in the order of arrival."""
    cancelled: bool = False


class Recorder:
    """Satisfies ``protocols.Schedule``.

    :param plan: decides.
    :param label: what the main task is called.
    :param begin: where the main task begins.
    :param admits: whether a task of this name may be cancelled; None if none may.
    :param most: the number of steps after which ``on_endless`` is called; after as many again the run is abandoned.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        label: str,
        begin: Place | None,
        admits: Callable[[str], bool] | None,
        most: int,
        on_endless: Callable[[], object],
    ) -> None:
        self._plan = plan
        self._label = label
        self._begin = begin
        self._admits = admits
        self._most = most
        self._on_endless = on_endless
        self._keys: dict[int, Member] = {}
        self._alive: list[object] = []  # an identity is good for as long as its object lives
        self._names: dict[str, int] = {}
        self.steps = 0
        self.events: list[Event] = []
        self.moves: list[Move] = []
        self.cancelled = False
        """Whether a task was cancelled."""
        self.stopped = False
        """Whether the test was stopped, so that what it does is its clean-up."""
        self.over = False
        """Whether the test has ended."""
        self.abandons = False
        """Whether the run has to end at once."""

    def choose(self, tasks: Sequence[RunnableTask], /) -> int:
        """See ``accord.protocols.Schedule``."""
        for index, task in enumerate(tasks):
            if task.name == OWN:
                if self.abandons:
                    raise Abandoned
                return index
        if self.over:
            return 0
        self.steps += 1
        if self.steps == self._most:
            self._on_endless()
        elif self.steps == 2 * self._most:
            raise Abandoned
        if self.stopped:
            return 0
        members = [self._member(task) for task in tasks]
        if self._admits is not None and not self.cancelled:
            self._cancel_one(self._admits)
        index = self._plan.order(self.steps, [member.number for member in members])
        chosen = members[index]
        place = self._begin if chosen.number == 1 and self.steps == 1 else chosen.waits_at()
        self.events.append(Event(self.steps, chosen.label, place, index > 0))
        if index:
            self.moves.append(Move(self.steps, chosen.number))
        return index

    def _cancel_one(self, admits: Callable[[str], bool]) -> None:
        victims = [
            member
            for member in self._keys.values()
            if member.can_be_cancelled() and member.handle is not None and admits(member.handle.name)
        ]
        if not victims:
            return
        index = self._plan.cancel(self.steps, [member.number for member in victims])
        if index is None:
            return
        self.cancelled = True
        victim = victims[index]
        self.moves.append(Move(self.steps, victim.number, cancels=True))
        self.events.append(Event(self.steps, victim.label, victim.waits_at(), moved=True, cancelled=True))
        assert victim.handle is not None
        victim.handle.cancel(REASON)

    def _member(self, task: RunnableTask) -> Member:
        key = id(task.key)
        member = self._keys.get(key)
        if member is None:
            self._alive.append(task.key)
            label = self._numbered(task.name.rpartition(".")[2] if self._keys else self._label)
            member = self._keys[key] = Member(len(self._keys) + 1, label, task.coro, task.handle)
        member.handle = task.handle  # of a task that is being started there is none yet
        return member

    def _numbered(self, name: str) -> str:
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"

    def waiting(self) -> list[tuple[str, Place]]:
        """The tasks that have not ended, and where they are."""
        places = ((member.label, member.waits_at()) for member in self._keys.values())
        return [(label, place) for label, place in places if place is not None]
