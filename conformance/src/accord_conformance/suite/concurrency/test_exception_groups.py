"""Taking exception groups apart."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import accord
from accord.lowlevel import checkpoint
from accord_conformance.helpers import rule


def _tree() -> tuple[BaseExceptionGroup[BaseException], list[BaseException]]:
    """A group of groups, and its leaves in order."""
    errors: list[BaseException] = [ValueError(1), KeyError(2), ValueError(3), KeyboardInterrupt(), OSError(5)]
    inner = BaseExceptionGroup("inner", [errors[1], BaseExceptionGroup("innermost", errors[2:4])])
    return BaseExceptionGroup("outer", [errors[0], inner, errors[4]]), errors


@rule("EXC-1")
def test_leaves() -> None:
    """All leaves come from left to right; a kind selects some."""
    group, errors = _tree()
    assert accord.leaves(group) == tuple(errors)
    assert accord.leaves(group, ValueError) == (errors[0], errors[2])
    assert accord.leaves(group, (KeyError, OSError)) == (errors[1], errors[4])
    assert accord.leaves(group, Exception) == (*errors[:3], errors[4])
    assert accord.leaves(group, AssertionError) == ()
    assert accord.leaves(group, ExceptionGroup) == ()
    assert accord.leaves(errors[0]) == (errors[0],)
    assert accord.leaves(errors[0], OSError) == ()


@rule("EXC-1")
def test_leaves_are_distinct() -> None:
    """An object that is there twice is one leaf, and two equal ones are two."""
    error, equal = ValueError(1), ValueError(1)
    group = ExceptionGroup("outer", [ExceptionGroup("inner", [error, equal]), error])
    assert [id(leaf) for leaf in accord.leaves(group)] == [id(error), id(equal)]


@rule("EXC-1", "EXC-2")
def test_deep_groups() -> None:
    """The depth of a group does not matter."""
    leaf = ValueError("at the bottom")
    error: Any = leaf
    for _ in range(20_000):
        error = ExceptionGroup("one more", [error])
    assert accord.leaves(error) == (leaf,)
    assert accord.unwrap_single(error) is leaf


@rule("EXC-1", "EXC-2", "EXC-3")
@pytest.mark.parametrize("wrong", [None, "error", ValueError, 5])
def test_what_is_no_exception_is_refused(wrong: Any) -> None:
    """What is no exception, and what is no class of exceptions, is a TypeError."""
    with pytest.raises(TypeError):
        accord.leaves(wrong)
    with pytest.raises(TypeError):
        accord.unwrap_single(wrong)
    if wrong is not ValueError:
        with pytest.raises(TypeError):
            accord.raise_single(wrong)
        if wrong is not None:
            with pytest.raises(TypeError):
                accord.leaves(ValueError(), wrong)
    with pytest.raises(TypeError):
        accord.raise_single(ValueError, int)  # type: ignore[arg-type]


@rule("EXC-2")
def test_unwrap_single() -> None:
    """The only leaf is returned, and otherwise the error itself; nothing is changed."""
    group, errors = _tree()
    assert accord.unwrap_single(group) is group
    assert accord.unwrap_single(errors[0]) is errors[0]
    for single in (ExceptionGroup("a", [ExceptionGroup("b", [ValueError()])]), ExceptionGroup("a", [ValueError()] * 2)):
        single.add_note("a note")
        leaf = accord.unwrap_single(single)
        assert type(leaf) is ValueError
        assert leaf.__traceback__ is None
        assert not hasattr(leaf, "__notes__")
        assert len(accord.leaves(single)) == 1


async def _fail(error: BaseException) -> None:
    await checkpoint()
    raise error


async def _fail_in_groups(error: BaseException) -> None:
    async with accord.create_task_group(name="outer") as outer:
        outer.start_soon(_fail_in_group, error, name="worker")
        await accord.sleep_forever()


async def _fail_in_group(error: BaseException) -> None:
    async with accord.create_task_group(name="inner") as group:
        group.start_soon(_fail, error, name="failing")


@rule("EXC-3")
async def test_single_error_of_tasks() -> None:
    """The only error of tasks in nested groups is raised as itself."""
    error = ValueError("no luck")
    with pytest.raises(ValueError) as caught, accord.raise_single():
        await _fail_in_groups(error)
    assert caught.value is error
    with pytest.raises(ValueError) as caught, accord.raise_single(OSError, ValueError):
        await _fail_in_groups(error)
    assert caught.value is error
    interrupt = KeyError()
    with pytest.raises(KeyError) as caught_key, accord.raise_single():
        raise BaseExceptionGroup("one", [interrupt, interrupt])
    assert caught_key.value is interrupt


@rule("EXC-3")
def test_others_pass() -> None:
    """A group of several, an error of another kind and what is no group pass unchanged."""
    several = ExceptionGroup("two", [ValueError(1), ValueError(2)])
    other = ExceptionGroup("one", [KeyError(1)])
    bare = ValueError()
    for error, kinds in ((several, ()), (several, (ValueError,)), (other, (ValueError, OSError)), (bare, ())):
        for kind in kinds:
            assert isinstance(kind, type)
        with pytest.raises(type(error)) as caught, accord.raise_single(*kinds):
            raise error
        assert caught.value is error
        assert not hasattr(error, "__notes__")
    with accord.raise_single():
        pass


@rule("EXC-3")
async def test_cancellation_beside_an_error() -> None:
    """A group with a cancellation in it is left to the cancelled scope."""
    error = ValueError("during clean-up")

    async def stubborn() -> None:
        try:
            await accord.sleep_forever()
        finally:
            raise error

    with pytest.raises(ExceptionGroup) as caught, accord.CancelScope() as scope:
        with accord.raise_single():
            async with accord.create_task_group() as group:
                group.start_soon(stubborn)
                group.start_soon(accord.sleep_forever)
                await checkpoint()
                scope.cancel()
    assert accord.leaves(caught.value) == (error,)
    assert scope.cancelled_caught


@rule("EXC-4")
async def test_traceback() -> None:
    """The traceback leads through the code that the groups passed, and to where the error was raised."""
    with pytest.raises(ValueError) as caught, accord.raise_single():
        await _fail_in_groups(ValueError("no luck"))
    names = [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)]
    path = [name for name in names if name.startswith(("_fail", "test_"))]
    assert path.index("test_traceback") < path.index("_fail_in_groups") < path.index("_fail_in_group")
    assert path[-1] == "_fail"
    assert names[-1] == "_fail"


@rule("EXC-5")
async def test_notes() -> None:
    """The notes of the leaf come first, then each group's text and notes, once."""
    error = ValueError("no luck")
    error.add_note("mine")
    with pytest.raises(ValueError), accord.raise_single(), accord.raise_single():
        try:
            await _fail_in_groups(error)
        except ExceptionGroup as group:
            group.add_note("seen")
            raise
    assert error.__notes__ == [
        "mine",
        "in task 'failing'",
        "from the group \"1 error in task group 'inner'\"",
        "from the group \"1 error in task group 'outer'\"",
        "seen",
    ]


