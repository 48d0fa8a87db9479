"""The fuzzer's programs say everything, mean the same each time, and reveal a backend that is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, cast

import pytest

from accord_conformance import model
from accord_conformance.fuzz import programs
from accord_conformance.fuzz.__main__ import main
from accord_conformance.fuzz.compare import Reference, Subject, compare, minimise
from accord_conformance.fuzz.interpreter import trace
from accord_conformance.fuzz.programs import (
    Block,
    Cancel,
    Catch,
    Checkpoint,
    Child,
    Finally,
    Group,
    Raise,
    Scope,
    SetEvent,
    Sleep,
    Spawn,
    Statement,
    WaitEvent,
    Writer,
    lines,
)
from accord_conformance.fuzz.reduce import reduce

FROZEN = {"frozen": True}
REFERENCE = Reference(model.backend, FROZEN, 50)


class Unshielded(model._Scope):
    """A scope that takes no notice of its shield."""

    __slots__ = ()

    def up(self) -> list[model._Scope]:
        """Return the scope and all its ancestors."""
        return [self, *(() if self.parent is None else self.parent.up())]


class WithoutShields(model._Backend):
    """The model, but scopes are not shielded."""

    __slots__ = ()
    create_cancel_scope = Unshielded


BROKEN = Subject("the broken one", WithoutShields(), FROZEN)


def parts(thing: Any) -> Iterator[Statement]:
    """All statements in a program."""
    if isinstance(thing, Statement):
        yield thing
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from parts(getattr(thing, field.name))
    elif isinstance(thing, tuple):
        for part in cast("tuple[object, ...]", thing):
            yield from parts(part)


def test_programs_are_made_from_their_seed() -> None:
    """A seed stands for one program, and another for another."""
    assert Writer(1).program() == Writer(1).program()
    assert len({Writer(seed).program() for seed in range(100)}) > 95


def test_programs_say_everything() -> None:
    """All kinds of statements are used, and shown in a listing."""
    kinds = {kind for kind in vars(programs).values() if isinstance(kind, type) and issubclass(kind, Statement)}
    used: set[type[Statement]] = set()
    for seed in range(100):
        program = Writer(seed).program()
        used |= {type(statement) for statement in parts(program)}
        assert len(list(lines(program))) >= len(list(parts(program)))
    assert used == kinds - {Statement}


def test_programs_go_far() -> None:
    """Most programs are cancelled and have several tasks, and each is over before the limit cuts it off."""
    cancelled = tasks = 0
    for seed in range(200):
        found = trace(Writer(seed).program(), model.backend, FROZEN)
        cancelled += any("cancelled" in event for events in found.values() for event in events)
        tasks += len(found) > 2
        assert "cut off: False" in found["main"][-1]
    assert cancelled > 120
    assert tasks > 100


def test_trace() -> None:
    """What happens is noted for each task, with its time."""
    task = Child(2, (Sleep(1.0), Cancel(1)), None)
    program: Block = (Scope(1, None, False, False, (Group(3, (task,), (Sleep(2.5),)),)),)
    found = trace(program, model.backend, FROZEN)
    reason = "('parent', 'by task 2', 'task 2')"
    assert found["task 2"] == ("1.000000 Sleep done", "1.000000 Cancel done")
    assert found["main"] == (
        "1.000000 Sleep raises cancelled",
        f"1.000000 after group 3: called True, caught False, {reason}",
        "1.000000 task 2: finished",
        "1.000000 Group raises cancelled",
        "1.000000 in scope 1: called True, caught False, ('explicit', 'by task 2', 'task 2')",
        "1.000000 after scope 1: called True, caught True, ('explicit', 'by task 2', 'task 2')",
        "1.000000 Scope done",
        "1.000000 end, cut off: False",
    )


def test_order_is_no_difference() -> None:
    """What follows from the order of tasks that run at the same moment is no difference."""
    waiting = tuple(Child(number, (WaitEvent(0), Cancel(1), Checkpoint()), None) for number in (2, 3))
    program: Block = (Group(1, waiting, (Sleep(1.0), SetEvent(0))),)
    cancelled_by: set[int] = set()
    for seed in range(50):
        outcome = trace(program, model.backend, {**FROZEN, "seed": seed})
        cancelled_by |= {number for number in (2, 3) if f"by task {number}" in str(outcome["main"])}
        other = Subject("the model", model.backend, {**FROZEN, "seed": f"another {seed}"})
        found, tie = compare(program, [other], REFERENCE)
        assert not found
        assert tie == (trace(program, model.backend, other.options) != trace(program, model.backend, FROZEN))
    assert cancelled_by == {2, 3}


def test_difference_is_found_and_minimised() -> None:
    """A backend that is wrong is found out, and the program that is reported needs what it does wrong."""
    found = next(found for seed in range(200) for found in compare(Writer(seed).program(), [BROKEN], REFERENCE)[0])
    smallest = minimise(found, REFERENCE)
    statements = list(parts(smallest.program))
    assert len(statements) < len(list(parts(found.program)))
    assert [scope.shield for scope in statements if isinstance(scope, Scope)].count(True) == 1
    report = smallest.report()
    assert report.startswith("the broken one differs")
    assert "shield=True" in report
    assert "reference:" in report


def test_reduce() -> None:
    """What is not needed is left out, wherever it is."""
    raising = (Sleep(1.0), Catch((Sleep(2.0), Finally((Raise(7),), (Sleep(3.0),)))))
    child = Child(5, (Sleep(4.0), *raising), (Sleep(5.0),))
    program: Block = (Sleep(6.0), Scope(1, 1.0, True, True, (Group(2, (child, child), (Spawn(2, child),)), Sleep(8.0))))

    def raises_in_a_task(candidate: Block) -> bool:
        groups = [part for part in parts(candidate) if isinstance(part, Group)]
        return any(Raise(7) in parts(child) for group in groups for child in group.children)

    assert reduce(program, raises_in_a_task) == (Group(2, (Child(5, (Raise(7),), None),), ()),)
    assert reduce(program, lambda candidate: candidate == program) == program


@pytest.mark.parametrize("status", [0, 1])
def test_command(status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command reports differences, and says by its status whether there were any."""
    backend = WithoutShields() if status else model.backend
    subject = Subject("it", backend, FROZEN)

    def only_it(*_: object) -> Subject:
        return subject

    monkeypatch.setattr("accord_conformance.fuzz.__main__.Subject", only_it)
    assert main(["it", "--programs", "60", "--schedules", "20"]) == status
    output = capsys.readouterr().out
    assert ("it differs" in output) == bool(status)
    assert "60 programs" in output.splitlines()[-1]


def test_installed_backends(capsys: pytest.CaptureFixture[str]) -> None:
    """The backends of accord do what the model does."""
    assert main(["--programs", "1000"]) == 0, capsys.readouterr().out
