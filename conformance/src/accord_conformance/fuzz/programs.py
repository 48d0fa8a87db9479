"""Random programs.

A program is a tree of statements. All durations are different real numbers, so that two timers practically never go off
at the same moment, and what happens is decided by the rules and not by the order in which a backend serves tasks that
became runnable together. Where the order still matters (several tasks unwind from one cancellation and affect each
other), ``compare`` finds out and does not count it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Statement:
    """Anything that a program can do."""


Block = tuple[Statement, ...]


@dataclass(frozen=True)
class Sleep(Statement):
    """Wait."""

    seconds: float


@dataclass(frozen=True)
class Checkpoint(Statement):
    """Yield once."""


@dataclass(frozen=True)
class Thread(Statement):
    """Call a function in a worker thread, which takes no simulated time."""

    abandon: bool


@dataclass(frozen=True)
class Raise(Statement):
    """Raise an error with a number."""

    number: int


@dataclass(frozen=True)
class Cancel(Statement):
    """Cancel a scope or group, wherever it is in its life."""

    target: int


@dataclass(frozen=True)
class CancelTask(Statement):
    """Cancel a task through its handle."""

    target: int


@dataclass(frozen=True)
class Shield(Statement):
    """Raise or lower the shield of a scope."""

    target: int
    up: bool


@dataclass(frozen=True)
class Deadline(Statement):
    """Move the deadline of a scope to some seconds from now."""

    target: int
    seconds: float


@dataclass(frozen=True)
class Look(Statement):
    """Note what a scope says, wherever it is in its life, and until when the current task may wait."""

    target: int


@dataclass(frozen=True)
class Join(Statement):
    """Wait for a task, but no longer than some seconds, because it may be waiting for this one."""

    target: int
    seconds: float


@dataclass(frozen=True)
class SetEvent(Statement):
    """Raise a flag."""

    target: int


@dataclass(frozen=True)
class WaitEvent(Statement):
    """Wait for a flag."""

    target: int


@dataclass(frozen=True)
class Scope(Statement):
    """A block in a scope."""

    target: int
    seconds: float | None
    shield: bool
    fail: bool
    body: Block


@dataclass(frozen=True)
class Child:
    """A task of a group."""

    target: int
    body: Block
    before_started: Block | None
    """If not None the task is begun by ``start()``, and does this before it says that it is started."""


@dataclass(frozen=True)
class Group(Statement):
    """A task group: its tasks are begun in order, then its body runs."""

    target: int
    children: tuple[Child, ...]
    body: Block


@dataclass(frozen=True)
class Spawn(Statement):
    """Begin a task in a group that is further out, or not open any more."""

    group: int
    child: Child


@dataclass(frozen=True)
class Catch(Statement):
    """Swallow errors of the block, but no cancellation."""

    body: Block


@dataclass(frozen=True)
class Swallow(Statement):
    """Swallow a cancellation that comes out of the block, as code should not."""

    body: Block


@dataclass(frozen=True)
class Finally(Statement):
    """Clean up after a block."""

    body: Block
    clean_up: Block


Choice = tuple[int, Callable[[], Statement]]
"""A weight, and what makes a statement."""


@dataclass
class Writer:
    """Makes one program from a seed."""

    seed: int
    size: int = 40
    _random: Random = field(init=False)
    _left: int = field(init=False)
    _names: int = 0
    _scopes: list[int] = field(default_factory=list[int])
    _groups: list[int] = field(default_factory=list[int])
    _tasks: list[int] = field(default_factory=list[int])

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._left = self._random.randint(5, self.size)

    def program(self) -> Block:
        """Return the program."""
        statements: list[Statement] = []
        while self._left > 0:  # an error ends one statement, not the program
            statements.append(Catch(self._block(0)))
        return tuple(statements)

    def _name(self) -> int:
        self._names += 1
        return self._names

    def _seconds(self) -> float:
        return self._random.uniform(0.1, 10)

    def _block(self, depth: int) -> Block:
        statements: list[Statement] = []
        for _ in range(self._random.randint(1, 4)):
            if self._left <= 0:
                break
            self._left -= 1
            statements.append(self._statement(depth))
        return tuple(statements) or (Sleep(self._seconds()),)

    def _statement(self, depth: int) -> Statement:
        choices = self._simple()
        if depth < 6:
            choices += self._compound(depth)
        (make,) = self._random.choices([make for _, make in choices], [weight for weight, _ in choices])
        return make()

    def _simple(self) -> list[Choice]:
        choose, chance = self._random.choice, self._random.random
        choices: list[Choice] = [
            (8, lambda: Sleep(self._seconds())),
            (1, Checkpoint),
            (1, lambda: Thread(chance() < 0.5)),
            (1, lambda: Raise(self._name())),
            (2, lambda: SetEvent(self._random.randint(0, 2))),
            (2, lambda: WaitEvent(self._random.randint(0, 2))),
        ]
        if self._scopes:
            choices += [
                (3, lambda: Cancel(choose(self._scopes))),
                (2, lambda: Shield(choose(self._scopes), chance() < 0.5)),
                (2, lambda: Deadline(choose(self._scopes), self._seconds())),
                (2, lambda: Look(choose(self._scopes))),
            ]
        if self._tasks:
            choices += [
                (2, lambda: CancelTask(choose(self._tasks))),
                (2, lambda: Join(choose(self._tasks), self._seconds())),
            ]
        return choices

    def _compound(self, depth: int) -> list[Choice]:
        choices: list[Choice] = [
            (7, lambda: self._scope(depth)),
            (5, lambda: self._group(depth)),
            (1, lambda: Catch(self._block(depth + 1))),
            (1, lambda: Swallow(self._block(depth + 1))),
            (2, lambda: Finally(self._block(depth + 1), self._block(depth + 1))),
        ]
        if self._groups:
            choices.append((3, lambda: Spawn(self._random.choice(self._groups), self._child(depth))))
        return choices

    def _scope(self, depth: int) -> Scope:
        target = self._name()
        self._scopes.append(target)
        seconds = self._seconds() if self._random.random() < 0.5 else None
        shield = self._random.random() < 0.3
        fail = seconds is not None and self._random.random() < 0.3
        return Scope(target, seconds, shield, fail, self._block(depth + 1))

    def _group(self, depth: int) -> Group:
        target = self._name()
        self._scopes.append(target)
        self._groups.append(target)
        children = tuple(self._child(depth) for _ in range(self._random.randint(1, 3)))
        body = self._block(depth + 1)
        if self._random.random() < 0.9:
            self._groups.remove(target)
        return Group(target, children, body)

    def _child(self, depth: int) -> Child:
        target = self._name()
        self._tasks.append(target)
        before: Block | None = None
        if self._random.random() < 0.2:
            before = (Sleep(self._seconds()), *self._block(depth + 1))
        # Tasks begin at the same moment; the first wait puts them in a definite order.
        return Child(target, (Sleep(self._seconds()), *self._block(depth + 1)), before)


def lines(block: Block, indent: str = "") -> Iterator[str]:
    """Return the lines of a readable listing."""
    for statement in block:
        match statement:
            case Scope(target, seconds, shield, fail, body):
                kind = "fail_after" if fail else "scope"
                yield f"{indent}{kind} {target} after={seconds and round(seconds, 3)} shield={shield}:"
                yield from lines(body, indent + "  ")
            case Group(target, children, body):
                yield f"{indent}group {target}:"
                for child in children:
                    yield from _lines_of_child(child, indent + "  ")
                yield f"{indent}  body:"
                yield from lines(body, indent + "    ")
            case Spawn(group, child):
                yield f"{indent}in group {group}:"
                yield from _lines_of_child(child, indent + "  ")
            case Catch(body) | Swallow(body):
                yield f"{indent}{type(statement).__name__.lower()}:"
                yield from lines(body, indent + "  ")
            case Finally(body, clean_up):
                yield f"{indent}try:"
                yield from lines(body, indent + "  ")
                yield f"{indent}finally:"
                yield from lines(clean_up, indent + "  ")
            case _:
                yield f"{indent}{statement}"


def _lines_of_child(child: Child, indent: str) -> Iterator[str]:
    if child.before_started is None:
        yield f"{indent}task {child.target}:"
    else:
        yield f"{indent}start {child.target}:"
        yield from lines(child.before_started, indent + "  ")
        yield f"{indent}then:"
    yield from lines(child.body, indent + "  ")
