"""The toolkit for backends: names, checks, and the texts and tracebacks of errors."""

from __future__ import annotations

import functools
import subprocess
import sys
from math import inf, nan

import pytest

from accord.toolkit import check_deadline, check_options, exit_exception, group_error, note_task, split, task_name


class Callable:
    """Something with an asynchronous call."""

    async def __call__(self) -> None:
        """Do nothing."""

    async def method(self) -> None:
        """Do nothing."""


def test_names() -> None:
    """A task is called after the function under partials, methods and callable objects."""
    here = __name__
    assert task_name(Callable().method) == f"{here}.Callable.method"
    assert task_name(functools.partial(functools.partial(Callable().method))) == f"{here}.Callable.method"
    assert task_name(Callable()) == f"{here}.Callable"
    assert task_name(len) == "builtins.len"
    assert task_name(len, 5) == "5"


@pytest.mark.parametrize(
    ("value", "error"), [("5", TypeError), (None, TypeError), (True, TypeError), (nan, ValueError)]
)
def test_wrong_deadlines(value: object, error: type[Exception]) -> None:
    """What is no real number is refused with the argument's name."""
    with pytest.raises(error, match="deadline"):
        check_deadline(value)


def test_deadlines() -> None:
    """Every real number is a deadline; an int too large for a float is refused."""
    assert check_deadline(-inf) == -inf
    assert check_deadline(3) == 3.0
    with pytest.raises(ValueError, match="too large"):
        check_deadline(10**400)


def test_options() -> None:
    """An unknown option is named, and the known ones are listed."""
    check_options("mine", {"a": 1}, ["a", "b"])
    with pytest.raises(TypeError, match="'mine' has no option 'c'; its options are a, b"):
        check_options("mine", {"c": 1}, ["b", "a"])


def test_group_texts() -> None:
    """The text counts the errors and names the group."""
    assert group_error([ValueError()], "ingest").message == "1 error in task group 'ingest'"
    assert group_error([ValueError(), KeyError()], None).message == "2 errors in a task group"


def test_notes_are_added_once() -> None:
    """A leaf keeps the note of the innermost task."""
    leaf = ValueError()
    note_task(leaf, "inner")
    note_task(ExceptionGroup("", [leaf, other := KeyError()]), "outer")
    assert leaf.__notes__ == ["in task 'inner'"]
    assert other.__notes__ == ["in task 'outer'"]


def test_split() -> None:
    """An exception group without a match stays the same object."""
    group = ExceptionGroup("", [ValueError()])
    assert split(group, KeyError) == (None, group)
    assert split(group, KeyError)[1] is group
    matching, rest = split(ExceptionGroup("", [ValueError(), KeyError()]), KeyError)
    assert isinstance(matching, ExceptionGroup)
    assert isinstance(rest, ExceptionGroup)


def test_exit_leaves_its_group() -> None:
    """SystemExit comes out of nested groups, with the group as cause; other groups stay."""
    leaf = SystemExit(3)
    group = BaseExceptionGroup("", [ValueError(), BaseExceptionGroup("", [leaf])])
    assert exit_exception(group) is leaf
    assert leaf.__cause__ is group
    other = ExceptionGroup("", [ValueError()])
    assert exit_exception(other) is other


@pytest.mark.parametrize("debug", [False, True])
def test_library_frames(debug: bool) -> None:
    """Tracebacks of errors that cross a group hold no library frames, unless ACCORD_DEBUG=1."""
    program = (
        "import accord, traceback\n"
        "async def fail(): raise ValueError('mine')\n"
        "async def main():\n"
        "    async with accord.create_task_group() as group:\n"
        "        group.start_soon(fail)\n"
        "try:\n"
        "    accord.run(main, backend='asyncio')\n"
        "except ExceptionGroup as group:\n"
        "    frames = traceback.extract_tb(group.exceptions[0].__traceback__)\n"
        "    print([frame.name for frame in frames])\n"
    )
    environment = {"ACCORD_DEBUG": "1"} if debug else {}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert done.stdout.strip() == ("['_run', 'fail']" if debug else "['fail']")