@rule("EXC-6")
def test_chain_of_the_leaf() -> None:
    """The leaf keeps its cause and context, and the group is not its context."""
    cause, context = KeyError("cause"), OSError("context")
    plain, caused, during, quiet = ValueError(), ValueError(), ValueError(), ValueError()
    caused.__cause__ = cause
    during.__context__ = context
    quiet.__context__, quiet.__suppress_context__ = context, True
    expected = [
        (plain, (None, None, False)),
        (caused, (cause, None, True)),
        (during, (None, context, False)),
        (quiet, (None, context, True)),
    ]
    for error, chain in expected:
        with pytest.raises(ValueError), accord.raise_single():
            raise ExceptionGroup("one", [error])
        assert (error.__cause__, error.__context__, error.__suppress_context__) == chain


@rule("EXC-6")
def test_chain_of_the_group() -> None:
    """What the group was raised from, or during, is at the end of the leaf's chain."""
    cause, context = KeyError("cause"), OSError("context")
    for own in (None, TypeError("own")):
        error = ValueError()
        error.__cause__ = own
        with pytest.raises(ValueError), accord.raise_single():
            raise ExceptionGroup("one", [error]) from cause
        assert (own or error).__cause__ is cause
        error = ValueError()
        error.__context__ = own
        if own is not None:
            own.__cause__ = None
        with pytest.raises(ValueError), accord.raise_single():
            try:
                raise context
            except OSError:
                raise ExceptionGroup("one", [error])  # noqa: B904 - the context is what is looked at
        assert (own or error).__context__ is context
