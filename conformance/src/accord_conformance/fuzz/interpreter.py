"""Running a program and noting what happens in it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager

import accord
from accord.lowlevel import checkpoint, current_backend
from accord.protocols import Backend, CancelScope, TaskGroup, TaskHandle
from accord.toolkit.errors import members

from .programs import (
    Block,
    Cancel,
    CancelTask,
    Catch,
    Checkpoint,
    Child,
    Deadline,
    Finally,
    Group,
    Join,
    Look,
    Raise,
    Scope,
    SetEvent,
    Shield,
    Sleep,
    Spawn,
    Statement,
    Swallow,
    Thread,
    WaitEvent,
)

Trace = Mapping[str, tuple[str, ...]]
"""For each task what happened in it, in order, with the simulated times."""


LIMIT = 300.0
"""Simulated seconds after which a program is cancelled."""

PATIENCE = 17.1
"""Simulated seconds after which one more event is set, if the program has not done it."""


class ProgramError(Exception):
    """What a program raises."""


def describe(exc: BaseException) -> str:
    """Return an exception's shape, without what may differ between backends."""
    if inner := members(exc):
        return f"({', '.join(sorted(describe(member) for member in inner))})"
    if isinstance(exc, ProgramError):
        return str(exc)
    if isinstance(exc, accord.get_cancelled_exc_class()):
        return "cancelled"
    return type(exc).__name__


