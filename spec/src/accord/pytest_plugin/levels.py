"""The tasks in which fixtures and tests run.

Each scope that is in use (session, package, module, class, function) has a task, its **level**, a child of the next
higher one's. All fixtures of a level run in its task, and a test runs in that of its function fixtures, so that cancel
scopes and task groups may span a ``yield``, context variables are seen below, and a scope that a higher fixture holds
open covers everything lower.

A level does what pytest asks for, one **request** after the other, and waits in between. What it has to undo is a
stack of **entries**: suspended generators, of fixtures or of the task group that the lower levels are children of.

If a task in a fixture's group fails, the group's scope is cancelled, and the level's wait, or what it is doing, raises
the cancellation. It is then thrown into the entries, innermost first, until one takes it: the one whose scope it was.
The error that comes out of that entry is what the running test fails with. If no entry takes the cancellation it
belongs to a higher level. This level is then over, and passes what pytest waits for on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from math import inf
from typing import Any

from .._backends import current_backend
from .._tasks import create_task_group, get_running_tasks
from ..protocols import CancelScope, Parker, TaskGroup, TaskHandle, TaskInfo
from ..toolkit.errors import members, split

LAST_STEPS = 20
"""How many turns of the loop a task may still take to end before it counts as left behind."""


KEPT = frozenset({"accord.to_process._Pool.keep"})
"""Tasks that accord keeps for as long as the loop runs, whoever was the first to need them."""


class Trouble(AssertionError):
    """What the plugin itself has to say of a test: its text is shown without a traceback."""


class Request:
    """Something that a level is to do while pytest waits for it."""

    __slots__ = ("_parker", "_settled", "act", "caller", "error", "insist", "value", "variables")

    def __init__(
        self,
        act: Callable[[], Awaitable[Any]],
        variables: Sequence[tuple[ContextVar[Any], Any]] = (),
        *,
        insist: bool = False,
    ) -> None:
        """
        :param act: what to do.
        :param variables: context variables to set first.
        :param insist: whether it has to be done even if the level is cancelled: it undoes something.
        """
        self.act = act
        self.variables = variables
        self.insist = insist
        self.value: Any = None
        self.error: BaseException | None = None
        self.caller = 0
        self._settled = False
        self._parker: Parker[None] | None = None

    def settle(self, value: Any, errors: list[BaseException]) -> None:
        """Let pytest go on."""
        self.value, self.error = value, joined(errors)
        self._settled = True
        if self._parker is not None:
            self._parker.unpark(None)

    async def wait(self, *, shielded: bool = False) -> None:
        """Wait until it has been dealt with."""
        backend = current_backend()
        self.caller = backend.current_task().id
        while not self._settled:
            parker = self._parker = backend.create_parker()
            await (parker.park_shielded() if shielded else parker.park())


async def deliver(level: Level, request: Request) -> None:
    """Have a level deal with a request: what runs while pytest waits. Ctrl-C cancels it, and then the level."""
    level.take(request)
    try:
        await request.wait()
    except current_backend().cancelled_exc_class:
        level.interrupt()
        await request.wait(shielded=True)
        raise


def joined(errors: list[BaseException]) -> BaseException | None:
    """Return one error for several."""
    if len(errors) > 1:
        return BaseExceptionGroup("several errors", errors)
    return errors[0] if errors else None


class Entry:
    """A generator that is suspended at its ``yield``."""

    __slots__ = ("children", "ended", "generator", "group", "leaky", "name")

    def __init__(self, name: str, generator: AsyncGenerator[Any, None], group: TaskGroup | None = None) -> None:
        self.name = name
        self.generator = generator
        self.group = group
        self.children = 0
        self.leaky = False
        """Whether a lower level has left a scope open, of which the backend will complain once more."""
        self.ended = False
        """Whether it is over, also if a cancellation has ended it before its time."""

    async def finish(self) -> None:
        """Let it run to its end."""
        self.ended = True
        try:
            await self.generator.asend(None)
        except StopAsyncIteration:
            return
        await self.generator.aclose()
        raise RuntimeError(f"async fixture {self.name!r} has more than one yield")

    async def throw(self, cancellation: BaseException) -> bool:
        """Throw a cancellation into it; whether it went on to its end as if nothing were."""
        self.ended = True
        try:
            await self.generator.athrow(cancellation)
        except StopAsyncIteration:
            return True
        await self.generator.aclose()
        raise RuntimeError(f"async fixture {self.name!r} was cancelled and went on to another yield")


async def _children(name: str) -> AsyncGenerator[TaskGroup, None]:
    async with create_task_group(name=name) as group:
        yield group


class Level:
    """One level: a task and what it has to undo."""

    def __init__(self, name: str, parent: Level | None) -> None:
        self.name = name
        self.parent = parent
        self.dead = False
        """Whether it was cancelled from above or by Ctrl-C; its fixtures are gone."""
        self._entries: list[Entry] = []
        self._inbox: list[Request] = []
        self._parker: Parker[None] | None = None
        self._scope: CancelScope | None = None
        self._interrupted = False
        self._closing = False
        self._current: Request | None = None
        self._orphans: list[Request] = []
        self._failures: list[BaseException] = []
        self._before: set[int] = set()
        self._handle: TaskHandle[None] | None = None
        self._place: Entry | None = None
        """The parent's entry for the group that the level is a task of."""
        self._task_id = 0

    def take(self, request: Request) -> None:
        """Put a request in the queue; on the loop's thread."""
        self._inbox.append(request)
        if self._parker is not None:
            self._parker.unpark(None)

    def interrupt(self) -> None:
        """Cancel what the level does, and end it."""
        self._interrupted = True
        if self._scope is not None:
            self._scope.cancel("the test was interrupted")

    async def live(self) -> None:
        """Deal with requests until the level is closed; what the level's task runs."""
        backend = current_backend()
        self._task_id = backend.current_task().id
        with backend.create_cancel_scope(inf, None, False) as self._scope:
            if self._interrupted:
                self._scope.cancel("the test was interrupted")
            while not self._closing:
                try:
                    if self._inbox:
                        self._current = self._inbox.pop(0)
                        await self._carry_out(self._current)
                    else:
                        self._parker = backend.create_parker()
                        await self._parker.park()
                except backend.cancelled_exc_class as exc:
                    await self._unwind(exc)
                finally:
                    self._parker = None
        # Reached by a cancelled level too, if the scope that was cancelled is its own.
        self.dead = True

    async def _carry_out(self, request: Request) -> None:
        errors: list[BaseException] = []
        value = None
        backend = current_backend()
        for variable, content in request.variables:
            variable.set(content)
        try:
            value = await request.act()
        except BaseException as exc:
            cancelled, error = split(exc, backend.cancelled_exc_class)
            if cancelled is not None and backend.current_effective_deadline() == -inf:
                if error is not None:
                    self._failures.append(error)
                raise _leaf(cancelled) from None
            errors.append(exc if cancelled is not exc else _stray(exc))
        self._current = None
        request.settle(value, [*errors, *self._pop_failures()])

    def _pop_failures(self) -> list[BaseException]:
        failures, self._failures = self._failures, []
        return failures

    async def _unwind(self, cancellation: BaseException) -> None:
        """Find the entry whose cancellation this is; raise it if there is none."""
        kind = current_backend().cancelled_exc_class
        taken = False
        name = ""
        while self._entries and not taken:
            entry = self._entries.pop()
            name = entry.name
            try:
                taken = await entry.throw(cancellation)
            except BaseException as exc:
                cancelled, error = split(exc, kind)
                if error is not None and not (entry.group is not None and entry.leaky):
                    self._failures.append(error)
                if cancelled is None:
                    taken = True
                else:
                    cancellation = _leaf(cancelled)
        waiting = [request for request in (self._current, *self._inbox, *self._orphans) if request is not None]
        self._current, self._inbox, self._orphans = None, [], []
        if taken:
            self._answer(waiting, name)
            return
        self.dead = True
        if self.parent is None or self._interrupted:
            self._interrupt(waiting)
        else:
            self.parent._orphans += waiting
            self.parent._failures += self._pop_failures()
        raise cancellation

    def _answer(self, waiting: list[Request], name: str) -> None:
        """Tell those who wait for something what has come in between; what undoes something goes on."""
        for request in waiting:
            if request.insist:
                self._inbox.append(request)
            else:
                failures = self._pop_failures()
                request.settle(
                    None,
                    failures or [Trouble(f"cancelled: the scope of the async fixture {name!r} was cancelled")],
                )

    def _interrupt(self, waiting: list[Request]) -> None:
        for request in waiting:
            request.settle(None, [*self._pop_failures(), RuntimeError("interrupted")])

    async def set_up(
        self, name: str, function: Callable[..., Any], arguments: dict[str, Any]
    ) -> tuple[Any, Entry | None]:
        """Run a fixture; return its value and, if there is something to undo, its entry."""
        await self._leave_groups()
        made: Any = function(**arguments)
        if not hasattr(made, "asend"):
            return await made, None
        try:
            value = await made.asend(None)
        except StopAsyncIteration:
            raise RuntimeError(f"async fixture {name!r} has not reached its yield") from None
        entry = Entry(name, made)
        self._entries.append(entry)
        return value, entry

    async def tear_down(self, entry: Entry) -> None:
        """Run the rest of a fixture, unless it has ended."""
        await self._leave_groups()
        if not entry.ended:
            self._entries.remove(entry)
            await entry.finish()

    async def call(self, name: str, test: Callable[[], Awaitable[object]]) -> None:
        """Run a test, and look whether it has left a scope open."""
        scope = current_backend().create_cancel_scope(inf, None, False)
        scope.__enter__()
        error: BaseException | None = None
        try:
            await test()
        except BaseException as exc:
            error = exc
        try:
            scope.__exit__(None, None, None)
        except RuntimeError:
            if self._place is not None:
                self._place.leaky = True
            leak = Trouble(f"{name} has ended with a cancel scope or a task group still open")
            if error is None:
                raise leak from None
            raise BaseExceptionGroup("several errors", [error, leak]) from None
        if error is not None:
            try:
                raise error
            finally:
                del error

    async def open(self, child: Level) -> None:
        """Start the task of a lower level."""
        top = self._entries[-1] if self._entries else None
        if top is None or top.group is None:
            generator = _children(self.name)
            top = Entry(self.name, generator, await generator.asend(None))
            self._entries.append(top)
        assert top.group is not None
        child._before = {task.id for task in get_running_tasks()}
        child._handle = top.group.start_soon(child.live, name=child.name)
        top.children += 1
        child._place = top

    async def close(self, child: Level, *, look_for_tasks: bool) -> None:
        """End the task of a lower level, and look what it has left behind.

        :param look_for_tasks: whether tasks that were not there when it began count as left behind.
        """
        child._closing = True
        if child._parker is not None:
            child._parker.unpark(None)
        assert child._handle is not None
        await child._handle.wait()
        if child._place is not None:
            child._place.children -= 1
            child._place = None
        await self._leave_groups()
        if look_for_tasks:
            left = await self._tasks_left(child)
            if left:  # the levels above need not report them again
                raise Trouble(f"{child.name} has ended and left tasks running: {', '.join(left)}")

    async def _tasks_left(self, child: Level) -> list[str]:
        """Return the names of tasks that were not there before, and don't belong to a fixture of a higher level."""
        backend = current_backend()
        higher: set[int] = set()
        level: Level | None = self
        while level is not None:
            higher.add(level._task_id)
            level = level.parent
        caller = 0 if self._current is None else self._current.caller
        left: list[TaskInfo] = []
        for _ in range(LAST_STEPS):
            known = {caller, *higher, *child._before}
            left = []
            for task in sorted(get_running_tasks(), key=lambda task: task.id):
                if task.id in known or task.parent_id in known or task.name in KEPT:
                    known.add(task.id)
                else:
                    left.append(task)
            if not left:
                break
            await backend.cancel_shielded_checkpoint()
        level = self
        while level is not None:
            level._before.update(task.id for task in left)
            level = level.parent
        return [repr(task.name) for task in left]

    async def _leave_groups(self) -> None:
        """Leave the groups for lower levels that have none any more, where nothing lies above them."""
        while self._entries and self._entries[-1].group is not None and not self._entries[-1].children:
            await self._entries.pop().finish()


def _leaf(exc: BaseException) -> BaseException:
    while inner := members(exc):
        exc = inner[0]
    return exc


def _stray(exc: BaseException) -> BaseException:
    error = Trouble("cancelled, by no cancel scope: the task was cancelled natively, or raised a cancellation itself")
    error.__cause__ = exc
    return error
