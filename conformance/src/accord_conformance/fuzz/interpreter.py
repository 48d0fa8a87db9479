"""Running a program and noting what happens in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

import accord
from accord.lowlevel import checkpoint
from accord.protocols import Backend, CancelScope, TaskHandle
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
    Raise,
    Scope,
    SetEvent,
    Shield,
    Sleep,
    Statement,
    Swallow,
    Thread,
    WaitEvent,
)

Trace = Mapping[str, tuple[str, ...]]
"""For each task what happened in it, in order, with the simulated times."""


LIMIT = 1000.0
"""Simulated seconds after which a program is cancelled."""


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
        self.tasks: dict[int, TaskHandle[None]] = {}
        self.events = [accord.Event() for _ in range(3)]
        self.start = accord.current_time()

    def note(self, task: str, text: str) -> None:
        """Note an event."""
        now = accord.current_time() - self.start
        self.trace.setdefault(task, []).append(f"{now:.6f} {text}")

    async def run(self, program: Block) -> Trace:
        """Run the program to its end, whatever that is."""
        async with accord.create_task_group() as group:
            group.start_soon(self.sweep)
            try:
                with accord.move_on_after(LIMIT) as limit:
                    await self.block("main", program)
                self.note("main", f"end, cut off: {limit.cancelled_caught}")
            except BaseException as exc:
                self.note("main", f"end with {describe(exc)}")
            group.cancel()
        return {task: tuple(events) for task, events in self.trace.items()}

    async def sweep(self) -> None:
        """End the waiting for events that nobody sets, which may go on behind a shield, where the limit can't reach."""
        for number, event in enumerate(self.events):
            await accord.sleep(LIMIT * (1.5 + number))
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
                await accord.to_thread.run_sync(int, abandon_on_cancel=abandon)
            case Raise(number):
                raise ProgramError(f"error {number}")
            case SetEvent(target):
                self.events[target].set()
            case WaitEvent(target):
                await self.events[target].wait()
            case Cancel() | CancelTask() | Shield() | Deadline():
                self.control(statement)
            case Scope():
                await self.scope(task, statement)
            case Group():
                await self.group(task, statement)
            case _:
                await self.handling(task, statement)

    def control(self, statement: Statement) -> None:
        """Do something to a scope or task that may be anywhere in its life, or not there yet."""
        match statement:
            case Cancel(target) if target in self.scopes:
                self.scopes[target].cancel()
            case CancelTask(target) if target in self.tasks:
                self.tasks[target].cancel()
            case Shield(target, up) if target in self.scopes:
                self.scopes[target].shield = up
            case Deadline(target, seconds) if target in self.scopes:
                self.scopes[target].deadline = accord.current_time() + seconds
            case _:
                pass

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
                await self.block(task, statement.body)
        finally:
            assert scope is not None
            # Of a scope that was not cancelled itself the rules don't say what it remembers once it is left.
            reason = scope.cancel_reason if scope.cancel_called else None
            self.note(
                task,
                f"scope {statement.target}: called {scope.cancel_called}, caught {scope.cancelled_caught}, "
                f"{None if reason is None else reason.kind}",
            )

    async def group(self, task: str, statement: Group) -> None:
        """Run a group."""
        group = accord.create_task_group()
        self.scopes[statement.target] = group.cancel_scope
        try:
            async with group:
                for child in statement.children:
                    if child.before_started is None:
                        self.tasks[child.target] = group.start_soon(self.child, child)
                    else:
                        self.tasks[child.target] = await group.start(self.starting, child, return_handle=True)
                await self.block(task, statement.body)
        finally:
            scope = group.cancel_scope
            self.note(task, f"group {statement.target}: called {scope.cancel_called}, caught {scope.cancelled_caught}")
            for child in statement.children:
                if child.target in self.tasks:
                    self.note(task, f"task {child.target}: {self.tasks[child.target].status.value}")

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