class Interpreter:
    """One run of a program."""

    def __init__(self) -> None:
        self.trace: dict[str, list[str]] = {}
        self.scopes: dict[int, CancelScope] = {}
        self.groups: dict[int, TaskGroup] = {}
        self.tasks: dict[int, TaskHandle[None]] = {}
        self.events = [accord.Event() for _ in range(3)]
        self.helpers = accord.create_task_group()
        self.threads = accord.Lock()
        self.start = accord.current_time()

    def note(self, task: str, text: str) -> None:
        """Note an event."""
        now = accord.current_time() - self.start
        self.trace.setdefault(task, []).append(f"{now:.6f} {text}")

    async def run(self, program: Block) -> Trace:
        """Run the program to its end, whatever that is."""
        async with self.helpers:
            self.helpers.start_soon(self.sweep)
            try:
                with accord.move_on_after(LIMIT) as limit:
                    await self.block("main", program)
                self.note("main", f"end, cut off: {limit.cancelled_caught}")
            except BaseException as exc:
                self.note("main", f"end with {describe(exc)}")
            self.helpers.cancel()
        return {task: tuple(events) for task, events in self.trace.items()}

    async def sweep(self) -> None:
        """End the waiting for events that nobody sets."""
        for event in self.events:
            await accord.sleep(PATIENCE)
            event.set()

    async def block(self, task: str, block: Block) -> None:
        """Run the statements of a block."""
        for statement in block:
            try:
                await self.statement(task, statement)
            except BaseException as exc:
                self.note(task, f"{type(statement).__name__} raises {describe(exc)}")
                raise
            self.note(task, f"{type(statement).__name__} done")

    async def statement(self, task: str, statement: Statement) -> None:
        """Run one statement."""
        match statement:
            case Sleep(seconds):
                await accord.sleep(seconds)
            case Checkpoint():
                await checkpoint()
            case Thread(abandon):
                await self.thread(abandon)
            case Raise(number):
                raise ProgramError(f"error {number}")
            case SetEvent(target):
                self.events[target].set()
            case WaitEvent(target):
                await self.events[target].wait()
            case Cancel() | CancelTask() | Shield() | Deadline() | Look():
                self.control(task, statement)
            case Join(target, seconds):
                await self.join(task, target, seconds)
            case Scope():
                await self.scope(task, statement)
            case Group():
                await self.group(task, statement)
            case Spawn(target, child):
                if target in self.groups:
                    await self.spawn(self.groups[target], child)
            case _:
                await self.handling(task, statement)

    async def thread(self, abandon: bool) -> None:
        """Wait for a thread, which ends when nothing else happens any more, so that it is no race in real time."""
        release, done = threading.Event(), accord.Event()
        self.helpers.start_soon(self.release, release, done)
        try:
            await accord.to_thread.run_sync(release.wait, abandon_on_cancel=abandon)
        finally:
            release.set()
            done.set()

    async def release(self, thread: threading.Event, done: accord.Event) -> None:
        """End one thread after the other."""
        testing = current_backend().testing
        assert testing is not None
        async with self.threads:
            await testing.wait_all_tasks_blocked()
            thread.set()
            await done.wait()

    def control(self, task: str, statement: Statement) -> None:
        """Do something to a scope or task that may be anywhere in its life, or not there yet."""
        match statement:
            case Cancel(target) if target in self.scopes:
                self.scopes[target].cancel(f"by {task}")
            case CancelTask(target) if target in self.tasks:
                self.tasks[target].cancel(f"by {task}")
            case Shield(target, up) if target in self.scopes:
                self.scopes[target].shield = up
            case Deadline(target, seconds) if target in self.scopes:
                self.scopes[target].deadline = accord.current_time() + seconds
            case Look(target) if target in self.scopes:
                self.look(task, f"scope {target}", self.scopes[target])
                deadline = accord.current_effective_deadline() - self.start
                pending = accord.get_current_task().has_pending_cancellation()
                self.note(task, f"may wait until {deadline:.6f}, cancelled: {pending}")
            case _:
                pass

    def look(self, task: str, title: str, scope: CancelScope) -> None:
        """Note what a scope says."""
        reason = tuple(scope.cancel_reason or ())
        self.note(task, f"{title}: called {scope.cancel_called}, caught {scope.cancelled_caught}, {reason}")

    async def join(self, task: str, target: int, seconds: float) -> None:
        """Wait for a task."""
        if target in self.tasks:
            with accord.move_on_after(seconds):
                await self.tasks[target].wait()
            self.note(task, f"task {target}: {self.tasks[target].status.value}")

    async def scope(self, task: str, statement: Scope) -> None:
        """Run a block in a scope, and note what the scope says afterwards."""
        manager: AbstractContextManager[CancelScope]
        if statement.fail:
            manager = accord.fail_after(statement.seconds, statement.shield)
        else:
            manager = accord.move_on_after(statement.seconds, statement.shield)
        scope: CancelScope | None = None
        try:
            with manager as scope:
                self.scopes[statement.target] = scope
                try:
                    await self.block(task, statement.body)
                finally:
                    self.look(task, f"in scope {statement.target}", scope)
        finally:
            assert scope is not None
            self.look(task, f"after scope {statement.target}", scope)

    async def group(self, task: str, statement: Group) -> None:
        """Run a group."""
        group = accord.create_task_group()
        self.scopes[statement.target] = group.cancel_scope
        try:
            async with group:
                self.groups[statement.target] = group
                for child in statement.children:
                    await self.spawn(group, child)
                await self.block(task, statement.body)
        finally:
            self.look(task, f"after group {statement.target}", group.cancel_scope)
            for child in statement.children:
                if child.target in self.tasks:
                    self.note(task, f"task {child.target}: {self.tasks[child.target].status.value}")

    async def spawn(self, group: TaskGroup, child: Child) -> None:
        """Begin a task."""
        name = f"task {child.target}"
        if child.before_started is None:
            self.tasks[child.target] = group.start_soon(self.child, child, name=name)
        else:
            self.tasks[child.target] = await group.start(self.starting, child, name=name, return_handle=True)

    async def child(self, child: Child) -> None:
        """Be a task of a group."""
        await self.block(f"task {child.target}", child.body)

    async def starting(self, child: Child, *, task_status: accord.TaskStatus[None]) -> None:
        """Be a task begun by ``start()``."""
        assert child.before_started is not None
        await self.block(f"task {child.target}", child.before_started)
        task_status.started()
        await self.block(f"task {child.target}", child.body)

    async def handling(self, task: str, statement: Statement) -> None:
        """Run a statement that handles exceptions."""
        match statement:
            case Catch(body):
                try:
                    await self.block(task, body)
                except Exception as exc:
                    self.note(task, f"caught {describe(exc)}")
            case Swallow(body):
                try:
                    await self.block(task, body)
                except accord.get_cancelled_exc_class():
                    self.note(task, "swallowed")
            case Finally(body, clean_up):
                try:
                    await self.block(task, body)
                finally:
                    await self.block(task, clean_up)
            case _:
                raise AssertionError(f"unknown statement {statement}")


async def interpret(program: Block) -> Trace:
    """Run a program in the running loop."""
    return await Interpreter().run(program)


def trace(program: Block, backend: str | Backend, options: Mapping[str, object]) -> Trace:
    """Run a program on a backend and return its trace."""
    return accord.run(interpret, program, backend=backend, backend_options=options)
