"""The levels as pytest sees them: from outside of the loop, which runs only while pytest waits for something.

A **stage** is a loop for one backend with one set of options, and the levels that are in use on it. It exists as long
as some level does: tests that have no fixtures of a higher scope have a loop each.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any

from .._backends import current_backend
from ..protocols import Backend
from ..testing.runner import Runner
from ..toolkit.errors import prune
from .levels import Entry, Level, Request, deliver

_MISSING: Any = object()


class Held:
    """A fixture that is set up."""

    __slots__ = ("entry", "finish", "floor")

    def __init__(self, floor: Floor, entry: Entry | None, finish: Callable[[], object]) -> None:
        self.floor = floor
        self.entry = entry
        self.finish = finish
        """Has pytest forget the fixture, so that the next test sets it up again."""

    @property
    def gone(self) -> bool:
        """Whether it has ended before pytest has asked for that."""
        return self.floor.level.dead or (self.entry is not None and self.entry.ended)


class Floor:
    """A level, the node of pytest's tree that it is for, and what keeps it open."""

    __slots__ = ("level", "node", "users", "variables")

    def __init__(self, node: Any, level: Level, variables: Mapping[ContextVar[Any], Any]) -> None:
        self.node = node
        self.level = level
        self.users = 0
        self.variables = variables
        """What pytest's context held when the level last looked at it."""

    @property
    def depth(self) -> int:
        """How far down in pytest's tree it is."""
        return len(self.node.listchain())


class Stage:
    """One loop and its levels."""

    def __init__(self, backend: Backend, options: Mapping[str, object]) -> None:
        self.backend = backend
        self.options = options
        self._runner: Runner | None = None
        self._trunk = Level("the session", None)
        self._variables: Mapping[ContextVar[Any], Any] = {}
        self._floors: list[Floor] = []
        self.held: list[Held] = []

    @property
    def has_loop(self) -> bool:
        """Whether a loop is there, because some level is in use."""
        return self._runner is not None

    def open(self, node: Any) -> Floor:
        """Return the level for a node, and begin it if there is none."""
        for floor in self._floors:
            if floor.node is node and not floor.level.dead:
                return floor
        if self._trunk.dead:
            self.end()
        if self._runner is None:
            self._begin()
        depth = len(node.listchain())
        higher = [floor for floor in self._floors if floor.depth < depth and not floor.level.dead]
        parent = max(higher, key=lambda floor: floor.depth).level if higher else self._trunk
        level = Level(node.nodeid or "the session", parent)
        self._ask(parent, Request(lambda: parent.open(level)))
        floor = Floor(node, level, self._variables)
        self._floors.append(floor)
        return floor

    def _begin(self) -> None:
        trunk = self._trunk

        async def plant() -> None:
            current_backend().current_token().start_task(trunk.live)

        self._runner = Runner(backend=self.backend, backend_options=self.options)
        self._variables = dict(copy_context())
        self._runner.run(plant)

    def set_up(
        self,
        floor: Floor,
        name: str,
        function: Callable[..., Any],
        arguments: dict[str, Any],
        finish: Callable[[], object],
    ) -> tuple[Any, Held]:
        """Run a fixture in a level."""
        floor.users += 1
        try:
            value, entry = self._ask_floor(floor, lambda: floor.level.set_up(name, function, arguments))
        except BaseException:
            self.release(floor)
            raise
        held = Held(floor, entry, finish)
        self.held.append(held)
        return value, held

    def tear_down(self, held: Held) -> None:
        """End a fixture, and its level if it was the last."""
        if held not in self.held:
            return
        self.held.remove(held)
        entry, floor = held.entry, held.floor
        try:
            if entry is not None and not held.gone:
                self._ask_floor(floor, lambda: floor.level.tear_down(entry), insist=True)
        finally:
            self.release(floor)

    def call(self, floor: Floor, name: str, test: Callable[[], Awaitable[object]]) -> None:
        """Run a test in a level."""
        self._ask_floor(floor, lambda: floor.level.call(name, test))

    def release(self, floor: Floor) -> None:
        """Take note that a level has a user less, and end it if that was the last."""
        floor.users -= 1
        errors: list[BaseException] = []
        for other in sorted(self._floors, key=lambda floor: -floor.depth):
            if other.users:
                break
            self._floors.remove(other)
            self._attempt(errors, partial(self._close, other))
        if not self._floors:
            self._attempt(errors, self.end)
        if len(errors) > 1:
            raise BaseExceptionGroup("several errors", errors)
        if errors:
            raise errors[0]

    def _attempt(self, errors: list[BaseException], act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as exc:
            errors.append(exc)

    def _close(self, floor: Floor) -> None:
        parent = floor.level.parent
        assert parent is not None
        tasks_end = parent is self._trunk or _is_item(floor.node)
        self._ask(parent, Request(lambda: parent.close(floor.level, look_for_tasks=tasks_end), insist=True))

    def end(self) -> None:
        """End the loop, whatever is still open."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            self._trunk = Level("the session", None)  # the other one leads to all that was in the loop
            runner.close()

    def _ask_floor(self, floor: Floor, act: Callable[[], Awaitable[Any]], *, insist: bool = False) -> Any:
        now = dict(copy_context())
        changed = [
            (variable, value) for variable, value in now.items() if floor.variables.get(variable, _MISSING) is not value
        ]
        floor.variables = now
        return self._ask(floor.level, Request(act, changed, insist=insist))

    def _ask(self, level: Level, request: Request) -> Any:
        if self._runner is None or level.dead:
            if request.insist:
                return None  # it has ended before its time, and what was to be undone with it
            raise RuntimeError(f"the fixtures of {level.name} have ended, because their task was cancelled")
        self._runner.run(deliver, level, request)
        error, request.error = request.error, None
        if error is not None:
            prune(error)
            try:
                raise error
            finally:
                del error
        return request.value


def _is_item(node: Any) -> bool:
    return hasattr(node, "runtest")
